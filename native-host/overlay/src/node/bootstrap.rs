//! When to dial the bootstrap peers: until one has answered, and again whenever nobody is connected, ever more rarely. A core.

use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

const FIRST_DELAY: Duration = Duration::from_secs(1);
const LAST_DELAY: Duration = Duration::from_secs(60);
/// Whoever has found other nodes waits this long for a bootstrap peer: at home without the Internet, home is the overlay.
const PATIENCE: Duration = Duration::from_secs(5);

/// The bootstrap peers, and the next attempt to reach them.
#[derive(Debug)]
pub(super) struct Bootstrap {
    addresses: Vec<Multiaddr>,
    delay: Duration,
    next: Instant,
    answered: bool,
    begin: Instant,
    waited: bool,
}

impl Bootstrap {
    /// The first attempt is due at once. Our own address among them is left out.
    pub(super) fn new(addresses: Vec<Multiaddr>, own: &PeerId, now: Instant) -> Self {
        let is_other = |address: &Multiaddr| address.iter().last() != Some(Protocol::P2p(*own));
        Self {
            addresses: addresses.into_iter().filter(is_other).collect(),
            delay: FIRST_DELAY,
            next: now,
            answered: false,
            begin: now,
            waited: false,
        }
    }

    /// The addresses to dial, if it is time to. `alone`: no node of the overlay is connected.
    pub(super) fn due(&mut self, alone: bool, now: Instant) -> &[Multiaddr] {
        self.waited |= !alone && now >= self.begin + PATIENCE;
        if !alone && self.answered {
            self.delay = FIRST_DELAY;
            self.next = now + FIRST_DELAY;
            return &[];
        }
        if now < self.next {
            return &[];
        }
        self.next = now + self.delay;
        self.delay = (self.delay * 2).min(LAST_DELAY);
        &self.addresses
    }

    /// A bootstrap peer has answered. True for the first time.
    pub(super) fn answered(&mut self) -> bool {
        !std::mem::replace(&mut self.answered, true)
    }

    /// Whether there is nothing to wait for before being on line.
    pub(super) fn is_over(&self) -> bool {
        self.answered || self.waited || self.addresses.is_empty()
    }
}

/// Bootstrap addresses by the peer that they name; whoever is not named is dialled at each address by itself.
pub(super) fn by_peer(addresses: &[Multiaddr]) -> Vec<(Option<PeerId>, Vec<Multiaddr>)> {
    let mut peers: Vec<(Option<PeerId>, Vec<Multiaddr>)> = Vec::new();
    for address in addresses {
        let peer = match address.iter().last() {
            Some(Protocol::P2p(peer)) => Some(peer),
            _ => None,
        };
        match peers.iter_mut().find(|(known, _)| peer.is_some() && *known == peer) {
            Some((_, known)) => known.push(address.clone()),
            None => peers.push((peer, vec![address.clone()])),
        }
    }
    peers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_rare_while_nobody_is_there_and_begin_anew_after() {
        let address: Multiaddr = "/ip4/192.0.2.1/tcp/4001".parse().unwrap();
        let begin = Instant::now();
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        let mut bootstrap = Bootstrap::new(vec![address.clone()], &PeerId::random(), begin);
        assert!(!bootstrap.is_over());
        let mut attempts = Vec::new();
        for second in 0..200 {
            if !bootstrap.due(true, at(second)).is_empty() {
                attempts.push(second);
            }
        }
        assert_eq!(attempts, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
        assert!(bootstrap.answered() && !bootstrap.answered() && bootstrap.is_over());
        assert!(bootstrap.due(false, at(300)).is_empty());
        assert!(bootstrap.due(true, at(300)).is_empty());
        assert_eq!(bootstrap.due(true, at(301)), [address]);
    }

    #[test]
    fn others_do_not_wait_long_for_a_bootstrap_peer_that_is_sought_all_the_same() {
        let address: Multiaddr = "/ip4/192.0.2.1/tcp/4001".parse().unwrap();
        let begin = Instant::now();
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        let mut bootstrap = Bootstrap::new(vec![address.clone()], &PeerId::random(), begin);
        let mut over = None;
        let mut attempts = Vec::new();
        for second in 0..20 {
            if !bootstrap.due(second < 2, at(second)).is_empty() {
                attempts.push(second);
            }
            over = over.or(bootstrap.is_over().then_some(second));
        }
        assert_eq!((attempts, over), (vec![0, 1, 3, 7, 15], Some(5)));
        // Alone there is nobody to be on line with.
        let mut alone = Bootstrap::new(vec![address], &PeerId::random(), begin);
        alone.due(true, at(100));
        assert!(!alone.is_over());
    }

    #[test]
    fn a_node_is_not_its_own_bootstrap_peer() {
        let own = PeerId::random();
        let address: Multiaddr = format!("/ip4/192.0.2.1/tcp/4001/p2p/{own}").parse().unwrap();
        let mut bootstrap = Bootstrap::new(vec![address], &own, Instant::now());
        assert!(bootstrap.is_over());
        assert!(bootstrap.due(true, Instant::now()).is_empty());
    }

    #[test]
    fn all_addresses_of_a_peer_are_dialled_together() {
        let peers = [PeerId::random(), PeerId::random()];
        let address = |port: u16, peer: Option<usize>| -> Multiaddr {
            let address: Multiaddr = format!("/ip4/192.0.2.1/tcp/{port}").parse().unwrap();
            peer.map_or(address.clone(), |peer| address.with(Protocol::P2p(peers[peer])))
        };
        let all = [
            address(1, Some(0)),
            address(2, None),
            address(3, Some(1)),
            address(4, Some(0)),
            address(5, None),
        ];
        let sorted: Vec<usize> = by_peer(&all).iter().map(|(_, addresses)| addresses.len()).collect();
        assert_eq!(sorted, [2, 1, 1, 1]);
    }
}
