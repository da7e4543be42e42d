//! What a record says, by kind.

use std::fmt;

use corella_identity::pass::Pass;
use corella_identity::{Certificate, Fingerprint};
use libp2p::PeerId;
use openssl::sha::sha256;

use super::{CHAIN_LIMIT, RecordError};
use crate::contacts::ContactSet;
use crate::fragment::Fragments;
use crate::key::Key;

/// Largest content of a sealed record that stands in the record itself, in bytes. What is larger travels as fragments,
/// and only what is larger.
pub const INLINE_LIMIT: usize = 5_632;

/// Tells apart the records of one signer under one key (draft-singh-p2p-sip: puts with the same key, nonce and public
/// key are one value). Each holds one record, the newest.
pub type Nonce = [u8; 16];

/// The nonce where a signer has only one record.
pub const SOLE: Nonce = [0; 16];

/// The nonce of a device's contacts: the first half of SHA-256 of its peer id.
pub fn nonce_of_device(peer: &PeerId) -> Nonce {
    let mut nonce = SOLE;
    nonce.copy_from_slice(&sha256(&peer.to_bytes())[..16]);
    nonce
}

/// The nonce of a revocation: the first half of the fingerprint of what is revoked, so that nothing else ever stands in its place.
pub fn nonce_of_revoked(certificate: &Certificate) -> Nonce {
    let mut nonce = SOLE;
    nonce.copy_from_slice(&certificate.fingerprint().as_bytes()[..16]);
    nonce
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Where one device is.
    Contacts(ContactSet),
    /// The signer's own certificate, then those between it and its authority.
    Certificate(Vec<Certificate>),
    /// The signer wants to see the person's presence.
    Watcher {
        /// The credential that can open it.
        recipient: Fingerprint,
        /// What is said, sealed to that credential.
        sealed: Sealed,
        /// That credential's word that the signer is welcome.
        pass: Option<Pass>,
    },
    /// A message for somebody who is off line.
    Offline {
        /// The same for each copy of one message, and for no other of this sender.
        nonce: Nonce,
        /// The credential that can open it.
        recipient: Fingerprint,
        /// SHA-256 of a secret that is known only from inside the seal: whoever shows it removes the record.
        removal: [u8; 32],
        /// The message, sealed to that credential.
        sealed: Sealed,
        /// That credential's word that the signer is welcome.
        pass: Option<Pass>,
    },
    /// What one device of a person keeps for the others, encrypted with the person's secret.
    Private {
        /// One for each device, random.
        nonce: Nonce,
        /// The encrypted content.
        sealed: Sealed,
    },
    /// This certificate is not to be used any more, says its own key or the authority that issued it.
    Revoked(Certificate),
    /// What stood here was taken back by its signer (the draft's remove-auth).
    Removed {
        /// The nonce of what stood here.
        nonce: Nonce,
        /// SHA-256 of its content in canonical form.
        digest: [u8; 32],
    },
    /// No record: a request to read what stands under the key. See [`crate::record::Ticket`].
    Read {
        /// Random.
        nonce: Nonce,
    },
}

/// Encrypted content of a record.
#[derive(Clone, PartialEq, Eq)]
pub enum Sealed {
    /// It stands in the record: 1 to [`INLINE_LIMIT`] bytes.
    Inline(Vec<u8>),
    /// It is larger, and is put together from these.
    Fragments(Fragments),
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(bytes) => write!(f, "Inline({} bytes)", bytes.len()),
            Self::Fragments(fragments) => write!(f, "Fragments({} bytes)", fragments.size()),
        }
    }
}

impl Value {
    /// Which of its signer's records under its key it is.
    pub fn nonce(&self) -> Nonce {
        match self {
            Self::Contacts(set) => nonce_of_device(&set.peer),
            Self::Certificate(_) | Self::Watcher { .. } => SOLE,
            Self::Revoked(certificate) => nonce_of_revoked(certificate),
            Self::Offline { nonce, .. }
            | Self::Private { nonce, .. }
            | Self::Removed { nonce, .. }
            | Self::Read { nonce } => *nonce,
        }
    }

    /// Its encrypted content, if it is of a kind that has one.
    pub fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Watcher { sealed, .. } | Self::Offline { sealed, .. } | Self::Private { sealed, .. } => Some(sealed),
            _ => None,
        }
    }

    /// The credential that alone can open it, if it is sealed to one.
    pub fn recipient(&self) -> Option<&Fingerprint> {
        match self {
            Self::Watcher { recipient, .. } | Self::Offline { recipient, .. } => Some(recipient),
            _ => None,
        }
    }

    /// The recipient's word that the signer is welcome, if there is one.
    pub fn pass(&self) -> Option<&Pass> {
        match self {
            Self::Watcher { pass, .. } | Self::Offline { pass, .. } => pass.as_ref(),
            _ => None,
        }
    }

    /// The same without a pass.
    pub(super) fn without_pass(mut self) -> Self {
        if let Self::Watcher { pass, .. } | Self::Offline { pass, .. } = &mut self {
            *pass = None;
        }
        self
    }

    /// SHA-256 of the secret that removes it, if a secret does.
    pub fn removal(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Offline { removal, .. } => Some(removal),
            _ => None,
        }
    }

    /// The value is of the key's kind, a certificate is the signer's own, and sealed content is where it has to be.
    pub(super) fn check(&self, key: &Key, signer: &Certificate) -> Result<(), RecordError> {
        match (key, self) {
            (Key::Certificate(_), Self::Certificate(chain)) => {
                if chain.first() != Some(signer) || chain.len() > CHAIN_LIMIT + 1 {
                    return Err(RecordError::OtherCertificate);
                }
            }
            // Nothing takes it back.
            (Key::Revoked(_), Self::Removed { .. }) => return Err(RecordError::OtherKind),
            (Key::Contacts(_), Self::Contacts(_))
            | (Key::Watchers(_), Self::Watcher { .. })
            | (Key::Offline(_), Self::Offline { .. })
            | (Key::Private(..), Self::Private { .. })
            | (Key::Revoked(_), Self::Revoked(_))
            | (_, Self::Removed { .. } | Self::Read { .. }) => {}
            _ => return Err(RecordError::OtherKind),
        }
        match self.sealed() {
            Some(Sealed::Inline(bytes)) if bytes.is_empty() || bytes.len() > INLINE_LIMIT => Err(RecordError::TooLarge),
            _ => Ok(()),
        }
    }
}
