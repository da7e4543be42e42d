use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::enrolment::{NewKey, RequestId};
use crate::testing::{NOW, Template, aor, authority, p256, pem};

fn keystore() -> (TempDir, Keystore) {
    let dir = tempfile::tempdir().unwrap();
    let keystore = Keystore::open(dir.path().join("deep/keys")).unwrap();
    (dir, keystore)
}

fn own(address: &str) -> Credential {
    Credential::self_signed(&aor(address), NOW).unwrap()
}

/// Every file and directory below, with its mode.
fn modes(dir: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = vec![(dir.to_owned(), fs::metadata(dir).unwrap().permissions().mode() & 0o777)];
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(modes(&path));
        } else {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            found.push((path, mode));
        }
    }
    found
}

fn assert_private(keystore: &Keystore) {
    for (path, mode) in modes(&keystore.dir) {
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{path:?}: {mode:o}");
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_device_key_is_made_once() {
    let (_dir, keystore) = keystore();
    let made = keystore.device_key().unwrap().peer_id();
    assert_eq!(keystore.device_key().unwrap().peer_id(), made);
    assert_eq!(
        Keystore::open(&keystore.dir).unwrap().device_key().unwrap().peer_id(),
        made
    );
    assert_private(&keystore);
}

#[test]
fn a_credential_is_read_back_the_same() {
    let (_dir, keystore) = keystore();
    assert!(keystore.credential(&aor("alice@example.net")).unwrap().is_none());
    assert!(keystore.addresses().unwrap().is_empty());
    let ca = authority("Example CA");
    let key = p256();
    let chain = Template::default().issue(&ca, &key).to_pem() + &ca.certificate.to_pem();
    let saved = Credential::from_pem(chain.as_bytes(), &pem(&key), &aor("alice@example.net")).unwrap();
    keystore.save_credential(&saved).unwrap();
    let read = Keystore::open(&keystore.dir)
        .unwrap()
        .credential(&aor("alice@example.net"))
        .unwrap()
        .unwrap();
    assert_eq!((read.certificate(), read.chain()), (saved.certificate(), saved.chain()));
    assert!(saved.certificate().verify(b"x", &read.sign(b"x").unwrap()));
    assert_private(&keystore);
}

#[test]
fn each_address_has_its_own() {
    let (_dir, keystore) = keystore();
    let long = format!(
        "{}@{}.example",
        "x/a+".repeat(16),
        ["a".repeat(60), "b".repeat(60)].join(".")
    );
    let addresses = [long.as_str(), "a/b/alice@example.net", "bob@example.net"].map(own);
    for credential in &addresses {
        keystore.save_credential(credential).unwrap();
    }
    for credential in &addresses {
        let read = keystore.credential(credential.address()).unwrap().unwrap();
        assert_eq!(read.certificate(), credential.certificate());
    }
    let mut expected = addresses.map(|credential| credential.address().clone());
    expected.sort();
    assert_eq!(keystore.addresses().unwrap(), expected);
    assert!(keystore.credential(&aor("carol@example.net")).unwrap().is_none());
}

#[test]
fn a_new_credential_replaces_the_former_one_whose_key_stays() {
    let (_dir, keystore) = keystore();
    let (former, new) = (own("alice@example.net"), own("alice@example.net"));
    keystore.save_credential(&former).unwrap();
    keystore.save_credential(&new).unwrap();
    let read = keystore.credential(&aor("alice@example.net")).unwrap().unwrap();
    assert_eq!(read.certificate(), new.certificate());
    let (certificate, key) = pair(&keystore.identity(former.address()), former.certificate().fingerprint());
    let kept = Credential::from_pem(
        &fs::read(certificate).unwrap(),
        &fs::read(key).unwrap(),
        former.address(),
    );
    assert_eq!(kept.unwrap().certificate(), former.certificate());
    assert_eq!(keystore.addresses().unwrap(), [aor("alice@example.net")]);
}

#[test]
fn an_interrupted_change_leaves_the_former_one() {
    let (_dir, keystore) = keystore();
    let (former, new) = (own("alice@example.net"), own("alice@example.net"));
    keystore.save_credential(&former).unwrap();
    let dir = keystore.identity(former.address());
    let (certificate, key) = pair(&dir, new.certificate().fingerprint());
    // Whatever of the new one was written before the end: half a temporary file, the key, half a certificate.
    fs::write(dir.join(".new-abc"), &new.key_pem().unwrap()[..40]).unwrap();
    fs::write(key, new.key_pem().unwrap()).unwrap();
    fs::write(certificate, &new.certificate_pem()[..40]).unwrap();
    fs::create_dir(keystore.dir.join(IDENTITIES).join("half-made")).unwrap();
    fs::write(keystore.dir.join(IDENTITIES).join(".new-xyz"), b"x").unwrap();
    let read = keystore.credential(&aor("alice@example.net")).unwrap().unwrap();
    assert_eq!(read.certificate(), former.certificate());
    assert_eq!(keystore.addresses().unwrap(), [aor("alice@example.net")]);
    keystore.save_credential(&new).unwrap();
    let read = keystore.credential(&aor("alice@example.net")).unwrap().unwrap();
    assert_eq!(read.certificate(), new.certificate());
}

#[test]
fn a_damaged_file_is_named_and_never_replaced() {
    let (_dir, keystore) = keystore();
    let credential = own("alice@example.net");
    let other = own("alice@example.net");
    keystore.device_key().unwrap();
    keystore.save_credential(&credential).unwrap();
    let dir = keystore.identity(credential.address());
    let (certificate, key) = pair(&dir, credential.certificate().fingerprint());
    let current = dir.join(CURRENT);
    let swapped = format!("bob@example.net\n{}\n", credential.certificate().fingerprint());
    let cases = [
        (&certificate, ""),
        (&certificate, &other.certificate_pem()),
        (&certificate, &own("bob@example.net").certificate_pem()),
        (&key, ""),
        (&key, &other.key_pem().unwrap()),
        (&current, ""),
        (&current, "alice@example.net\n"),
        (&current, &swapped),
        (&current, &"x".repeat(300_000)),
    ];
    for (path, bytes) in cases {
        let good = fs::read(path).unwrap();
        fs::write(path, bytes).unwrap();
        let failed = keystore.credential(credential.address()).expect_err("read");
        assert!(matches!(failed, KeystoreError::Damaged { .. }), "{failed}");
        assert_eq!(fs::read(path).unwrap(), bytes.as_bytes());
        fs::write(path, good).unwrap();
    }
    assert!(keystore.credential(credential.address()).unwrap().is_some());
    for missing in [&certificate, &key] {
        let good = fs::read(missing).unwrap();
        fs::remove_file(missing).unwrap();
        assert!(matches!(
            keystore.credential(credential.address()),
            Err(KeystoreError::Damaged { .. })
        ));
        fs::write(missing, good).unwrap();
    }
    // A whole pair of another credential under this one's name.
    let good = [&certificate, &key].map(|path| fs::read(path).unwrap());
    fs::write(&certificate, other.certificate_pem()).unwrap();
    fs::write(&key, other.key_pem().unwrap()).unwrap();
    let read = keystore.credential(credential.address());
    assert!(matches!(read, Err(KeystoreError::Damaged { .. })));
    fs::write(&certificate, &good[0]).unwrap();
    fs::write(&key, &good[1]).unwrap();
    assert!(keystore.credential(credential.address()).unwrap().is_some());
    let device = keystore.dir.join(DEVICE_KEY);
    fs::write(&device, b"-----BEGIN").unwrap();
    assert!(matches!(keystore.device_key(), Err(KeystoreError::Damaged { path, .. }) if path == device));
    assert_eq!(fs::read(&device).unwrap(), b"-----BEGIN");
}

#[test]
fn rights_of_others_are_taken_away() {
    let (_dir, keystore) = keystore();
    keystore.device_key().unwrap();
    keystore.save_credential(&own("alice@example.net")).unwrap();
    for (path, _) in modes(&keystore.dir) {
        set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
    }
    let keystore = Keystore::open(&keystore.dir).unwrap();
    keystore.device_key().unwrap();
    keystore.credential(&aor("alice@example.net")).unwrap().unwrap();
    keystore.save_credential(&own("alice@example.net")).unwrap();
    let wide: Vec<_> = modes(&keystore.dir)
        .into_iter()
        .filter(|(_, mode)| mode & 0o077 != 0)
        .collect();
    assert!(wide.is_empty(), "{wide:?}");
}

#[test]
fn errors_name_the_file_and_no_secret() {
    let (_dir, keystore) = keystore();
    let credential = own("alice@example.net");
    keystore.save_credential(&credential).unwrap();
    let (_, key) = pair(
        &keystore.identity(credential.address()),
        credential.certificate().fingerprint(),
    );
    let secret = credential.key_pem().unwrap();
    let (half, _) = secret.split_at(100);
    fs::write(&key, half).unwrap();
    let message = keystore.credential(credential.address()).expect_err("read").to_string();
    assert!(
        message.contains("identities") && message.contains("backup"),
        "{message}"
    );
    assert!(
        !message.contains("alice") && half.lines().all(|line| !message.contains(line)),
        "{message}"
    );
    let nowhere = Keystore::open("/proc/corella").expect_err("opened").to_string();
    assert!(nowhere.contains("/proc/corella"), "{nowhere}");
}

#[test]
fn a_request_under_way_is_read_back_and_forgotten() {
    let (_dir, keystore) = keystore();
    let address = aor("alice@example.net");
    assert!(keystore.request(&address).unwrap().is_none());
    let pending = Pending {
        request: Some((RequestId::from([7; 16]), NOW)),
        ..Pending::new(NewKey::generate(&address).unwrap(), false)
    };
    keystore.save_request(&pending).unwrap();
    let read = keystore.request(&address).unwrap().unwrap();
    assert_eq!(read.to_text().unwrap(), pending.to_text().unwrap());
    assert_private(&keystore);
    keystore.forget_request(&address).unwrap();
    keystore.forget_request(&address).unwrap();
    assert!(keystore.request(&address).unwrap().is_none());
    keystore.save_request(&pending).unwrap();
    fs::write(keystore.identity(&address).join(REQUEST), "x").unwrap();
    assert!(matches!(keystore.request(&address), Err(KeystoreError::Damaged { .. })));
}
