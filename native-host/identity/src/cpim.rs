//! The message that is signed: CPIM (RFC 3862) with a Message-ID (RFC 5438) and the sender's count.
//!
//! ```text
//! From: <sip:alice@example.net>
//! To: <sip:bob@example.net>
//! DateTime: 2026-11-05T12:34:56.789Z
//! NS: imdn <urn:ietf:params:imdn>
//! imdn.Message-ID: 34jk324j
//! NS: corella <urn:corella:cpim:1>
//! corella.Sequence: 12
//!
//! Content-Type: text/plain; charset=utf-8
//!
//! Hello
//! ```
//! After an invitation by mail, `corella.Returns: HEX` gives back what was mailed, for a while. Lines end in CRLF. The parser wants
//! each of the above exactly once; it passes over others, as RFC 3862 says, unless a
//! `Require` names one that it does not know.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use thiserror::Error;

use crate::{AddressOfRecord, Millis, invitation::Nonce, mime};

pub use parse::parse;

/// Name space of the Message-ID (RFC 5438 section 7.1).
const IMDN: &str = "urn:ietf:params:imdn";
/// Name space of the sender's count.
const CORELLA: &str = "urn:corella:cpim:1";
/// Longest Message-ID.
const ID_LIMIT: usize = 64;

/// One message as its author wrote it: who, to whom, when, which, what. `Debug` shows neither people nor content.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The author's address.
    pub from: AddressOfRecord,
    /// The recipient's address.
    pub to: AddressOfRecord,
    /// When it was written, by the author's clock.
    pub at: Millis,
    /// The Message-ID: 1 to 64 characters of `A-Z a-z 0-9 . -`, unique for the author.
    pub id: String,
    /// The author's count of messages in this conversation, rising.
    pub sequence: u64,
    /// What the recipient mailed to the author's address, to come back signed ([`crate::invitation`]).
    pub returns: Option<Nonce>,
    /// What the body is, such as `text/plain; charset=utf-8`: printable ASCII, at most 200 bytes.
    pub content_type: String,
    /// The content: any bytes.
    pub body: Vec<u8>,
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("at", &self.at)
            .field("sequence", &self.sequence)
            .field("content_type", &self.content_type)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// Why an envelope cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Empty, too long, or with other characters.
    #[error("a Message-ID has 1 to {ID_LIMIT} letters, digits, dots and hyphens")]
    Id,
    /// Not a Content-Type.
    #[error("the content type is not of the form type/subtype with parameters, in printable ASCII")]
    ContentType,
    /// Before the year 0 or after 9999.
    #[error("the time cannot be written as an RFC 3339 date")]
    Time,
}

/// Writes an envelope as a CPIM message, without the MIME header that says `message/cpim`.
///
/// # Errors
/// A part of it cannot be expressed; nothing is escaped or cut silently.
pub fn write(envelope: &Envelope) -> Result<Vec<u8>, EnvelopeError> {
    if !is_id(&envelope.id) {
        return Err(EnvelopeError::Id);
    }
    if !mime::is_content_type(&envelope.content_type) {
        return Err(EnvelopeError::ContentType);
    }
    let returns = envelope
        .returns
        .map(|nonce| format!("corella.Returns: {nonce}\r\n"))
        .unwrap_or_default();
    let mut message = format!(
        "From: <{from}>\r\nTo: <{to}>\r\nDateTime: {at}\r\nNS: imdn <{IMDN}>\r\nimdn.Message-ID: {id}\r\n\
         NS: corella <{CORELLA}>\r\ncorella.Sequence: {sequence}\r\n{returns}\r\nContent-Type: {content_type}\r\n\r\n",
        from = envelope.from.sip_uri(),
        to = envelope.to.sip_uri(),
        at = date_time(envelope.at).ok_or(EnvelopeError::Time)?,
        id = envelope.id,
        sequence = envelope.sequence,
        content_type = envelope.content_type,
    )
    .into_bytes();
    message.extend_from_slice(&envelope.body);
    Ok(message)
}

/// Whether a text can be a Message-ID.
pub fn is_id(text: &str) -> bool {
    (1..=ID_LIMIT).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
}

/// RFC 3339 in UTC with milliseconds; years of four digits only.
fn date_time(at: Millis) -> Option<String> {
    let text = DateTime::<Utc>::from_timestamp_millis(at)?.to_rfc3339_opts(SecondsFormat::Millis, true);
    (text.len() == "2026-11-05T12:34:56.789Z".len() && !text.starts_with('-')).then_some(text)
}
