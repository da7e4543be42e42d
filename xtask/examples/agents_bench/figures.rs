//! Percentiles, and how they are printed.

use std::time::Duration;

/// The value below which that percentage of the times lies; zero of none.
pub(crate) fn percentile(times: &[Duration], percentage: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percentage / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

/// Milliseconds with two digits.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
