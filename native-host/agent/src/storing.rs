//! What waits in the overlay: messages and notices for those who are off line, and what waited for the user.

use corella_identity::{AddressOfRecord, Millis, seal::OFFLINE_LIFETIME};

use crate::{Action, Agent, Content, Fetched, MessageState, Pair, Via};

/// What may wait until it is settled whose key a person's is.
const UNHEARD: usize = 64;

impl Agent {
    /// Nobody is there: what waits for them waits in the overlay from now on, so that it comes even if this device is off line
    /// then.
    pub(crate) fn store_away(&mut self, now: Millis, pair: &Pair, out: &mut Vec<Action>) {
        let Some((certificate, _)) = self.usable_key(&pair.with).filter(|_| self.is_buddy(&pair.with)) else {
            return;
        };
        let pass = self.pass_for(now, pair, &certificate, OFFLINE_LIFETIME);
        let Some(peer) = self.peers.get_mut(pair) else { return };
        for message in peer.outbox.take_to_store(now) {
            out.push(Action::StoreAway {
                pair: pair.clone(),
                certificate: certificate.clone(),
                pass: pass.clone(),
                message,
            });
        }
        self.store_notices_away(now, pair, out);
    }

    /// Puts notices into the overlay that are owed to somebody who is not there.
    pub(crate) fn store_notices_away(&mut self, now: Millis, pair: &Pair, out: &mut Vec<Action>) {
        let Some((certificate, _)) = self.usable_key(&pair.with).filter(|_| self.is_buddy(&pair.with)) else {
            return;
        };
        let pass = self.pass_for(now, pair, &certificate, OFFLINE_LIFETIME);
        let Some(peer) = self.peers.get_mut(pair).filter(|p| p.links.is_empty()) else {
            return;
        };
        loop {
            let ids = peer.owed.take_all();
            if ids.is_empty() {
                return;
            }
            out.push(Action::StoreNoticesAway {
                pair: pair.clone(),
                certificate: certificate.clone(),
                pass: pass.clone(),
                ids,
            });
        }
    }

    /// Notices are under way: what they are for is not needed in the overlay any more.
    pub(crate) fn noticed(&mut self, pair: &Pair, ids: &[String], out: &mut Vec<Action>) {
        let Some(peer) = self.peers.get_mut(pair) else { return };
        let noticed = ids.iter().filter_map(|id| peer.kept_for_notice.remove(id));
        for token in noticed.flatten().collect::<Vec<_>>() {
            self.let_go(&pair.own, token, out);
        }
    }

    /// A message is in the overlay, or nobody took it: then it is tried again when the person is next looked for.
    pub(crate) fn stored_away(&mut self, now: Millis, pair: &Pair, id: &str, is_stored: bool, out: &mut Vec<Action>) {
        let Some(peer) = self.peers.get_mut(pair) else { return };
        peer.outbox.stored(now, id, is_stored);
        let state = MessageState::Stored;
        if is_stored && peer.outbox.mark(id, state, None) {
            out.push(Action::SetState {
                pair: pair.clone(),
                id: id.to_owned(),
                state,
                reason: None,
            });
        }
    }

    /// Notices are in the overlay, or nobody took them: then they are owed still.
    pub(crate) fn notices_stored_away(
        &mut self,
        now: Millis,
        pair: &Pair,
        ids: Vec<String>,
        is_stored: bool,
        out: &mut Vec<Action>,
    ) {
        if is_stored {
            return self.noticed(pair, &ids, out);
        }
        let Some(peer) = self.peers.get_mut(pair) else { return };
        for id in ids {
            peer.owed.add(now, id);
        }
    }

    /// Something waited in the overlay. It is heard as what comes over a link is; what is not heard stays there until it
    /// expires.
    pub(crate) fn fetched(&mut self, now: Millis, fetched: Fetched, out: &mut Vec<Action>) {
        let (pair, token) = (fetched.pair.clone(), fetched.token);
        if self.hold(now, &fetched, out) {
            return;
        }
        if !self.own.contains(&pair.own) || self.own.contains(&pair.with) {
            self.answer_device(token, 403, out);
            return;
        }
        if self.is_blocked(&pair.with) {
            self.let_go(&pair.own, token, out);
            return;
        }
        if self.is_unsettled(&pair) {
            self.answer_device(token, 480, out);
            let fetched = Fetched {
                passed: None,
                ..fetched
            };
            let peer = self.peers.entry(pair).or_default();
            if peer.unheard.len() < UNHEARD {
                peer.unheard.push(fetched);
                peer.reach.soon(now);
            }
            return;
        }
        let known = self.buddies.get(&pair.with).and_then(|b| b.known.as_ref());
        let is_other = known.is_some_and(|known| !known.certificate.same_key(&fetched.certificate));
        if is_other || self.is_revoked(&pair.with, &fetched.certificate) {
            self.answer_device(token, 403, out);
            return;
        }
        let Fetched {
            certificate,
            id,
            at,
            sequence,
            returns,
            content,
            ..
        } = fetched;
        if let Some(nonce) = returns {
            self.came_back(now, &pair.with, &certificate, nonce, out);
        }
        match content {
            Content::Text(text) => {
                let via = Via::Overlay(token, certificate);
                self.text_came(now, via, pair, id, at, sequence, text, out);
            }
            Content::Delivered(ids) => {
                self.delivered(&pair, ids, out);
                self.let_go(&pair.own, token, out);
            }
            // A status of another day says nothing, and passes are given over links.
            Content::Presence(_) | Content::Pass(_) => self.let_go(&pair.own, token, out),
        }
    }

    /// Whoever brought a message hears what became of it: a peer by a SIP status, the overlay by removing what was taken.
    pub(crate) fn answer(&mut self, own: &AddressOfRecord, via: &Via, status: u16, out: &mut Vec<Action>) {
        match via {
            Via::Link(_, token) => out.push(Action::Answer { token: *token, status }),
            Via::Overlay(token, _) if (200..300).contains(&status) || status == 603 => self.let_go(own, *token, out),
            Via::Overlay(token, _) => self.answer_device(*token, status, out),
        }
    }
}
