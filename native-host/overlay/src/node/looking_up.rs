//! Look-ups of the nodes closest to a place.

use std::num::NonZeroUsize;
use std::time::Duration;

use libp2p::kad;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Candidate;
use super::task::Task;

/// How long somebody waits for a look-up; then they get what was found so far. (What the routing protocol looks up for itself may
/// take longer.)
const LOOK_UP_TIME: Duration = Duration::from_secs(3);

/// Somebody waits for a look-up.
pub(super) struct LookUp {
    begun: Instant,
    reply: oneshot::Sender<Vec<Candidate>>,
}

impl Task {
    pub(super) fn look_up(&mut self, place: [u8; 32], count: NonZeroUsize, reply: oneshot::Sender<Vec<Candidate>>) {
        let routing = &mut self.swarm.behaviour_mut().routing;
        let query = routing.get_n_closest_peers(place.to_vec(), count);
        let begun = Instant::now();
        self.look_ups.insert(query, LookUp { begun, reply });
    }

    /// Ends look-ups that nobody waits for any more.
    pub(super) fn end_look_ups(&mut self, now: Instant) {
        let routing = &mut self.swarm.behaviour_mut().routing;
        for (id, look_up) in &self.look_ups {
            if (look_up.reply.is_closed() || now > look_up.begun + LOOK_UP_TIME)
                && let Some(mut query) = routing.query_mut(id)
            {
                query.finish();
            }
        }
    }

    pub(super) fn looked_up(&mut self, id: kad::QueryId, requests: u32, peers: Vec<kad::PeerInfo>) {
        let Some(LookUp { reply, .. }) = self.look_ups.remove(&id) else {
            return;
        };
        self.effort.looked_up(requests);
        let mut found: Vec<Candidate> = peers
            .into_iter()
            .map(|peer| {
                let network = self.network_of(&peer.peer_id, &peer.addrs);
                Candidate {
                    peer: peer.peer_id,
                    addresses: peer.addrs,
                    network,
                }
            })
            .collect();
        if self.keeps_records(found.len()) {
            found.push(Candidate::known(*self.swarm.local_peer_id()));
        }
        let _ = reply.send(found);
    }
}
