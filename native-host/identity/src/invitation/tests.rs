use openssl::cms::{CMSOptions, CmsContentInfo};
use proptest::prelude::*;

use super::*;
use crate::testing::{DAY, NOW, Template, aor};

fn nonce(digit: char) -> Nonce {
    digit.to_string().repeat(64).parse().unwrap()
}

fn invitation() -> Invitation {
    Invitation {
        from: aor("alice@example.net"),
        to: aor("bob@example.net"),
        at: NOW,
        nonce: nonce('a'),
        returns: vec![nonce('b'), nonce('c')],
    }
}

fn alice() -> Credential {
    Credential::self_signed(&aor("alice@example.net"), NOW).unwrap()
}

#[test]
fn what_is_written_is_read_with_who_signed_it() {
    let alice = alice();
    for returns in [vec![], vec![nonce('b')], vec![nonce('c'); RETURNS_LIMIT]] {
        let written = Invitation {
            returns,
            ..invitation()
        };
        let text = written.write(&alice).unwrap();
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 76), "{text}");
        let (read, certificate) = Invitation::read(&text, NOW).unwrap();
        assert_eq!((&read, &certificate), (&written, alice.certificate()));
        // Mail programs write line ends as they like.
        let (read, _) = Invitation::read(&text.replace('\n', "\r\n"), NOW).unwrap();
        assert_eq!(read, written);
    }
}

#[test]
fn only_the_author_can_have_signed_it() {
    let (alice, mallory) = (alice(), alice());
    let text = invitation().write(&alice).unwrap();
    let with_other_certificate = format!(
        "{}{}",
        text.split_once("-----BEGIN CERTIFICATE").unwrap().0,
        mallory.certificate().to_pem()
    );
    assert_eq!(
        Invitation::read(&with_other_certificate, NOW),
        Err(InvitationError::BadSignature)
    );
    let in_her_name = Invitation {
        from: aor("bob@example.net"),
        ..invitation()
    };
    assert!(in_her_name.write(&alice).is_err());
    // Signed all the same, by whoever wants to.
    let envelope = Envelope {
        from: aor("bob@example.net"),
        to: aor("carol@example.net"),
        at: NOW,
        id: "x".into(),
        sequence: 0,
        returns: None,
        content_type: MEDIA_TYPE.into(),
        body: format!("nonce {}\n", nonce('a')).into_bytes(),
    };
    let bob = Credential::self_signed(&aor("bob@example.net"), NOW).unwrap();
    let of_bob = in_pem(&seal::sign(&envelope, &bob).unwrap(), alice.certificate());
    assert_eq!(Invitation::read(&of_bob, NOW), Err(InvitationError::BadSignature));
}

#[test]
fn a_message_is_no_invitation() {
    let alice = alice();
    let message = Envelope {
        from: aor("alice@example.net"),
        to: aor("bob@example.net"),
        at: NOW,
        id: "x".into(),
        sequence: 0,
        returns: None,
        content_type: "text/plain".into(),
        body: format!("nonce {}\n", nonce('a')).into_bytes(),
    };
    let text = in_pem(&seal::sign(&message, &alice).unwrap(), alice.certificate());
    let unreadable = InvitationError::Unreadable("what is signed is something else");
    assert_eq!(Invitation::read(&text, NOW), Err(unreadable));
}

#[test]
fn an_authority_invites_nobody() {
    let template = Template {
        ca: true,
        not_after: NOW + 40 * DAY,
        ..Template::default()
    };
    for (ca, is_good) in [
        (template.self_signed(), false),
        (Template { ca: false, ..template }.self_signed(), true),
    ] {
        let envelope = Envelope {
            from: aor("alice@example.net"),
            to: aor("bob@example.net"),
            at: NOW,
            id: "x".into(),
            sequence: 0,
            returns: None,
            content_type: MEDIA_TYPE.into(),
            body: format!("nonce {}\n", nonce('a')).into_bytes(),
        };
        let content = [
            b"Content-Type: message/cpim\r\n\r\n",
            crate::cpim::write(&envelope).unwrap().as_slice(),
        ]
        .concat();
        let options = CMSOptions::BINARY | CMSOptions::CMS_NOCERTS;
        let signed = CmsContentInfo::sign(
            ca.certificate.x509().map(|x| &**x),
            Some(&ca.key),
            None,
            Some(&content),
            options,
        );
        let text = in_pem(&signed.unwrap().to_der().unwrap(), &ca.certificate);
        assert_eq!(Invitation::read(&text, NOW).is_ok(), is_good);
    }
}

#[test]
fn an_old_mail_is_worth_nothing() {
    let alice = alice();
    let text = invitation().write(&alice).unwrap();
    for (later, is_good) in [
        (LIFETIME, true),
        (LIFETIME + 1_000, false),
        (-DAY, true),
        (-DAY - 1_000, false),
    ] {
        // The certificate of a credential begins an hour before it is made; what counts here is the invitation's own time.
        let read = Invitation::read(&text, NOW + later);
        if is_good && later >= 0 {
            assert!(read.is_ok(), "{later}: {read:?}");
        } else if !is_good {
            assert_eq!(read, Err(InvitationError::Expired), "{later}");
        }
    }
}

#[test]
fn nonces_are_strict_secret_and_named() {
    for wrong in ["", "aa", &"A".repeat(64), &"g".repeat(64), &"a".repeat(66)] {
        assert_eq!(wrong.parse::<Nonce>(), Err(NonceError), "{wrong}");
    }
    let (one, other) = (Nonce::new().unwrap(), Nonce::new().unwrap());
    assert_ne!(one, other);
    assert_ne!(one.tag(), other.tag());
    assert_eq!(one.to_string().parse(), Ok(one));
    assert!(!format!("{one:?} {}", one.tag()).contains(&one.to_string()[..16]));
}

fn in_pem(signed: &[u8], certificate: &Certificate) -> String {
    format!(
        "{BEGIN}\n{}\n{END}\n{}",
        openssl::base64::encode_block(signed),
        certificate.to_pem()
    )
}

proptest! {
    #[test]
    fn nothing_breaks_it(text in any::<String>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let _ = Invitation::read(&text, NOW);
        let mut written = invitation().write(&alice()).unwrap().into_bytes();
        let place = at.index(written.len());
        written[place] = byte % 128;
        let changed = String::from_utf8(written).unwrap();
        // Whatever is changed, nobody else's words are read.
        if let Ok((read, _)) = Invitation::read(&changed, NOW) {
            prop_assert_eq!(read, invitation());
        }
    }
}
