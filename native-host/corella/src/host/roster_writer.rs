//! The thread that writes the roster, so that a slow disk holds up nobody.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
};

use corella_agent::{Buddy, Device, Presence, Roaming};
use corella_identity::AddressOfRecord;

use crate::roster::{Roster, RosterError};

type Job = Box<dyn FnOnce(&Roster) + Send>;

/// Does what is asked of it, in order. Dropping it waits until everything is done.
pub(super) struct RosterWriter {
    jobs: Option<Sender<Job>>,
    waiting: Arc<AtomicUsize>,
    /// A write has failed and nobody was told yet.
    failed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RosterWriter {
    pub(super) fn start(roster: Roster) -> io::Result<RosterWriter> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let done = waiting.clone();
        let thread = thread::Builder::new().name("roster".into()).spawn(move || {
            for job in queue {
                job(&roster);
                done.fetch_sub(1, Ordering::AcqRel);
            }
        })?;
        Ok(RosterWriter {
            jobs: Some(jobs),
            waiting,
            failed: Arc::default(),
            thread: Some(thread),
        })
    }

    pub(super) fn save(&self, buddy: Buddy) {
        self.write(move |roster| roster.save(&buddy));
    }

    pub(super) fn forget(&self, address: AddressOfRecord) {
        self.write(move |roster| roster.forget(&address));
    }

    pub(super) fn save_presence(&self, presence: Presence) {
        self.write(move |roster| roster.save_presence(&presence));
    }

    pub(super) fn save_device(&self, own: AddressOfRecord, device: Device) {
        self.write(move |roster| roster.save_device(&own, &device));
    }

    pub(super) fn save_roaming(&self, own: AddressOfRecord, document: Roaming) {
        self.write(move |roster| roster.save_roaming(&own, &document));
    }

    pub(super) fn forget_roaming(&self, own: AddressOfRecord) {
        self.write(move |roster| roster.forget_roaming(&own));
    }

    /// Calls `done` when everything asked for before is written; at once, when it is. Who `owns` up for it is told whether all of it
    /// is on disk that nobody was told about before; anybody else, that it is.
    pub(super) fn then(&self, owns: bool, done: impl FnOnce(bool) + Send + 'static) {
        let failed = self.failed.clone();
        let tell = move || done(!(owns && failed.swap(false, Ordering::AcqRel)));
        if self.waiting.load(Ordering::Acquire) == 0 {
            tell();
        } else {
            self.submit(Box::new(move |_| tell()));
        }
    }

    fn write(&self, work: impl FnOnce(&Roster) -> Result<(), RosterError> + Send + 'static) {
        let failed = self.failed.clone();
        self.submit(Box::new(move |roster| {
            if let Err(error) = work(roster) {
                tracing::error!("{error}");
                failed.store(true, Ordering::Release);
            }
        }));
    }

    fn submit(&self, job: Job) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        if self.jobs.as_ref().is_none_or(|jobs| jobs.send(job).is_err()) {
            tracing::error!("the thread that writes the buddy list has ended");
        }
    }
}

impl Drop for RosterWriter {
    fn drop(&mut self) {
        self.jobs = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the buddy list did not end in good order");
        }
    }
}

#[cfg(test)]
mod tests {
    use corella_agent::Consent;

    use super::*;

    #[test]
    fn what_follows_a_save_finds_it_on_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roster.db");
        let writer = RosterWriter::start(Roster::open(&path).unwrap()).unwrap();
        let known = move || Roster::open(&path).unwrap().buddies().unwrap().len();
        for n in 1..=20 {
            writer.save(Buddy::new(format!("b{n}@example.net").parse().unwrap(), Consent::Buddy));
            let (known, (told, found)) = (known.clone(), mpsc::channel());
            writer.then(true, move |written| told.send((written, known())).unwrap());
            assert_eq!(found.recv().unwrap(), (true, n));
        }
        writer.forget("b1@example.net".parse().unwrap());
        drop(writer);
        assert_eq!(known(), 19);
    }

    #[test]
    fn who_comes_next_is_told_once_that_a_write_failed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roster.db");
        let writer = RosterWriter::start(Roster::open(&path).unwrap()).unwrap();
        let told = |owns| {
            let (tell, told) = mpsc::channel();
            writer.then(owns, move |written| tell.send(written).unwrap());
            told.recv().unwrap()
        };
        let broken = rusqlite::Connection::open(&path).unwrap();
        broken.execute_batch("ALTER TABLE buddies RENAME TO gone").unwrap();
        writer.save(Buddy::new("b@example.net".parse().unwrap(), Consent::Buddy));
        assert_eq!((told(false), told(true), told(true)), (true, false, true));
    }
}
