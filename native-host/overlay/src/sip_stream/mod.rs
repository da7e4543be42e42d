//! The stream protocol `/corella/sip/1` as a part of a libp2p swarm: opens streams to peers and passes on those that
//! peers open, each with the news of its connection's end.
//!
//! Unlike the generic stream behaviour it prefers direct connections over relayed ones and younger ones over older (a
//! peer that was restarted is on the youngest), dials with the addresses of a contact record when there is no connection
//! or the one there is does not answer, and tells its own dials from those of other protocols.

mod handler;

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroU8;
use std::task::{Context, Poll, Waker};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, DialError, FromSwarm, NetworkBehaviour, NotifyHandler, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use handler::{Handler, Instruction, Report, StreamFailure};

/// The protocol's name in the overlay.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/corella/sip/1");
/// How many addresses of a peer are tried at a time: all that a contact record can have, and some known otherwise.
const DIAL_CONCURRENCY: NonZeroU8 = NonZeroU8::new(16).expect("16 is not zero");

/// Tells one request to open a stream from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

/// A stream, and what is known of the connection under it.
#[derive(Debug)]
pub struct OpenStream {
    /// The device at the other end, proven by the handshake of the connection.
    pub peer: PeerId,
    /// Whether the connection goes through a relay.
    pub relayed: bool,
    /// The stream.
    pub stream: Stream,
    /// Cancelled when the connection has ended.
    pub ended: CancellationToken,
}

/// Why no stream could be opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// No address of the device answered.
    #[error("no address of the device answered: {0}")]
    Unreachable(String),
    /// The device is there but speaks another protocol.
    #[error("the device does not speak {PROTOCOL}")]
    Unsupported,
    /// The connection broke, or the device did not answer in time.
    #[error("the device did not answer")]
    NoAnswer,
}

impl Stage {
    fn is_dial(self) -> bool {
        matches!(self, Self::Dialling(_))
    }
}

struct Connection {
    id: ConnectionId,
    relayed: bool,
    ended: CancellationToken,
    /// Cancels `ended` when the connection is forgotten, also because the whole swarm is.
    _end: DropGuard,
}

/// What somebody waits for.
struct Wish {
    peer: PeerId,
    /// Where to dial if no connection does; taken by the one dial that a wish has.
    addresses: Option<Vec<Multiaddr>>,
    reply: oneshot::Sender<Result<OpenStream, OpenError>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Dialling(ConnectionId),
    Asking(ConnectionId),
}

/// The behaviour. Its event is a stream that a peer opened.
#[derive(Default)]
pub struct Behaviour {
    connections: HashMap<PeerId, Vec<Connection>>,
    openings: HashMap<RequestId, (Wish, Stage)>,
    requests: u64,
    kept: HashSet<PeerId>,
    actions: VecDeque<ToSwarm<OpenStream, Instruction>>,
    waker: Option<Waker>,
}

impl Behaviour {
    /// Opens a stream to a device: on the best connection there is, else by dialling these addresses and whatever else is
    /// known of it. The reply comes within a few seconds of the last dial's end; a dropped receiver is fine.
    pub fn open(
        &mut self,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        reply: oneshot::Sender<Result<OpenStream, OpenError>>,
    ) {
        self.requests += 1;
        let request = RequestId(self.requests);
        let wish = Wish {
            peer,
            addresses: Some(addresses),
            reply,
        };
        match (self.best(&peer), self.dial_to(&peer)) {
            (Some(connection), _) => self.ask(request, wish, connection),
            // What another wish dials will do for this one too.
            (None, Some(stage)) => {
                self.openings.insert(request, (wish, stage));
            }
            (None, None) => self.dial(request, wish),
        }
        self.wake();
    }

    /// Names the peers whose connections stay although nothing happens on them.
    pub fn keep(&mut self, peers: HashSet<PeerId>) {
        let changed: Vec<PeerId> = self.kept.symmetric_difference(&peers).copied().collect();
        for peer in changed {
            for connection in self.connections.get(&peer).into_iter().flatten() {
                self.actions.push_back(ToSwarm::NotifyHandler {
                    peer_id: peer,
                    handler: NotifyHandler::One(connection.id),
                    event: Instruction::Keep(peers.contains(&peer)),
                });
            }
        }
        self.kept = peers;
        self.wake();
    }

    /// The youngest direct connection, else the youngest relayed one.
    fn best(&self, peer: &PeerId) -> Option<ConnectionId> {
        let connections = self.connections.get(peer)?;
        let direct = connections.iter().rev().find(|connection| !connection.relayed);
        direct.or(connections.last()).map(|connection| connection.id)
    }

    fn dial_to(&self, peer: &PeerId) -> Option<Stage> {
        let mut dials = self
            .openings
            .values()
            .filter(|(wish, stage)| wish.peer == *peer && stage.is_dial());
        dials.next().map(|(_, stage)| *stage)
    }

    fn ask(&mut self, request: RequestId, wish: Wish, connection: ConnectionId) {
        self.actions.push_back(ToSwarm::NotifyHandler {
            peer_id: wish.peer,
            handler: NotifyHandler::One(connection),
            event: Instruction::Open(request),
        });
        self.openings.insert(request, (wish, Stage::Asking(connection)));
    }

    fn dial(&mut self, request: RequestId, mut wish: Wish) {
        let opts = DialOpts::peer_id(wish.peer)
            .addresses(wish.addresses.take().unwrap_or_default())
            .extend_addresses_through_behaviour()
            .override_dial_concurrency_factor(DIAL_CONCURRENCY)
            .condition(PeerCondition::Always)
            .build();
        let stage = Stage::Dialling(opts.connection_id());
        self.actions.push_back(ToSwarm::Dial { opts });
        self.openings.insert(request, (wish, stage));
    }

    /// A connection did not do: dials if this wish has not yet, else gives up.
    fn try_otherwise(&mut self, request: RequestId, error: OpenError) {
        let Some((wish, _)) = self.openings.remove(&request) else {
            return;
        };
        if wish.addresses.is_some() && !wish.reply.is_closed() {
            self.dial(request, wish);
        } else {
            // The caller may have given up; then nobody wants the reason.
            let _ = wish.reply.send(Err(error));
        }
    }

    fn requests_at(&self, at: impl Fn(&Wish, Stage) -> bool) -> Vec<RequestId> {
        self.openings
            .iter()
            .filter(|(_, (wish, stage))| at(wish, *stage))
            .map(|(request, _)| *request)
            .collect()
    }

    fn established(&mut self, peer: PeerId, id: ConnectionId, relayed: bool) {
        let ended = CancellationToken::new();
        let connection = Connection {
            id,
            relayed,
            _end: ended.clone().drop_guard(),
            ended,
        };
        self.connections.entry(peer).or_default().push(connection);
        // Whoever waits for a dial to this peer takes any new connection, also one that the peer made.
        for request in self.requests_at(|wish, stage| wish.peer == peer && stage.is_dial()) {
            if let Some((wish, _)) = self.openings.remove(&request) {
                self.ask(request, wish, id);
            }
        }
    }

    fn closed(&mut self, peer: PeerId, id: ConnectionId) {
        if let Some(connections) = self.connections.get_mut(&peer) {
            connections.retain(|connection| connection.id != id);
            if connections.is_empty() {
                self.connections.remove(&peer);
            }
        }
        for request in self.requests_at(|_, stage| stage == Stage::Asking(id)) {
            self.try_otherwise(request, OpenError::NoAnswer);
        }
    }

    fn dial_failed(&mut self, id: ConnectionId, error: &DialError) {
        for request in self.requests_at(|_, stage| stage == Stage::Dialling(id)) {
            self.try_otherwise(request, OpenError::Unreachable(summary(error)));
        }
    }

    fn open_stream(&self, peer: PeerId, id: ConnectionId, stream: Stream) -> Option<OpenStream> {
        let connection = self
            .connections
            .get(&peer)?
            .iter()
            .find(|connection| connection.id == id)?;
        Some(OpenStream {
            peer,
            relayed: connection.relayed,
            stream,
            ended: connection.ended.clone(),
        })
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A dial's failure in words that hold no address.
fn summary(error: &DialError) -> String {
    match error {
        DialError::Transport(attempts) => format!("{} tried", attempts.len()),
        DialError::NoAddresses => "none is known".to_owned(),
        DialError::LocalPeerId { .. } => "it is this device".to_owned(),
        DialError::Denied { .. } => "too many connections".to_owned(),
        DialError::WrongPeerId { .. } => "another device is there".to_owned(),
        DialError::DialPeerConditionFalse(_) | DialError::Aborted => "given up".to_owned(),
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = OpenStream;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(self.kept.contains(&peer)))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::new(self.kept.contains(&peer)))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(established) => {
                self.established(
                    established.peer_id,
                    established.connection_id,
                    established.endpoint.is_relayed(),
                );
            }
            FromSwarm::ConnectionClosed(closed) => self.closed(closed.peer_id, closed.connection_id),
            FromSwarm::DialFailure(failure) => self.dial_failed(failure.connection_id, failure.error),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, report: THandlerOutEvent<Self>) {
        match report {
            Report::Inbound(stream) => {
                if let Some(open) = self.open_stream(peer, id, stream) {
                    self.actions.push_back(ToSwarm::GenerateEvent(open));
                }
            }
            Report::Opened(request, stream) => {
                if let (Some((wish, _)), Some(open)) =
                    (self.openings.remove(&request), self.open_stream(peer, id, stream))
                {
                    // A caller that gave up drops the stream, which closes it.
                    let _ = wish.reply.send(Ok(open));
                }
            }
            Report::Failed(request, StreamFailure::Unsupported) => {
                if let Some((wish, _)) = self.openings.remove(&request) {
                    let _ = wish.reply.send(Err(OpenError::Unsupported));
                }
            }
            Report::Failed(request, StreamFailure::NoAnswer) => self.try_otherwise(request, OpenError::NoAnswer),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(action) = self.actions.pop_front() {
            return Poll::Ready(action);
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
