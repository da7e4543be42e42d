//! `kill -9` at random moments: what was acknowledged is there, once, and is found.

use corella_transcripts::{Place, Transcripts};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The program that appends until it is killed; cargo builds examples with the tests.
fn appender() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(|deps| deps.parent()).unwrap();
    let path = built
        .join("examples")
        .join(format!("append_until_killed{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{path:?} is missing: run `cargo build -p corella-transcripts --examples`"
    );
    path
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<String> = Vec::new();
    let mut delays = 0x9e37_79b9_u32;
    for round in 0..11 {
        let mut child = Command::new(appender())
            .args([dir.path().to_str().unwrap(), &round.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (first, started) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        let reading = thread::spawn(move || {
            let mut ids = Vec::new();
            // A line cut by the kill was not acknowledged in full and does not count.
            for line in output.lines().map_while(Result::ok) {
                if let Some(id) = line.strip_suffix('.') {
                    ids.push(id.to_owned());
                    let _ = first.send(());
                }
            }
            ids
        });
        started
            .recv_timeout(Duration::from_secs(60))
            .expect("the child acknowledges something");
        delays = delays.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        thread::sleep(Duration::from_millis(u64::from(delays >> 24)));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reading.join().unwrap());
        if round % 3 == 0 {
            // A reader alone finds it all; in the other rounds the next process has to.
            let reader = Transcripts::open_read_only(dir.path()).unwrap();
            let total = reader.search("durable", &|_| 0, 1, None).unwrap().total;
            assert!(total >= acknowledged.len() as u64, "{total} of {}", acknowledged.len());
        }
    }
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());

    let transcripts = Transcripts::open(dir.path()).unwrap();
    // Searched at once: what the index had not seen is replayed.
    let total = transcripts.search("durable", &|_| 0, 1, None).unwrap().total;
    let page = transcripts
        .list("bob@example.org", Place::Latest, usize::MAX / 2)
        .unwrap();
    let mut stored: Vec<&str> = page.messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(total, stored.len() as u64);
    stored.sort_unstable();
    assert!(stored.windows(2).all(|pair| pair[0] != pair[1]), "stored twice");
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| stored.binary_search(&id.as_str()).is_err())
        .collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    for id in acknowledged.iter().step_by(acknowledged.len() / 100 + 1) {
        assert_eq!(
            transcripts.search(id, &|_| 0, 1, None).unwrap().total,
            1,
            "{id} is not found"
        );
    }
}
