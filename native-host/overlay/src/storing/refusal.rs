//! Why a storing node does not take a record: names that reach the writer.

use std::fmt;

use corella_identity::Millis;

use crate::record::RecordError;

/// Why a record was not stored. The names are part of the store protocol: they are only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// `too-large`: over the limits of a record.
    TooLarge,
    /// `malformed`: no record of the profile, or no known request.
    Malformed,
    /// `bad-signature`: a digest or the signature is wrong, or it was made for another certificate.
    BadSignature,
    /// `bad-certificate`: unreadable, not valid now, or not the one that had to be there.
    BadCertificate,
    /// `wrong-key`: the certificate does not speak for the address of the key.
    WrongKey,
    /// `bad-pass`: the pass in it is not one of the recipient for the signer and the record's time. A writer finds that out by
    /// itself when it signs, and leaves the pass out.
    BadPass,
    /// `expired`: its time is over.
    Expired,
    /// `from-the-future`: its sequence is more than ten minutes ahead of the node's clock.
    FromTheFuture,
    /// `lives-too-long`: it wants to be kept longer than its kind may be.
    LivesTooLong,
    /// `not-newer`: another record of the same signer and slot is as new or newer.
    NotNewer {
        /// The sequence of that record.
        held: Millis,
    },
    /// `removed`: it was removed by its secret, and is not taken again.
    Removed,
    /// `not-yours`: only the devices of the person that the key names may read this, with a ticket.
    NotYours,
    /// `too-many`: the signer, or all signers of its class together, have their full share under this key.
    TooMany,
    /// `full`: the node's share for this class of signers is used up.
    Full,
    /// `busy`: too many requests from this peer; later is fine.
    Busy,
    /// `unavailable`: the node cannot use its own disk.
    Unavailable,
    /// A name that this version does not know.
    Other,
}

impl Refusal {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::BadSignature => "bad-signature",
            Self::BadCertificate => "bad-certificate",
            Self::WrongKey => "wrong-key",
            Self::BadPass => "bad-pass",
            Self::Expired => "expired",
            Self::FromTheFuture => "from-the-future",
            Self::LivesTooLong => "lives-too-long",
            Self::NotNewer { .. } => "not-newer",
            Self::Removed => "removed",
            Self::NotYours => "not-yours",
            Self::TooMany => "too-many",
            Self::Full => "full",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Other => "other",
        }
    }

    /// The refusal of a name; `held` is the sequence that goes with `not-newer`.
    pub fn from_name(name: &str, held: Option<Millis>) -> Self {
        match name {
            "too-large" => Self::TooLarge,
            "malformed" => Self::Malformed,
            "bad-signature" => Self::BadSignature,
            "bad-certificate" => Self::BadCertificate,
            "wrong-key" => Self::WrongKey,
            "bad-pass" => Self::BadPass,
            "expired" => Self::Expired,
            "from-the-future" => Self::FromTheFuture,
            "lives-too-long" => Self::LivesTooLong,
            "not-newer" => Self::NotNewer {
                held: held.unwrap_or_default(),
            },
            "removed" => Self::Removed,
            "not-yours" => Self::NotYours,
            "too-many" => Self::TooMany,
            "full" => Self::Full,
            "busy" => Self::Busy,
            "unavailable" => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        tracing::warn!(%error, "the records of others cannot be read or written");
        Self::Unavailable
    }
}

impl From<&RecordError> for Refusal {
    fn from(error: &RecordError) -> Self {
        match error {
            RecordError::TooLarge => Self::TooLarge,
            RecordError::Signature | RecordError::OtherSigner => Self::BadSignature,
            RecordError::Certificate(_) | RecordError::OtherCertificate | RecordError::CertificateExpired => {
                Self::BadCertificate
            }
            RecordError::WrongKey => Self::WrongKey,
            RecordError::Pass => Self::BadPass,
            RecordError::Expired => Self::Expired,
            RecordError::FromTheFuture => Self::FromTheFuture,
            RecordError::LivesTooLong => Self::LivesTooLong,
            RecordError::NotText
            | RecordError::NotWellFormed
            | RecordError::Markup(_)
            | RecordError::Entity
            | RecordError::Element(_)
            | RecordError::Attribute(_)
            | RecordError::Text
            | RecordError::Algorithm(_)
            | RecordError::NotCanonical
            | RecordError::Key(_)
            | RecordError::OtherKind
            | RecordError::Field(_)
            | RecordError::Contact(_)
            | RecordError::Fragments(_)
            | RecordError::Signing(_) => Self::Malformed,
        }
    }
}
