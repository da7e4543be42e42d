//! People, devices and records for tests.

use corella_identity::pass::{PASS_LIFE, Pass};
use corella_identity::{AddressOfRecord, Certificate, Credential, DeviceKey, Millis, Revocation, revocation};
use libp2p::PeerId;
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sha::sha256;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

use crate::contacts::ContactSet;
use crate::fragment::Fragments;
use crate::key::{Key, Label};
use crate::record::{Record, RecordError, Sealed, Value};

/// 2026-06-15T12:00:00Z.
pub(crate) const NOW: Millis = 1_781_524_800_000;
pub(crate) const MINUTE: Millis = 60_000;
pub(crate) const HOUR: Millis = 60 * MINUTE;

pub(crate) fn aor(text: &str) -> AddressOfRecord {
    text.parse().unwrap()
}

pub(crate) fn person(address: &str) -> Credential {
    Credential::self_signed(&aor(address), NOW).unwrap()
}

pub(crate) fn device() -> PeerId {
    DeviceKey::generate().peer_id()
}

pub(crate) fn contacts(peer: PeerId) -> Value {
    Value::Contacts(ContactSet {
        peer,
        addresses: vec![
            "/ip4/192.0.2.17/tcp/4001".parse().unwrap(),
            "/ip4/192.0.2.17/udp/4001/quic-v1".parse().unwrap(),
        ],
    })
}

/// A contact record for an hour.
pub(crate) fn contact_record(credential: &Credential, peer: PeerId, sequence: Millis) -> Record {
    let key = Key::Contacts(credential.address().clone());
    Record::sign(credential, key, contacts(peer), sequence, sequence + HOUR).unwrap()
}

pub(crate) fn certificate_record(credential: &Credential, sequence: Millis) -> Record {
    let key = Key::Certificate(credential.address().clone());
    let value = Value::Certificate(vec![credential.certificate().clone()]);
    Record::sign(credential, key, value, sequence, sequence + 24 * HOUR).unwrap()
}

/// A record that `watcher` wants to see the presence of `watched`, for a day.
pub(crate) fn watcher_record(watcher: &Credential, watched: &Credential, sequence: Millis) -> Record {
    watcher_record_with(watcher, watched, sequence, None)
}

/// The same with the pass of the watched.
pub(crate) fn welcome_watcher_record(watcher: &Credential, watched: &Credential, sequence: Millis) -> Record {
    watcher_record_with(watcher, watched, sequence, Some(pass(watched, watcher, sequence)))
}

fn watcher_record_with(watcher: &Credential, watched: &Credential, sequence: Millis, pass: Option<Pass>) -> Record {
    let key = Key::Watchers(watched.address().clone());
    let value = Value::Watcher {
        recipient: watched.certificate().fingerprint(),
        sealed: Sealed::Inline(b"sealed to the watched".to_vec()),
        pass,
    };
    Record::sign(watcher, key, value, sequence, sequence + 24 * HOUR).unwrap()
}

/// The pass that somebody gets who is welcome.
fn pass(by: &Credential, holder: &Credential, at: Millis) -> Pass {
    Pass::give(by, &holder.certificate().fingerprint(), at + PASS_LIFE).unwrap()
}

/// A message like those of [`offline_record`], with the recipient's pass for the sender.
pub(crate) fn welcome_record(sender: &Credential, to: &Credential, number: u8, sequence: Millis) -> Record {
    let sealed = Sealed::Inline(vec![number; 700]);
    offline_record_with(sender, to, number, sequence, sealed, Some(pass(to, sender, sequence))).unwrap()
}

/// What removes [`offline_record`]s with this number.
pub(crate) fn removal_secret(number: u8) -> [u8; 32] {
    [number; 32]
}

/// A message for a day; the number tells apart those of one sender.
pub(crate) fn offline_record(sender: &Credential, to: &Credential, number: u8, sequence: Millis) -> Record {
    offline_record_of(sender, to, number, sequence, Sealed::Inline(vec![number; 700]))
}

pub(crate) fn offline_record_of(
    sender: &Credential,
    to: &Credential,
    number: u8,
    sequence: Millis,
    sealed: Sealed,
) -> Record {
    offline_record_with(sender, to, number, sequence, sealed, None).unwrap()
}

pub(crate) fn offline_record_with(
    sender: &Credential,
    to: &Credential,
    number: u8,
    sequence: Millis,
    sealed: Sealed,
    pass: Option<Pass>,
) -> Result<Record, RecordError> {
    let key = Key::Offline(to.address().clone());
    let value = Value::Offline {
        nonce: [number; 16],
        recipient: to.certificate().fingerprint(),
        removal: sha256(&removal_secret(number)),
        sealed,
        pass,
    };
    Record::sign(sender, key, value, sequence, sequence + 24 * HOUR)
}

/// A message of 10,000 bytes, and its fragments.
pub(crate) fn large_offline_record(
    sender: &Credential,
    to: &Credential,
    number: u8,
    sequence: Millis,
) -> (Record, Vec<Vec<u8>>) {
    let (sealed, pieces) = large_content(number);
    (offline_record_of(sender, to, number, sequence, sealed), pieces)
}

/// The same with the recipient's pass for the sender.
pub(crate) fn large_welcome_record(
    sender: &Credential,
    to: &Credential,
    number: u8,
    sequence: Millis,
) -> (Record, Vec<Vec<u8>>) {
    let (sealed, pieces) = large_content(number);
    let pass = pass(to, sender, sequence);
    let record = offline_record_with(sender, to, number, sequence, sealed, Some(pass));
    (record.unwrap(), pieces)
}

fn large_content(number: u8) -> (Sealed, Vec<Vec<u8>>) {
    let content: Vec<u8> = (0..10_000_u32).map(|at| (at % 251) as u8 ^ number).collect();
    let (fragments, pieces) = Fragments::cut(&content).unwrap();
    let pieces = pieces.into_iter().map(<[u8]>::to_vec).collect();
    (Sealed::Fragments(fragments), pieces)
}

/// What a device with this number keeps for the person's others, for a day.
pub(crate) fn private_record(person: &Credential, number: u8, sequence: Millis) -> Record {
    let key = Key::Private(person.address().clone(), Label([7; 32]));
    let value = Value::Private {
        nonce: [number; 16],
        sealed: Sealed::Inline(vec![number; 300]),
    };
    Record::sign(person, key, value, sequence, sequence + 24 * HOUR).unwrap()
}

/// Somebody who issues certificates.
pub(crate) struct Authority {
    pub(crate) certificate: Certificate,
    x509: X509,
    key: PKey<Private>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = p256();
        let x509 = x509(name, None, &key, &key, true);
        Self {
            certificate: Certificate::from_der(&x509.to_der().unwrap()).unwrap(),
            x509,
            key,
        }
    }

    pub(crate) fn issue(&self, address: &str) -> Credential {
        self.issue_for_key(address, &p256())
    }

    pub(crate) fn issue_rsa(&self, address: &str, bits: u32) -> Credential {
        self.issue_for_key(address, &PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap())
    }

    /// The record by which it revokes a certificate, whosever that is.
    pub(crate) fn revoke(&self, certificate: &Certificate, sequence: Millis) -> Option<String> {
        let address = certificate.addresses().first()?;
        let revocation = Revocation::by(&self.certificate, address, certificate)?;
        let sign = |data: &[u8]| -> Result<Vec<u8>, openssl::error::ErrorStack> {
            let signature = EcdsaSig::sign(&sha256(data), &*self.key.ec_key()?)?;
            Ok([signature.r().to_vec_padded(32)?, signature.s().to_vec_padded(32)?].concat())
        };
        revocation::record(&revocation, sequence, sign).unwrap()
    }

    fn issue_for_key(&self, address: &str, key: &PKey<Private>) -> Credential {
        let x509 = x509(address, Some(&self.x509), &self.key, key, false);
        let pem = x509.to_pem().unwrap();
        Credential::from_pem(&pem, &key.private_key_to_pem_pkcs8().unwrap(), &aor(address)).unwrap()
    }
}

fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn x509(name: &str, issuer: Option<&X509>, issuer_key: &PKey<Private>, key: &PKey<Private>, ca: bool) -> X509 {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::ONE, false).unwrap();
    builder
        .set_serial_number(&Asn1Integer::from_bn(&serial).unwrap())
        .unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    let subject = subject.build();
    builder.set_subject_name(&subject).unwrap();
    builder
        .set_issuer_name(issuer.map_or(&subject, |issuer| issuer.subject_name()))
        .unwrap();
    let day = 24 * HOUR;
    builder
        .set_not_before(&Asn1Time::from_unix((NOW - day) / 1000).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::from_unix((NOW + 30 * day) / 1000).unwrap())
        .unwrap();
    builder.set_pubkey(key).unwrap();
    let mut constraints = BasicConstraints::new();
    if ca {
        constraints.ca();
    }
    builder
        .append_extension(constraints.critical().build().unwrap())
        .unwrap();
    if !ca {
        let names = SubjectAlternativeName::new()
            .email(name)
            .build(&builder.x509v3_context(None, None))
            .unwrap();
        builder.append_extension(names).unwrap();
    }
    builder.sign(issuer_key, MessageDigest::sha256()).unwrap();
    builder.build()
}
