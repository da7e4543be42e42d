//! The owner's half of an identity: the certificate with its private key.

mod pkcs12;

use std::fmt;
use std::sync::Arc;

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::sha::sha256;
use openssl::sign::Signer;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Name, X509NameBuilder};
use thiserror::Error;

use crate::{AddressOfRecord, Certificate, CertificateError, KeyKind, Millis};

/// How long a self-signed certificate is valid: ten years.
const VALIDITY: Millis = 3652 * DAY;
/// Clocks differ: a new certificate is valid from a day ago.
const HEAD_START: Millis = DAY;
const DAY: Millis = 24 * 60 * 60 * 1000;
/// Largest PEM text that is read.
const PEM_LIMIT: usize = 128 * 1024;
/// Largest PKCS #12 file that is read.
pub const PKCS12_LIMIT: usize = 256 * 1024;
/// Most certificates of one chain, the leaf included.
const CHAIN_LIMIT: usize = 8;
/// Longest common name (RFC 5280 appendix A, ub-common-name).
const COMMON_NAME_LIMIT: usize = 64;

/// Why a credential could not be made, read or used.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// The certificate text is no certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// There is no certificate in the PEM text.
    #[error("the certificate file holds no certificate in PEM form")]
    NoCertificate,
    /// A PEM text is too large, or the chain too long.
    #[error(
        "the certificate file or the key file is too large: at most {CHAIN_LIMIT} certificates and {PEM_LIMIT} bytes are read"
    )]
    TooLarge,
    /// The certificate is for others.
    #[error("the certificate is not for this address: it lacks it as an e-mail name in its subject alternative names")]
    OtherAddress,
    /// A certificate of an authority is not used as a person's.
    #[error("this is the certificate of an authority, not of a person")]
    Authority,
    /// The key is neither P-256 nor RSA of 2048 to 4096 bits.
    #[error("the certificate's key cannot be used: it must be P-256, or RSA of 2048 to 4096 bits")]
    KeyKind,
    /// The private key is protected by a passphrase.
    #[error("the private key is encrypted; save it without a passphrase first")]
    Encrypted,
    /// The key text is no private key.
    #[error("the key file holds no readable private key in PEM form")]
    UnreadableKey,
    /// The file is no PKCS #12.
    #[error("the file is no PKCS #12 file (.p12, .pfx) with a certificate and its key")]
    NoPkcs12,
    /// The passphrase does not open the file.
    #[error("the passphrase does not open the file")]
    Passphrase,
    /// The file is protected with ciphers that are not to be had here.
    #[error("the file is protected in an old way that cannot be read on this computer; export it anew with AES")]
    OldCiphers,
    /// Certificate and key are of different pairs.
    #[error("the private key does not belong to the certificate")]
    OtherKey,
    /// OpenSSL failed at something that cannot fail on account of the input.
    #[error("the cryptographic library failed: {0}")]
    Library(#[from] ErrorStack),
}

/// A certificate for one own address, its chain, and its private key. Cloning is cheap. `Debug` never shows the key.
#[derive(Clone)]
pub struct Credential(Arc<Inner>);

struct Inner {
    address: AddressOfRecord,
    certificate: Certificate,
    chain: Vec<Certificate>,
    key: PKey<Private>,
}

impl Credential {
    /// Makes a P-256 key and a certificate for `address`, signed by the key itself, valid from a day before `now` for ten
    /// years.
    ///
    /// # Errors
    /// Only if OpenSSL fails, or `now` is not in a year that a certificate can express.
    pub fn self_signed(address: &AddressOfRecord, now: Millis) -> Result<Self, CredentialError> {
        let key = new_p256_key()?;
        let certificate = Certificate::from_x509(self_signed_x509(address, &key, now)?)?;
        Ok(Self(Arc::new(Inner {
            address: address.clone(),
            certificate,
            chain: Vec::new(),
            key,
        })))
    }

    /// Reads a certificate (leaf first, the rest of its chain after it) and its private key (PKCS #8, SEC 1 or PKCS #1,
    /// not encrypted).
    ///
    /// # Errors
    /// Unreadable, for another address, a key that does not belong to it or is of a kind not used here.
    pub fn from_pem(cert_pem: &[u8], key_pem: &[u8], address: &AddressOfRecord) -> Result<Self, CredentialError> {
        if cert_pem.len() > PEM_LIMIT || key_pem.len() > PEM_LIMIT {
            return Err(CredentialError::TooLarge);
        }
        let mut chain = Vec::new();
        for x509 in X509::stack_from_pem(cert_pem).map_err(CertificateError::from)? {
            chain.push(Certificate::from_x509(x509)?);
        }
        Self::of(chain, address, || private_key_from_pem(key_pem))
    }

    /// Reads a certificate, its chain and its private key from a PKCS #12 file (RFC 7292), such as mail programs and browsers
    /// export.
    ///
    /// # Errors
    /// No such file, another passphrase, for another address, or a key of a kind not used here.
    pub fn from_pkcs12(file: &[u8], passphrase: &str, address: &AddressOfRecord) -> Result<Self, CredentialError> {
        if file.len() > PKCS12_LIMIT {
            return Err(CredentialError::TooLarge);
        }
        let parsed = pkcs12::open(file, passphrase)?;
        let own = parsed.cert.ok_or(CredentialError::NoPkcs12)?;
        let key = parsed.pkey.ok_or(CredentialError::NoPkcs12)?;
        let mut chain = vec![Certificate::from_x509(own)?];
        for above in parsed.ca.into_iter().flatten() {
            chain.push(Certificate::from_x509(above)?);
        }
        Self::of(chain, address, || Ok(key))
    }

    /// Certificate, chain and private key as a PKCS #12 file (RFC 7292) under a passphrase, for safe keeping and for mail programs.
    /// Takes about a second.
    ///
    /// # Errors
    /// [`CredentialError::Passphrase`] if it holds a NUL; else only if OpenSSL fails.
    pub fn to_pkcs12(&self, passphrase: &str) -> Result<Vec<u8>, CredentialError> {
        pkcs12::write(self, passphrase)
    }

    /// Leaf first.
    fn of(
        mut chain: Vec<Certificate>,
        address: &AddressOfRecord,
        key: impl FnOnce() -> Result<PKey<Private>, CredentialError>,
    ) -> Result<Self, CredentialError> {
        if chain.len() > CHAIN_LIMIT {
            return Err(CredentialError::TooLarge);
        }
        if chain.is_empty() {
            return Err(CredentialError::NoCertificate);
        }
        let certificate = chain.remove(0);
        if !certificate.speaks_for(address) {
            return Err(CredentialError::OtherAddress);
        }
        if certificate.is_ca() {
            return Err(CredentialError::Authority);
        }
        if certificate.key_kind() == KeyKind::Other {
            return Err(CredentialError::KeyKind);
        }
        let key = key()?;
        if !key.public_eq(certificate.public_key()) {
            return Err(CredentialError::OtherKey);
        }
        Ok(Self(Arc::new(Inner {
            address: address.clone(),
            certificate,
            chain,
            key,
        })))
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// The certificates between the own one and its authority, as they were imported.
    pub fn chain(&self) -> &[Certificate] {
        &self.0.chain
    }

    /// The own address it is used for.
    pub fn address(&self) -> &AddressOfRecord {
        &self.0.address
    }

    /// Signs `data` with SHA-256, as [`Certificate::verify`] expects it: raw r‖s for P-256, PKCS #1 v1.5 for RSA.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn sign(&self, data: &[u8]) -> Result<Vec<u8>, CredentialError> {
        sign(&self.0.key, data)
    }

    /// The certificate and its chain, leaf first.
    pub fn certificate_pem(&self) -> String {
        let own = self.0.certificate.to_pem();
        self.0
            .chain
            .iter()
            .fold(own, |pem, certificate| pem + &certificate.to_pem())
    }

    /// The private key in PKCS #8. Secret: whoever has this text is this person. It may be written to a 0600 file or a
    /// sealed record, and never to a log or the add-on.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn key_pem(&self) -> Result<String, CredentialError> {
        key_to_pem(&self.0.key)
    }

    pub(crate) fn private_key(&self) -> &PKeyRef<Private> {
        &self.0.key
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("certificate", &self.0.certificate)
            .finish_non_exhaustive()
    }
}

pub(crate) fn new_p256_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

/// See [`Credential::sign`].
pub(crate) fn sign(key: &PKeyRef<Private>, data: &[u8]) -> Result<Vec<u8>, CredentialError> {
    match KeyKind::of(key) {
        KeyKind::P256 => {
            let signature = EcdsaSig::sign(&sha256(data), key.ec_key()?.as_ref())?;
            Ok([signature.r().to_vec_padded(32)?, signature.s().to_vec_padded(32)?].concat())
        }
        _ => Ok(Signer::new(MessageDigest::sha256(), key)?.sign_oneshot_to_vec(data)?),
    }
}

pub(crate) fn key_to_pem(key: &PKeyRef<Private>) -> Result<String, CredentialError> {
    let pem = key.private_key_to_pem_pkcs8()?;
    String::from_utf8(pem).map_err(|_| CredentialError::UnreadableKey)
}

/// Reads an unencrypted private key. OpenSSL's own way with an encrypted one is to ask on the terminal, which must never
/// happen.
pub(crate) fn private_key_from_pem(pem: &[u8]) -> Result<PKey<Private>, CredentialError> {
    let mut asked = false;
    let key = PKey::private_key_from_pem_callback(pem, |_| {
        asked = true;
        Ok(0)
    });
    match key {
        _ if asked => Err(CredentialError::Encrypted),
        Ok(key) => Ok(key),
        Err(_) => Err(CredentialError::UnreadableKey),
    }
}

fn self_signed_x509(address: &AddressOfRecord, key: &PKeyRef<Private>, now: Millis) -> Result<X509, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let serial = Asn1Integer::from_bn(&serial)?;
    builder.set_serial_number(&serial)?;
    let name = name(address)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    let not_before = now.saturating_sub(HEAD_START).div_euclid(1000);
    let not_after = not_before.saturating_add(VALIDITY / 1000);
    let (not_before, not_after) = (Asn1Time::from_unix(not_before)?, Asn1Time::from_unix(not_after)?);
    builder.set_not_before(&not_before)?;
    builder.set_not_after(&not_after)?;
    builder.set_pubkey(key)?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().key_agreement().build()?)?;
    builder.append_extension(ExtendedKeyUsage::new().email_protection().build()?)?;
    let names = SubjectAlternativeName::new()
        .email(address.as_str())
        .uri(&address.sip_uri())
        .build(&builder.x509v3_context(None, None))?;
    builder.append_extension(names)?;
    let key_id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(key_id)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

/// The address as common name; a long one is told by its local part, and in full by the subject alternative name.
pub(crate) fn name(address: &AddressOfRecord) -> Result<X509Name, ErrorStack> {
    let AddressOfRecord::Mail(mail) = address;
    let common_name = if mail.as_str().len() <= COMMON_NAME_LIMIT {
        mail.as_str()
    } else {
        mail.local()
    };
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, Template, aor, authority, p256, p384, pem, rsa};

    #[test]
    fn a_self_signed_credential_is_for_its_address_and_ten_years() {
        let address = aor("alice+x@example.net");
        let credential = Credential::self_signed(&address, NOW).unwrap();
        let certificate = credential.certificate();
        assert_eq!(certificate.addresses(), std::slice::from_ref(&address));
        assert_eq!(credential.address(), &address);
        assert!(certificate.is_self_signed() && !certificate.is_ca());
        assert_eq!(certificate.issuer_name(), "alice+x@example.net");
        assert_eq!(certificate.not_before(), (NOW - DAY) / 1000 * 1000);
        assert!(certificate.valid_at(NOW + 3650 * DAY) && !certificate.valid_at(NOW + 3654 * DAY));
        let names = certificate.x509().unwrap().subject_alt_names().unwrap();
        assert_eq!(
            names.iter().filter_map(|n| n.uri()).collect::<Vec<_>>(),
            ["sip:alice+x@example.net"]
        );
        let serial = |c: &Credential| c.certificate().x509().unwrap().serial_number().to_bn().unwrap();
        assert!(serial(&credential) != serial(&Credential::self_signed(&address, NOW).unwrap()));
    }

    #[test]
    fn the_longest_address_gets_a_certificate_too() {
        let domain = ["a".repeat(63), "b".repeat(63), "c".repeat(61)].join(".");
        let address = aor(&format!("{}@{domain}", "d".repeat(64)));
        let credential = Credential::self_signed(&address, NOW).unwrap();
        assert!(credential.certificate().speaks_for(&address));
        assert_eq!(credential.certificate().issuer_name(), "d".repeat(64));
    }

    #[test]
    fn a_signature_is_of_these_bytes_and_this_key() {
        let address = aor("alice@example.net");
        let own = Credential::self_signed(&address, NOW).unwrap();
        let other = Credential::self_signed(&address, NOW).unwrap();
        let signature = own.sign(b"data").unwrap();
        assert_eq!(signature.len(), 64);
        assert!(own.certificate().verify(b"data", &signature));
        assert!(!own.certificate().verify(b"date", &signature));
        assert!(!other.certificate().verify(b"data", &signature));
        for i in 0..64 {
            let mut wrong = signature.clone();
            wrong[i] ^= 0x10;
            assert!(!own.certificate().verify(b"data", &wrong), "byte {i}");
        }
        for wrong in [
            &signature[..63],
            &[&signature[..], &[0]].concat(),
            &[],
            &[0; 64],
            &[0xff; 64],
        ] {
            assert!(!own.certificate().verify(b"data", wrong), "{wrong:?}");
        }
    }

    #[test]
    fn an_imported_rsa_credential_signs() {
        let key = rsa(2048);
        let certificate = Template::default().issue(&authority("Example CA"), &key);
        let credential =
            Credential::from_pem(certificate.to_pem().as_bytes(), &pem(&key), &aor("alice@example.net")).unwrap();
        let signature = credential.sign(b"data").unwrap();
        assert_eq!(signature.len(), 256);
        assert!(certificate.verify(b"data", &signature) && !certificate.verify(b"date", &signature));
    }

    #[test]
    fn pem_carries_certificate_chain_and_key() {
        let ca = authority("Example CA");
        let key = p256();
        let leaf = Template::default().issue(&ca, &key);
        let certificates = leaf.to_pem() + &ca.certificate.to_pem();
        let address = aor("alice@example.net");
        let credential = Credential::from_pem(certificates.as_bytes(), &pem(&key), &address).unwrap();
        assert_eq!(credential.certificate(), &leaf);
        assert_eq!(credential.chain(), [ca.certificate]);
        let key_pem = credential.key_pem().unwrap();
        let again =
            Credential::from_pem(credential.certificate_pem().as_bytes(), key_pem.as_bytes(), &address).unwrap();
        assert_eq!(
            (again.certificate(), again.chain()),
            (credential.certificate(), credential.chain())
        );
        assert!(leaf.verify(b"x", &again.sign(b"x").unwrap()));
    }

    #[test]
    fn what_cannot_be_used_is_not_imported() {
        use CredentialError as E;
        let ca = authority("Example CA");
        let key = p256();
        let leaf = Template::default().issue(&ca, &key).to_pem();
        let import = |certificate: &str, key: &[u8], address: &str| {
            Credential::from_pem(certificate.as_bytes(), key, &aor(address)).expect_err("imported")
        };
        assert!(matches!(import(&leaf, &pem(&key), "bob@example.net"), E::OtherAddress));
        assert!(matches!(import(&leaf, &pem(&p256()), "alice@example.net"), E::OtherKey));
        assert!(matches!(
            import(&leaf, &pem(&rsa(2048)), "alice@example.net"),
            E::OtherKey
        ));
        assert!(matches!(import(&leaf, b"", "alice@example.net"), E::UnreadableKey));
        assert!(matches!(
            import("", &pem(&key), "alice@example.net"),
            E::NoCertificate | E::Certificate(_)
        ));
        assert!(matches!(
            import("nonsense", &pem(&key), "alice@example.net"),
            E::NoCertificate | E::Certificate(_)
        ));
        assert!(matches!(
            import(&leaf.repeat(9), &pem(&key), "alice@example.net"),
            E::TooLarge
        ));
        assert!(matches!(
            import(&" ".repeat(PEM_LIMIT + 1), &pem(&key), "alice@example.net"),
            E::TooLarge
        ));
        let sub = Template {
            ca: true,
            ..Template::default()
        }
        .issue(&ca, &key)
        .to_pem();
        assert!(matches!(import(&sub, &pem(&key), "alice@example.net"), E::Authority));
        for key in [p384(), rsa(1024)] {
            let leaf = Template::default().issue(&ca, &key).to_pem();
            assert!(matches!(import(&leaf, &pem(&key), "alice@example.net"), E::KeyKind));
        }
        let cipher = openssl::symm::Cipher::aes_256_cbc();
        let encrypted = key.private_key_to_pem_pkcs8_passphrase(cipher, b"secret").unwrap();
        assert!(matches!(import(&leaf, &encrypted, "alice@example.net"), E::Encrypted));
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let credential = Credential::self_signed(&aor("alice@example.net"), NOW).unwrap();
        let secret = credential.key_pem().unwrap();
        let shown = format!("{credential:?}");
        assert!(shown.contains(&credential.certificate().fingerprint().to_string()));
        assert!(
            secret
                .lines()
                .filter(|line| !line.starts_with("---"))
                .all(|line| !shown.contains(line))
        );
        assert!(!shown.contains("key"), "{shown}");
    }
}
