use openssl::pkey::{PKey, Private};
use proptest::prelude::*;

use super::*;
use crate::der::{Reader, tag};
use crate::testing::{DAY, NOW, Template, aor, authority, p256, p384, pem, rsa};

fn person(address: &str) -> Credential {
    Credential::self_signed(&aor(address), NOW).unwrap()
}

/// With a key of the caller's, certified by an authority.
fn holder(address: &str, key: &PKey<Private>) -> Credential {
    let certificate = Template {
        mails: vec![address],
        ..Template::default()
    }
    .issue(&authority("Example CA"), key);
    Credential::from_pem(certificate.to_pem().as_bytes(), &pem(key), &aor(address)).unwrap()
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
        body: "Gr\u{fc}\u{df}e\r\n\0".as_bytes().to_vec(),
    }
}

/// Alice, Bob, and a sealed message from her to him.
fn scene() -> (Credential, Credential, Vec<u8>) {
    let (alice, bob) = (person("alice@example.net"), person("bob@example.net"));
    let sealed = seal(&envelope(), &alice, bob.certificate()).unwrap();
    (alice, bob, sealed)
}

/// The layers made by hand, so that each can be made wrong.
struct Layers<'a> {
    signer: &'a Credential,
    signing: CMSOptions,
    signed_header: &'a str,
    message: Vec<u8>,
    encrypted_header: &'a str,
    recipients: Vec<&'a Certificate>,
    cipher: Cipher,
}

const ENCRYPTED: &str = "Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n";

impl<'a> Layers<'a> {
    fn new(signer: &'a Credential, recipient: &'a Credential) -> Self {
        Self {
            signer,
            signing: CMSOptions::BINARY | CMSOptions::CMS_NOCERTS,
            signed_header: "Content-Type: message/cpim\r\n\r\n",
            message: cpim::write(&envelope()).unwrap(),
            encrypted_header: ENCRYPTED,
            recipients: vec![recipient.certificate()],
            cipher: Cipher::aes_128_gcm(),
        }
    }

    fn signed(&self) -> Vec<u8> {
        let content = [self.signed_header.as_bytes(), &self.message].concat();
        let certificate = self.signer.certificate().x509().unwrap();
        CmsContentInfo::sign(
            Some(certificate),
            Some(self.signer.private_key()),
            None,
            Some(&content),
            self.signing,
        )
        .unwrap()
        .to_der()
        .unwrap()
    }

    fn encrypted(&self, signed: &[u8]) -> Vec<u8> {
        let mut to = Stack::new().unwrap();
        for recipient in &self.recipients {
            to.push(recipient.x509().unwrap().clone()).unwrap();
        }
        let content = [self.encrypted_header.as_bytes(), signed].concat();
        CmsContentInfo::encrypt(&to, &content, self.cipher, CMSOptions::BINARY)
            .unwrap()
            .to_der()
            .unwrap()
    }

    fn sealed(&self) -> Vec<u8> {
        self.encrypted(&self.signed())
    }
}

#[test]
fn what_was_sealed_is_opened() {
    let (alice, bob, sealed) = scene();
    assert_eq!(open(&sealed, &bob, alice.certificate(), NOW), Ok(envelope()));
    assert!(
        !sealed.windows(5).any(|w| w == b"alice"),
        "the author is not told outside"
    );
}

#[test]
fn a_short_text_stays_short() {
    let (alice, bob, _) = scene();
    let sealed = seal(
        &Envelope {
            body: vec![b'x'; 300],
            ..envelope()
        },
        &alice,
        bob.certificate(),
    )
    .unwrap();
    assert!(sealed.len() < 1400, "{} bytes", sealed.len());
}

#[test]
fn rsa_and_p256_seal_to_each_other() {
    let (small, large) = (rsa(2048), rsa(4096));
    let people = [p256(), small, large].map(|key| (holder("alice@example.net", &key), holder("bob@example.net", &key)));
    for (alice, _) in &people {
        for (_, bob) in &people {
            let sealed = seal(&envelope(), alice, bob.certificate()).unwrap();
            assert_eq!(open(&sealed, bob, alice.certificate(), NOW), Ok(envelope()));
        }
    }
}

#[test]
fn only_the_recipient_opens() {
    let (alice, bob, sealed) = scene();
    let carol = person("carol@example.net");
    assert_eq!(
        open(&sealed, &carol, alice.certificate(), NOW),
        Err(OpenError::NotForMe)
    );
    let other_bob = person("bob@example.net");
    assert_eq!(
        open(&sealed, &other_bob, alice.certificate(), NOW),
        Err(OpenError::NotForMe)
    );
    let (rsa_bob, rsa_alice) = (
        holder("bob@example.net", &rsa(2048)),
        holder("alice@example.net", &rsa(2048)),
    );
    assert_eq!(
        open(&sealed, &rsa_bob, alice.certificate(), NOW),
        Err(OpenError::NotForMe)
    );
    let sealed = seal(&envelope(), &rsa_alice, rsa_bob.certificate()).unwrap();
    assert_eq!(
        open(&sealed, &bob, rsa_alice.certificate(), NOW),
        Err(OpenError::NotForMe)
    );
    let mut broken = sealed.clone();
    let ciphertext = broken.len() - 40;
    broken[ciphertext] ^= 1;
    assert_eq!(
        open(&broken, &rsa_bob, rsa_alice.certificate(), NOW),
        Err(OpenError::Undecipherable)
    );
}

#[test]
fn only_the_chosen_sender_is_believed() {
    let (_, bob, sealed) = scene();
    let other_alice = person("alice@example.net");
    assert_eq!(
        open(&sealed, &bob, other_alice.certificate(), NOW),
        Err(OpenError::BadSignature)
    );
    // A certificate that the message brings along does not help.
    let mallory = person("alice@example.net");
    let layers = Layers {
        signing: CMSOptions::BINARY,
        ..Layers::new(&mallory, &bob)
    };
    assert_eq!(
        open(&layers.sealed(), &bob, other_alice.certificate(), NOW),
        Err(OpenError::BadSignature)
    );
    assert_eq!(open(&layers.sealed(), &bob, mallory.certificate(), NOW), Ok(envelope()));
}

#[test]
fn nobody_speaks_in_anothers_name() {
    let (_, bob, _) = scene();
    let mallory = person("mallory@example.net");
    let layers = Layers::new(&mallory, &bob);
    assert_eq!(
        open(&layers.sealed(), &bob, mallory.certificate(), NOW),
        Err(OpenError::WrongSender)
    );
}

#[test]
fn a_message_is_not_passed_on_as_if_written_to_another() {
    let (alice, bob, _) = scene();
    let carol = person("carol@example.net");
    let layers = Layers {
        recipients: vec![carol.certificate()],
        ..Layers::new(&alice, &bob)
    };
    assert_eq!(
        open(&layers.sealed(), &carol, alice.certificate(), NOW),
        Err(OpenError::WrongRecipient)
    );
}

#[test]
fn content_without_a_signature_is_refused() {
    let (alice, bob, _) = scene();
    let layers = Layers::new(&alice, &bob);
    let signed = layers.signed();
    let unsigned = with_last_part(&signed, |tag, _| wrap(tag, &[]));
    let entity = [layers.signed_header.as_bytes(), &layers.message].concat();
    for inner in [
        unsigned,
        entity,
        layers.encrypted(&signed),
        vec![],
        signed[..signed.len() - 1].to_vec(),
    ] {
        let opened = open(&layers.encrypted(&inner), &bob, alice.certificate(), NOW);
        assert!(matches!(opened, Err(OpenError::Malformed(_))), "{opened:?}");
    }
    // Signed, and not encrypted.
    assert!(matches!(
        open(&signed, &bob, alice.certificate(), NOW),
        Err(OpenError::Malformed(_))
    ));
}

fn wrap(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    match content.len() {
        0..0x80 => [vec![tag, length[1]], content].concat(),
        0x80..0x100 => [vec![tag, 0x81, length[1]], content].concat(),
        _ => [vec![tag, 0x82, length[0], length[1]], content].concat(),
    }
}

/// The same CMS structure with another last part: the signers of SignedData, the tag of AuthEnvelopedData.
fn with_last_part(cms: &[u8], change: impl Fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut info = Reader::new(cms).enter(tag::SEQUENCE).unwrap();
    let content_type = wrap(tag::OID, &[info.expect(tag::OID).unwrap().to_vec()]);
    let mut data = info.enter(tag::context(0)).unwrap().enter(tag::SEQUENCE).unwrap();
    let mut parts = Vec::new();
    while let Some((tag, content)) = data.next() {
        parts.push(if data.is_empty() {
            change(tag, content)
        } else {
            wrap(tag, &[content.to_vec()])
        });
    }
    wrap(
        tag::SEQUENCE,
        &[content_type, wrap(tag::context(0), &[wrap(tag::SEQUENCE, &parts)])],
    )
}

#[test]
fn a_shortened_authentication_tag_is_refused() {
    let (alice, bob, sealed) = scene();
    let with_tag = |length| {
        let sealed = with_last_part(&sealed, |tag, content| wrap(tag, &[content[..length].to_vec()]));
        open(&sealed, &bob, alice.certificate(), NOW)
    };
    assert_eq!(with_tag(16), Ok(envelope()));
    for length in [0, 1, 4, 8, 11] {
        assert!(matches!(with_tag(length), Err(OpenError::Malformed(_))), "{length}");
    }
}

#[test]
fn other_forms_of_cms_are_refused() {
    let (alice, bob, _) = scene();
    let carol = person("carol@example.net");
    let good = || Layers::new(&alice, &bob);
    assert_eq!(open(&good().sealed(), &bob, alice.certificate(), NOW), Ok(envelope()));
    let stronger = Layers {
        cipher: Cipher::aes_256_gcm(),
        ..good()
    };
    assert_eq!(open(&stronger.sealed(), &bob, alice.certificate(), NOW), Ok(envelope()));
    for layers in [
        Layers {
            cipher: Cipher::aes_192_gcm(),
            ..good()
        },
        Layers {
            cipher: Cipher::aes_128_cbc(),
            ..good()
        },
        Layers {
            cipher: Cipher::des_ede3_cbc(),
            ..good()
        },
        Layers {
            recipients: vec![bob.certificate(), carol.certificate()],
            ..good()
        },
        Layers {
            recipients: vec![],
            ..good()
        },
        Layers {
            signing: CMSOptions::BINARY | CMSOptions::NOATTR,
            ..good()
        },
        Layers {
            signing: CMSOptions::BINARY | CMSOptions::DETACHED,
            ..good()
        },
        Layers {
            signed_header: "Content-Type: text/plain\r\n\r\n",
            ..good()
        },
        Layers {
            signed_header: "",
            ..good()
        },
        Layers {
            signed_header: "Content-Type: message/cpim\r\nContent-Type: message/cpim\r\n\r\n",
            ..good()
        },
        Layers {
            signed_header: "Content-Type: message/cpim\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            ..good()
        },
        Layers {
            encrypted_header: "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\n",
            ..good()
        },
        Layers {
            encrypted_header: "Content-Type: application/pkcs7-mime\r\n\r\n",
            ..good()
        },
        Layers {
            encrypted_header: "",
            ..good()
        },
        Layers {
            message: b"From: <sip:alice@example.net>\r\n\r\n".to_vec(),
            ..good()
        },
    ] {
        let opened = open(&layers.sealed(), &bob, alice.certificate(), NOW);
        assert!(matches!(opened, Err(OpenError::Malformed(_))), "{opened:?}");
    }
}

#[test]
fn a_message_lives_for_a_week_and_a_day() {
    let (alice, bob, sealed) = scene();
    let open_at = |now| open(&sealed, &bob, alice.certificate(), now).map(|envelope| envelope.id);
    for now in [NOW - DAY, NOW, NOW + 8 * DAY] {
        assert_eq!(open_at(now), Ok("a1".to_owned()));
    }
    assert_eq!(open_at(NOW + 8 * DAY + 1), Err(OpenError::Stale));
    assert_eq!(open_at(NOW - DAY - 1), Err(OpenError::FromTheFuture));
    assert_eq!(open_at(Millis::MAX), Err(OpenError::Stale));
    assert_eq!(open_at(Millis::MIN), Err(OpenError::FromTheFuture));
}

#[test]
fn what_cannot_be_sealed_says_why() {
    let (alice, bob, _) = scene();
    let to = bob.certificate();
    let with = |change: fn(&mut Envelope)| {
        let mut envelope = envelope();
        change(&mut envelope);
        seal(&envelope, &alice, to).expect_err("sealed")
    };
    assert!(matches!(
        with(|e| e.from = aor("carol@example.net")),
        SealError::WrongSender
    ));
    assert!(matches!(
        with(|e| e.to = aor("carol@example.net")),
        SealError::WrongRecipient
    ));
    assert!(matches!(
        with(|e| e.id = "x y".to_owned()),
        SealError::Envelope(EnvelopeError::Id)
    ));
    assert!(matches!(with(|e| e.body = vec![0; SEALED_LIMIT]), SealError::TooLarge(size) if size > SEALED_LIMIT));
    assert!(matches!(
        with(|e| e.body = vec![0; SEALED_LIMIT + 1]),
        SealError::TooLarge(_)
    ));
    let p384 = Template {
        mails: vec!["bob@example.net"],
        ..Template::default()
    }
    .issue(&authority("Example CA"), &p384());
    assert!(matches!(seal(&envelope(), &alice, &p384), Err(SealError::KeyKind)));
}

#[test]
fn the_largest_text_fits() {
    let text = Envelope {
        body: vec![b'x'; 32_768],
        ..envelope()
    };
    let key = rsa(4096);
    let (alice, bob) = (holder("alice@example.net", &key), holder("bob@example.net", &key));
    let sealed = seal(&text, &alice, bob.certificate()).unwrap();
    assert_eq!(open(&sealed, &bob, alice.certificate(), NOW), Ok(text));
}

#[test]
fn oversize_is_refused_unseen() {
    let (alice, bob, sealed) = scene();
    let long = [sealed, vec![0; SEALED_LIMIT]].concat();
    assert_eq!(
        open(&long, &bob, alice.certificate(), NOW),
        Err(OpenError::TooLarge(long.len()))
    );
}

#[test]
fn a_changed_outer_form_is_the_same_message() {
    // The recipient's issuer name can be re-encoded, the structure written in BER: still one envelope.
    let (alice, bob, sealed) = scene();
    assert_eq!(sealed[..2], [0x30, 0x82]);
    let indefinite = [&[0x30, 0x80], &sealed[4..], &[0, 0]].concat();
    assert_eq!(open(&indefinite, &bob, alice.certificate(), NOW), Ok(envelope()));
}

#[test]
fn every_flipped_bit_is_noticed_or_harmless() {
    let (alice, bob, sealed) = scene();
    let mut refused = 0;
    for place in 0..sealed.len() {
        let mut mutant = sealed.clone();
        mutant[place] ^= 1 << (place % 8);
        match open(&mutant, &bob, alice.certificate(), NOW) {
            Ok(opened) => assert_eq!(opened, envelope(), "byte {place}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > sealed.len() * 9 / 10, "{refused} of {}", sealed.len());
}

#[test]
fn who_opens_a_message_can_remove_it() {
    let (alice, bob) = (person("alice@example.net"), person("bob@example.net"));
    let (sealed, secret) = seal_to_store(&envelope(), &alice, bob.certificate()).unwrap();
    assert_eq!(
        open_stored(&sealed, &bob, alice.certificate(), NOW),
        Ok((envelope(), secret))
    );
    // Another sealing of the same message is another record.
    let (_, other) = seal_to_store(&envelope(), &alice, bob.certificate()).unwrap();
    assert_ne!(other, secret);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_envelope_is_opened_as_it_was_sealed(
        body in prop::collection::vec(any::<u8>(), 0..2000), sequence: u64, id in "[A-Za-z0-9.-]{1,64}",
        at in NOW - 8 * DAY..NOW + DAY,
    ) {
        let (alice, bob, _) = scene();
        let envelope = Envelope { body, sequence, id, at, ..envelope() };
        let sealed = seal(&envelope, &alice, bob.certificate()).unwrap();
        prop_assert_eq!(open(&sealed, &bob, alice.certificate(), NOW), Ok(envelope));
    }

    #[test]
    fn mutants_never_say_anything_else(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, prop::collection::vec(any::<u8>(), 0..4)), 1..4),
        inner: bool,
    ) {
        let (alice, bob, sealed) = scene();
        let layers = Layers::new(&alice, &bob);
        let mut bytes = if inner { layers.signed() } else { sealed };
        for (place, gone, new) in edits {
            let place = place.index(bytes.len());
            let end = (place + gone).min(bytes.len());
            bytes.splice(place..end, new);
        }
        let sealed = if inner { layers.encrypted(&bytes) } else { bytes };
        if let Ok(opened) = open(&sealed, &bob, alice.certificate(), NOW) {
            prop_assert_eq!(opened, envelope());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (alice, bob, _) = scene();
        prop_assert!(open(&bytes, &bob, alice.certificate(), NOW).is_err());
        let layers = Layers::new(&alice, &bob);
        prop_assert!(open(&layers.encrypted(&bytes), &bob, alice.certificate(), NOW).is_err());
        let layers = Layers { message: bytes, ..layers };
        prop_assert!(open(&layers.sealed(), &bob, alice.certificate(), NOW).is_err());
    }
}
