//! Who a writer is to a storing node, and what share of it they have.

use std::collections::{HashMap, HashSet};

use corella_identity::trust::TrustAnchors;
use corella_identity::{Certificate, Fingerprint, Millis};

use crate::record::{Record, Value};

/// How well a node knows a writer. No class can crowd out another: each has a share of the node, and of each key.
///
/// | Class | Who | Share |
/// |---|---|---|
/// | [`Class::Certified`] | a certificate under an authority that the node trusts | 5/16 |
/// | [`Class::Known`] | a certificate that the node's own user knows: a buddy's | 1/16 |
/// | [`Class::Welcome`] | whoever has a pass of the person to whom the record is written | 3/16 |
/// | [`Class::SelfSigned`] | a certificate that names itself as its issuer | 4/16 |
/// | [`Class::Stranger`] | every other certificate | 1/16 |
/// | [`Class::Guest`] | nobody: values without a signature, through a gateway | 2/16 |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Its certificate is under an authority that the node trusts.
    Certified,
    /// Its certificate is one that the node's own user uses for a buddy.
    Known,
    /// The recipient of the record says that its signer is welcome.
    Welcome,
    /// Its certificate names itself as its issuer. Whether it signed itself is not looked at: anybody can do both.
    SelfSigned,
    /// Its certificate is under an authority that the node does not know.
    Stranger,
    /// It has no certificate: it writes through a gateway.
    Guest,
}

impl Class {
    /// All of them, best first.
    pub const ALL: [Self; 6] = [
        Self::Certified,
        Self::Known,
        Self::Welcome,
        Self::SelfSigned,
        Self::Stranger,
        Self::Guest,
    ];

    /// Its share of `all`.
    pub fn share(self, all: u64) -> u64 {
        let sixteenths = match self {
            Self::Certified => 5,
            Self::SelfSigned => 4,
            Self::Welcome => 3,
            Self::Guest => 2,
            Self::Known | Self::Stranger => 1,
        };
        all / 16 * sixteenths
    }

    /// Its place in [`Class::ALL`], as it is written to disk.
    pub(super) fn number(self) -> i64 {
        self as i64
    }

    pub(super) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// The class in which a record has a place of its own, if its signer's better one has no room for it: there may be a crowd in that one, too.
pub(super) fn second_chance(record: &Record) -> Option<Class> {
    record.value().pass().map(|_| Class::Welcome)
}

/// How long a verdict about a certificate is remembered.
const REMEMBERED: Millis = 10 * 60 * 1000;
/// Most verdicts that are remembered.
const VERDICTS: usize = 4096;

/// Decides to which class a signer belongs.
#[derive(Debug, Default)]
pub struct Judge {
    anchors: TrustAnchors,
    known: HashSet<Fingerprint>,
    /// Checking a chain costs more than all the rest, and signers come again and again.
    verdicts: HashMap<Fingerprint, (Class, Millis)>,
}

impl Judge {
    /// A judge who trusts these authorities and knows nobody.
    pub fn new(anchors: TrustAnchors) -> Self {
        Self {
            anchors,
            ..Self::default()
        }
    }

    /// Trusts these authorities from now on.
    pub fn trust(&mut self, anchors: TrustAnchors) {
        self.anchors = anchors;
        self.verdicts.clear();
    }

    /// Whom the node's own user knows, from now on.
    pub fn know(&mut self, known: HashSet<Fingerprint>) {
        self.known = known;
        self.verdicts.clear();
    }

    /// The class of a record: its signer's, or that of the welcome if that is better and the recipient has given the signer a pass.
    pub fn class_of(&mut self, record: &Record, now: Millis) -> Class {
        let of_signer = self.class_of_signer(record, now);
        second_chance(record).map_or(of_signer, |welcome| of_signer.min(welcome))
    }

    /// The class of a record's signer. Of the chain only what the record itself carries is known.
    fn class_of_signer(&mut self, record: &Record, now: Millis) -> Class {
        let chain = match record.value() {
            Value::Certificate(chain) => chain.get(1..).unwrap_or_default(),
            _ => &[],
        };
        // What an authority revokes counts as what it has certified.
        if let Value::Revoked(certificate) = record.value() {
            return self.judge(certificate, std::slice::from_ref(record.signer()), now);
        }
        let signer = record.signer();
        let remembered = self.verdicts.get(&signer.fingerprint());
        if let Some((class, until)) = remembered
            && *until > now
            && (chain.is_empty() || *class != Class::Stranger)
        {
            return *class;
        }
        let class = self.judge(signer, chain, now);
        if self.verdicts.len() >= VERDICTS {
            self.verdicts.clear();
        }
        self.verdicts.insert(signer.fingerprint(), (class, now + REMEMBERED));
        class
    }

    fn judge(&self, signer: &Certificate, chain: &[Certificate], now: Millis) -> Class {
        let is_certified = |address| self.anchors.verify_chain(signer, chain, address, now).is_ok();
        if !self.anchors.is_empty() && signer.addresses().first().is_some_and(is_certified) {
            Class::Certified
        } else if self.known.contains(&signer.fingerprint()) {
            Class::Known
        } else if signer.names_itself() {
            Class::SelfSigned
        } else {
            Class::Stranger
        }
    }
}
