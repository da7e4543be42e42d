//! The task that owns the swarm: carries out commands and, on its own, keeps the node in the overlay.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use corella_identity::Millis;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::core::transport::{ListenerId, TransportError};
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{OutboundRequestId, ResponseChannel};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, kad};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::bootstrap::{Bootstrap, by_peer};
use super::effort::Counters;
use super::filling::Filling;
use super::liveness::Liveness;
use super::looking_up::LookUp;
use super::peers::Peers;
use super::relays::Relays;
use super::{Command, Heard, NodeConfig, NodeState, Reached, StartError};
use crate::clock::Clock;
use crate::rate::Rates;
use crate::scope::{Scope, ip_of};
use crate::sip_stream::OpenStream;
use crate::store_protocol::{Request, Response};
use crate::storing::{Network, Store};
use crate::swarm::{self, Behaviour, BehaviourEvent, REPLICATION};

/// How long the listeners may take to be bound.
const BINDING_TIME: Duration = Duration::from_secs(5);
/// How long a listener on all interfaces may take to learn of them, and the pause after which it knows them all.
const INTERFACES_TIME: Duration = Duration::from_millis(200);
const INTERFACE_PAUSE: Duration = Duration::from_millis(15);
/// How much a peer may ask in one go, in milliseconds of its time: 2,000 questions, or 500 things to keep.
const BURST: Millis = 2000;
/// How many peers of one network may ask so much, all together.
const PEERS_OF_NETWORK: Millis = 8;
/// How long the goodbyes may take.
const CLOSING_TIME: Duration = Duration::from_millis(300);
/// How often the task looks after bootstrap and relays.
const TICK: Duration = Duration::from_millis(500);
/// After how many ticks neighbours are looked after, and after how many expired records are forgotten.
const NEIGHBOUR_TICKS: u64 = 20;
const EXPIRY_TICKS: u64 = 60;
/// Most neighbours that are dialled in one go.
const NEIGHBOUR_DIALS: usize = 4;

/// The state of the task. Its reactions to the swarm are in `events`.
pub(super) struct Task {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) clock: Clock,
    pub(super) inbound: mpsc::Sender<OpenStream>,
    pub(super) peers: Peers,
    pub(super) bootstrap: Bootstrap,
    /// Dials to bootstrap peers, and who is known to be one.
    pub(super) bootstrap_dials: HashSet<ConnectionId>,
    pub(super) bootstrap_peers: HashSet<PeerId>,
    pub(super) liveness: Liveness,
    /// The nodes closest to this one in the routing table.
    pub(super) neighbours: HashSet<PeerId>,
    pub(super) relays: Relays,
    pub(super) joined: u64,
    pub(super) filling: Filling,
    pub(super) rates: Rates<PeerId>,
    pub(super) network_rates: Rates<Network>,
    pub(super) look_ups: HashMap<kad::QueryId, LookUp>,
    pub(super) asked: HashMap<OutboundRequestId, oneshot::Sender<Heard>>,
    /// Requests of peers whose answer is being made.
    pub(super) answers: FuturesUnordered<BoxFuture<'static, (ResponseChannel<Response>, Response)>>,
    pub(super) introductions: HashMap<ConnectionId, oneshot::Sender<bool>>,
    pub(super) effort: Arc<Counters>,
    /// Listeners that have not been bound yet, and what was heard of those that never will be.
    pub(super) binding: HashSet<ListenerId>,
    pub(super) listen_error: String,
    /// Whether this node always takes part in routing.
    serves: bool,
    /// Whether it routes and keeps records at all.
    pub(super) keeps: bool,
    /// Whether a location service elsewhere has not answered yet.
    pub(super) unreached: bool,
    mode: Option<Option<kad::Mode>>,
    pub(super) store: Store,
    commands: mpsc::Receiver<Command>,
    /// Whom the storing node wants to tell of what.
    tell: mpsc::Receiver<(PeerId, Request)>,
    /// Records of which peers say that they are new.
    pub(super) changes: mpsc::Sender<String>,
    pub(super) newcomers: mpsc::Sender<PeerId>,
    pub(super) state: watch::Sender<NodeState>,
    listen: Vec<Multiaddr>,
    ticks: u64,
}

/// The task's ends of the channels to everybody else.
pub(super) struct Channels {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) tell: mpsc::Receiver<(PeerId, Request)>,
    pub(super) inbound: mpsc::Sender<OpenStream>,
    pub(super) changes: mpsc::Sender<String>,
    pub(super) newcomers: mpsc::Sender<PeerId>,
    pub(super) state: watch::Sender<NodeState>,
}

impl Task {
    pub(super) fn new(
        config: NodeConfig,
        store: Store,
        channels: Channels,
        effort: Arc<Counters>,
    ) -> Result<Self, StartError> {
        let Channels {
            commands,
            tell,
            inbound,
            changes,
            newcomers,
            state,
        } = channels;
        let own = config.keypair.public().to_peer_id();
        let bootstrap_peers = config
            .bootstrap
            .iter()
            .filter_map(|address| match address.iter().last() {
                Some(Protocol::P2p(peer)) => Some(peer),
                _ => None,
            });
        Ok(Self {
            bootstrap_peers: bootstrap_peers.collect(),
            bootstrap: Bootstrap::new(config.bootstrap, &own, Instant::now()),
            swarm: swarm::build(&config.keypair, &config.role)?,
            clock: config.clock,
            inbound,
            peers: Peers::default(),
            bootstrap_dials: HashSet::new(),
            liveness: Liveness::default(),
            neighbours: HashSet::new(),
            relays: Relays::default(),
            joined: 0,
            filling: Filling::default(),
            rates: Rates::new(BURST),
            network_rates: Rates::of_many(BURST, PEERS_OF_NETWORK),
            look_ups: HashMap::new(),
            asked: HashMap::new(),
            answers: FuturesUnordered::new(),
            introductions: HashMap::new(),
            effort,
            binding: HashSet::new(),
            listen_error: String::new(),
            serves: config.role.server,
            keeps: config.role.keeps,
            unreached: !config.role.keeps,
            mode: None,
            store,
            commands,
            tell,
            changes,
            newcomers,
            state,
            listen: config.listen,
            ticks: 0,
        })
    }

    /// Binds the listeners.
    ///
    /// # Errors
    /// None of them could be bound.
    pub(super) async fn bind(&mut self) -> Result<(), StartError> {
        let addresses = std::mem::take(&mut self.listen);
        for address in &addresses {
            match self.swarm.listen_on(address.clone()) {
                Ok(listener) => {
                    self.binding.insert(listener);
                }
                Err(TransportError::Other(error)) => self.listen_error = format!("{address}: {error}"),
                Err(error) => self.listen_error = error.to_string(),
            }
        }
        let all_bound = async {
            while !self.binding.is_empty() {
                let event = self.swarm.select_next_some().await;
                self.on_event(event);
            }
        };
        // A listener that takes this long counts as bound when it is; the others are enough.
        let _ = timeout(BINDING_TIME, all_bound).await;
        self.binding.clear();
        if addresses
            .iter()
            .any(|address| ip_of(address).is_some_and(|ip| ip.is_unspecified()))
        {
            self.hear_of_interfaces().await;
        }
        if !addresses.is_empty() && self.swarm.listeners().next().is_none() {
            return Err(StartError::Listen(std::mem::take(&mut self.listen_error)));
        }
        self.choose_mode();
        self.tell_state();
        Ok(())
    }

    /// A listener on all interfaces learns of them one by one; this waits until no more come.
    async fn hear_of_interfaces(&mut self) {
        let until = Instant::now() + INTERFACES_TIME;
        while Instant::now() < until {
            match timeout(INTERFACE_PAUSE, self.swarm.select_next_some()).await {
                Ok(event) => self.on_event(event),
                Err(_) => return,
            }
        }
    }

    pub(super) async fn run(mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let may_be_told = tokio::select! {
                event = self.swarm.select_next_some() => {
                    // Signs of life and questions are frequent, and change nothing of the state.
                    let is_traffic = matches!(
                        event,
                        SwarmEvent::Behaviour(BehaviourEvent::Ping(_) | BehaviourEvent::Store(_))
                    );
                    self.on_event(event);
                    !is_traffic
                }
                command = self.commands.recv() => match command {
                    Some(Command::Shutdown(reply)) => {
                        self.close().await;
                        // Whoever asked may be gone; the node ends all the same.
                        let _ = reply.send(());
                        return;
                    }
                    Some(command) => {
                        let is_question = matches!(command, Command::Known(..) | Command::Ask(..));
                        self.on_command(command);
                        !is_question
                    }
                    None => return self.close().await,
                },
                Some((channel, response)) = self.answers.next() => {
                    // Fails if the peer has gone away meanwhile.
                    let _ = self.swarm.behaviour_mut().store.send_response(channel, response);
                    false
                }
                Some((peer, request)) = self.tell.recv() => {
                    // Whether it is heard is no matter: who watches also looks now and then.
                    self.swarm.behaviour_mut().store.send_request(&peer, request);
                    false
                }
                _ = ticks.tick() => {
                    self.on_tick();
                    true
                }
            };
            if may_be_told {
                self.tell_state();
            }
        }
    }

    /// Says goodbye to everybody, so that they need not find out by themselves.
    async fn close(&mut self) {
        for peer in self.peers.all() {
            // Fails only if the peer is gone already.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let all_closed = async {
            while self.swarm.connected_peers().next().is_some() {
                let event = self.swarm.select_next_some().await;
                if let SwarmEvent::ConnectionClosed { .. } = event {
                    self.on_event(event);
                }
            }
        };
        let _ = timeout(CLOSING_TIME, all_closed).await;
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Known(places, reply) => {
                let _ = reply.send(self.known(&places));
            }
            Command::Closest(place, count, reply) => self.look_up(place, count, reply),
            Command::Ask(candidate, request, reply) => self.ask(candidate, request, reply),
            Command::Open(candidate, reply) => {
                self.swarm
                    .behaviour_mut()
                    .sip
                    .open(candidate.peer, candidate.addresses, reply);
            }
            Command::Introduce(candidate, reply) => self.introduce(candidate, reply),
            Command::GiveUp(peer, reply) => {
                // Fails only if it is not connected.
                let _ = self.swarm.disconnect_peer_id(peer);
                let _ = reply.send(());
            }
            Command::LocationReached(reply) => {
                self.unreached = false;
                let _ = reply.send(());
            }
            Command::Shutdown(_) => {}
        }
    }

    fn introduce(&mut self, candidate: Reached, reply: oneshot::Sender<bool>) {
        if self.peers.is_connected(&candidate.peer) {
            let _ = reply.send(true);
            return;
        }
        let options = DialOpts::peer_id(candidate.peer)
            .addresses(candidate.addresses)
            .extend_addresses_through_behaviour()
            .build();
        let connection = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => {
                self.introductions.insert(connection, reply);
            }
            Err(_) => {
                let _ = reply.send(false);
            }
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        let addresses = self.bootstrap.due(self.peers.count() == 0, now);
        for (peer, addresses) in by_peer(addresses) {
            self.dial_bootstrap(peer, addresses);
        }
        for connection in self.liveness.dead(now) {
            self.swarm.close_connection(connection);
        }
        self.look_for_relays(now);
        self.ticks += 1;
        if self.ticks.is_multiple_of(NEIGHBOUR_TICKS) {
            self.look_after_neighbours();
        }
        if self.filling.is_due(now) {
            // Fails only if nobody is known, and then there is nobody to ask.
            let _ = self.swarm.behaviour_mut().routing.bootstrap();
        }
        if self.ticks.is_multiple_of(EXPIRY_TICKS) {
            self.store.expire();
        }
        self.end_look_ups(now);
    }

    /// All addresses of a peer are dialled at once: a second attempt at the same peer would be refused while the first one lasts, and
    /// so the peer be reached at its first address only.
    fn dial_bootstrap(&mut self, peer: Option<PeerId>, addresses: Vec<Multiaddr>) {
        let options = if let Some(peer) = peer {
            DialOpts::peer_id(peer).addresses(addresses).build()
        } else if let Some(address) = addresses.into_iter().next() {
            DialOpts::unknown_peer_id().address(address).build()
        } else {
            return;
        };
        let connection = options.connection_id();
        // It fails if it is being dialled already, which is as good.
        if self.swarm.dial(options).is_ok() {
            self.bootstrap_dials.insert(connection);
        }
    }

    /// Keeps the connections to the nodes closest to this one, and makes those that are missing: they are the ones with
    /// which records are shared, and in a small network they are everybody.
    pub(super) fn look_after_neighbours(&mut self) {
        let own = kad::KBucketKey::from(*self.swarm.local_peer_id());
        let behaviour = self.swarm.behaviour_mut();
        let closest = behaviour
            .routing
            .get_closest_local_peers(&own)
            .map(|key| *key.preimage());
        let neighbours: HashSet<PeerId> = closest.take(REPLICATION).collect();
        let missing = neighbours.iter().filter(|peer| !self.peers.is_connected(peer)).copied();
        let missing: Vec<PeerId> = missing.take(NEIGHBOUR_DIALS).collect();
        behaviour.sip.keep(neighbours.clone());
        self.neighbours = neighbours;
        for peer in missing {
            self.dial(peer, Vec::new());
        }
    }

    /// Dials a peer at these addresses and whatever else is known of it. If it does not answer it leaves the routing
    /// table.
    pub(super) fn dial(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        let options = DialOpts::peer_id(peer)
            .addresses(addresses)
            .extend_addresses_through_behaviour()
            .build();
        // It fails if it is connected or being dialled already.
        let _ = self.swarm.dial(options);
    }

    fn look_for_relays(&mut self, now: Instant) {
        let is_reachable = self.serves
            || self.peers.are_local()
            || self
                .swarm
                .external_addresses()
                .any(|address| Scope::of(address) == Scope::Public);
        let available = self.peers.relays();
        for relay in self.relays.wanted(is_reachable, &available, now) {
            let address = Multiaddr::empty().with(Protocol::P2p(relay)).with(Protocol::P2pCircuit);
            match self.swarm.listen_on(address) {
                Ok(listener) => self.relays.listening(listener, relay),
                Err(_) => self.relays.failed(relay, now),
            }
        }
    }

    /// Takes part in routing if it serves, or as long as it knows nobody who serves everybody: somebody has to keep the
    /// records. Otherwise kad decides, by whether a public address was confirmed.
    pub(super) fn choose_mode(&mut self) {
        let mode = if self.keeps {
            (self.serves || self.peers.relays().is_empty()).then_some(kad::Mode::Server)
        } else {
            Some(kad::Mode::Client)
        };
        if self.mode != Some(mode) {
            self.mode = Some(mode);
            self.swarm.behaviour_mut().routing.set_mode(mode);
        }
    }
}
