//! `cargo xtask test`: every part, one after the other; a failure does not keep the rest from telling.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::apt;
use crate::parts::Part;
use crate::place::Place;
use crate::step::{Failure, seconds};

/// Published test files that the tests read when they are there (see CONTRIBUTING.md).
const DATA_SETS: [&str; 2] = ["rfc4475-sipx", "records"];

/// What became of a part.
struct Outcome {
    part: Part,
    passed: bool,
    took: Duration,
}

/// Runs the wanted parts (all when `only` is empty) and sums up.
pub(crate) fn test(place: &Place, long: bool, only: &[Part]) -> Result<ExitCode, Failure> {
    let wanted: Vec<Part> = Part::ALL
        .into_iter()
        .filter(|part| only.is_empty() || only.contains(part))
        .collect();
    let needs: Vec<_> = wanted.iter().flat_map(|part| part.needs()).collect();
    apt::provide(place, &needs)?;
    let data = test_data();
    println!("{data}");
    let outcomes: Vec<Outcome> = wanted.into_iter().map(|part| carry_out(place, part, long)).collect();
    println!("\n{data}");
    let (summary, failed) = sum_up(&outcomes);
    println!("{summary}");
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn carry_out(place: &Place, part: Part, long: bool) -> Outcome {
    println!("\n== {} ==", part.name());
    let begun = Instant::now();
    let result = part.run(place, long);
    let took = begun.elapsed();
    if let Err(failure) = &result {
        println!("{}: {failure}", part.name());
    }
    println!(
        "== {} {} after {} ==",
        part.name(),
        verdict(result.is_ok()),
        seconds(took)
    );
    Outcome {
        part,
        passed: result.is_ok(),
        took,
    }
}

fn verdict(passed: bool) -> &'static str {
    if passed { "passed" } else { "FAILED" }
}

/// A line a part, the whole time, and the line `N passed, M failed` last; and how many failed.
fn sum_up(outcomes: &[Outcome]) -> (String, usize) {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    let mut lines: Vec<String> = outcomes
        .iter()
        .map(|outcome| {
            format!(
                "{:12} {} {:>9}",
                outcome.part.name(),
                verdict(outcome.passed),
                seconds(outcome.took)
            )
        })
        .collect();
    let whole: Duration = outcomes.iter().map(|outcome| outcome.took).sum();
    lines.push(format!("{:19} {:>9}", "all parts", seconds(whole)));
    lines.push(format!("{} passed, {failed} failed", outcomes.len() - failed));
    (lines.join("\n"), failed)
}

/// Which published test data this run reads.
fn test_data() -> String {
    let Some(folder) = std::env::var_os("CORELLA_TEST_DATA").map(PathBuf::from) else {
        return "test data: the project's own messages only (CORELLA_TEST_DATA is not set)".to_owned();
    };
    let (found, absent): (Vec<_>, Vec<_>) = DATA_SETS.into_iter().partition(|name| folder.join(name).is_dir());
    let mut line = format!("test data: {} from CORELLA_TEST_DATA", found.join(", "));
    if !absent.is_empty() {
        line += &format!("; not there: {}", absent.join(", "));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_parts() {
        let outcome = |part, passed| Outcome {
            part,
            passed,
            took: Duration::from_millis(1500),
        };
        let (summary, failed) = sum_up(&[outcome(Part::Rust, true), outcome(Part::System, false)]);
        assert_eq!(failed, 1);
        assert_eq!(summary.lines().last(), Some("1 passed, 1 failed"));
        assert!(summary.contains("rust         passed"), "{summary}");
        assert!(summary.contains("system       FAILED"), "{summary}");
    }
}
