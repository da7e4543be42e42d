//! People, their devices, and contact records of a wanted size.

use corella_identity::{AddressOfRecord, Credential, DeviceKey, Millis};
use corella_overlay::contacts::{ADDRESS_LIMIT, ContactSet};
use corella_overlay::record::{RecordError, Value};
use corella_overlay::{Clock, Key, Record};
use libp2p::{Multiaddr, PeerId};

use crate::LabError;

/// How long the laboratory's records live.
const LIFE: Millis = 60 * 60 * 1000;
/// The longest address that a contact may have is about this long, as text.
const LONG: usize = 190;
/// What is around the name in an address.
const AROUND: usize = "/dns4//tcp/4001".len();
/// Steps in which the largest record that is allowed is sought.
const STEP: usize = 64;

/// The time by which records are signed.
pub fn now() -> Millis {
    Clock::system().now()
}

/// The key under which the contacts of somebody are.
///
/// # Errors
/// That is no name for an address.
pub fn key(name: &str) -> Result<Key, LabError> {
    Ok(Key::Contacts(address(name)?))
}

fn address(name: &str) -> Result<AddressOfRecord, LabError> {
    let text = format!("{name}@lab.example");
    text.parse()
        .map_err(|_| LabError::needed(format!("an address such as {text}")))
}

/// Somebody with some devices.
pub struct Person {
    credential: Credential,
    devices: Vec<PeerId>,
}

impl Person {
    /// Somebody with so many devices.
    ///
    /// # Errors
    /// No certificate can be made.
    pub fn new(name: &str, devices: usize) -> Result<Self, LabError> {
        Ok(Self {
            credential: Credential::self_signed(&address(name)?, now())?,
            devices: (0..devices).map(|_| DeviceKey::generate().peer_id()).collect(),
        })
    }

    /// Under which key others find them.
    pub fn key(&self) -> Key {
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
        let sign = |peer: &PeerId| Ok(sign(&self.credential, *peer, &shape.0, sequence)?);
        self.devices.iter().map(sign).collect()
    }
}

fn sign(
    credential: &Credential,
    peer: PeerId,
    addresses: &[Multiaddr],
    sequence: Millis,
) -> Result<Record, RecordError> {
    let value = Value::Contacts(ContactSet {
        peer,
        addresses: addresses.to_vec(),
    });
    let key = Key::Contacts(credential.address().clone());
    Record::sign(credential, key, value, sequence, sequence + LIFE)
}

/// The addresses that make a record as large as wanted.
#[derive(Clone, Debug)]
pub struct Shape(Vec<Multiaddr>);

impl Shape {
    /// Records of about this size, at least the smallest there are, at most the largest that is allowed. Gives the true size as well.
    ///
    /// # Errors
    /// Not even a small record can be signed.
    pub fn of_size(size: usize) -> Result<(Self, usize), LabError> {
        let person = Person::new("u00000", 1)?;
        let length = |addresses: &[Multiaddr]| {
            let record = sign(&person.credential, person.devices[0], addresses, now())?;
            Ok::<usize, LabError>(record.to_xml().len())
        };
        let (one, two) = (length(&[padding(1)?])?, length(&[padding(1)?, padding(1)?])?);
        let mut wanted = size;
        loop {
            // An address costs its text and what the record writes around it.
            let mut left = wanted.saturating_sub(one);
            let around = two - one - (AROUND + 1);
            let mut addresses = vec![padding(1 + left.min(LONG - AROUND - 1))?];
            left = left.saturating_sub(LONG - AROUND - 1);
            while left > around + AROUND && addresses.len() < ADDRESS_LIMIT {
                let name = (left - around - AROUND).min(LONG - AROUND);
                addresses.push(padding(name)?);
                left -= around + AROUND + name;
            }
            match length(&addresses) {
                Ok(length) => return Ok((Self(addresses), length)),
                Err(LabError::Record(RecordError::TooLarge)) => wanted -= STEP,
                Err(error) => return Err(error),
            }
        }
    }
}

/// An address with a host name of some length.
fn padding(length: usize) -> Result<Multiaddr, LabError> {
    let name: String = (1..=length)
        .map(|at| if at % 50 == 0 && at != length { '.' } else { 'x' })
        .collect();
    let text = format!("/dns4/{name}/tcp/4001");
    text.parse()
        .map_err(|_| LabError::needed(format!("an address such as {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_size_that_was_asked_for() {
        for wanted in [2300, 2500, 3000, 4000] {
            let (_, size) = Shape::of_size(wanted).unwrap();
            assert!(size.abs_diff(wanted) <= 128, "{wanted} became {size}");
        }
        let (_, largest) = Shape::of_size(1 << 20).unwrap();
        assert!(largest > 4096, "{largest}");
    }
}
