//! Opening and writing PKCS #12 files.

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::provider::Provider;
use openssl::stack::Stack;

use super::{Credential, CredentialError};

/// How often the passphrase is hashed, for the cipher (PBKDF2) and for the checksum: what guesses at it costs.
const ITERATIONS: u32 = 600_000;

/// OpenSSL's name for what went wrong if the passphrase did.
const MAC: &str = "mac verify failure";
/// And if it does not know a cipher.
const UNSUPPORTED: &str = "unsupported";

/// Opens a file. Older programs protect it with ciphers (RC2, triple DES with a key of 40 bits) that OpenSSL has in a
/// provider of its own, which is loaded if such a file comes along.
pub(super) fn open(file: &[u8], passphrase: &str) -> Result<ParsedPkcs12_2, CredentialError> {
    static LEGACY: OnceLock<Option<Provider>> = OnceLock::new();
    let container = Pkcs12::from_der(file).map_err(|_| CredentialError::NoPkcs12)?;
    let error = match container.parse2(passphrase) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    if !says(&error, UNSUPPORTED) {
        return Err(meaning(&error));
    }
    LEGACY
        .get_or_init(|| Provider::try_load(None, "legacy", true).ok())
        .as_ref()
        .ok_or(CredentialError::OldCiphers)?;
    container.parse2(passphrase).map_err(|error| meaning(&error))
}

/// Writes a file that any newer program opens: AES-256, with PBKDF2 and a checksum by SHA-256.
pub(super) fn write(credential: &Credential, passphrase: &str) -> Result<Vec<u8>, CredentialError> {
    // OpenSSL takes it as a string that ends there.
    if passphrase.contains('\0') {
        return Err(CredentialError::Passphrase);
    }
    let unreadable = || CredentialError::NoCertificate;
    let mut chain = Stack::new()?;
    for above in credential.chain() {
        chain.push(above.x509().ok_or_else(unreadable)?.clone())?;
    }
    let mut builder = Pkcs12::builder();
    builder
        .name(credential.address().as_str())
        .cert(credential.certificate().x509().ok_or_else(unreadable)?)
        .pkey(credential.private_key())
        .ca(chain)
        .key_algorithm(Nid::AES_256_CBC)
        .cert_algorithm(Nid::AES_256_CBC)
        .key_iter(ITERATIONS)
        .mac_iter(ITERATIONS)
        .mac_md(MessageDigest::sha256());
    Ok(builder.build2(passphrase)?.to_der()?)
}

fn meaning(error: &ErrorStack) -> CredentialError {
    if says(error, MAC) {
        CredentialError::Passphrase
    } else if says(error, UNSUPPORTED) {
        CredentialError::OldCiphers
    } else {
        CredentialError::NoPkcs12
    }
}

fn says(error: &ErrorStack, reason: &str) -> bool {
    error
        .errors()
        .iter()
        .any(|one| one.reason().is_some_and(|said| said.contains(reason)))
}
