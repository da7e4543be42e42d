//! Certificates as this authority makes them (RFC 5280, RFC 8550).

use corella_identity::{AddressOfRecord, KeyKind, Millis};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509NameBuilder, X509NameRef};

use super::{DAY, VALIDITY, der};

const ROOT_VALIDITY: Millis = 20 * 365 * DAY;
const ISSUING_VALIDITY: Millis = 5 * 365 * DAY;
/// Clocks differ: a certificate is valid from an hour ago.
const HEAD_START: Millis = DAY / 24;
/// 127 random bits, and not more than 20 octets in any form (RFC 5280 section 4.1.2.2).
const SERIAL_BITS: i32 = 127;
/// id-ce-cRLDistributionPoints.
const LIST_POINTS: &str = "2.5.29.31";
/// Longest common name (RFC 5280 appendix A, ub-common-name).
const COMMON_NAME_LIMIT: usize = 64;

/// Who signs.
pub(super) struct Issuer<'a> {
    pub(super) certificate: &'a X509,
    pub(super) key: &'a PKey<Private>,
}

pub(super) fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

pub(super) fn root(name: &str, key: &PKey<Private>, now: Millis) -> Result<X509, ErrorStack> {
    let subject = common_name(name)?;
    let mut builder = builder(&subject, &subject, key, now, ROOT_VALIDITY)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(1).build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(id)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

pub(super) fn issuing(name: &str, root: &Issuer<'_>, key: &PKey<Private>, now: Millis) -> Result<X509, ErrorStack> {
    let subject = common_name(&format!("{name}: people"))?;
    let mut builder = builder(&subject, root.certificate.subject_name(), key, now, ISSUING_VALIDITY)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    builder.append_extension(ExtendedKeyUsage::new().email_protection().build()?)?;
    key_ids(&mut builder, root.certificate)?;
    builder.sign(root.key, MessageDigest::sha256())?;
    Ok(builder.build())
}

pub(super) fn person<T: HasPublic>(
    address: &AddressOfRecord,
    key: &PKeyRef<T>,
    issuer: &Issuer<'_>,
    list_url: &str,
    now: Millis,
) -> Result<X509, ErrorStack> {
    let subject = common_name(address.as_str())?;
    let mut builder = builder(&subject, issuer.certificate.subject_name(), key, now, VALIDITY)?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    // What seals messages to the holder: agreement with a key of a curve, transport with RSA.
    let mut usage = KeyUsage::new();
    usage.critical().digital_signature();
    match KeyKind::of(key) {
        KeyKind::P256 => usage.key_agreement(),
        KeyKind::Rsa | KeyKind::Other => usage.key_encipherment(),
    };
    builder.append_extension(usage.build()?)?;
    builder.append_extension(ExtendedKeyUsage::new().email_protection().build()?)?;
    let names = SubjectAlternativeName::new()
        .email(address.as_str())
        .uri(&address.sip_uri())
        .build(&builder.x509v3_context(Some(issuer.certificate), None))?;
    builder.append_extension(names)?;
    key_ids(&mut builder, issuer.certificate)?;
    let list = list_at(list_url)?;
    builder.append_extension(list)?;
    builder.sign(issuer.key, MessageDigest::sha256())?;
    Ok(builder.build())
}

fn builder<T: HasPublic>(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<T>,
    now: Millis,
    validity: Millis,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(SERIAL_BITS, MsbOption::ONE, false)?;
    let serial = Asn1Integer::from_bn(&serial)?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    let (from, until) = (time(now - HEAD_START)?, time(now + validity)?);
    builder.set_not_before(&from)?;
    builder.set_not_after(&until)?;
    builder.set_pubkey(key)?;
    Ok(builder)
}

fn key_ids(builder: &mut X509Builder, issuer: &X509) -> Result<(), ErrorStack> {
    let own = SubjectKeyIdentifier::new().build(&builder.x509v3_context(Some(issuer), None))?;
    builder.append_extension(own)?;
    let authority = AuthorityKeyIdentifier::new()
        .keyid(true)
        .build(&builder.x509v3_context(Some(issuer), None))?;
    builder.append_extension(authority)
}

/// Where the revocation list is (RFC 5280 section 4.2.1.13): of one point the full name, a URI.
fn list_at(url: &str) -> Result<X509Extension, ErrorStack> {
    let full_name = der::element(0xa0, &der::element(0x86, url.as_bytes()));
    let point = der::element(der::SEQUENCE, &der::element(0xa0, &full_name));
    der::extension(LIST_POINTS, &der::element(der::SEQUENCE, &point))
}

pub(super) fn time(at: Millis) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_unix(at.div_euclid(1000))
}

/// A name of one common name; a long one is cut, since what counts are the alternative names.
fn common_name(name: &str) -> Result<openssl::x509::X509Name, ErrorStack> {
    let name: String = name
        .chars()
        .filter(|c| !c.is_control())
        .take(COMMON_NAME_LIMIT)
        .collect();
    let mut builder = X509NameBuilder::new()?;
    builder.append_entry_by_nid(Nid::COMMONNAME, &name)?;
    Ok(builder.build())
}
