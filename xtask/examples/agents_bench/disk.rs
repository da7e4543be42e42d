//! What the machine itself takes: the disk's sync, and how much memory a process holds.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::figures::percentile;

const SYNCS: usize = 300;

/// The median time of one fsync after 4 KiB were appended, which is what a commit costs at least.
pub(crate) fn fsync_time(folder: &Path) -> Outcome<Duration> {
    let mut file = File::create(folder.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        file.write_all(&[7; 4096])?;
        let begun = Instant::now();
        file.sync_all()?;
        times.push(begun.elapsed());
    }
    Ok(percentile(&times, 50))
}

/// Resident and proportional memory of a process in MB (10^6 bytes).
pub(crate) fn memory(process: u32) -> Outcome<(f64, f64)> {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let value = |name: &str| {
        let line = rollup.lines().find(|line| line.starts_with(name));
        let kib = line
            .and_then(|line| line.split_whitespace().nth(1))
            .and_then(|number| number.parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0 / 1e6)
            .ok_or_else(|| format!("the system tells no {name}"))
    };
    Ok((value("Rss:")?, value("Pss:")?))
}
