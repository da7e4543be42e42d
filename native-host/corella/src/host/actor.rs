//! The task that owns the agent core.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError},
    time::Duration,
};

use corella_agent::{
    Agent, CallId, Command, Consent, Event, LinkId, LinkUp, MessageState, Pair, Received, Side, StoreOutcome, Token,
};
use corella_identity::{AddressOfRecord, Credential, keystore::Keystore, trust::Trust};
use corella_overlay::{OverlayEvent, PublishError, Record, link::Link};
use corella_sip::ua::{self, Responder};
use corella_transcripts as store;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::{
    Call, HostSettings, Issued, Shared,
    calls::{self, json},
    links::Links,
    network::Network,
    views,
};
use crate::{
    protocol::{self, Empty, ErrorName, IdentitiesResult, Notification, RpcError},
    roster::Roster,
    time,
};

/// A reply to a call.
pub(crate) type ReplyTo = oneshot::Sender<Result<Value, RpcError>>;

/// Everything that reaches the actor.
pub(crate) enum Input {
    Call {
        call: Call,
        reply: ReplyTo,
    },
    /// Something that needs no carrying of ours.
    Event(Event),
    /// The store is done with a new message.
    Stored {
        pair: Pair,
        side: Side,
        id: String,
        outcome: StoreOutcome,
        message: Option<Box<store::Message>>,
    },
    /// A message in the store changed.
    Changed(Box<store::Message>),
    /// Records found for a peer.
    Located {
        pair: Pair,
        records: Vec<Record>,
    },
    /// A link stands, opened by either side.
    Linked(Link),
    /// An opened envelope.
    Opened {
        link: LinkId,
        id: String,
        at: i64,
        sequence: u64,
        content: corella_agent::Content,
        responder: Responder,
    },
    Overlay(OverlayEvent),
    Sip(ua::Event),
    Stop(oneshot::Sender<()>),
}

pub(super) struct Actor {
    pub(super) shared: Arc<Shared>,
    pub(super) agent: Agent,
    pub(super) roster: Roster,
    pub(super) network: Option<Network>,
    pub(super) credentials: BTreeMap<AddressOfRecord, Arc<Credential>>,
    pub(super) links: Links,
    pub(super) calls: HashMap<CallId, ReplyTo>,
    pub(super) responders: HashMap<Token, Responder>,
    pub(super) located: HashMap<Pair, Vec<Record>>,
    keystore: Keystore,
    settings: HostSettings,
    online: bool,
    next: u64,
}

impl Actor {
    pub(super) fn new(
        shared: Arc<Shared>,
        agent: Agent,
        roster: Roster,
        keystore: Keystore,
        settings: HostSettings,
    ) -> Actor {
        Actor {
            shared,
            agent,
            roster,
            network: None,
            credentials: BTreeMap::new(),
            links: Links::default(),
            calls: HashMap::new(),
            responders: HashMap::new(),
            located: HashMap::new(),
            keystore,
            settings,
            online: false,
            next: 0,
        }
    }

    /// Runs until it is told to stop.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Input>) {
        self.resume().await;
        loop {
            let wake = self.agent.next_wakeup();
            let input = tokio::select! {
                biased;
                input = inbox.recv() => input,
                () = sleep_until(wake) => Some(Input::Event(Event::Wake)),
            };
            match input {
                Some(Input::Stop(done)) => {
                    self.stop().await;
                    let _ = done.send(());
                    return;
                }
                Some(input) => self.take(input).await,
                None => return self.stop().await,
            }
        }
    }

    /// Goes on line with the addresses enrolled before.
    async fn resume(&mut self) {
        for address in self.keystore.addresses().unwrap_or_default() {
            if let Err(error) = self.enrol(address, None).await {
                tracing::error!("an own address cannot go on line: {}", error.message);
            }
        }
    }

    async fn take(&mut self, input: Input) {
        match input {
            Input::Call { call, reply } => self.call(call, reply).await,
            Input::Event(event) => self.feed(event),
            Input::Stored {
                pair,
                side,
                id,
                outcome,
                message,
            } => {
                self.feed(Event::Stored {
                    pair,
                    side,
                    id,
                    outcome,
                });
                if let Some(message) = message {
                    self.message_changed(*message);
                }
            }
            Input::Changed(message) => self.message_changed(*message),
            Input::Located { pair, records } => {
                let claims = records
                    .iter()
                    .map(|r| corella_agent::Claim {
                        certificate: r.signer().clone(),
                    })
                    .collect();
                self.located.insert(pair.clone(), records);
                self.feed(Event::Located {
                    pair: pair.clone(),
                    claims,
                });
                self.located.remove(&pair);
            }
            Input::Linked(link) => self.linked(link).await,
            Input::Opened {
                link,
                id,
                at,
                sequence,
                content,
                responder,
            } => {
                let token = self.fresh();
                self.responders.insert(token, responder);
                self.feed(Event::Received(Received {
                    link,
                    token,
                    id,
                    at,
                    sequence,
                    content,
                }));
            }
            Input::Overlay(event) => self.overlay(event).await,
            Input::Sip(event) => self.sip(event),
            Input::Stop(_) => {}
        }
    }

    /// Asks the core, and carries out what it says.
    pub(super) fn feed(&mut self, event: Event) {
        for action in self.agent.handle(time::steady(), event) {
            self.carry_out(action);
        }
    }

    pub(super) fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn message_changed(&self, message: store::Message) {
        self.shared.notify(&Notification::Message {
            message: Box::new(views::message(message)),
        });
    }

    async fn linked(&mut self, link: Link) {
        let Some(network) = &self.network else { return };
        let Some(credential) = self.credentials.get(&link.local).cloned() else {
            return;
        };
        let sip = network.sip.clone();
        let id = self.fresh();
        let pair = Pair {
            own: link.local.clone(),
            with: link.remote.clone(),
        };
        let (device, certificate) = (link.peer.to_string(), link.certificate.clone());
        let stranger = self.agent.buddy(&pair.with).is_none_or(|b| b.consent != Consent::Buddy);
        if !self
            .links
            .attach(id, link, stranger, credential, sip, self.shared.clone())
            .await
        {
            return;
        }
        self.feed(Event::LinkUp(LinkUp {
            link: id,
            pair,
            device,
            certificate,
        }));
    }

    fn sip(&mut self, event: ua::Event) {
        match event {
            ua::Event::Message(message) => self.links.received(message),
            ua::Event::LinkClosed { link, why } if self.links.remove(link.0) => {
                tracing::debug!(%link, "a link closed: {why}");
                self.feed(Event::LinkDown { link: link.0 });
            }
            _ => {}
        }
    }

    async fn overlay(&mut self, event: OverlayEvent) {
        match event {
            OverlayEvent::Incoming(link) => self.linked(link).await,
            OverlayEvent::OnLine => {
                self.online = true;
                self.tell_status().await;
                self.feed(Event::NetworkChanged);
            }
            OverlayEvent::PeersChanged(_) => {
                if self.online {
                    self.tell_status().await;
                }
                self.feed(Event::NetworkChanged);
            }
            OverlayEvent::ListenChanged => {
                if self.online {
                    self.tell_status().await;
                }
            }
        }
    }

    async fn tell_status(&self) {
        let status = self.status().await;
        self.shared.notify(&Notification::Status(Box::new(status)));
    }

    async fn status(&self) -> protocol::Status {
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
            sip: Vec::new(),
            addresses: self.credentials.keys().map(ToString::to_string).collect(),
            presence: presence.status.as_str(),
            note: presence.note.clone(),
        }
    }

    async fn call(&mut self, call: Call, reply: ReplyTo) {
        let result = match call {
            Call::Status => json(self.status().await),
            Call::Identities => self.identities(),
            Call::Enrol(address) => self.enrol(address, None).await,
            Call::Import(address, issued) => self.enrol(address, Some(issued)).await,
            Call::Buddies => self.buddies(),
            Call::MarkRead { with, up_to } => return self.mark_read(with, up_to, reply),
            Call::Retry { with, id } => return self.retry(&with, &id, reply),
            Call::Send { from, to, text } => {
                let id = random_id();
                return self.command(Command::Send { from, to, id, text }, reply);
            }
            Call::Add(address, name) => return self.command(Command::Add(address, name), reply),
            Call::Accept(address, key) => return self.command(Command::Accept(address, key), reply),
            Call::Block(address) => return self.command(Command::Block(address), reply),
            Call::Remove(address) => return self.command(Command::Remove(address), reply),
            Call::SetPresence(presence) => {
                self.command(Command::SetPresence(presence), reply);
                return self.tell_status().await;
            }
            Call::List(_) | Call::Conversations | Call::Search(_) => {
                Err(RpcError::new(ErrorName::Internal, "a reading call reached the actor"))
            }
        };
        let _ = reply.send(result);
    }

    fn command(&mut self, command: Command, reply: ReplyTo) {
        let call = self.fresh();
        self.calls.insert(call, reply);
        self.feed(Event::Command { call, command });
    }

    fn buddies(&self) -> Result<Value, RpcError> {
        let conversations = self
            .shared
            .transcripts
            .conversations()
            .map_err(calls::store_error)?
            .into_iter();
        let unread: HashMap<String, u64> = conversations.map(|c| (c.with, c.unread)).collect();
        let views = self.agent.buddies().into_iter();
        let buddies = views.map(|view| {
            let unread = unread.get(view.address.as_str()).copied().unwrap_or(0);
            views::buddy(view, unread)
        });
        json(protocol::BuddiesResult {
            buddies: buddies.collect(),
        })
    }

    /// A buddy as the add-on sees it.
    pub(super) fn buddy_view(&self, view: corella_agent::BuddyView) -> protocol::Buddy {
        let unread = self.shared.transcripts.unread(view.address.as_str()).unwrap_or(0);
        views::buddy(view, unread)
    }

    fn mark_read(&mut self, with: AddressOfRecord, up_to: String, reply: ReplyTo) {
        let shared = self.shared.clone();
        let view = self.agent.buddy(&with);
        self.shared
            .transcripts
            .mark_read(with.to_string(), up_to, move |result| {
                let result = match result {
                    Ok(messages) => {
                        for message in messages {
                            shared.notify(&Notification::Message {
                                message: Box::new(views::message(message)),
                            });
                        }
                        if let Some(view) = view {
                            let unread = shared.transcripts.unread(view.address.as_str()).unwrap_or(0);
                            let address = view.address.to_string();
                            let buddy = Some(Box::new(views::buddy(view, unread)));
                            shared.notify(&Notification::Buddy { address, buddy });
                        }
                        json(Empty {})
                    }
                    Err(store::Error::UnknownMessage) => Err(unknown_message()),
                    Err(error) => Err(calls::store_error(error)),
                };
                let _ = reply.send(result);
            });
    }

    fn retry(&mut self, with: &AddressOfRecord, id: &str, reply: ReplyTo) {
        let found = self
            .shared
            .transcripts
            .find(with.as_str(), id)
            .unwrap_or_default()
            .into_iter();
        let mut failed =
            found.filter(|m| m.direction == store::Direction::Out && m.state == MessageState::Failed.as_str());
        match failed.next().as_ref().and_then(views::outgoing) {
            Some((pair, outgoing)) => self.command(Command::Retry(pair, outgoing), reply),
            None => drop(reply.send(Err(unknown_message()))),
        }
    }

    async fn enrol(&mut self, address: AddressOfRecord, issued: Option<Issued>) -> Result<Value, RpcError> {
        let broken = |error: String| RpcError::new(ErrorName::Store, error);
        let credential = match issued {
            Some(Issued { certificate, key }) => {
                let credential =
                    Credential::from_pem(certificate.as_bytes(), key.as_bytes(), &address).map_err(|e| {
                        RpcError::new(ErrorName::BadCertificate, e.to_string()).with("detail", e.to_string())
                    })?;
                self.keystore
                    .save_credential(&credential)
                    .map_err(|e| broken(e.to_string()))?;
                credential
            }
            None => match self.keystore.credential(&address).map_err(|e| broken(e.to_string()))? {
                Some(credential) => credential,
                None => {
                    let made = Credential::self_signed(&address, time::now()).map_err(|e| broken(e.to_string()))?;
                    self.keystore
                        .save_credential(&made)
                        .map_err(|e| broken(e.to_string()))?;
                    made
                }
            },
        };
        if self.network.is_none() {
            let device = self.keystore.device_key().map_err(|e| broken(e.to_string()))?;
            let network = Network::start(device, &self.settings, self.shared.inbox.clone()).await;
            self.network = Some(network.map_err(|e| RpcError::new(ErrorName::Network, e))?);
        }
        if let Some(network) = &self.network {
            // Records reach the nodes when there are some; the overlay sees to that, and the user need not wait for it.
            let (overlay, credential) = (network.overlay.clone(), credential.clone());
            tokio::spawn(async move {
                // That the overlay was shut down meanwhile is no trouble.
                if let Err(PublishError::Record(error)) = overlay.publish(credential).await {
                    tracing::error!("an own address could not be published: {error}");
                }
            });
        }
        let credential = Arc::new(credential);
        self.credentials.insert(address.clone(), credential.clone());
        *self.shared.own.lock().unwrap_or_else(PoisonError::into_inner) = self.credentials.keys().cloned().collect();
        self.feed(Event::OwnAddress(address));
        if self.online {
            self.tell_status().await;
        }
        json(self.identity(&credential))
    }

    fn identities(&self) -> Result<Value, RpcError> {
        json(IdentitiesResult {
            identities: self.credentials.values().map(|c| self.identity(c)).collect(),
        })
    }

    fn identity(&self, credential: &Credential) -> protocol::Identity {
        let certificate = credential.certificate();
        let (anchors, chain, address) = (&self.settings.anchors, credential.chain(), credential.address());
        let verified = anchors.verify_chain(certificate, chain, address, time::now()).is_ok();
        protocol::Identity {
            address: address.to_string(),
            fingerprint: certificate.fingerprint().to_string(),
            issuer: if certificate.is_self_signed() {
                "self".into()
            } else {
                certificate.issuer_name()
            },
            trust: if verified { Trust::Verified } else { Trust::Unverified }.as_str(),
            expires: certificate.not_after(),
            peer: self
                .network
                .as_ref()
                .map(|n| n.overlay.peer_id().to_string())
                .unwrap_or_default(),
        }
    }

    async fn stop(&mut self) {
        if let Some(network) = self.network.take() {
            network.stop().await;
        }
        let transcripts = self.shared.transcripts.clone();
        if tokio::task::spawn_blocking(move || transcripts.close()).await.is_err() {
            tracing::error!("the store did not close in good order");
        }
    }
}

fn unknown_message() -> RpcError {
    RpcError::new(ErrorName::UnknownMessage, "no such message here")
}

/// A fresh Message-ID: 128 random bits.
pub(super) fn random_id() -> String {
    let mut bytes = [0u8; 16];
    rand::fill(&mut bytes);
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

async fn sleep_until(wake: Option<i64>) {
    match wake {
        Some(at) => tokio::time::sleep_until(time::instant(at).into()).await,
        None => tokio::time::sleep(Duration::MAX).await,
    }
}
