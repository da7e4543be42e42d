//! Authorities for tests.

use corella_identity::{AddressOfRecord, Certificate, Credential, Millis, trust::TrustAnchors};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{HasPublic, PKey, PKeyRef, Private},
    x509::{
        X509, X509Builder, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};

/// One that certifies whomever a test likes.
pub(super) struct Authority {
    pub(super) certificate: Certificate,
    x509: X509,
    key: PKey<Private>,
}

impl Authority {
    pub(super) fn new(now: Millis) -> Authority {
        let made = || -> Result<_, ErrorStack> {
            let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            let key = PKey::from_ec_key(EcKey::generate(&curve)?)?;
            let mut builder = template("An Authority", &key, now)?;
            builder.set_issuer_name(&*name("An Authority")?)?;
            builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
            builder.sign(&key, MessageDigest::sha256())?;
            Ok((builder.build(), key))
        };
        let (x509, key) = made().unwrap();
        let certificate = Certificate::from_der(&x509.to_der().unwrap()).unwrap();
        Authority { certificate, x509, key }
    }

    /// Its certificate for the credential's key.
    pub(super) fn certify(&self, credential: &Credential, now: Millis) -> Certificate {
        let made = || -> Result<_, ErrorStack> {
            let key = PKey::public_key_from_der(&credential.certificate().public_key_der()?)?;
            let mut builder = template("Somebody", &key, now)?;
            builder.set_issuer_name(self.x509.subject_name())?;
            let address: &AddressOfRecord = credential.address();
            let mut names = SubjectAlternativeName::new();
            let context = builder.x509v3_context(Some(&self.x509), None);
            let names = names.email(address.as_str()).build(&context)?;
            builder.append_extension(names)?;
            builder.sign(&self.key, MessageDigest::sha256())?;
            builder.build().to_der()
        };
        Certificate::from_der(&made().unwrap()).unwrap()
    }

    pub(super) fn anchors(&self) -> TrustAnchors {
        TrustAnchors::none().with(std::slice::from_ref(&self.certificate))
    }
}

fn template(subject: &str, key: &PKeyRef<impl HasPublic>, now: Millis) -> Result<X509Builder, ErrorStack> {
    let day = |days: Millis| Asn1Time::from_unix(now / 1000 + days * 86_400);
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*BigNum::from_u32(1)?.to_asn1_integer()?)?;
    builder.set_subject_name(&*name(subject)?)?;
    builder.set_not_before(&*day(-1)?)?;
    builder.set_not_after(&*day(90)?)?;
    builder.set_pubkey(key)?;
    Ok(builder)
}

fn name(text: &str) -> Result<openssl::x509::X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, text)?;
    Ok(name.build())
}
