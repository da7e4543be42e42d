//! What can go wrong in the store, in words that say what to do.

use crate::query::QueryError;
use rusqlite::ErrorCode;

/// An error of the store. It is cheap to clone, because one failed commit is told to every caller who waited for it.
/// Texts name no address and no message: they may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database was written by a later version.
    #[error("the transcripts in {path} have format {found}, this Corella knows up to {known}: update Corella")]
    Newer {
        /// The database file.
        path: String,
        /// Its format.
        found: i64,
        /// The newest format this program knows.
        known: i64,
    },
    /// The file is a database of another program.
    #[error("{path} is no transcript store of Corella: choose another data directory, or move the file away")]
    Foreign {
        /// The database file.
        path: String,
    },
    /// There is nothing to read (read-only opening makes nothing).
    #[error("there are no transcripts in {path}: name the data directory of an agent that has run before")]
    Missing {
        /// The directory looked into.
        path: String,
    },
    /// No room is left. Nothing of the failed request is stored.
    #[error("the disk is full, could not {what}: free some space; messages acknowledged before are safe")]
    DiskFull {
        /// What was tried.
        what: String,
    },
    /// The database file is damaged.
    #[error("the transcript store is damaged, could not {what} ({detail}): restore transcripts.sqlite from a backup")]
    Damaged {
        /// What was tried.
        what: String,
        /// SQLite's words.
        detail: String,
    },
    /// Another failure of SQLite or the file system.
    #[error("could not {what}: {detail}; the log of the system may say more")]
    Store {
        /// What was tried.
        what: String,
        /// The words of SQLite or the operating system.
        detail: String,
    },
    /// The request breaks a rule of the store, such as an empty id.
    #[error("could not {what}: {detail}")]
    Invalid {
        /// What was tried.
        what: String,
        /// The rule.
        detail: String,
    },
    /// No message has the id that was named in that conversation.
    #[error("no such message in this conversation")]
    UnknownMessage,
    /// A write to transcripts opened with `open_read_only`.
    #[error("the transcripts are open for reading only")]
    ReadOnly,
    /// The store was closed, or its thread has ended.
    #[error("the transcript store is closed")]
    Closed,
    /// The index cannot answer now. The truth is not affected.
    #[error("the search index cannot answer now ({0}): try again in a while")]
    Index(String),
    /// The query is not understood.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Turns an error of SQLite into ours; `what` completes "could not …".
pub(crate) fn sqlite(what: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |error| {
        let (what, detail) = (what.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::DiskFull { what },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Damaged { what, detail },
            Some(ErrorCode::ConstraintViolation) => Error::Invalid { what, detail },
            _ => Error::Store { what, detail },
        }
    }
}

/// Turns an error of the file system into ours; `what` completes "could not …".
pub(crate) fn file(what: &'static str, path: &std::path::Path) -> impl Fn(std::io::Error) -> Error {
    let what = format!("{what} {}", path.display());
    move |error| match error.kind() {
        std::io::ErrorKind::StorageFull => Error::DiskFull { what: what.clone() },
        _ => Error::Store {
            what: what.clone(),
            detail: error.to_string(),
        },
    }
}
