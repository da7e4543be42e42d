//! When to look for a peer that no link stands to: at once, then ever more rarely.

use corella_identity::Millis;

/// Waits between attempts, in milliseconds; the last one repeats.
const WAITS: [Millis; 8] = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000, 120_000];
/// However often the network changes, one peer is not looked for more often than this.
const CALM: Millis = 2_000;

/// A link that stood so long was a success, whatever came of it.
const LASTING: Millis = 30_000;

/// Where the search for one peer stands.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    phase: Phase,
    failures: usize,
    up_since: Option<Millis>,
    last_try: Option<Millis>,
}

#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
enum Phase {
    /// To be looked for at that time, if a link is wanted then.
    #[default]
    Unasked,
    Waiting(Millis),
    Locating,
    Connecting,
}

impl Reach {
    /// The user or the network gives a reason to look now.
    pub(crate) fn at_once(&mut self, now: Millis) {
        if !self.busy() {
            self.phase = Phase::Waiting(now);
            self.failures = 0;
        }
    }

    /// The network changed: look soon, but not in a rush.
    pub(crate) fn soon(&mut self, now: Millis) {
        if let Phase::Waiting(until) = self.phase {
            let calm = self.last_try.map_or(now, |t| (t + CALM).max(now));
            self.phase = Phase::Waiting(until.min(calm));
        }
    }

    /// Whether an attempt is due; if so it has begun.
    pub(crate) fn begin(&mut self, now: Millis) -> bool {
        let due = match self.phase {
            Phase::Unasked => true,
            Phase::Waiting(until) => until <= now,
            Phase::Locating | Phase::Connecting => false,
        };
        if due {
            self.phase = Phase::Locating;
            self.last_try = Some(now);
        }
        due
    }

    /// The peer's records are here and its devices are being called.
    pub(crate) fn connecting(&mut self) {
        self.phase = Phase::Connecting;
    }

    /// The attempt came to nothing.
    pub(crate) fn failed(&mut self, now: Millis) {
        let wait = WAITS[self.failures.min(WAITS.len() - 1)];
        self.failures += 1;
        self.phase = Phase::Waiting(now + wait);
    }

    /// The call was answered by somebody who is not heard now.
    pub(crate) fn refused(&mut self, now: Millis) {
        if self.phase == Phase::Connecting {
            self.failed(now);
        }
    }

    /// A link stands.
    pub(crate) fn succeeded(&mut self, now: Millis) {
        self.phase = Phase::Unasked;
        self.up_since = Some(now);
    }

    /// The last link broke: the peer may be restarting, so look again shortly. A peer that closes link after link is
    /// called ever more rarely.
    pub(crate) fn lost(&mut self, now: Millis) {
        if self.up_since.take().is_some_and(|since| now - since >= LASTING) {
            self.failures = 0;
        }
        if !self.busy() {
            self.failed(now);
        }
    }

    /// When an attempt is due, if none is under way.
    pub(crate) fn due(&self) -> Option<Millis> {
        match self.phase {
            Phase::Unasked => Some(Millis::MIN),
            Phase::Waiting(until) => Some(until),
            Phase::Locating | Phase::Connecting => None,
        }
    }

    fn busy(&self) -> bool {
        matches!(self.phase, Phase::Locating | Phase::Connecting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_at_the_longest() {
        let mut reach = Reach::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..10 {
            assert!(reach.begin(now));
            assert!(!reach.begin(now), "an attempt is under way");
            reach.failed(now);
            let due = reach.due().unwrap();
            waits.push(due - now);
            assert!(!reach.begin(due - 1));
            now = due;
        }
        assert_eq!(waits[..3], [1_000, 2_000, 4_000]);
        assert_eq!(waits[8..], [120_000, 120_000]);
    }

    #[test]
    fn a_peer_that_closes_every_link_is_called_ever_more_rarely() {
        let mut reach = Reach::default();
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..4 {
            reach.begin(now);
            reach.succeeded(now);
            reach.lost(now + 5);
            waits.push(reach.due().unwrap() - now - 5);
            now = reach.due().unwrap();
        }
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000]);
        reach.begin(now);
        reach.succeeded(now);
        reach.lost(now + LASTING);
        assert_eq!(reach.due().unwrap() - now - LASTING, 1_000);
    }

    #[test]
    fn a_changed_network_hastens_but_never_rushes() {
        let mut reach = Reach::default();
        for _ in 0..8 {
            reach.begin(0);
            reach.failed(0);
        }
        reach.soon(500);
        assert_eq!(reach.due(), Some(CALM));
        assert!(reach.begin(CALM));
        reach.failed(CALM);
        reach.soon(CALM + 10_000);
        assert_eq!(reach.due(), Some(CALM + 10_000));
    }
}
