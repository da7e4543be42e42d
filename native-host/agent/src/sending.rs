//! What is sent over the links of a conversation, and what its answers mean.

use corella_identity::Millis;

use crate::{Action, Agent, Content, LinkId, MessageState, Pair, Reason, outbox::Outbox};

/// As many requests wait for their answers on one link at most.
const WINDOW: usize = 64;

impl Agent {
    /// Sends what may be sent on the links of `pair` now.
    pub(crate) fn pump(&mut self, now: Millis, pair: &Pair, out: &mut Vec<Action>) {
        let Some((key, _)) = self.usable_key(&pair.with).filter(|_| self.is_buddy(&pair.with)) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(pair) else { return };
        let sending = peer.sending_links();
        let mut outlived = Vec::new();
        for (id, link) in peer.links.iter_mut().filter(|(id, _)| sending.contains(id)) {
            if !link.certificate.same_key(&key) {
                continue;
            }
            while link.in_flight.len() < WINDOW {
                let place = match link.again.pop_first() {
                    Some(place) => place,
                    None => match peer.outbox.next(link.cursor.as_ref()) {
                        Some(place) => {
                            link.cursor = Some(place.clone());
                            place.clone()
                        }
                        None => break,
                    },
                };
                let Some(message) = peer.outbox.at(&place) else {
                    continue;
                };
                // Its date would be refused, also by a device that has it already.
                if Outbox::is_too_old(now, message.at) {
                    if message.state == MessageState::Pending {
                        outlived.push((message.id.clone(), message.reason.or(Some(Reason::Offline))));
                    }
                    continue;
                }
                if !link.in_flight.insert(message.id.clone()) {
                    continue;
                }
                out.push(Action::SendMessage {
                    link: *id,
                    pair: pair.clone(),
                    certificate: key.clone(),
                    id: message.id.clone(),
                    text: message.text.clone(),
                    at: message.at,
                    sequence: message.sequence,
                });
            }
        }
        for (id, reason) in outlived {
            if peer.outbox.remove(&id).is_some() {
                let (pair, state) = (pair.clone(), MessageState::Failed);
                out.push(Action::SetState {
                    pair,
                    id,
                    state,
                    reason,
                });
            }
        }
    }

    pub(crate) fn answered(&mut self, now: Millis, link: LinkId, id: &str, status: u16, out: &mut Vec<Action>) {
        let Some(pair) = self.landed(link, id) else { return };
        let Some(peer) = self.peers.get_mut(&pair) else { return };
        let device = peer.links.get(&link).map(|l| l.device.clone()).unwrap_or_default();
        let verdict = match status {
            202 => Some((MessageState::Sent, Some(Reason::Waiting))),
            200..=299 => Some((MessageState::Sent, None)),
            // RFC 3261 21.4.18, 21.4.24, 21.5: the device is there, and this passes.
            408 | 480 | 486 | 491 | 500 | 503 | 504 => {
                peer.outbox.put_off(now, id);
                // So a peer answers whom it does not want to hear more of for now.
                (status == 480).then_some((MessageState::Pending, Some(Reason::Waiting)))
            }
            // The peer could not open it. It may have changed its key: look again and seal once more, under the same id.
            493 if peer.outbox.may_seal_again(id) => {
                peer.outbox.put_off(now, id);
                out.push(Action::CloseLink(link));
                None
            }
            413 | 513 => Some((MessageState::Failed, Some(Reason::TooLarge))),
            _ => Some((MessageState::Failed, Some(Reason::Refused))),
        };
        if let Some((state, reason)) = verdict {
            let told = if state == MessageState::Failed {
                // Another device of the peer may have it already; its word counts more.
                peer.outbox.may_fail(id, &device) && peer.outbox.remove(id).is_some()
            } else {
                if state == MessageState::Sent {
                    peer.outbox.taken(id, &device);
                    peer.outbox.expect_notice(now, id);
                }
                peer.outbox.mark(id, state, reason)
            };
            if told {
                out.push(Action::SetState {
                    pair: pair.clone(),
                    id: id.to_owned(),
                    state,
                    reason,
                });
            }
        }
        self.pump(now, &pair, out);
    }

    pub(crate) fn not_answered(&mut self, now: Millis, link: LinkId, id: &str, out: &mut Vec<Action>) {
        let Some(pair) = self.landed(link, id) else { return };
        if let Some(peer) = self.peers.get_mut(&pair) {
            peer.outbox.put_off(now, id);
        }
        self.pump(now, &pair, out);
    }

    /// A request on `link` ended: whose it was.
    fn landed(&mut self, link: LinkId, id: &str) -> Option<Pair> {
        let pair = self.links.get(&link)?.clone();
        self.peers.get_mut(&pair)?.links.get_mut(&link)?.in_flight.remove(id);
        Some(pair)
    }

    /// Notices are owed for these messages.
    pub(crate) fn owe(&mut self, now: Millis, pair: &Pair, ids: Vec<String>, out: &mut Vec<Action>) {
        let Some(peer) = self.peers.get_mut(pair) else { return };
        for id in ids {
            peer.owed.add(now, id);
        }
        if peer.links.is_empty() {
            // If nobody is there, the notices wait for them in the overlay.
            peer.reach.soon(now);
        }
        self.tell_owed(now, pair, out);
    }

    pub(crate) fn tell_owed(&mut self, now: Millis, pair: &Pair, out: &mut Vec<Action>) {
        let Some((certificate, _)) = self.usable_key(&pair.with) else {
            return;
        };
        loop {
            let Some(peer) = self.peers.get_mut(pair).filter(|p| !p.links.is_empty()) else {
                return;
            };
            let ids = peer.owed.take(now);
            if ids.is_empty() {
                return;
            }
            for link in peer.sending_links() {
                out.push(Action::SendContent {
                    link,
                    pair: pair.clone(),
                    certificate: certificate.clone(),
                    content: Content::Delivered(ids.clone()),
                });
            }
            self.noticed(pair, &ids, out);
        }
    }
}
