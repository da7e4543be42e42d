//! Carrying out what the core decides.

use corella_agent::{
    Action, Consent, Content, Event, LinkId, MessageState, NewMessage, Notice, Pair, Reason, Reply, StoreOutcome,
};
use corella_identity::{Certificate, Fingerprint, Millis, pass::Pass};
use corella_overlay::Key;
use corella_transcripts as store;

use super::{
    actor::Actor,
    calls::json,
    inbox::Input,
    invitations,
    links::{Job, Letter},
    views,
    waiting::Parcel,
};
use crate::{
    protocol::{Empty, Notification, SentResult},
    time,
};

impl Actor {
    pub(super) fn carry_out(&mut self, action: Action) {
        match action {
            Action::Reply { call, result } => {
                let Some(reply) = self.calls.remove(&call) else { return };
                // A message is where it belongs whatever became of the roster, and would be written twice if this were an error.
                let owns = !matches!(result, Ok(Reply::Sent { .. }));
                let result = match result {
                    Ok(Reply::Sent { id, state }) => json(SentResult {
                        id,
                        state: state.as_str().into(),
                    }),
                    Ok(Reply::Buddy(view)) => json(self.buddy_view(*view)),
                    Ok(Reply::Mail(mail)) => self.invitation_mail(*mail),
                    Ok(Reply::Read(outcome, from)) => json(invitations::outcome(outcome, &from)),
                    Ok(Reply::Done) => json(Empty {}),
                    Err(error) => Err(views::command_error(error)),
                };
                self.roster.then(owns, move |written| {
                    let _ = reply.send(if written { result } else { Err(views::roster_error()) });
                });
            }
            Action::Store(message) => self.store(message),
            Action::Show => {
                if let Some(message) = self.arrived.take() {
                    self.message_changed(*message);
                }
            }
            Action::SetState {
                pair,
                id,
                state,
                reason,
            } => self.set_state(pair, id, state, reason),
            Action::AcceptRequests(pair) => self.accept_requests(pair),
            Action::DropRequests(stranger) => {
                let (with, inbox) = (stranger.to_string(), self.shared.inbox.clone());
                self.shared
                    .transcripts
                    .drop_requests(with.clone(), move |result| match result {
                        Ok(0) => {}
                        Ok(_) => drop(inbox.send(Input::Dropped(with))),
                        Err(error) => tracing::error!("requests could not be dropped from the store: {error}"),
                    });
            }
            Action::Answer { token, status } => {
                if let Some(responder) = self.responders.remove(&token) {
                    responder.answer(status, None);
                }
            }
            Action::Locate(pair) => self.locate(pair),
            Action::Connect { pair, key } => self.connect(pair, key),
            Action::CloseLink(link) => self.links.close(link),
            Action::SendMessage {
                link,
                pair,
                certificate,
                id,
                text,
                at,
                sequence,
            } => {
                let returns = self.agent.returns(time::steady(), &pair.with);
                let content = Content::Text(text);
                let job = Letter {
                    certificate,
                    id,
                    at,
                    sequence,
                    returns,
                    content,
                    kept: true,
                };
                self.links.send(link, Job::Letter(job));
            }
            Action::SendContent {
                link,
                pair,
                certificate,
                content,
            } => self.send_content(link, &pair, certificate, content),
            Action::GivePass {
                link,
                pair,
                certificate,
                holder,
                until,
            } => self.give_pass(link, &pair, certificate, &holder, until),
            Action::StoreAway {
                pair,
                certificate,
                pass,
                message,
            } => self.store_away(Parcel {
                returns: self.agent.returns(time::steady(), &pair.with),
                pair,
                certificate,
                pass,
                id: message.id,
                at: message.at,
                sequence: message.sequence,
                content: Content::Text(message.text),
            }),
            Action::StoreNoticesAway {
                pair,
                certificate,
                pass,
                ids,
            } => self.store_notices_away(pair, certificate, pass, ids),
            Action::RemoveStored { token } => self.remove_stored(token),
            Action::LeaveStored { token } => drop(self.stored.remove(&token)),
            Action::KeepRoaming(own, document) => self.keep_roaming(own, document),
            Action::LeaveWatcher {
                pair,
                certificate,
                pass,
            } => self.leave_watcher(pair, certificate, pass),
            Action::TakeBackWatcher {
                pair,
                certificate,
                pass,
            } => self.take_back_watcher(pair, certificate, pass),
            Action::CallDevices { own, linked } => self.call_devices(own, linked),
            Action::PassOn { link, token } => self.pass_on(link, token),
            Action::TellDevices { link, devices } => self.links.send(link, Job::Devices(devices)),
            Action::SaveDevice(own, device) => self.roster.save_device(own, device),
            Action::SaveDevicesSince(own, since) => self.roster.save_devices_since(own, since),
            Action::SaveBuddy(buddy) => {
                if buddy.consent == Consent::Buddy {
                    self.links.welcome(&buddy.address);
                }
                self.roster.save(*buddy);
                self.know_buddies();
                self.watch_people();
            }
            Action::SaveRevoked(revoked) => self.roster.save_revoked(*revoked),
            Action::ForgetBuddy(address) => {
                self.roster.forget(address);
                self.know_buddies();
                self.watch_people();
            }
            Action::SaveDeclined { tag, until } => self.roster.save_declined(tag, until),
            Action::SavePresence(presence) => self.roster.save_presence(presence),
            Action::BuddyChanged { address, buddy } => {
                let buddy = buddy.map(|view| Box::new(self.buddy_view(*view)));
                self.shared.notify(&Notification::Buddy {
                    address: address.to_string(),
                    buddy,
                });
            }
            Action::PresenceChanged { address, presence } => self.shared.notify(&Notification::Presence {
                address: address.to_string(),
                status: presence.status.as_str(),
                note: presence.note,
            }),
            Action::SettingChanged { name, value } => self.shared.notify(&Notification::Setting { name, value }),
            Action::Notice(Notice::KeyRenewed(address)) => {
                let address = Some(address.to_string());
                self.shared.notify(&Notification::Notice {
                    kind: "key-renewed",
                    address,
                    device: None,
                    at: None,
                });
            }
            Action::Notice(Notice::NewDevice { own, name, at }) => {
                self.shared.notify(&Notification::Notice {
                    kind: "new-device",
                    address: Some(own.to_string()),
                    device: Some(name),
                    at: Some(at),
                });
            }
        }
    }

    /// Something that is not kept: if it does not arrive, nobody asks for it.
    fn send_content(&mut self, link: LinkId, pair: &Pair, certificate: Certificate, content: Content) {
        let job = Letter {
            certificate,
            id: super::actor::random_id(),
            at: time::now(),
            sequence: 0,
            returns: self.agent.returns(time::steady(), &pair.with),
            content,
            kept: false,
        };
        self.links.send(link, Job::Letter(job));
    }

    fn give_pass(&mut self, link: LinkId, pair: &Pair, certificate: Certificate, holder: &Fingerprint, until: Millis) {
        let Some(credential) = self.credentials.get(&pair.own) else {
            return;
        };
        match Pass::give(credential, holder, until) {
            Ok(pass) => self.send_content(link, pair, certificate, Content::Pass(pass)),
            Err(error) => tracing::error!("a pass could not be signed: {error}"),
        }
    }

    fn store(&mut self, message: NewMessage) {
        let (pair, side, id) = (message.pair.clone(), message.side, message.id.clone());
        let inbox = self.shared.inbox.clone();
        self.shared
            .transcripts
            .append(views::new_message(message, time::now()), move |result| {
                let (outcome, message) = match result {
                    Ok(store::Appended::Stored(message)) => (StoreOutcome::New, Some(Box::new(message))),
                    Ok(store::Appended::Duplicate(known)) => (StoreOutcome::Duplicate { request: known.request }, None),
                    Err(error) => {
                        tracing::error!("a message could not be stored: {error}");
                        (StoreOutcome::Failed, None)
                    }
                };
                let _ = inbox.send(Input::Stored {
                    pair,
                    side,
                    id,
                    outcome,
                    message,
                });
            });
    }

    /// States only rise, except by the user's retry.
    fn set_state(&mut self, pair: Pair, id: String, state: MessageState, reason: Option<Reason>) {
        let from: Vec<&'static str> = MessageState::ALL
            .into_iter()
            .filter(|old| {
                let retry = *old == MessageState::Failed && state == MessageState::Pending;
                old.rises_to(state) || *old == state || retry
            })
            .map(MessageState::as_str)
            .collect();
        let inbox = self.shared.inbox.clone();
        let (own, with) = (pair.own.to_string(), pair.with.to_string());
        let key = store::MessageKey {
            own,
            with,
            direction: store::Direction::Out,
            id,
        };
        let change = store::Change {
            only_from: Some(from),
            state: Some(state.as_str().to_owned()),
            reason: Some(reason.map(|r| r.as_str().to_owned())),
            ..store::Change::default()
        };
        self.shared.transcripts.change(key, change, move |result| match result {
            Ok(Some(message)) => drop(inbox.send(Input::Changed(Box::new(message)))),
            Ok(None) => {}
            Err(error) => tracing::error!("the state of a message could not be stored: {error}"),
        });
    }

    fn accept_requests(&mut self, pair: Pair) {
        let inbox = self.shared.inbox.clone();
        self.shared
            .transcripts
            .clear_requests(pair.with.to_string(), move |result| match result {
                Ok(messages) => {
                    let ids = messages
                        .iter()
                        .filter(|m| m.own == pair.own.as_str())
                        .map(|m| m.id.clone())
                        .collect();
                    for message in messages {
                        let _ = inbox.send(Input::Changed(Box::new(message)));
                    }
                    let _ = inbox.send(Input::Event(Event::RequestsAccepted { pair, ids }));
                }
                Err(error) => tracing::error!("requests could not be accepted in the store: {error}"),
            });
    }

    fn locate(&mut self, pair: Pair) {
        let inbox = self.shared.inbox.clone();
        let Some(overlay) = self.network.as_ref().map(|n| n.overlay.clone()) else {
            let _ = inbox.send(Input::Located {
                pair,
                records: Vec::new(),
                asked: false,
            });
            return;
        };
        let online = self.online;
        tokio::spawn(async move {
            let asked = online && overlay.asks_others().await;
            // The certificate outlives the contacts of who is off line: then it tells to whom to seal what waits for them.
            let location = overlay.location();
            let keys = [
                Key::Contacts(pair.with.clone()),
                Key::Certificate(pair.with.clone()),
                Key::Revoked(pair.with.clone()),
            ];
            let found = futures::future::join_all(keys.iter().map(|key| location.get(key))).await;
            let records = found.into_iter().flat_map(Result::unwrap_or_default).collect();
            let _ = inbox.send(Input::Located { pair, records, asked });
        });
    }

    fn connect(&mut self, pair: Pair, key: Certificate) {
        let inbox = self.shared.inbox.clone();
        let records = self.located.get(&pair).cloned().unwrap_or_default();
        let records: Vec<_> = records
            .into_iter()
            .filter(|r| r.contacts().is_some() && r.signer().same_key(&key))
            .collect();
        let Some(overlay) = self.network.as_ref().map(|n| n.overlay.clone()) else {
            let _ = inbox.send(Input::Event(Event::Unreachable { pair }));
            return;
        };
        tokio::spawn(async move {
            let attempts = records.iter().map(|record| async {
                match overlay.connect(&pair.own, &pair.with, record).await {
                    Ok(link) => inbox.send(Input::Linked { link, called: true }).is_ok(),
                    Err(error) => {
                        tracing::debug!("a device of a peer does not answer: {error}");
                        false
                    }
                }
            });
            let reached = futures::future::join_all(attempts).await.contains(&true);
            if !reached {
                let _ = inbox.send(Input::Event(Event::Unreachable { pair }));
            }
        });
    }
}
