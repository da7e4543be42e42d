//! The task that owns the agent core.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use corella_agent::{Agent, CallId, Consent, Event, LinkUp, Pair, Received, Token};
use corella_identity::{AddressOfRecord, Credential, Millis, keystore::Keystore};
use corella_overlay::{self as overlay, OverlayEvent, Record, link::Link};
use corella_sip::ua::{self, Responder};
use corella_transcripts as store;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::{
    HostSettings, Shared,
    authorities::Authorities,
    enrolment,
    inbox::{Input, ReplyTo},
    links::Links,
    network::Network,
    revocations::Revocations,
    roaming,
    roster_writer::RosterWriter,
    views, waiting,
};
use crate::{authority::Authority, protocol::Notification, time};

/// How long the last errands may take at the end.
const ENDING_TIME: Duration = Duration::from_millis(700);

pub(super) struct Actor {
    pub(super) shared: Arc<Shared>,
    pub(super) agent: Agent,
    pub(super) roster: RosterWriter,
    pub(super) network: Option<Network>,
    pub(super) credentials: BTreeMap<AddressOfRecord, Arc<Credential>>,
    pub(super) links: Links,
    pub(super) calls: HashMap<CallId, ReplyTo>,
    pub(super) responders: HashMap<Token, Responder>,
    pub(super) located: HashMap<Pair, Vec<Record>>,
    /// What was fetched from the overlay and not removed there yet.
    pub(super) stored: waiting::Stored,
    /// What keeps buddy list and status for the user's other devices, by own address.
    pub(super) roaming: HashMap<AddressOfRecord, roaming::Keeper>,
    /// What is being put into the overlay or removed there.
    pub(super) errands: JoinSet<()>,
    /// The message that the core is being told of, in case it is to be shown.
    pub(super) arrived: Option<Box<store::Message>>,
    pub(super) keystore: Keystore,
    /// Whom to ask for certificates, if anybody.
    pub(super) authority: Option<Arc<Authority>>,
    /// The certificates that are on their way, by own address.
    pub(super) enrolling: HashMap<AddressOfRecord, enrolment::Enrolling>,
    /// When the certificates are to be replaced, by own address.
    pub(super) renewals: HashMap<AddressOfRecord, Millis>,
    pub(super) revocations: Revocations,
    pub(super) settings: HostSettings,
    pub(super) authorities: Authorities,
    /// Where the records of others are kept.
    pub(super) records: PathBuf,
    pub(super) online: bool,
    next: u64,
}

impl Actor {
    pub(super) fn new(
        shared: Arc<Shared>,
        agent: Agent,
        roster: RosterWriter,
        keystore: Keystore,
        settings: HostSettings,
        authorities: Authorities,
        records: PathBuf,
    ) -> Actor {
        let authority = settings.authority.clone();
        let authority = authority.map(|url| Arc::new(Authority::new(url, settings.anchors.clone())));
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
            stored: HashMap::new(),
            roaming: HashMap::new(),
            errands: JoinSet::new(),
            arrived: None,
            keystore,
            authority,
            enrolling: HashMap::new(),
            renewals: HashMap::new(),
            revocations: Revocations::default(),
            settings,
            authorities,
            records,
            online: false,
            next: 0,
        }
    }

    /// Runs until it is told to stop.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Input>) {
        self.resume().await;
        loop {
            let (wake, enrolment) = (self.agent.next_wakeup(), self.next_enrolment());
            let input = tokio::select! {
                biased;
                input = inbox.recv() => input,
                Some(_) = self.errands.join_next() => continue,
                () = sleep_until(wake) => Some(Input::Event(Event::Wake)),
                () = sleep_until(enrolment) => {
                    self.wake_enrolments();
                    continue;
                }
            };
            match input {
                Some(Input::Stop(done)) => {
                    // What is not done in time is done at the next start.
                    let _ = timeout(ENDING_TIME, self.finish(&mut inbox)).await;
                    self.stop().await;
                    let _ = done.send(());
                    return;
                }
                Some(input) => self.take(input).await,
                None => return self.stop().await,
            }
        }
    }

    /// Puts what is owed to others where they will find it.
    async fn finish(&mut self, inbox: &mut mpsc::UnboundedReceiver<Input>) {
        self.feed(Event::Ending);
        self.flush_roaming();
        while !self.errands.is_empty() {
            let _ = self.errands.join_next().await;
            while let Ok(input) = inbox.try_recv() {
                if let Input::Event(event) = input {
                    self.feed(event);
                }
            }
        }
    }

    async fn take(&mut self, input: Input) {
        match input {
            Input::Call { call, reply } => self.call(call, reply).await,
            // What the other devices said before the user took no more part.
            Input::Event(Event::Roamed { own, .. }) if !self.roaming.contains_key(&own) => {}
            Input::Event(event) => {
                let before = self.agent.presence().clone();
                self.feed(event);
                // Another device may have chosen another status.
                if self.online && *self.agent.presence() != before {
                    self.tell_status().await;
                }
            }
            Input::Stored {
                pair,
                side,
                id,
                outcome,
                message,
            } => {
                self.arrived = message;
                self.feed(Event::Stored {
                    pair,
                    side,
                    id,
                    outcome,
                });
                self.arrived = None;
            }
            Input::Changed(message) => self.message_changed(*message),
            Input::Dropped(with) => self.shared.notify(&Notification::Dropped { with }),
            Input::Revoked(revocations) => self.revoked(revocations).await,
            Input::Located { pair, records, asked } => {
                let (revoked, records): (Vec<_>, Vec<_>) =
                    records.into_iter().partition(|record| record.revocation().is_some());
                self.revoked(revoked.iter().filter_map(Record::revocation).collect())
                    .await;
                let claims = records
                    .iter()
                    .map(|r| corella_agent::Claim {
                        certificate: r.signer().clone(),
                        chain: match r.value() {
                            overlay::record::Value::Certificate(chain) => chain.get(1..).unwrap_or_default().to_vec(),
                            _ => Vec::new(),
                        },
                    })
                    .collect();
                self.located.insert(pair.clone(), records);
                self.feed(Event::Located {
                    pair: pair.clone(),
                    claims,
                    asked,
                });
                self.located.remove(&pair);
            }
            Input::Linked { link, called } => {
                let pair = Pair {
                    own: link.local.clone(),
                    with: link.remote.clone(),
                };
                if !self.linked(link).await && called {
                    self.feed(Event::Unreachable { pair });
                }
            }
            Input::Fetched(opened) => self.fetched(*opened),
            Input::RoamingOpened(opened, reply) => {
                self.roaming_opened(*opened, reply);
                self.tell_status().await;
            }
            Input::IdentityFetched(fetched, reply) => {
                self.identity_fetched(*fetched, reply).await;
                self.tell_status().await;
            }
            Input::CertifiedElsewhere(own, chain) => self.certified_elsewhere(own, &chain).await,
            Input::OwnContact(record) => self.own_contact(&record),
            Input::PassedHere {
                link,
                record,
                responder,
            } => self.passed_here(link, *record, responder),
            Input::DevicesTold(link, devices) => self.devices_told(link, devices),
            Input::Certified(address) => self.present_anew(&address),
            Input::AuthoritySaid(address, number, outcome) => self.authority_said(address, number, outcome).await,
            Input::Counted { unread, reply } => self.counted(unread, reply),
            Input::MarkedRead { with, messages, reply } => self.marked_read(with, messages, reply),
            Input::Opened {
                link,
                id,
                at,
                sequence,
                returns,
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
                    returns,
                    content,
                }));
            }
            Input::Overlay(event) => self.overlay(event).await,
            Input::Sip(event) => self.sip(event).await,
            Input::Stop(_) => {}
        }
    }

    /// Asks the core, and carries out what it says.
    pub(super) fn feed(&mut self, event: Event) {
        for action in self.agent.handle(time::steady(), event) {
            self.carry_out(action);
        }
        self.roster.commit();
    }

    pub(super) fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn message_changed(&self, message: store::Message) {
        self.shared.notify(&Notification::Message {
            message: Box::new(views::message(message)),
        });
    }

    /// Whether the link is used.
    pub(super) async fn linked(&mut self, link: Link) -> bool {
        let Some(network) = &self.network else { return false };
        let Some(credential) = self.credentials.get(&link.local).cloned() else {
            return false;
        };
        let is_own = link.local == link.remote;
        if is_own && !link.certificate.same_key(credential.certificate()) {
            tracing::info!("somebody else called in the user's own name");
            return false;
        }
        let sip = network.sip.clone();
        let id = self.fresh();
        let pair = Pair {
            own: link.local.clone(),
            with: link.remote.clone(),
        };
        let (device, certificate) = (link.peer.to_string(), link.certificate.clone());
        let stranger = !is_own && self.agent.buddy(&pair.with).is_none_or(|b| b.consent != Consent::Buddy);
        if !self
            .links
            .attach(id, link, stranger, credential, sip, self.shared.clone())
            .await
        {
            return false;
        }
        self.feed(Event::LinkUp(LinkUp {
            link: id,
            pair,
            device,
            certificate,
        }));
        true
    }

    async fn sip(&mut self, event: ua::Event) {
        match event {
            ua::Event::Message(message) => self.links.received(message),
            ua::Event::LinkClosed { link, why } => {
                let Some(device) = self.links.remove(link.0) else {
                    return;
                };
                tracing::debug!(%link, "a link closed: {why}");
                // Whoever comes from another network may have called anew before the old link was missed.
                if why == ua::Closed::Silent
                    && !self.links.reach(&device)
                    && let Some(network) = &self.network
                {
                    network.overlay.give_up(device).await;
                }
                self.feed(Event::LinkDown { link: link.0 });
            }
            _ => {}
        }
    }

    async fn overlay(&mut self, event: OverlayEvent) {
        match event {
            OverlayEvent::Incoming(link) => self.called(link).await,
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

    pub(super) async fn tell_status(&self) {
        let status = self.status().await;
        self.shared.notify(&Notification::Status(Box::new(status)));
    }

    async fn stop(mut self) {
        if let Some(network) = self.network.take() {
            network.stop().await;
        }
        let (roster, transcripts) = (self.roster, self.shared.transcripts.clone());
        let close = move || {
            drop(roster);
            transcripts.close();
        };
        if tokio::task::spawn_blocking(close).await.is_err() {
            tracing::error!("the store did not close in good order");
        }
    }
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
