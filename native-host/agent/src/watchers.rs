//! Watchers (draft-singh-p2p-sip, `subscribe:presence:`): who is off line finds, when back, who wants to see them.

use corella_identity::{Certificate, Millis};

use crate::{Action, Agent, Pair, Status};

/// How long a watcher is good for, in milliseconds.
pub const WATCHER_LIFE: Millis = 24 * 3_600_000;
/// It is written anew after half of that.
const ANEW: Millis = WATCHER_LIFE / 2;
/// What no node took is tried again after this.
const AGAIN: Millis = 600_000;

/// Where the watcher of a buddy stands that was left in the overlay.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// When it may be written again.
    next: Option<Millis>,
    /// It was taken back, and none was left since.
    is_taken_back: bool,
}

impl Agent {
    /// A buddy is off line: a watcher is left for them. Who does not want to be seen leaves none.
    pub(crate) fn leave_watcher(&mut self, now: Millis, pair: &Pair, out: &mut Vec<Action>) {
        if self.presence.status == Status::Offline || !self.is_buddy(&pair.with) {
            return;
        }
        let Some((certificate, _)) = self.usable_key(&pair.with) else {
            return;
        };
        let pass = self.pass_for(now, pair, &certificate, WATCHER_LIFE);
        let Some(peer) = self.peers.get_mut(pair) else { return };
        if peer.watcher.next.is_none_or(|next| next <= now) {
            // Until it is known what became of it.
            peer.watcher = Left {
                next: Some(now + AGAIN),
                is_taken_back: false,
            };
            out.push(Action::LeaveWatcher {
                pair: pair.clone(),
                certificate,
                pass,
            });
        }
    }

    /// A watcher is in the overlay, or no node took it.
    pub(crate) fn watcher_left(&mut self, now: Millis, pair: &Pair, is_stored: bool) {
        if let Some(peer) = self.peers.get_mut(pair).filter(|peer| !peer.watcher.is_taken_back) {
            peer.watcher.next = Some(now + if is_stored { ANEW } else { AGAIN });
        }
    }

    /// The user does not want to see these people any more, or not to be seen: what was left for them is taken back. What was left
    /// before the program started is not remembered, so it is done whether anything was left or not.
    pub(crate) fn take_back_watchers(&mut self, now: Millis, pairs: &[Pair], out: &mut Vec<Action>) {
        for pair in pairs {
            let key = self.usable_key(&pair.with);
            let Some(peer) = self.peers.get_mut(pair) else { continue };
            let is_done = std::mem::replace(&mut peer.watcher.is_taken_back, true);
            peer.watcher.next = None;
            if let Some((certificate, _)) = key.filter(|_| !is_done) {
                let pass = self.pass_for(now, pair, &certificate, WATCHER_LIFE);
                out.push(Action::TakeBackWatcher {
                    pair: pair.clone(),
                    certificate,
                    pass,
                });
            }
        }
    }

    /// Somebody left a watcher: they were there while this device was not. A buddy is looked for at once.
    pub(crate) fn watched(&mut self, now: Millis, pair: &Pair, certificate: &Certificate) {
        let known = self.buddies.get(&pair.with).and_then(|b| b.known.as_ref());
        let is_theirs = known.is_some_and(|known| known.certificate.same_key(certificate))
            && !self.is_revoked(&pair.with, certificate);
        if !self.own.contains(&pair.own) || !self.is_buddy(&pair.with) || !is_theirs {
            return;
        }
        if let Some(peer) = self.peers.get_mut(pair).filter(|peer| peer.links.is_empty()) {
            peer.reach.soon(now);
        }
    }
}
