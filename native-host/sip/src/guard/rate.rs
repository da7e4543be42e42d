//! How much one peer may ask of us: a token bucket per link, without a clock of its own.

use std::time::{Duration, Instant};

/// The limit of a link. One request or stray response costs one token, as do keep-alives that come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens in a full bucket: what may come at once.
    pub burst: u32,
    /// Tokens that come back each second. 0 counts as 1: a link that may never speak again is closed instead.
    pub per_second: u32,
}

impl Rate {
    /// For peers the user has consented to: twice the speed that is aimed at, 2,000 messages a second.
    pub const KNOWN: Self = Self {
        burst: 4_000,
        per_second: 4_000,
    };
    /// For everyone else: room for a few requests, none for a flood.
    pub const STRANGER: Self = Self {
        burst: 100,
        per_second: 10,
    };
}

/// A bucket of tokens.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    rate: Rate,
    /// In millionths of a token. Negative while the peer owes.
    level: i128,
    at: Instant,
}

const TOKEN: i128 = 1_000_000;

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            level: i128::from(rate.burst) * TOKEN,
            at: now,
        }
    }

    /// Changes the limit, from now on. What was used up stays so.
    pub fn set_rate(&mut self, rate: Rate, now: Instant) {
        self.refill(now);
        // A raised limit helps at once, by as much as the bucket grew.
        let growth = (i128::from(rate.burst) - i128::from(self.rate.burst)).max(0) * TOKEN;
        self.level = (self.level + growth).min(i128::from(rate.burst) * TOKEN);
        self.rate = rate;
    }

    /// Takes one token and says how long to wait before the next thing is read from the peer: zero while there
    /// are tokens. A caller that waits as told lets the peer owe one token at most.
    pub fn take(&mut self, now: Instant) -> Duration {
        self.refill(now);
        self.level -= TOKEN;
        let owed = u128::try_from(-self.level).unwrap_or(0);
        let nanos = (owed * 1_000).div_ceil(u128::from(self.rate.per_second.max(1)));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_micros();
        let came = i128::try_from(passed)
            .unwrap_or(i128::MAX / TOKEN)
            .saturating_mul(i128::from(self.rate.per_second.max(1)));
        if came > 0 {
            self.at = now;
            self.level = self.level.saturating_add(came).min(i128::from(self.rate.burst) * TOKEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as fast as allowed for `seconds` and counts.
    fn flood(bucket: &mut TokenBucket, start: Instant, seconds: u64) -> u64 {
        let (mut now, mut count) = (start, 0);
        while now < start + Duration::from_secs(seconds) {
            now += bucket.take(now).max(Duration::from_micros(1));
            count += 1;
        }
        count
    }

    #[test]
    fn a_flood_gets_the_burst_and_then_the_rate() {
        let start = Instant::now();
        let sent = flood(&mut TokenBucket::new(Rate::STRANGER, start), start, 10);
        assert!((199..=201).contains(&sent), "{sent}");
        let sent = flood(&mut TokenBucket::new(Rate::KNOWN, start), start, 2);
        assert!((11_990..=12_010).contains(&sent), "{sent}");
    }

    #[test]
    fn within_the_limit_nobody_waits() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(
            Rate {
                burst: 5,
                per_second: 10,
            },
            start,
        );
        for second in 0..100 {
            for _ in 0..5 {
                assert_eq!(bucket.take(start + Duration::from_secs(second)), Duration::ZERO);
            }
        }
    }

    #[test]
    fn time_that_stands_still_or_goes_back_gives_nothing() {
        let start = Instant::now() + Duration::from_secs(60);
        let mut bucket = TokenBucket::new(
            Rate {
                burst: 1,
                per_second: 1,
            },
            start,
        );
        assert_eq!(bucket.take(start), Duration::ZERO);
        assert_eq!(bucket.take(start - Duration::from_secs(5)), Duration::from_secs(1));
    }

    #[test]
    fn consent_raises_the_limit_at_once() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(Rate::STRANGER, start);
        for _ in 0..101 {
            bucket.take(start);
        }
        assert!(bucket.take(start) > Duration::ZERO);
        bucket.set_rate(Rate::KNOWN, start);
        assert_eq!(bucket.take(start), Duration::ZERO);
        bucket.set_rate(
            Rate {
                burst: 0,
                per_second: 0,
            },
            start,
        );
        assert_eq!(bucket.take(start), Duration::from_secs(1), "a rate of 0 counts as 1");
    }
}
