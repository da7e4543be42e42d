//! This device as a node of the overlay: one task owns the swarm, everybody else talks to it through [`NodeHandle`].

mod bootstrap;
mod effort;
mod events;
mod liveness;
mod peers;
mod relays;
mod task;

use std::io;
use std::sync::Arc;

use corella_identity::trust::TrustAnchors;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::location::LocationError;
use crate::sip_stream::{OpenError, OpenStream};
use crate::store_protocol::{Request, Response};
use crate::storing;
use crate::swarm::Role;
use effort::Counters;
pub use effort::Effort;
use task::Task;

/// Commands that wait for the task.
const COMMANDS: usize = 256;
/// Streams opened by peers that wait to be accepted.
const INBOUND_STREAMS: usize = 64;

/// What a node needs to begin.
pub(crate) struct NodeConfig {
    pub(crate) keypair: Keypair,
    pub(crate) role: Role,
    pub(crate) listen: Vec<Multiaddr>,
    pub(crate) bootstrap: Vec<Multiaddr>,
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
}

/// A node that may keep a record, with addresses if it is not known otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) peer: PeerId,
    pub(crate) addresses: Vec<Multiaddr>,
}

enum Command {
    Known([u8; 32], oneshot::Sender<Vec<PeerId>>),
    Closest([u8; 32], oneshot::Sender<Vec<Candidate>>),
    Ask(Candidate, Request, oneshot::Sender<Response>),
    Open(Candidate, oneshot::Sender<Result<OpenStream, OpenError>>),
    Introduce(Candidate, oneshot::Sender<bool>),
    Shutdown(oneshot::Sender<()>),
}

/// The way to a node's task. Cloning is cheap; the node ends when all handles are gone.
#[derive(Clone)]
pub(crate) struct NodeHandle {
    peer: PeerId,
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<NodeState>,
    effort: Arc<Counters>,
}

/// Starts a node. It listens when this returns; streams that peers open come from the receiver.
///
/// # Errors
/// No listener, or no sockets at all.
pub(crate) async fn start(config: NodeConfig) -> Result<(NodeHandle, mpsc::Receiver<OpenStream>), StartError> {
    let peer = config.keypair.public().to_peer_id();
    let (command_sender, commands) = mpsc::channel(COMMANDS);
    let (inbound_sender, inbound) = mpsc::channel(INBOUND_STREAMS);
    let (state_sender, state) = watch::channel(NodeState::default());
    let effort = Arc::new(Counters::default());
    let mut task = Task::new(config, commands, inbound_sender, state_sender, Arc::clone(&effort))?;
    task.bind().await?;
    tokio::spawn(task.run());
    Ok((
        NodeHandle {
            peer,
            commands: command_sender,
            state,
            effort,
        },
        inbound,
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

    /// The nodes closest to a place that the routing table knows, this one included if it keeps records.
    pub(crate) async fn known(&self, place: [u8; 32]) -> Result<Vec<PeerId>, LocationError> {
        self.call(|reply| Command::Known(place, reply))
            .await
            .ok_or(LocationError::Stopped)
    }

    /// The nodes closest to a place, after asking others; takes three seconds at most.
    pub(crate) async fn closest(&self, place: [u8; 32]) -> Result<Vec<Candidate>, LocationError> {
        self.call(|reply| Command::Closest(place, reply))
            .await
            .ok_or(LocationError::Stopped)
    }

    /// A storing node's answer, or `None` if there was none. This node may be asked like any other.
    pub(crate) async fn ask(&self, peer: PeerId, addresses: Vec<Multiaddr>, request: Request) -> Option<Response> {
        self.call(|reply| Command::Ask(Candidate { peer, addresses }, request, reply))
            .await
    }

    /// A stream to a device.
    pub(crate) async fn open(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> Result<OpenStream, OpenError> {
        self.call(|reply| Command::Open(Candidate { peer, addresses }, reply))
            .await
            .unwrap_or(Err(OpenError::NoAnswer))
    }

    /// Dials a node that was met otherwise. Whether it is connected now.
    pub(crate) async fn introduce(&self, peer: PeerId, addresses: Vec<Multiaddr>) -> bool {
        self.call(|reply| Command::Introduce(Candidate { peer, addresses }, reply))
            .await
            .unwrap_or(false)
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
