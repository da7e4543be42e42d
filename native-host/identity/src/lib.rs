//! Addresses, keys, certificates, trust, and the sealing of messages.
//!
//! The room knows who somebody is and how that is proven. It has no clock and no sockets: times come in as
//! [`Millis`].
//!
//! - [`address`]: the address of record, in its one canonical form.
//! - [`certificate`], [`credential`]: what others see of an identity, and the owner's half with the private key.
//! - [`device`]: the key of one installation, which names it in the overlay.
//! - [`trust`]: the one place that decides which certificate is used for an address, and what it is worth.
//! - [`cpim`], [`seal`]: the message format that is signed, and the signing and encrypting.
//! - [`pass`]: a person's word that somebody is welcome to write.
//! - [`vault`]: what a person's devices share, encrypted with the person's secret.
//! - [`revocation`]: who may say that a certificate is not to be used any more, and how far that reaches.
//! - [`enrolment`]: how a certificate is asked for and proven by mail.
//! - [`invitation`]: how two people come to know each other's keys by mail, without an authority.
//! - [`keystore`]: the files that hold the private keys.

#![forbid(unsafe_code)]

pub mod address;
pub mod certificate;
pub mod cpim;
pub mod credential;
mod der;
pub mod device;
pub mod enrolment;
pub mod invitation;
pub mod keystore;
mod mime;
pub mod pass;
pub mod revocation;
pub mod seal;
#[cfg(test)]
mod testing;
pub mod trust;
pub mod vault;

pub use address::{AddressError, AddressOfRecord, MailAddress};
pub use certificate::{Certificate, CertificateError, Fingerprint, FingerprintError, KeyKind};
pub use credential::{Credential, CredentialError};
pub use device::{DeviceKey, DeviceKeyError};
pub use revocation::Revocation;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. May be negative; never read from a clock in this crate.
pub type Millis = i64;
