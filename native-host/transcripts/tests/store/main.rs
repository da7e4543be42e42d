//! The store as its users see it: through the public handle, on real files.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod display;
mod durability;
mod once;
mod read_only;
mod recovery;
mod search;
mod states;

use corella_transcripts::{Appended, Change, Direction, Error, Message, MessageKey, NewMessage, Transcripts};
use std::sync::mpsc;

/// An open store in a directory that goes with it.
struct Store {
    transcripts: Transcripts,
    dir: tempfile::TempDir,
}

impl Store {
    fn new() -> Store {
        let dir = tempfile::tempdir().unwrap();
        Store {
            transcripts: Transcripts::open(dir.path().join("data")).unwrap(),
            dir,
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    fn reopen(&mut self) {
        self.transcripts.close();
        self.transcripts = Transcripts::open(self.path()).unwrap();
    }

    fn append(&self, message: NewMessage) -> Appended {
        wait(|done| self.transcripts.append(message, done)).unwrap()
    }

    /// The stored message with the key of this one.
    fn message(&self, like: &NewMessage) -> Option<Message> {
        let found = self.transcripts.find(&like.with, &like.id).unwrap();
        found.into_iter().find(|message| message.key() == key(like))
    }

    /// Gives a message this state and reason.
    fn set_state(&self, of: &NewMessage, state: &str, reason: Option<&str>) -> Option<Message> {
        let change = Change {
            state: Some(state.into()),
            reason: Some(reason.map(Into::into)),
            ..Change::default()
        };
        wait(|done| self.transcripts.change(key(of), change, done)).unwrap()
    }

    /// Appends messages and waits for the last one only.
    fn append_all(&self, messages: impl IntoIterator<Item = NewMessage>) {
        let (done, waiting) = mpsc::channel();
        for message in messages {
            let done = done.clone();
            self.transcripts
                .append(message, move |result| done.send(result).unwrap());
        }
        drop(done);
        assert!(waiting.iter().all(|result| matches!(result, Ok(Appended::Stored(_)))));
    }
}

/// Calls with a `done` and waits for it.
fn wait<T: Send + 'static>(call: impl FnOnce(Box<dyn FnOnce(Result<T, Error>) + Send>)) -> Result<T, Error> {
    let (done, waiting) = mpsc::channel();
    call(Box::new(move |result| done.send(result).unwrap()));
    waiting.recv().unwrap()
}

/// A message from Bob to Alice; its number is its id, sequence, and time.
fn from_bob(number: u64, text: &str) -> NewMessage {
    let at = i64::try_from(number).unwrap();
    NewMessage {
        id: format!("bob-{number}"),
        own: "alice@example.net".into(),
        with: "bob@example.org".into(),
        direction: Direction::In,
        text: text.into(),
        at,
        received: at,
        sequence: number,
        state: "received".into(),
        trust: "pinned".into(),
        sealed: true,
        request: false,
    }
}

/// A message from Alice to Bob.
fn to_bob(number: u64, text: &str) -> NewMessage {
    NewMessage {
        id: format!("alice-{number}"),
        direction: Direction::Out,
        state: "pending".into(),
        ..from_bob(number, text)
    }
}

fn key(message: &NewMessage) -> MessageKey {
    MessageKey {
        own: message.own.clone(),
        with: message.with.clone(),
        direction: message.direction,
        id: message.id.clone(),
    }
}

fn ids(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.id.as_str()).collect()
}
