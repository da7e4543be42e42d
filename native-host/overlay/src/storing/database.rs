//! The database file of a storing node.
//!
//! What is in it can be had again from other nodes or from its owners. So it has to survive the end of the process, and of
//! a power failure only its shape: commits are synced when they leave the log (`synchronous = NORMAL`). A file that is
//! damaged, or of another format, is moved aside and begun anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use thiserror::Error;

const SCHEMA: &str = include_str!("schema.sql");
/// Counts the formats. A node's records are not worth a migration.
const FORMAT: i64 = 3;

/// Why a node cannot keep records.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// The file cannot be made, or an unreadable one cannot be moved aside.
    #[error("the file {0} for records of the overlay cannot be written: {1}. Make its folder writable")]
    File(PathBuf, #[source] io::Error),
    /// SQLite refused.
    #[error("the records of the overlay cannot be kept: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// Opens the database in a file, or one in memory that ends with the node.
pub(super) fn open(path: Option<&Path>) -> Result<Connection, DatabaseError> {
    let Some(path) = path else {
        let connection = Connection::open_in_memory()?;
        prepare(&connection)?;
        return Ok(connection);
    };
    match open_file(path) {
        Ok(connection) => Ok(connection),
        Err(DatabaseError::Sqlite(error)) => {
            tracing::warn!(%error, "the records of others cannot be read; they are moved aside and gathered anew");
            let aside = path.with_extension("damaged");
            fs::rename(path, aside).map_err(|error| DatabaseError::File(path.to_owned(), error))?;
            for log in ["sqlite-wal", "sqlite-shm"] {
                // Without its database a log is worth nothing; that it is gone already is fine.
                let _ = fs::remove_file(path.with_extension(log));
            }
            open_file(path)
        }
        Err(error) => Err(error),
    }
}

fn open_file(path: &Path) -> Result<Connection, DatabaseError> {
    private_file(path).map_err(|error| DatabaseError::File(path.to_owned(), error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Records have two to four kilobytes: of pages of four each would fill one, and waste what is left of it. What is longer than
    // a small page goes on in others, and wastes half of one. A file that is there keeps the pages it has.
    connection
        .execute_batch("PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 4194304;")?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<(), DatabaseError> {
    connection.execute_batch(
        "PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match format {
        FORMAT => Ok(()),
        0 => {
            connection.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"))?;
            Ok(())
        }
        _ => Err(rusqlite::Error::InvalidQuery.into()),
    }
}

/// Makes a file that only its owner reads. SQLite gives the files beside it the same mode.
fn private_file(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
