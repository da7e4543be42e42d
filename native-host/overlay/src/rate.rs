//! How much each of many may ask. A core.

use std::collections::HashMap;
use std::hash::Hash;

use corella_identity::Millis;

/// Most askers remembered. One that is forgotten begins anew.
const ASKERS: usize = 4096;

/// A bucket for each asker. It is measured in milliseconds of the asker's time:
/// whatever is asked takes some, and they come back as time goes by.
#[derive(Debug)]
pub struct Rates<K> {
    /// What may be taken in one go.
    burst: Millis,
    /// How many times as fast as time goes by it comes back.
    speed: Millis,
    /// For each asker, the moment at which its bucket will be full again.
    full_at: HashMap<K, Millis>,
}

impl<K: Eq + Hash> Rates<K> {
    /// Full buckets of this size.
    pub fn new(burst: Millis) -> Self {
        Self::of_many(burst, 1)
    }

    /// The same for groups, of which each may ask as much as so many askers.
    pub fn of_many(burst: Millis, askers: Millis) -> Self {
        Self {
            burst,
            speed: askers,
            full_at: HashMap::new(),
        }
    }

    /// Whether an asker may ask for something that takes `cost` now. Counts it if so.
    pub fn admit(&mut self, asker: K, cost: Millis, now: Millis) -> bool {
        if self.full_at.len() >= ASKERS && !self.full_at.contains_key(&asker) {
            let now = now.saturating_mul(self.speed);
            self.full_at.retain(|_, full_at| *full_at > now);
            if self.full_at.len() >= ASKERS {
                self.full_at.clear();
            }
        }
        // In the group's time, which goes by faster.
        let now = now.saturating_mul(self.speed);
        let burst = self.burst * self.speed;
        let full_at = self.full_at.entry(asker).or_insert(now);
        // A clock that was set back would otherwise lock the asker out.
        *full_at = (*full_at).clamp(now, now + burst);
        if *full_at + cost > now + burst {
            return false;
        }
        *full_at += cost;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    #[test]
    fn an_asker_has_its_rate_and_no_more() {
        let mut rates = Rates::new(2000);
        let admitted = (0..9000).filter(|_| rates.admit("one", 1, NOW)).count();
        assert_eq!(admitted, 2000);
        let admitted = (0..9000).filter(|_| rates.admit("other", 4, NOW)).count();
        assert_eq!(admitted, 500);
        assert!(!rates.admit("one", 1, NOW));
        assert!(!rates.admit("other", 4, NOW + 3));
        assert!(rates.admit("one", 1, NOW + 1));
        let second_later = (0..9000).filter(|_| rates.admit("one", 1, NOW + 1001)).count();
        assert_eq!(second_later, 1000);
        let set_back = NOW - 3_600_000;
        rates.admit("one", 1, set_back);
        assert!(rates.admit("one", 1, set_back + 1));
    }

    #[test]
    fn a_group_has_the_rate_of_so_many() {
        let mut rates = Rates::of_many(2000, 8);
        let mut admitted = |now| (0..90_000).filter(|_| rates.admit("all", 1, now)).count();
        assert_eq!(admitted(NOW), 16_000);
        assert_eq!(admitted(NOW + 1000), 8000);
    }

    #[test]
    fn many_askers_do_not_take_all_the_memory() {
        let mut rates = Rates::new(2000);
        for asker in 0..ASKERS + 10 {
            assert!(rates.admit(asker, 1, NOW));
        }
        assert!(rates.full_at.len() <= ASKERS);
    }
}
