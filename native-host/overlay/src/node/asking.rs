//! Questions of the store protocol: whom this node asks, and what it answers.

use corella_identity::Millis;
use libp2p::request_response::ResponseChannel;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId, kad};
use tokio::sync::oneshot;

use super::task::Task;
use super::{Candidate, Heard, Known};
use crate::store_protocol::{Request, Response};
use crate::storing::{Asker, Network, Refusal};
use crate::swarm::{BUCKET, REPLICATION};

/// How many nodes of the routing table are told for each place: enough to pass over a crowd in one network.
const KNOWN: usize = 2 * REPLICATION;

impl Task {
    pub(super) fn ask(&mut self, candidate: Candidate, request: Request, reply: oneshot::Sender<Heard>) {
        let own = *self.swarm.local_peer_id();
        if candidate.peer == own {
            let network = Network::OWN;
            let answer = self.store.answer(request, Asker { peer: own, network });
            tokio::spawn(async move {
                let response = answer.await;
                let _ = reply.send(Heard {
                    response,
                    network: None,
                });
            });
        } else {
            let Candidate { peer, addresses, .. } = candidate;
            let store = &mut self.swarm.behaviour_mut().store;
            let id = store.send_request_with_addresses(&peer, request, addresses);
            self.asked.insert(id, reply);
            self.effort.asked();
        }
    }

    pub(super) fn on_request(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        request: Request,
        channel: ResponseChannel<Response>,
    ) {
        let network = self.peers.network(&peer, connection);
        let response = if !self.admits(peer, network, request.cost()) {
            Refusal::Busy.into()
        } else if let Request::Changed { record } = request {
            // Who has too many changes to look at looks at some later.
            let _ = self.changes.try_send(record);
            Response::Stored
        } else {
            let answer = self.store.answer(request, Asker { peer, network });
            self.answers.push(Box::pin(async move { (channel, answer.await) }));
            return;
        };
        // Fails if the peer has gone away meanwhile.
        let _ = self.swarm.behaviour_mut().store.send_response(channel, response);
    }

    /// Whether a peer may ask so much now, and its network too: names of peers cost nothing.
    fn admits(&mut self, peer: PeerId, network: Network, cost: Millis) -> bool {
        let now = self.clock.now();
        let of_network = network.unless_local();
        of_network.is_none_or(|network| self.network_rates.admit(network, cost, now))
            && self.rates.admit(peer, cost, now)
    }

    /// The closest nodes of the routing table, and this one if it keeps records.
    pub(super) fn known(&mut self, places: &[[u8; 32]; 2]) -> Known {
        let closest = places.map(|place| {
            let key = kad::KBucketKey::new(place.to_vec());
            let routing = &mut self.swarm.behaviour_mut().routing;
            let closest = routing.get_closest_local_peers(&key).map(|key| *key.preimage());
            closest.take(KNOWN).collect::<Vec<PeerId>>()
        });
        let are_sure = [0, 1].map(|place| self.is_sure_of(&closest[place]));
        let others = closest[0].len();
        let keeps_records = self.keeps_records(others);
        let closest = closest.map(|peers| {
            let mut known: Vec<Candidate> = peers.into_iter().map(Candidate::known).collect();
            for candidate in &mut known {
                candidate.network = self.network_of(&candidate.peer, &[]);
            }
            if keeps_records {
                known.push(Candidate::known(*self.swarm.local_peer_id()));
            }
            known
        });
        Known { closest, are_sure }
    }

    /// Whether a look-up would find no others than these, the closest first: there are few nodes, or none of the closest
    /// stands at a distance of which not everybody has found room in the routing table.
    pub(super) fn is_sure_of(&mut self, closest: &[PeerId]) -> bool {
        let routing = &mut self.swarm.behaviour_mut().routing;
        let has_room = |peer: &PeerId| {
            routing
                .kbucket(*peer)
                .is_some_and(|bucket| bucket.num_entries() < BUCKET)
        };
        closest.len() < REPLICATION || (self.filling.is_full() && closest.iter().take(REPLICATION).all(has_room))
    }

    /// The network of a peer: that of its connection, else that of these addresses or of those that routing knows.
    pub(super) fn network_of(&mut self, peer: &PeerId, addresses: &[Multiaddr]) -> Option<Network> {
        if let Some(network) = self.peers.network_of(peer) {
            return network.unless_local();
        }
        match addresses.first() {
            Some(address) => Network::of_address(address).unless_local(),
            None => Network::of_address(self.routing_addresses(*peer).first()?).unless_local(),
        }
    }

    /// Whether records are put to this node too: it takes part in routing, or there are so few others that each counts.
    pub(super) fn keeps_records(&self, others: usize) -> bool {
        self.keeps && (others < REPLICATION || self.swarm.behaviour().routing.mode() == kad::Mode::Server)
    }
}
