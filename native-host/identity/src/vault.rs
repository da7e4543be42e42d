//! What a person keeps for their own devices, encrypted with a secret that only the person knows.
//!
//! Secret and address give, by a memory-hard function (Argon2id, RFC 9106), the label under which the content is looked
//! for and the key that opens it. Whoever stores the content sees the label, and may guess secrets against it: each guess
//! costs as much as the derivation does here, so a secret of a few common words is no good. Where the person's credential is
//! part of the content the secret is worth as much as the credential, and has to be longer.

use argon2::{Algorithm, Argon2, Params, Version};
use openssl::error::ErrorStack;
use openssl::rand::rand_bytes;
use openssl::sha::sha256;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::AddressOfRecord;

/// Fewest characters of a secret.
pub const SECRET_LENGTH: usize = 12;
/// Fewest characters of a secret that the credential is kept under.
pub const CREDENTIAL_SECRET_LENGTH: usize = 16;
/// How [`Vault::to_text`] says that the credential is kept, too.
const CARRIES_CREDENTIAL: &str = "credential";
/// Argon2id's memory in KiB, passes and lanes: the second recommendation of RFC 9106 section 4, with one lane.
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// AES-256-GCM: sizes of key, nonce and tag in bytes.
const KEY: usize = 32;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Says what is encrypted, and in which version of this format.
const PURPOSE: &str = "corella private 1";

/// Why content cannot be sealed or opened.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum VaultError {
    /// The secret has fewer characters than it needs for what is kept under it.
    #[error("the secret is too short: it needs at least {least} characters")]
    ShortSecret {
        /// How many it needs.
        least: usize,
    },
    /// The content was not encrypted with this secret for this address, or was changed.
    #[error("this secret does not open the content")]
    WrongSecret,
    /// There is not enough memory, or the cryptographic library failed.
    #[error("the secret could not be worked with: {0}")]
    Library(String),
}

/// What follows from a person's secret. It holds key material: it has no `Debug`, and only [`crate::keystore`] writes it down.
pub struct Vault {
    address: AddressOfRecord,
    label: [u8; 32],
    key: [u8; KEY],
    carries_credential: bool,
}

impl Vault {
    /// As [`Vault::derive`], for content of which the credential is part.
    ///
    /// # Errors
    /// [`VaultError::ShortSecret`] below [`CREDENTIAL_SECRET_LENGTH`]; [`VaultError::Library`] if there is not enough memory.
    pub fn derive_for_credential(address: &AddressOfRecord, secret: &str) -> Result<Self, VaultError> {
        let mut vault = Self::derive_from(address, secret, CREDENTIAL_SECRET_LENGTH)?;
        vault.carries_credential = true;
        Ok(vault)
    }

    /// Derives label and key. Takes 64 MiB and long enough to be noticed: not for a thread that others wait for. Secrets that
    /// look the same are the same: compatibility forms and white space at the ends and between words do not count.
    ///
    /// # Errors
    /// [`VaultError::ShortSecret`]; [`VaultError::Library`] if there is not enough memory.
    pub fn derive(address: &AddressOfRecord, secret: &str) -> Result<Self, VaultError> {
        Self::derive_from(address, secret, SECRET_LENGTH)
    }

    fn derive_from(address: &AddressOfRecord, secret: &str, least: usize) -> Result<Self, VaultError> {
        let normal: String = secret.nfkc().collect();
        let normal = normal.split_whitespace().collect::<Vec<_>>().join(" ");
        if normal.chars().count() < least {
            return Err(VaultError::ShortSecret { least });
        }
        let salt = sha256(format!("{PURPOSE} {address}").as_bytes());
        let library = |error: argon2::Error| VaultError::Library(error.to_string());
        let params = Params::new(MEMORY, PASSES, LANES, Some(2 * KEY)).map_err(library)?;
        let mut derived = [0; 2 * KEY];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(normal.as_bytes(), &salt, &mut derived)
            .map_err(library)?;
        let (mut label, mut key) = ([0; 32], [0; KEY]);
        label.copy_from_slice(&derived[..32]);
        key.copy_from_slice(&derived[32..]);
        Ok(Self {
            address: address.clone(),
            label,
            key,
            carries_credential: false,
        })
    }

    /// Whether the credential is kept here, too.
    pub fn carries_credential(&self) -> bool {
        self.carries_credential
    }

    /// Another of the person's devices keeps the credential under this secret: so does this one.
    pub fn carry_credential(&mut self) {
        self.carries_credential = true;
    }

    /// Where the content is looked for. It tells nothing of the key.
    pub fn label(&self) -> &[u8; 32] {
        &self.label
    }

    /// The person.
    pub fn address(&self) -> &AddressOfRecord {
        &self.address
    }

    /// A number for one of the person's devices, the same each time, that tells others nothing of the device.
    pub fn number_of(&self, device: &str) -> [u8; 16] {
        let digest = sha256(&[b"corella private device ", &self.key[..], device.as_bytes()].concat());
        let mut number = [0; 16];
        number.copy_from_slice(&digest[..16]);
        number
    }

    /// Label and key as text, to be kept by [`crate::keystore`] so that the secret need not be.
    pub(crate) fn to_text(&self) -> String {
        let credential = if self.carries_credential {
            format!("{CARRIES_CREDENTIAL}\n")
        } else {
            String::new()
        };
        format!("{}\n{}\n{credential}", hex::encode(self.label), hex::encode(self.key))
    }

    /// What [`Vault::to_text`] gave.
    pub(crate) fn from_text(address: &AddressOfRecord, text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
        let (label, rest) = text.split_once('\n')?;
        let (key, carries_credential) = match rest.split_once('\n') {
            Some((key, CARRIES_CREDENTIAL)) => (key, true),
            Some(_) => return None,
            None => (rest, false),
        };
        let bytes = |text: &str| <[u8; 32]>::try_from(hex::decode(text).ok()?).ok();
        Some(Self {
            address: address.clone(),
            label: bytes(label)?,
            key: bytes(key)?,
            carries_credential,
        })
    }

    /// Encrypts content for this person's devices.
    ///
    /// # Errors
    /// [`VaultError::Library`].
    pub fn seal(&self, content: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        rand_bytes(&mut nonce)?;
        let mut tag = [0; TAG];
        let encrypted = encrypt_aead(
            Cipher::aes_256_gcm(),
            &self.key,
            Some(&nonce),
            &self.bound_to(),
            content,
            &mut tag,
        )?;
        Ok([&nonce[..], &encrypted, &tag].concat())
    }

    /// Decrypts what a device of this person has sealed.
    ///
    /// # Errors
    /// [`VaultError::WrongSecret`].
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE).ok_or(VaultError::WrongSecret)?;
        let split = rest.len().checked_sub(TAG).ok_or(VaultError::WrongSecret)?;
        let (encrypted, tag) = rest.split_at(split);
        decrypt_aead(
            Cipher::aes_256_gcm(),
            &self.key,
            Some(nonce),
            &self.bound_to(),
            encrypted,
            tag,
        )
        .map_err(|_| VaultError::WrongSecret)
    }

    /// What is authenticated beside the content: nothing of one person can be shown as another's.
    fn bound_to(&self) -> Vec<u8> {
        format!("{PURPOSE} {}", self.address).into_bytes()
    }
}

impl From<ErrorStack> for VaultError {
    fn from(error: ErrorStack) -> Self {
        Self::Library(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(address: &str, secret: &str) -> Result<Vault, VaultError> {
        Vault::derive(&address.parse().unwrap(), secret)
    }

    #[test]
    fn the_secret_opens_and_nothing_else_does() {
        let bob = vault("bob@example.net", "correct horse battery").unwrap();
        let sealed = bob.seal(b"carol, dave").unwrap();
        assert_ne!(bob.seal(b"carol, dave").unwrap(), sealed);
        let again = vault("Bob@Example.net", "  correct horse\tbattery ").unwrap();
        assert_eq!(again.label(), bob.label());
        assert_eq!(again.open(&sealed).unwrap(), b"carol, dave");
        for other in [
            vault("bob@example.net", "correct horse batterY").unwrap(),
            vault("alice@example.net", "correct horse battery").unwrap(),
        ] {
            assert_ne!(other.label(), bob.label());
            assert_eq!(other.open(&sealed), Err(VaultError::WrongSecret));
        }
        for at in [0, 12, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(bob.open(&changed), Err(VaultError::WrongSecret));
        }
        for cut in [0, 5, 12, 20, sealed.len() - 1] {
            assert_eq!(bob.open(&sealed[..cut]), Err(VaultError::WrongSecret));
        }
    }

    #[test]
    fn a_short_secret_is_refused() {
        for secret in ["", "short", "           ", "twelve  char"] {
            assert_eq!(
                vault("bob@example.net", secret).err(),
                Some(VaultError::ShortSecret { least: SECRET_LENGTH }),
                "{secret}"
            );
        }
        // Long enough for a list, and not for a key.
        let bob = "bob@example.net".parse().unwrap();
        let short = Vault::derive_for_credential(&bob, "fifteen letters");
        let least = CREDENTIAL_SECRET_LENGTH;
        assert_eq!(short.err(), Some(VaultError::ShortSecret { least }));
    }

    #[test]
    fn what_follows_from_the_secret_is_kept_with_whether_the_credential_is() {
        let address = "bob@example.net".parse().unwrap();
        for carries in [false, true] {
            let mut vault = Vault::derive(&address, "correct horse battery").unwrap();
            if carries {
                vault.carry_credential();
            }
            let text = vault.to_text();
            let again = Vault::from_text(&address, text.as_bytes()).unwrap();
            assert_eq!(again.carries_credential(), carries);
            assert_eq!((again.label, again.key), (vault.label, vault.key));
            for wrong in [format!("{text}\n"), format!("{text}more\n"), text.replace('\n', "")] {
                assert!(Vault::from_text(&address, wrong.as_bytes()).is_none(), "{wrong}");
            }
        }
    }

    /// Fixed for good: another derivation would lose what was stored before. The reference implementation (argon2-cffi's
    /// `hash_secret_raw`) gives the same.
    #[test]
    fn the_derivation_stays_as_it_is() {
        let bob = vault("bob@example.net", "correct horse battery").unwrap();
        assert_eq!(
            hex::encode(bob.label()),
            "54f2c7d783229433754b16a60812f40f7e2fc399ceb23f6d0e8e2e574a7f5d6f"
        );
    }
}
