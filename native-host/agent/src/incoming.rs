//! What comes in from peers.

use corella_identity::{
    AddressOfRecord, Millis,
    trust::{self, Choice, Known, Trust},
};

use crate::{
    Action, Agent, Arriving, Buddy, Consent, Content, How, MessageState, NewMessage, Pair, Received, Side,
    StoreOutcome, Via,
    requests::{MAIL, Room},
};

/// The name of the device from which strangers' messages in the overlay come.
const OVERLAY: &str = "overlay";
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
            returns,
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
        let is_revoked = bears.is_some_and(|bears| self.is_revoked(&pair.with, bears));
        if is_revoked || known.is_some_and(|known| !bears.is_some_and(|bears| bears.same_key(known))) {
            out.push(Action::Answer { token, status: 403 });
            out.push(Action::CloseLink(link));
            return;
        }
        if let (Some(nonce), Some(bears)) = (returns, bears.cloned()) {
            self.came_back(now, &pair.with, &bears, nonce, out);
        }
        match content {
            Content::Text(text) => {
                let via = Via::Link(link, token);
                self.text_came(now, via, pair, id, at, sequence, text, out);
            }
            Content::Delivered(ids) => {
                self.delivered(&pair, ids, out);
                out.push(Action::Answer { token, status: 200 });
            }
            Content::Presence(presence) => {
                if let Some(link) = self.peers.get_mut(&pair).and_then(|p| p.links.get_mut(&link)) {
                    link.presence = Some(presence);
                }
                self.show_presence(&pair.with, out);
                out.push(Action::Answer { token, status: 200 });
            }
            Content::Pass(pass) => {
                self.pass_came(now, link, &pair, pass, out);
                out.push(Action::Answer { token, status: 200 });
            }
        }
    }

    /// Whether it is open which key is this person's: whoever claims to be them is not heard before.
    pub(crate) fn is_unsettled(&self, pair: &Pair) -> bool {
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
        let fetched = self.peers.get_mut(pair).map(|p| std::mem::take(&mut p.unheard));
        for fetched in fetched.unwrap_or_default() {
            self.fetched(now, fetched, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one message")]
    pub(crate) fn text_came(
        &mut self,
        now: Millis,
        via: Via,
        pair: Pair,
        id: String,
        at: Millis,
        sequence: u64,
        text: String,
        out: &mut Vec<Action>,
    ) {
        let key = (pair.clone(), id.clone());
        if let Some(waiting) = self.arriving.get_mut(&key) {
            waiting.waiting.push(via);
            return;
        }
        if text.is_empty() || text.len() > Content::TEXT_BYTES {
            self.answer(&pair.own, &via, if text.is_empty() { 400 } else { 413 }, out);
            return;
        }
        if !self.is_buddy(&pair.with) && self.settings.accept_everyone {
            let consented = self.consent(now, &pair.with, None, Some(pair.own.clone()), out);
            if consented.is_err() {
                self.answer(&pair.own, &via, 403, out);
                return;
            }
        }
        let Some(trust) = self.may_write(now, &via, &pair) else {
            self.answer(&pair.own, &via, 480, out);
            return;
        };
        let request = !self.is_buddy(&pair.with);
        let waiting = vec![via];
        self.arriving.insert(
            key,
            Arriving {
                waiting,
                request,
                dropped: false,
            },
        );
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

    /// Whether there is room for one more message of this peer, and how its key is known.
    fn may_write(&self, now: Millis, via: &Via, pair: &Pair) -> Option<Trust> {
        let known = || {
            self.usable_key(&pair.with)
                .map_or(Trust::Unverified, |(_, trust)| trust)
        };
        if self.is_buddy(&pair.with) {
            return Some(known());
        }
        let arriving = self.arriving.keys().filter(|(p, _)| p == pair).count();
        if !self.requests.may_write(&pair.with, arriving) {
            return None;
        }
        let is_stranger = match self.buddies.get(&pair.with) {
            // Whoever was only heard of by mail so far writes from somewhere now.
            Some(buddy) => buddy.consent == Consent::Request && buddy.known.is_none(),
            None => true,
        };
        if !is_stranger {
            return Some(known());
        }
        let (device, Known { trust, .. }) = self.stranger(now, via, pair)?;
        if self.buddies.contains_key(&pair.with) {
            return self.requests.may_write_from(&device).then_some(trust);
        }
        let room = self.requests.room(&device, trust == Trust::Verified);
        (room != Room::Full).then_some(trust)
    }

    /// Those who wait for the user's answer, in the order in which they came.
    pub(crate) fn remember_requests(&mut self, strangers: Vec<AddressOfRecord>) {
        for stranger in strangers {
            let known = self.buddies.get(&stranger).and_then(|buddy| buddy.known.as_ref());
            let verified = known.is_some_and(|known| known.trust == Trust::Verified);
            let by_mail = known.is_none().then(|| MAIL.to_owned());
            self.requests.wait(stranger, by_mail, verified);
        }
    }

    /// The device and the key of somebody unknown. What waited in the overlay is as if all of it came from one device.
    fn stranger(&self, now: Millis, via: &Via, pair: &Pair) -> Option<(String, Known)> {
        let (device, presented) = match via {
            Via::Link(link, _) => {
                let link = self.peers.get(pair)?.links.get(link)?;
                (link.device.clone(), &link.certificate)
            }
            Via::Overlay(_, certificate) => (OVERLAY.to_owned(), certificate),
        };
        let presented = self.eligible(&pair.with, std::slice::from_ref(presented));
        match trust::choose(&self.settings.anchors, &pair.with, None, &presented, now) {
            Choice::Adopt { certificate, trust } => Some((device, Known { certificate, trust })),
            _ => None,
        }
    }

    /// Somebody whose message is on disk as a request waits for the user's answer; the key on the link is the first one seen.
    fn take_request(&mut self, now: Millis, via: &Via, pair: &Pair, out: &mut Vec<Action>) -> bool {
        // Whoever was only heard of by mail so far has no key yet.
        let has_key = |buddy: &Buddy| buddy.consent != Consent::Request || buddy.known.is_some();
        if self.buddies.get(&pair.with).is_some_and(has_key) {
            return true;
        }
        let Some((device, known)) = self.stranger(now, via, pair) else {
            return false;
        };
        let verified = known.trust == Trust::Verified;
        if let Some(buddy) = self.buddies.get_mut(&pair.with) {
            if !self.requests.wrote(&pair.with, &device, verified) {
                return false;
            }
            let how = How::of(&self.settings.anchors, &pair.with, &known, &[], now, How::First);
            buddy.know(now, known, how);
            self.buddy_changed(&pair.with, out);
            return true;
        }
        match self.requests.room(&device, verified) {
            Room::Free => {}
            Room::InsteadOf(stranger) => self.give_way(&stranger, out),
            Room::Full => return false,
        }
        self.requests.wait(pair.with.clone(), Some(device), verified);
        let mut stranger = Buddy {
            own: Some(pair.own.clone()),
            ..Buddy::new(pair.with.clone(), Consent::Request)
        };
        let how = How::of(&self.settings.anchors, &pair.with, &known, &[], now, How::First);
        stranger.know(now, known, how);
        self.buddies.insert(pair.with.clone(), stranger);
        self.buddy_changed(&pair.with, out);
        true
    }

    /// A stranger waits no more for an answer of the user: there are too many others. The link is left to stand, for whoever comes
    /// back on a new one sends everything again at once, and would so make the next one give way.
    pub(crate) fn give_way(&mut self, stranger: &AddressOfRecord, out: &mut Vec<Action>) {
        self.requests.settled(stranger);
        self.forget(stranger, out);
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
        let Arriving { waiting, dropped, .. } = self.arriving.remove(&(pair.clone(), id.clone())).unwrap_or_default();
        let buddy = self.is_buddy(&pair.with);
        let request = !buddy
            && !dropped
            && !self.is_blocked(&pair.with)
            && matches!(outcome, StoreOutcome::New | StoreOutcome::Duplicate { request: true });
        let waits = request && waiting.iter().any(|via| self.take_request(now, via, &pair, out));
        let (status, notice) = match outcome {
            StoreOutcome::Failed => (500, false),
            // Blocked while it was on its way to the disk.
            _ if self.is_blocked(&pair.with) => (603, false),
            // It came while what this person had written was dropped, and went with it.
            StoreOutcome::New if dropped => (480, false),
            StoreOutcome::New if buddy => (200, true),
            // It came together with others, and there is no room for all of them.
            StoreOutcome::New if !waits => {
                out.push(Action::DropRequests(pair.with.clone()));
                (480, false)
            }
            StoreOutcome::Duplicate { request: true } if !waits && !buddy => (480, false),
            StoreOutcome::New => {
                self.requests.kept(&pair.with);
                (202, false)
            }
            StoreOutcome::Duplicate { request } => (if request { 202 } else { 200 }, !request && buddy),
        };
        if outcome == StoreOutcome::New && !dropped && (buddy || waits) {
            out.push(Action::Show);
        }
        for via in waiting {
            match via {
                Via::Overlay(token, _) if notice => {
                    if let Some(peer) = self.peers.get_mut(&pair) {
                        peer.kept_for_notice.entry(id.clone()).or_default().push(token);
                    }
                    self.answer_device(token, 200, out);
                }
                via => self.answer(&pair.own, &via, status, out),
            }
        }
        if notice {
            self.owe(now, &pair, vec![id], out);
        }
    }

    pub(crate) fn delivered(&mut self, pair: &Pair, ids: Vec<String>, out: &mut Vec<Action>) {
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
