//! The one thread that writes: everything that waits goes into one transaction, so that messages which arrive together share
//! one sync of the disk. Nobody is told of success before the commit.

use crate::error::{Error, sqlite};
use rusqlite::Connection;
use std::cell::Cell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The most jobs in one transaction; it bounds what one failed commit takes along.
const LARGEST_BATCH: usize = 1024;

/// How long the thread waits for company when far fewer jobs wait than were in the last batch: callers who have just been told
/// are about to come back, and would else find that the next commit has left with the first of them.
const LINGER: Duration = Duration::from_micros(100);

/// What a job sees of the transaction.
pub(crate) struct Batch<'a> {
    connection: &'a Connection,
    touched: Cell<Touched>,
}

/// What a batch means to the search index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    /// Messages added.
    pub(crate) added: usize,
    /// Messages deleted.
    pub(crate) deleted: usize,
}

impl Batch<'_> {
    /// Says that a message was added.
    pub(crate) fn added(&self) {
        let mut touched = self.touched.get();
        touched.added += 1;
        self.touched.set(touched);
    }

    /// Says that a message was deleted.
    pub(crate) fn deleted(&self) {
        let mut touched = self.touched.get();
        touched.deleted += 1;
        self.touched.set(touched);
    }
}

impl Deref for Batch<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// A job: runs inside the transaction, or learns why it cannot run.
type Job = Box<dyn FnOnce(Result<&Batch<'_>, Error>) -> Ran + Send>;

/// A job that has run and waits for the commit.
struct Ran {
    failed: Option<Error>,
    /// Tells the caller; the argument is what became of the commit.
    tell: Box<dyn FnOnce(Result<(), Error>)>,
}

/// The handle of the writing thread.
pub(crate) struct Writer {
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<Connection>>>,
}

impl Writer {
    /// Starts the thread; `committed` runs in it after each commit and before the callers are told.
    pub(crate) fn start(connection: Connection, committed: impl Fn(Touched) + Send + 'static) -> Result<Writer, Error> {
        let (jobs, waiting) = channel();
        let thread = thread::Builder::new()
            .name("transcripts-write".into())
            .spawn(move || {
                run(&connection, &waiting, &committed);
                connection
            })
            .map_err(|e| Error::Store {
                what: "start the writing thread".into(),
                detail: e.to_string(),
            })?;
        Ok(Writer {
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues `work`; `done` is called once, in the writing thread, after the commit or when it failed. When the store is closed
    /// it is called here and now.
    pub(crate) fn submit<T: 'static>(
        &self,
        work: impl FnOnce(&Batch<'_>) -> Result<T, Error> + Send + 'static,
        done: impl FnOnce(Result<T, Error>) + Send + 'static,
    ) {
        let job: Job = Box::new(move |batch| {
            let result = batch.and_then(work);
            let failed = result.as_ref().err().cloned();
            Ran {
                failed,
                tell: Box::new(move |commit| done(result.and_then(|value| commit.map(|()| value)))),
            }
        });
        let refused = match &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(jobs) => jobs.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        if let Some(job) = refused {
            tell(job(Err(Error::Closed)), Err(Error::Closed));
        }
    }

    /// Takes no more jobs, carries out those that wait, and ends the thread; the result is its connection. Called from the thread
    /// itself (by a callback that held the last handle) it does not wait for the end, and the thread closes the connection.
    pub(crate) fn stop(&self) -> Option<Connection> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        if thread.thread().id() == thread::current().id() {
            return None;
        }
        let connection = thread.join();
        if connection.is_err() {
            tracing::error!("the writing thread of the transcripts ended by a panic");
        }
        connection.ok()
    }
}

fn run(connection: &Connection, waiting: &Receiver<Job>, committed: &dyn Fn(Touched)) {
    let mut last = 0;
    while let Ok(first) = waiting.recv() {
        let mut jobs = vec![first];
        jobs.extend(waiting.try_iter().take(LARGEST_BATCH - 1));
        if jobs.len() < last / 2 {
            thread::sleep(LINGER);
            jobs.extend(waiting.try_iter().take(LARGEST_BATCH - jobs.len()));
        }
        last = jobs.len();
        let (ran, outcome) = run_batch(connection, jobs);
        if let Ok(touched) = outcome
            && touched != Touched::default()
        {
            committed(touched);
        }
        for job in ran {
            tell(job, outcome.clone().map(|_| ()));
        }
    }
}

/// Runs the jobs in one transaction. A job that fails is undone alone; when the transaction itself is lost, all of them are.
fn run_batch(connection: &Connection, jobs: Vec<Job>) -> (Vec<Ran>, Result<Touched, Error>) {
    let batch = Batch {
        connection,
        touched: Cell::default(),
    };
    let mut ran = Vec::with_capacity(jobs.len());
    let mut state = execute(connection, "BEGIN IMMEDIATE");
    for job in jobs {
        let savepoint = state.clone().and_then(|()| execute(connection, "SAVEPOINT job"));
        let before = batch.touched.get();
        let done = job(savepoint.map(|()| &batch));
        if state.is_ok() && connection.is_autocommit() {
            // SQLite gave the whole transaction up, as it may on a full disk: those before are undone with this one.
            let gave_up = "SQLite gave the transaction up".to_owned();
            state = Err(done.failed.clone().unwrap_or(Error::Store {
                what: "store messages".into(),
                detail: gave_up,
            }));
        } else if state.is_ok() {
            if done.failed.is_some() {
                batch.touched.set(before);
                state = execute(connection, "ROLLBACK TO job");
            }
            state = state.and_then(|()| execute(connection, "RELEASE job"));
        }
        ran.push(done);
    }
    let outcome = state.and_then(|()| execute(connection, "COMMIT"));
    if outcome.is_err() && !connection.is_autocommit() {
        // Nothing else can be done when this fails too; the next BEGIN will say so to its callers.
        let _ = execute(connection, "ROLLBACK");
    }
    (ran, outcome.map(|()| batch.touched.get()))
}

fn execute(connection: &Connection, statement: &str) -> Result<(), Error> {
    connection
        .prepare_cached(statement)
        .and_then(|mut statement| statement.execute(()))
        .map(|_| ())
        .map_err(sqlite("write to the transcripts"))
}

/// Tells a caller; a caller that panics does not take the thread along.
fn tell(ran: Ran, outcome: Result<(), Error>) {
    if catch_unwind(AssertUnwindSafe(|| (ran.tell)(outcome))).is_err() {
        tracing::error!("a caller of the transcripts panicked in its callback");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc;

    /// A writer on a small database. Its thread is held up until the sender speaks, so that jobs gather in one batch.
    fn gathered() -> (Writer, mpsc::Sender<()>, Arc<Mutex<Vec<Touched>>>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let connection = Connection::open(dir.path().join("db")).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;
                 CREATE TABLE t (x INTEGER PRIMARY KEY CHECK (x > 0), filling BLOB) STRICT;
                 CREATE TABLE child (x INTEGER REFERENCES t (x) DEFERRABLE INITIALLY DEFERRED) STRICT;",
            )
            .unwrap();
        let commits = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&commits);
        let writer = Writer::start(connection, move |touched| log.lock().unwrap().push(touched)).unwrap();
        let (go, gate) = mpsc::channel::<()>();
        let (reached, inside) = mpsc::channel();
        writer.submit(
            move |_| {
                reached.send(()).unwrap();
                Ok(gate.recv())
            },
            |_| (),
        );
        inside.recv().unwrap();
        (writer, go, commits, dir)
    }

    fn insert(batch: &Batch<'_>, x: i64, filling: i64) -> Result<i64, Error> {
        batch
            .execute("INSERT INTO t VALUES (?1, zeroblob(?2))", (x, filling))
            .map_err(sqlite("insert"))?;
        batch.added();
        Ok(x)
    }

    fn stored(dir: &tempfile::TempDir) -> Vec<i64> {
        let connection = Connection::open(dir.path().join("db")).unwrap();
        let mut rows = connection.prepare("SELECT x FROM t ORDER BY x").unwrap();
        rows.query_map((), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn what_waits_shares_a_commit_and_a_failing_job_harms_nobody_else() {
        let (writer, go, commits, dir) = gathered();
        let (answers, told) = mpsc::channel();
        for x in [1, -2, 3] {
            let answers = answers.clone();
            // The failing job writes before it fails: that is undone too.
            writer.submit(
                move |b| insert(b, x + 100, 0).and_then(|_| insert(b, x, 0)),
                move |result| answers.send(result).unwrap(),
            );
        }
        go.send(()).unwrap();
        writer.stop();
        let told: Vec<_> = told.try_iter().collect();
        assert!(
            matches!(told[..], [Ok(1), Err(Error::Invalid { .. }), Ok(3)]),
            "{told:?}"
        );
        assert_eq!(stored(&dir), [1, 3, 101, 103]);
        assert_eq!(*commits.lock().unwrap(), [Touched { added: 4, deleted: 0 }]);
    }

    #[test]
    fn the_caller_is_told_after_the_commit() {
        let (writer, go, _, dir) = gathered();
        let (answers, told) = mpsc::channel();
        let dir = Arc::new(dir);
        let beside = Arc::clone(&dir);
        writer.submit(
            move |b| insert(b, 1, 0),
            move |result| answers.send((result, stored(&beside))).unwrap(),
        );
        go.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), (Ok(1), vec![1]));
        writer.stop();
    }

    #[test]
    fn a_commit_that_fails_is_told_to_all_who_waited_for_it_and_the_thread_lives_on() {
        let (writer, go, commits, dir) = gathered();
        let (answers, told) = mpsc::channel();
        let other = answers.clone();
        writer.submit(move |b| insert(b, 1, 0), move |result| answers.send(result).unwrap());
        let orphan = |b: &Batch<'_>| {
            b.execute("INSERT INTO child VALUES (99)", ())
                .map(|_| 99)
                .map_err(sqlite("insert"))
        };
        writer.submit(orphan, move |result| other.send(result).unwrap());
        go.send(()).unwrap();
        assert!(told.recv().unwrap().is_err() && told.recv().unwrap().is_err());
        let (answers, told) = mpsc::channel();
        writer.submit(|b| insert(b, 2, 0), move |result| answers.send(result).unwrap());
        assert_eq!(told.recv().unwrap(), Ok(2));
        writer.stop();
        assert_eq!(stored(&dir), [2]);
        assert_eq!(*commits.lock().unwrap(), [Touched { added: 1, deleted: 0 }]);
    }

    #[test]
    fn a_full_disk_reaches_the_callers_and_is_survived() {
        let (writer, go, _, dir) = gathered();
        let (answers, told) = mpsc::channel();
        let limit = |b: &Batch<'_>, pages: i64| {
            b.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .map_err(sqlite("limit"))
        };
        writer.submit(move |b| limit(b, 1), |_| ());
        let other = answers.clone();
        writer.submit(|b| insert(b, 1, 1_000_000), move |result| other.send(result).unwrap());
        go.send(()).unwrap();
        assert!(matches!(told.recv().unwrap(), Err(Error::DiskFull { .. })));
        writer.submit(move |b| limit(b, 1_000_000), |_| ());
        writer.submit(|b| insert(b, 2, 1_000_000), move |result| answers.send(result).unwrap());
        assert_eq!(told.recv().unwrap(), Ok(2));
        writer.stop();
        assert_eq!(stored(&dir), [2]);
    }

    #[test]
    fn a_panicking_callback_and_a_closed_store_are_answered() {
        let (writer, go, _, dir) = gathered();
        let (answers, told) = mpsc::channel();
        writer.submit(|b| insert(b, 1, 0), |_| panic!("a defect of the caller's"));
        let other = answers.clone();
        writer.submit(|b| insert(b, 2, 0), move |result| other.send(result).unwrap());
        go.send(()).unwrap();
        writer.stop();
        writer.submit(|b| insert(b, 3, 0), move |result| answers.send(result).unwrap());
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [Ok(2), Err(Error::Closed)]);
        assert_eq!(stored(&dir), [1, 2]);
    }
}
