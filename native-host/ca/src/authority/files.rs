//! The files of an authority. Private ones are 0600, written whole or not at all.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::AuthorityError;

/// Largest file that is read.
const FILE_LIMIT: u64 = 256 * 1024;

pub(super) const ROOT: Name = Name("root.pem");
pub(super) const ROOT_KEY: Name = Name("root.key");
pub(super) const ISSUING: Name = Name("issuing.pem");
pub(super) const ISSUING_KEY: Name = Name("issuing.key");
pub(super) const FORMER: Name = Name("former.pem");
pub(super) const FORMER_KEY: Name = Name("former.key");
pub(super) const TOKEN: Name = Name("token.key");

/// One of the files in the authority's folder.
#[derive(Clone, Copy)]
pub(super) struct Name(&'static str);

impl Name {
    fn path(self, folder: &Path) -> PathBuf {
        folder.join(self.0)
    }

    pub(super) fn exists(self, folder: &Path) -> bool {
        self.path(folder).exists()
    }

    pub(super) fn damaged(self, folder: &Path, why: impl ToString) -> AuthorityError {
        AuthorityError::Damaged {
            path: self.path(folder),
            why: why.to_string(),
        }
    }

    pub(super) fn read(self, folder: &Path) -> Result<Vec<u8>, AuthorityError> {
        read(&self.path(folder))
    }

    pub(super) fn write(self, folder: &Path, bytes: &[u8]) -> Result<(), AuthorityError> {
        write_private(&self.path(folder), bytes)
    }

    pub(super) fn certificate(self, folder: &Path) -> Result<X509, AuthorityError> {
        X509::from_pem(&self.read(folder)?).map_err(|_| self.damaged(folder, "it holds no certificate in PEM form"))
    }

    pub(super) fn key(self, folder: &Path) -> Result<PKey<Private>, AuthorityError> {
        let pem = self.read(folder)?;
        // OpenSSL's own way with an encrypted key is to ask on the terminal.
        PKey::private_key_from_pem_callback(&pem, |_| Ok(0))
            .map_err(|_| self.damaged(folder, "it holds no private key in PEM form without a passphrase"))
    }
}

/// Makes a folder that only its owner reads.
pub(super) fn make_folder(folder: &Path) -> Result<(), AuthorityError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| failed("make the folder", folder, source))
}

/// A file of at most 256 KB.
///
/// # Errors
/// It is missing, larger, or unreadable.
pub fn read(path: &Path) -> Result<Vec<u8>, AuthorityError> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(FILE_LIMIT).read_to_end(&mut bytes))
        .map_err(|source| failed("read", path, source))?;
    Ok(bytes)
}

/// Writes a file that only its owner reads: beside it first, then in its place.
///
/// # Errors
/// The disk refuses.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), AuthorityError> {
    let beside = path.with_extension("new");
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| failed("write", path, source))
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> AuthorityError {
    AuthorityError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}
