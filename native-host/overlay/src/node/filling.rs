//! Whether the routing table knows whom there is to know. A core.
//!
//! It does once nodes at all distances were looked up. Where that takes too long, on a busy machine or with many dead nodes, it
//! is done again after a pause: until it succeeds each question needs a look-up. The pauses grow, since looking up nodes at
//! all distances is itself much work for everybody.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_secs(20);
/// How often they grow. The routing protocol tries every five minutes in any case.
const DOUBLINGS: u32 = 4;

/// What came of filling the routing table so far.
#[derive(Debug, Default)]
pub(super) struct Filling {
    is_full: bool,
    failures: u32,
    again: Option<Instant>,
}

impl Filling {
    /// Nodes at all distances were looked up, or not all of them in time.
    pub(super) fn ended(&mut self, in_time: bool, now: Instant) {
        self.is_full |= in_time;
        self.again = (!self.is_full).then(|| now + PAUSE * (1 << self.failures.min(DOUBLINGS)));
        self.failures += u32::from(!in_time);
    }

    /// Whether it succeeded once: the table has been kept up since.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether it is to be done again now. Says so once.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        self.again.take_if(|at| now >= *at).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_done_again_ever_more_seldom() {
        let mut now = Instant::now();
        let mut filling = Filling::default();
        assert!(!filling.is_due(now) && !filling.is_full());
        for pause in [20, 40, 80, 160, 320, 320] {
            filling.ended(false, now);
            assert!(!filling.is_due(now + Duration::from_secs(pause - 1)));
            now += Duration::from_secs(pause);
            assert!(filling.is_due(now) && !filling.is_due(now));
        }
        assert!(!filling.is_full());
        filling.ended(true, now);
        assert!(filling.is_full() && !filling.is_due(now + Duration::from_secs(1000)));
    }

    #[test]
    fn one_success_is_enough() {
        let now = Instant::now();
        let mut filling = Filling::default();
        filling.ended(true, now);
        filling.ended(false, now);
        assert!(filling.is_full() && !filling.is_due(now + Duration::from_secs(1000)));
    }
}
