use corella_identity::Certificate;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::EcGroup;
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;

use super::*;
use crate::fragment::Fragments;
use crate::testing::{
    Authority, HOUR, MINUTE, NOW, aor, certificate_record, contact_record, contacts, device, large_offline_record,
    large_welcome_record, offline_record, person, private_record, watcher_record, welcome_record,
    welcome_watcher_record,
};

fn read(xml: &str) -> Result<Record, RecordError> {
    Record::from_xml(xml.as_bytes(), NOW)
}

fn refused(xml: &str) -> String {
    read(xml).expect_err("taken").to_string()
}

#[test]
fn records_are_read_back_as_they_were_written() {
    let bob = person("bob@example.net");
    let peer = device();
    let record = contact_record(&bob, peer, NOW);
    let again = read(record.to_xml()).unwrap();
    assert_eq!(again, record);
    assert_eq!(again.content(), record.content());
    assert_eq!(again.key(), &Key::Contacts(aor("bob@example.net")));
    assert_eq!(again.value(), &contacts(peer));
    assert_eq!(again.nonce(), nonce_of_device(&peer));
    assert_eq!(again.signer(), bob.certificate());
    assert_eq!((again.sequence(), again.expires()), (NOW, NOW + HOUR));

    let record = certificate_record(&bob, NOW);
    let again = read(record.to_xml()).unwrap();
    assert_eq!(again.value(), &Value::Certificate(vec![bob.certificate().clone()]));
    assert_eq!(again.nonce(), SOLE);
}

/// One record of each form.
pub(super) fn all_forms() -> Vec<Record> {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let offline = offline_record(&alice, &bob, 1, NOW);
    vec![
        contact_record(&bob, device(), NOW),
        certificate_record(&bob, NOW),
        watcher_record(&alice, &bob, NOW),
        offline.sign_removal(&alice, NOW).unwrap(),
        offline,
        large_offline_record(&alice, &bob, 2, NOW).0,
        welcome_record(&alice, &bob, 4, NOW),
        large_welcome_record(&alice, &bob, 5, NOW).0,
        welcome_watcher_record(&alice, &bob, NOW),
        private_record(&bob, 3, NOW),
        Record::revoke(&bob, NOW).unwrap(),
        revoked_by_authority().1,
    ]
}

/// Bob's certificate, and the record by which its authority revokes it.
fn revoked_by_authority() -> (Credential, Record) {
    let authority = Authority::new("Example CA");
    let bob = authority.issue("bob@example.net");
    let xml = authority.revoke(bob.certificate(), NOW).unwrap();
    (bob, read(&xml).unwrap())
}

#[test]
fn a_revocation_says_whose_word_it_is() {
    let (bob, record) = revoked_by_authority();
    let revocation = record.revocation().unwrap();
    assert_eq!(
        (revocation.certificate(), revocation.signer()),
        (bob.certificate(), record.signer())
    );
    assert!(revocation.authority().is_some());
    let own = Record::revoke(&bob, NOW).unwrap();
    assert_eq!(own.revocation().unwrap().authority(), None);
    assert_eq!((own.key(), own.nonce()), (record.key(), record.nonce()));
    // The certificate ends before a revocation must.
    assert_eq!(own.expires(), bob.certificate().not_after());
    let after = Record::from_xml(own.to_xml().as_bytes(), own.expires());
    assert!(matches!(after, Err(RecordError::Expired)));
}

#[test]
fn who_may_not_revoke_makes_no_record() {
    let bob = person("bob@example.net");
    let eve = person("bob@example.net");
    let key = || Key::Revoked(aor("bob@example.net"));
    let sign = |by: &Credential, key: Key, of: &Certificate, expires: Millis| {
        Record::sign(by, key, Value::Revoked(of.clone()), NOW, expires)
    };
    let end = corella_identity::revocation::end(bob.certificate(), NOW);
    assert!(sign(&bob, key(), bob.certificate(), end).is_ok());
    let by_eve = sign(&eve, key(), bob.certificate(), end);
    assert!(matches!(by_eve, Err(RecordError::WrongKey)));
    let of_alice = sign(&bob, Key::Revoked(aor("alice@example.net")), bob.certificate(), end);
    assert!(matches!(of_alice, Err(RecordError::WrongKey)));
    // Authorities say nothing about what they have not issued, nor does anybody by exchanging certificates.
    let (ours, other) = (Authority::new("Example CA"), Authority::new("Example CA"));
    let issued = ours.issue("bob@example.net");
    assert_eq!(other.revoke(issued.certificate(), NOW), None);
    let xml = ours.revoke(issued.certificate(), NOW).unwrap();
    let encode = |certificate: &Certificate| BASE64.encode(certificate.der());
    let swapped = xml.replace(&encode(issued.certificate()), &encode(bob.certificate()));
    assert!(swapped != xml && read(&swapped).is_err());
    let signer = |certificate: &Certificate| certificate.fingerprint().to_string();
    let by_other = xml
        .replace(&encode(&ours.certificate), &encode(&other.certificate))
        .replace(&signer(&ours.certificate), &signer(&other.certificate));
    assert_eq!(refused(&by_other), RecordError::WrongKey.to_string());
}

#[test]
fn a_revocation_is_not_taken_back_and_has_one_end() {
    let bob = person("bob@example.net");
    let record = Record::revoke(&bob, NOW).unwrap();
    assert!(record.expires() > NOW + 179 * 24 * HOUR);
    assert!(matches!(record.sign_removal(&bob, NOW), Err(RecordError::OtherKind)));
    for expires in [NOW + HOUR, record.expires() - 1000, record.expires() + 1000] {
        let value = Value::Revoked(bob.certificate().clone());
        let other = Record::sign(&bob, record.key().clone(), value, NOW, expires);
        assert!(matches!(other, Err(RecordError::Field("expires"))));
    }
}

#[test]
fn every_form_is_read_back() {
    for record in all_forms() {
        let again = read(record.to_xml()).unwrap();
        assert_eq!(again, record);
        assert_eq!(again.value(), record.value());
        assert_eq!((again.key(), again.nonce()), (record.key(), record.nonce()));
    }
}

#[test]
fn anybody_who_is_somebody_writes_to_others_and_nobody_else_does() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let label = crate::key::Label([7; 32]);
    let sign = |key: Key, value: Value| Record::sign(&alice, key, value, NOW, NOW + HOUR);
    let own = private_record(&bob, 1, NOW);
    let private = Key::Private(aor("bob@example.net"), label);
    assert!(matches!(sign(private, own.value().clone()), Err(RecordError::WrongKey)));
    assert!(
        sign(
            Key::Offline(aor("bob@example.net")),
            offline_record(&bob, &bob, 1, NOW).value().clone()
        )
        .is_ok()
    );
    // An authority writes to nobody.
    let authority = Authority::new("alice@example.org");
    let xml = offline_record(&alice, &bob, 1, NOW).to_xml().to_string();
    let encode = |certificate: &Certificate| BASE64.encode(certificate.der());
    let fingerprint = |certificate: &Certificate| certificate.fingerprint().to_string();
    let other = xml
        .replace(&encode(alice.certificate()), &encode(&authority.certificate))
        .replace(&fingerprint(alice.certificate()), &fingerprint(&authority.certificate));
    assert_eq!(refused(&other), RecordError::WrongKey.to_string());
}

#[test]
fn a_removal_stands_where_the_record_stood() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let record = offline_record(&alice, &bob, 1, NOW);
    let removal = record.sign_removal(&alice, NOW).unwrap();
    assert!(removal.is_removal() && !record.is_removal());
    assert_eq!((removal.key(), removal.nonce()), (record.key(), record.nonce()));
    assert_eq!((removal.sequence(), removal.expires()), (NOW + 1, record.expires()));
    let by_another = record.sign_removal(&person("alice@example.org"), NOW);
    assert!(matches!(by_another, Err(RecordError::OtherSigner)));
}

#[test]
fn content_stands_in_the_record_or_in_fragments_by_its_size_alone() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let sign = |sealed: Sealed| {
        let key = Key::Offline(aor("bob@example.net"));
        let value = Value::Offline {
            nonce: [1; 16],
            recipient: bob.certificate().fingerprint(),
            removal: [2; 32],
            sealed,
            pass: None,
        };
        Record::sign(&alice, key, value, NOW, NOW + HOUR)
    };
    let largest = sign(Sealed::Inline(vec![0xff; INLINE_LIMIT])).unwrap();
    assert_eq!(read(largest.to_xml()).unwrap(), largest);
    assert!(matches!(
        sign(Sealed::Inline(vec![0xff; INLINE_LIMIT + 1])),
        Err(RecordError::TooLarge)
    ));
    assert!(matches!(sign(Sealed::Inline(Vec::new())), Err(RecordError::TooLarge)));
    let whole = vec![0x5a; crate::fragment::CONTENT_LIMIT];
    let record = sign(Sealed::Fragments(Fragments::cut(&whole).unwrap().0)).unwrap();
    assert_eq!(read(record.to_xml()).unwrap(), record);
    let swap = |from: &str, to: &str| {
        assert!(record.to_xml().contains(from), "{from}");
        refused(&record.to_xml().replacen(from, to, 1))
    };
    let count = crate::fragment::FragmentError::Count.to_string();
    assert_eq!(
        swap("<fragment>", "<fragment></fragment><fragment>"),
        RecordError::TooLarge.to_string()
    );
    assert_eq!(swap("size=\"65536\"", "size=\"61440\""), count);
    assert_eq!(
        swap("size=\"65536\"", "size=\"065536\""),
        RecordError::NotCanonical.to_string()
    );
    assert_eq!(
        swap("size=\"65536\"", "size=\"18446744073709551616\""),
        RecordError::Field("size").to_string()
    );
}

#[test]
fn attributes_belong_to_their_kinds() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let contact = contact_record(&bob, device(), NOW);
    let extra = contact
        .to_xml()
        .replace(" sequence=", &format!(" recipient=\"{}\" sequence=", "0".repeat(64)));
    assert_eq!(refused(&extra), RecordError::NotCanonical.to_string());
    let offline = offline_record(&alice, &bob, 1, NOW);
    for (from, to, field) in [
        (" removal=", " removed=", RecordError::Attribute("value")),
        (" recipient=", " recipien=", RecordError::Attribute("value")),
        (
            " expires=",
            " reference=\"x\" expires=",
            RecordError::Attribute("value"),
        ),
    ] {
        assert!(offline.to_xml().contains(from));
        assert_eq!(refused(&offline.to_xml().replacen(from, to, 1)), field.to_string());
    }
    let start = offline.to_xml().find(" removal=").unwrap();
    let end = offline.to_xml().find(" sequence=").unwrap();
    let without = [&offline.to_xml()[..start], &offline.to_xml()[end..]].concat();
    assert_eq!(refused(&without), RecordError::Field("removal").to_string());
    // The nonce of a device's contacts is the device's.
    let nonce = data_encoding::HEXLOWER.encode(&contact.nonce());
    assert_eq!(
        refused(&contact.to_xml().replace(&nonce, &"0".repeat(32))),
        RecordError::Field("nonce").to_string()
    );
}

#[test]
fn a_ticket_is_no_record_and_a_record_no_ticket() {
    let bob = person("bob@example.net");
    let key = Key::Offline(aor("bob@example.net"));
    let ticket = Ticket::sign(&bob, key.clone(), NOW).unwrap();
    assert_eq!(refused(ticket.to_xml()), RecordError::OtherKind.to_string());
    let again = Ticket::from_xml(ticket.to_xml().as_bytes(), NOW).unwrap();
    assert_eq!(again, ticket);
    assert_eq!((again.key(), again.reader()), (&key, bob.certificate().fingerprint()));
    let late = Ticket::from_xml(ticket.to_xml().as_bytes(), NOW + HOUR);
    assert!(matches!(late, Err(RecordError::Expired)));
    let record = offline_record(&bob, &bob, 1, NOW);
    let read = Ticket::from_xml(record.to_xml().as_bytes(), NOW);
    assert!(matches!(read, Err(RecordError::OtherKind)));
    // Who may write to Bob may not read what others wrote.
    let by_alice = Ticket::sign(&person("alice@example.org"), key.clone(), NOW);
    assert!(matches!(by_alice, Err(RecordError::WrongKey)));
    let value = Value::Read { nonce: [1; 16] };
    assert!(matches!(
        Record::sign(&bob, key, value, NOW, NOW + HOUR),
        Err(RecordError::OtherKind)
    ));
}

#[test]
fn addresses_with_markup_characters_are_read_back() {
    let odd = person("a&b'c{d}@example.net");
    let record = contact_record(&odd, device(), NOW);
    assert!(
        record
            .to_xml()
            .contains("<key Id=\"One\">sip:a&amp;b'c%7Bd%7D@example.net</key>")
    );
    assert_eq!(read(record.to_xml()).unwrap(), record);
}

#[test]
fn rsa_certificates_sign_records_too() {
    let authority = Authority::new("Example CA");
    let alice = authority.issue_rsa("alice@example.net", 2048);
    let record = contact_record(&alice, device(), NOW);
    assert!(record.to_xml().contains("#rsa-sha256"));
    assert_eq!(read(record.to_xml()).unwrap(), record);
    let other = record.to_xml().replace("#rsa-sha256", "#ecdsa-sha256");
    assert_eq!(refused(&other), RecordError::Algorithm("SignatureMethod").to_string());
}

#[test]
fn a_chain_travels_with_the_certificate() {
    let authority = Authority::new("Example CA");
    let alice = authority.issue("alice@example.net");
    let key = Key::Certificate(aor("alice@example.net"));
    let own = alice.certificate().clone();
    let sign = |chain: Vec<Certificate>| Record::sign(&alice, key.clone(), Value::Certificate(chain), NOW, NOW + HOUR);
    let record = sign(vec![own.clone(), authority.certificate.clone()]).unwrap();
    assert_eq!(read(record.to_xml()).unwrap(), record);
    for chain in [
        vec![],
        vec![authority.certificate.clone()],
        vec![authority.certificate.clone(), own.clone()],
        vec![own.clone(), own.clone(), own.clone(), own.clone(), own],
    ] {
        assert!(matches!(sign(chain), Err(RecordError::OtherCertificate)));
    }
}

#[test]
fn only_the_keys_own_person_signs() {
    let mallory = person("mallory@example.net");
    let bobs = Key::Contacts(aor("bob@example.net"));
    let forged = Record::sign(&mallory, bobs, contacts(device()), NOW, NOW + HOUR);
    assert!(matches!(forged, Err(RecordError::WrongKey)));

    // Not through our own `sign` either: the texts of another's record with an own certificate.
    let bob = contact_record(&person("bob@example.net"), device(), NOW);
    let own = contact_record(&mallory, device(), NOW);
    let end = |record: &Record| record.to_xml()[record.to_xml().find("<Signature ").unwrap()..].to_owned();
    let mixed = bob.to_xml().replace(&end(&bob), &end(&own));
    assert_eq!(refused(&mixed), RecordError::OtherSigner.to_string());
    let fingerprint = |record: &Record| record.signer().fingerprint().to_string();
    let mixed = mixed.replace(&fingerprint(&bob), &fingerprint(&own));
    assert_eq!(refused(&mixed), RecordError::WrongKey.to_string());

    let authority = Authority::new("Example CA");
    assert!(authority.certificate.is_ca());
}

/// Anybody can make a second certificate with the same key from a certificate whose issuer used ECDSA: (r, n − s) signs
/// what (r, s) signs. It would pass for another identity if the record did not name its certificate.
#[test]
fn a_twin_of_the_certificate_is_refused() {
    let bob = person("bob@example.net");
    let record = contact_record(&bob, device(), NOW);
    let twin = Certificate::from_der(&twin_of(bob.certificate().der())).unwrap();
    assert!(twin.is_self_signed() && twin.fingerprint() != bob.certificate().fingerprint());
    let encode = |certificate: &Certificate| BASE64.encode(certificate.der());
    let other = record.to_xml().replace(&encode(bob.certificate()), &encode(&twin));
    assert_eq!(refused(&other), RecordError::OtherSigner.to_string());
    let other = other.replace(
        &bob.certificate().fingerprint().to_string(),
        &twin.fingerprint().to_string(),
    );
    assert_eq!(refused(&other), RecordError::Signature.to_string());
}

/// The certificate with the other signature of its issuer's for the same text.
fn twin_of(der: &[u8]) -> Vec<u8> {
    // The signature comes last: BIT STRING { 0 unused bits, SEQUENCE { INTEGER r, INTEGER s } }.
    let (at, signature) = (der.len() - 73..der.len())
        .find_map(|at| Some((at, EcdsaSig::from_der(&der[at..]).ok()?)))
        .unwrap();
    let mut order = BigNum::new().unwrap();
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    group.order(&mut order, &mut BigNumContext::new().unwrap()).unwrap();
    let r = signature.r().to_owned().unwrap();
    let other = EcdsaSig::from_private_components(r, &order - signature.s()).unwrap();
    let mut twin = [&der[..at], &other.to_der().unwrap()].concat();
    // One of the two s has a leading zero byte, so the lengths around it differ.
    let length = u16::try_from(twin.len() - 4).unwrap();
    twin[2..4].copy_from_slice(&length.to_be_bytes());
    twin[at - 2] = u8::try_from(twin.len() - at + 1).unwrap();
    twin
}

#[test]
fn a_record_has_its_time() {
    let bob = person("bob@example.net");
    let record = contact_record(&bob, device(), NOW);
    let at = |now: Millis| Record::from_xml(record.to_xml().as_bytes(), now);
    assert!(at(NOW + HOUR - 1).is_ok());
    assert!(matches!(at(NOW + HOUR), Err(RecordError::Expired)));
    assert!(at(NOW - 10 * MINUTE).is_ok());
    assert!(matches!(at(NOW - 10 * MINUTE - 1), Err(RecordError::FromTheFuture)));
    let long = |hours: Millis| {
        let key = Key::Contacts(aor("bob@example.net"));
        Record::sign(&bob, key, contacts(device()), NOW, NOW + hours * HOUR)
    };
    assert!(long(24).is_ok());
    assert!(matches!(long(25), Err(RecordError::LivesTooLong)));

    let authority = Authority::new("Example CA");
    let alice = authority.issue("alice@example.net");
    let end = alice.certificate().not_after();
    let late = contact_record(&alice, device(), end - HOUR / 2);
    assert!(Record::from_xml(late.to_xml().as_bytes(), end).is_ok());
    let over = Record::from_xml(late.to_xml().as_bytes(), end + 1);
    assert!(matches!(over, Err(RecordError::CertificateExpired)));
}

#[test]
fn key_and_value_are_of_one_kind() {
    let bob = person("bob@example.net");
    let contact = Key::Contacts(aor("bob@example.net"));
    let certificate = Value::Certificate(vec![bob.certificate().clone()]);
    let mixed = Record::sign(&bob, contact, certificate, NOW, NOW + HOUR);
    assert!(matches!(mixed, Err(RecordError::OtherKind)));
}

#[test]
fn what_is_outside_the_grammar_is_refused_by_name() {
    let record = contact_record(&person("bob@example.net"), device(), NOW);
    let xml = record.to_xml();
    let swap = |from: &str, to: &str| {
        assert!(xml.contains(from), "{from}");
        refused(&xml.replacen(from, to, 1))
    };
    let markup = |name| RecordError::Markup(name).to_string();
    let element = |name| RecordError::Element(name).to_string();
    let attribute = |name| RecordError::Attribute(name).to_string();

    assert_eq!(swap("<key ", "<!-- x --><key "), markup("comment"));
    assert_eq!(swap("sip:bob", "sip:<!-- -->bob"), markup("comment"));
    assert_eq!(swap("<key ", "<?x y?><key "), markup("processing instruction"));
    assert_eq!(
        swap("<dhtRecord", "<?xml version=\"1.0\"?><dhtRecord"),
        markup("XML declaration")
    );
    assert_eq!(
        swap("<dhtRecord", "<!DOCTYPE dhtRecord><dhtRecord"),
        markup("document type declaration")
    );
    assert_eq!(
        swap(
            "<dhtRecord",
            "<!DOCTYPE d [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><dhtRecord"
        ),
        markup("document type declaration")
    );
    assert_eq!(swap("sip:bob", "<![CDATA[sip:bob]]>"), markup("CDATA section"));
    assert_eq!(swap("sip:bob", "sip:&bob;"), RecordError::Entity.to_string());
    assert_eq!(swap("sip:bob", "sip:&#98;ob"), RecordError::Entity.to_string());
    assert_eq!(swap("nonce=\"", "nonce=\"&amp;"), RecordError::Entity.to_string());
    assert_eq!(
        swap("exc-c14n#\"></Transform>", "exc-c14n#\"/>"),
        markup("tag of an empty element")
    );

    assert_eq!(swap("<key ", " <key "), element("key"));
    assert_eq!(
        swap("</key>", "</key><key Id=\"One\">sip:eve@example.net</key>"),
        element("value")
    );
    assert_eq!(swap("</value>", "</value><value></value>"), element("Signature"));
    assert_eq!(
        swap("</contacts>", "</contacts><contacts></contacts>"),
        element("that should have ended")
    );
    assert_eq!(
        swap("</dhtRecord>", "<KeyInfo></KeyInfo></dhtRecord>"),
        element("that should have ended")
    );
    assert_eq!(refused(&format!("{xml}{xml}")), element("after which nothing comes"));
    assert_eq!(refused(&format!("{xml}\n")), RecordError::Text.to_string());
    let nested = format!("<dhtRecord xmlns=\"{}\">{xml}</dhtRecord>", form::DHT);
    assert_eq!(refused(&nested), element("key"));
    assert_eq!(swap(form::DHT, "urn:ietf:params:xml:ns:dht2"), element("dhtRecord"));
    assert_eq!(swap(&format!(" xmlns=\"{}\"", form::DHT), ""), element("dhtRecord"));
    assert_eq!(swap(form::DSIG, form::DHT), element("Signature"));
    assert_eq!(swap(form::P2P_SIP, form::DHT), element("KeyInfo"));
    assert_eq!(swap("<DigestMethod", "<Manifest"), element("DigestMethod"));
    let mangled = xml.replace("contacts", "x:contacts").replacen(
        "xmlns=\"urn:ietf:params:xml:ns:p2p",
        "xmlns:x=\"urn:ietf:params:xml:ns:p2p",
        1,
    );
    assert_eq!(refused(&mangled), element("KeyInfo"));

    assert_eq!(swap("Id=\"One\"", "Id=\"Two\""), attribute("key"));
    assert_eq!(swap("Id=\"One\"", "id=\"One\""), attribute("key"));
    assert_eq!(
        swap("Id=\"One\"", "Id=\"One\" Id=\"One\""),
        RecordError::NotWellFormed.to_string()
    );
    assert_eq!(swap("Id=\"One\"", "Id=\"One\" reference=\"x\""), attribute("key"));
    assert_eq!(swap("<contact>", "<contact displayName=\"Bob\">"), attribute("contact"));
    assert_eq!(swap("<contact>", "<contact xml:lang=\"en\">"), attribute("contact"));
    assert_eq!(swap("URI=\"#One\"", "URI=\"\""), attribute("Reference"));
    assert_eq!(
        swap("URI=\"#One\"", "URI=\"file:///etc/passwd\""),
        attribute("Reference")
    );
    assert_eq!(swap("URI=\"#Two\"", "URI=\"#One\""), attribute("Reference"));

    for algorithm in ["CanonicalizationMethod", "Transform", "DigestMethod"] {
        let from = format!("<{algorithm} Algorithm=\"http://www.w3.org/2001/");
        let to = format!("<{algorithm} Algorithm=\"http://www.w3.org/2000/");
        assert_eq!(swap(&from, &to), RecordError::Algorithm(algorithm).to_string());
    }
    assert_eq!(
        swap("#ecdsa-sha256", "#ecdsa-sha1"),
        RecordError::Algorithm("SignatureMethod").to_string()
    );
}

#[test]
fn another_spelling_of_the_same_is_refused() {
    let record = contact_record(&person("a&b@example.net"), device(), NOW);
    let xml = record.to_xml();
    let swap = |from: &str, to: &str| {
        assert!(xml.contains(from), "{from}");
        read(&xml.replacen(from, to, 1)).expect_err("taken")
    };
    for (from, to) in [
        ("</dhtRecord>", "</dhtRecord >"),
        ("<contact>", "<contact >"),
        ("Id=\"One\"", "Id='One'"),
        ("Id=\"One\"", "  Id=\"One\""),
        ("<key ", "<key xmlns=\"urn:ietf:params:xml:ns:dht\" "),
        (
            "<SignedInfo>",
            "<SignedInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\">",
        ),
    ] {
        assert!(matches!(swap(from, to), RecordError::NotCanonical), "{from}");
    }
    assert!(matches!(swap("a&amp;b", "a%26b"), RecordError::Key(_)));
    assert!(matches!(
        swap("sequence=\"", "sequence=\"0"),
        RecordError::Field("sequence")
    ));
    assert!(matches!(
        swap("sequence=\"", "sequence=\"+"),
        RecordError::Field("sequence")
    ));
    assert!(matches!(
        swap("sequence=\"", "sequence=\"999"),
        RecordError::Field("sequence")
    ));
    assert!(matches!(
        swap("Z\" nonce", ".0Z\" nonce"),
        RecordError::Field("expires")
    ));
    assert!(matches!(swap("nonce=\"", "nonce=\"00"), RecordError::Field("nonce")));
    assert!(matches!(
        swap("<SignatureValue>", "<SignatureValue>\n"),
        RecordError::Field("SignatureValue")
    ));
    assert!(matches!(
        swap("<X509Certificate>", "<X509Certificate>\n"),
        RecordError::Field("X509Certificate")
    ));
    let upper = record.signer().fingerprint().to_string();
    assert!(matches!(swap(&upper, &upper.to_uppercase()), RecordError::NotCanonical));
}

#[test]
fn size_is_checked_first() {
    let record = contact_record(&person("bob@example.net"), device(), NOW);
    let padding = " ".repeat(RECORD_LIMIT);
    assert!(matches!(
        read(&format!("{}{padding}", record.to_xml())),
        Err(RecordError::TooLarge)
    ));
    assert!(matches!(
        Record::from_xml(&vec![0xff; RECORD_LIMIT], NOW),
        Err(RecordError::NotText)
    ));
    let deep = "<a>".repeat(RECORD_LIMIT / 3);
    assert!(matches!(read(&deep), Err(RecordError::Element("dhtRecord"))));
}

#[test]
fn the_examples_of_the_documentation_are_records() {
    let text = include_str!("../../RECORDS.md");
    let examples = text.split("## Examples").nth(1).unwrap();
    let blocks: Vec<String> = examples
        .split("```")
        .skip(1)
        .step_by(2)
        .map(|block| block.replace('\n', ""))
        .collect();
    let kinds: Vec<String> = blocks
        .iter()
        .map(|xml| {
            // They were current when they were written.
            let written = xml
                .split("sequence=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap();
            let now = written.parse().unwrap();
            if let Ok(ticket) = Ticket::from_xml(xml.as_bytes(), now) {
                return format!("{} ticket", ticket.key().kind());
            }
            let record = Record::from_xml(xml.as_bytes(), now).unwrap();
            let form = match record.value() {
                Value::Removed { .. } => " removed",
                value if matches!(value.sealed(), Some(Sealed::Fragments(_))) => " in fragments",
                value if value.pass().is_some() => " with a pass",
                _ => "",
            };
            format!("{}{form}", record.key().kind())
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "contacts",
            "certificate",
            "watchers",
            "offline",
            "offline with a pass",
            "offline in fragments",
            "offline removed",
            "private",
            "revoked",
            "offline ticket"
        ]
    );
}

#[test]
fn debug_output_tells_nothing_about_the_person() {
    let record = contact_record(&person("bob@example.net"), device(), NOW);
    assert_eq!(format!("{record:?}"), format!("Record(contacts, {NOW})"));
}
