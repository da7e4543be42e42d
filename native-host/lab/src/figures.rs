//! Times and shares, and how they are written.

use std::time::Duration;

/// Times of one kind of operation.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// One more.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time below which that share of them lies, in milliseconds.
    pub fn percentile(&self, percentage: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percentage / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }

    /// The median in milliseconds.
    pub fn p50(&self) -> f64 {
        self.percentile(50)
    }

    /// All but the slowest hundredth, in milliseconds.
    pub fn p99(&self) -> f64 {
        self.percentile(99)
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

/// A share in per cent; all of nothing is everything.
pub fn share(part: usize, all: usize) -> f64 {
    if all == 0 {
        100.0
    } else {
        100.0 * part as f64 / all as f64
    }
}

/// How much memory this process or another one has for itself alone, in megabytes; `None` where the system does not tell.
pub fn memory(process: Option<u32>) -> Option<f64> {
    let process = process.map_or("self".to_owned(), |id| id.to_string());
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    Some(mebibytes(&text, "Private_Clean:")? + mebibytes(&text, "Private_Dirty:")?)
}

/// What of a process is in memory, in MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resident {
    /// All of it, with the pages of the program and its libraries, which processes share.
    pub all: f64,
    /// What is of no file: heap and stacks.
    pub anonymous: f64,
}

/// What of a process is in memory; `None` where the system does not tell.
pub fn resident(process: u32) -> Option<Resident> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    Some(Resident {
        all: mebibytes(&text, "Rss:")?,
        anonymous: mebibytes(&text, "Anonymous:")?,
    })
}

/// A line's figure, which is in KiB.
fn mebibytes(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times: Times = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!((times.p50(), times.p99(), times.count()), (51.0, 100.0, 100));
        assert!(Times::default().p50().is_nan());
        assert_eq!((share(1, 4), share(0, 0)), (25.0, 100.0));
    }
}
