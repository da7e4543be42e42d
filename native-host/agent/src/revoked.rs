//! Revoked keys: nothing is sent to one, and whoever bears one is not heard.
//!
//! What is known to be revoked stays so, whatever the overlay says later. If it is the key by which a person is known, the person is not
//! unknown again: what is presented next is weighed against that key as if it had changed.

use std::collections::BTreeMap;

use corella_identity::{
    AddressOfRecord, Certificate, Millis,
    revocation::{Extent, Revocation},
    trust::Choice,
};

use crate::{Action, Agent, Pair};

/// Of one person so many revocations are remembered...
const OF_PERSON: usize = 32;
/// ...and those of so many people whom the user does not know.
const STRANGERS: usize = 256;

/// A revocation, and how far it reaches here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Who revoked what.
    pub revocation: Revocation,
    /// How far that reaches, as the authorities that are trusted and the person's key were known when it was heard of.
    pub extent: Extent,
}

impl Revoked {
    fn covers(&self, certificate: &Certificate) -> bool {
        self.revocation.covers(certificate, self.extent)
    }

    fn is_about_the_same(&self, other: &Revoked) -> bool {
        self.revocation == other.revocation
    }
}

/// What is known to be revoked, by person.
#[derive(Debug, Default)]
pub(crate) struct RevokedKeys(BTreeMap<AddressOfRecord, Vec<Revoked>>);

impl RevokedKeys {
    pub(crate) fn new(remembered: Vec<Revoked>) -> RevokedKeys {
        let mut keys = RevokedKeys::default();
        for revoked in remembered {
            // They were few enough when they were remembered.
            keys.add(revoked, true);
        }
        keys
    }

    /// Whether a certificate of this person's is not to be used.
    pub(crate) fn covers(&self, address: &AddressOfRecord, certificate: &Certificate) -> bool {
        let of_person = self.0.get(address).into_iter().flatten();
        of_person.into_iter().any(|revoked| revoked.covers(certificate))
    }

    /// Whether that is new, or reaches farther than what was known. `in_use`: it is about a key that is in use, and is remembered
    /// however many others there are.
    fn add(&mut self, revoked: Revoked, in_use: bool) -> bool {
        let of_person = self.0.entry(revoked.revocation.address().clone()).or_default();
        match of_person.iter_mut().find(|known| known.is_about_the_same(&revoked)) {
            Some(known) if known.extent >= revoked.extent => false,
            Some(known) => {
                *known = revoked;
                true
            }
            None => {
                // What nobody here trusts gives way first: anybody can say any number of such.
                if of_person.len() >= OF_PERSON && !in_use {
                    let least = of_person.iter().enumerate().min_by_key(|(_, known)| known.extent);
                    match least.map(|(at, known)| (at, known.extent)) {
                        Some((at, extent)) if extent < revoked.extent => drop(of_person.remove(at)),
                        _ => return false,
                    }
                }
                of_person.push(revoked);
                true
            }
        }
    }
}

impl Agent {
    /// Whether a certificate that somebody presents as this person's is revoked.
    pub(crate) fn is_revoked(&self, address: &AddressOfRecord, certificate: &Certificate) -> bool {
        self.revoked.covers(address, certificate)
    }

    /// Whether the key by which a person is known is revoked.
    pub(crate) fn is_known_revoked(&self, address: &AddressOfRecord) -> bool {
        let known = self.buddies.get(address).and_then(|buddy| buddy.known.as_ref());
        known.is_some_and(|known| self.is_revoked(address, &known.certificate))
    }

    /// Those of the presented certificates that may be this person's: not refused by the user, and not revoked.
    pub(crate) fn eligible(&self, address: &AddressOfRecord, presented: &[Certificate]) -> Vec<Certificate> {
        let presented = match self.buddies.get(address) {
            Some(buddy) => buddy.eligible(presented),
            None => presented.to_vec(),
        };
        presented
            .into_iter()
            .filter(|certificate| !self.is_revoked(address, certificate))
            .collect()
    }

    /// Certificates are not to be used any more. Who bears them is not heard from now on, and the person is looked for anew.
    pub(crate) fn revoke(&mut self, now: Millis, revocations: Vec<Revocation>, out: &mut Vec<Action>) {
        for revocation in revocations {
            let address = revocation.address().clone();
            let buddy = self.buddies.get(&address);
            let is_heard_of = buddy.is_some() || self.revoked.0.contains_key(&address);
            let has_room = self.revoked.0.len() < STRANGERS + self.buddies.len();
            if self.own.contains(&address) || !(is_heard_of || has_room) {
                continue;
            }
            let known = buddy.and_then(|buddy| buddy.known.as_ref());
            let extent = revocation.extent(&self.settings.anchors, known.map(|known| &known.certificate), now);
            let revoked = Revoked { revocation, extent };
            // Whoever stole a key can declare any number of keys void before it is declared void itself.
            let in_use = self.is_in_use(&address, &revoked);
            if self.revoked.add(revoked.clone(), in_use) {
                if self.buddies.contains_key(&address) {
                    out.push(Action::SaveRevoked(Box::new(revoked)));
                }
                self.turn_away(now, &address, out);
            }
        }
    }

    /// The user trusts other authorities than before: what they have revoked of people here reaches farther now.
    pub(crate) fn weigh_revocations(&mut self, now: Millis, out: &mut Vec<Action>) {
        let heard = self.revoked.0.iter().filter(|(who, _)| self.buddies.contains_key(who));
        let heard = heard
            .flat_map(|(_, revoked)| revoked)
            .map(|revoked| revoked.revocation.clone())
            .collect();
        self.revoke(now, heard, out);
    }

    /// Whether it is about a key by which somebody is known, or that a link bears, and which is not revoked yet.
    fn is_in_use(&self, address: &AddressOfRecord, revoked: &Revoked) -> bool {
        let known = self.buddies.get(address).and_then(|buddy| buddy.known.as_ref());
        let peers = self.peers.iter().filter(|(pair, _)| pair.with == *address);
        let links = peers.flat_map(|(_, peer)| peer.links.values().map(|link| &link.certificate));
        let mut used = known.map(|known| &known.certificate).into_iter().chain(links);
        used.any(|certificate| revoked.covers(certificate) && !self.is_revoked(address, certificate))
    }

    /// Closes every link to `address` whose key is revoked, and asks nothing about such a key.
    fn turn_away(&mut self, now: Millis, address: &AddressOfRecord, out: &mut Vec<Action>) {
        let (revoked, is_lost) = (&self.revoked, self.is_known_revoked(address));
        for (pair, peer) in self.peers.iter_mut().filter(|(pair, _)| pair.with == *address) {
            for (id, link) in &mut peer.links {
                if revoked.covers(address, &link.certificate) {
                    link.presence = None;
                    out.push(Action::CloseLink(*id));
                }
            }
            peer.challengers.retain(|one| !revoked.covers(address, one));
            if is_lost && self.own.contains(&pair.own) {
                peer.reach.at_once(now);
            }
        }
        let Some(buddy) = self.buddies.get_mut(address) else {
            return;
        };
        if let Some(question) = &mut buddy.question {
            let before = question.candidates.len();
            question
                .candidates
                .retain(|candidate| !self.revoked.covers(address, &candidate.certificate));
            // Nothing is left to choose; who is left of several is still to be confirmed.
            if question.candidates.is_empty() {
                buddy.question = None;
            } else if question.candidates.len() == before && !is_lost {
                return self.show_presence(address, out);
            }
        } else if !is_lost {
            return self.show_presence(address, out);
        }
        self.buddy_changed(address, out);
    }

    /// The user was asked because a person's key was revoked: what the authority that vouched for it has issued since is an answer.
    pub(crate) fn is_answered(&self, address: &AddressOfRecord, choice: &Choice) -> bool {
        matches!(choice, Choice::Renewed { .. }) && self.is_known_revoked(address)
    }

    /// Somebody calls while the user is asked about a revoked key: they may have what answers that by now, and it is in the overlay.
    pub(crate) fn look_for_answer(&self, pair: &Pair, out: &mut Vec<Action>) {
        let is_asked = self
            .buddies
            .get(&pair.with)
            .is_some_and(|buddy| buddy.question.is_some());
        if is_asked && self.is_known_revoked(&pair.with) {
            out.push(Action::Locate(pair.clone()));
        }
    }
}
