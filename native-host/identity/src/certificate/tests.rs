use super::*;
use crate::testing::{NOW, Template, aor, authority, p256, rsa};

#[test]
fn a_certificate_tells_what_it_holds() {
    let template = Template {
        mails: vec![
            "Alice@Example.net",
            "not an address",
            "a@b\u{fc}cher.example",
            " carol@example.net",
            "ALICE@example.net",
            "bob@example.net",
        ],
        ..Template::default()
    };
    let certificate = template.issue(&authority("Example CA"), &p256());
    assert_eq!(
        certificate.addresses(),
        [aor("alice@example.net"), aor("bob@example.net")]
    );
    assert!(certificate.speaks_for(&aor("ALICE@example.net")) && !certificate.speaks_for(&aor("carol@example.net")));
    assert_eq!(certificate.issuer_name(), "Example CA");
    assert!(!certificate.is_self_signed() && !certificate.is_ca());
    assert_eq!(certificate.key_kind(), KeyKind::P256);
    assert_eq!(
        (certificate.not_before(), certificate.not_after()),
        (template.not_before, template.not_after)
    );
    assert!(certificate.valid_at(template.not_before) && certificate.valid_at(template.not_after));
    assert!(!certificate.valid_at(template.not_before - 1) && !certificate.valid_at(template.not_after + 1));
    assert!(authority("Example CA").certificate.is_ca());
}

#[test]
fn der_and_pem_are_read_back_the_same() {
    let certificate = Template::default().issue(&authority("Example CA"), &p256());
    let from_der = Certificate::from_der(certificate.der()).unwrap();
    let from_pem = Certificate::from_pem(certificate.to_pem().as_bytes()).unwrap();
    assert_eq!(from_der, certificate);
    assert_eq!(from_pem.der(), certificate.der());
    assert_eq!(
        certificate.to_pem().as_bytes(),
        certificate.x509().unwrap().to_pem().unwrap()
    );
}

#[test]
fn one_certificate_has_one_form() {
    let der = Template::default()
        .issue(&authority("Example CA"), &p256())
        .der()
        .to_vec();
    let trailing = [&der[..], &[0]].concat();
    assert!(matches!(
        Certificate::from_der(&trailing),
        Err(CertificateError::NotCanonical)
    ));
    // The same length of the outer sequence, in a longer form.
    assert_eq!(der[1], 0x82);
    let longer = [&[0x30, 0x83, 0], &der[2..]].concat();
    assert!(Certificate::from_der(&longer).is_err());
    assert!(matches!(
        Certificate::from_der(&der[..der.len() - 1]),
        Err(CertificateError::Unreadable(_))
    ));
    assert!(matches!(
        Certificate::from_der(&vec![0x30; CERTIFICATE_LIMIT + 1]),
        Err(CertificateError::TooLarge(_))
    ));
    assert!(Certificate::from_der(&[]).is_err() && Certificate::from_pem(b"").is_err());
}

#[test]
fn a_fingerprint_is_text_both_ways() {
    let fingerprint = Template::default()
        .issue(&authority("Example CA"), &p256())
        .fingerprint();
    let text = fingerprint.to_string();
    assert!(text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    assert_eq!(text.parse(), Ok(fingerprint));
    assert_eq!(text.to_uppercase().parse(), Ok(fingerprint));
    for wrong in [
        "",
        "00",
        &text[1..],
        &format!("{text}0"),
        &text.replace(&text[..1], "g"),
    ] {
        assert_eq!(wrong.parse::<Fingerprint>(), Err(FingerprintError), "{wrong}");
    }
}

#[test]
fn a_self_signature_is_checked() {
    let credential = crate::Credential::self_signed(&aor("alice@example.net"), NOW).unwrap();
    assert!(credential.certificate().is_self_signed());
    let mut der = credential.certificate().der().to_vec();
    // The serial number stands in the signed part: CertificateSequence, TBS sequence, version, then the serial.
    der[4 + 4 + 5 + 4] ^= 1;
    let forged = Certificate::from_der(&der).unwrap();
    assert_eq!(forged.addresses(), credential.certificate().addresses());
    assert!(!forged.is_self_signed());
    // An authority of the same name is not the same key.
    let namesake = Template {
        subject: "Example CA",
        ..Template::default()
    }
    .issue(&authority("Example CA"), &p256());
    assert!(!namesake.is_self_signed());
}

#[test]
fn an_issuers_name_is_safe_to_show() {
    let long = "\u{202e}x\r\n".to_owned() + &"y".repeat(55);
    let certificate = Template::default().issue(&authority(&long), &p256());
    assert_eq!(certificate.issuer_name(), "\u{202e}x".to_owned() + &"y".repeat(55));
}

#[test]
fn keys_of_other_kinds_verify_nothing() {
    let p384 = crate::testing::p384();
    let certificate = Template::default().issue(&authority("Example CA"), &p384);
    assert_eq!(certificate.key_kind(), KeyKind::Other);
    assert!(!certificate.verify(b"x", &[0; 64]));
    assert_eq!(
        Template::default()
            .issue(&authority("Example CA"), &rsa(1024))
            .key_kind(),
        KeyKind::Other
    );
    assert_eq!(
        Template::default()
            .issue(&authority("Example CA"), &rsa(2048))
            .key_kind(),
        KeyKind::Rsa
    );
}
