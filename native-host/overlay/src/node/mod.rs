//! This device as a node of the overlay: one task owns the swarm, everybody else talks to it through [`NodeHandle`].

mod asking;
mod bootstrap;
mod effort;
mod events;
mod filling;
mod liveness;
mod looking_up;
mod peers;
mod relays;
mod task;
mod telling;

use std::collections::HashSet;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use corella_identity::Fingerprint;
use corella_identity::trust::TrustAnchors;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::location::LocationError;
use crate::sip_stream::{OpenError, OpenStream};
use crate::store_protocol::{Request, Response};
use crate::storing::{self, Holding, Keeper, Network, Store, StoringNode};
use crate::swarm::Role;
use effort::Counters;
pub use effort::Effort;
use task::{Channels, Task};

/// Commands that wait for the task.
const COMMANDS: usize = 256;
/// Streams opened by peers that wait to be accepted.
const INBOUND_STREAMS: usize = 64;
/// Changes that wait to be told to who watches, and those told by others.
const TOLD: usize = 1024;
const CHANGES: usize = 256;
/// Nodes that have come and wait to be told what they have to keep.
const NEWCOMERS: usize = 256;

/// What a node needs to begin.
pub(crate) struct NodeConfig {
    pub(crate) keypair: Keypair,
    pub(crate) role: Role,
    pub(crate) listen: Vec<Multiaddr>,
    pub(crate) bootstrap: Vec<Multiaddr>,
    /// Where and how much is kept of others' records. Without a file, in memory.
    pub(crate) storage: Option<PathBuf>,
    pub(crate) limits: storing::Limits,
    pub(crate) anchors: TrustAnchors,
    pub(crate) clock: Clock,
}

/// Why a node could not begin.
#[derive(Debug, Error)]
pub enum StartError {
    /// None of the listen addresses could be bound.
    #[error("no listener could be bound: {0}")]
    Listen(String),
    /// The system refused something the swarm needs.
    #[error("the network could not be set up: {0}")]
    System(#[from] io::Error),
    /// The records of others cannot be kept.
    #[error(transparent)]
    Storage(#[from] storing::DatabaseError),
}

/// What there is to know about a node, for those who watch it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeState {
    /// Where it listens and is seen from outside, without `/p2p/…` of its own.
    pub(crate) listen: Vec<Multiaddr>,
    /// How many nodes of the overlay are connected.
    pub(crate) peers: usize,
    /// How many nodes that keep records have come so far.
    pub(crate) joined: u64,
    /// A bootstrap peer has answered, if any were given, or others are there and none has for a while.
    pub(crate) on_line: bool,
    /// Nodes at all distances were looked up once.
    pub(crate) knows_the_overlay: bool,
}

/// A node that may keep a record, with addresses if it is not known otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) peer: PeerId,
    pub(crate) addresses: Vec<Multiaddr>,
    /// Where it is, or seems to be. `None`: on this machine, where everybody has one address.
    pub(crate) network: Option<Network>,
}

impl Candidate {
    /// A node whose addresses are known already.
    pub(crate) fn known(peer: PeerId) -> Self {
        Self {
            peer,
            addresses: Vec::new(),
            network: None,
        }
    }
}

/// A peer, and where it is said to be.
struct Reached {
    peer: PeerId,
    addresses: Vec<Multiaddr>,
}

/// The nodes of the routing table that are closest to two places.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) closest: [Vec<Candidate>; 2],
    /// Of each place, whether a look-up would find no others.
    pub(crate) are_sure: [bool; 2],
}

/// An answer, and over a connection to which network it came.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) response: Response,
    pub(crate) network: Option<Network>,
}

enum Command {
    Known([[u8; 32]; 2], oneshot::Sender<Known>),
    Closest([u8; 32], NonZeroUsize, oneshot::Sender<Vec<Candidate>>),
    Ask(Candidate, Request, oneshot::Sender<Heard>),
    Open(Reached, oneshot::Sender<Result<OpenStream, OpenError>>),
    Introduce(Reached, oneshot::Sender<bool>),
    GiveUp(PeerId, oneshot::Sender<()>),
    LocationReached(oneshot::Sender<()>),
    Shutdown(oneshot::Sender<()>),
}

/// The way to a node's task. Cloning is cheap; the node ends when all handles are gone.
#[derive(Clone)]
pub(crate) struct NodeHandle {
    peer: PeerId,
    commands: mpsc::Sender<Command>,
    store: Store,
    state: watch::Receiver<NodeState>,
    effort: Arc<Counters>,
}

/// What comes from peers unasked.
pub(crate) struct Arrivals {
    /// Streams that they open.
    pub(crate) streams: mpsc::Receiver<OpenStream>,
    /// Records that they say are new, as XML.
    pub(crate) changes: mpsc::Receiver<String>,
    /// Nodes that have come and keep records.
    pub(crate) newcomers: mpsc::Receiver<PeerId>,
}

/// Starts a node. It listens when this returns.
///
/// # Errors
/// No listener, or no sockets at all.
pub(crate) async fn start(config: NodeConfig) -> Result<(NodeHandle, Arrivals), StartError> {
    let peer = config.keypair.public().to_peer_id();
    let (command_sender, commands) = mpsc::channel(COMMANDS);
    let (inbound_sender, inbound) = mpsc::channel(INBOUND_STREAMS);
    let (change_sender, changes) = mpsc::channel(CHANGES);
    let (newcomer_sender, newcomers) = mpsc::channel(NEWCOMERS);
    let (state_sender, state) = watch::channel(NodeState::default());
    let (tell_sender, tell) = mpsc::channel(TOLD);
    let records = StoringNode::open(config.storage.as_deref(), config.limits, config.anchors.clone())?;
    let store = Store::start(Keeper::new(records), config.clock.clone(), tell_sender)?;
    let channels = Channels {
        commands,
        tell,
        inbound: inbound_sender,
        changes: change_sender,
        newcomers: newcomer_sender,
        state: state_sender,
    };
    let effort = Arc::new(Counters::default());
    let mut task = Task::new(config, store.clone(), channels, Arc::clone(&effort))?;
    task.bind().await?;
    tokio::spawn(task.run());
    Ok((
        NodeHandle {
            peer,
            commands: command_sender,
            store,
            state,
            effort,
        },
        Arrivals {
            streams: inbound,
            changes,
            newcomers,
        },
    ))
}

impl NodeHandle {
    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    /// The state, now and as it changes.
    pub(crate) fn state(&self) -> watch::Receiver<NodeState> {
        self.state.clone()
    }

    /// What this node has asked of others so far.
    pub(crate) fn effort(&self) -> Effort {
        self.effort.so_far()
    }

    /// The nodes closest to two places that the routing table knows, this one included if it keeps records.
    pub(crate) async fn known(&self, places: [[u8; 32]; 2]) -> Result<Known, LocationError> {
        self.call(|reply| Command::Known(places, reply))
            .await
            .ok_or(LocationError::Stopped)
    }

    /// So many nodes closest to a place, after asking others; takes three seconds at most.
    pub(crate) async fn closest(&self, place: [u8; 32], count: NonZeroUsize) -> Result<Vec<Candidate>, LocationError> {
        self.call(|reply| Command::Closest(place, count, reply))
            .await
            .ok_or(LocationError::Stopped)
    }

    /// A storing node's answer, or `None` if there was none. This node may be asked like any other.
    pub(crate) async fn ask(&self, candidate: Candidate, request: Request) -> Option<Heard> {
        self.call(|reply| Command::Ask(candidate, request, reply)).await
    }

    /// Trusts these authorities from now on.
    pub(crate) async fn trust(&self, anchors: TrustAnchors) {
        self.store.trust(anchors).await;
    }

    /// Whose certificates this node's own user knows: their records have a share of their own.
    pub(crate) async fn know(&self, known: HashSet<Fingerprint>) {
        self.store.know(known).await;
    }

    pub(crate) async fn own(&self, own: Fingerprint) {
        self.store.own(own).await;
    }

    /// What this node keeps, in order, after the last that was told.
    pub(crate) async fn holdings(&self, after: Option<Holding>) -> Vec<Holding> {
        self.store.holdings(after).await
    }

    /// The requests that hand on something that this node keeps.
    pub(crate) async fn hand_on(&self, holding: Holding) -> Vec<Request> {
        self.store.hand_on(holding).await
    }

    /// A stream to a device.
    pub(crate) async fn open(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<OpenStream, OpenError> {
        self.call(|reply| Command::Open(Reached { peer, addresses }, reply))
            .await
            .unwrap_or(Err(OpenError::NoAnswer))
    }

    /// Dials a node that was met otherwise. Whether it is connected now.
    pub(crate) async fn introduce(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> bool {
        self.call(|reply| Command::Introduce(Reached { peer, addresses }, reply))
            .await
            .unwrap_or(false)
    }

    /// Closes the connections to a peer that does not answer any more.
    pub(crate) async fn give_up(&self, peer: PeerId) {
        self.call(|reply| Command::GiveUp(peer, reply)).await;
    }

    /// A location service elsewhere has answered: this device is on line.
    pub(crate) async fn location_reached(&self) {
        self.call(Command::LocationReached).await;
    }

    /// Closes all connections and ends the task.
    pub(crate) async fn shutdown(&self) {
        self.call(Command::Shutdown).await;
    }

    async fn call<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
