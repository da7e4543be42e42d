//! Answers to the calls that reach the actor.

use std::collections::HashMap;

use corella_agent::{BuddyView, Command, Event, MessageState};
use corella_identity::AddressOfRecord;
use corella_transcripts as store;

use super::{
    Call,
    actor::{Actor, random_id},
    authorities,
    calls::{self, json},
    inbox::{Input, ReplyTo},
    views,
};
use crate::{
    protocol::{self, Empty, ErrorName, Notification, RpcError},
    time,
};

impl Actor {
    pub(super) async fn call(&mut self, call: Call, reply: ReplyTo) {
        let result = match call {
            Call::Status => json(self.status().await),
            Call::Identities => self.identities(),
            Call::Enrol { address, revoke_others } => self.enrol(address, revoke_others).await,
            Call::Revoke(address) => self.revoke(&address).await,
            Call::Import(address, issued) => self.import(&address, &issued).await,
            Call::ImportFile {
                address,
                file,
                passphrase,
            } => return self.open_file(address, file, passphrase, reply),
            Call::Use(credential) => self.use_credential(credential).await,
            Call::Letter(text) => self.letter(&text),
            Call::Authorities => self.list_authorities(),
            Call::Inspect(file) => authorities::inspect(&file),
            Call::AddAuthority(file, fingerprint) => return self.add_authority(&file, &fingerprint, reply),
            Call::RemoveAuthority(fingerprint) => return self.remove_authority(&fingerprint, reply),
            Call::Export { address, passphrase } => return self.export(&address, passphrase, reply),
            Call::Fetch { address, secret } => return self.fetch_identity(address, secret, reply),
            Call::OpenRoaming { own, opening } => return self.open_roaming(own, opening, reply),
            Call::CloseRoaming(own) => return self.close_roaming(own, reply),
            Call::Invite { to, from } => return self.invite(to, from, reply),
            Call::ReadInvitation { from, content, opened } => {
                return self.read_invitation(from, &content, opened, reply);
            }
            Call::AcceptInvitation(address) => return self.accept_invitation(address, reply),
            Call::DeclineInvitation(address) => return self.command(Command::DeclineInvitation(address), reply),
            Call::Buddies => return self.buddies(reply),
            Call::MarkRead { with, up_to } => return self.mark_read(with, up_to, reply),
            Call::Retry { with, id } => return self.retry(&with, &id, reply),
            Call::Send { from, to, text } => {
                let id = random_id();
                let at = time::now();
                return self.command(Command::Send { from, to, id, at, text }, reply);
            }
            Call::Add(address, name) => return self.command(Command::Add(address, name), reply),
            Call::Accept(address, key) => return self.command(Command::Accept(address, key), reply),
            Call::Block(address) => return self.command(Command::Block(address), reply),
            Call::Remove(address) => return self.command(Command::Remove(address), reply),
            Call::SetPresence(presence) => {
                self.command(Command::SetPresence(presence), reply);
                return self.tell_status().await;
            }
            Call::Settings => {
                let settings = self.agent.settings().into_iter();
                json(protocol::SettingsResult {
                    settings: settings
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect(),
                })
            }
            Call::Set { name, value } => return self.command(Command::Set { name, value }, reply),
            Call::List(_) | Call::Conversations(_) | Call::Search(_) => {
                Err(RpcError::new(ErrorName::Internal, "a reading call reached the actor"))
            }
        };
        let _ = reply.send(result);
    }

    pub(super) fn command(&mut self, command: Command, reply: ReplyTo) {
        let call = self.fresh();
        self.calls.insert(call, reply);
        self.feed(Event::Command { call, command });
    }

    /// How much of each is unread is counted beside the actor, and put together with what the actor knows then.
    fn buddies(&self, reply: ReplyTo) {
        let (transcripts, inbox) = (self.shared.transcripts.clone(), self.shared.inbox.clone());
        tokio::task::spawn_blocking(move || {
            let unread = transcripts.conversations();
            let unread = unread.map(|all| all.into_iter().map(|c| (c.with, c.unread)).collect());
            let _ = inbox.send(Input::Counted { unread, reply });
        });
    }

    pub(super) fn counted(&self, unread: Result<HashMap<String, u64>, store::Error>, reply: ReplyTo) {
        let result = unread.map_err(calls::store_error).and_then(|unread| {
            let of = |view: &BuddyView| unread.get(view.address.as_str()).copied().unwrap_or(0);
            let views = self.agent.buddies().into_iter();
            let buddies = views.map(|view| {
                let unread = of(&view);
                views::buddy(view, unread)
            });
            json(protocol::BuddiesResult {
                buddies: buddies.collect(),
            })
        });
        let _ = reply.send(result);
    }

    /// A buddy as the add-on sees it.
    pub(super) fn buddy_view(&self, view: BuddyView) -> protocol::Buddy {
        let unread = self.shared.transcripts.unread(view.address.as_str()).unwrap_or(0);
        views::buddy(view, unread)
    }

    fn mark_read(&mut self, with: AddressOfRecord, up_to: String, reply: ReplyTo) {
        let inbox = self.shared.inbox.clone();
        let person = with.to_string();
        self.shared.transcripts.mark_read(person, up_to, move |messages| {
            let _ = inbox.send(Input::MarkedRead { with, messages, reply });
        });
    }

    pub(super) fn marked_read(
        &self,
        with: AddressOfRecord,
        messages: Result<Vec<store::Message>, store::Error>,
        reply: ReplyTo,
    ) {
        let result = match messages {
            Ok(messages) => {
                for message in messages {
                    self.message_changed(message);
                }
                if let Some(view) = self.agent.buddy(&with) {
                    self.shared.notify(&Notification::Buddy {
                        address: with.to_string(),
                        buddy: Some(Box::new(self.buddy_view(view))),
                    });
                }
                json(Empty {})
            }
            Err(store::Error::UnknownMessage) => Err(unknown_message()),
            Err(error) => Err(calls::store_error(error)),
        };
        let _ = reply.send(result);
    }

    fn retry(&mut self, with: &AddressOfRecord, id: &str, reply: ReplyTo) {
        let found = match self.shared.transcripts.find(with.as_str(), id) {
            Ok(found) => found.into_iter(),
            Err(error) => return drop(reply.send(Err(calls::store_error(error)))),
        };
        let mut failed =
            found.filter(|m| m.direction == store::Direction::Out && m.state == MessageState::Failed.as_str());
        match failed.next().as_ref().and_then(views::outgoing) {
            Some((pair, outgoing)) => {
                let (fresh, at) = (random_id(), time::now());
                let retry = Command::Retry {
                    pair,
                    outgoing,
                    fresh,
                    at,
                };
                self.command(retry, reply);
            }
            None => drop(reply.send(Err(unknown_message()))),
        }
    }

    pub(super) async fn status(&self) -> protocol::Status {
        let overlay = match &self.network {
            Some(network) => Some(network.overlay.status().await),
            None => None,
        };
        let presence = self.agent.presence();
        protocol::Status {
            version: protocol::VERSION.to_owned(),
            online: self.online,
            peer: self
                .network
                .as_ref()
                .map(|n| n.overlay.peer_id().to_string())
                .unwrap_or_default(),
            listen: overlay
                .iter()
                .flat_map(|s| s.listen.iter().map(ToString::to_string))
                .collect(),
            peers: overlay.as_ref().map_or(0, |s| s.peers),
            gateway: None,
            sip: Vec::new(),
            addresses: self.own_addresses().iter().map(ToString::to_string).collect(),
            presence: presence.status.as_str(),
            note: presence.note.clone(),
        }
    }
}

fn unknown_message() -> RpcError {
    RpcError::new(ErrorName::UnknownMessage, "no such message here")
}
