//! Appends messages until it is killed, and prints the id of each after it was acknowledged, with a full stop behind it. The test of
//! durability runs it and kills it.
//!
//! Arguments: the directory, and a number that makes the ids differ from those of other runs.

use corella_transcripts::{Appended, Direction, NewMessage, Transcripts};
use std::error::Error;
use std::io::Write;
use std::sync::mpsc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many messages wait for their acknowledgement at a time.
const IN_FLIGHT: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(run)) = (arguments.next(), arguments.next()) else {
        return Err("usage: append_until_killed DIRECTORY RUN".into());
    };
    let transcripts = Transcripts::open(dir)?;
    let (done, acknowledged) = mpsc::channel();
    let mut out = std::io::stdout().lock();
    for number in 0_u64.. {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let id = format!("run{run}n{number}");
        let message = NewMessage {
            text: format!("durable {id}"),
            id,
            own: "alice@example.net".into(),
            with: "bob@example.org".into(),
            direction: Direction::In,
            at: now,
            received: now,
            sequence: number,
            state: "received".into(),
            trust: "pinned".into(),
            sealed: true,
            request: false,
        };
        let done = done.clone();
        transcripts.append(message, move |result| done.send(result).unwrap_or_default());
        if number >= IN_FLIGHT as u64 {
            match acknowledged.recv()?? {
                Appended::Stored(message) => {
                    // One write for each line, so that a kill cuts a line and does not mix two.
                    out.write_all(format!("{}.\n", message.id).as_bytes())?;
                    out.flush()?;
                }
                other => return Err(format!("not stored: {other:?}").into()),
            }
        }
    }
    Ok(())
}
