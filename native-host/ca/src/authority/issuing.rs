//! Issuing certificates, with their keys.

use std::path::Path;

use corella_identity::{Certificate, Millis};
use data_encoding::HEXLOWER;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::AuthorityError;
use super::build::{self, Issuer, new_key};
use super::files::Name;

/// An issuing certificate and its key, as they are used.
#[derive(Clone)]
pub(super) struct Issuing {
    pub(super) certificate: Certificate,
    pub(super) x509: X509,
    pub(super) key: PKey<Private>,
    /// Its subject key identifier, in hexadecimal digits: by this its revocation list is called.
    pub(super) key_id: String,
}

impl Issuing {
    /// Reads both files, which have to fit each other and the root.
    pub(super) fn open(
        folder: &Path,
        certificate_file: Name,
        key_file: Name,
        root: &X509,
    ) -> Result<Self, AuthorityError> {
        let x509 = certificate_file.certificate(folder)?;
        let key = key_file.key(folder)?;
        if !key.public_eq(&*x509.public_key()?) {
            return Err(key_file.damaged(folder, "it is not the key of the certificate beside it"));
        }
        if !x509.verify(&*root.public_key()?)? {
            return Err(certificate_file.damaged(folder, "it is not signed by root.pem"));
        }
        let key_id = x509
            .subject_key_id()
            .map(|id| HEXLOWER.encode(id.as_slice()))
            .ok_or_else(|| certificate_file.damaged(folder, "it has no subject key identifier"))?;
        Ok(Self {
            certificate: Certificate::from_der(&x509.to_der()?)?,
            x509,
            key,
            key_id,
        })
    }

    pub(super) fn issuer(&self) -> Issuer<'_> {
        Issuer {
            certificate: &self.x509,
            key: &self.key,
        }
    }
}

/// A new issuing certificate, and its key.
pub(super) fn new(
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
