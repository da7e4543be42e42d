use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;

use crate::credential::{CredentialError, PKCS12_LIMIT};
use crate::testing::{Template, aor, authority, p256};
use crate::{Certificate, Credential};

fn file(certificate: &Certificate, key: &PKey<Private>, above: &[&Certificate], passphrase: &str) -> Vec<u8> {
    let mut ca = Stack::new().unwrap();
    for one in above {
        ca.push(one.x509().unwrap().clone()).unwrap();
    }
    let mut builder = Pkcs12::builder();
    builder.cert(certificate.x509().unwrap()).pkey(key).ca(ca);
    builder.build2(passphrase).unwrap().to_der().unwrap()
}

#[test]
fn certificate_chain_and_key_are_read() {
    let (ca, key, address) = (authority("Example CA"), p256(), aor("alice@example.net"));
    let own = Template::default().issue(&ca, &key);
    let file = file(&own, &key, &[&ca.certificate], "päss");
    let credential = Credential::from_pkcs12(&file, "päss", &address).unwrap();
    assert_eq!(credential.certificate(), &own);
    assert_eq!(credential.chain(), [ca.certificate]);
    assert!(own.verify(b"data", &credential.sign(b"data").unwrap()));
}

#[test]
fn what_is_written_is_read_again() {
    let (ca, key, address) = (authority("Example CA"), p256(), aor("alice@example.net"));
    let own = Template::default().issue(&ca, &key);
    let chain = own.to_pem() + &ca.certificate.to_pem();
    let key = key.private_key_to_pem_pkcs8().unwrap();
    let credential = Credential::from_pem(chain.as_bytes(), &key, &address).unwrap();
    let file = credential.to_pkcs12("pässphrase of mine").unwrap();
    let again = Credential::from_pkcs12(&file, "pässphrase of mine", &address).unwrap();
    assert_eq!(again.certificate_pem(), credential.certificate_pem());
    assert_eq!(again.key_pem().unwrap(), credential.key_pem().unwrap());
    let wrong = Credential::from_pkcs12(&file, "passphrase of mine", &address);
    assert!(matches!(wrong.unwrap_err(), CredentialError::Passphrase));
    let named = Pkcs12::from_der(&file).unwrap().parse2("pässphrase of mine").unwrap();
    assert_eq!(named.cert.unwrap().alias(), Some(&b"alice@example.net"[..]));
    assert!(credential.to_pkcs12("a\0b").is_err());
}

#[test]
fn what_is_wrong_has_a_name() {
    let (ca, key, address) = (authority("Example CA"), p256(), aor("alice@example.net"));
    let own = Template::default().issue(&ca, &key);
    let good = file(&own, &key, &[], "secret");
    fn read(file: &[u8], passphrase: &str, address: &crate::AddressOfRecord) -> CredentialError {
        Credential::from_pkcs12(file, passphrase, address).unwrap_err()
    }
    assert!(matches!(read(&good, "Secret", &address), CredentialError::Passphrase));
    assert!(matches!(read(&good, "", &address), CredentialError::Passphrase));
    assert!(matches!(
        read(&good, "secret", &aor("bob@example.net")),
        CredentialError::OtherAddress
    ));
    assert!(matches!(
        read(b"no such file", "secret", &address),
        CredentialError::NoPkcs12
    ));
    assert!(matches!(
        read(&good[..good.len() / 2], "secret", &address),
        CredentialError::NoPkcs12
    ));
    let large = vec![0; PKCS12_LIMIT + 1];
    assert!(matches!(read(&large, "secret", &address), CredentialError::TooLarge));
    let of_authority = file(&ca.certificate, &ca.key, &[], "secret");
    assert!(Credential::from_pkcs12(&of_authority, "secret", &address).is_err());
}
