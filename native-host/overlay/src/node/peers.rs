//! Who is connected, and over what. A core.

use std::collections::HashMap;

use libp2p::PeerId;
use libp2p::swarm::ConnectionId;

use crate::scope::Scope;
use crate::storing::Network;

#[derive(Debug, Default)]
struct Peer {
    connections: HashMap<ConnectionId, Way>,
    abilities: Option<Abilities>,
}

/// Over what a connection goes.
#[derive(Clone, Copy, Debug)]
struct Way {
    scope: Scope,
    network: Network,
}

/// What a peer said it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Abilities {
    /// It is a node of this overlay: it speaks the store protocol.
    pub(super) stores: bool,
    /// It takes part in routing, and so keeps records.
    pub(super) routes: bool,
    /// It relays for others.
    pub(super) relays: bool,
}

/// The connected peers.
#[derive(Debug, Default)]
pub(super) struct Peers(HashMap<PeerId, Peer>);

impl Peers {
    /// A connection was made.
    pub(super) fn connected(&mut self, peer: PeerId, connection: ConnectionId, scope: Scope, network: Network) {
        let way = Way { scope, network };
        self.0.entry(peer).or_default().connections.insert(connection, way);
    }

    /// A connection ended. Whether it was the last to that peer.
    pub(super) fn disconnected(&mut self, peer: PeerId, connection: ConnectionId) -> bool {
        let Some(entry) = self.0.get_mut(&peer) else {
            return true;
        };
        entry.connections.remove(&connection);
        let last = entry.connections.is_empty();
        if last {
            self.0.remove(&peer);
        }
        last
    }

    /// A peer said what it can do. Whether it is newly known to keep records: our own may have to go there.
    pub(super) fn identified(&mut self, peer: PeerId, abilities: Abilities) -> bool {
        let Some(entry) = self.0.get_mut(&peer) else {
            return false;
        };
        let before = entry.abilities.replace(abilities).unwrap_or_default();
        abilities.routes && !before.routes
    }

    /// Over which scope a connection of a peer goes.
    pub(super) fn scope(&self, peer: &PeerId, connection: ConnectionId) -> Option<Scope> {
        Some(self.0.get(peer)?.connections.get(&connection)?.scope)
    }

    /// The network at the other end of a connection.
    pub(super) fn network(&self, peer: &PeerId, connection: ConnectionId) -> Network {
        let way = self.0.get(peer).and_then(|peer| peer.connections.get(&connection));
        way.map_or(Network::UNKNOWN, |way| way.network)
    }

    /// The network of a connected peer, as one of its connections tells.
    pub(super) fn network_of(&self, peer: &PeerId) -> Option<Network> {
        Some(self.0.get(peer)?.connections.values().next()?.network)
    }

    /// Whether there is any connection to a peer.
    pub(super) fn is_connected(&self, peer: &PeerId) -> bool {
        self.0.contains_key(peer)
    }

    /// Whether a peer has said that it is a node of this overlay.
    pub(super) fn is_ours(&self, peer: &PeerId) -> bool {
        self.0
            .get(peer)
            .and_then(|peer| peer.abilities)
            .is_some_and(|abilities| abilities.stores)
    }

    /// How many nodes of this overlay are connected.
    pub(super) fn count(&self) -> usize {
        self.0.keys().filter(|peer| self.is_ours(peer)).count()
    }

    /// All connected peers.
    pub(super) fn all(&self) -> Vec<PeerId> {
        self.0.keys().copied().collect()
    }

    /// Whether all there is is on this machine or the local network, as far as one can see from here: then everybody can
    /// reach us without a relay.
    pub(super) fn are_local(&self) -> bool {
        self.0
            .values()
            .flat_map(|peer| peer.connections.values())
            .all(|way| matches!(way.scope, Scope::Loopback | Scope::Private))
    }

    /// Relays that can serve somebody who cannot be reached: those connected from everywhere. They also keep everybody's
    /// records.
    pub(super) fn relays(&self) -> Vec<PeerId> {
        let is_public = |peer: &Peer| peer.connections.values().any(|way| way.scope == Scope::Public);
        self.0
            .iter()
            .filter(|(_, peer)| is_public(peer) && peer.abilities.is_some_and(|abilities| abilities.relays))
            .map(|(id, _)| *id)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: Abilities = Abilities {
        stores: true,
        routes: true,
        relays: false,
    };

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    #[test]
    fn a_peer_counts_once_it_is_known_to_be_ours() {
        let (peer, stranger) = (PeerId::random(), PeerId::random());
        let mut peers = Peers::default();
        peers.connected(peer, id(1), Scope::Loopback, Network::UNKNOWN);
        peers.connected(stranger, id(2), Scope::Loopback, Network::UNKNOWN);
        assert_eq!(peers.count(), 0);
        assert!(peers.identified(peer, NODE));
        assert!(!peers.identified(peer, NODE));
        assert!(!peers.identified(stranger, Abilities::default()));
        assert!(!peers.identified(PeerId::random(), NODE));
        assert_eq!(peers.count(), 1);
        peers.connected(peer, id(3), Scope::Loopback, Network::UNKNOWN);
        assert!(!peers.disconnected(peer, id(1)));
        assert_eq!(peers.count(), 1);
        assert!(peers.disconnected(peer, id(3)));
        assert_eq!(peers.count(), 0);
        assert!(peers.is_connected(&stranger) && !peers.is_connected(&peer));
    }

    #[test]
    fn a_client_that_begins_to_route_is_new_as_a_keeper() {
        let peer = PeerId::random();
        let mut peers = Peers::default();
        peers.connected(peer, id(1), Scope::Public, Network::UNKNOWN);
        assert!(!peers.identified(peer, Abilities { routes: false, ..NODE }));
        assert!(peers.identified(peer, NODE));
    }

    #[test]
    fn one_public_connection_makes_it_no_local_network() {
        let mut peers = Peers::default();
        assert!(peers.are_local());
        peers.connected(PeerId::random(), id(1), Scope::Loopback, Network::UNKNOWN);
        peers.connected(PeerId::random(), id(2), Scope::Private, Network::UNKNOWN);
        assert!(peers.are_local());
        let far = PeerId::random();
        peers.connected(far, id(3), Scope::Public, Network::UNKNOWN);
        assert!(!peers.are_local());
        peers.disconnected(far, id(3));
        assert!(peers.are_local());
    }

    #[test]
    fn relays_are_those_that_everybody_reaches() {
        let relay = Abilities { relays: true, ..NODE };
        let (far, near, plain) = (PeerId::random(), PeerId::random(), PeerId::random());
        let mut peers = Peers::default();
        for (number, (peer, scope, abilities)) in [
            (far, Scope::Public, relay),
            (near, Scope::Private, relay),
            (plain, Scope::Public, NODE),
        ]
        .into_iter()
        .enumerate()
        {
            peers.connected(peer, id(number), scope, Network::UNKNOWN);
            peers.identified(peer, abilities);
        }
        assert_eq!(peers.relays(), [far]);
    }
}
