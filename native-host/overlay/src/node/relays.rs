//! Relays for a device that cannot be reached: which ones, and when to ask. A core.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::PeerId;
use libp2p::core::transport::ListenerId;
use tokio::time::Instant;

/// How many relays are used at a time.
const RELAYS: usize = 2;
/// How long a device waits for the proof that it can be reached directly.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long after a relay declined, or was lost, it is asked again.
const PAUSE: Duration = Duration::from_secs(60);

/// The relays in use, and those that are left alone for a while.
#[derive(Debug, Default)]
pub(super) struct Relays {
    listening: HashMap<ListenerId, PeerId>,
    paused: HashMap<PeerId, Instant>,
    unproven_since: Option<Instant>,
}

impl Relays {
    /// The relays to listen through now, in addition to those in use. `reachable`: it is proven that others reach us, or
    /// everybody is on our own network.
    pub(super) fn wanted(&mut self, reachable: bool, available: &[PeerId], now: Instant) -> Vec<PeerId> {
        if reachable {
            self.unproven_since = None;
            return Vec::new();
        }
        let since = *self.unproven_since.get_or_insert(now);
        if now < since + PATIENCE {
            return Vec::new();
        }
        self.paused.retain(|_, until| *until > now);
        let is_free =
            |relay: &&PeerId| !self.paused.contains_key(relay) && !self.listening.values().any(|used| used == *relay);
        let count = RELAYS.saturating_sub(self.listening.len());
        available.iter().filter(is_free).take(count).copied().collect()
    }

    /// A listener through a relay was begun.
    pub(super) fn listening(&mut self, listener: ListenerId, relay: PeerId) {
        self.listening.insert(listener, relay);
    }

    /// A relay could not be asked at all.
    pub(super) fn failed(&mut self, relay: PeerId, now: Instant) {
        self.paused.insert(relay, now + PAUSE);
    }

    /// A listener has ended. Nothing happens if it was not through a relay.
    pub(super) fn closed(&mut self, listener: ListenerId, now: Instant) {
        if let Some(relay) = self.listening.remove(&listener) {
            self.failed(relay, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_relays_are_used_once_it_is_clear_that_nobody_reaches_us() {
        let available: Vec<PeerId> = (0..3).map(|_| PeerId::random()).collect();
        let begin = Instant::now();
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        let mut relays = Relays::default();
        assert!(relays.wanted(true, &available, at(0)).is_empty());
        assert!(relays.wanted(false, &available, at(1)).is_empty());
        assert!(relays.wanted(false, &available, at(10)).is_empty());
        let wanted = relays.wanted(false, &available, at(11));
        assert_eq!(wanted, available[..2]);
        let listeners: Vec<ListenerId> = wanted.iter().map(|_| ListenerId::next()).collect();
        for (listener, relay) in listeners.iter().zip(&wanted) {
            relays.listening(*listener, *relay);
        }
        assert!(relays.wanted(false, &available, at(12)).is_empty());
        // One is lost: the third takes its place, and the lost one is left alone for a while.
        relays.closed(listeners[0], at(20));
        assert_eq!(relays.wanted(false, &available, at(20)), available[2..]);
        relays.failed(available[2], at(20));
        assert!(relays.wanted(false, &available, at(79)).is_empty());
        assert_eq!(relays.wanted(false, &available, at(81)).len(), 1);
        assert!(relays.wanted(true, &available, at(90)).is_empty());
        assert!(relays.wanted(false, &available, at(91)).is_empty());
    }

    #[test]
    fn the_end_of_another_listener_means_nothing() {
        let mut relays = Relays::default();
        relays.closed(ListenerId::next(), Instant::now());
        assert!(relays.paused.is_empty());
    }
}
