//! How a person's key came to be known, for whoever asks; and what it is worth when the user trusts other authorities than before.

use corella_identity::{
    AddressOfRecord, Certificate, Fingerprint, Millis,
    trust::{Known, Trust, TrustAnchors},
};

use crate::{Action, Agent, Buddy, Consent, Pair};

/// How a key came to be known, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBy {
    /// How.
    pub how: How,
    /// Since when, in milliseconds since the Unix epoch.
    pub since: Millis,
    /// How it is known without the authority that vouches for it: by the user's own word, or by mail.
    pub without: Option<Box<KnownBy>>,
}

impl KnownBy {
    fn new(now: Millis, how: How) -> KnownBy {
        KnownBy {
            how,
            since: now,
            without: None,
        }
    }

    /// What is left of it when no authority's word counts.
    fn without_authority(self) -> Option<KnownBy> {
        match self.how {
            How::Authority { .. } => self.without.map(|without| *without),
            How::Fingerprint | How::Invitation => Some(self),
            How::First | How::Device => None,
        }
    }
}

/// What makes a key somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// An authority that the user trusts vouches for it.
    Authority {
        /// The fingerprint of the authority's certificate.
        root: Fingerprint,
        /// What the authority calls itself.
        name: String,
    },
    /// The user said that this key is theirs.
    Fingerprint,
    /// What was mailed to the address came back signed with it.
    Invitation,
    /// It was the first one seen for the address.
    First,
    /// Another device of the user's knew it.
    Device,
}

impl How {
    /// The word for it on the bridge and in the roster.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Authority { .. } => "authority",
            Self::Fingerprint => "fingerprint",
            Self::Invitation => "invitation",
            Self::First => "first",
            Self::Device => "device",
        }
    }

    /// The authority among these that vouches for a certificate with that trust; else `otherwise`.
    pub(crate) fn of(
        anchors: &TrustAnchors,
        address: &AddressOfRecord,
        known: &Known,
        presented: &[Certificate],
        now: Millis,
        otherwise: How,
    ) -> How {
        if known.trust != Trust::Verified {
            return otherwise;
        }
        match anchors.verify_chain(&known.certificate, presented, address, now) {
            Ok(root) => How::Authority {
                root: root.fingerprint(),
                name: root.subject_name(),
            },
            Err(_) => otherwise,
        }
    }
}

impl Buddy {
    /// The key in use is this one from now on. Since when, and how, stays as it was for a key that is worth the same as before; and
    /// what it is worth without an authority is not forgotten when one vouches for it.
    pub(crate) fn know(&mut self, now: Millis, known: Known, how: How) {
        let before = self.known.take();
        let before = before.filter(|before| before.certificate.same_key(&known.certificate));
        let is_worth_the_same = before.as_ref().is_some_and(|before| before.trust == known.trust);
        let known_by = self.known_by.take().filter(|_| before.is_some());
        self.known_by = Some(match (known_by, how) {
            // This authority vouches for it by now.
            (Some(known_by), how @ How::Authority { .. }) => KnownBy {
                how,
                since: if is_worth_the_same { known_by.since } else { now },
                without: known_by.without_authority().map(Box::new),
            },
            (Some(mut known_by), how) if is_worth_the_same => {
                let is_vouched = matches!(known_by.how, How::Authority { .. });
                if is_vouched && known_by.without.is_none() {
                    known_by.without = KnownBy::new(now, how).without_authority().map(Box::new);
                }
                known_by
            }
            (_, how) => KnownBy::new(now, how),
        });
        self.known = Some(known);
    }

    /// Unless the authority that vouched for the key in use is among these, it is worth what it is without any. True if that is less.
    /// `if_unknown`: whether so it is where nobody remembers which authority that was.
    fn doubt(&mut self, anchors: &TrustAnchors, if_unknown: bool) -> bool {
        let is_doubtful = match self.known_by.as_ref().map(|known_by| &known_by.how) {
            Some(How::Authority { root, .. }) => !anchors.trusts_fingerprint(root),
            _ => if_unknown,
        };
        let known = self.known.as_mut().filter(|known| known.trust == Trust::Verified);
        let Some(known) = known.filter(|_| is_doubtful) else {
            return false;
        };
        let before = self.known_by.take();
        let seen = before.as_ref().map(|before| KnownBy::new(before.since, How::First));
        let left = before.and_then(KnownBy::without_authority);
        known.trust = if left.is_some() {
            Trust::Pinned
        } else {
            Trust::Unverified
        };
        self.known_by = left.or(seen);
        true
    }

    /// What is asked about is worth what can still be proven of it. True if there was more.
    fn doubt_candidates(&mut self) -> bool {
        let candidates = self.question.iter_mut().flat_map(|question| &mut question.candidates);
        let mut is_worth_less = false;
        for candidate in candidates.filter(|one| one.trust == Trust::Verified) {
            candidate.trust = Trust::Unverified;
            is_worth_less = true;
        }
        is_worth_less
    }
}

impl Agent {
    /// The user trusts these authorities from now on, and no others: whoever was known by another is no longer, and everybody else is
    /// looked up anew.
    pub(crate) fn trust_authorities(&mut self, now: Millis, anchors: TrustAnchors, out: &mut Vec<Action>) {
        let before = std::mem::replace(&mut self.settings.anchors, anchors);
        let lacks = |anchors: &TrustAnchors, one: &Certificate| !anchors.trusts(one);
        let is_one_gone = before
            .authorities()
            .iter()
            .any(|one| lacks(&self.settings.anchors, one));
        let is_one_new = self
            .settings
            .anchors
            .authorities()
            .iter()
            .any(|one| lacks(&before, one));
        let people: Vec<AddressOfRecord> = self.buddies.keys().cloned().collect();
        for address in people {
            let Some(buddy) = self.buddies.get_mut(&address) else {
                continue;
            };
            if is_one_gone && buddy.doubt(&self.settings.anchors, true) {
                self.buddy_changed(&address, out);
            }
            let buddy = self.buddies.get_mut(&address);
            if is_one_gone && buddy.is_some_and(Buddy::doubt_candidates) {
                self.buddy_changed(&address, out);
            }
            let Some(buddy) = self.buddies.get(&address) else {
                continue;
            };
            if let (Consent::Buddy, Some(own), None) = (buddy.consent, buddy.own.clone(), &buddy.question) {
                let pair = Pair { own, with: address };
                let peer = self.peers.entry(pair.clone()).or_default();
                if peer.links.is_empty() {
                    peer.reach.at_once(now);
                } else {
                    out.push(Action::Locate(pair));
                }
            }
        }
        if is_one_new {
            self.weigh_revocations(now, out);
        }
    }

    /// The settings may name other authorities than when the roster was written.
    pub(crate) fn doubt_everybody(&mut self) {
        let anchors = &self.settings.anchors;
        for buddy in self.buddies.values_mut() {
            let is_worth_less = buddy.doubt(anchors, anchors.is_empty());
            if is_worth_less | (anchors.is_empty() && buddy.doubt_candidates()) {
                self.repairs.push(Action::SaveBuddy(Box::new(buddy.clone())));
                self.is_changed = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use corella_identity::Credential;

    use super::*;

    fn bob() -> Buddy {
        Buddy::new("bob@example.net".parse().unwrap(), Consent::Buddy)
    }

    fn certificate() -> Certificate {
        let credential = Credential::self_signed(&bob().address, 0).unwrap();
        credential.certificate().clone()
    }

    fn authority(named: &str) -> How {
        How::Authority {
            root: certificate().fingerprint(),
            name: named.into(),
        }
    }

    fn worth(buddy: &Buddy) -> (Trust, &str, Millis) {
        let known_by = buddy.known_by.as_ref().unwrap();
        (
            buddy.known.as_ref().unwrap().trust,
            known_by.how.as_str(),
            known_by.since,
        )
    }

    #[test]
    fn the_users_own_word_outlives_an_authoritys() {
        let certificate = certificate();
        let known = |trust| Known {
            certificate: certificate.clone(),
            trust,
        };
        for how in [How::Fingerprint, How::Invitation] {
            let word = how.as_str();
            let mut buddy = bob();
            buddy.know(1, known(Trust::Unverified), How::First);
            buddy.know(2, known(Trust::Pinned), how.clone());
            buddy.know(3, known(Trust::Verified), authority("one"));
            buddy.know(4, known(Trust::Verified), authority("another"));
            assert_eq!(worth(&buddy), (Trust::Verified, "authority", 3));
            assert!(buddy.doubt(&TrustAnchors::none(), false));
            assert_eq!(worth(&buddy), (Trust::Pinned, word, 2));
            assert!(!buddy.doubt(&TrustAnchors::none(), false));

            // And so it does if it came later.
            let mut buddy = bob();
            buddy.know(3, known(Trust::Verified), authority("one"));
            buddy.know(5, known(Trust::Verified), how);
            assert_eq!(worth(&buddy), (Trust::Verified, "authority", 3));
            assert!(buddy.doubt(&TrustAnchors::none(), false));
            assert_eq!(worth(&buddy), (Trust::Pinned, word, 5));
        }
    }

    #[test]
    fn what_an_authority_alone_vouched_for_is_worth_nothing_without_it() {
        let mut buddy = bob();
        let verified = |certificate| Known {
            certificate,
            trust: Trust::Verified,
        };
        buddy.know(1, verified(certificate()), authority("one"));
        assert!(buddy.doubt(&TrustAnchors::none(), false));
        assert_eq!(worth(&buddy), (Trust::Unverified, "first", 1));

        // What the user said of one key is nothing about another.
        let pinned = Known {
            certificate: certificate(),
            trust: Trust::Pinned,
        };
        buddy.know(2, pinned, How::Fingerprint);
        buddy.know(3, verified(certificate()), authority("one"));
        assert!(buddy.doubt(&TrustAnchors::none(), false));
        assert_eq!(worth(&buddy), (Trust::Unverified, "first", 3));
    }
}
