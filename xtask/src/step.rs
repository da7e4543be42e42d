//! Steps with plain progress lines, and the commands they run.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::files;

/// How often a silent step says that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How much of a failed command's log is shown.
const SHOWN_LINES: usize = 20;

/// Why a command stopped: what failed, and what to do.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure in words.
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Seconds as the progress lines show them.
pub(crate) fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}

/// Does `work` as the step `what`: a line when it begins, a line now and then, a line with the seconds when it is done.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    println!("> {what}");
    let begun = Instant::now();
    let (done, waiting) = mpsc::channel::<()>();
    let heart = thread::spawn(move || {
        while waiting.recv_timeout(HEARTBEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
            println!("  at work for {:.0} s", begun.elapsed().as_secs_f64());
        }
    });
    let result = work();
    drop(done);
    // The thread only sleeps and prints; it cannot fail in a way that matters here.
    let _ = heart.join();
    println!(
        "  {} after {}",
        if result.is_ok() { "done" } else { "failed" },
        seconds(begun.elapsed())
    );
    result
}

/// Runs a command whose output goes to `log`; a failure shows the end of it.
pub(crate) fn quietly(command: &mut Command, log: &Path) -> Result<(), Failure> {
    if let Some(folder) = log.parent() {
        files::make_folder(folder)?;
    }
    let file = File::options().create(true).append(true).open(log);
    let file = file.map_err(files::failed("open", log))?;
    let copy = file.try_clone().map_err(files::failed("open", log))?;
    command.stdin(Stdio::null()).stdout(copy).stderr(file);
    let status = command
        .status()
        .map_err(|error| Failure::new(format!("{}: {error}", named(command))))?;
    if status.success() {
        return Ok(());
    }
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n  ");
    Err(Failure::new(format!(
        "{} ended with {status}:\n  {end}\n(all of it: {})",
        named(command),
        log.display()
    )))
}

/// Runs a command that speaks for itself on this terminal.
pub(crate) fn visibly(command: &mut Command) -> Result<(), Failure> {
    let status = command
        .status()
        .map_err(|error| Failure::new(format!("{}: {error}", named(command))))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{} ended with {status}", named(command))))
    }
}

/// The command's program and first arguments, for messages.
pub(crate) fn named(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .take(3)
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failed_command_shows_the_end_of_its_log() {
        let log = std::env::temp_dir().join(format!("xtask-step-{}.log", std::process::id()));
        let failure = quietly(&mut shell("echo begun; echo the reason >&2; exit 3"), &log).expect_err("exit 3");
        assert!(failure.to_string().contains("the reason"), "{failure}");
        std::fs::remove_file(log).expect("the log was written");
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = visibly(&mut Command::new("no-such-program-here")).expect_err("it does not exist");
        assert!(failure.to_string().contains("no-such-program-here"), "{failure}");
    }
}
