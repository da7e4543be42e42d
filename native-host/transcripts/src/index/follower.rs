//! The index in a process that only reads: it is used as it is when it is up to date. When it is behind, this process brings it up
//! to date if nobody else is writing it, and else waits until that one has.

use super::indexer::{Indexer, Trouble, View};
use crate::error::Error;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a search waits for the process that writes the index.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// `None` once closed.
pub(crate) struct Follower(Mutex<Option<Box<Indexer>>>);

impl Follower {
    /// Takes over the indexer.
    pub(crate) fn new(indexer: Indexer) -> Follower {
        Follower(Mutex::new(Some(Box::new(indexer))))
    }

    /// A view that shows everything that was committed before the call.
    pub(crate) fn view(&self) -> Result<View, Error> {
        let deadline = Instant::now() + PATIENCE;
        let mut indexer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let indexer = indexer.as_mut().ok_or(Error::Closed)?;
        loop {
            match indexer.catch_up() {
                Ok(view) => {
                    // The lock is for the process that keeps the index.
                    return Ok(if indexer.is_awake() {
                        indexer.rest().unwrap_or(view)
                    } else {
                        view
                    });
                }
                Err(Trouble::Busy) if Instant::now() < deadline => thread::sleep(LOOK),
                Err(Trouble::Busy) => return Err(Error::Index("another process is making it".to_owned())),
                Err(Trouble::Failed(why)) => return Err(Error::Index(why)),
            }
        }
    }

    /// Closes the files.
    pub(crate) fn stop(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
