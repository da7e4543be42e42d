//! Signed records: the draft's `dhtRecord` in the strict profile that `RECORDS.md` describes.
//!
//! A [`Record`] in hand is a record whose signature is good: it came from [`Record::from_xml`], which verifies, or from
//! [`Record::sign`]. It has exactly one form in bytes, [`Record::to_xml`]; whatever else a generic XML reader would take
//! for the same is refused.

mod certificates;
mod error;
mod form;
mod grammar;
#[cfg(test)]
mod mutants;
mod passes;
#[cfg(test)]
mod tests;
mod ticket;
mod time;
mod value;

use std::fmt;
use std::sync::Arc;

use corella_identity::pass::PASS_LIFE;
use corella_identity::seal::OFFLINE_LIFETIME;
use corella_identity::{Certificate, Credential, Fingerprint, Millis, Revocation, revocation};
use data_encoding::BASE64;

pub use certificates::forget_certificates;
pub use error::RecordError;
pub use ticket::Ticket;
pub use value::{INLINE_LIMIT, Nonce, SOLE, Sealed, Value, nonce_of_device, nonce_of_revoked};

use crate::contacts::ContactSet;
use crate::key::Key;
use grammar::Parts;

/// Largest record in bytes. It is checked before anything else.
pub const RECORD_LIMIT: usize = 12 * 1024;
/// Largest `value` element of contacts and certificates in bytes.
pub const VALUE_LIMIT: usize = 4096;
/// Largest `value` element with sealed content in bytes.
pub const SEALED_VALUE_LIMIT: usize = 8192;
/// Largest `pass` element in bytes, which a value has beside its sealed content.
pub const PASS_LIMIT: usize = 3072;
/// How long a pass may be good after the record was written that it is in: until the end of a day, and clocks differ.
const LONGEST_PASS: Millis = PASS_LIFE + 2 * DAY;
/// Most certificates of a chain, beside the signer's own.
pub const CHAIN_LIMIT: usize = 3;
/// How far a writer's clock may be ahead of ours.
pub const CLOCK_TOLERANCE: Millis = 10 * 60 * 1000;

const HOUR: Millis = 60 * 60 * 1000;
const DAY: Millis = 24 * HOUR;

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
        if matches!(value, Value::Read { .. }) {
            return Err(RecordError::OtherKind);
        }
        let body = Body {
            key,
            value,
            expires: time::whole_seconds(expires),
            sequence,
        };
        Self::sign_body(credential, body)
    }

    /// Writes that a credential is not to be used any more, signed by itself. It is good until its certificate ends, for 180 days at most.
    ///
    /// # Errors
    /// The certificate is not valid now, or too large for a record.
    pub fn revoke(credential: &Credential, now: Millis) -> Result<Self, RecordError> {
        let certificate = credential.certificate().clone();
        let key = Key::Revoked(credential.address().clone());
        let expires = revocation::end(&certificate, now);
        Self::sign(credential, key, Value::Revoked(certificate), now, expires)
    }

    /// Writes what takes this record back: it stands in its place until the record would have expired, or longer.
    ///
    /// # Errors
    /// The credential is not the record's; it is too late.
    pub fn sign_removal(&self, credential: &Credential, now: Millis) -> Result<Self, RecordError> {
        let value = Value::Removed {
            nonce: self.nonce(),
            digest: form::value_digest(&self.0.body)?,
        };
        if credential.certificate() != self.signer() {
            return Err(RecordError::OtherSigner);
        }
        let sequence = now.max(self.sequence() + 1);
        Self::sign(credential, self.key().clone(), value, sequence, self.expires())
    }

    /// Writes a record with the recipient's pass in it, if the pass is good for it and there is room; else without.
    ///
    /// # Errors
    /// As [`Record::sign`].
    pub fn sign_with_pass(
        credential: &Credential,
        key: Key,
        value: Value,
        sequence: Millis,
        expires: Millis,
    ) -> Result<Self, RecordError> {
        match Self::sign(credential, key.clone(), value.clone(), sequence, expires) {
            Err(RecordError::Pass | RecordError::TooLarge) if value.pass().is_some() => {
                Self::sign(credential, key, value.without_pass(), sequence, expires)
            }
            signed => signed,
        }
    }

    fn sign_body(credential: &Credential, body: Body) -> Result<Self, RecordError> {
        let signer = credential.certificate().clone();
        let sequence = body.sequence;
        body.value.check(&body.key, &signer)?;
        check_signer(&body, &signer)?;
        check_end(&body)?;
        check_pass(&body, &signer)?;
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
        let record = Self::from_any_xml(xml, now)?;
        match record.value() {
            Value::Read { .. } => Err(RecordError::OtherKind),
            _ => Ok(record),
        }
    }

    fn from_any_xml(xml: &[u8], now: Millis) -> Result<Self, RecordError> {
        if xml.len() > RECORD_LIMIT {
            return Err(RecordError::TooLarge);
        }
        let xml = std::str::from_utf8(xml).map_err(|_| RecordError::NotText)?;
        let parts = grammar::parse(xml)?;
        let signer = certificates::read(&parts.certificate)?;
        if parts.method != form::signature_method(&signer)? {
            return Err(RecordError::Algorithm("SignatureMethod"));
        }
        if parts.signer.parse::<Fingerprint>().ok() != Some(signer.fingerprint()) {
            return Err(RecordError::OtherSigner);
        }
        let body = Body::from_parts(&parts)?;
        body.value.check(&body.key, &signer)?;
        check_signer(&body, &signer)?;
        check_end(&body)?;
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
        check_pass(&body, &signer)?;
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
        let is_over = matches!(self.value(), Value::Revoked(certificate) if !certificate.valid_at(now));
        if is_over || !self.signer().valid_at(now) {
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
            _ => None,
        }
    }

    /// What it says of a certificate, if it revokes one.
    pub fn revocation(&self) -> Option<Revocation> {
        match self.value() {
            Value::Revoked(certificate) => Revocation::by(self.signer(), self.key().address(), certificate),
            _ => None,
        }
    }

    /// Whether it says that what stood in its place was taken back.
    pub fn is_removal(&self) -> bool {
        matches!(self.value(), Value::Removed { .. })
    }

    /// The certificate whose key signed it. Under the keys that only their person may write it speaks for the address of
    /// the key; whether it is trusted is not decided here.
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
    pub fn nonce(&self) -> Nonce {
        self.value().nonce()
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
        write!(f, "Record({}, {})", self.key().kind(), self.sequence())
    }
}

impl Body {
    fn from_parts(parts: &Parts) -> Result<Self, RecordError> {
        let key = Key::from_text(&parts.key)?;
        let value = form::value_from(&key, parts)?;
        Ok(Self {
            key,
            value,
            expires: time::parse(&parts.expires).ok_or(RecordError::Field("expires"))?,
            sequence: sequence(&parts.sequence).ok_or(RecordError::Field("sequence"))?,
        })
    }
}

/// A revocation has one end, so that none that ends at once takes the place of another.
fn check_end(body: &Body) -> Result<(), RecordError> {
    match &body.value {
        Value::Revoked(certificate) if body.expires != revocation::end(certificate, body.sequence) => {
            Err(RecordError::Field("expires"))
        }
        _ => Ok(()),
    }
}

/// Identity comes from the certificate alone. Contacts, certificates and private data are written by the person whom the
/// key names; a message or a wish to watch by anybody who is somebody; that a certificate is revoked by its own key or whoever issued it.
fn check_signer(body: &Body, signer: &Certificate) -> Result<(), RecordError> {
    if let Value::Revoked(certificate) = &body.value {
        let revocation = Revocation::by(signer, body.key.address(), certificate);
        return revocation.map(drop).ok_or(RecordError::WrongKey);
    }
    let by_anybody = body.key.is_read_by_its_person_only() && !matches!(body.value, Value::Read { .. });
    let speaks = if by_anybody {
        !signer.addresses().is_empty()
    } else {
        signer.speaks_for(body.key.address())
    };
    if speaks && !signer.is_ca() {
        Ok(())
    } else {
        Err(RecordError::WrongKey)
    }
}

/// A pass in a record is the recipient's for the signer, and covers the record's whole life, so that the record stays as good
/// as it was.
fn check_pass(body: &Body, signer: &Certificate) -> Result<(), RecordError> {
    let Some(pass) = body.value.pass() else { return Ok(()) };
    let of_recipient = body.value.recipient() == Some(&pass.giver().fingerprint());
    let in_time = (body.expires..=body.sequence.saturating_add(LONGEST_PASS)).contains(&pass.until());
    if of_recipient && in_time && passes::is_good(pass, body.key.address(), &signer.fingerprint(), body.sequence) {
        Ok(())
    } else {
        Err(RecordError::Pass)
    }
}

/// How long a record of a kind may live, in milliseconds.
pub fn longest_life(key: &Key) -> Millis {
    match key {
        Key::Contacts(_) => DAY,
        Key::Certificate(_) | Key::Watchers(_) => 7 * DAY,
        Key::Offline(_) => OFFLINE_LIFETIME,
        Key::Private(..) => 180 * DAY,
        Key::Revoked(_) => revocation::LIFE,
    }
}

fn base64(text: &str, field: &'static str) -> Result<Vec<u8>, RecordError> {
    BASE64.decode(text.as_bytes()).map_err(|_| RecordError::Field(field))
}

/// Digits without leading zeros, up to the year 9999.
fn sequence(text: &str) -> Option<Millis> {
    let number: Millis = text.parse().ok()?;
    ((0..1_000_000_000_000_000).contains(&number) && number.to_string() == text).then_some(number)
}
