//! A second opinion on the records' signatures: xmlsec1, which knows nothing of Corella.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "these are tests, helpers included"
)]

use std::path::Path;
use std::process::Command;

use corella_identity::{AddressOfRecord, Credential, DeviceKey};
use corella_overlay::record::Value;
use corella_overlay::{Clock, ContactSet, Key, Record};

fn bob() -> (Credential, AddressOfRecord) {
    let address: AddressOfRecord = "bob@example.net".parse().unwrap();
    let credential = Credential::self_signed(&address, Clock::system().now()).unwrap();
    (credential, address)
}

fn contacts() -> Value {
    let peer = DeviceKey::generate().peer_id();
    let addresses = ["/ip4/192.0.2.17/tcp/4001", "/ip4/192.0.2.17/udp/4001/quic-v1"];
    let addresses = addresses.map(|one| one.parse().unwrap()).to_vec();
    Value::Contacts(ContactSet { peer, addresses })
}

fn signed(by: &Credential, key: Key, value: Value) -> String {
    let now = Clock::system().now();
    let record = Record::sign(by, key, value, now, now + 3_600_000).unwrap();
    record.to_xml().to_string()
}

/// Whether xmlsec1 finds the signature good under this certificate.
fn xmlsec1_accepts(xml: &str, signer: &Credential, folder: &Path) -> bool {
    let (record, certificate) = (folder.join("record.xml"), folder.join("certificate.pem"));
    std::fs::write(&record, xml).unwrap();
    std::fs::write(&certificate, signer.certificate_pem()).unwrap();
    let mut verify = Command::new("xmlsec1");
    verify.args([
        "--verify",
        "--id-attr:Id",
        "key",
        "--id-attr:Id",
        "value",
        "--trusted-pem",
    ]);
    let ended = verify.arg(certificate).arg(record).output();
    ended.expect("the program xmlsec1 cannot be started").status.success()
}

#[test]
fn xmlsec1_verifies_contacts_and_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (bob, address) = bob();
    let certificate = Value::Certificate(vec![bob.certificate().clone()]);
    for (key, value) in [
        (Key::Contacts(address.clone()), contacts()),
        (Key::Certificate(address), certificate),
    ] {
        assert!(xmlsec1_accepts(&signed(&bob, key, value), &bob, folder.path()));
    }
}

#[test]
fn xmlsec1_refuses_what_was_changed_after_signing() {
    let folder = tempfile::tempdir().unwrap();
    let (bob, address) = bob();
    let xml = signed(&bob, Key::Contacts(address), contacts());
    let changed = xml.replace("192.0.2.17", "192.0.2.18");
    assert_ne!(changed, xml);
    assert!(!xmlsec1_accepts(&changed, &bob, folder.path()));
}
