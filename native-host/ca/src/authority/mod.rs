//! The authority's keys, and what they sign.
//!
//! ```text
//! root.pem, root.key        the root: what people trust; its key signs only issuing certificates, and may be kept elsewhere
//! issuing.pem, issuing.key  what signs people's certificates and the revocation list
//! former.pem, former.key    the issuing key before this one: it still revokes what it has signed
//! token.key                 what the tokens in letters follow from
//! ```

mod build;
mod crl;
mod der;
mod files;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use corella_identity::{AddressOfRecord, Certificate, CertificateError, Fingerprint, Millis, Revocation, revocation};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::pkey::PKeyRef;
use openssl::pkey::{PKey, Private, Public};
use openssl::rand::rand_bytes;
use openssl::sha::sha256;
use openssl::x509::X509;
use thiserror::Error;

pub use crl::Revoked;
pub use files::{read, write_private};

use build::{Issuer, new_key};

const DAY: Millis = 24 * 60 * 60 * 1000;
/// How long people's certificates are valid.
pub const VALIDITY: Millis = 90 * DAY;
/// How long a revocation list is good. It is made anew with every revocation, and every hour.
pub const LIST_VALIDITY: Millis = 2 * DAY;

/// Why the authority cannot be made, opened or used.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// The disk refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// There is an authority already.
    #[error("{} holds an authority already; choose another folder, or move it away", .0.display())]
    Exists(PathBuf),
    /// A file does not hold what it should.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The issuing certificate ends before the certificates that it would sign.
    #[error("the issuing certificate ends too soon to sign others: make a new one with `corella-ca renew-issuing`")]
    Ending,
    /// A certificate that was made is not as it should be.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// OpenSSL failed.
    #[error("the cryptographic library failed: {0}")]
    Library(#[from] ErrorStack),
}

/// An authority that can sign.
#[derive(Clone)]
pub struct Authority {
    root: Certificate,
    issuing: Certificate,
    x509: X509,
    key: PKey<Private>,
    /// The issuing certificate and key before these.
    former: Option<(Certificate, PKey<Private>)>,
    token_key: [u8; 32],
    /// Where the revocation list is found.
    list_url: String,
}

impl Authority {
    /// Makes root, issuing key and token key in a folder. `name` is what people read; `now` is when they begin.
    ///
    /// # Errors
    /// There is an authority already, or the disk refuses.
    pub fn init(folder: &Path, name: &str, now: Millis) -> Result<Certificate, AuthorityError> {
        if files::ROOT.exists(folder) || files::ISSUING.exists(folder) {
            return Err(AuthorityError::Exists(folder.to_owned()));
        }
        let root_key = new_key()?;
        let root = build::root(name, &root_key, now)?;
        let (issuing, key) = new_issuing(name, &root, &root_key, now)?;
        let mut token_key = [0; 32];
        rand_bytes(&mut token_key)?;
        files::make_folder(folder)?;
        files::TOKEN.write(folder, &token_key)?;
        files::ISSUING_KEY.write(folder, &key.private_key_to_pem_pkcs8()?)?;
        files::ISSUING.write(folder, &issuing.to_pem()?)?;
        files::ROOT_KEY.write(folder, &root_key.private_key_to_pem_pkcs8()?)?;
        files::ROOT.write(folder, &root.to_pem()?)?;
        Ok(Certificate::from_der(&root.to_der()?)?)
    }

    /// Opens what [`Authority::init`] made. `url` is where people reach the authority.
    ///
    /// # Errors
    /// A file is missing or damaged.
    pub fn open(folder: &Path, url: &str) -> Result<Self, AuthorityError> {
        let root = files::ROOT.certificate(folder)?;
        let issuing = files::ISSUING.certificate(folder)?;
        let key = files::ISSUING_KEY.key(folder)?;
        if !key.public_eq(&*issuing.public_key()?) {
            return Err(files::ISSUING_KEY.damaged(folder, "it is not the key of issuing.pem"));
        }
        if !issuing.verify(&*root.public_key()?)? {
            return Err(files::ISSUING.damaged(folder, "it is not signed by root.pem"));
        }
        let token_key = files::TOKEN.read(folder)?;
        let token_key = <[u8; 32]>::try_from(token_key.as_slice())
            .map_err(|_| files::TOKEN.damaged(folder, "it has not 32 bytes"))?;
        let former = if files::FORMER.exists(folder) {
            let former = files::FORMER.certificate(folder)?;
            Some((
                Certificate::from_der(&former.to_der()?)?,
                files::FORMER_KEY.key(folder)?,
            ))
        } else {
            None
        };
        Ok(Self {
            former,
            root: Certificate::from_der(&root.to_der()?)?,
            issuing: Certificate::from_der(&issuing.to_der()?)?,
            x509: issuing,
            key,
            token_key,
            list_url: format!("{}/revoked.crl", url.trim_end_matches('/')),
        })
    }

    /// Makes a new issuing key and certificate in place of the old, with the root's key.
    ///
    /// # Errors
    /// The root's key is not here, or the disk refuses.
    pub fn renew_issuing(folder: &Path, name: &str, now: Millis) -> Result<Certificate, AuthorityError> {
        let root = files::ROOT.certificate(folder)?;
        let root_key = files::ROOT_KEY.key(folder)?;
        let (issuing, key) = new_issuing(name, &root, &root_key, now)?;
        files::FORMER_KEY.write(folder, &files::ISSUING_KEY.read(folder)?)?;
        files::FORMER.write(folder, &files::ISSUING.read(folder)?)?;
        files::ISSUING_KEY.write(folder, &key.private_key_to_pem_pkcs8()?)?;
        files::ISSUING.write(folder, &issuing.to_pem()?)?;
        Ok(Certificate::from_der(&issuing.to_der()?)?)
    }

    /// The fingerprint of the root: what people compare before they trust it.
    pub fn fingerprint(&self) -> Fingerprint {
        self.root.fingerprint()
    }

    /// The root and the issuing certificate.
    pub fn chain(&self) -> [&Certificate; 2] {
        [&self.issuing, &self.root]
    }

    /// What the tokens of requests follow from.
    pub fn token_key(&self) -> &[u8; 32] {
        &self.token_key
    }

    /// A certificate for this address and key, from an hour before `now` for [`VALIDITY`].
    ///
    /// # Errors
    /// The issuing certificate ends before.
    pub fn certify(
        &self,
        address: &AddressOfRecord,
        key: &PKey<Public>,
        now: Millis,
    ) -> Result<Certificate, AuthorityError> {
        if !self.issuing.valid_at(now) || !self.issuing.valid_at(now + VALIDITY) {
            return Err(AuthorityError::Ending);
        }
        let issuer = Issuer {
            certificate: &self.x509,
            key: &self.key,
        };
        let certificate = build::person(address, key, &issuer, &self.list_url, now)?;
        Ok(Certificate::from_der(&certificate.to_der()?)?)
    }

    /// The record that tells the overlay that a certificate is revoked (`overlay/RECORDS.md`), signed by the key that issued it; `None`
    /// if that key is not here any more.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn revocation(
        &self,
        address: &AddressOfRecord,
        certificate: &Certificate,
        now: Millis,
    ) -> Result<Option<String>, AuthorityError> {
        let former = self.former.iter().map(|(certificate, key)| (certificate, key));
        for (issuer, key) in std::iter::once((&self.issuing, &self.key)).chain(former) {
            if let Some(revocation) = Revocation::by(issuer, address, certificate) {
                return Ok(revocation::record(&revocation, now, |data| sign(key, data))?);
            }
        }
        Ok(None)
    }

    /// The revocation list (RFC 5280 section 5, DER). `number` grows with every list.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn revocation_list(&self, revoked: &[Revoked], number: u32, now: Millis) -> Result<Vec<u8>, AuthorityError> {
        Ok(crl::build(&self.x509, &self.key, revoked, number, now)?)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// A new issuing certificate, and its key.
fn new_issuing(
    name: &str,
    root: &X509,
    root_key: &PKey<Private>,
    now: Millis,
) -> Result<(X509, PKey<Private>), AuthorityError> {
    let key = new_key()?;
    let root = Issuer {
        certificate: root,
        key: root_key,
    };
    Ok((build::issuing(name, &root, &key, now)?, key))
}

/// ECDSA with SHA-256, as r and s of 32 bytes each.
fn sign(key: &PKeyRef<Private>, data: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let signature = EcdsaSig::sign(&sha256(data), &*key.ec_key()?)?;
    Ok([signature.r().to_vec_padded(32)?, signature.s().to_vec_padded(32)?].concat())
}
