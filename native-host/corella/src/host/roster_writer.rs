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

use corella_agent::{Buddy, Device, Presence, Revoked, Roaming};
use corella_identity::{AddressOfRecord, Certificate, Fingerprint, Millis};
use corella_overlay::Record;

use crate::roster::{Roster, RosterError};

type Write = Box<dyn FnOnce(&Roster) -> Result<(), RosterError> + Send + Sync>;

/// What belongs together: it is on disk as a whole or not at all, and then those who wait for it are told.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    tell: Vec<Box<dyn FnOnce() + Send + Sync>>,
}

/// Does what is asked of it, in order. What is asked between two calls of [`commit`](Self::commit) belongs together. Dropping it
/// waits until everything is done.
pub(super) struct RosterWriter {
    batches: Option<Sender<Batch>>,
    next: Batch,
    waiting: Arc<AtomicUsize>,
    /// A write has failed and nobody was told yet.
    failed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RosterWriter {
    pub(super) fn start(roster: Roster) -> io::Result<RosterWriter> {
        let (batches, queue) = mpsc::channel::<Batch>();
        let (waiting, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (done, has_failed) = (waiting.clone(), failed.clone());
        let thread = thread::Builder::new().name("roster".into()).spawn(move || {
            for Batch { writes, tell } in queue {
                if let Err(error) = roster.together(writes) {
                    tracing::error!("{error}");
                    has_failed.store(true, Ordering::Release);
                }
                for tell in tell {
                    tell();
                }
                done.fetch_sub(1, Ordering::AcqRel);
            }
        })?;
        Ok(RosterWriter {
            batches: Some(batches),
            next: Batch::default(),
            waiting,
            failed,
            thread: Some(thread),
        })
    }

    pub(super) fn save(&mut self, buddy: Buddy) {
        self.write(move |roster| roster.save(&buddy));
    }

    pub(super) fn forget(&mut self, address: AddressOfRecord) {
        self.write(move |roster| roster.forget(&address));
    }

    pub(super) fn save_authority(&mut self, authority: Certificate) {
        self.write(move |roster| roster.save_authority(&authority));
    }

    pub(super) fn forget_authority(&mut self, fingerprint: Fingerprint) {
        self.write(move |roster| roster.forget_authority(&fingerprint));
    }

    pub(super) fn save_declined(&mut self, tag: String, until: Millis) {
        self.write(move |roster| roster.save_declined(&tag, until));
    }

    pub(super) fn save_presence(&mut self, presence: Presence) {
        self.write(move |roster| roster.save_presence(&presence));
    }

    pub(super) fn save_revoked(&mut self, revoked: Revoked) {
        self.write(move |roster| roster.save_revoked(&revoked));
    }

    pub(super) fn save_statement(&mut self, record: Record) {
        self.write(move |roster| roster.save_statement(&record));
    }

    pub(super) fn save_device(&mut self, own: AddressOfRecord, device: Device) {
        self.write(move |roster| roster.save_device(&own, &device));
    }

    pub(super) fn save_devices_since(&mut self, own: AddressOfRecord, since: Millis) {
        self.write(move |roster| roster.save_devices_since(&own, since));
    }

    pub(super) fn save_roaming(&mut self, own: AddressOfRecord, document: Roaming) {
        self.write(move |roster| roster.save_roaming(&own, &document));
    }

    pub(super) fn forget_roaming(&mut self, own: AddressOfRecord) {
        self.write(move |roster| roster.forget_roaming(&own));
    }

    /// Calls `done` when everything asked for before is written; at once, when it is. Who `owns` up for it is told whether all of it
    /// is on disk that nobody was told about before; anybody else, that it is.
    pub(super) fn then(&mut self, owns: bool, done: impl FnOnce(bool) + Send + Sync + 'static) {
        let failed = self.failed.clone();
        let tell = move || done(!(owns && failed.swap(false, Ordering::AcqRel)));
        if self.next.writes.is_empty() && self.waiting.load(Ordering::Acquire) == 0 {
            tell();
        } else {
            self.next.tell.push(Box::new(tell));
        }
    }

    fn write(&mut self, work: impl FnOnce(&Roster) -> Result<(), RosterError> + Send + Sync + 'static) {
        self.next.writes.push(Box::new(work));
    }

    /// What was asked since the last time is written.
    pub(super) fn commit(&mut self) {
        let batch = std::mem::take(&mut self.next);
        if batch.writes.is_empty() && batch.tell.is_empty() {
            return;
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        if self.batches.as_ref().is_none_or(|batches| batches.send(batch).is_err()) {
            tracing::error!("the thread that writes the buddy list has ended");
        }
    }
}

impl Drop for RosterWriter {
    fn drop(&mut self) {
        self.commit();
        self.batches = None;
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
        let mut writer = RosterWriter::start(Roster::open(&path).unwrap()).unwrap();
        let known = move || Roster::open(&path).unwrap().buddies().unwrap().len();
        for n in 1..=20 {
            writer.save(Buddy::new(format!("b{n}@example.net").parse().unwrap(), Consent::Buddy));
            let (known, (told, found)) = (known.clone(), mpsc::channel());
            writer.then(true, move |written| told.send((written, known())).unwrap());
            writer.commit();
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
        let mut writer = RosterWriter::start(Roster::open(&path).unwrap()).unwrap();
        let broken = rusqlite::Connection::open(&path).unwrap();
        broken.execute_batch("ALTER TABLE buddies RENAME TO gone").unwrap();
        writer.save(Buddy::new("b@example.net".parse().unwrap(), Consent::Buddy));
        writer.commit();
        let mut told = |owns| {
            let (tell, told) = mpsc::channel();
            writer.then(owns, move |written| tell.send(written).unwrap());
            writer.commit();
            told.recv().unwrap()
        };
        assert_eq!((told(false), told(true), told(true)), (true, false, true));
    }
    #[test]
    fn what_belongs_together_is_written_as_a_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roster.db");
        let mut writer = RosterWriter::start(Roster::open(&path).unwrap()).unwrap();
        let own: AddressOfRecord = "a@example.org".parse().unwrap();
        let change = |writer: &mut RosterWriter, name: &str| {
            writer.save(Buddy::new(name.parse().unwrap(), Consent::Buddy));
            writer.save_roaming(own.clone(), Roaming::default());
            let (tell, told) = mpsc::channel();
            writer.then(true, move |written| tell.send(written).unwrap());
            writer.commit();
            told.recv().unwrap()
        };
        let known = || {
            let roster = Roster::open(&path).unwrap();
            (roster.buddies().unwrap().len(), roster.roaming().unwrap().len())
        };
        assert!(change(&mut writer, "b@example.net"));
        assert_eq!(known(), (1, 1));
        // The document cannot be written: then the buddy is not there either, as if the change had not been made.
        let broken = rusqlite::Connection::open(&path).unwrap();
        broken.execute_batch("ALTER TABLE roaming RENAME TO gone").unwrap();
        assert!(!change(&mut writer, "c@example.net"));
        broken.execute_batch("ALTER TABLE gone RENAME TO roaming").unwrap();
        assert_eq!(known(), (1, 1));
        assert!(change(&mut writer, "d@example.net"));
        assert_eq!(known(), (2, 1));
    }
}
