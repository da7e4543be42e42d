//! The authority's keys, and what they sign.
//!
//! ```text
//! root.pem, root.key        the root: what people trust; its key signs only issuing certificates, and may be kept elsewhere
//! issuing.pem, issuing.key  what signs people's certificates and the revocation list
//! former.pem, former.key    the issuing key before this one: it still revokes what it has signed, and signs a revocation list of its own
//! token.key                 what the tokens in letters follow from
//! ```

mod build;
mod crl;
mod der;
mod files;
mod issuing;
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
use openssl::x509::{X509, X509VerifyResult};
use thiserror::Error;

pub use crl::{RevocationList, Revoked};
pub use files::{read, write_private};

use build::new_key;
use issuing::Issuing;

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
    issuing: Issuing,
    /// The one before.
    former: Option<Issuing>,
    token_key: [u8; 32],
    /// Where people reach it, without a slash at the end.
    url: String,
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
        let (issuing, key) = issuing::new(name, &root, &root_key, now)?;
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
        let issuing = Issuing::open(folder, files::ISSUING, files::ISSUING_KEY, &root)?;
        let former = files::FORMER
            .exists(folder)
            .then(|| Issuing::open(folder, files::FORMER, files::FORMER_KEY, &root))
            .transpose()?;
        let token_key = files::TOKEN.read(folder)?;
        let token_key = <[u8; 32]>::try_from(token_key.as_slice())
            .map_err(|_| files::TOKEN.damaged(folder, "it has not 32 bytes"))?;
        Ok(Self {
            root: Certificate::from_der(&root.to_der()?)?,
            issuing,
            former,
            token_key,
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    /// Makes a new issuing key and certificate in place of the old, with the root's key.
    ///
    /// # Errors
    /// The root's key is not here, or the disk refuses.
    pub fn renew_issuing(folder: &Path, name: &str, now: Millis) -> Result<Certificate, AuthorityError> {
        let root = files::ROOT.certificate(folder)?;
        let root_key = files::ROOT_KEY.key(folder)?;
        let (issuing, key) = issuing::new(name, &root, &root_key, now)?;
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

    /// What is above certificates that are issued now: the issuing certificate and the root.
    pub fn chain(&self) -> [&Certificate; 2] {
        [&self.issuing.certificate, &self.root]
    }

    /// What is above a certificate that was issued, with this issuing key or the one before.
    pub fn chain_of(&self, certificate: &Certificate) -> [&Certificate; 2] {
        let issued = X509::from_der(certificate.der()).ok();
        let is_above = |one: &&Issuing| {
            let verdict = issued.as_ref().map(|issued| one.x509.issued(issued));
            verdict == Some(X509VerifyResult::OK)
        };
        let issuer = self.issuings().find(is_above);
        [&issuer.unwrap_or(&self.issuing).certificate, &self.root]
    }

    /// All issuing keys that are here, the one that signs now first.
    fn issuings(&self) -> impl Iterator<Item = &Issuing> {
        std::iter::once(&self.issuing).chain(&self.former)
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
        let issuing = &self.issuing;
        if !issuing.certificate.valid_at(now) || !issuing.certificate.valid_at(now + VALIDITY) {
            return Err(AuthorityError::Ending);
        }
        let list_url = format!("{}/revoked/{}.crl", self.url, issuing.key_id);
        let certificate = build::person(address, key, &issuing.issuer(), &list_url, now)?;
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
        for issuing in self.issuings() {
            if let Some(revocation) = Revocation::by(&issuing.certificate, address, certificate) {
                return Ok(revocation::record(&revocation, now, |data| sign(&issuing.key, data))?);
            }
        }
        Ok(None)
    }

    /// The revocation lists, one of each issuing key, the one of the key that signs now first: verifiers take a list only from the key
    /// that has signed the certificate. Each names all that is revoked, for it is one authority that speaks. `number` grows each time.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn revocation_lists(
        &self,
        revoked: &[Revoked],
        number: u32,
        now: Millis,
    ) -> Result<Vec<RevocationList>, AuthorityError> {
        let lists = self.issuings().map(|issuing| {
            Ok(RevocationList {
                key_id: issuing.key_id.clone(),
                der: crl::build(&issuing.issuer(), revoked, number, now)?,
            })
        });
        lists.collect()
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// ECDSA with SHA-256, as r and s of 32 bytes each.
fn sign(key: &PKeyRef<Private>, data: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let signature = EcdsaSig::sign(&sha256(data), &*key.ec_key()?)?;
    Ok([signature.r().to_vec_padded(32)?, signature.s().to_vec_padded(32)?].concat())
}
