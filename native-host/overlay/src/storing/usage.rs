//! Who uses how much of a node. A core.

use std::collections::HashMap;

use super::class::Class;
use super::network::Network;

/// The bytes that are in use, by class and network.
#[derive(Debug, Default)]
pub(super) struct Usage {
    by_network: HashMap<(Class, Network), u64>,
    by_class: HashMap<Class, u64>,
}

impl Usage {
    pub(super) fn add(&mut self, class: Class, network: Network, cost: u64) {
        *self.by_network.entry((class, network)).or_default() += cost;
        *self.by_class.entry(class).or_default() += cost;
    }

    pub(super) fn remove(&mut self, class: Class, network: Network, cost: u64) {
        if let Some(used) = self.by_network.get_mut(&(class, network)) {
            *used = used.saturating_sub(cost);
            if *used == 0 {
                self.by_network.remove(&(class, network));
            }
        }
        if let Some(used) = self.by_class.get_mut(&class) {
            *used = used.saturating_sub(cost);
        }
    }

    /// What a class uses.
    pub(super) fn of(&self, class: Class) -> u64 {
        self.by_class.get(&class).copied().unwrap_or_default()
    }

    /// What everybody uses.
    pub(super) fn all(&self) -> u64 {
        self.by_class.values().sum()
    }

    /// The network that has to give way when somebody of `network` wants `cost` more in a full class: the one that uses
    /// most, if that is more than theirs would be. This device's own records never give way.
    pub(super) fn who_gives_way(&self, class: Class, network: Network, cost: u64) -> Option<Network> {
        fattest(
            self.by_network
                .iter()
                .filter(|((of, _), _)| *of == class)
                .map(|((_, network), used)| (*network, *used)),
            network,
            cost,
        )
    }
}

/// The rule of [`Usage::who_gives_way`] for any shares.
pub(super) fn fattest(
    shares: impl Iterator<Item = (Network, u64)> + Clone,
    network: Network,
    cost: u64,
) -> Option<Network> {
    let own: u64 = shares
        .clone()
        .filter(|(of, _)| *of == network)
        .map(|(_, used)| used)
        .sum();
    let (fattest, used) = shares
        .filter(|(of, _)| *of != Network::OWN)
        .max_by_key(|(of, used)| (*used, *of))?;
    (fattest != network && used > own + cost).then_some(fattest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(number: u8) -> Network {
        Network::of([10, 0, number, 1].into())
    }

    #[test]
    fn the_largest_gives_way_to_the_smallest_and_not_the_other_way() {
        let mut usage = Usage::default();
        let class = Class::SelfSigned;
        usage.add(class, network(1), 5000);
        usage.add(class, network(2), 1000);
        usage.add(class, Network::OWN, 9000);
        usage.add(Class::Certified, network(3), 90_000);
        assert_eq!(usage.who_gives_way(class, network(9), 500), Some(network(1)));
        assert_eq!(usage.who_gives_way(class, network(2), 500), Some(network(1)));
        assert_eq!(usage.who_gives_way(class, network(2), 4000), None);
        assert_eq!(usage.who_gives_way(class, network(1), 1), None);
        assert_eq!((usage.of(class), usage.all()), (15_000, 105_000));
        usage.remove(class, network(1), 5000);
        assert_eq!(usage.who_gives_way(class, network(9), 500), Some(network(2)));
    }

    proptest! {
        /// However a crowd writes, whoever uses less than an equal part of a class is not pushed out.
        #[test]
        fn an_equal_part_is_safe(writes in prop::collection::vec((0..6_u8, 100..2000_u64), 1..200)) {
            const ROOM: u64 = 12_000;
            let class = Class::SelfSigned;
            let mut usage = Usage::default();
            let mut used = std::collections::BTreeMap::<u8, u64>::new();
            for (number, cost) in writes {
                let mut refused = false;
                while usage.of(class) + cost > ROOM {
                    let Some(loser) = usage.who_gives_way(class, network(number), cost) else {
                        refused = true;
                        break;
                    };
                    let loser = (0..6).find(|number| network(*number) == loser).unwrap();
                    let before = used[&loser];
                    prop_assert!(before > ROOM / 6, "{before} of {ROOM}");
                    // All of its records are of one size here.
                    let gone = 100.min(before);
                    usage.remove(class, network(loser), gone);
                    used.insert(loser, before - gone);
                }
                if !refused {
                    usage.add(class, network(number), cost);
                    *used.entry(number).or_default() += cost;
                }
                prop_assert!(usage.of(class) <= ROOM);
            }
        }
    }
}
