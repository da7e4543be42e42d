//! People, their devices, and records of a wanted size.
//!
//! They are private data: of all kinds that anybody may read these are the ones that may be small and large.

use corella_identity::{AddressOfRecord, Credential, Millis};
use corella_overlay::key::Label;
use corella_overlay::record::{INLINE_LIMIT, Nonce, RecordError, Sealed, Value};
use corella_overlay::{Clock, Key, Record};

use crate::LabError;

/// How long the laboratory's records live.
const LIFE: Millis = 60 * 60 * 1000;
/// Where everybody keeps their data, whatever their secret.
const LABEL: Label = Label([7; 32]);

/// The time by which records are signed.
pub fn now() -> Millis {
    Clock::system().now()
}

/// The key under which the records of somebody are.
///
/// # Errors
/// That is no name for an address.
pub fn key(name: &str) -> Result<Key, LabError> {
    Ok(Key::Private(address(name)?, LABEL))
}

fn address(name: &str) -> Result<AddressOfRecord, LabError> {
    let text = format!("{name}@lab.example");
    text.parse()
        .map_err(|_| LabError::needed(format!("an address such as {text}")))
}

/// Somebody with some devices.
pub struct Person {
    credential: Credential,
    devices: Vec<Nonce>,
}

impl Person {
    /// Somebody with so many devices.
    ///
    /// # Errors
    /// No certificate can be made.
    pub fn new(name: &str, devices: usize) -> Result<Self, LabError> {
        Ok(Self {
            credential: Credential::self_signed(&address(name)?, now())?,
            devices: (0..devices).map(|_| rand::random()).collect(),
        })
    }

    /// Under which key others find their records.
    pub fn key(&self) -> Key {
        Key::Private(self.credential.address().clone(), LABEL)
    }

    /// Under which key others find their devices, once a node publishes them.
    pub fn contacts_key(&self) -> Key {
        Key::Contacts(self.credential.address().clone())
    }

    /// Their certificate and its key.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// A record for each device.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn records(&self, shape: &Shape, sequence: Millis) -> Result<Vec<Record>, LabError> {
        let sign = |device: &Nonce| Ok(sign(&self.credential, *device, shape.0, sequence)?);
        self.devices.iter().map(sign).collect()
    }
}

fn sign(credential: &Credential, nonce: Nonce, content: usize, sequence: Millis) -> Result<Record, RecordError> {
    let sealed = Sealed::Inline((0..content).map(|_| rand::random()).collect());
    let key = Key::Private(credential.address().clone(), LABEL);
    Record::sign(
        credential,
        key,
        Value::Private { nonce, sealed },
        sequence,
        sequence + LIFE,
    )
}

/// Reads a record anew, as whoever gets it does.
///
/// # Errors
/// It is no good.
pub fn verify(record: &Record) -> Result<(), LabError> {
    Record::from_xml(record.to_xml().as_bytes(), now())?;
    Ok(())
}

/// How many bytes of content make a record as large as wanted.
#[derive(Clone, Debug)]
pub struct Shape(usize);

impl Shape {
    /// Records of about this size, at least the smallest there are, at most the largest that is allowed. Gives the true size as well.
    ///
    /// # Errors
    /// Not even a small record can be signed.
    pub fn of_size(size: usize) -> Result<(Self, usize), LabError> {
        let person = Person::new("u00000", 1)?;
        let length = |content: usize| {
            let record = sign(&person.credential, person.devices[0], content, now())?;
            Ok::<usize, LabError>(record.to_xml().len())
        };
        // Base64 makes four characters of three bytes.
        let content = 3 + size.saturating_sub(length(3)?) / 4 * 3;
        let content = content.min(INLINE_LIMIT);
        Ok((Self(content), length(content)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_size_that_was_asked_for() {
        for wanted in [2300, 2500, 3000, 4000, 8192] {
            let (_, size) = Shape::of_size(wanted).unwrap();
            assert!(size.abs_diff(wanted) <= 16, "{wanted} became {size}");
        }
        let (_, largest) = Shape::of_size(1 << 20).unwrap();
        assert!(largest > 8192, "{largest}");
    }
}
