//! Keys, authorities and certificates for tests.

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Extension, X509NameBuilder};

use crate::{AddressOfRecord, Certificate, Millis};

/// 2026-06-15T12:00:00Z.
pub(crate) const NOW: Millis = 1_781_524_800_000;
pub(crate) const DAY: Millis = 86_400_000;

pub(crate) fn aor(text: &str) -> AddressOfRecord {
    text.parse().unwrap()
}

pub(crate) fn p256() -> PKey<Private> {
    ec(Nid::X9_62_PRIME256V1)
}

pub(crate) fn p384() -> PKey<Private> {
    ec(Nid::SECP384R1)
}

fn ec(curve: Nid) -> PKey<Private> {
    PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap()).unwrap()
}

pub(crate) fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

pub(crate) fn pem(key: &PKey<Private>) -> Vec<u8> {
    key.private_key_to_pem_pkcs8().unwrap()
}

/// Whoever signs certificates: an authority, or somebody who should not.
pub(crate) struct Issuer {
    pub(crate) certificate: Certificate,
    pub(crate) key: PKey<Private>,
}

/// A new authority that signs itself.
pub(crate) fn authority(name: &str) -> Issuer {
    Template {
        subject: name,
        ca: true,
        mails: vec![],
        ..Template::default()
    }
    .self_signed()
}

/// What a certificate shall say.
#[derive(Clone)]
pub(crate) struct Template<'a> {
    pub(crate) subject: &'a str,
    pub(crate) mails: Vec<&'a str>,
    pub(crate) not_before: Millis,
    pub(crate) not_after: Millis,
    pub(crate) ca: bool,
    /// Certify signing of mail; otherwise of web servers.
    pub(crate) for_mail: bool,
    /// The only mail domain below an authority (nameConstraints).
    pub(crate) permitted: Option<&'a str>,
    pub(crate) digest: MessageDigest,
}

impl Default for Template<'_> {
    fn default() -> Self {
        Self {
            subject: "Somebody",
            mails: vec!["alice@example.net"],
            not_before: NOW - 30 * DAY,
            not_after: NOW + 30 * DAY,
            ca: false,
            for_mail: true,
            permitted: None,
            digest: MessageDigest::sha256(),
        }
    }
}

impl Template<'_> {
    pub(crate) fn issue(&self, issuer: &Issuer, key: &PKey<Private>) -> Certificate {
        self.build(Some(&issuer.certificate), &issuer.key, key)
    }

    /// With a new P-256 key.
    pub(crate) fn issuer(&self, issuer: &Issuer) -> Issuer {
        let key = p256();
        Issuer {
            certificate: self.issue(issuer, &key),
            key,
        }
    }

    pub(crate) fn self_signed(&self) -> Issuer {
        let key = p256();
        Issuer {
            certificate: self.build(None, &key, &key),
            key,
        }
    }

    pub(crate) fn self_signed_with(&self, key: &PKey<Private>) -> Certificate {
        self.build(None, key, key)
    }

    fn build(&self, issuer: Option<&Certificate>, issuer_key: &PKey<Private>, key: &PKey<Private>) -> Certificate {
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let mut serial = BigNum::new().unwrap();
        serial.rand(127, MsbOption::ONE, false).unwrap();
        builder
            .set_serial_number(&Asn1Integer::from_bn(&serial).unwrap())
            .unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, self.subject).unwrap();
        let name = name.build();
        builder.set_subject_name(&name).unwrap();
        builder
            .set_issuer_name(issuer.map_or(&name, |issuer| issuer.x509().unwrap().subject_name()))
            .unwrap();
        builder
            .set_not_before(&Asn1Time::from_unix(self.not_before / 1000).unwrap())
            .unwrap();
        builder
            .set_not_after(&Asn1Time::from_unix(self.not_after / 1000).unwrap())
            .unwrap();
        builder.set_pubkey(key).unwrap();
        let mut constraints = BasicConstraints::new();
        let mut usage = KeyUsage::new();
        if self.ca {
            constraints.ca();
            usage.key_cert_sign().digital_signature();
        } else {
            usage.digital_signature().key_agreement().key_encipherment();
            let mut extended = ExtendedKeyUsage::new();
            if self.for_mail {
                extended.email_protection()
            } else {
                extended.server_auth()
            };
            builder.append_extension(extended.build().unwrap()).unwrap();
        }
        builder
            .append_extension(constraints.critical().build().unwrap())
            .unwrap();
        builder.append_extension(usage.critical().build().unwrap()).unwrap();
        if !self.mails.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for mail in &self.mails {
                names.email(mail);
            }
            let names = names.build(&builder.x509v3_context(None, None)).unwrap();
            builder.append_extension(names).unwrap();
        }
        if let Some(domain) = self.permitted {
            builder.append_extension(name_constraints(domain)).unwrap();
        }
        builder.sign(issuer_key, self.digest).unwrap();
        Certificate::from_x509(builder.build()).unwrap()
    }
}

/// nameConstraints with one permitted rfc822Name (RFC 5280 section 4.2.1.10).
fn name_constraints(domain: &str) -> X509Extension {
    let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let subtrees = wrap(0xa0, &wrap(0x30, &wrap(0x81, domain.as_bytes())));
    let value = Asn1OctetString::new_from_bytes(&wrap(0x30, &subtrees)).unwrap();
    X509Extension::new_from_der(&Asn1Object::from_str("2.5.29.30").unwrap(), true, &value).unwrap()
}
