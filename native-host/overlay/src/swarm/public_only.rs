//! Keeps AutoNAT to addresses that can be public.
//!
//! The AutoNAT client asks servers to dial whatever others say they saw us at. Loopback and private addresses are of no
//! use to a server elsewhere, and a circuit address only proves that the relay works.

use std::task::{Context, Poll};

use libp2p::autonat::v2::client;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

use crate::scope::Scope;

/// The AutoNAT client with a filter for what it is told about our own addresses.
pub(crate) struct PublicOnly(client::Behaviour);

impl PublicOnly {
    pub(crate) fn new() -> Self {
        Self(client::Behaviour::new(rand::make_rng(), client::Config::default()))
    }
}

impl NetworkBehaviour for PublicOnly {
    type ConnectionHandler = <client::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = <client::Behaviour as NetworkBehaviour>::ToSwarm;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.0.handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.0
            .handle_established_outbound_connection(id, peer, address, role, port_use)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::NewExternalAddrCandidate(candidate) = &event
            && !may_be_public(candidate.addr)
        {
            return;
        }
        self.0.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        self.0.on_connection_handler_event(peer, id, event);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.0.poll(context)
    }
}

fn may_be_public(address: &Multiaddr) -> bool {
    Scope::of(address) == Scope::Public && !address.iter().any(|part| matches!(part, Protocol::P2p(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_public_addresses_are_probed() {
        let peer = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
        let may = |text: &str| may_be_public(&text.parse().unwrap());
        assert!(may("/ip4/192.0.2.1/udp/4001/quic-v1"));
        assert!(!may("/ip4/127.0.0.1/tcp/4001"));
        assert!(!may("/ip4/192.168.0.1/tcp/4001"));
        assert!(!may(&format!("/ip4/192.0.2.1/tcp/4001/p2p/{peer}")));
        assert!(!may(&format!("/ip4/192.0.2.1/tcp/4001/p2p/{peer}/p2p-circuit")));
    }
}
