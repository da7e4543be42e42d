//! Times of expiry: xsd:dateTime in UTC with whole seconds, `2026-11-22T10:00:00Z`, as signed records have them.

use chrono::{DateTime, NaiveDateTime};

const FORM: &str = "%Y-%m-%dT%H:%M:%SZ";
/// The last moment that has four digits for the year.
const LATEST: i64 = 253_402_300_799_000;

/// The text of a moment in Unix milliseconds, in whole seconds. Before 1970 and after 9999 it is the nearest of these.
pub(super) fn format(millis: i64) -> String {
    let moment = DateTime::from_timestamp_millis(millis.clamp(0, LATEST)).unwrap_or_default();
    moment.format(FORM).to_string()
}

/// Reads what [`fn@format`] writes, and no other spelling.
pub(super) fn parse(text: &str) -> Option<i64> {
    let moment = NaiveDateTime::parse_from_str(text, FORM)
        .ok()?
        .and_utc()
        .timestamp_millis();
    ((0..=LATEST).contains(&moment) && format(moment) == text).then_some(moment)
}
