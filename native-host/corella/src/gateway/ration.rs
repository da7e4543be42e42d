//! How much each client of a gateway may have kept: storing nodes see only the gateway, so it has to share out what it may
//! write among those who write through it.

use std::{collections::HashMap, net::IpAddr};

use corella_identity::Millis;
use corella_overlay::storing::Network;

/// How many writes a network may make in one go, and after how many milliseconds it may make one more.
const BURST: Millis = 500;
const REFILL: Millis = 20;
/// Most networks that are remembered.
const NETWORKS: usize = 4096;

/// For each network, when its bucket will be full again. A core.
#[derive(Debug, Default)]
pub(super) struct Ration(HashMap<Network, Millis>);

impl Ration {
    /// Whether a client may write now. Counts it if so.
    pub(super) fn admit(&mut self, client: IpAddr, now: Millis) -> bool {
        let network = Network::of(client);
        if self.0.len() >= NETWORKS && !self.0.contains_key(&network) {
            self.0.retain(|_, full_at| *full_at > now);
            if self.0.len() >= NETWORKS {
                // So many at once can only be one who has them all; whoever is forgotten begins anew.
                self.0.clear();
            }
        }
        let full_at = self.0.entry(network).or_insert(now);
        // A clock that was set back would otherwise lock the network out.
        *full_at = (*full_at).clamp(now, now + BURST * REFILL);
        if *full_at + REFILL > now + BURST * REFILL {
            return false;
        }
        *full_at += REFILL;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_part_and_no_more() {
        let mut ration = Ration::default();
        let client = |number: u8| IpAddr::from([198, 51, 100, number]);
        let admitted = (0..2000).filter(|n| ration.admit(client((n % 250) as u8), 0)).count();
        assert_eq!(admitted, 500);
        assert!(ration.admit([203, 0, 113, 1].into(), 0));
        assert!(!ration.admit(client(1), REFILL - 1));
        assert!(ration.admit(client(1), REFILL));
        // Many networks do not take all the memory, nor lock others out.
        for number in 0..10_000_u32 {
            ration.admit(IpAddr::from([10, (number >> 8) as u8, number as u8, 1]), REFILL);
        }
        assert!(ration.0.len() <= NETWORKS);
        assert!(ration.admit([203, 0, 113, 1].into(), REFILL));
    }
}
