//! The key of one installation. It names the device in the overlay and never leaves it.

use std::fmt;

use libp2p_identity::{Keypair, PeerId, ecdsa};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use thiserror::Error;

use crate::KeyKind;
use crate::credential::{CredentialError, private_key_from_pem};

/// Why a device key could not be read or written.
#[derive(Debug, Error)]
pub enum DeviceKeyError {
    /// The text is no unencrypted private key.
    #[error(transparent)]
    Unreadable(#[from] CredentialError),
    /// A private key, but not of this curve.
    #[error("the device key is no P-256 key")]
    OtherKind,
    /// OpenSSL failed at something that cannot fail on account of the input.
    #[error("the cryptographic library failed: {0}")]
    Library(#[from] ErrorStack),
}

/// A P-256 key made by this installation. `Debug` shows the peer id only.
#[derive(Clone)]
pub struct DeviceKey(ecdsa::Keypair);

impl DeviceKey {
    /// Makes a new key.
    pub fn generate() -> Self {
        Self(ecdsa::Keypair::generate())
    }

    /// Reads a key as [`DeviceKey::to_pem`] wrote it.
    ///
    /// # Errors
    /// Unreadable, encrypted, or not P-256.
    pub fn from_pem(pem: &[u8]) -> Result<Self, DeviceKeyError> {
        let key = private_key_from_pem(pem)?;
        if KeyKind::of(&key) != KeyKind::P256 {
            return Err(DeviceKeyError::OtherKind);
        }
        let scalar = key.ec_key()?.private_key().to_vec_padded(32)?;
        let secret = ecdsa::SecretKey::try_from_bytes(scalar).map_err(|_| DeviceKeyError::OtherKind)?;
        Ok(Self(secret.into()))
    }

    /// The private key in PKCS #8. Secret: for a 0600 file only.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn to_pem(&self) -> Result<String, DeviceKeyError> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let scalar = BigNum::from_slice(&self.0.secret().to_bytes())?;
        let mut context = BigNumContext::new()?;
        let point = EcPoint::from_bytes(&group, &self.0.public().to_bytes(), &mut context)?;
        let key = PKey::from_ec_key(EcKey::from_private_components(&group, &scalar, &point)?)?;
        Ok(crate::credential::key_to_pem(&key)?)
    }

    /// The key as libp2p uses it.
    pub fn keypair(&self) -> Keypair {
        self.0.clone().into()
    }

    /// The name of this device in the overlay.
    pub fn peer_id(&self) -> PeerId {
        self.keypair().public().to_peer_id()
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.peer_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_file() {
        let key = DeviceKey::generate();
        let pem = key.to_pem().unwrap();
        let again = DeviceKey::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(again.peer_id(), key.peer_id());
        let signature = again.keypair().sign(b"x").unwrap();
        assert!(key.keypair().public().verify(b"x", &signature));
        assert_ne!(DeviceKey::generate().peer_id(), key.peer_id());
    }

    #[test]
    fn other_keys_are_refused() {
        assert!(matches!(DeviceKey::from_pem(b""), Err(DeviceKeyError::Unreadable(_))));
        let group = EcGroup::from_curve_name(Nid::SECP384R1).unwrap();
        let other = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let pem = other.private_key_to_pem_pkcs8().unwrap();
        assert!(matches!(DeviceKey::from_pem(&pem), Err(DeviceKeyError::OtherKind)));
    }

    #[test]
    fn debug_does_not_show_the_secret() {
        let key = DeviceKey::generate();
        assert_eq!(format!("{key:?}"), format!("DeviceKey({})", key.peer_id()));
    }
}
