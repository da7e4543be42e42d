//! The libp2p swarm: which protocols it speaks, with which limits.

mod public_only;
mod transport;

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use libp2p::kad::store::MemoryStore;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    PeerId, StreamProtocol, Swarm, autonat, connection_limits, dcutr, identify, identity, kad, mdns, ping, relay, swarm,
};

use crate::{sip_stream, store_protocol};
use public_only::PublicOnly;

/// Routing between nodes; kad's own records are not used.
pub const ROUTING_PROTOCOL: StreamProtocol = StreamProtocol::new("/corella/kad/1");
/// What a relay offers to those who cannot be reached.
pub(crate) const RELAY_PROTOCOL: StreamProtocol = relay::HOP_PROTOCOL_NAME;
/// How many nodes a look-up finds.
pub(crate) const REPLICATION: usize = 20;
/// How many nodes are known at each distance: more than a look-up finds, so that in a network of some hundred nodes most
/// know who is close to a place without asking.
pub(crate) const BUCKET: usize = 64;
/// How many nodes keep a record at each of its two places: as many as in OpenDHT, at twice as many places.
pub const COPIES: usize = 8;
/// How long the routing protocol may look for the nodes closest to one place.
const QUERY_TIME: Duration = Duration::from_secs(20);
/// A connection on which nothing happens is closed after this, unless it is kept (see `sip_stream`).
const IDLE_TIME: Duration = Duration::from_secs(120);
/// How often a connection is pinged, and how long the answer may take. Links have keep-alives of their own, which see sooner that
/// somebody is gone; a node has many more connections than links, and each ping wakes two machines.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(25);
pub(crate) const PING_TIME: Duration = Duration::from_secs(15);

/// Everything the swarm does.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    /// First, so that what is over the limits costs nothing more.
    limits: connection_limits::Behaviour,
    pub(crate) routing: kad::Behaviour<MemoryStore>,
    pub(crate) store: store_protocol::Behaviour,
    pub(crate) sip: sip_stream::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    /// Am I reachable from everywhere?
    reachability: PublicOnly,
    reachability_server: Toggle<autonat::v2::server::Behaviour>,
    relay: relay::client::Behaviour,
    relay_server: Toggle<relay::Behaviour>,
    /// Turns relayed connections into direct ones.
    hole_punching: dcutr::Behaviour,
    lan: Toggle<mdns::tokio::Behaviour>,
}

impl Behaviour {
    /// Whether this node relays for others.
    pub(crate) fn relays(&self) -> bool {
        self.relay_server.is_enabled()
    }
}

/// What kind of node it is.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// Name and version, told to peers.
    pub(crate) agent_version: String,
    /// Whether peers on the local network are looked for.
    pub(crate) mdns: bool,
    /// Whether it relays for others and tests their reachability.
    pub(crate) server: bool,
    /// Whether it routes, and keeps records of others.
    pub(crate) keeps: bool,
}

/// Makes the swarm of one device. It does not listen yet.
///
/// # Errors
/// The system gives no sockets or interfaces to look at.
pub(crate) fn build(keypair: &identity::Keypair, role: &Role) -> io::Result<Swarm<Behaviour>> {
    let peer = keypair.public().to_peer_id();
    let (relay_transport, relay) = relay::client::new(peer);
    let transport = transport::build(keypair, relay_transport)?;
    let lan = role.mdns.then(|| lan(peer)).flatten();
    let behaviour = Behaviour {
        limits: connection_limits::Behaviour::new(connection_limits()),
        routing: kad::Behaviour::with_config(peer, MemoryStore::new(peer), routing_config()),
        store: store_protocol::behaviour(role.keeps),
        sip: sip_stream::Behaviour::default(),
        identify: identify::Behaviour::new(
            identify::Config::new("corella/1".to_owned(), keypair.public())
                .with_agent_version(role.agent_version.clone())
                .with_push_listen_addr_updates(true)
                // Whose addresses are remembered is decided by the routing table alone.
                .with_cache_size(0),
        ),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIME)),
        reachability: PublicOnly::new(),
        reachability_server: role
            .server
            .then(|| autonat::v2::server::Behaviour::new(rand::make_rng()))
            .into(),
        relay,
        relay_server: role.server.then(|| relay::Behaviour::new(peer, relay_config())).into(),
        hole_punching: dcutr::Behaviour::new(peer),
        lan: lan.into(),
    };
    let config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(IDLE_TIME);
    Ok(Swarm::new(transport, behaviour, peer, config))
}

/// Without multicast there is no discovery on the local network, and everything else works.
fn lan(peer: PeerId) -> Option<mdns::tokio::Behaviour> {
    mdns::tokio::Behaviour::new(mdns::Config::default(), peer)
        .inspect_err(|error| tracing::warn!(%error, "nobody will be found on the local network"))
        .ok()
}

fn routing_config() -> kad::Config {
    let mut config = kad::Config::new(ROUTING_PROTOCOL);
    config
        .set_query_timeout(QUERY_TIME)
        .set_kbucket_size(NonZeroUsize::MIN.saturating_add(BUCKET - 1))
        // Liars who know only each other lead astray one path of a look-up, not all.
        .disjoint_query_paths(true)
        .set_replication_factor(NonZeroUsize::MIN.saturating_add(REPLICATION - 1))
        // Records of kad itself are only offered to us, and we take none.
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_caching(kad::Caching::Disabled)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None);
    config
}

fn connection_limits() -> connection_limits::ConnectionLimits {
    connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(128))
        .with_max_established_incoming(Some(1024))
        .with_max_established_per_peer(Some(8))
}

/// Wide enough for a long chat or a call through the relay: the defaults end one after two minutes or 128 KiB.
fn relay_config() -> relay::Config {
    relay::Config {
        max_reservations: 512,
        max_reservations_per_peer: 4,
        max_circuits: 256,
        max_circuits_per_peer: 32,
        max_circuit_duration: Duration::from_secs(24 * 60 * 60),
        max_circuit_bytes: 1 << 30,
        ..relay::Config::default()
    }
}

/// A peer's distance to a place in the overlay, as the routing protocol measures it.
pub(crate) fn distance(peer: &PeerId, place: &[u8; 32]) -> kad::KBucketDistance {
    kad::KBucketKey::from(*peer).distance(&kad::KBucketKey::new(place.to_vec()))
}
