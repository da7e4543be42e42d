//! How much anybody may ask, and how often one address is written to.

use corella_identity::Millis;
use serde::Deserialize;

const HOUR: Millis = 60 * 60 * 1000;
/// The longest pause between two letters. Somebody who asks while others flood their address waits so long at most, or twice as long
/// while more than 64 networks take part.
const LONGEST_PAUSE: Millis = HOUR;
/// After so long without a letter an address begins anew.
const FORGOTTEN: Millis = 24 * HOUR;

/// Limits, with the defaults of [`Limits::default`]. All are of one hour, or of what waits.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests of one network in an hour.
    pub per_network: u32,
    /// Requests in all in an hour.
    pub in_all: u32,
    /// Requests for one address that wait for its next letters, each of which takes 64.
    pub waiting_per_address: usize,
    /// Requests for one address from one network that wait for a letter or, for a day, for the answer to it.
    pub open_per_address_and_network: u32,
    /// The first pause between two letters to an address from which no answer came. Each is twice as long as the one before, up to an
    /// hour.
    pub first_pause_seconds: u32,
    /// The pause after a letter could not be sent; doubles as well.
    pub first_retry_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_network: 60,
            in_all: 100_000,
            waiting_per_address: 128,
            open_per_address_and_network: 4,
            first_pause_seconds: 300,
            first_retry_seconds: 60,
        }
    }
}

impl Limits {
    /// When the next letter with tokens may go to an address that got `letters` without an answer, the last at `last`.
    pub(crate) fn next_letter(&self, letters: u32, last: Millis, now: Millis) -> Millis {
        if letters == 0 || now >= last + FORGOTTEN {
            return now;
        }
        now.max(last + doubled(self.first_pause_seconds, letters))
    }

    /// When a letter is tried again that could not be sent so often.
    pub(crate) fn retry(&self, failures: u32, now: Millis) -> Millis {
        now + doubled(self.first_retry_seconds, failures)
    }
}

/// A pause that doubles each time.
fn doubled(first_seconds: u32, times: u32) -> Millis {
    ((Millis::from(first_seconds) * 1000) << times.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

/// Whether the letters before the last still count.
pub(crate) fn is_forgotten(last: Millis, now: Millis) -> bool {
    now >= last + FORGOTTEN
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60_000;

    #[test]
    fn letters_without_an_answer_become_rare_but_never_stop() {
        let limits = Limits::default();
        let mut now = 1_000_000_000_000;
        assert_eq!(limits.next_letter(0, 0, now), now);
        let (mut last, mut pauses) = (now, Vec::new());
        for letters in 1..8 {
            let next = limits.next_letter(letters, last, now);
            pauses.push((next - last) / MINUTE);
            (last, now) = (next, next);
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(limits.next_letter(u32::MAX, last, now), last + HOUR);
        assert_eq!(limits.next_letter(9, last, last + FORGOTTEN), last + FORGOTTEN);
    }

    #[test]
    fn what_could_not_be_sent_is_tried_ever_more_rarely() {
        let pauses: Vec<Millis> = [1, 2, 3, 6, 7, 60, u32::MAX]
            .map(|failures| Limits::default().retry(failures, 0) / MINUTE)
            .into();
        assert_eq!(pauses, [1, 2, 4, 32, 60, 60, 60]);
    }
}
