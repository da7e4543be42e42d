use std::collections::HashMap;

use corella_identity::Credential;
use libp2p::PeerId;
use proptest::prelude::*;

use super::*;
use crate::contacts::ContactSet;
use crate::testing::{Authority, HOUR, MINUTE, NOW, aor, certificate_record, contact_record, contacts, device, person};

fn node() -> StoringNode {
    StoringNode::new(Limits::default())
}

fn bob_key() -> Key {
    Key::Contacts(aor("bob@example.net"))
}

fn sequences(node: &StoringNode, now: Millis) -> Vec<Millis> {
    node.get(&bob_key(), now)
        .iter()
        .map(|xml| Record::from_xml(xml.as_bytes(), now).unwrap().sequence())
        .collect()
}

#[test]
fn a_newer_record_replaces_an_older_one_and_never_the_other_way() {
    let (bob, peer) = (person("bob@example.net"), device());
    let mut node = node();
    let old = contact_record(&bob, peer, NOW);
    let new = contact_record(&bob, peer, NOW + 1);
    let equal = contact_record(&bob, peer, NOW + 1);
    assert_eq!(node.put(&old, Class::SelfSigned, NOW), Ok(Stored::New));
    assert_eq!(node.put(&old, Class::SelfSigned, NOW), Ok(Stored::Already));
    assert_eq!(node.put(&new, Class::SelfSigned, NOW), Ok(Stored::New));
    let refused = Err(Refusal::NotNewer { held: NOW + 1 });
    assert_eq!(node.put(&old, Class::SelfSigned, NOW), refused);
    assert_eq!(node.put(&equal, Class::SelfSigned, NOW), refused);
    assert_eq!(node.put(&new, Class::SelfSigned, NOW), Ok(Stored::Already));
    assert_eq!(sequences(&node, NOW), [NOW + 1]);
}

#[test]
fn devices_signers_and_kinds_stand_side_by_side() {
    let (bob, eve) = (person("bob@example.net"), person("bob@example.net"));
    let mut node = node();
    for record in [
        contact_record(&bob, device(), NOW),
        contact_record(&bob, device(), NOW + 1),
        contact_record(&eve, device(), NOW + 2),
        certificate_record(&bob, NOW + 3),
    ] {
        assert_eq!(node.put(&record, Class::SelfSigned, NOW), Ok(Stored::New));
    }
    assert_eq!(sequences(&node, NOW), [NOW + 2, NOW + 1, NOW]);
    assert_eq!(node.get(&Key::Certificate(aor("bob@example.net")), NOW).len(), 1);
    assert_eq!(node.get(&Key::Contacts(aor("alice@example.net")), NOW).len(), 0);
}

#[test]
fn records_end_and_the_future_is_refused() {
    let (bob, peer) = (person("bob@example.net"), device());
    let mut node = node();
    let record = contact_record(&bob, peer, NOW);
    assert_eq!(node.put(&record, Class::SelfSigned, NOW + HOUR), Err(Refusal::Expired));
    assert_eq!(
        node.put(&record, Class::SelfSigned, NOW - 11 * MINUTE),
        Err(Refusal::FromTheFuture)
    );
    assert_eq!(node.put(&record, Class::SelfSigned, NOW - 10 * MINUTE), Ok(Stored::New));
    assert_eq!(node.get(&bob_key(), NOW + HOUR - 1).len(), 1);
    assert_eq!(node.get(&bob_key(), NOW + HOUR).len(), 0);
    assert_eq!(node.len(), 1);
    node.expire(NOW + HOUR);
    assert!(node.is_empty());
}

#[test]
fn a_signer_has_sixteen_devices() {
    let bob = person("bob@example.net");
    let mut node = node();
    let devices: Vec<PeerId> = (0..=DEVICE_LIMIT).map(|_| device()).collect();
    for peer in &devices[..DEVICE_LIMIT] {
        assert_eq!(
            node.put(&contact_record(&bob, *peer, NOW), Class::SelfSigned, NOW),
            Ok(Stored::New)
        );
    }
    let one_more = contact_record(&bob, devices[DEVICE_LIMIT], NOW);
    assert_eq!(node.put(&one_more, Class::SelfSigned, NOW), Err(Refusal::TooMany));
    let newer = contact_record(&bob, devices[0], NOW + 1);
    assert_eq!(node.put(&newer, Class::SelfSigned, NOW), Ok(Stored::New));
    let next_hour = contact_record(&bob, devices[DEVICE_LIMIT], NOW + HOUR);
    assert_eq!(node.put(&next_hour, Class::SelfSigned, NOW + HOUR), Ok(Stored::New));
}

/// Strangers fill what is theirs under Bob's key, and Bob under an authority still gets in.
#[test]
fn no_class_crowds_out_another_under_one_key() {
    let authority = Authority::new("Example CA");
    let mut node = node();
    for class in [Class::SelfSigned, Class::Stranger] {
        let refused = (0..100).find_map(|_| {
            let crowd = person("bob@example.net");
            node.put(&contact_record(&crowd, device(), NOW), class, NOW).err()
        });
        assert_eq!(refused, Some(Refusal::TooMany));
    }
    let certified = contact_record(&authority.issue("bob@example.net"), device(), NOW - MINUTE);
    assert_eq!(node.put(&certified, Class::Certified, NOW), Ok(Stored::New));
    let first = &node.get(&bob_key(), NOW)[0];
    assert_eq!(first, certified.to_xml());
    let bytes: usize = node.get(&bob_key(), NOW).iter().map(|xml| xml.len()).sum();
    assert!(bytes <= 3 * KEY_SHARE);
}

#[test]
fn no_class_fills_the_node() {
    let limits = Limits {
        records: 16,
        bytes: 1 << 20,
    };
    let mut node = StoringNode::new(limits);
    for (class, room) in [(Class::Stranger, 2), (Class::SelfSigned, 6), (Class::Certified, 8)] {
        for number in 0..=room {
            let record = contact_record(&person(&format!("p{number}@{class:?}.example")), device(), NOW);
            let expected = if number < room {
                Ok(Stored::New)
            } else {
                Err(Refusal::Full)
            };
            assert_eq!(node.put(&record, class, NOW), expected, "{class:?} {number}");
        }
    }
    assert_eq!(node.len(), 16);
    // An own record is still replaced when the node is full, and there is room again when time has passed.
    let bob = person("bob@example.net");
    let late = contact_record(&bob, device(), NOW + HOUR);
    assert_eq!(node.put(&late, Class::SelfSigned, NOW + HOUR), Ok(Stored::New));
    assert_eq!(node.len(), 1);

    let mut node = StoringNode::new(Limits {
        records: 1000,
        bytes: 20_000,
    });
    let refused = (0..100).find_map(|number| {
        let record = contact_record(&person(&format!("p{number}@example.net")), device(), NOW);
        node.put(&record, Class::SelfSigned, NOW).err()
    });
    assert_eq!(refused, Some(Refusal::Full));
    assert!(node.used[&Class::SelfSigned].bytes <= 20_000 / 8 * 3);
}

#[test]
fn the_class_is_that_of_the_certificate() {
    let trusted = Authority::new("Example CA");
    let anchors = TrustAnchors::from_pem(trusted.certificate.to_pem().as_bytes()).unwrap();
    let class = |credential: &Credential| Class::of(&contact_record(credential, device(), NOW), &anchors, NOW);
    assert_eq!(class(&trusted.issue("bob@example.net")), Class::Certified);
    assert_eq!(class(&person("bob@example.net")), Class::SelfSigned);
    assert_eq!(
        class(&Authority::new("Example CA").issue("bob@example.net")),
        Class::Stranger
    );
}

#[test]
fn every_refusal_survives_its_name() {
    for refusal in [
        Refusal::TooLarge,
        Refusal::Malformed,
        Refusal::BadSignature,
        Refusal::BadCertificate,
        Refusal::WrongKey,
        Refusal::Expired,
        Refusal::FromTheFuture,
        Refusal::LivesTooLong,
        Refusal::NotNewer { held: NOW },
        Refusal::TooMany,
        Refusal::Full,
        Refusal::Busy,
        Refusal::Other,
    ] {
        assert_eq!(Refusal::from_name(refusal.name(), Some(NOW)), refusal);
    }
    assert_eq!(Refusal::from_name("of-a-later-version", None), Refusal::Other);
}

/// What happens at a node, in virtual time.
#[derive(Clone, Debug)]
enum Step {
    /// Signer, device, age of the record in minutes (negative: from the future), life in minutes.
    Put(usize, usize, Millis, Millis),
    Wait(Millis),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let put = (0..3_usize, 0..3_usize, -15..30_i64, 1..90_i64);
    prop::collection::vec(
        prop_oneof![
            5 => put.prop_map(|(signer, device, age, life)| Step::Put(signer, device, age, life)),
            1 => (0..40_i64).prop_map(Step::Wait),
        ],
        1..40,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The node against the plainest possible model: per signer and device the newest record that was current when put.
    #[test]
    fn a_node_holds_the_newest_of_each_place(steps in steps()) {
        thread_local! {
            static PEOPLE: Vec<Credential> = (0..3).map(|_| person("bob@example.net")).collect();
            static DEVICES: Vec<PeerId> = (0..3).map(|_| device()).collect();
        }
        let people = PEOPLE.with(Clone::clone);
        let devices = DEVICES.with(Clone::clone);
        let class = |signer: usize| [Class::Certified, Class::SelfSigned, Class::Stranger][signer];
        let mut node = node();
        let mut model: HashMap<(usize, usize), Record> = HashMap::new();
        let mut now = NOW;
        for step in steps {
            match step {
                Step::Wait(minutes) => now += minutes * MINUTE,
                Step::Put(signer, device, age, life) => {
                    let written = now - age * MINUTE;
                    let record = Record::sign(
                        &people[signer],
                        bob_key(),
                        contacts(devices[device]),
                        written,
                        written + life * MINUTE,
                    )
                    .unwrap();
                    model.retain(|_, held| held.expires() > now);
                    let held = model.get(&(signer, device));
                    let expected = if written > now + 10 * MINUTE {
                        Err(Refusal::FromTheFuture)
                    } else if record.expires() <= now {
                        Err(Refusal::Expired)
                    } else if let Some(held) = held.filter(|held| held.sequence() >= written) {
                        Err(Refusal::NotNewer { held: held.sequence() })
                    } else {
                        model.insert((signer, device), record.clone());
                        Ok(Stored::New)
                    };
                    prop_assert_eq!(node.put(&record, class(signer), now), expected);
                }
            }
            let mut expected: Vec<_> = model
                .values()
                .filter(|record| record.expires() > now)
                .map(|record| record.to_xml().clone())
                .collect();
            let mut held = node.get(&bob_key(), now);
            expected.sort();
            held.sort();
            prop_assert_eq!(held, expected);
        }
        let counted: usize = node.used.values().map(|used| used.records).sum();
        prop_assert_eq!(counted, node.len());
        node.expire(Millis::MAX);
        prop_assert!(node.is_empty() && node.shelves.is_empty());
        prop_assert!(node.used.values().all(|used| used.records == 0 && used.bytes == 0));
    }
}

#[test]
fn a_device_that_went_off_line_replaces_its_addresses() {
    let (bob, peer) = (person("bob@example.net"), device());
    let mut node = node();
    let there = contact_record(&bob, peer, NOW);
    let gone = Value::Contacts(ContactSet {
        peer,
        addresses: vec![],
    });
    let gone = Record::sign(&bob, bob_key(), gone, NOW + 1, NOW + 1 + HOUR).unwrap();
    node.put(&there, Class::SelfSigned, NOW).unwrap();
    node.put(&gone, Class::SelfSigned, NOW + 1).unwrap();
    assert_eq!(node.get(&bob_key(), NOW + 1), [gone.to_xml().clone()]);
    let again = node.put(&there, Class::SelfSigned, NOW + 2);
    assert_eq!(again, Err(Refusal::NotNewer { held: NOW + 1 }));
}
