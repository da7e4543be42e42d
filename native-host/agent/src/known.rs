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
    /// The key in use is this one from now on. Since when, and how, stays as it was for a key that is worth the same as before.
    pub(crate) fn know(&mut self, now: Millis, known: Known, how: How) {
        let is_as_before =
            |before: &Known| before.trust == known.trust && before.certificate.same_key(&known.certificate);
        let is_as_before = self.known.as_ref().is_some_and(is_as_before);
        match &mut self.known_by {
            // Another authority vouches for it by now.
            Some(known_by) if is_as_before => {
                if matches!(how, How::Authority { .. }) {
                    known_by.how = how;
                }
            }
            _ => self.known_by = Some(KnownBy { how, since: now }),
        }
        self.known = Some(known);
    }
}

impl Agent {
    /// The user trusts these authorities from now on, and no others: whoever was known by another is no longer, and everybody else is
    /// looked up anew.
    pub(crate) fn trust_authorities(&mut self, now: Millis, anchors: TrustAnchors, out: &mut Vec<Action>) {
        let before = std::mem::replace(&mut self.settings.anchors, anchors);
        let is_one_gone = before
            .authorities()
            .iter()
            .any(|one| !self.settings.anchors.trusts(one));
        let people: Vec<AddressOfRecord> = self.buddies.keys().cloned().collect();
        for address in people {
            let Some(buddy) = self.buddies.get_mut(&address) else {
                continue;
            };
            let is_trusted = |known_by: &KnownBy| match &known_by.how {
                How::Authority { root, .. } => self.settings.anchors.trusts_fingerprint(root),
                _ => false,
            };
            let vouched = buddy.known.as_mut().filter(|known| known.trust == Trust::Verified);
            if let Some(known) = vouched.filter(|_| is_one_gone && !buddy.known_by.as_ref().is_some_and(is_trusted)) {
                // The user's own word does not depend on an authority.
                let is_chosen = buddy.known_by.as_ref().is_some_and(|by| by.how == How::Fingerprint);
                known.trust = if is_chosen { Trust::Pinned } else { Trust::Unverified };
                if !is_chosen {
                    buddy.known_by = Some(KnownBy {
                        how: How::First,
                        since: now,
                    });
                }
                self.buddy_changed(&address, out);
            }
            // What is asked about is worth what can still be proven of it.
            let question = self.buddies.get_mut(&address).and_then(|buddy| buddy.question.as_mut());
            if let Some(question) = question.filter(|_| is_one_gone) {
                for candidate in question
                    .candidates
                    .iter_mut()
                    .filter(|one| one.trust == Trust::Verified)
                {
                    candidate.trust = Trust::Unverified;
                }
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
    }
}
