//! Times in records: xsd:dateTime in UTC with whole seconds, `2026-11-22T10:00:00Z`, and no other spelling.

use chrono::{DateTime, NaiveDateTime};
use corella_identity::Millis;

const FORM: &str = "%Y-%m-%dT%H:%M:%SZ";
/// The last moment that has four digits for the year.
const LATEST: Millis = 253_402_300_799_000;

/// Whole seconds, rounded down, as a record can express them.
pub(super) fn whole_seconds(time: Millis) -> Millis {
    time.clamp(0, LATEST).div_euclid(1000) * 1000
}

/// The text of a moment between 1970 and 9999; others become the nearest of these.
pub(super) fn format(time: Millis) -> String {
    let time = DateTime::from_timestamp_millis(whole_seconds(time)).unwrap_or_default();
    time.format(FORM).to_string()
}

/// Reads what [`fn@format`] writes.
pub(super) fn parse(text: &str) -> Option<Millis> {
    let time = NaiveDateTime::parse_from_str(text, FORM)
        .ok()?
        .and_utc()
        .timestamp_millis();
    ((0..=LATEST).contains(&time) && format(time) == text).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn there_is_one_spelling() {
        assert_eq!(parse("2026-11-22T10:00:00Z"), Some(1_795_341_600_000));
        assert_eq!(format(1_795_341_600_999), "2026-11-22T10:00:00Z");
        for other in [
            "2026-11-22T10:00:00.000Z",
            "2026-11-22T10:00:00+00:00",
            "2026-11-22T10:00:00",
            "2026-11-22 10:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:00:60Z",
            "2026-11-31T10:00:00Z",
            "+2026-11-22T10:00:00Z",
            "12026-11-22T10:00:00Z",
            "1969-12-31T23:59:59Z",
            " 2026-11-22T10:00:00Z",
            "",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_second_survives(time in 0..=LATEST / 1000) {
            prop_assert_eq!(parse(&format(time * 1000)), Some(time * 1000));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*|[0-9]{0,9}-[0-9]{0,9}-[0-9]{1,3}T[0-9:]{5,9}Z") {
            let _ = parse(&text);
        }
    }
}
