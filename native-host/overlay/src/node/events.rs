//! What the node makes of what the swarm reports.

use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, Message};
use libp2p::swarm::{ConnectionError, ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, identify, kad, mdns, ping};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use super::Heard;
use super::peers::Abilities;
use super::task::Task;
use crate::contacts::is_dialled;
use crate::link::{Decline, decline};
use crate::scope::Scope;
use crate::sip_stream::OpenStream;
use crate::store_protocol;
use crate::storing::Network;
use crate::swarm::{BehaviourEvent, RELAY_PROTOCOL, ROUTING_PROTOCOL};

/// Most addresses of a peer that are looked at.
const ADDRESS_LIMIT: usize = 32;
/// Most peers from the local network that are dialled.
const LAN_PEERS: usize = 64;

impl Task {
    pub(super) fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::NewListenAddr { listener_id, .. } => {
                self.binding.remove(&listener_id);
                self.offer_as_relay();
            }
            SwarmEvent::ListenerClosed {
                listener_id, reason, ..
            } => {
                self.binding.remove(&listener_id);
                if let Err(error) = reason {
                    self.listen_error = error.to_string();
                }
                self.relays.closed(listener_id, Instant::now());
            }
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                let scope = if endpoint.is_relayed() {
                    Scope::Relayed
                } else {
                    Scope::of(endpoint.get_remote_address())
                };
                let network = Network::of_address(endpoint.get_remote_address());
                self.peers.connected(peer_id, connection_id, scope, network);
                self.liveness.sign(connection_id, Instant::now());
                if let Some(reply) = self.introductions.remove(&connection_id) {
                    let _ = reply.send(true);
                }
                if self.bootstrap_dials.remove(&connection_id) {
                    self.bootstrap_peers.insert(peer_id);
                }
                self.choose_mode();
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => {
                self.liveness.forget(connection_id);
                let was_last = self.peers.disconnected(peer_id, connection_id);
                self.choose_mode();
                if was_last && matches!(cause, Some(ConnectionError::IO(_))) && self.neighbours.contains(&peer_id) {
                    self.verify_neighbour(peer_id);
                }
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id,
                connection_id,
                error,
            } => {
                self.dial_failed(peer_id, connection_id, &error);
            }
            SwarmEvent::ExternalAddrConfirmed { .. } | SwarmEvent::ExternalAddrExpired { .. } => {
                self.choose_mode();
                self.offer_as_relay();
            }
            _ => {}
        }
    }

    fn dial_failed(&mut self, peer: Option<PeerId>, connection: ConnectionId, error: &DialError) {
        if let Some(reply) = self.introductions.remove(&connection) {
            let _ = reply.send(false);
        }
        if self.bootstrap_dials.remove(&connection) {
            tracing::trace!(%error, "a bootstrap peer does not answer");
        }
        // Nobody answered at any address: others are not to be sent there.
        if let (Some(peer), DialError::Transport(_) | DialError::NoAddresses) = (peer, error)
            && !self.peers.is_connected(&peer)
        {
            self.swarm.behaviour_mut().routing.remove_peer(&peer);
        }
    }

    fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received {
                connection_id,
                peer_id,
                info,
            }) => {
                self.identified(peer_id, connection_id, &info);
            }
            BehaviourEvent::Ping(ping::Event { connection, result, .. }) => match result {
                Ok(_) => self.liveness.sign(connection, Instant::now()),
                Err(ping::Failure::Unsupported) => self.liveness.forget(connection),
                Err(_) => {
                    self.swarm.close_connection(connection);
                }
            },
            BehaviourEvent::Routing(kad::Event::OutboundQueryProgressed {
                id,
                result: kad::QueryResult::GetClosestPeers(result),
                stats,
                step,
                ..
            }) if step.last => {
                let (Ok(kad::GetClosestPeersOk { peers, .. }) | Err(kad::GetClosestPeersError::Timeout { peers, .. })) =
                    result;
                self.looked_up(id, stats.num_requests(), peers);
            }
            BehaviourEvent::Routing(kad::Event::OutboundQueryProgressed {
                result: kad::QueryResult::Bootstrap(result),
                step,
                ..
            }) if step.last => self.filling.ended(result.is_ok(), Instant::now()),
            BehaviourEvent::Store(event) => self.on_store_event(event),
            BehaviourEvent::Sip(stream) => self.accept(stream),
            BehaviourEvent::Lan(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    if self.peers.all().len() < LAN_PEERS {
                        self.dial(peer, vec![address]);
                    }
                }
            }
            _ => {}
        }
    }

    /// A peer said who it is, what it speaks, and where it listens.
    fn identified(&mut self, peer: PeerId, connection: ConnectionId, info: &identify::Info) {
        let abilities = Abilities {
            stores: info.protocols.contains(&store_protocol::PROTOCOL),
            routes: info.protocols.contains(&ROUTING_PROTOCOL),
            relays: info.protocols.contains(&RELAY_PROTOCOL),
        };
        let Some(scope) = self.peers.scope(&peer, connection) else {
            return;
        };
        let mut addresses: Vec<Multiaddr> = info.listen_addrs.iter().take(ADDRESS_LIMIT).cloned().collect();
        for address in &mut addresses {
            if address.iter().last() == Some(Protocol::P2p(peer)) {
                address.pop();
            }
        }
        addresses.retain(|address| is_dialled(address) && Scope::of(address).makes_sense_at(scope));
        if abilities.routes {
            self.route_to(peer, addresses);
        } else {
            self.swarm.behaviour_mut().routing.remove_peer(&peer);
        }
        let is_new = self.peers.identified(peer, abilities);
        self.choose_mode();
        if is_new {
            self.joined += 1;
            // Where so many come at once, readers and owners bring what is missing.
            let _ = self.newcomers.try_send(peer);
            self.look_after_neighbours();
        }
        if abilities.stores && self.bootstrap_peers.contains(&peer) && self.bootstrap.answered() {
            // Fails only if nobody is known, and then there is nobody to ask.
            let _ = self.swarm.behaviour_mut().routing.bootstrap();
        }
    }

    /// Puts a peer's addresses into the routing table. A peer that names ever new ones does not fill it: beyond a limit,
    /// those that it names now take the place of all before.
    fn route_to(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        if self.routing_addresses(peer).len() > ADDRESS_LIMIT {
            self.swarm.behaviour_mut().routing.remove_peer(&peer);
        }
        let routing = &mut self.swarm.behaviour_mut().routing;
        for address in addresses {
            routing.add_address(&peer, address);
        }
    }

    pub(super) fn routing_addresses(&mut self, peer: PeerId) -> Vec<Multiaddr> {
        let bucket = self.swarm.behaviour_mut().routing.kbucket(peer);
        let entry = bucket.and_then(|bucket| {
            let entry = bucket.iter().find(|entry| *entry.node.key.preimage() == peer)?;
            Some(entry.node.value.iter().cloned().collect())
        });
        entry.unwrap_or_default()
    }

    /// The connection to a neighbour broke. It leaves the routing table, so that nobody waits for it, until it has
    /// answered again; if it was restarted it may have lost the records that it kept, and counts as new.
    fn verify_neighbour(&mut self, peer: PeerId) {
        let addresses = self.routing_addresses(peer);
        self.swarm.behaviour_mut().routing.remove_peer(&peer);
        self.dial(peer, addresses);
    }

    fn on_store_event(&mut self, event: request_response::Event<store_protocol::Request, store_protocol::Response>) {
        match event {
            request_response::Event::Message {
                peer,
                connection_id,
                message: Message::Request { request, channel, .. },
            } => self.on_request(peer, connection_id, request, channel),
            request_response::Event::Message {
                peer,
                connection_id,
                message: Message::Response { request_id, response },
            } => {
                if let Some(reply) = self.asked.remove(&request_id) {
                    let network = self.peers.network(&peer, connection_id).unless_local();
                    let _ = reply.send(Heard { response, network });
                }
            }
            // Dropping the sender tells whoever asked.
            request_response::Event::OutboundFailure { request_id, .. } => drop(self.asked.remove(&request_id)),
            _ => {}
        }
    }

    fn accept(&mut self, stream: OpenStream) {
        if let Err(TrySendError::Full(stream)) = self.inbound.try_send(stream) {
            tokio::spawn(decline(stream.into(), Decline::Busy));
        }
    }

    /// A relay tells those who use it at which of its addresses others can come: those that it takes for its external
    /// ones. They are the ones that reach farthest.
    fn offer_as_relay(&mut self) {
        if !self.swarm.behaviour().relays() {
            return;
        }
        let all: Vec<Multiaddr> = self
            .swarm
            .listeners()
            .chain(self.swarm.external_addresses())
            .cloned()
            .collect();
        let farthest = all.iter().map(Scope::of).max();
        for address in all {
            if Some(Scope::of(&address)) == farthest {
                self.swarm.add_external_address(address);
            } else {
                self.swarm.remove_external_address(&address);
            }
        }
    }
}
