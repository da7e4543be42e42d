//! Sealed messages are ordinary S/MIME: the `openssl` command reads what is sealed here, and seals what is opened here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

use corella_identity::seal::{self, Envelope, OpenError};
use corella_identity::{AddressOfRecord, Credential, Millis, cpim};

/// 2026-06-15T12:00:00Z.
const NOW: Millis = 1_781_524_800_000;
const CPIM_HEADER: &[u8] = b"Content-Type: message/cpim\r\n\r\n";
const SIGNED_DATA_HEADER: &[u8] =
    b"Content-Type: application/pkcs7-mime; smime-type=signed-data;\r\n name=\"smime.p7m\"\r\n\
Content-Transfer-Encoding: binary\r\n\r\n";

fn aor(text: &str) -> AddressOfRecord {
    text.parse().unwrap()
}

fn envelope() -> Envelope {
    Envelope {
        from: aor("alice@example.net"),
        to: aor("bob@example.net"),
        at: NOW,
        id: "a1".to_owned(),
        sequence: 7,
        returns: None,
        content_type: "text/plain; charset=utf-8".to_owned(),
        body: "Gr\u{fc}\u{df}e\r\nund\nmehr\r\n".as_bytes().to_vec(),
    }
}

/// Runs `openssl` in `dir` with these arguments, which hold no spaces.
fn openssl(dir: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(dir)
        .output();
    let output = output.expect("the openssl command is needed");
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Puts a credential into `<name>.crt` and `<name>.key`.
fn save(dir: &Path, name: &str, credential: &Credential) {
    fs::write(dir.join(format!("{name}.crt")), credential.certificate_pem()).unwrap();
    fs::write(dir.join(format!("{name}.key")), credential.key_pem().unwrap()).unwrap();
}

/// As the command makes it for mail: RSA, self-signed, in `<name>.crt` and `<name>.key`.
fn rsa(dir: &Path, name: &str, address: &str) -> Credential {
    openssl(
        dir,
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.crt -days 30 -subj /CN={name} -addext \
             subjectAltName=email:{address} -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=emailProtection"
        )
        .replace("  ", " "),
    );
    let read = |suffix| fs::read(dir.join(format!("{name}.{suffix}"))).unwrap();
    Credential::from_pem(&read("crt"), &read("key"), &aor(address)).unwrap()
}

/// Alice and Bob with their files: P-256 made here, RSA made by the command.
fn pairs(dir: &Path) -> [(Credential, Credential); 2] {
    let made_here = |address: &str| Credential::self_signed(&aor(address), NOW).unwrap();
    let p256 = (made_here("alice@example.net"), made_here("bob@example.net"));
    save(dir, "alice0", &p256.0);
    save(dir, "bob0", &p256.1);
    [
        p256,
        (
            rsa(dir, "alice1", "alice@example.net"),
            rsa(dir, "bob1", "bob@example.net"),
        ),
    ]
}

/// Seals `CPIM_HEADER` + the envelope with the command alone.
fn sealed_by_the_command(dir: &Path, pair: usize, signing: &str, encrypting: &str) -> Vec<u8> {
    fs::write(
        dir.join("content"),
        [CPIM_HEADER, &cpim::write(&envelope()).unwrap()].concat(),
    )
    .unwrap();
    openssl(
        dir,
        &format!(
            "cms -sign -binary -nodetach -in content -signer alice{pair}.crt -inkey alice{pair}.key -outform DER -out signed {signing}"
        ),
    );
    let entity = [SIGNED_DATA_HEADER, &fs::read(dir.join("signed")).unwrap()].concat();
    fs::write(dir.join("entity"), entity).unwrap();
    openssl(
        dir,
        &format!("cms -encrypt -binary -in entity -outform DER -out sealed {encrypting} bob{pair}.crt"),
    );
    fs::read(dir.join("sealed")).unwrap()
}

#[test]
fn the_command_opens_what_is_sealed_here() {
    let dir = tempfile::tempdir().unwrap();
    for (n, (alice, bob)) in pairs(dir.path()).iter().enumerate() {
        let sealed = seal::seal(&envelope(), alice, bob.certificate()).unwrap();
        fs::write(dir.path().join("sealed"), sealed).unwrap();
        openssl(
            dir.path(),
            &format!("cms -decrypt -binary -inform DER -in sealed -recip bob{n}.crt -inkey bob{n}.key -out entity"),
        );
        let entity = fs::read(dir.path().join("entity")).unwrap();
        let end = entity.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let header = std::str::from_utf8(&entity[..end]).unwrap();
        assert!(
            header.starts_with("Content-Type: application/pkcs7-mime; smime-type=signed-data;"),
            "{header}"
        );
        fs::write(dir.path().join("signed"), &entity[end..]).unwrap();
        openssl(
            dir.path(),
            &format!(
                "cms -verify -binary -inform DER -in signed -certfile alice{n}.crt -noverify -nointern -out content"
            ),
        );
        let content = fs::read(dir.path().join("content")).unwrap();
        assert_eq!(content, [CPIM_HEADER, &cpim::write(&envelope()).unwrap()].concat());
    }
}

#[test]
fn what_the_command_seals_is_opened_here() {
    let dir = tempfile::tempdir().unwrap();
    for (n, (alice, bob)) in pairs(dir.path()).iter().enumerate() {
        for (signing, encrypting) in [
            ("-nocerts", "-aes-128-gcm"),
            ("-md sha512", "-aes-256-gcm"),
            ("-keyid -nosmimecap", "-keyid -aes-128-gcm"),
        ] {
            let sealed = sealed_by_the_command(dir.path(), n, signing, encrypting);
            let opened = seal::open(&sealed, bob, alice.certificate(), NOW);
            assert_eq!(opened, Ok(envelope()), "{signing} {encrypting}");
            let stranger = Credential::self_signed(&aor("alice@example.net"), NOW).unwrap();
            assert_eq!(
                seal::open(&sealed, bob, stranger.certificate(), NOW),
                Err(OpenError::BadSignature)
            );
        }
    }
}

#[test]
fn weak_or_unauthenticated_forms_of_the_command_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (n, (alice, bob)) in pairs(dir.path()).iter().enumerate() {
        for (signing, encrypting) in [("-nocerts -md sha1", "-aes-128-gcm"), ("-nocerts", "-aes-128-cbc")] {
            let sealed = sealed_by_the_command(dir.path(), n, signing, encrypting);
            let opened = seal::open(&sealed, bob, alice.certificate(), NOW);
            assert!(
                matches!(opened, Err(OpenError::Malformed(_))),
                "{signing} {encrypting}: {opened:?}"
            );
        }
    }
}
