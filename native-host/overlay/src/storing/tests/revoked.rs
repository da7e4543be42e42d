use super::*;
use crate::record::Value;
use crate::storing::{Class, Judge, Refusal, Stored};
use crate::testing::{Authority, HOUR, NOW, person};

fn key() -> Key {
    Key::Revoked(aor("bob@example.net"))
}

fn by(authority: &Authority, certificate: &Certificate, at: Millis) -> Record {
    let xml = authority.revoke(certificate, at).unwrap();
    Record::from_xml(xml.as_bytes(), at).unwrap()
}

#[test]
fn nothing_takes_the_place_of_a_revocation_but_the_same_later() {
    let bob = person("bob@example.net");
    let mut node = node();
    let record = Record::revoke(&bob, NOW).unwrap();
    assert_eq!(node.put(&record, network(1), NOW), Ok(Stored::New));
    // Its writer makes no removal, and bytes that say so are none.
    assert!(record.sign_removal(&bob, NOW).is_err());
    // Whoever has the key writes it anew, which makes it last longer, and no earlier one takes its place.
    let later = Record::revoke(&bob, NOW + HOUR).unwrap();
    assert_eq!(node.put(&later, network(66), NOW + HOUR), Ok(Stored::New));
    let not_newer = Err(Refusal::NotNewer { held: NOW + HOUR });
    assert_eq!(node.put(&record, network(66), NOW + HOUR), not_newer);
    let almost = later.expires() - 1;
    let [kept] = &found(&node, &key(), almost)[..] else {
        panic!("it is gone");
    };
    assert_eq!(kept.value(), &Value::Revoked(bob.certificate().clone()));
    // Nor is it removed by a secret.
    assert_eq!(node.remove(&key(), &[[7; 32]], NOW + HOUR), Ok(0));
    assert_eq!(found(&node, &key(), NOW + HOUR).len(), 1);
}

#[test]
fn an_authoritys_word_counts_as_its_certificates_do() {
    let (trusted, other) = (Authority::new("Example CA"), Authority::new("Example CA"));
    let mut judge = Judge::new(anchors(&trusted.certificate));
    let (bob, eve) = (trusted.issue("bob@example.net"), other.issue("bob@example.net"));
    assert_eq!(
        judge.class_of(&by(&trusted, bob.certificate(), NOW), NOW),
        Class::Certified
    );
    assert_eq!(
        judge.class_of(&by(&other, eve.certificate(), NOW), NOW),
        Class::Stranger
    );
    assert_eq!(
        judge.class_of(&Record::revoke(&bob, NOW).unwrap(), NOW),
        Class::Certified
    );
    assert_eq!(
        judge.class_of(&Record::revoke(&person("bob@example.net"), NOW).unwrap(), NOW),
        Class::SelfSigned
    );
}

#[test]
fn no_crowd_of_false_bobs_keeps_out_what_a_trusted_authority_revokes() {
    let trusted = Authority::new("Example CA");
    let mut node = node_with(Limits::default(), anchors(&trusted.certificate));
    let evil = Authority::new("Evil CA");
    let refused = (0..200).find_map(|number| {
        let record = if number % 2 == 0 {
            Record::revoke(&person("bob@example.net"), NOW).unwrap()
        } else {
            by(&evil, evil.issue("bob@example.net").certificate(), NOW)
        };
        node.put(&record, network(66), NOW).err()
    });
    assert_eq!(refused, Some(Refusal::TooMany));
    let bob = trusted.issue("bob@example.net");
    assert_eq!(
        node.put(&by(&trusted, bob.certificate(), NOW), network(66), NOW),
        Ok(Stored::New)
    );
    // His own word has room too, if it comes from elsewhere.
    let own = Record::revoke(&person("bob@example.net"), NOW).unwrap();
    assert_eq!(node.put(&own, network(1), NOW), Ok(Stored::New));
}
