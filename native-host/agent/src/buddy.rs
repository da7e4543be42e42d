//! The people the user knows: consent, the key in use, and open questions about it.

use std::collections::BTreeMap;

use corella_identity::{
    AddressOfRecord, Certificate, Fingerprint, Millis,
    pass::Pass,
    trust::{self, Candidate, Choice, Known, Question, QuestionKind, Trust, TrustAnchors},
};

use crate::{Action, Agent, Expected, How, Invitations, KnownBy, Notice, Pair, Reason};

/// Most certificates of one person that are remembered as refused; the oldest are forgotten.
const REFUSED: usize = 32;

/// Whether the user wants to hear from somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consent {
    /// Added or accepted by the user.
    Buddy,
    /// Wrote first and waits for the user's answer.
    Request,
    /// Not wanted.
    Blocked,
}

impl Consent {
    /// The word for it on the bridge and in the roster.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buddy => "buddy",
            Self::Request => "request",
            Self::Blocked => "blocked",
        }
    }

    /// The consent that this word stands for.
    pub fn parse(word: &str) -> Option<Consent> {
        [Self::Buddy, Self::Request, Self::Blocked]
            .into_iter()
            .find(|c| c.as_str() == word)
    }
}

/// What is remembered of one person.
#[derive(Debug, Clone)]
pub struct Buddy {
    /// Who.
    pub address: AddressOfRecord,
    /// The name the user gave.
    pub name: Option<String>,
    /// Which of the user's own addresses this person knows; set with the first one there is.
    pub own: Option<AddressOfRecord>,
    /// Whether the user wants to hear from them.
    pub consent: Consent,
    /// The key in use.
    pub known: Option<Known>,
    /// How that came to be.
    pub known_by: Option<KnownBy>,
    /// What was mailed between them and the user.
    pub invitations: Invitations,
    /// What the user must decide before anything is sent.
    pub question: Option<Question>,
    /// What claimed to be this person's key when the user was asked, and was not chosen: it raises no question again.
    pub refused: Vec<Fingerprint>,
    /// The key that another device of the user's knows them by, as long as none is known here.
    pub expected: Option<Expected>,
    /// With what key they wrote before the user consented, while it is open whose key that is.
    pub wrote_with: Option<Certificate>,
    /// Their word that the user is welcome, by the own address to whose certificate it was given; for nodes that keep what is written to
    /// them.
    pub passes: BTreeMap<AddressOfRecord, Pass>,
}

impl Buddy {
    /// Somebody of whom only the address is known.
    pub fn new(address: AddressOfRecord, consent: Consent) -> Buddy {
        Buddy {
            address,
            name: None,
            own: None,
            consent,
            known: None,
            known_by: None,
            invitations: Invitations::default(),
            question: None,
            refused: Vec::new(),
            expected: None,
            wrote_with: None,
            passes: BTreeMap::new(),
        }
    }

    /// The user has chosen one of the keys: there is no question any more, about none of them. The authority among `anchors` that
    /// vouches for it as well is remembered too.
    pub(crate) fn choose(&mut self, now: Millis, mut chosen: Known, anchors: &TrustAnchors) {
        let candidates = self.question.take().map(|q| q.candidates).unwrap_or_default();
        self.refused.extend(candidates.iter().map(|c| c.fingerprint));
        let chosen_one = chosen.certificate.fingerprint();
        self.refused.retain(|f| *f != chosen_one);
        let excess = self.refused.len().saturating_sub(REFUSED);
        self.refused.drain(..excess);
        if self.known.as_ref() != Some(&chosen) {
            match How::of(anchors, &self.address, &chosen, &[], now, How::Fingerprint) {
                how @ How::Authority { .. } => self.know(now, chosen.clone(), how),
                // Whoever vouched for it is trusted no more, or the chain is not at hand: what is left is the user's word.
                _ => chosen.trust = Trust::Pinned,
            }
        }
        self.know(now, chosen, How::Fingerprint);
        self.expected = None;
    }

    /// It is open whether the key of a request is this person's, unless an authority vouches for it or the user has chosen it.
    pub(crate) fn reopen_request_key(&mut self) {
        let is_request = self.consent == Consent::Request;
        let key = self
            .known
            .take_if(|known| is_request && known.trust == Trust::Unverified);
        if key.is_some() {
            self.known_by = None;
        }
        self.wrote_with = key.map(|known| known.certificate).or(self.wrote_with.take());
    }

    /// Weighs the first key here where another device of the user's knows the person already: the expected one is as good as
    /// known, and any other is as if it had changed.
    fn first_key(&self, anchors: &TrustAnchors, expected: Expected, presented: &[Certificate], now: Millis) -> Choice {
        let is_it = |certificate: &&Certificate| expected.is_key_of(certificate);
        if let Some(certificate) = presented.iter().find(is_it).cloned() {
            // What an authority vouches for it does here too, or it counts as any first key.
            let trust = if expected.trust == Trust::Pinned {
                Trust::Pinned
            } else {
                Trust::Unverified
            };
            let known = Known { certificate, trust };
            return match trust::choose(anchors, &self.address, Some(&known), presented, now) {
                Choice::Keep => Choice::Adopt {
                    certificate: known.certificate,
                    trust,
                },
                choice => choice,
            };
        }
        match trust::choose(anchors, &self.address, None, presented, now) {
            Choice::Adopt { certificate, trust } if (trust, expected.trust) != (Trust::Verified, Trust::Verified) => {
                Choice::Ask(Question {
                    kind: QuestionKind::Changed,
                    candidates: vec![Candidate {
                        fingerprint: certificate.fingerprint(),
                        certificate,
                        trust,
                    }],
                })
            }
            choice => choice,
        }
    }

    /// Those of the presented certificates about which the user has not said that they are somebody else's.
    pub(crate) fn eligible(&self, presented: &[Certificate]) -> Vec<Certificate> {
        let is_refused = |c: &&Certificate| self.refused.contains(&c.fingerprint());
        presented.iter().filter(|c| !is_refused(c)).cloned().collect()
    }
}

impl Agent {
    pub(crate) fn is_buddy(&self, address: &AddressOfRecord) -> bool {
        self.buddies.get(address).is_some_and(|b| b.consent == Consent::Buddy)
    }

    pub(crate) fn is_blocked(&self, address: &AddressOfRecord) -> bool {
        self.buddies.get(address).is_some_and(|b| b.consent == Consent::Blocked)
    }

    /// The key to seal to, unless there is none or the user must be asked first.
    pub(crate) fn usable_key(&self, address: &AddressOfRecord) -> Option<(Certificate, Trust)> {
        let buddy = self.buddies.get(address)?;
        if buddy.question.is_some() {
            return None;
        }
        let known = buddy.known.as_ref().filter(|_| !self.is_known_revoked(address));
        known.map(|k| (k.certificate.clone(), k.trust))
    }

    /// Weighs the keys presented for `address` and settles what follows. True when a key may be used now.
    pub(crate) fn weigh(
        &mut self,
        now: Millis,
        address: &AddressOfRecord,
        presented: &[Certificate],
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(buddy) = self.buddies.get(address) else {
            return false;
        };
        if buddy.question.is_some() && !self.is_known_revoked(address) {
            return false;
        }
        let presented = self.eligible(address, presented);
        let anchors = &self.settings.anchors;
        let choice = match buddy.expected.filter(|_| buddy.known.is_none()) {
            Some(expected) => buddy.first_key(anchors, expected, &presented, now),
            None => trust::choose(anchors, address, buddy.known.as_ref(), &presented, now),
        };
        if buddy.question.is_some() && !self.is_answered(address, &choice) {
            return false;
        }
        let Some(buddy) = self.buddies.get_mut(address) else {
            return false;
        };
        buddy.question = None;
        match choice {
            Choice::Keep => return true,
            Choice::Nothing => return false,
            Choice::Adopt { certificate, trust } => {
                let first = buddy.known.is_none();
                let known = Known { certificate, trust };
                let otherwise = if buddy.expected.is_some() {
                    How::Device
                } else {
                    How::First
                };
                let how = How::of(anchors, address, &known, &presented, now, otherwise);
                buddy.know(now, known, how);
                buddy.expected = None;
                if first {
                    self.settle_requests(address, false, out);
                }
                self.close_other_links(address, out);
            }
            Choice::Renewed { certificate, trust } => {
                let known = Known { certificate, trust };
                let how = How::of(anchors, address, &known, &presented, now, How::First);
                buddy.know(now, known, how);
                out.push(Action::Notice(Notice::KeyRenewed(address.clone())));
                self.close_other_links(address, out);
            }
            Choice::Ask(question) => {
                self.ask(now, address, question, out);
                return false;
            }
        }
        self.buddy_changed(address, out);
        true
    }

    /// The user must decide; nothing is sent before.
    pub(crate) fn ask(&mut self, now: Millis, address: &AddressOfRecord, question: Question, out: &mut Vec<Action>) {
        if let Some(buddy) = self.buddies.get_mut(address) {
            buddy.question = Some(question);
        }
        self.close_links(address, out);
        let pairs: Vec<Pair> = self.peers.keys().filter(|p| p.with == *address).cloned().collect();
        for pair in pairs {
            self.pending_because(now, &pair, Reason::Question, out);
        }
        self.buddy_changed(address, out);
    }

    /// It is settled whose key a buddy's is: what was written with it before becomes part of the transcript, and what was written
    /// with another does not. `else_accept`: whether it does if nothing else than the key in use was ever written with.
    pub(crate) fn settle_requests(&mut self, address: &AddressOfRecord, else_accept: bool, out: &mut Vec<Action>) {
        let Some(buddy) = self.buddies.get_mut(address).filter(|b| b.consent == Consent::Buddy) else {
            return;
        };
        let (Some(known), Some(own)) = (&buddy.known, &buddy.own) else {
            return;
        };
        let wrote = buddy.wrote_with.take();
        let (own, with) = (own.clone(), address.clone());
        if wrote.map_or(else_accept, |key| key.same_key(&known.certificate)) {
            out.push(Action::AcceptRequests(Pair { own, with }));
        } else {
            self.drop_requests(with, out);
        }
    }

    /// What somebody wrote without consent is kept no longer; nor is what is on its way to the disk.
    fn drop_requests(&mut self, address: AddressOfRecord, out: &mut Vec<Action>) {
        for ((pair, _), arriving) in &mut self.arriving {
            arriving.dropped |= arriving.request && pair.with == address;
        }
        out.push(Action::DropRequests(address));
    }

    /// Knows nothing of somebody any more, and tells the add-on. What was accepted stays in the transcript; requests do not.
    pub(crate) fn forget(&mut self, address: &AddressOfRecord, out: &mut Vec<Action>) {
        self.buddies.remove(address);
        self.is_changed = true;
        self.shown.remove(address);
        for (_, peer) in self.peers.iter_mut().filter(|(pair, _)| pair.with == *address) {
            peer.challengers.clear();
        }
        self.peers
            .retain(|pair, peer| pair.with != *address || !peer.is_forgettable());
        self.drop_requests(address.clone(), out);
        out.push(Action::ForgetBuddy(address.clone()));
        out.push(Action::BuddyChanged {
            address: address.clone(),
            buddy: None,
        });
    }

    /// Saves a buddy and tells the add-on.
    pub(crate) fn buddy_changed(&mut self, address: &AddressOfRecord, out: &mut Vec<Action>) {
        self.is_changed = true;
        if let Some(buddy) = self.buddies.get(address) {
            out.push(Action::SaveBuddy(Box::new(buddy.clone())));
            out.push(Action::BuddyChanged {
                address: address.clone(),
                buddy: Some(Box::new(self.view(buddy))),
            });
        }
        self.show_presence(address, out);
    }
}
