//! What comes in from peers.
//!
//! A stranger's messages are kept as requests, within limits: a few per stranger and a bounded number of strangers, so that a crowd can
//! neither fill the disk nor bury the requests of others. These counts start anew with the program.

use corella_identity::{Millis, trust::Trust};

use crate::{
    Action, Agent, Buddy, Consent, Content, MessageState, NewMessage, Pair, Received, Side, StoreOutcome, Token,
};

/// Requests kept of one stranger.
const REQUESTS_PER_STRANGER: usize = 50;
/// Strangers who may wait for an answer at a time.
const STRANGERS: usize = 200;
/// Of these, how many may have written from one device.
const STRANGERS_ON_DEVICE: usize = 5;
/// What one link may say before it is settled whose key it bears.
const UNHEARD: usize = 64;

impl Agent {
    pub(crate) fn received(&mut self, now: Millis, received: Received, out: &mut Vec<Action>) {
        let (link, token) = (received.link, received.token);
        let Some(pair) = self.links.get(&link).cloned() else {
            out.push(Action::Answer { token, status: 480 });
            return;
        };
        if self.is_unsettled(&pair) {
            let link = self.peers.get_mut(&pair).and_then(|p| p.links.get_mut(&link));
            match link.filter(|link| link.unheard.len() < UNHEARD) {
                Some(link) => link.unheard.push(received),
                None => out.push(Action::Answer { token, status: 480 }),
            }
            return;
        }
        let Received {
            id,
            at,
            sequence,
            content,
            ..
        } = received;
        if self.is_blocked(&pair.with) {
            out.push(Action::Answer { token, status: 603 });
            return;
        }
        let known = self
            .buddies
            .get(&pair.with)
            .and_then(|b| b.known.as_ref())
            .map(|k| &k.certificate);
        let bears = self
            .peers
            .get(&pair)
            .and_then(|p| p.links.get(&link))
            .map(|l| &l.certificate);
        if known.is_some_and(|known| !bears.is_some_and(|bears| bears.same_key(known))) {
            out.push(Action::Answer { token, status: 403 });
            out.push(Action::CloseLink(link));
            return;
        }
        match content {
            Content::Text(text) => self.text_came(now, link, token, pair, id, at, sequence, text, out),
            Content::Delivered(ids) => {
                self.delivered(&pair, ids, out);
                out.push(Action::Answer { token, status: 200 });
            }
            Content::Presence(presence) => {
                self.with_presence_watched(&pair.with.clone(), out, |agent| {
                    let link = agent.peers.get_mut(&pair).and_then(|p| p.links.get_mut(&link));
                    if let Some(link) = link {
                        link.presence = Some(presence);
                    }
                });
                out.push(Action::Answer { token, status: 200 });
            }
        }
    }

    /// Whether it is open which key is this person's: whoever claims to be them is not heard before.
    fn is_unsettled(&self, pair: &Pair) -> bool {
        let buddy = self.buddies.get(&pair.with).filter(|b| b.consent == Consent::Buddy);
        buddy.is_some_and(|b| b.known.is_none()) && !self.settings.accept_everyone
    }

    /// The key may be settled now: what waited for that is heard, or refused with the link that it came on.
    pub(crate) fn hear_what_waited(&mut self, now: Millis, pair: &Pair, out: &mut Vec<Action>) {
        if self.is_unsettled(pair) {
            return;
        }
        let links = self.peers.get_mut(pair).into_iter().flat_map(|p| p.links.values_mut());
        let waited: Vec<Received> = links.flat_map(|link| std::mem::take(&mut link.unheard)).collect();
        for received in waited {
            self.received(now, received, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one message")]
    fn text_came(
        &mut self,
        now: Millis,
        link: crate::LinkId,
        token: Token,
        pair: Pair,
        id: String,
        at: Millis,
        sequence: u64,
        text: String,
        out: &mut Vec<Action>,
    ) {
        let key = (pair.clone(), id.clone());
        if let Some(waiting) = self.arriving.get_mut(&key) {
            waiting.push((link, token));
            return;
        }
        if text.is_empty() || text.len() > Content::TEXT_BYTES {
            out.push(Action::Answer {
                token,
                status: if text.is_empty() { 400 } else { 413 },
            });
            return;
        }
        if !self.is_buddy(&pair.with) {
            if self.settings.accept_everyone {
                if self
                    .consent(now, &pair.with, None, Some(pair.own.clone()), out)
                    .is_err()
                {
                    out.push(Action::Answer { token, status: 403 });
                    return;
                }
            } else if !self.take_request(now, link, &pair, out) {
                out.push(Action::Answer { token, status: 480 });
                return;
            }
        }
        let trust = self
            .usable_key(&pair.with)
            .map_or(Trust::Unverified, |(_, trust)| trust);
        let request = !self.is_buddy(&pair.with);
        self.arriving.insert(key, vec![(link, token)]);
        out.push(Action::Store(NewMessage {
            pair,
            side: Side::In,
            id,
            text,
            at,
            sequence,
            trust,
            request,
        }));
    }

    /// Makes room for one more request of a stranger; the key on the link is the first one seen.
    fn take_request(&mut self, now: Millis, link: crate::LinkId, pair: &Pair, out: &mut Vec<Action>) -> bool {
        let kept = self.requests.get(&pair.with).copied().unwrap_or(0);
        let arriving = self.arriving.keys().filter(|(p, _)| p == pair).count();
        if kept + arriving >= REQUESTS_PER_STRANGER {
            return false;
        }
        if !self.buddies.contains_key(&pair.with) {
            if self.buddies.values().filter(|b| b.consent == Consent::Request).count() >= STRANGERS {
                return false;
            }
            let device = self.peers.get(pair).and_then(|p| p.links.get(&link)).map(|l| &l.device);
            let strangers = self.strangers.entry(device.cloned().unwrap_or_default()).or_default();
            if strangers.len() >= STRANGERS_ON_DEVICE {
                return false;
            }
            strangers.insert(pair.with.clone());
            let stranger = Buddy {
                own: Some(pair.own.clone()),
                ..Buddy::new(pair.with.clone(), Consent::Request)
            };
            self.buddies.insert(pair.with.clone(), stranger);
            let certificate = self
                .peers
                .get(pair)
                .and_then(|p| p.links.get(&link))
                .map(|l| l.certificate.clone());
            if !self.weigh(now, &pair.with, certificate.as_slice(), out) {
                self.buddies.remove(&pair.with);
                return false;
            }
        }
        true
    }

    /// A message of a peer is on disk, was there before, or could not be put there.
    pub(crate) fn stored_in(
        &mut self,
        now: Millis,
        pair: Pair,
        id: String,
        outcome: StoreOutcome,
        out: &mut Vec<Action>,
    ) {
        let waiting = self.arriving.remove(&(pair.clone(), id.clone())).unwrap_or_default();
        let buddy = self.is_buddy(&pair.with);
        let (status, notice) = match outcome {
            StoreOutcome::Failed => (500, false),
            StoreOutcome::New if buddy => (200, true),
            StoreOutcome::New => {
                *self.requests.entry(pair.with.clone()).or_default() += 1;
                (202, false)
            }
            StoreOutcome::Duplicate { request } => (if request { 202 } else { 200 }, !request && buddy),
        };
        for (_, token) in waiting {
            out.push(Action::Answer { token, status });
        }
        if notice {
            self.owe(now, &pair, vec![id], out);
        }
    }

    fn delivered(&mut self, pair: &Pair, ids: Vec<String>, out: &mut Vec<Action>) {
        let Some(peer) = self.peers.get_mut(pair) else { return };
        for id in ids {
            peer.outbox.remove(&id);
            out.push(Action::SetState {
                pair: pair.clone(),
                id,
                state: MessageState::Delivered,
                reason: None,
            });
        }
    }
}
