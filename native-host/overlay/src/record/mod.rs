//! Signed records: the draft's `dhtRecord` in the strict profile that `RECORDS.md` describes.
//!
//! A [`Record`] in hand is a record whose signature is good: it came from [`Record::from_xml`], which verifies, or from
//! [`Record::sign`]. It has exactly one form in bytes, [`Record::to_xml`]; whatever else a generic XML reader would take
//! for the same is refused.

mod error;
mod form;
mod grammar;
#[cfg(test)]
mod tests;
mod time;

use std::fmt;
use std::sync::Arc;

use corella_identity::{Certificate, Credential, Fingerprint, Millis};
use data_encoding::{BASE64, HEXLOWER};
use libp2p::PeerId;

pub use error::RecordError;

use crate::contacts::ContactSet;
use crate::key::Key;
use grammar::{Parts, ValueParts};

/// Largest record in bytes. It is checked before anything else.
pub const RECORD_LIMIT: usize = 8192;
/// Largest `value` element in bytes.
pub const VALUE_LIMIT: usize = 4096;
/// Most certificates of a chain, beside the signer's own.
pub const CHAIN_LIMIT: usize = 3;
/// How far a writer's clock may be ahead of ours.
pub const CLOCK_TOLERANCE: Millis = 10 * 60 * 1000;

const HOUR: Millis = 60 * 60 * 1000;

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Where one device is.
    Contacts(ContactSet),
    /// The signer's own certificate, then those between it and its authority.
    Certificate(Vec<Certificate>),
}

/// What tells apart the records of one signer under one key: each slot holds one record, the newest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Slot {
    /// One for each device.
    Device(PeerId),
    /// The only one.
    Sole,
}

/// A signed record whose signature is good. Cloning is cheap; equality is that of the bytes.
#[derive(Clone)]
pub struct Record(Arc<Inner>);

struct Inner {
    body: Body,
    signer: Certificate,
    content: [u8; 32],
    xml: Arc<str>,
}

/// The part of a record that is signed, beside the signer's fingerprint.
#[derive(Debug, PartialEq)]
struct Body {
    key: Key,
    value: Value,
    expires: Millis,
    sequence: Millis,
    nonce: [u8; 16],
}

impl Record {
    /// Writes and signs a record. `sequence` is the time of writing in milliseconds, and higher than that of the record
    /// it replaces; `expires` is rounded down to whole seconds.
    ///
    /// # Errors
    /// A value of another kind than the key, one that is too large, a time out of bounds, or a credential that does not
    /// speak for the key's address at that time.
    pub fn sign(
        credential: &Credential,
        key: Key,
        value: Value,
        sequence: Millis,
        expires: Millis,
    ) -> Result<Self, RecordError> {
        let signer = credential.certificate().clone();
        let body = Body {
            key,
            value,
            expires: time::whole_seconds(expires),
            sequence,
            nonce: rand::random(),
        };
        body.check_value(&signer)?;
        check_signer(&body, &signer)?;
        let signed = form::signed(&body, &signer)?;
        let signature = credential.sign(signed.info.as_bytes())?;
        let xml = signed.with_signature(&signature, &signer);
        if xml.len() > RECORD_LIMIT {
            return Err(RecordError::TooLarge);
        }
        let record = Self(Arc::new(Inner {
            body,
            signer,
            content: signed.content(),
            xml: xml.into(),
        }));
        record.check(sequence)?;
        Ok(record)
    }

    /// Reads a record and verifies everything that can be verified without other records: form, certificate and address,
    /// digests, signature, and that it is current.
    ///
    /// # Errors
    /// Each kind of [`RecordError`].
    pub fn from_xml(xml: &[u8], now: Millis) -> Result<Self, RecordError> {
        if xml.len() > RECORD_LIMIT {
            return Err(RecordError::TooLarge);
        }
        let xml = std::str::from_utf8(xml).map_err(|_| RecordError::NotText)?;
        let parts = grammar::parse(xml)?;
        let signer = certificate(&parts.certificate)?;
        if parts.method != form::signature_method(&signer)? {
            return Err(RecordError::Algorithm("SignatureMethod"));
        }
        if parts.signer.parse::<Fingerprint>().ok() != Some(signer.fingerprint()) {
            return Err(RecordError::OtherSigner);
        }
        let body = Body::from_parts(&parts)?;
        body.check_value(&signer)?;
        check_signer(&body, &signer)?;
        let signature = base64(&parts.signature, "SignatureValue")?;
        let signed = form::signed(&body, &signer)?;
        if !signed.has_digests(&parts.digests) {
            return Err(RecordError::Signature);
        }
        // Beyond this line the bytes are known to be the one canonical form of what was read.
        if signed.with_signature(&signature, &signer) != xml {
            return Err(RecordError::NotCanonical);
        }
        if !signer.verify(signed.info.as_bytes(), &signature) {
            return Err(RecordError::Signature);
        }
        let record = Self(Arc::new(Inner {
            body,
            signer,
            content: signed.content(),
            xml: xml.into(),
        }));
        record.check(now)?;
        Ok(record)
    }

    /// Whether the record is current: its certificate valid, the record neither expired nor from the future, and not
    /// longer-lived than its kind may be.
    ///
    /// # Errors
    /// [`RecordError::CertificateExpired`], [`RecordError::Expired`], [`RecordError::FromTheFuture`],
    /// [`RecordError::LivesTooLong`].
    pub fn check(&self, now: Millis) -> Result<(), RecordError> {
        if self.sequence() > now.saturating_add(CLOCK_TOLERANCE) {
            return Err(RecordError::FromTheFuture);
        }
        if self.expires() <= now {
            return Err(RecordError::Expired);
        }
        if self.expires()
            > now
                .saturating_add(longest_life(self.key()))
                .saturating_add(CLOCK_TOLERANCE)
        {
            return Err(RecordError::LivesTooLong);
        }
        if !self.signer().valid_at(now) {
            return Err(RecordError::CertificateExpired);
        }
        Ok(())
    }

    /// The name under which it is found.
    pub fn key(&self) -> &Key {
        &self.0.body.key
    }

    /// What it says.
    pub fn value(&self) -> &Value {
        &self.0.body.value
    }

    /// Its contacts, if it is of that kind.
    pub fn contacts(&self) -> Option<&ContactSet> {
        match self.value() {
            Value::Contacts(set) => Some(set),
            Value::Certificate(_) => None,
        }
    }

    /// The certificate whose key signed it. It speaks for the address of the key; whether it is trusted is not decided
    /// here.
    pub fn signer(&self) -> &Certificate {
        &self.0.signer
    }

    /// When it was written, as its writer says: Unix milliseconds. The higher replaces the lower.
    pub fn sequence(&self) -> Millis {
        self.0.body.sequence
    }

    /// When it ends.
    pub fn expires(&self) -> Millis {
        self.0.body.expires
    }

    /// Which of its signer's records under its key it is.
    pub fn slot(&self) -> Slot {
        match self.value() {
            Value::Contacts(set) => Slot::Device(set.peer),
            Value::Certificate(_) => Slot::Sole,
        }
    }

    /// The record in its one form.
    pub fn to_xml(&self) -> &Arc<str> {
        &self.0.xml
    }

    /// A hash of all that is signed: key, value, times and signer. Two records with the same content are the same but,
    /// perhaps, for the bytes of the signature, of which ECDSA has more than one for one text.
    pub fn content(&self) -> &[u8; 32] {
        &self.0.content
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.0.xml == other.0.xml
    }
}

impl Eq for Record {}

impl fmt::Debug for Record {
    /// Kind and sequence only: what a record says about a person reaches no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.key() {
            Key::Contacts(_) => "contacts",
            Key::Certificate(_) => "certificate",
        };
        write!(f, "Record({kind}, {})", self.sequence())
    }
}

impl Body {
    fn from_parts(parts: &Parts) -> Result<Self, RecordError> {
        let key = Key::from_text(&parts.key)?;
        let value = match &parts.value {
            ValueParts::Contacts(contacts) => Value::Contacts(ContactSet::from_contacts(key.address(), contacts)?),
            ValueParts::Certificates(texts) => {
                Value::Certificate(texts.iter().map(|text| certificate(text)).collect::<Result<_, _>>()?)
            }
        };
        let mut nonce = [0; 16];
        match HEXLOWER.decode(parts.nonce.as_bytes()) {
            Ok(bytes) if bytes.len() == nonce.len() => nonce.copy_from_slice(&bytes),
            _ => return Err(RecordError::Field("nonce")),
        }
        Ok(Self {
            key,
            value,
            expires: time::parse(&parts.expires).ok_or(RecordError::Field("expires"))?,
            sequence: sequence(&parts.sequence).ok_or(RecordError::Field("sequence"))?,
            nonce,
        })
    }

    /// The value is of the key's kind, and a certificate is the signer's own.
    fn check_value(&self, signer: &Certificate) -> Result<(), RecordError> {
        match (&self.key, &self.value) {
            (Key::Contacts(_), Value::Contacts(_)) => Ok(()),
            (Key::Certificate(_), Value::Certificate(chain)) => {
                if chain.first() == Some(signer) && chain.len() <= CHAIN_LIMIT + 1 {
                    Ok(())
                } else {
                    Err(RecordError::OtherCertificate)
                }
            }
            _ => Err(RecordError::OtherKind),
        }
    }
}

/// Identity comes from the certificate alone: it must be for the address that the key names.
fn check_signer(body: &Body, signer: &Certificate) -> Result<(), RecordError> {
    if signer.speaks_for(body.key.address()) && !signer.is_ca() {
        Ok(())
    } else {
        Err(RecordError::WrongKey)
    }
}

/// How long a record of a kind may live, in milliseconds.
pub(crate) fn longest_life(key: &Key) -> Millis {
    match key {
        Key::Contacts(_) => 24 * HOUR,
        Key::Certificate(_) => 7 * 24 * HOUR,
    }
}

fn certificate(text: &str) -> Result<Certificate, RecordError> {
    Certificate::from_der(&base64(text, "X509Certificate")?).map_err(RecordError::Certificate)
}

fn base64(text: &str, field: &'static str) -> Result<Vec<u8>, RecordError> {
    BASE64.decode(text.as_bytes()).map_err(|_| RecordError::Field(field))
}

/// Digits without leading zeros, up to the year 9999.
fn sequence(text: &str) -> Option<Millis> {
    let number: Millis = text.parse().ok()?;
    ((0..1_000_000_000_000_000).contains(&number) && number.to_string() == text).then_some(number)
}
