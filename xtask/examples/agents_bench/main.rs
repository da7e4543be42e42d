//! Measures agents as their users meet them: `agents_bench CORELLA FOLDER`. Each is the real program with its own data
//! below FOLDER; everything stays on loopback. Prints tables with ratios; nothing passes or fails.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod agent;
mod disk;
mod figures;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use agent::Agent;
use figures::{milliseconds, percentile};

/// A failure in words.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const ALICE: &str = "alice@example.net";
const BOB: &str = "bob@example.net";
/// Messages one after the other, for the time a message takes.
const ONE_BY_ONE: usize = 500;
/// Messages with so many on their way at once, for the rate.
const MANY: usize = 10_000;
const IN_FLIGHT: usize = 64;
const STARTS: usize = 10;
/// How long an agent is left alone before its memory is looked at.
const IDLE: Duration = Duration::from_secs(10);

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(corella), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: agents_bench CORELLA FOLDER".into());
    };
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let fsync = disk::fsync_time(&folder)?;
    println!("one fsync after 4 KiB on this disk: p50 {}", milliseconds(fsync));
    start_and_idle(&corella, &folder)?;
    messages(&corella, &folder, fsync)
}

/// Start until on line, and memory when nothing happens.
fn start_and_idle(corella: &Path, folder: &Path) -> Outcome<()> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let mut agent = Agent::start(corella, &folder.join("single"), ALICE, &[])?;
        agent.on_line()?;
        times.push(begun.elapsed());
        agent.end()?;
    }
    let (first, later) = (times[0], percentile(&times[1..], 50));
    println!(
        "\nstart until on line          first {}   later p50 {}",
        milliseconds(first),
        milliseconds(later)
    );
    println!("  aim: 1 s                   ratio {:.2}", later.as_secs_f64());
    let mut agent = Agent::start(corella, &folder.join("single"), ALICE, &[])?;
    agent.on_line()?;
    std::thread::sleep(IDLE);
    let (rss, pss) = disk::memory(agent.id())?;
    println!("\nidle memory                  RSS {rss:.1} MB   PSS {pss:.1} MB");
    println!("  aim: 40 MB                 ratio {:.2}", rss / 40.0);
    agent.end()
}

/// Agent to agent: sealed, durable on both sides.
fn messages(corella: &Path, folder: &Path, fsync: Duration) -> Outcome<()> {
    let mut alice = Agent::start(corella, &folder.join("alice"), ALICE, &[])?;
    let bootstrap = alice.on_line()?;
    let mut bob = Agent::start(corella, &folder.join("bob"), BOB, &bootstrap)?;
    bob.on_line()?;
    bob.call("buddies/add", json!({ "address": ALICE }))?;
    alice.call("buddies/add", json!({ "address": BOB }))?;
    let first = send(&mut alice)?;
    settled(&mut alice, &first)?;

    let mut earlier = HashSet::from([first]);
    let (mut shown, mut acknowledged) = (Vec::new(), Vec::new());
    for _ in 0..ONE_BY_ONE {
        let begun = Instant::now();
        let id = send(&mut alice)?;
        bob.until(|message| is_arrival(message, &id))?;
        shown.push(begun.elapsed());
        settled(&mut alice, &id)?;
        acknowledged.push(begun.elapsed());
        earlier.insert(id);
    }
    let aim = 2 * fsync + Duration::from_millis(2);
    println!("\nagent to agent, one by one   p50          p99");
    for (what, times) in [
        ("until the peer shows it", &shown),
        ("until the sender knows", &acknowledged),
    ] {
        let (half, most) = (percentile(times, 50), percentile(times, 99));
        println!("  {what:25}  {:12} {}", milliseconds(half), milliseconds(most));
    }
    let ratio = percentile(&shown, 50).as_secs_f64() / aim.as_secs_f64();
    println!(
        "  aim: 2 fsyncs + 2 ms = {}   ratio of p50 {ratio:.2}",
        milliseconds(aim)
    );

    let rate = rate(&mut alice, earlier)?;
    println!(
        "\nagent to agent, {IN_FLIGHT} in flight  {rate:.0} messages/s   (aim 2000, ratio {:.2})",
        rate / 2000.0
    );
    alice.end()?;
    bob.end()
}

/// Sends [`MANY`] messages with [`IN_FLIGHT`] of them on their way; gives how many a second the peer acknowledged.
/// `earlier` are ids that may still be told of and do not count.
fn rate(alice: &mut Agent, earlier: HashSet<String>) -> Outcome<f64> {
    let before = earlier.len();
    let mut settled = earlier;
    let mut asked = 0;
    let begun = Instant::now();
    while settled.len() < before + MANY {
        while asked < MANY && asked + before - settled.len() < IN_FLIGHT {
            alice.ask("messages/send", &json!({ "to": BOB, "text": text() }))?;
            asked += 1;
        }
        if let Some(id) = settled_id(&alice.next()?) {
            settled.insert(id.to_owned());
        }
    }
    Ok(MANY as f64 / begun.elapsed().as_secs_f64())
}

fn text() -> &'static str {
    "A message of about the length that people write when they chat with each other."
}

fn send(alice: &mut Agent) -> Outcome<String> {
    let result = alice.call("messages/send", json!({ "to": BOB, "text": text() }))?;
    Ok(result["id"].as_str().ok_or("messages/send gave no id")?.to_owned())
}

fn settled(alice: &mut Agent, id: &str) -> Outcome<()> {
    alice.until(|message| settled_id(message) == Some(id))
}

/// The id of a message that the peer has on disk now.
fn settled_id(message: &Value) -> Option<&str> {
    let changed = &message["params"]["message"];
    let is_there = ["sent", "delivered", "read"]
        .iter()
        .any(|state| changed["state"] == *state);
    (message["method"] == "messages/changed" && is_there)
        .then(|| changed["id"].as_str())
        .flatten()
}

fn is_arrival(message: &Value, id: &str) -> bool {
    let changed = &message["params"]["message"];
    message["method"] == "messages/changed" && changed["id"] == id && changed["direction"] == "in"
}
