//! The clock of the host, and the user's days.

use std::{
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use chrono::{Local, NaiveDate, TimeZone};
use corella_identity::Millis;
use corella_transcripts::Date;

/// The last reading of [`steady`], by both clocks.
static LAST: LazyLock<Mutex<(Instant, Millis)>> = LazyLock::new(|| Mutex::new((Instant::now(), now())));

/// Now, as the system's clock has it: milliseconds since the Unix epoch.
pub(crate) fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// Now, but never going back: a clock that is set back, or a machine that slept, does not upset timers.
pub(crate) fn steady() -> Millis {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let instant = Instant::now();
    let reading = now().max(last.1 + millis(instant - last.0));
    *last = (instant, reading);
    reading
}

/// When [`steady`] will reach `at`.
pub(crate) fn instant(at: Millis) -> Instant {
    Instant::now() + Duration::from_millis(u64::try_from(at.saturating_sub(steady())).unwrap_or(0))
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// The first millisecond of a day in the user's time zone.
pub(crate) fn day_begins(date: Date) -> Millis {
    let day = NaiveDate::from_ymd_opt(date.year, date.month.into(), date.day.into()).unwrap_or_default();
    // Where clocks are put forward at midnight the day begins an hour later.
    (0..3)
        .find_map(|hour| Local.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?).earliest())
        .map_or_else(
            || day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis(),
            |begin| begin.timestamp_millis(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_about_a_days_length() {
        let begins = |day| {
            day_begins(Date {
                year: 2026,
                month: 11,
                day,
            })
        };
        assert!((22..=26).contains(&((begins(23) - begins(22)) / 3_600_000)));
    }

    #[test]
    fn steady_time_meets_its_instants_and_never_goes_back() {
        let at = steady() + 1_000;
        let wait = instant(at).saturating_duration_since(Instant::now()).as_millis();
        assert!((900..=1_001).contains(&wait), "{wait}");
        assert!(instant(Millis::MIN) <= Instant::now() + Duration::from_millis(1));
        assert!(steady() >= at - 1_000);
    }
}
