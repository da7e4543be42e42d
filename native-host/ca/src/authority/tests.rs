//! What others rely on: that certificates say what they should, and OpenSSL agrees.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use corella_identity::enrolment::NewKey;
use corella_identity::trust::TrustAnchors;
use openssl::x509::X509Crl;

use super::*;
use crate::request::Request;

/// 2026-06-15T12:00:00Z.
const NOW: Millis = 1_781_524_800_000;

fn authority(folder: &Path) -> Authority {
    Authority::init(folder, "Example", NOW).unwrap();
    Authority::open(folder, "https://ca.example.net/").unwrap()
}

fn alice() -> (AddressOfRecord, NewKey, Request) {
    let address: AddressOfRecord = "alice@example.net".parse().unwrap();
    let key = NewKey::generate(&address).unwrap();
    let request = Request::from_der(&key.request().unwrap()).unwrap();
    (address, key, request)
}

#[test]
fn what_it_signs_is_verified_under_its_root_alone() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority(folder.path());
    let (address, key, request) = alice();
    let certificate = authority.certify(&address, request.key(), NOW).unwrap();
    let chain: String = [&certificate]
        .into_iter()
        .chain(authority.chain())
        .map(Certificate::to_pem)
        .collect();
    let credential = key.certified(&chain).unwrap();
    let root = fs::read(folder.path().join("root.pem")).unwrap();
    let anchors = TrustAnchors::from_pem(&root).unwrap();
    let verified = |at| anchors.verify_chain(credential.certificate(), credential.chain(), &address, at);
    assert_eq!(verified(NOW).unwrap().fingerprint(), authority.fingerprint());
    assert!(verified(NOW + VALIDITY - 1000).is_ok() && verified(NOW + VALIDITY + 1000).is_err());
    assert!(verified(NOW - DAY).is_err());
    let elsewhere = tempfile::tempdir().unwrap();
    Authority::init(elsewhere.path(), "Example", NOW).unwrap();
    let others = TrustAnchors::from_pem(&fs::read(elsewhere.path().join("root.pem")).unwrap()).unwrap();
    assert!(
        others
            .verify_chain(credential.certificate(), credential.chain(), &address, NOW)
            .is_err()
    );
}

#[test]
fn a_certificate_says_what_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority(folder.path());
    let (address, _, request) = alice();
    let certificate = authority.certify(&address, request.key(), NOW).unwrap();
    let x509 = X509::from_der(certificate.der()).unwrap();
    let text = String::from_utf8(x509.to_text().unwrap()).unwrap();
    for part in [
        "Issuer: CN=Example: people",
        "Subject: CN=alice@example.net",
        "CA:FALSE",
        "Digital Signature, Key Agreement",
        "E-mail Protection",
        "email:alice@example.net, URI:sip:alice@example.net",
        "URI:https://ca.example.net/revoked/",
        "Not Before: Jun 15 11:00:00 2026 GMT",
        "Not After : Sep 13 12:00:00 2026 GMT",
    ] {
        assert!(text.replace(" = ", "=").contains(part), "{part} is not in {text}");
    }
    let again = authority.certify(&address, request.key(), NOW).unwrap();
    let again = X509::from_der(again.der()).unwrap();
    assert!(again.serial_number().to_bn().unwrap() != x509.serial_number().to_bn().unwrap());
    assert_eq!(x509.serial_number().to_bn().unwrap().num_bits(), 127);
}

#[test]
fn the_list_names_what_was_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority(folder.path());
    let (address, _, request) = alice();
    let certificate = |()| X509::from_der(authority.certify(&address, request.key(), NOW).unwrap().der()).unwrap();
    let (gone, good) = (certificate(()), certificate(()));
    let revoked = Revoked {
        serial: gone.serial_number().to_bn().unwrap().to_vec(),
        at: NOW,
    };
    let list = |revoked: &[Revoked]| {
        let lists = authority.revocation_lists(revoked, 300, NOW).unwrap();
        X509Crl::from_der(&lists[0].der).unwrap()
    };
    let empty = list(&[]);
    let full = list(&[revoked]);
    let key = authority.issuing.x509.public_key().unwrap();
    assert!(empty.verify(&key).unwrap() && full.verify(&key).unwrap());
    let is_listed = |list: &X509Crl, certificate: &X509| {
        list.get_revoked().is_some_and(|all| {
            all.iter()
                .any(|one| one.serial_number().to_bn().unwrap() == certificate.serial_number().to_bn().unwrap())
        })
    };
    assert!(is_listed(&full, &gone) && !is_listed(&full, &good) && !is_listed(&empty, &gone));
}

#[test]
fn keys_are_private_and_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("ca");
    Authority::init(&folder, "Example", NOW).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            file.path()
        );
    }
    assert!(matches!(
        Authority::init(&folder, "Example", NOW),
        Err(AuthorityError::Exists(_))
    ));
}

#[test]
fn the_issuing_key_is_renewed_while_the_root_stays() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let before = authority(folder);
    let (address, _, request) = alice();
    let late = NOW + 5 * 365 * DAY - VALIDITY + 1000;
    assert!(matches!(
        before.certify(&address, request.key(), late),
        Err(AuthorityError::Ending)
    ));
    Authority::renew_issuing(folder, "Example", late).unwrap();
    let after = Authority::open(folder, "https://ca.example.net").unwrap();
    assert_eq!(after.fingerprint(), before.fingerprint());
    let (old, new) = (
        before.certify(&address, request.key(), NOW).unwrap(),
        after.certify(&address, request.key(), late).unwrap(),
    );
    // What the former key has signed goes out with what is above it.
    assert_ne!(before.chain(), after.chain());
    assert_eq!(after.chain_of(&old), before.chain());
    assert_eq!(after.chain_of(&new), after.chain());
    // The root's key may be kept elsewhere; then it is asked for by name.
    fs::remove_file(folder.join("root.key")).unwrap();
    let error = Authority::renew_issuing(folder, "Example", late).unwrap_err();
    assert!(error.to_string().contains("root.key"), "{error}");
    Authority::open(folder, "https://ca.example.net").unwrap();
}

#[test]
fn damaged_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    authority(folder);
    let other = tempfile::tempdir().unwrap();
    authority(other.path());
    for folder in [folder, other.path()] {
        Authority::renew_issuing(folder, "Example", NOW).unwrap();
    }
    for name in [
        "root.pem",
        "issuing.pem",
        "issuing.key",
        "former.pem",
        "former.key",
        "token.key",
    ] {
        let good = fs::read(folder.join(name)).unwrap();
        let foreign = fs::read(other.path().join(name)).unwrap();
        let mut bad = vec![b"nonsense".to_vec()];
        // Another token key is as good.
        if name != "token.key" {
            bad.push(foreign);
        }
        for bytes in bad {
            fs::write(folder.join(name), bytes).unwrap();
            assert!(
                matches!(
                    Authority::open(folder, "https://x"),
                    Err(AuthorityError::Damaged { .. })
                ),
                "{name}"
            );
        }
        fs::write(folder.join(name), good).unwrap();
    }
    Authority::open(folder, "https://ca.example.net").unwrap();
}

#[test]
fn what_it_revokes_is_a_record_of_the_overlay_also_under_a_former_key() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority(folder.path());
    let (address, _, request) = alice();
    let certificate = authority.certify(&address, request.key(), NOW).unwrap();
    let check = |authority: &Authority, signer: &Certificate| {
        let xml = authority.revocation(&address, &certificate, NOW).unwrap().unwrap();
        let record = corella_overlay::Record::from_xml(xml.as_bytes(), NOW).unwrap();
        let revocation = record.revocation().unwrap();
        assert_eq!(revocation.certificate(), &certificate);
        assert_eq!(revocation.authority(), Some(signer));
        assert_eq!(record.expires(), certificate.not_after());
    };
    let issuing = authority.chain()[0].clone();
    check(&authority, &issuing);
    Authority::renew_issuing(folder.path(), "Example", NOW + DAY).unwrap();
    let renewed = Authority::open(folder.path(), "https://ca.example.net/").unwrap();
    assert_ne!(renewed.chain()[0], &issuing);
    check(&renewed, &issuing);
    // Nobody revokes what others have issued.
    let elsewhere = tempfile::tempdir().unwrap();
    let other = self::authority(elsewhere.path());
    assert_eq!(other.revocation(&address, &certificate, NOW).unwrap(), None);
}
