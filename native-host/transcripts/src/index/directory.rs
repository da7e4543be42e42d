//! Where the index's files are: a folder that only its owner reads, written without waiting for the disk.
//!
//! tantivy syncs each file and its list of files, some twenty syncs for a commit. The index is derived, so it need not survive a
//! power failure: what a failure damages is found by the checksums, which are compared whenever the index is opened, and the index
//! is made anew. What survives a `kill -9` needs no sync.
//!
//! Nor is tantivy's list of its files kept, which it would write once for each new file: it is read from the folder. So files that a
//! killed process left behind are known, and go.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, INDEX_WRITER_LOCK, Lock, META_LOCK, MmapDirectory,
    TerminatingWrite, WatchCallback, WatchHandle, WritePtr,
};

/// The name under which tantivy keeps the list of its files.
const LIST: &str = ".managed.json";

/// The folder of an index.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    mapped: MmapDirectory,
}

impl Folder {
    /// Opens a folder that exists.
    pub(crate) fn open(root: &Path) -> tantivy::Result<Folder> {
        let mapped = MmapDirectory::open(root)?;
        // tantivy makes its lock files readable for everyone unless they are there.
        for lock in [&INDEX_WRITER_LOCK.filepath, &META_LOCK.filepath] {
            private().truncate(false).open(root.join(lock))?;
        }
        Ok(Folder {
            root: root.to_owned(),
            mapped,
        })
    }

    /// Removes every file but the locks. The caller holds [`INDEX_WRITER_LOCK`].
    pub(crate) fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let path = entry?.path();
            let name = path.file_name().map(Path::new);
            if name == Some(INDEX_WRITER_LOCK.filepath.as_path()) || name == Some(META_LOCK.filepath.as_path()) {
                continue;
            }
            if path.is_dir() {
                fs::remove_dir_all(path)?
            } else {
                fs::remove_file(path)?
            }
        }
        Ok(())
    }
}

/// Every file but those with a dot in front, as tantivy writes them down: a JSON array of names.
fn list(root: &Path) -> io::Result<Vec<u8>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root)? {
        if let Ok(name) = entry?.file_name().into_string()
            && !name.starts_with('.')
            && !name.contains(|c: char| c == '"' || c == '\\' || c.is_control())
        {
            names.push(format!("\"{name}\""));
        }
    }
    Ok(format!("[{}]", names.join(",")).into_bytes())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

struct Unsynced(File);

impl Write for Unsynced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for Unsynced {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.0.flush()
    }
}

impl Directory for Folder {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.mapped.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.mapped.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.mapped.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let file = private()
            .create_new(true)
            .open(self.root.join(path))
            .map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => OpenWriteError::FileAlreadyExists(path.to_owned()),
                _ => OpenWriteError::wrap_io_error(error, path.to_owned()),
            })?;
        Ok(BufWriter::new(Box::new(Unsynced(file))))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        if path == Path::new(LIST) {
            return list(&self.root).map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()));
        }
        self.mapped.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        if path == Path::new(LIST) {
            return Ok(());
        }
        let mut name = std::ffi::OsString::from(".new-");
        name.push(path.file_name().unwrap_or_default());
        let new = self.root.join(name);
        private().truncate(true).open(&new)?.write_all(data)?;
        fs::rename(new, self.root.join(path))
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.mapped.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.mapped.watch(callback)
    }
}
