//! The overlay as the rest of Corella uses it: one handle, and a stream of events.

mod config;
mod events;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use corella_identity::{AddressOfRecord, Credential, Fingerprint, trust::TrustAnchors};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use thiserror::Error;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use config::OverlayConfig;
pub use events::OverlayEvent;

use crate::clock::Clock;
use crate::kademlia::{Kademlia, LOOK_UP, handover};
use crate::key::Key;
use crate::link::{self, Decline, Link, Opened, PREFACE_TIME, PrefaceError};
use crate::location::{LocationError, LocationService, PutReport};
use crate::meeting_place::{self, MeetingPlace};
use crate::node::{self, Effort, NodeConfig, NodeHandle, StartError};
use crate::publisher::{self, OwnRecords, PublishError, PublisherHandle};
use crate::record::{Record, RecordError};
use crate::scope::worth_dialling;
use crate::sip_stream::OpenError;
use crate::swarm::{COPIES, Role, distance};
use crate::watching::{self, Watched, Watcher, Watching};

/// Events that wait to be taken. While there are more, links wait too.
const EVENTS: usize = 256;
/// How long a device may take until a stream to it is open.
const OPENING_TIME: Duration = Duration::from_secs(8);
/// How long the withdrawal of the own records may take at the end.
const WITHDRAWAL_TIME: Duration = Duration::from_millis(500);
/// How long to wait before a location service elsewhere is tried again.
const REACHING_PAUSE: Duration = Duration::from_secs(1);
/// How long the meeting place may take at the end.
const LEAVING_TIME: Duration = Duration::from_millis(100);

/// This device in the overlay. Cloning gives another handle to the same; when the last is dropped, connections are closed
/// and the device is gone from the overlay once its records expire. [`Overlay::shutdown`] is the better goodbye.
#[derive(Clone)]
pub struct Overlay(Arc<Inner>);

struct Inner {
    node: NodeHandle,
    location: Arc<dyn LocationService>,
    /// The location service is not this device's own.
    is_elsewhere: bool,
    kademlia: Kademlia,
    publisher: PublisherHandle,
    watcher: Watcher,
    own: OwnRecords,
    clock: Clock,
    meeting: Mutex<Option<JoinHandle<()>>>,
    stop: CancellationToken,
    _stop_at_the_end: DropGuard,
}

/// What there is to know about this device in the overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayStatus {
    /// Where it listens, loopback addresses included, each with `/p2p/<peer id>`: what others take as bootstrap.
    pub listen: Vec<Multiaddr>,
    /// How many nodes of the overlay are connected.
    pub peers: usize,
    /// Whether [`OverlayEvent::OnLine`] came.
    pub on_line: bool,
    /// Whether nodes at all distances were looked up once. From then on most questions go to the right nodes without a look-up.
    pub knows_the_overlay: bool,
}

/// Why there is no link to a device.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The own address has not been published, so there is nothing to show to others.
    #[error("the own address is not on line")]
    NotPublished,
    /// The record is no current contact record of the person.
    #[error("this is no contact record of that person")]
    WrongRecord,
    /// The record is not current any more.
    #[error("the contact record cannot be used: {0}")]
    Record(#[from] RecordError),
    /// The device has said that it is off line.
    #[error("the device is off line")]
    OffLine,
    /// The record is this device's own.
    #[error("the device is this one")]
    Ourselves,
    /// No stream to the device could be opened.
    #[error(transparent)]
    Unreachable(#[from] OpenError),
    /// The device, or the way to it, took too long.
    #[error("the device took too long")]
    TimedOut,
    /// The device declined, by a name of the stream protocol.
    #[error("the device declined: {}", .0.name())]
    Declined(Decline),
    /// The device did not prove to be the person's.
    #[error(transparent)]
    Preface(PrefaceError),
}

impl Overlay {
    /// Brings this device into the overlay. When it returns, the listeners are bound; [`OverlayEvent::OnLine`] follows
    /// once a bootstrap peer has answered, at once if none were given, or soon if others are there and none answers.
    ///
    /// # Errors
    /// No listener could be bound, or the system refused sockets.
    pub async fn start(config: OverlayConfig) -> Result<(Self, mpsc::Receiver<OverlayEvent>), StartError> {
        let OverlayConfig {
            clock, meeting_place, ..
        } = config.clone();
        let (node, arrivals) = node::start(NodeConfig {
            keypair: config.device.keypair(),
            role: Role {
                agent_version: config.agent_version,
                mdns: config.mdns,
                server: config.relay_server,
                keeps: config.location.is_none(),
            },
            listen: config.listen,
            bootstrap: config.bootstrap,
            storage: config.storage,
            limits: config.storing,
            anchors: config.anchors,
            clock: clock.clone(),
        })
        .await?;
        let own = OwnRecords::default();
        let kademlia = Kademlia::new(node.clone(), clock.clone());
        let elsewhere = config.location.clone();
        let is_elsewhere = elsewhere.is_some();
        let location = elsewhere.clone().unwrap_or_else(|| Arc::new(kademlia.clone()));
        let stop = CancellationToken::new();
        let handover = handover::hand_on_to_newcomers(node.clone(), arrivals.newcomers);
        tokio::spawn(stop.clone().run_until_cancelled_owned(handover));
        let watcher = watching::start(Arc::clone(&location), arrivals.changes, node.state(), clock.clone());
        let publisher = publisher::start(
            node.peer(),
            Arc::clone(&location),
            node.state(),
            clock.clone(),
            own.clone(),
        );
        let (sender, events) = mpsc::channel(EVENTS);
        if let Some(elsewhere) = elsewhere {
            let reached = tell_when_reached(elsewhere, node.clone());
            tokio::spawn(stop.clone().run_until_cancelled_owned(reached));
        }
        tokio::spawn(events::announce(node.state(), sender.clone()));
        tokio::spawn(events::accept(arrivals.streams, own.clone(), clock.clone(), sender));
        let meeting = meeting_place.and_then(|folder| match MeetingPlace::open(&folder, node.peer()) {
            Ok(place) => Some(tokio::spawn(meeting_place::meet(place, node.clone(), stop.clone()))),
            Err(error) => {
                tracing::warn!(%error, "agents on this machine will not find each other");
                None
            }
        });
        let inner = Inner {
            node,
            location,
            is_elsewhere,
            kademlia,
            publisher,
            watcher,
            own,
            clock,
            meeting: Mutex::new(meeting),
            _stop_at_the_end: stop.clone().drop_guard(),
            stop,
        };
        Ok((Self(Arc::new(inner)), events))
    }

    /// The name of this device.
    pub fn peer_id(&self) -> PeerId {
        self.0.node.peer()
    }

    /// Where this device listens, and how many others it sees.
    pub async fn status(&self) -> OverlayStatus {
        let state = self.0.node.state().borrow().clone();
        let own = Protocol::P2p(self.peer_id());
        OverlayStatus {
            listen: state
                .listen
                .into_iter()
                .map(|address| address.with(own.clone()))
                .collect(),
            peers: state.peers,
            on_line: state.on_line,
            knows_the_overlay: state.knows_the_overlay,
        }
    }

    /// Whether anybody else is asked for records: other nodes, or a service elsewhere that answers.
    pub async fn asks_others(&self) -> bool {
        let state = self.0.node.state().borrow().clone();
        state.peers > 0 || (self.0.is_elsewhere && state.on_line)
    }

    /// Where records are put and found. Own contacts are put by [`Overlay::publish`].
    pub fn location(&self) -> Arc<dyn LocationService> {
        Arc::clone(&self.0.location)
    }

    /// The own node's ways to what is not of a person: values of OpenDHT's, service hosts.
    pub fn kademlia(&self) -> Kademlia {
        self.0.kademlia.clone()
    }

    /// Tells of the records under a key: those that are there, and those that come, within moments.
    pub async fn watch(&self, watched: Watched) -> Watching {
        self.0.watcher.watch(watched).await
    }

    /// The authorities whose certificates give a record the room of the certified, from now on.
    pub async fn trust(&self, anchors: TrustAnchors) {
        self.0.node.trust(anchors).await;
    }

    /// Whose certificates this device's user knows, from now on: what they sign is kept here even if strangers fill the
    /// rest.
    pub async fn know(&self, known: HashSet<Fingerprint>) {
        self.0.node.know(known).await;
    }

    /// The nodes closest to a key's first place, closest first, after asking others. Takes a few
    /// seconds at most.
    ///
    /// # Errors
    /// Only if the overlay was shut down.
    pub async fn closest(&self, key: &Key) -> Result<Vec<PeerId>, LocationError> {
        let [place, _] = key.places();
        let found = self.0.node.closest(place, LOOK_UP).await?;
        let mut peers: Vec<PeerId> = found.into_iter().map(|candidate| candidate.peer).collect();
        peers.sort_by_key(|peer| distance(peer, &place));
        peers.truncate(COPIES);
        Ok(peers)
    }

    /// What this node has asked of others so far.
    pub fn effort(&self) -> Effort {
        self.0.node.effort()
    }

    /// Makes this device findable under a credential's address: puts its contact record and its certificate, and keeps
    /// them fresh until [`Overlay::withdraw`]. A newer credential for the same address takes the place of the older.
    /// Returns what became of the first contact record; that it reached nobody is no error, it is tried again.
    ///
    /// # Errors
    /// No record can be made with this credential; the overlay was shut down.
    pub async fn publish(&self, credential: Credential) -> Result<PutReport, PublishError> {
        self.0.node.own(credential.certificate().fingerprint()).await;
        self.0.publisher.publish(credential).await
    }

    /// Says in the overlay that this device is off line for an address, and accepts no more links to it.
    pub async fn withdraw(&self, address: &AddressOfRecord) {
        self.0.publisher.withdraw(address.clone()).await;
    }

    /// Opens a link from an own published address to the device that a contact record names. The certificate in the link
    /// is the one under the record that the device itself presented; whether it is the expected one is for the caller to
    /// see.
    ///
    /// # Errors
    /// Each kind of [`ConnectError`].
    pub async fn connect(
        &self,
        local: &AddressOfRecord,
        remote: &AddressOfRecord,
        contacts: &Record,
    ) -> Result<Link, ConnectError> {
        let own = self.0.own.get(local).ok_or(ConnectError::NotPublished)?;
        if *contacts.key() != Key::Contacts(remote.clone()) {
            return Err(ConnectError::WrongRecord);
        }
        contacts.check(self.0.clock.now())?;
        let device = contacts.contacts().ok_or(ConnectError::WrongRecord)?;
        if device.peer == self.peer_id() {
            return Err(ConnectError::Ourselves);
        }
        if device.addresses.is_empty() {
            return Err(ConnectError::OffLine);
        }
        let addresses = worth_dialling(&device.addresses, &self.0.node.state().borrow().listen);
        let open = timeout(OPENING_TIME, self.0.node.open(device.peer, addresses)).await;
        let mut opened = Opened::from(open.map_err(|_| ConnectError::TimedOut)??);
        let preface = link::dial(&mut opened.stream, remote, &own, &device.peer, self.0.clock.now());
        let record = timeout(PREFACE_TIME, preface)
            .await
            .map_err(|_| ConnectError::TimedOut)?
            .map_err(|error| match error {
                PrefaceError::Declined(decline) => ConnectError::Declined(decline),
                other => ConnectError::Preface(other),
            })?;
        Ok(Link::new(local.clone(), &record, opened))
    }

    /// A device does not answer over a link any more: closes the connections to it, which may be dead for half a minute before
    /// that is seen, so that the next link goes over a new one to wherever the device is then.
    pub async fn give_up(&self, device: PeerId) {
        self.0.node.give_up(device).await;
    }

    /// Takes this device off line: withdraws its records, leaves the meeting place and closes all connections, within a
    /// second.
    pub async fn shutdown(&self) {
        // What cannot be withdrawn in time expires, and what cannot be handed on is at other nodes too.
        let withdrawal = timeout(WITHDRAWAL_TIME, self.0.publisher.withdraw_all());
        let handover = timeout(WITHDRAWAL_TIME, handover::hand_on_all(&self.0.node));
        let _ = tokio::join!(withdrawal, handover);
        self.0.stop.cancel();
        if let Some(meeting) = self.0.meeting.lock().await.take() {
            // It only removes a file; if that hangs, whoever finds the file will remove it.
            let _ = timeout(LEAVING_TIME, meeting).await;
        }
        self.0.node.shutdown().await;
    }
}

/// Waits until a location service elsewhere answers.
async fn tell_when_reached(location: Arc<dyn LocationService>, node: NodeHandle) {
    while !location.is_reachable().await {
        sleep(REACHING_PAUSE).await;
    }
    node.location_reached().await;
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overlay")
    }
}
