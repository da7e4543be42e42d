//! Revocations: somebody's word that a person's certificate, or the key in it, is not to be used any more.
//!
//! Two may say so: the key itself, of all certificates that it has, and the authority that issued a certificate, of what it issued.
//! Anybody can put a person's public key into a certificate of an authority of their own making and revoke that; so an authority's word
//! reaches no farther than its certificates, but for readers who trust it, above all if they know the person by what it revokes.

mod record;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::trust::TrustAnchors;
use crate::{AddressOfRecord, Certificate, Millis};

pub use record::record;

/// How long a revocation is good for at most; a certificate may be good for years. It is written anew before that is over.
pub const LIFE: Millis = 180 * 24 * 60 * 60 * 1000;

/// When a revocation ends that was written at that time, in whole seconds: with the certificate, or after [`LIFE`]. It is good for no
/// other time: whoever has a stolen key could otherwise put one that ends at once in the place of the owner's.
pub fn end(certificate: &Certificate, sequence: Millis) -> Millis {
    let end = certificate.not_after().min(sequence.saturating_add(LIFE));
    end.max(0).div_euclid(1000) * 1000
}

/// A certificate of a person's that somebody revoked who may say so. That they did is for whoever makes one to have verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    address: AddressOfRecord,
    certificate: Certificate,
    authority: Option<Certificate>,
}

/// How far a revocation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// To what the authority issued for the key: all that strangers' words are good for.
    Issued,
    /// To that, and what the key signed for itself: for readers who trust the authority. Other authorities' certificates stay.
    Unvouched,
    /// To the key, whatever certificate it comes in.
    Key,
}

impl Revocation {
    /// What `signer` says of a certificate of `address`; `None` if it is not theirs to say.
    pub fn by(signer: &Certificate, address: &AddressOfRecord, certificate: &Certificate) -> Option<Self> {
        if !certificate.speaks_for(address) || certificate.is_ca() {
            return None;
        }
        let authority = if signer == certificate {
            None
        } else if signer.is_ca() && certificate.is_signed_by(signer) {
            Some(signer.clone())
        } else {
            return None;
        };
        Some(Self {
            address: address.clone(),
            certificate: certificate.clone(),
            authority,
        })
    }

    /// Whose certificate it was.
    pub fn address(&self) -> &AddressOfRecord {
        &self.address
    }

    /// The certificate that was revoked.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The authority that revoked it; `None`: its own key did.
    pub fn authority(&self) -> Option<&Certificate> {
        self.authority.as_ref()
    }

    /// Who says so: the certificate under whose key it is signed.
    pub fn signer(&self) -> &Certificate {
        self.authority.as_ref().unwrap_or(&self.certificate)
    }

    /// How far it reaches for whoever trusts these authorities, and knows the person by `known`.
    pub fn extent(&self, anchors: &TrustAnchors, known: Option<&Certificate>, now: Millis) -> Extent {
        let Some(authority) = &self.authority else {
            return Extent::Key;
        };
        let links = std::slice::from_ref(authority);
        if anchors
            .verify_chain(&self.certificate, links, &self.address, now)
            .is_err()
        {
            return Extent::Issued;
        }
        // Whoever went by this authority's word has nothing else to go by.
        if known.is_some_and(|known| self.covers(known, Extent::Unvouched)) {
            Extent::Key
        } else {
            Extent::Unvouched
        }
    }

    /// Whether it reaches a certificate of the person's.
    pub fn covers(&self, certificate: &Certificate, extent: Extent) -> bool {
        let is_issued = || {
            let is_theirs = |authority: &Certificate| certificate.is_signed_by(authority);
            *certificate == self.certificate || self.authority.as_ref().is_some_and(is_theirs)
        };
        certificate.same_key(&self.certificate)
            && match extent {
                Extent::Key => true,
                Extent::Unvouched => certificate.is_self_signed() || is_issued(),
                Extent::Issued => is_issued(),
            }
    }
}
