//! The files that hold the private keys.
//!
//! ```text
//! device.key                             the device key
//! identities/<SHA-256 of the address>/   one directory for each own address
//!   current                              the address, and the fingerprint of the credential in use
//!   <fingerprint>.crt                    certificate and chain, PEM
//!   <fingerprint>.key                    private key, PEM
//!   request                              a key that waits for a certificate, and the name of the request for it
//!   roaming                              what follows from the secret for the user's other devices, if there is one
//! ```
//! Directories are 0700, files 0600; both are put right when they are found wider. A file is written under another name,
//! synced, renamed, and its directory synced: it is there whole or not at all. `current` is written last, so that an
//! interrupted change leaves the former credential in use. Files of former credentials stay: what was sealed to them is
//! not lost by accident.

#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use openssl::sha::sha256;
use thiserror::Error;

use crate::enrolment::{Pending, RequestError};
use crate::vault::Vault;
use crate::{AddressOfRecord, Credential, CredentialError, DeviceKey, DeviceKeyError, Fingerprint};

/// Largest file that is read.
const FILE_LIMIT: u64 = 256 * 1024;
const DEVICE_KEY: &str = "device.key";
const IDENTITIES: &str = "identities";
const CURRENT: &str = "current";
const ROAMING: &str = "roaming";
const REQUEST: &str = "request";

/// Why the keys could not be read or written.
#[derive(Debug, Error)]
pub enum KeystoreError {
    /// The disk refused.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried: "read", "write", "make the directory".
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file is there, and does not hold what it should. It is never overwritten.
    #[error("{path} is damaged: {why}; restore it from a backup, or move it away to start anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key cannot be written as text.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The device key cannot be written as text.
    #[error(transparent)]
    DeviceKey(#[from] DeviceKeyError),
    /// The key of a request cannot be written as text.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// The keys of one data directory. One process at a time: the data directory's lock is the caller's.
#[derive(Clone, Debug)]
pub struct Keystore {
    dir: PathBuf,
}

impl Keystore {
    /// Opens the key directory, which is made if it is missing.
    ///
    /// # Errors
    /// The directory cannot be made, or made private.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, KeystoreError> {
        let dir = dir.into();
        private_directory(&dir)?;
        private_directory(&dir.join(IDENTITIES))?;
        Ok(Self { dir })
    }

    /// The key of this installation; made on the first call.
    ///
    /// # Errors
    /// The file is damaged, or the disk refuses. A damaged key is not replaced: the device would change its name.
    pub fn device_key(&self) -> Result<DeviceKey, KeystoreError> {
        let path = self.dir.join(DEVICE_KEY);
        if let Some(pem) = read(&path)? {
            return DeviceKey::from_pem(&pem).map_err(|e| damaged(&path, e));
        }
        let key = DeviceKey::generate();
        write(&path, key.to_pem()?.as_bytes())?;
        Ok(key)
    }

    /// The credential in use for an own address, if there is one.
    ///
    /// # Errors
    /// A file is damaged or missing, or the disk refuses.
    pub fn credential(&self, address: &AddressOfRecord) -> Result<Option<Credential>, KeystoreError> {
        let dir = self.identity(address);
        let path = dir.join(CURRENT);
        let Some(current) = read(&path)? else { return Ok(None) };
        let (named, fingerprint) = parse_current(&current).ok_or_else(|| damaged(&path, "it is not of two lines"))?;
        if named != *address {
            return Err(damaged(&path, "it is for another address"));
        }
        self.of_fingerprint(address, fingerprint)
    }

    /// A credential that was once in use for an own address; `None` if it is not here.
    ///
    /// # Errors
    /// A file is damaged, or the disk refuses.
    pub fn former(
        &self,
        address: &AddressOfRecord,
        fingerprint: Fingerprint,
    ) -> Result<Option<Credential>, KeystoreError> {
        let (certificate_path, _) = pair(&self.identity(address), fingerprint);
        match read(&certificate_path)? {
            Some(_) => self.of_fingerprint(address, fingerprint),
            None => Ok(None),
        }
    }

    fn of_fingerprint(
        &self,
        address: &AddressOfRecord,
        fingerprint: Fingerprint,
    ) -> Result<Option<Credential>, KeystoreError> {
        let dir = self.identity(address);
        let (certificate_path, key_path) = pair(&dir, fingerprint);
        // The files belong together: to start anew, all of them must go.
        let wrong = |file: &Path, why: &dyn Display| {
            let name = file.file_name().unwrap_or_default().display();
            damaged(&dir, format!("in it, {name}: {why}"))
        };
        let certificate = read(&certificate_path)?.ok_or_else(|| wrong(&certificate_path, &"it is missing"))?;
        let key = read(&key_path)?.ok_or_else(|| wrong(&key_path, &"it is missing"))?;
        let credential = Credential::from_pem(&certificate, &key, address).map_err(|e| {
            let of_key = matches!(e, CredentialError::UnreadableKey | CredentialError::Encrypted);
            wrong(if of_key { &key_path } else { &certificate_path }, &e)
        })?;
        if credential.certificate().fingerprint() != fingerprint {
            return Err(wrong(
                &certificate_path,
                &"it holds another certificate than its name says",
            ));
        }
        Ok(Some(credential))
    }

    /// Writes a credential and puts it in use for its address. When this returns, it is on the disk.
    ///
    /// # Errors
    /// The disk refuses; then the former credential is still in use.
    pub fn save_credential(&self, credential: &Credential) -> Result<(), KeystoreError> {
        let dir = self.identity(credential.address());
        private_directory(&dir)?;
        let fingerprint = credential.certificate().fingerprint();
        let (certificate_path, key_path) = pair(&dir, fingerprint);
        write(&key_path, credential.key_pem()?.as_bytes())?;
        write(&certificate_path, credential.certificate_pem().as_bytes())?;
        let current = format!("{}\n{fingerprint}\n", credential.address());
        write(&dir.join(CURRENT), current.as_bytes())
    }

    /// What opens that which an own address keeps for its other devices, if it does.
    ///
    /// # Errors
    /// The file is damaged, or the disk refuses.
    pub fn vault(&self, address: &AddressOfRecord) -> Result<Option<Vault>, KeystoreError> {
        let path = self.identity(address).join(ROAMING);
        let Some(text) = read(&path)? else { return Ok(None) };
        let vault = Vault::from_text(address, &text);
        vault
            .map(Some)
            .ok_or_else(|| damaged(&path, "it is not of two or three lines"))
    }

    /// Keeps it from now on.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn save_vault(&self, vault: &Vault) -> Result<(), KeystoreError> {
        let dir = self.identity(vault.address());
        private_directory(&dir)?;
        write(&dir.join(ROAMING), vault.to_text().as_bytes())
    }

    /// Keeps it no longer.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn forget_vault(&self, address: &AddressOfRecord) -> Result<(), KeystoreError> {
        self.remove(address, ROAMING)
    }

    /// The request for a certificate of an own address that is under way, if one is.
    ///
    /// # Errors
    /// The file is damaged, or the disk refuses.
    pub fn request(&self, address: &AddressOfRecord) -> Result<Option<Pending>, KeystoreError> {
        let path = self.identity(address).join(REQUEST);
        let Some(text) = read(&path)? else { return Ok(None) };
        let text = std::str::from_utf8(&text).ok();
        let pending = text.and_then(|text| Pending::from_text(address, text));
        pending.map(Some).ok_or_else(|| damaged(&path, "it is no request"))
    }

    /// Keeps it from now on.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn save_request(&self, pending: &Pending) -> Result<(), KeystoreError> {
        let dir = self.identity(pending.key.address());
        private_directory(&dir)?;
        write(&dir.join(REQUEST), pending.to_text()?.as_bytes())
    }

    /// Keeps it no longer.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn forget_request(&self, address: &AddressOfRecord) -> Result<(), KeystoreError> {
        self.remove(address, REQUEST)
    }

    fn remove(&self, address: &AddressOfRecord, name: &str) -> Result<(), KeystoreError> {
        let dir = self.identity(address);
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Ok(()) => sync_directory(&dir).map_err(|e| failed("write", &dir, e)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(failed("remove", &path, e)),
        }
    }

    /// The own addresses that have a credential, sorted.
    ///
    /// # Errors
    /// A file is damaged, or the disk refuses.
    pub fn addresses(&self) -> Result<Vec<AddressOfRecord>, KeystoreError> {
        let dir = self.dir.join(IDENTITIES);
        let mut addresses = Vec::new();
        for entry in fs::read_dir(&dir).map_err(|e| failed("read", &dir, e))? {
            let path = entry.map_err(|e| failed("read", &dir, e))?.path().join(CURRENT);
            let Some(current) = read(&path)? else { continue };
            let (address, _) = parse_current(&current).ok_or_else(|| damaged(&path, "it is not of two lines"))?;
            addresses.push(address);
        }
        addresses.sort();
        Ok(addresses)
    }

    /// Reads everything that is there, and makes nothing.
    ///
    /// # Errors
    /// A file is damaged or missing, or the disk refuses.
    pub fn check(&self) -> Result<(), KeystoreError> {
        let path = self.dir.join(DEVICE_KEY);
        if let Some(pem) = read(&path)? {
            DeviceKey::from_pem(&pem).map_err(|e| damaged(&path, e))?;
        }
        self.addresses()?.iter().try_for_each(|address| {
            self.vault(address)?;
            self.request(address)?;
            self.credential(address).map(drop)
        })
    }

    /// An address may hold characters that no file name has, or be too long for one.
    fn identity(&self, address: &AddressOfRecord) -> PathBuf {
        self.dir
            .join(IDENTITIES)
            .join(hex::encode(sha256(address.as_str().as_bytes())))
    }
}

/// Certificate and key file.
fn pair(dir: &Path, fingerprint: Fingerprint) -> (PathBuf, PathBuf) {
    (
        dir.join(format!("{fingerprint}.crt")),
        dir.join(format!("{fingerprint}.key")),
    )
}

fn parse_current(bytes: &[u8]) -> Option<(AddressOfRecord, Fingerprint)> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (address, fingerprint) = text.split_once('\n')?;
    Some((address.parse().ok()?, fingerprint.parse().ok()?))
}

/// Reads a file whole, after making it private; `None` if it is not there.
fn read(path: &Path) -> Result<Option<Vec<u8>>, KeystoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&e.kind()) => return Ok(None),
        Err(e) => return Err(failed("read", path, e)),
    };
    private(&file, 0o600).map_err(|e| failed("make private", path, e))?;
    let mut bytes = Vec::new();
    (&file)
        .take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| failed("read", path, e))?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(damaged(path, "it is far too large"));
    }
    Ok(Some(bytes))
}

/// Writes a file so that it is there whole or not at all, also after a power failure.
fn write(path: &Path, bytes: &[u8]) -> Result<(), KeystoreError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let written = (|| {
        // 0600 from the first moment; removed again if anything fails.
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_directory(dir)
    })();
    written.map_err(|e| failed("write", path, e))
}

/// Makes a directory that only its owner may enter, or makes an existing one so.
fn private_directory(dir: &Path) -> Result<(), KeystoreError> {
    let made = (|| {
        if !dir.is_dir() {
            directory_builder().recursive(true).create(dir)?;
            sync_directory(dir.parent().unwrap_or(Path::new(".")))?;
        }
        private(&File::open(dir)?, 0o700)
    })();
    made.map_err(|e| failed("make the private directory", dir, e))
}

#[cfg(unix)]
fn directory_builder() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn directory_builder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// Takes the rights of others away; on systems without modes, the user's profile directory protects the files.
#[cfg(unix)]
fn private(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = file.metadata()?.permissions();
    if permissions.mode() & 0o777 == mode {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn private(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_directory(dir: &Path) -> io::Result<()> {
    // The parent of a relative name is the empty path.
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> KeystoreError {
    KeystoreError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

fn damaged(path: &Path, why: impl ToString) -> KeystoreError {
    KeystoreError::Damaged {
        path: path.to_owned(),
        why: why.to_string(),
    }
}
