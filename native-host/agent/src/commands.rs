//! The calls of the add-on that the agent decides.

use corella_identity::{
    AddressOfRecord, Fingerprint, Millis,
    trust::{Known, Trust},
};

use crate::{
    Action, Agent, Buddy, CallId, Command, CommandError, Consent, Content, MessageState, NewMessage, Outgoing, Pair,
    Presence, Reason, Reply, Side, Status, StoreOutcome, invitations::ReadMail, outbox::Outbox,
};

impl Agent {
    pub(crate) fn command(&mut self, now: Millis, call: CallId, command: Command, out: &mut Vec<Action>) {
        let result = match command {
            Command::Send { from, to, id, at, text } => match self.send(now, call, from, to, id, at, text, out) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            // Peers take nothing of another time.
            Command::Retry {
                pair,
                outgoing,
                fresh,
                at,
            } if outgoing.at > at || Outbox::is_too_old(at, outgoing.at) => {
                let Pair { own, with } = pair;
                match self.send(now, call, Some(own), with, fresh, at, outgoing.text, out) {
                    Ok(()) => return,
                    Err(error) => Err(error),
                }
            }
            Command::Retry { pair, outgoing, .. } => self.retry(now, pair, outgoing, out),
            Command::Add(address, name) => self.add(now, address, name, out),
            Command::Accept(address, fingerprint) => self.accept(now, address, fingerprint, out),
            Command::Block(address) => self.block(now, address, out),
            Command::Remove(address) => self.remove(now, address, out),
            Command::Invite { to, from, nonce } => self.invite(now, &to, from, nonce, out),
            Command::ReadInvitation {
                from,
                invitation,
                certificate,
                is_opened,
            } => {
                let mail = ReadMail {
                    from: &from,
                    invitation: *invitation,
                    certificate,
                    is_opened,
                };
                let outcome = self.read_invitation(now, mail, out);
                Ok(Reply::Read(outcome, from))
            }
            Command::AcceptInvitation { address, nonce } => self.accept_invitation(now, &address, nonce, out),
            Command::DeclineInvitation(address) => self.decline_invitation(&address, out),
            Command::SetPresence(presence) => Ok(self.set_presence(now, presence, out)),
            Command::Set { name, value } => {
                self.set(now, &name, &value, out);
                Ok(Reply::Done)
            }
        };
        out.push(Action::Reply { call, result });
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call")]
    fn send(
        &mut self,
        now: Millis,
        call: CallId,
        from: Option<AddressOfRecord>,
        to: AddressOfRecord,
        id: String,
        at: Millis,
        text: String,
        out: &mut Vec<Action>,
    ) -> Result<(), CommandError> {
        if text.is_empty() || text.len() > Content::TEXT_BYTES {
            return Err(CommandError::BadText);
        }
        if self.is_blocked(&to) {
            return Err(CommandError::Blocked);
        }
        let known_by = self.buddies.get(&to).and_then(|b| b.own.clone());
        let own = from
            .or(known_by)
            .or_else(|| self.own.first().cloned())
            .ok_or(CommandError::NoIdentity)?;
        if !self.own.contains(&own) {
            return Err(CommandError::NoIdentity);
        }
        self.consent(now, &to, None, Some(own.clone()), out)?;
        let trust = self.usable_key(&to).map_or(Trust::Unverified, |(_, trust)| trust);
        let pair = Pair { own, with: to };
        let peer = self.peers.entry(pair.clone()).or_default();
        // Counted from the time: the numbers of another device, or of one that lost its store, do not begin anew.
        let sequence = peer.next_sequence.max(u64::try_from(at).unwrap_or(1));
        peer.next_sequence = sequence + 1;
        let outgoing = Outgoing {
            id: id.clone(),
            text: text.clone(),
            at,
            sequence,
            state: MessageState::Pending,
            reason: None,
        };
        self.sending.insert((pair.clone(), id.clone()), (call, outgoing));
        out.push(Action::Store(NewMessage {
            pair,
            side: Side::Out,
            id,
            text,
            at,
            sequence,
            trust,
            request: false,
        }));
        Ok(())
    }

    /// A message written here is on disk, or could not be put there.
    pub(crate) fn stored_out(
        &mut self,
        now: Millis,
        pair: Pair,
        id: String,
        outcome: StoreOutcome,
        out: &mut Vec<Action>,
    ) {
        let Some((call, outgoing)) = self.sending.remove(&(pair.clone(), id.clone())) else {
            return;
        };
        if outcome != StoreOutcome::New {
            out.push(Action::Reply {
                call,
                result: Err(CommandError::Store),
            });
            return;
        }
        out.push(Action::Reply {
            call,
            result: Ok(Reply::Sent {
                id,
                state: MessageState::Pending,
            }),
        });
        out.push(Action::Show);
        if self.is_buddy(&pair.with) {
            self.enqueue(now, pair, outgoing, out);
        } else {
            // The user has blocked or removed the person meanwhile.
            out.push(Action::SetState {
                reason: self.is_blocked(&pair.with).then_some(Reason::Blocked),
                pair,
                id: outgoing.id,
                state: MessageState::Failed,
            });
        }
    }

    fn retry(
        &mut self,
        now: Millis,
        pair: Pair,
        outgoing: Outgoing,
        out: &mut Vec<Action>,
    ) -> Result<Reply, CommandError> {
        if self.is_blocked(&pair.with) {
            return Err(CommandError::Blocked);
        }
        self.consent(now, &pair.with, None, Some(pair.own.clone()), out)?;
        let outgoing = Outgoing {
            state: MessageState::Pending,
            reason: None,
            ..outgoing
        };
        let (id, state) = (outgoing.id.clone(), outgoing.state);
        out.push(Action::SetState {
            pair: pair.clone(),
            id: id.clone(),
            state,
            reason: None,
        });
        self.enqueue(now, pair, outgoing, out);
        Ok(Reply::Sent { id, state })
    }

    fn enqueue(&mut self, now: Millis, pair: Pair, outgoing: Outgoing, out: &mut Vec<Action>) {
        let question = self.buddies.get(&pair.with).is_some_and(|b| b.question.is_some());
        let id = outgoing.id.clone();
        let peer = self.peers.entry(pair.clone()).or_default();
        let place = peer.outbox.insert(outgoing);
        // Sent once more: a link that stands is past its place.
        for link in peer.links.values_mut().filter(|l| l.cursor.as_ref() >= Some(&place)) {
            link.again.insert(place.clone());
        }
        if peer.links.is_empty() {
            peer.reach.at_once(now);
        }
        if question {
            peer.outbox.mark(&id, MessageState::Pending, Some(Reason::Question));
            let (state, reason) = (MessageState::Pending, Some(Reason::Question));
            out.push(Action::SetState {
                pair,
                id,
                state,
                reason,
            });
        } else {
            self.pump(now, &pair, out);
        }
    }

    fn add(
        &mut self,
        now: Millis,
        address: AddressOfRecord,
        name: Option<String>,
        out: &mut Vec<Action>,
    ) -> Result<Reply, CommandError> {
        self.consent(now, &address, name, None, out)?;
        self.reply_buddy(&address)
    }

    fn accept(
        &mut self,
        now: Millis,
        address: AddressOfRecord,
        fingerprint: Option<Fingerprint>,
        out: &mut Vec<Action>,
    ) -> Result<Reply, CommandError> {
        let is_revoked = self.is_known_revoked(&address);
        let buddy = self.buddies.get_mut(&address).ok_or(CommandError::UnknownBuddy)?;
        if let Some(fingerprint) = fingerprint {
            let candidates = buddy.question.iter().flat_map(|q| &q.candidates);
            let candidate = candidates
                .map(|c| (&c.certificate, c.trust))
                .find(|(certificate, _)| certificate.fingerprint() == fingerprint);
            let known = buddy.known.as_ref().map(|k| (&k.certificate, k.trust));
            let known = known.filter(|(certificate, _)| certificate.fingerprint() == fingerprint && !is_revoked);
            // What the known one is worth is worth more than what it looked like when it was asked about.
            let (certificate, trust) = known.or(candidate).ok_or(CommandError::NoSuchKey)?;
            let (chosen, kept) = (Known::chosen(certificate.clone(), trust), known.is_some());
            buddy.choose(now, chosen, &self.settings.anchors);
            if !kept {
                self.close_links(&address, out);
                self.settle_requests(&address, false, out);
            }
            for (_, peer) in self.peers.iter_mut().filter(|(pair, _)| pair.with == address) {
                peer.challengers.clear();
                peer.reach.at_once(now);
            }
        }
        self.consent(now, &address, None, None, out)?;
        self.buddy_changed(&address, out);
        self.reply_buddy(&address)
    }

    /// Makes `address` a buddy if it is none, and looks for it.
    pub(crate) fn consent(
        &mut self,
        now: Millis,
        address: &AddressOfRecord,
        name: Option<String>,
        own: Option<AddressOfRecord>,
        out: &mut Vec<Action>,
    ) -> Result<(), CommandError> {
        if self.own.contains(address) {
            return Err(CommandError::OwnAddress);
        }
        let own = own.or_else(|| self.own.first().cloned());
        let buddy = self
            .buddies
            .entry(address.clone())
            .or_insert_with(|| Buddy::new(address.clone(), Consent::Request));
        let fresh = buddy.consent != Consent::Buddy;
        // Whoever wrote first need not be who the user knows by this address: others who claim it are heard too before the key is
        // taken.
        buddy.reopen_request_key();
        let renamed = name.is_some() && buddy.name != name;
        buddy.consent = Consent::Buddy;
        if renamed {
            buddy.name = name;
        }
        if buddy.own.is_none() {
            buddy.own = own;
        }
        let own = buddy.own.clone();
        self.requests.settled(address);
        if let Some(own) = own.filter(|own| fresh && self.own.contains(own)) {
            self.look_for(
                now,
                &Pair {
                    own,
                    with: address.clone(),
                },
                out,
            );
        }
        if fresh || renamed {
            self.buddy_changed(address, out);
        }
        Ok(())
    }

    /// The user wants to hear from this peer from now on: links that stand are used, or one is sought.
    fn look_for(&mut self, now: Millis, pair: &Pair, out: &mut Vec<Action>) {
        let usable = self.usable_key(&pair.with).is_some();
        let peer = self.peers.entry(pair.clone()).or_default();
        if peer.links.is_empty() || !usable {
            peer.reach.at_once(now);
        }
        let links: Vec<_> = peer.links.keys().copied().collect();
        if usable {
            self.settle_requests(&pair.with, true, out);
        }
        for link in links {
            self.greet(now, link, pair, out);
        }
    }

    pub(crate) fn block(
        &mut self,
        now: Millis,
        address: AddressOfRecord,
        out: &mut Vec<Action>,
    ) -> Result<Reply, CommandError> {
        if self.own.contains(&address) {
            return Err(CommandError::OwnAddress);
        }
        self.give_up(now, &address, Some(Reason::Blocked), out);
        let buddy = self
            .buddies
            .entry(address.clone())
            .or_insert_with(|| Buddy::new(address.clone(), Consent::Blocked));
        // The key of a request was never consented to, and must not be when the person is let in later.
        buddy.reopen_request_key();
        buddy.consent = Consent::Blocked;
        self.requests.settled(&address);
        self.buddy_changed(&address, out);
        self.reply_buddy(&address)
    }

    pub(crate) fn remove(
        &mut self,
        now: Millis,
        address: AddressOfRecord,
        out: &mut Vec<Action>,
    ) -> Result<Reply, CommandError> {
        let reply = self.reply_buddy(&address)?;
        self.give_up(now, &address, None, out);
        self.close_links(&address, out);
        self.requests.settled(&address);
        let offers = self
            .buddies
            .get_mut(&address)
            .map(|b| std::mem::take(&mut b.invitations.offers));
        self.remember_declined(offers.unwrap_or_default(), out);
        self.forget(&address, out);
        Ok(reply)
    }

    /// The user wants no more of this peer: it is told that we are gone, and nothing more is sent, for this reason.
    fn give_up(&mut self, now: Millis, address: &AddressOfRecord, reason: Option<Reason>, out: &mut Vec<Action>) {
        let pairs: Vec<Pair> = self
            .peers
            .keys()
            .filter(|pair| pair.with == *address)
            .cloned()
            .collect();
        self.take_back_watchers(now, &pairs, out);
        if let (Some((certificate, _)), true) = (self.usable_key(address), self.is_buddy(address)) {
            for (link, pair) in self.links.iter().filter(|(_, p)| p.with == *address) {
                out.push(Action::SendContent {
                    link: *link,
                    pair: pair.clone(),
                    certificate: certificate.clone(),
                    content: Content::Presence(Presence::offline()),
                });
            }
        }
        for (pair, peer) in self.peers.iter_mut().filter(|(pair, _)| pair.with == *address) {
            for id in peer.outbox.ids() {
                let given_up = peer.outbox.remove(&id);
                // What the peer has is not made undone; only its notice is not waited for any more.
                if given_up.is_some_and(|m| m.state == MessageState::Pending) {
                    out.push(Action::SetState {
                        pair: pair.clone(),
                        id,
                        state: MessageState::Failed,
                        reason,
                    });
                }
            }
        }
    }

    pub(crate) fn set_presence(&mut self, now: Millis, presence: Presence, out: &mut Vec<Action>) -> Reply {
        if self.presence != presence {
            if presence.status == Status::Offline {
                let pairs: Vec<Pair> = self.peers.keys().cloned().collect();
                self.take_back_watchers(now, &pairs, out);
            }
            self.presence = presence.clone();
            self.is_changed = true;
            out.push(Action::SavePresence(presence));
            self.greet_all(now, out);
        }
        Reply::Done
    }

    fn reply_buddy(&self, address: &AddressOfRecord) -> Result<Reply, CommandError> {
        self.buddy(address)
            .map(|b| Reply::Buddy(Box::new(b)))
            .ok_or(CommandError::UnknownBuddy)
    }
}
