//! Invitations by mail, for those whom no authority knows: who reads a mailbox, and holds a key, is the person whose address it is.
//!
//! ```text
//! Alice ── mail to Bob's address: nonce A, signed by Alice ───────────────> Bob
//! Alice <─ mail to Alice's address: nonces A and B, signed by Bob ───────── Bob      now Bob's key is known to Alice
//! Alice ── her first message, signed and sealed, with nonce B in it ──────> Bob      now Alice's key is known to Bob
//! ```
//!
//! What an invitation says proves nothing: anybody can write one in anybody's name. What proves is that a nonce which was mailed to
//! an address comes back signed.
//!
//! The text of such a mail's attachment is a CMS SignedData in PEM over a CPIM message, as [`crate::seal`] signs all messages, and the
//! signer's certificate in PEM. The content is lines of `nonce SP 64 hexadecimal digits LF`, once, and `returns SP …`, at most
//! [`RETURNS_LIMIT`] times.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use openssl::error::ErrorStack;
use openssl::memcmp;
use openssl::rand::rand_bytes;
use openssl::sha::sha256;
use thiserror::Error;

use crate::certificate::pem;
use crate::seal::{self, Envelope, OpenError, SealError};
use crate::{AddressOfRecord, Certificate, Credential, KeyKind, Millis};

/// How long what was mailed may take to come back.
pub const LIFETIME: Millis = 30 * 24 * 60 * 60 * 1000;
/// How far the clock of whoever wrote it may be ahead.
const CLOCK_SKEW: Millis = 24 * 60 * 60 * 1000;
/// What the attachment is called: mail programs and add-ons know it by the end of its name.
pub const FILE_NAME: &str = "invitation.corella-invitation";
/// The Content-Type of the attachment, and of what is signed in it.
pub const MEDIA_TYPE: &str = "application/vnd.corella.invitation";
/// Longest text that is looked at, in bytes.
pub const TEXT_LIMIT: usize = 64 * 1024;
/// Most nonces that one mail returns.
pub const RETURNS_LIMIT: usize = 4;

const BEGIN: &str = "-----BEGIN CMS-----";
const END: &str = "-----END CMS-----";

/// What is mailed to an address, to come back signed: 256 random bits. A secret of two mailboxes.
#[derive(Clone, Copy)]
pub struct Nonce([u8; 32]);

impl Nonce {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new() -> Result<Self, ErrorStack> {
        let mut bytes = [0; 32];
        rand_bytes(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Names it to whoever has it, and tells others nothing: 32 hexadecimal digits.
    pub fn tag(&self) -> String {
        let hash = sha256(&[b"corella invitation tag 1 ".as_slice(), &self.0].concat());
        hex::encode(&hash[..16])
    }
}

impl PartialEq for Nonce {
    fn eq(&self, other: &Self) -> bool {
        memcmp::eq(&self.0, &other.0)
    }
}

impl Eq for Nonce {}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce")
    }
}

/// The text is no nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a nonce is 64 lower-case hexadecimal digits")]
pub struct NonceError;

impl FromStr for Nonce {
    type Err = NonceError;

    fn from_str(text: &str) -> Result<Self, NonceError> {
        let mut bytes = [0; 32];
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NonceError);
        }
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NonceError)?;
        Ok(Self(bytes))
    }
}

/// What is mailed: an invitation, or the answer to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Who writes.
    pub from: AddressOfRecord,
    /// To whose mailbox, and to no other.
    pub to: AddressOfRecord,
    /// When.
    pub at: Millis,
    /// What is to come back.
    pub nonce: Nonce,
    /// What was mailed to the author: with any, it is an answer.
    pub returns: Vec<Nonce>,
}

/// Why a text is no invitation.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum InvitationError {
    /// Not of this form.
    #[error("the attachment is no invitation: {0}")]
    Unreadable(&'static str),
    /// Not signed with the key that it brings, or by a certificate that cannot be used for its author's address.
    #[error("the invitation is not signed by a certificate of its author's address")]
    BadSignature,
    /// Older than [`LIFETIME`], of a time that has not come, or by a certificate that is not valid now.
    #[error("the invitation is too old, or of a time that has not come")]
    Expired,
}

impl Invitation {
    /// The text of the attachment.
    ///
    /// # Errors
    /// It is not from the credential's address, or OpenSSL fails.
    pub fn write(&self, author: &Credential) -> Result<String, SealError> {
        let mut body = format!("nonce {}\n", self.nonce);
        for nonce in self.returns.iter().take(RETURNS_LIMIT) {
            body.push_str(&format!("returns {nonce}\n"));
        }
        let envelope = Envelope {
            from: self.from.clone(),
            to: self.to.clone(),
            at: self.at,
            id: self.nonce.tag(),
            sequence: 0,
            returns: None,
            content_type: MEDIA_TYPE.to_owned(),
            body: body.into_bytes(),
        };
        let signed = pem("CMS", &seal::sign(&envelope, author)?);
        Ok(signed + &author.certificate().to_pem())
    }

    /// Reads one, with the certificate that signed it. That the author's mailbox is theirs is not proven by it.
    ///
    /// # Errors
    /// See [`InvitationError`].
    pub fn read(text: &str, now: Millis) -> Result<(Self, Certificate), InvitationError> {
        use InvitationError::Unreadable;
        if text.len() > TEXT_LIMIT {
            return Err(Unreadable("it is too large"));
        }
        let (_, rest) = text.split_once(BEGIN).ok_or(Unreadable("it has no signed part"))?;
        let (base64, rest) = rest.split_once(END).ok_or(Unreadable("its signed part has no end"))?;
        let base64: String = base64.split_ascii_whitespace().collect();
        let signed = openssl::base64::decode_block(&base64).map_err(|_| Unreadable("it is not base64"))?;
        let certificate =
            Certificate::from_pem(rest.as_bytes()).map_err(|_| Unreadable("it has no readable certificate"))?;
        let envelope = seal::read_signed(&signed, &certificate).map_err(|error| match error {
            OpenError::BadSignature => InvitationError::BadSignature,
            _ => Unreadable("what is signed is no message"),
        })?;
        let usable =
            certificate.speaks_for(&envelope.from) && !certificate.is_ca() && certificate.key_kind() != KeyKind::Other;
        if !usable {
            return Err(InvitationError::BadSignature);
        }
        if envelope.content_type != MEDIA_TYPE {
            return Err(Unreadable("what is signed is something else"));
        }
        let is_now = (now.saturating_sub(LIFETIME)..=now.saturating_add(CLOCK_SKEW)).contains(&envelope.at);
        if !is_now || !certificate.valid_at(now) {
            return Err(InvitationError::Expired);
        }
        let (nonce, returns) = read_body(&envelope.body).ok_or(Unreadable("its content is not of the known form"))?;
        let Envelope { from, to, at, .. } = envelope;
        let invitation = Self {
            from,
            to,
            at,
            nonce,
            returns,
        };
        Ok((invitation, certificate))
    }
}

fn read_body(body: &[u8]) -> Option<(Nonce, Vec<Nonce>)> {
    let mut lines = std::str::from_utf8(body).ok()?.lines();
    let nonce = lines.next()?.strip_prefix("nonce ")?.parse().ok()?;
    let returns: Vec<Nonce> = lines
        .map(|line| line.strip_prefix("returns ")?.parse().ok())
        .collect::<Option<_>>()?;
    (returns.len() <= RETURNS_LIMIT).then_some((nonce, returns))
}
