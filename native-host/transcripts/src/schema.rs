//! The database file: where it is, how it is opened, and how its format grows.

use crate::error::{Error, file, sqlite};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One script for each format: script n leads from format n to n + 1. Scripts are only appended.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// Marks the file as ours (`PRAGMA application_id`): "Crla".
const APPLICATION: i64 = 0x4372_6c61;

/// How long a connection waits for a lock that another process holds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database file in a data directory.
pub(crate) fn database(dir: &Path) -> PathBuf {
    dir.join("transcripts.sqlite")
}

/// The folder of the derived index in a data directory.
pub(crate) fn index_folder(dir: &Path) -> PathBuf {
    dir.join("transcripts.index")
}

/// Makes a directory that only its owner enters, or narrows an existing one to that.
pub(crate) fn private_directory(dir: &Path) -> Result<(), Error> {
    let wrong = file("prepare the directory", dir);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(&wrong)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(&wrong)?;
    }
    #[cfg(not(unix))]
    fs::create_dir_all(dir).map_err(&wrong)?;
    Ok(())
}

/// Makes a file that only its owner reads, or narrows an existing one to that. SQLite gives the files beside it the same mode.
fn private_file(path: &Path) -> Result<(), Error> {
    let wrong = file("prepare the file", path);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600);
        let opened = options.open(path).map_err(&wrong)?;
        opened
            .set_permissions(fs::Permissions::from_mode(0o600))
            .map_err(&wrong)?;
    }
    #[cfg(not(unix))]
    options.open(path).map_err(&wrong)?;
    Ok(())
}

/// Opens the connection that writes: makes or migrates the database first. There is one such connection for each store.
pub(crate) fn open_writing(dir: &Path) -> Result<Connection, Error> {
    let path = database(dir);
    private_directory(dir)?;
    private_file(&path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags).map_err(sqlite("open the transcripts"))?;
    connection
        .busy_timeout(PATIENCE)
        .map_err(sqlite("open the transcripts"))?;
    check_format(&connection, &path)?;
    // FULL syncs every commit to disk; `fullfsync` makes that true on macOS, where a plain fsync stops at the drive's cache. The
    // log is moved into the database every 16 MB: seldom, because whoever appends then waits for it.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
             PRAGMA checkpoint_fullfsync = ON; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 16777216; PRAGMA trusted_schema = OFF;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;",
        )
        .map_err(sqlite("open the transcripts"))?;
    migrate(&mut connection)?;
    keep_plans(&connection)?;
    Ok(connection)
}

/// Opens a connection that only reads. It sees every commit made before each of its queries.
pub(crate) fn open_reading(dir: &Path) -> Result<Connection, Error> {
    let path = database(dir);
    if !path.exists() {
        return Err(Error::Missing {
            path: dir.display().to_string(),
        });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(sqlite("open the transcripts"))?;
    connection
        .busy_timeout(PATIENCE)
        .map_err(sqlite("open the transcripts"))?;
    let format = check_format(&connection, &path)?;
    if format == 0 {
        return Err(Error::Missing {
            path: dir.display().to_string(),
        });
    }
    connection
        .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1024;")
        .map_err(sqlite("open the transcripts"))?;
    keep_plans(&connection)?;
    Ok(connection)
}

/// Keeps prepared statements, and their plans: where there are partial indexes, SQLite else plans a statement anew whenever other
/// values are bound, which takes longer than running it.
fn keep_plans(connection: &Connection) -> Result<(), Error> {
    connection.set_prepared_statement_cache_capacity(32);
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(|_| ())
        .map_err(sqlite("open the transcripts"))
}

/// Refuses other programs' databases and newer formats; the result is the format, 0 for an empty file.
fn check_format(connection: &Connection, path: &Path) -> Result<i64, Error> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let wrong = sqlite("read the format of the transcripts");
    let (application, found) = (
        pragma("application_id").map_err(&wrong)?,
        pragma("user_version").map_err(&wrong)?,
    );
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
        .map_err(&wrong)?;
    let known = MIGRATIONS.len() as i64;
    if application != APPLICATION && (application != 0 || found != 0 || tables != 0) {
        return Err(Error::Foreign {
            path: path.display().to_string(),
        });
    }
    if found > known {
        return Err(Error::Newer {
            path: path.display().to_string(),
            found,
            known,
        });
    }
    Ok(found)
}

fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let wrong = sqlite("bring the transcripts to the present format");
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&wrong)?;
    let found: i64 = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(&wrong)?;
    let done = usize::try_from(found).unwrap_or_default();
    if done < MIGRATIONS.len() {
        for script in &MIGRATIONS[done..] {
            transaction.execute_batch(script).map_err(&wrong)?;
        }
        transaction
            .pragma_update(None, "application_id", APPLICATION)
            .map_err(&wrong)?;
        transaction
            .pragma_update(None, "user_version", MIGRATIONS.len() as i64)
            .map_err(&wrong)?;
    }
    transaction.commit().map_err(&wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_twice_keeps_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let mark = |c: &Connection| -> String { c.query_row("SELECT value FROM store", (), |r| r.get(0)).unwrap() };
        let first = mark(&open_writing(dir.path()).unwrap());
        assert_eq!(first, mark(&open_writing(dir.path()).unwrap()));
        assert_eq!(first, mark(&open_reading(dir.path()).unwrap()));
    }

    #[test]
    fn commits_are_synced_and_tables_strict() {
        let dir = tempfile::tempdir().unwrap();
        let connection = open_writing(dir.path()).unwrap();
        let pragma = |name: &str| -> String {
            connection
                .pragma_query_value(None, name, |r| r.get::<_, rusqlite::types::Value>(0))
                .map_or_else(
                    |e| e.to_string(),
                    |value| match value {
                        rusqlite::types::Value::Integer(n) => n.to_string(),
                        rusqlite::types::Value::Text(text) => text,
                        other => format!("{other:?}"),
                    },
                )
        };
        assert_eq!(
            (pragma("journal_mode").as_str(), pragma("synchronous").as_str()),
            ("wal", "2")
        );
        let loose: i64 = connection
            .query_row("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND strict = 0", (), |r| r.get(0))
            .unwrap();
        assert_eq!(loose, 0);
    }

    #[test]
    fn a_newer_format_is_refused_with_words() {
        let dir = tempfile::tempdir().unwrap();
        open_writing(dir.path())
            .unwrap()
            .pragma_update(None, "user_version", 99)
            .unwrap();
        for refused in [open_writing(dir.path()), open_reading(dir.path())] {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
            assert!(error.to_string().contains("update Corella"), "{error}");
        }
    }

    #[test]
    fn another_programs_database_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let other = Connection::open(database(dir.path())).unwrap();
        other.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(open_writing(dir.path()), Err(Error::Foreign { .. })));
        let tables: i64 = other
            .query_row("SELECT count(*) FROM sqlite_schema", (), |r| r.get(0))
            .unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            database(dir.path()),
            "This was never a database, and it is long enough to have a header. ".repeat(99),
        )
        .unwrap();
        assert!(matches!(open_writing(dir.path()), Err(Error::Damaged { .. })));
    }

    #[test]
    fn reading_makes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(open_reading(dir.path()), Err(Error::Missing { .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("new");
        let connection = open_writing(&data).unwrap();
        connection.execute_batch("CREATE TABLE t (x INTEGER) STRICT").unwrap();
        assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
        let files: Vec<_> = fs::read_dir(&data).unwrap().map(Result::unwrap).collect();
        assert!(files.len() >= 3, "database, -wal and -shm");
        for file in files {
            assert_eq!(
                file.metadata().unwrap().permissions().mode() & 0o777,
                0o600,
                "{:?}",
                file.file_name()
            );
        }
    }
}
