//! The folder of the meeting place and the files in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use libp2p::{Multiaddr, PeerId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Largest file that is read, in bytes.
const FILE_LIMIT: u64 = 8 * 1024;
/// Most files that are read.
const FILES: usize = 64;
/// Most addresses of one process.
const ADDRESSES: usize = 16;

/// Why a folder cannot be the meeting place.
#[derive(Debug, Error)]
pub enum MeetingPlaceError {
    /// It cannot be made or looked at.
    #[error("the meeting place {0} cannot be used: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// A symbolic link, a file, or another user's folder stands in its place: somebody else could leave addresses there.
    #[error("{0} is not a folder of this user alone; remove it")]
    NotOurs(PathBuf),
}

/// The folder where processes of one user on one machine leave their addresses.
#[derive(Debug)]
pub struct MeetingPlace {
    folder: PathBuf,
    own: PeerId,
}

#[derive(Debug, Serialize, Deserialize)]
struct Announcement {
    addresses: Vec<Multiaddr>,
}

impl MeetingPlace {
    /// Opens the folder, and makes it (0700) if it is not there. The folder around it must be there.
    ///
    /// # Errors
    /// It cannot be made, or is not this user's own.
    pub fn open(folder: &Path, own: PeerId) -> Result<Self, MeetingPlaceError> {
        let failed = |error| MeetingPlaceError::Io(folder.to_owned(), error);
        match make_folder(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        if !is_ours(folder).map_err(failed)? {
            return Err(MeetingPlaceError::NotOurs(folder.to_owned()));
        }
        Ok(Self {
            folder: folder.to_owned(),
            own,
        })
    }

    /// Leaves the own addresses, in place of those left before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn announce(&self, addresses: &[Multiaddr]) -> io::Result<()> {
        let addresses = addresses.iter().take(ADDRESSES).cloned().collect();
        let text = serde_json::to_vec(&Announcement { addresses })?;
        let path = self.file(&self.own);
        let unfinished = path.with_extension("new");
        // Left behind by a process with this device's key that was killed in the act.
        remove(&unfinished)?;
        private_file(&unfinished)?.write_all(&text)?;
        fs::rename(&unfinished, &path)
    }

    /// Whether the own file is there.
    pub fn is_announced(&self) -> bool {
        self.file(&self.own).exists()
    }

    /// Where the others are, as far as their files can be read.
    pub fn others(&self) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        entries
            .take(FILES)
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let peer: PeerId = path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok()?;
                if peer == self.own {
                    return None;
                }
                Some((peer, read(&path)?.addresses))
            })
            .collect()
    }

    /// Removes the file of a process that is not there.
    pub fn forget(&self, peer: &PeerId) {
        // Somebody else may have done it already.
        let _ = remove(&self.file(peer));
    }

    /// Removes the own file.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn withdraw(&self) -> io::Result<()> {
        remove(&self.file(&self.own))
    }

    fn file(&self, peer: &PeerId) -> PathBuf {
        self.folder.join(format!("{peer}.json"))
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn read(path: &Path) -> Option<Announcement> {
    let mut text = Vec::new();
    open_plain(path).ok()?.take(FILE_LIMIT).read_to_end(&mut text).ok()?;
    let mut announcement: Announcement = serde_json::from_slice(&text).ok()?;
    announcement.addresses.truncate(ADDRESSES);
    Some(announcement)
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(unix)]
fn is_ours(folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::symlink_metadata(folder)?;
    let own_user = rustix::process::geteuid().as_raw();
    Ok(found.is_dir() && found.uid() == own_user && found.mode() & 0o077 == 0)
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Opens a regular file; a link is not followed, and a pipe does not block.
#[cfg(unix)]
fn open_plain(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

/// Where folders have no owner and mode, the profile folder's own protection must do.
#[cfg(not(unix))]
fn is_ours(folder: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(folder)?.is_dir())
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(not(unix))]
fn open_plain(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Vec<Multiaddr> {
        vec!["/ip4/127.0.0.1/tcp/4001".parse().unwrap()]
    }

    fn place(root: &tempfile::TempDir) -> MeetingPlace {
        MeetingPlace::open(&root.path().join("meet"), PeerId::random()).unwrap()
    }

    #[test]
    fn who_is_there_is_found_and_who_leaves_is_not() {
        let root = tempfile::tempdir().unwrap();
        let (here, there) = (place(&root), place(&root));
        assert!(here.others().is_empty());
        there.announce(&addresses()).unwrap();
        there.announce(&addresses()).unwrap();
        here.announce(&addresses()).unwrap();
        assert_eq!(here.others(), [(there.own, addresses())]);
        assert!(there.is_announced());
        here.forget(&there.own);
        assert!(here.others().is_empty() && !there.is_announced());
        there.announce(&addresses()).unwrap();
        there.withdraw().unwrap();
        there.withdraw().unwrap();
        assert!(here.others().is_empty());
    }

    #[test]
    fn what_is_no_announcement_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let here = place(&root);
        let write = |name: &str, text: &str| fs::write(root.path().join("meet").join(name), text).unwrap();
        write("notes.txt", "x");
        write("somebody.json", r#"{"addresses":[]}"#);
        write(&format!("{}.json", PeerId::random()), "{");
        write(
            &format!("{}.json", PeerId::random()),
            r#"{"addresses":["not an address"]}"#,
        );
        write(
            &format!("{}.json", PeerId::random()),
            &format!(r#"{{"addresses":["{}"]}}"#, "x".repeat(9000)),
        );
        fs::create_dir(root.path().join("meet").join(format!("{}.json", PeerId::random()))).unwrap();
        assert!(here.others().is_empty());
        let many = vec![addresses()[0].clone(); 40];
        let text = serde_json::to_string(&Announcement { addresses: many }).unwrap();
        write(&format!("{}.json", PeerId::random()), &text);
        assert_eq!(here.others()[0].1.len(), ADDRESSES);
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt, symlink};

        use super::*;

        #[test]
        fn folder_and_files_are_the_users_alone() {
            let root = tempfile::tempdir().unwrap();
            let here = place(&root);
            here.announce(&addresses()).unwrap();
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&here.folder), 0o700);
            assert_eq!(mode(&here.file(&here.own)), 0o600);
        }

        #[test]
        fn a_folder_that_others_may_write_to_is_refused() {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join("meet");
            fs::create_dir(&folder).unwrap();
            let open = || MeetingPlace::open(&folder, PeerId::random());
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
            assert!(matches!(open(), Err(MeetingPlaceError::NotOurs(_))));
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
            assert!(open().is_ok());
            let link = root.path().join("link");
            symlink(&folder, &link).unwrap();
            let linked = MeetingPlace::open(&link, PeerId::random());
            assert!(matches!(linked, Err(MeetingPlaceError::NotOurs(_))));
            fs::write(root.path().join("file"), "").unwrap();
            let file = MeetingPlace::open(&root.path().join("file"), PeerId::random());
            assert!(matches!(file, Err(MeetingPlaceError::NotOurs(_))));
            let nowhere = MeetingPlace::open(&root.path().join("a/b"), PeerId::random());
            assert!(matches!(nowhere, Err(MeetingPlaceError::Io(..))));
        }

        #[test]
        fn links_and_pipes_in_it_are_not_opened() {
            let root = tempfile::tempdir().unwrap();
            let here = place(&root);
            let elsewhere = root.path().join("elsewhere");
            fs::write(&elsewhere, r#"{"addresses":["/ip4/127.0.0.1/tcp/1"]}"#).unwrap();
            symlink(&elsewhere, here.file(&PeerId::random())).unwrap();
            let pipe = here.file(&PeerId::random());
            rustix::fs::mknodat(
                rustix::fs::CWD,
                &pipe,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::from_raw_mode(0o600),
                0,
            )
            .unwrap();
            assert!(here.others().is_empty());
        }
    }
}
