//! How much each peer may ask. A core.

use std::collections::HashMap;

use corella_identity::Millis;
use libp2p::PeerId;

use super::Request;

/// How much a peer may ask in one go, in milliseconds of its time: 2,000 questions, or 500 things to keep.
const BURST: Millis = 2000;
/// Most peers remembered. A peer that is forgotten begins anew.
const PEERS: usize = 4096;

/// How many requests each peer may make: a bucket of two seconds that refills as time goes by. A question takes a
/// millisecond of it, and what has to be verified four.
#[derive(Debug, Default)]
pub struct RateLimit {
    /// For each peer, the moment at which its bucket will be full again.
    full_at: HashMap<PeerId, Millis>,
}

impl RateLimit {
    /// Whether this peer may make this request now. Counts it if so.
    pub fn admit(&mut self, peer: PeerId, request: &Request, now: Millis) -> bool {
        if self.full_at.len() >= PEERS && !self.full_at.contains_key(&peer) {
            self.full_at.retain(|_, full_at| *full_at > now);
            if self.full_at.len() >= PEERS {
                self.full_at.clear();
            }
        }
        let full_at = self.full_at.entry(peer).or_insert(now);
        // A clock that was set back would otherwise lock the peer out.
        *full_at = (*full_at).clamp(now, now + BURST);
        let cost = cost(request);
        if *full_at + cost > now + BURST {
            return false;
        }
        *full_at += cost;
        true
    }
}

fn cost(request: &Request) -> Millis {
    match request {
        Request::Put { .. } | Request::PutFragment { .. } | Request::PutImmutable { .. } | Request::Changed { .. } => 4,
        Request::Get { ticket: Some(_), .. } | Request::Watch { ticket: Some(_), .. } => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, device};

    #[test]
    fn a_peer_has_its_rate_and_no_more() {
        let get = Request::Get {
            key: String::new(),
            ticket: None,
            skip: 0,
        };
        let put = Request::Put { record: String::new() };
        let mut limit = RateLimit::default();
        let (peer, other) = (device(), device());
        let admitted = (0..9000).filter(|_| limit.admit(peer, &get, NOW)).count();
        assert_eq!(admitted, 2000);
        let admitted = (0..9000).filter(|_| limit.admit(other, &put, NOW)).count();
        assert_eq!(admitted, 500);
        assert!(!limit.admit(peer, &get, NOW));
        assert!(!limit.admit(peer, &put, NOW + 3));
        assert!(limit.admit(peer, &get, NOW + 1));
        let second_later = (0..9000).filter(|_| limit.admit(peer, &get, NOW + 1001)).count();
        assert_eq!(second_later, 1000);
        let set_back = NOW - 3_600_000;
        limit.admit(peer, &get, set_back);
        assert!(limit.admit(peer, &get, set_back + 1));
        for _ in 0..PEERS + 10 {
            limit.admit(PeerId::random(), &get, NOW);
        }
        assert!(limit.full_at.len() <= PEERS);
    }
}
