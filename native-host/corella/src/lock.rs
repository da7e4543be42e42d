//! One agent per data directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    time::{Duration, Instant},
};

/// How long a program may take to end in good order.
const ENDING: Duration = Duration::from_secs(2);
/// How often the lock is tried meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// Held as long as it lives; the system lets go of it however the program ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Takes the lock, and waits a little for a program that is just ending; `None` if another goes on holding it.
pub(crate) fn take_soon(path: &Path) -> io::Result<Option<Lock>> {
    let until = Instant::now() + ENDING;
    loop {
        match take(path)? {
            None if Instant::now() < until => std::thread::sleep(LOOK),
            taken => return Ok(taken),
        }
    }
}

/// Takes the lock; `None` if another program holds it.
pub(crate) fn take(path: &Path) -> io::Result<Option<Lock>> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether somebody holds it.
pub(crate) fn is_held(path: &Path) -> bool {
    path.exists() && matches!(take(path), Ok(None))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_and_the_next_one_gets_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(!is_held(&path));
        let first = take(&path).unwrap().unwrap();
        assert!(take(&path).unwrap().is_none() && is_held(&path));
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| take_soon(&path).unwrap());
            drop(first);
            waiting.join().unwrap()
        });
        assert!(waiting.is_some());
    }
}
