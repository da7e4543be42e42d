//! What others see of an identity: an X.509 certificate, read once, and its fingerprint.

mod outline;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Public};
use openssl::sha::{Sha256, sha256};
use openssl::sign::Verifier;
use openssl::x509::{X509, X509NameRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::{AddressOfRecord, Millis};
use outline::Outline;

/// Largest certificate that is read, in bytes of DER. S/MIME certificates have 1 to 3 KB.
pub const CERTIFICATE_LIMIT: usize = 16 * 1024;
/// Longest text that [`Certificate::issuer_name`] gives, in characters.
const NAME_LIMIT: usize = 120;
/// The curve of P-256 keys: OpenSSL takes longer to make it than to verify a signature.
static CURVE: OnceLock<EcGroup> = OnceLock::new();

/// Why bytes are no certificate.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// Over [`CERTIFICATE_LIMIT`].
    #[error("the certificate has {0} bytes; at most {CERTIFICATE_LIMIT} are read")]
    TooLarge(usize),
    /// Not an X.509 certificate.
    #[error("this is no readable X.509 certificate: {0}")]
    Unreadable(#[from] ErrorStack),
    /// An X.509 certificate with bytes after it, or not in its one DER form.
    #[error("the certificate is not in DER form, or is followed by other bytes")]
    NotCanonical,
    /// A part of it is missing or of an unknown shape.
    #[error("the certificate has no readable {0}")]
    Part(&'static str),
}

/// What kind of public key a certificate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Elliptic curve P-256, as a named curve.
    P256,
    /// RSA of 2048 to 4096 bits.
    Rsa,
    /// Anything else: may stand in a chain, but cannot sign or be sealed to here.
    Other,
}

impl KeyKind {
    /// The kind of a key.
    pub fn of<T: HasPublic>(key: &PKeyRef<T>) -> Self {
        match key.id() {
            Id::EC => match key.ec_key() {
                Ok(ec) if ec.group().curve_name() == Some(Nid::X9_62_PRIME256V1) => Self::P256,
                _ => Self::Other,
            },
            // The upper bound keeps one verification under a millisecond.
            Id::RSA if (2048..=4096).contains(&key.bits()) => Self::Rsa,
            _ => Self::Other,
        }
    }
}

/// A parsed X.509 certificate. Cloning is cheap. Equality is that of the DER bytes.
///
/// Parsing says nothing about trust: that is [`crate::trust`]'s.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    fingerprint: Fingerprint,
    outline: Outline,
    key: PKey<Public>,
    /// The same key, if it is of P-256.
    p256: Option<EcKey<Public>>,
    /// Made when it is needed first. `None`: OpenSSL does not say the same as the outline.
    x509: OnceLock<Option<X509>>,
    self_signed: OnceLock<bool>,
}

impl Certificate {
    /// Reads exactly one certificate in DER.
    ///
    /// # Errors
    /// Too large, unreadable, not DER, or followed by other bytes.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > CERTIFICATE_LIMIT {
            return Err(CertificateError::TooLarge(der.len()));
        }
        if let Some((outline, point)) = Outline::of_der(der)
            && let Ok(key) = p256(point)
        {
            let public = PKey::from_ec_key(key.clone())?;
            return Ok(Self::new(der.to_vec(), outline, public, Some(key), OnceLock::new()));
        }
        let x509 = X509::from_der(der)?;
        // One certificate, one fingerprint: BER forms and trailing bytes would give one certificate several.
        if x509.to_der()? != der {
            return Err(CertificateError::NotCanonical);
        }
        Self::from_x509(x509)
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        if pem.len() > 2 * CERTIFICATE_LIMIT {
            return Err(CertificateError::TooLarge(pem.len()));
        }
        Self::from_x509(X509::from_pem(pem)?)
    }

    pub(crate) fn from_x509(x509: X509) -> Result<Self, CertificateError> {
        let der = x509.to_der()?;
        if der.len() > CERTIFICATE_LIMIT {
            return Err(CertificateError::TooLarge(der.len()));
        }
        let key = x509.public_key()?;
        let outline = Outline::of_x509(&x509, &der, KeyKind::of(&key))?;
        let p256 = match outline.kind {
            KeyKind::P256 => Some(key.ec_key()?),
            KeyKind::Rsa | KeyKind::Other => None,
        };
        Ok(Self::new(der, outline, key, p256, OnceLock::from(Some(x509))))
    }

    fn new(
        der: Vec<u8>,
        outline: Outline,
        key: PKey<Public>,
        p256: Option<EcKey<Public>>,
        x509: OnceLock<Option<X509>>,
    ) -> Self {
        Self(Arc::new(Inner {
            fingerprint: Fingerprint(sha256(&der)),
            der,
            outline,
            key,
            p256,
            x509,
            self_signed: OnceLock::new(),
        }))
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certificate in PEM.
    pub fn to_pem(&self) -> String {
        pem("CERTIFICATE", &self.0.der)
    }

    /// SHA-256 of the DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// SHA-256 of its public key (SubjectPublicKeyInfo in DER): the same for all certificates of one key, and so what people
    /// compare.
    pub fn key_fingerprint(&self) -> Fingerprint {
        // OpenSSL can write a key that it has read; could it not, no two certificates would seem to have the same one.
        let key = self.public_key_der();
        Fingerprint(sha256(key.as_deref().unwrap_or(&self.0.der)))
    }

    /// The mail addresses it is for: the rfc822Names among its subject alternative names, canonical. Names that are no
    /// plain mail address are left out.
    pub fn addresses(&self) -> &[AddressOfRecord] {
        &self.0.outline.addresses
    }

    /// Whether it is for this address.
    pub fn speaks_for(&self, address: &AddressOfRecord) -> bool {
        self.0.outline.addresses.contains(address)
    }

    /// Whether it names itself as issuer and its own key made its signature.
    pub fn is_self_signed(&self) -> bool {
        *self.0.self_signed.get_or_init(|| self.is_signed_by(self))
    }

    /// Whether it names itself as its issuer. Cheaper than [`Certificate::is_self_signed`], and as good where nothing depends on
    /// it: anybody can do both.
    pub fn names_itself(&self) -> bool {
        self.names_as_issuer(self)
    }

    fn names_as_issuer(&self, issuer: &Certificate) -> bool {
        self.0.outline.issuer == issuer.0.outline.subject
    }

    /// Whether it names `issuer` as its issuer, and the issuer's key made its signature.
    pub(crate) fn is_signed_by(&self, issuer: &Certificate) -> bool {
        let is_signature_good = |x509: &X509| x509.verify(issuer.public_key()).unwrap_or(false);
        self.names_as_issuer(issuer) && self.x509().is_some_and(is_signature_good)
    }

    /// The issuer's name for people: its common name, else its organisation; at most 120 characters, none of them a
    /// control character. Empty if it has neither. An unproven claim unless the chain was verified.
    pub fn issuer_name(&self) -> String {
        self.x509()
            .map(|x509| display_name(x509.issuer_name()))
            .unwrap_or_default()
    }

    /// Its own name for people, as [`Certificate::issuer_name`] gives the issuer's.
    pub fn subject_name(&self) -> String {
        self.x509()
            .map(|x509| display_name(x509.subject_name()))
            .unwrap_or_default()
    }

    /// Its public key in DER (SubjectPublicKeyInfo).
    ///
    /// # Errors
    /// OpenSSL failed at something that cannot fail on account of the input.
    pub fn public_key_der(&self) -> Result<Vec<u8>, ErrorStack> {
        self.0.key.public_key_to_der()
    }

    /// The first moment at which it is valid.
    pub fn not_before(&self) -> Millis {
        self.0.outline.not_before
    }

    /// The last moment at which it is valid.
    pub fn not_after(&self) -> Millis {
        self.0.outline.not_after
    }

    /// Whether `now` is within its validity.
    pub fn valid_at(&self, now: Millis) -> bool {
        (self.0.outline.not_before..=self.0.outline.not_after).contains(&now)
    }

    /// Whether it may issue certificates (basicConstraints cA).
    pub fn is_ca(&self) -> bool {
        self.0.outline.is_ca
    }

    /// What kind of key it certifies.
    pub fn key_kind(&self) -> KeyKind {
        self.0.outline.kind
    }

    /// Whether the holder of its key signed `data`, with SHA-256. The signature is raw r‖s of 64 bytes for P-256 and
    /// PKCS #1 v1.5 for RSA. False for other keys.
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> bool {
        match (self.0.outline.kind, &self.0.p256) {
            (KeyKind::P256, Some(key)) => verify_p256(key, data, signature).unwrap_or(false),
            (KeyKind::Rsa, _) => verify_rsa(&self.0.key, data, signature).unwrap_or(false),
            _ => false,
        }
    }

    /// OpenSSL's certificate, for what only OpenSSL does: chains and CMS. `None` if OpenSSL reads it otherwise than it was read
    /// before, so that nobody is one person here and another there.
    pub(crate) fn x509(&self) -> Option<&X509> {
        let read = || {
            let x509 = X509::from_der(&self.0.der).ok()?;
            let key = x509.public_key().ok()?;
            let outline = Outline::of_x509(&x509, &self.0.der, KeyKind::of(&key)).ok()?;
            let is_same = x509.to_der().ok()? == self.0.der && outline == self.0.outline && key.public_eq(&self.0.key);
            is_same.then_some(x509)
        };
        self.0.x509.get_or_init(read).as_ref()
    }

    /// Whether both are for one key: a certificate issued anew for it changes nothing about who holds it.
    pub fn same_key(&self, other: &Self) -> bool {
        self.public_key().public_eq(other.public_key())
    }

    pub(crate) fn public_key(&self) -> &PKey<Public> {
        &self.0.key
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.fingerprint == other.0.fingerprint
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.0.fingerprint)
    }
}

/// DER as text between lines that name what it is (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let base64 = openssl::base64::encode_block(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

/// See [`Certificate::verify`]; for a key that has no certificate yet.
pub(crate) fn verify(key: &PKey<Public>, data: &[u8], signature: &[u8]) -> bool {
    let verified = match KeyKind::of(key) {
        KeyKind::P256 => key.ec_key().and_then(|key| verify_p256(&key, data, signature)),
        KeyKind::Rsa => verify_rsa(key, data, signature),
        KeyKind::Other => return false,
    };
    verified.unwrap_or(false)
}

fn verify_rsa(key: &PKey<Public>, data: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
    Verifier::new(MessageDigest::sha256(), key)?.verify_oneshot(signature, data)
}

fn verify_p256(key: &EcKey<Public>, data: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
    let Some((r, s)) = signature.split_at_checked(32).filter(|(_, s)| s.len() == 32) else {
        return Ok(false);
    };
    let signature = EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
    let mut hash = Sha256::new();
    hash.update(data);
    signature.verify(&hash.finish(), key)
}

/// The key that is this point, if it is on the curve.
fn p256(point: &[u8]) -> Result<EcKey<Public>, ErrorStack> {
    let curve = match CURVE.get() {
        Some(curve) => curve,
        None => {
            let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            CURVE.get_or_init(|| curve)
        }
    };
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(curve, point, &mut context)?;
    EcKey::from_public_key(curve, &point)
}

fn display_name(name: &X509NameRef) -> String {
    let entry = [Nid::COMMONNAME, Nid::ORGANIZATIONNAME]
        .into_iter()
        .find_map(|nid| name.entries_by_nid(nid).next());
    let text = entry
        .and_then(|entry| entry.data().to_string().ok())
        .unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(NAME_LIMIT).collect()
}

/// SHA-256 of a certificate's DER: 64 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a fingerprint is 64 hexadecimal digits")]
pub struct FingerprintError;

impl Fingerprint {
    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Takes 64 hexadecimal digits in either case.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| FingerprintError)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
