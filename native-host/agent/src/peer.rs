//! The live side of one conversation: the search for the peer, and its links.

use std::collections::{BTreeMap, BTreeSet};

use corella_identity::{
    Certificate, Millis,
    pass::Pass,
    trust::{self, Choice},
};

use crate::{
    Action, Agent, Claim, Consent, Fetched, LinkId, LinkUp, MessageState, Pair, Presence, Reason, Received, Token,
    notices::Owed,
    outbox::{Outbox, Place},
    reach::Reach,
    watchers::Left,
};

/// Other keys for one address that are remembered until they are settled.
const CHALLENGERS: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Peer {
    pub(crate) reach: Reach,
    pub(crate) links: BTreeMap<LinkId, Link>,
    pub(crate) outbox: Outbox,
    pub(crate) owed: Owed,
    pub(crate) next_sequence: u64,
    /// What was fetched from the overlay, and stays there until its notice is under way: if this device ends before, it is
    /// fetched once more, and the notice is not forgotten.
    pub(crate) kept_for_notice: BTreeMap<String, Vec<Token>>,
    /// What was fetched from the overlay before it was settled whose key this is.
    pub(crate) unheard: Vec<Fetched>,
    /// The watcher that was left for the peer.
    pub(crate) watcher: Left,
    /// Other keys than the known one, whose holders called and claimed the address.
    pub(crate) challengers: Vec<Certificate>,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) device: String,
    pub(crate) certificate: Certificate,
    /// What the device at the other end said of its user.
    pub(crate) presence: Option<Presence>,
    /// How long the pass is good that the device has got over it.
    pub(crate) pass_until: Option<Millis>,
    /// A pass that came before the user consented to the peer.
    pub(crate) heard_pass: Option<Pass>,
    /// What came before it was settled whose key this is, in order.
    pub(crate) unheard: Vec<Received>,
    /// The messages sent on this link that are not answered yet.
    pub(crate) in_flight: BTreeSet<String>,
    /// Everything in the outbox up to here was sent on this link.
    pub(crate) cursor: Option<Place>,
    /// What is to be sent once more.
    pub(crate) again: BTreeSet<Place>,
}

impl Link {
    fn new(device: String, certificate: Certificate) -> Link {
        Link {
            device,
            certificate,
            presence: None,
            pass_until: None,
            heard_pass: None,
            unheard: Vec::new(),
            in_flight: BTreeSet::new(),
            cursor: None,
            again: BTreeSet::new(),
        }
    }
}

impl Peer {
    /// The links to send on: of several to one device the newest, since both ends may have called at the same time.
    pub(crate) fn sending_links(&self) -> BTreeSet<LinkId> {
        let newest: BTreeMap<&str, LinkId> = self
            .links
            .iter()
            .map(|(id, link)| (link.device.as_str(), *id))
            .collect();
        newest.into_values().collect()
    }

    /// Nothing would be lost with it.
    pub(crate) fn is_forgettable(&self) -> bool {
        self.links.is_empty() && self.outbox.is_empty() && self.next_sequence == 0
    }

    /// `wanted`: a link is wanted. `usable`: there is a key to seal to, and no open question.
    pub(crate) fn next_wakeup(&self, wanted: bool, usable: bool) -> Option<Millis> {
        let sending = usable && !self.links.is_empty();
        let search = if wanted && !sending { self.reach.due() } else { None };
        let again = self.outbox.next_again().filter(|_| sending);
        let owed = self.owed.due().filter(|_| sending);
        [search, again, owed].into_iter().flatten().min()
    }
}

impl Agent {
    /// A link is wanted to buddies, to see each other, and to whoever a message waits for.
    pub(crate) fn wants_link(&self, pair: &Pair, peer: &Peer) -> bool {
        let Some(buddy) = self.buddies.get(&pair.with) else {
            return false;
        };
        self.own.contains(&pair.own)
            && self.is_buddy(&pair.with)
            && buddy.question.is_none()
            && (!peer.outbox.is_empty() || buddy.own.as_ref() == Some(&pair.own))
    }

    /// When something is to be done for a peer.
    pub(crate) fn wakeup_of(&self, pair: &Pair, peer: &Peer) -> Option<Millis> {
        let key = self.usable_key(&pair.with).map(|(certificate, _)| certificate);
        let pass = key.as_ref().and_then(|key| self.next_pass(pair, peer, key));
        let other = peer.next_wakeup(self.wants_link(pair, peer), key.is_some());
        [pass, other].into_iter().flatten().min()
    }

    /// Everything whose time has come.
    pub(crate) fn due(&mut self, now: Millis, out: &mut Vec<Action>) {
        let pairs = self
            .peers
            .iter()
            .filter(|(pair, peer)| self.wakeup_of(pair, peer).is_some_and(|at| at <= now));
        let pairs: Vec<Pair> = pairs.map(|(pair, _)| pair.clone()).collect();
        for pair in pairs {
            let usable = self.usable_key(&pair.with).is_some();
            let Some(peer) = self.peers.get_mut(&pair) else {
                continue;
            };
            if peer.links.is_empty() || !usable {
                if peer.reach.begin(now) {
                    out.push(Action::Locate(pair));
                }
                continue;
            }
            while let Some(place) = peer.outbox.take_again(now) {
                for link in peer.links.values_mut() {
                    link.again.insert(place.clone());
                }
            }
            self.pump(now, &pair, out);
            self.tell_owed(now, &pair, out);
            self.give_passes(now, &pair, out);
        }
    }

    pub(crate) fn network_changed(&mut self, now: Millis) {
        for peer in self.peers.values_mut() {
            peer.reach.soon(now);
        }
    }

    /// Whoever claims the address is weighed together: the records found, and the keys on links that stand.
    pub(crate) fn located(&mut self, now: Millis, pair: &Pair, claims: Vec<Claim>, asked: bool, out: &mut Vec<Action>) {
        let known = self.buddies.get(&pair.with).is_some_and(|b| b.known.is_some());
        if !known && !asked {
            return self.search_failed(now, pair, Reason::Unknown, out);
        }
        let claimed: Vec<Certificate> = claims.iter().map(|c| c.certificate.clone()).collect();
        let mut presented = claimed.clone();
        presented.extend(claims.into_iter().flat_map(|c| c.chain));
        for (_, peer) in self.peers.iter_mut().filter(|(p, _)| p.with == pair.with) {
            presented.extend(peer.links.values().map(|l| l.certificate.clone()));
            if !known {
                presented.append(&mut peer.challengers);
            }
        }
        presented.extend(self.buddies.get(&pair.with).and_then(|b| b.wrote_with.clone()));
        let usable = self.weigh(now, &pair.with, &presented, out);
        let key = self
            .usable_key(&pair.with)
            .map(|(certificate, _)| certificate)
            .filter(|_| usable);
        let met = self.buddies.get(&pair.with).is_some_and(|b| b.known.is_some());
        let Some(peer) = self.peers.get_mut(pair) else { return };
        let linked = |key: &Certificate| peer.links.values().any(|link| link.certificate.same_key(key));
        match key {
            Some(key) if linked(&key) => {
                peer.reach.succeeded(now);
                for link in peer.links.keys().copied().collect::<Vec<_>>() {
                    self.greet(now, link, pair, out);
                }
                self.pump(now, pair, out);
            }
            Some(key) if claimed.iter().any(|c| c.same_key(&key)) => {
                peer.reach.connecting();
                let pair = pair.clone();
                out.push(Action::Connect { pair, key });
            }
            _ if met => self.unreachable(now, pair, out),
            _ => self.search_failed(now, pair, Reason::Unknown, out),
        }
        self.hear_what_waited(now, pair, out);
    }

    pub(crate) fn unreachable(&mut self, now: Millis, pair: &Pair, out: &mut Vec<Action>) {
        let challengers = self
            .peers
            .get_mut(pair)
            .map(|p| std::mem::take(&mut p.challengers))
            .unwrap_or_default();
        let known = self.buddies.get(&pair.with).is_some_and(|b| b.known.is_some());
        if known && !challengers.is_empty() && self.peers.get(pair).is_some_and(|p| p.links.is_empty()) {
            self.weigh(now, &pair.with, &challengers, out);
        }
        self.search_failed(now, pair, Reason::Offline, out);
    }

    fn search_failed(&mut self, now: Millis, pair: &Pair, reason: Reason, out: &mut Vec<Action>) {
        let usable = self.usable_key(&pair.with).is_some();
        let Some(peer) = self.peers.get_mut(pair) else { return };
        if usable && !peer.links.is_empty() {
            peer.reach.succeeded(now);
            return;
        }
        peer.reach.failed(now);
        self.pending_because(now, pair, reason, out);
        if reason == Reason::Offline {
            self.store_away(now, pair, out);
            self.leave_watcher(now, pair, out);
        }
    }

    /// Tells the user why the messages to a peer wait.
    pub(crate) fn pending_because(&mut self, now: Millis, pair: &Pair, reason: Reason, out: &mut Vec<Action>) {
        let asked = self.buddies.get(&pair.with).is_some_and(|b| b.question.is_some());
        let reason = Some(if asked { Reason::Question } else { reason });
        let Some(peer) = self.peers.get_mut(pair) else { return };
        for id in peer.outbox.outlived(now) {
            peer.outbox.remove(&id);
            out.push(Action::SetState {
                pair: pair.clone(),
                id,
                state: MessageState::Failed,
                reason,
            });
        }
        let state = MessageState::Pending;
        for id in peer.outbox.pending() {
            if peer.outbox.mark(&id, state, reason) {
                out.push(Action::SetState {
                    pair: pair.clone(),
                    id,
                    state,
                    reason,
                });
            }
        }
    }

    pub(crate) fn link_up(&mut self, now: Millis, up: LinkUp, out: &mut Vec<Action>) {
        let LinkUp {
            link,
            pair,
            device,
            certificate,
        } = up;
        if pair.own == pair.with && self.own.contains(&pair.own) {
            return self.device_up(now, &pair.own, link, device, out);
        }
        let buddy = self.buddies.get(&pair.with);
        let known = buddy.map(|b| b.known.is_some());
        // Another own address is no peer.
        let refused = !self.own.contains(&pair.own)
            || self.own.contains(&pair.with)
            || buddy.is_some_and(|b| b.question.is_some())
            || self.challenged(now, &pair, &certificate)
            || (known == Some(true) && !self.weigh(now, &pair.with, std::slice::from_ref(&certificate), out));
        if refused || self.is_revoked(&pair.with, &certificate) {
            out.push(Action::CloseLink(link));
            self.look_for_answer(&pair, out);
            // An attempt of ours may have ended here; the next one must be able to begin.
            if let Some(peer) = self.peers.get_mut(&pair).filter(|p| p.links.is_empty()) {
                peer.reach.refused(now);
            }
            return;
        }
        let is_buddy = self.is_buddy(&pair.with);
        let known_one = self.buddies.get(&pair.with).and_then(|b| b.known.as_ref());
        let is_other = known_one.is_some_and(|known| known.certificate != certificate);
        let peer = self.peers.entry(pair.clone()).or_default();
        peer.links.insert(link, Link::new(device, certificate));
        self.links.insert(link, pair.clone());
        // Whose key is known is there: who called in that name meanwhile raises no question later.
        if is_buddy && known == Some(true) {
            peer.challengers.clear();
        }
        if known == Some(false) {
            // The first key of a buddy is taken only after a look at who else claims the address.
            peer.reach.at_once(now);
            return;
        }
        peer.reach.succeeded(now);
        self.greet(now, link, &pair, out);
        self.pump(now, &pair, out);
        // There is another certificate of the known key: who vouches for it is in the overlay.
        if is_buddy && is_other {
            out.push(Action::Locate(pair));
        }
    }

    /// Somebody called with another key than the known one. The caller is not heard, and the known key's devices are sought
    /// first: only when none of them answers is the user asked, so that an impostor cannot silence somebody who is there.
    fn challenged(&mut self, now: Millis, pair: &Pair, certificate: &Certificate) -> bool {
        let Some(buddy) = self.buddies.get(&pair.with).filter(|b| b.known.is_some()) else {
            return false;
        };
        let presented = self.eligible(&pair.with, std::slice::from_ref(certificate));
        let choice = trust::choose(
            &self.settings.anchors,
            &pair.with,
            buddy.known.as_ref(),
            &presented,
            now,
        );
        if !matches!(choice, Choice::Ask(_)) {
            return false;
        }
        // Of a request the challengers are remembered until the user answers it.
        let waits = buddy.consent == Consent::Request;
        if let Some(peer) = self.peers.get_mut(pair).filter(|p| waits || p.links.is_empty()) {
            if peer.challengers.len() < CHALLENGERS && !peer.challengers.contains(certificate) {
                peer.challengers.push(certificate.clone());
            }
            peer.reach.at_once(now);
        }
        true
    }

    pub(crate) fn link_down(&mut self, now: Millis, link: LinkId, out: &mut Vec<Action>) {
        if self.device_down(now, link, out) {
            return;
        }
        let Some(pair) = self.links.remove(&link) else { return };
        let ended = self.peers.get_mut(&pair).and_then(|p| p.links.get_mut(&link));
        for unheard in ended.map(|l| std::mem::take(&mut l.unheard)).unwrap_or_default() {
            let (token, status) = (unheard.token, 480);
            out.push(Action::Answer { token, status });
        }
        if let Some(peer) = self.peers.get_mut(&pair) {
            peer.links.remove(&link);
            if peer.links.is_empty() {
                peer.owed.forget();
                for id in peer.kept_for_notice.keys() {
                    peer.owed.add(now, id.clone());
                }
                peer.reach.lost(now);
                if peer.is_forgettable() && !self.buddies.contains_key(&pair.with) {
                    self.peers.remove(&pair);
                }
            }
        }
        self.show_presence(&pair.with, out);
        if self.peers.get(&pair).is_some_and(|p| p.links.is_empty()) {
            self.pending_because(now, &pair, Reason::Offline, out);
        }
        // What was on its way on the lost link goes on another one that stands.
        self.pump(now, &pair, out);
    }

    /// Closes every link to `address` that bears another key than the one in use; what was said on it is not heard.
    pub(crate) fn close_other_links(&mut self, address: &corella_identity::AddressOfRecord, out: &mut Vec<Action>) {
        let Some((key, _)) = self.usable_key(address) else {
            return;
        };
        for (_, peer) in self.peers.iter_mut().filter(|(pair, _)| pair.with == *address) {
            for (id, link) in peer
                .links
                .iter_mut()
                .filter(|(_, link)| !link.certificate.same_key(&key))
            {
                link.presence = None;
                out.push(Action::CloseLink(*id));
            }
        }
    }

    /// Closes every link to `address`.
    pub(crate) fn close_links(&self, address: &corella_identity::AddressOfRecord, out: &mut Vec<Action>) {
        out.extend(
            self.links
                .iter()
                .filter(|(_, p)| p.with == *address)
                .map(|(link, _)| Action::CloseLink(*link)),
        );
    }
}
