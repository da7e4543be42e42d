//! When own records are put again. A core: times come in.
//!
//! Records are refreshed long before they expire; soon after this device's addresses changed; and soon after nodes came
//! that may have to keep them. Nodes come in bursts, so such puts are gathered; but a device that was alone until now is
//! found by the first that comes within moments.

use corella_identity::Millis;

const SECOND: Millis = 1000;
/// How often records are put when nothing happens. They live three times as long.
pub(super) const REFRESH: Millis = 20 * 60 * SECOND;
/// How long changes of addresses are gathered: interfaces come and go in groups.
const SETTLING: Millis = 300;
/// How long arriving nodes are gathered.
const GATHERING: Millis = SECOND;
/// The least time between two puts because of arriving nodes.
const PAUSE: Millis = 3 * SECOND;
/// How soon a record goes to the first node that comes.
const AT_ONCE: Millis = 50;
/// When a put is tried again that reached nobody although others are there.
const RETRY: Millis = 10 * SECOND;

/// When the records of one address are put next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    due: Millis,
    last: Option<Millis>,
    /// No other node keeps the records.
    alone: bool,
}

impl Schedule {
    /// Due at once.
    pub(super) fn new(now: Millis) -> Self {
        Self {
            due: now,
            last: None,
            alone: true,
        }
    }

    /// When the next put is due.
    pub(super) fn due(&self) -> Millis {
        self.due
    }

    /// The device's addresses changed.
    pub(super) fn moved(&mut self, now: Millis) {
        self.due = self.due.min(now + SETTLING);
    }

    /// A node came that may have to keep the records.
    pub(super) fn joined(&mut self, now: Millis) {
        let soon = if self.alone {
            now + AT_ONCE
        } else {
            (now + GATHERING).max(self.last.map_or(now, |last| last + PAUSE))
        };
        self.due = self.due.min(soon);
    }

    /// The records must be put again at once: a node knows newer ones of this device.
    pub(super) fn outdated(&mut self, now: Millis) {
        self.due = now;
    }

    /// A put begins.
    pub(super) fn begins(&mut self, now: Millis) {
        self.last = Some(now);
        self.due = now + REFRESH;
    }

    /// A put has ended: how many other nodes keep the records, and whether there are others at all.
    pub(super) fn ended(&mut self, keepers: usize, others: bool, now: Millis) {
        self.alone = keepers == 0;
        if self.alone && others {
            self.due = self.due.min(now + RETRY);
        }
    }

    /// A clock that was set back must not put off the next put for long.
    pub(super) fn check_clock(&mut self, now: Millis) {
        self.due = self.due.min(now + REFRESH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_781_524_800_000;

    fn put(schedule: &mut Schedule, now: Millis, keepers: usize) {
        schedule.begins(now);
        schedule.ended(keepers, keepers > 0, now + 5);
    }

    #[test]
    fn records_are_refreshed() {
        let mut schedule = Schedule::new(NOW);
        assert_eq!(schedule.due(), NOW);
        put(&mut schedule, NOW, 3);
        assert_eq!(schedule.due(), NOW + REFRESH);
    }

    #[test]
    fn the_first_node_that_comes_gets_them_within_moments() {
        let mut schedule = Schedule::new(NOW);
        put(&mut schedule, NOW, 0);
        schedule.joined(NOW + 100);
        assert_eq!(schedule.due(), NOW + 150);
    }

    #[test]
    fn later_ones_are_gathered() {
        let mut schedule = Schedule::new(NOW);
        put(&mut schedule, NOW, 1);
        let later = NOW + 60_000;
        schedule.joined(later);
        schedule.joined(later + 900);
        assert_eq!(schedule.due(), later + 1000);
        put(&mut schedule, later + 1000, 3);
        schedule.joined(later + 1100);
        assert_eq!(schedule.due(), later + 1000 + PAUSE);
    }

    #[test]
    fn moving_is_told_soon_and_once() {
        let mut schedule = Schedule::new(NOW);
        put(&mut schedule, NOW, 3);
        schedule.moved(NOW + 1000);
        schedule.moved(NOW + 1200);
        assert_eq!(schedule.due(), NOW + 1300);
    }

    #[test]
    fn who_reaches_nobody_tries_again() {
        let mut schedule = Schedule::new(NOW);
        schedule.begins(NOW);
        schedule.ended(0, true, NOW + 4000);
        assert_eq!(schedule.due(), NOW + 14_000);
        // Alone in the network there is nobody to try.
        schedule.begins(NOW);
        schedule.ended(0, false, NOW + 5);
        assert_eq!(schedule.due(), NOW + REFRESH);
        schedule.outdated(NOW + 10);
        assert_eq!(schedule.due(), NOW + 10);
    }

    #[test]
    fn a_clock_set_back_does_not_stop_it() {
        let mut schedule = Schedule::new(NOW);
        put(&mut schedule, NOW, 3);
        schedule.check_clock(NOW - 24 * 60 * 60 * 1000);
        assert!(schedule.due() <= NOW);
    }
}
