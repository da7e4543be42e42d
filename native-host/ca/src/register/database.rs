//! The register's file. It is the only copy: commits are synced, and a damaged file is not replaced.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use thiserror::Error;

use super::Register;
use crate::limits::Limits;

const SCHEMA: &str = include_str!("schema.sql");
const FORMAT: i64 = 1;

/// Why the register cannot be opened.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The file cannot be made or opened.
    #[error("the register {} cannot be opened: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// SQLite refused.
    #[error("the register cannot be read: {0}. If it is damaged, restore it from a backup")]
    Sqlite(#[from] rusqlite::Error),
    /// Made by a newer version.
    #[error("the register has the format {0}, which this version does not know: use the newer one")]
    Format(i64),
}

impl Register {
    /// Opens the register in a file, which is made if it is missing; `None`: in memory.
    ///
    /// # Errors
    /// The file cannot be made, opened or read.
    pub fn open(path: Option<&Path>, limits: Limits) -> Result<Self, DatabaseError> {
        let mut connection = match path {
            Some(path) => {
                private_file(path).map_err(|source| DatabaseError::File {
                    path: path.to_owned(),
                    source,
                })?;
                Connection::open_with_flags(
                    path,
                    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
                )?
            }
            None => Connection::open_in_memory()?,
        };
        // `list` and `revoke` may run beside `serve`. SQLite waits for whoever writes only before a transaction begins: one that has read
        // already fails.
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;")?;
        let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match format {
            FORMAT => {}
            0 => connection.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"))?,
            other => return Err(DatabaseError::Format(other)),
        }
        Ok(Self { connection, limits })
    }
}

/// Makes a file that only its owner reads. SQLite gives the files beside it the same mode.
fn private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_beside_each_other_wait_for_their_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("register.sqlite");
        let open = || Register::open(Some(&path), Limits::default()).unwrap();
        let use_it = |mut register: Register| {
            for _ in 0..200 {
                register.revoked(1_781_524_800_000).unwrap();
            }
        };
        let (one, other) = (open(), open());
        std::thread::scope(|scope| {
            scope.spawn(move || use_it(one));
            scope.spawn(move || use_it(other));
        });
    }
}
