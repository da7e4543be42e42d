//! The store of everything said (SQLite, the truth) and its search index (tantivy, derived).
//!
//! One thread writes: what waits is committed together, and each caller is told after the commit, when the message is synced to
//! disk. Another thread follows with the index. Readers have connections of their own. [`Transcripts`] is the handle to all of it.
//!
//! | Module | Job |
//! |---|---|
//! | `schema` | opening the database, its format and how that grows |
//! | `writer` | the writing thread: group commit |
//! | `store` | what is written |
//! | `order` | the order of display |
//! | `reader` | what is read |
//! | `fold`, `tokens` | text to words |
//! | `query` | the query language |
//! | `index` | the search index: following the truth, answering queries |
//! | `snippet` | the part of a message that shows why it was found |

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod error;
mod fold;
mod index;
mod message;
mod order;
mod query;
mod reader;
mod schema;
mod snippet;
mod store;
mod tokens;
mod writer;

pub use error::Error;
pub use message::{
    Appended, Change, Conversation, Direction, Hit, Hits, Message, MessageKey, NewMessage, Page, Place, READ,
};
pub use query::{Date, LONGEST_QUERY, MOST_CONDITIONS, MOST_WORDS, QueryError};

use index::background::Background;
use index::follower::Follower;
use index::indexer::{Indexer, View};
use reader::Reader;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use writer::{Batch, Writer};

/// The most hits on a page of a search.
pub const MOST_HITS: usize = 500;

/// A handle to the transcripts in one directory; clones share them. When the last one is dropped they are closed.
///
/// Methods with a `done` return at once; `done` is called once, in the writing thread, after the change is synced to disk (or
/// failed). It must be quick: the next commit waits for it. Changes are made in the order of the calls. The other methods read in
/// the calling thread and may wait for the disk.
#[derive(Clone)]
pub struct Transcripts(Arc<Inner>);

struct Inner {
    reader: Reader,
    /// `None` when opened for reading only.
    writer: Option<Writer>,
    index: IndexSide,
}

enum IndexSide {
    /// This process keeps the index up to date.
    Keeper(Background),
    /// Another process may be doing so.
    Follower(Follower),
}

impl std::fmt::Debug for Transcripts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcripts").finish_non_exhaustive()
    }
}

impl Transcripts {
    /// Opens the transcripts in `dir`, or makes them. One process at a time may do so; the caller sees to that.
    ///
    /// # Errors
    /// The directory cannot be used, the database is damaged, of a newer version, or not ours.
    pub fn open(dir: impl AsRef<Path>) -> Result<Transcripts, Error> {
        let dir = dir.as_ref();
        let connection = schema::open_writing(dir)?;
        let reader = Reader::open(dir)?;
        let index = Background::start(Indexer::new(dir)?)?;
        let bell = index.bell();
        let writer = Writer::start(connection, move |touched| bell.ring(touched))?;
        Ok(Transcripts(Arc::new(Inner {
            reader,
            writer: Some(writer),
            index: IndexSide::Keeper(index),
        })))
    }

    /// Opens the transcripts in `dir` to read and search them, whether another process has them open or not. The database is
    /// never written; the index, which is derived from it, is brought up to date if no other process does that.
    ///
    /// # Errors
    /// There are none, or they cannot be read.
    pub fn open_read_only(dir: impl AsRef<Path>) -> Result<Transcripts, Error> {
        let dir = dir.as_ref();
        let reader = Reader::open(dir)?;
        let index = IndexSide::Follower(Follower::new(Indexer::new(dir)?));
        Ok(Transcripts(Arc::new(Inner {
            reader,
            writer: None,
            index,
        })))
    }

    /// Stores a message once: a second append with the same own address, peer, direction and id stores nothing and says so.
    pub fn append(&self, message: NewMessage, done: impl FnOnce(Result<Appended, Error>) + Send + 'static) {
        self.write(move |batch| store::append(batch, message), done);
    }

    /// Changes what is not `None` in `change`. The result is the message as it stands then, or `None` when there is none.
    pub fn change(
        &self,
        key: MessageKey,
        change: Change,
        done: impl FnOnce(Result<Option<Message>, Error>) + Send + 'static,
    ) {
        self.write(move |batch| store::change(batch, &key, &change), done);
    }

    /// Gives the state [`READ`] to all incoming messages of `with` up to and with the id `up_to`, in the order of display. The
    /// result is those that did not have it.
    pub fn mark_read(
        &self,
        with: String,
        up_to: String,
        done: impl FnOnce(Result<Vec<Message>, Error>) + Send + 'static,
    ) {
        self.write(move |batch| store::mark_read(batch, &with, &up_to), done);
    }

    /// Takes `request` from all messages of `with`, as when the user consents. The result is those that had it.
    pub fn clear_requests(&self, with: String, done: impl FnOnce(Result<Vec<Message>, Error>) + Send + 'static) {
        self.write(move |batch| store::clear_requests(batch, &with), done);
    }

    /// Takes all messages of `with` that wait for consent out of the store, as when they must give way to others. Their ids are not
    /// remembered: a repetition of one is a new message. The result is how many there were.
    pub fn drop_requests(&self, with: String, done: impl FnOnce(Result<usize, Error>) + Send + 'static) {
        self.write(move |batch| store::drop_requests(batch, &with), done);
    }

    /// A part of the conversation with `with`, at most `limit` messages (at least one).
    ///
    /// # Errors
    /// [`Error::UnknownMessage`] when `place` names an id that is not in the conversation; failures of the disk.
    pub fn list(&self, with: &str, place: Place<'_>, limit: usize) -> Result<Page, Error> {
        self.0.reader.list(with, place, limit)
    }

    /// All conversations, the one with the latest message first.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn conversations(&self) -> Result<Vec<Conversation>, Error> {
        self.0.reader.conversations()
    }

    /// How many incoming messages of `with` are not read.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn unread(&self, with: &str) -> Result<u64, Error> {
        self.0.reader.unread(with)
    }

    /// The messages with this id in the conversation with `with`: at most one, unless both sides or several own addresses used it.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn find(&self, with: &str, id: &str) -> Result<Vec<Message>, Error> {
        self.0.reader.find(with, id)
    }

    /// The user's own messages whose state is one of `states`, in the order they were stored.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn outgoing_in(&self, states: &[&str]) -> Result<Vec<Message>, Error> {
        self.0.reader.outgoing_in(states)
    }

    /// Whose messages wait for the user's consent.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn requesters(&self) -> Result<Vec<String>, Error> {
        self.0.reader.requesters()
    }

    /// For each conversation of an own address: the first sequence number above all that the user's messages in it have.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn sequences(&self) -> Result<Vec<(String, String, u64)>, Error> {
        self.0.reader.sequences()
    }

    /// Searches all conversations. `begin` tells when a day begins in the user's time zone (milliseconds since 1970 UTC);
    /// `cursor` comes from the page before and goes with the same query. Everything that was acknowledged before the call is found.
    /// At most `limit` hits (at least one, at most [`MOST_HITS`]).
    ///
    /// The query language: words (all must occur), `"a phrase"`, `prefix*`, `from:`, `to:`, `with:` (a word of an address, or a
    /// whole address), `before:` and `after:` (`YYYY-MM-DD`; older than that day; of that day or newer), `-` for not.
    ///
    /// # Errors
    /// [`Error::Query`] when the query is not understood; [`Error::Index`] when the index cannot be had.
    pub fn search(
        &self,
        query: &str,
        begin: &dyn Fn(Date) -> i64,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Hits, Error> {
        // A query that is not understood is refused without waiting for the index.
        let parsed = query::parse(query)?;
        let view = self.0.index.view()?;
        let page = index::search::Wanted {
            text: query,
            limit: limit.clamp(1, MOST_HITS),
            cursor,
        };
        let found = index::search::search(&view, parsed, begin, &page)?;
        let messages = self.0.reader.rows(&found.rows)?;
        let hits = messages.into_iter().map(|message| {
            let (snippet, marks) = snippet::snippet(&message.text, &found.phrases);
            Hit {
                message,
                snippet,
                marks,
            }
        });
        Ok(Hits {
            total: found.total,
            hits: hits.collect(),
            cursor: found.cursor,
        })
    }

    /// Waits until all changes asked for before are on disk and in the index. Not to be called from a `done`.
    ///
    /// # Errors
    /// The store is closed, or the index cannot be brought up to date.
    pub fn flush(&self) -> Result<(), Error> {
        let (done, wait) = mpsc::channel();
        self.write(|_| Ok(()), move |result| done.send(result).unwrap_or_default());
        wait.recv().unwrap_or(Err(Error::Closed))?;
        self.0.index.view().map(|_| ())
    }

    /// Carries out what was asked for, brings the index up to date, and closes. Whatever is asked of any clone later is answered
    /// with [`Error::Closed`]. Called from a `done`, it does not wait for the end.
    pub fn close(&self) {
        self.0.close();
    }

    fn write<T: 'static>(
        &self,
        work: impl FnOnce(&Batch<'_>) -> Result<T, Error> + Send + 'static,
        done: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        match &self.0.writer {
            Some(writer) => writer.submit(work, done),
            None => done(Err(Error::ReadOnly)),
        }
    }
}

impl IndexSide {
    fn view(&self) -> Result<View, Error> {
        match self {
            IndexSide::Keeper(background) => background.view(),
            IndexSide::Follower(follower) => follower.view(),
        }
    }
}

impl Inner {
    fn close(&self) {
        // The connection that writes is closed last: then SQLite moves everything into the one file.
        let connection = self.writer.as_ref().and_then(Writer::stop);
        match &self.index {
            IndexSide::Keeper(background) => background.stop(),
            IndexSide::Follower(follower) => follower.stop(),
        }
        self.reader.close();
        drop(connection);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
