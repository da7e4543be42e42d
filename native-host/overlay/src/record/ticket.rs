//! Tickets: how a person's device proves to a node that it may read what only that person reads.

use std::fmt;

use corella_identity::{Credential, Fingerprint, Millis};

use super::{Body, HOUR, Record, RecordError, Value, time};
use crate::key::Key;

/// How long a ticket is good. It goes to nodes that keep the records anyway, so it need not be short; it must outlast
/// clocks that differ.
const LIFE: Millis = 30 * 60 * 1000;

/// A request to read, signed by the person whom the key names: a `dhtRecord` whose value is `<string>get</string>`. It
/// is never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket(Record);

impl Ticket {
    /// Writes a ticket for a key of the credential's own address. It is good for half an hour.
    ///
    /// # Errors
    /// The key names somebody else, or the credential is not valid now.
    pub fn sign(credential: &Credential, key: Key, now: Millis) -> Result<Self, RecordError> {
        let body = Body {
            key,
            value: Value::Read { nonce: rand::random() },
            expires: time::whole_seconds(now + LIFE),
            sequence: now,
        };
        Record::sign_body(credential, body).map(Self)
    }

    /// Reads a ticket and verifies it.
    ///
    /// # Errors
    /// Each kind of [`RecordError`]; a record that is none is [`RecordError::OtherKind`].
    pub fn from_xml(xml: &[u8], now: Millis) -> Result<Self, RecordError> {
        let record = Record::from_any_xml(xml, now)?;
        match record.value() {
            Value::Read { .. } if record.expires() > now + HOUR => Err(RecordError::LivesTooLong),
            Value::Read { .. } => Ok(Self(record)),
            _ => Err(RecordError::OtherKind),
        }
    }

    /// What it allows to read.
    pub fn key(&self) -> &Key {
        self.0.key()
    }

    /// The credential that signed it: what is sealed to this one may be read.
    pub fn reader(&self) -> Fingerprint {
        self.0.signer().fingerprint()
    }

    /// The ticket in its one form.
    pub fn to_xml(&self) -> &str {
        self.0.to_xml()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}
