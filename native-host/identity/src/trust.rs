//! The one place that decides which certificate is used for an address, and what it is worth.
//!
//! [`choose`] is a pure function over what is known, what was presented, and the authorities that are trusted. Never a
//! silent change, never a downgrade.

mod anchors;
mod choose;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{Certificate, Fingerprint};

pub use anchors::{AnchorsError, ChainError, TrustAnchors};
pub use choose::choose;

/// How an address's certificate is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// Its chain ends at a trusted authority, and it is for this address.
    Verified,
    /// The user accepted exactly this key.
    Pinned,
    /// The first one seen; nobody vouches for it.
    Unverified,
    /// No certificate at all: a plain SIP peer.
    Plain,
}

impl Trust {
    /// The name used on the bridge and in the store: `verified`, `pinned`, `unverified`, `plain`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Pinned => "pinned",
            Self::Unverified => "unverified",
            Self::Plain => "plain",
        }
    }
}

/// What is used for an address so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The certificate in use.
    pub certificate: Certificate,
    /// What it was worth when it was taken.
    pub trust: Trust,
}

impl Known {
    /// What the user has chosen, or confirmed: worth what it was if an authority vouches for it, pinned if none does.
    pub fn chosen(certificate: Certificate, trust: Trust) -> Known {
        let trust = if trust == Trust::Verified { trust } else { Trust::Pinned };
        Known { certificate, trust }
    }
}

/// What to do with the certificates presented for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Go on with the known certificate.
    Keep,
    /// Use this one from now on; there is nothing to tell. It is the first one for the address, or another for the known key.
    Adopt {
        /// The certificate to use.
        certificate: Certificate,
        /// What it is worth: verified or unverified, or pinned as the known one was.
        trust: Trust,
    },
    /// Use this one from now on, and announce it in the conversation: the authority that vouched for the known one
    /// issued a newer one.
    Renewed {
        /// The certificate to use.
        certificate: Certificate,
        /// What it is worth: verified.
        trust: Trust,
    },
    /// The user must decide; nothing may be sent before.
    Ask(Question),
    /// Nothing usable was presented: nothing is decided.
    Nothing,
}

/// What the user is asked: which of these certificates is the person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Why it is asked.
    pub kind: QuestionKind,
    /// The certificates to choose from, each with another key: verified ones first, then the latest first.
    pub candidates: Vec<Candidate>,
}

/// Why the user is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuestionKind {
    /// Several keys claim an address that had none so far.
    Several,
    /// Another key claims an address than the known one. This is an alarm.
    Changed,
}

impl QuestionKind {
    /// The name used on the bridge: `several`, `changed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Several => "several",
            Self::Changed => "changed",
        }
    }
}

/// One of the certificates that a user chooses from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The certificate's fingerprint, which the user compares and answers with.
    pub fingerprint: Fingerprint,
    /// The certificate.
    pub certificate: Certificate,
    /// What it is worth before the user's answer: verified or unverified. See [`Known::chosen`].
    pub trust: Trust,
}
