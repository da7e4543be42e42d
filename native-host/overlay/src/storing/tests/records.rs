use std::collections::HashMap;

use corella_identity::Credential;
use libp2p::PeerId;
use proptest::prelude::*;

use super::*;
use crate::contacts::ContactSet;
use crate::record::Value;
use crate::storing::{Refusal, Stored};
use crate::testing::{HOUR, MINUTE, NOW, certificate_record, contact_record, contacts, device, person};

fn sequences(node: &StoringNode, now: Millis) -> Vec<Millis> {
    found(node, &bob_key(), now).iter().map(Record::sequence).collect()
}

fn gone(bob: &Credential, peer: PeerId, sequence: Millis) -> Record {
    let addresses = vec![];
    let value = Value::Contacts(ContactSet { peer, addresses });
    Record::sign(bob, bob_key(), value, sequence, sequence + HOUR).unwrap()
}

#[test]
fn a_newer_record_replaces_an_older_one_and_never_the_other_way() {
    let (bob, peer) = (person("bob@example.net"), device());
    let mut node = node();
    let old = contact_record(&bob, peer, NOW);
    let new = contact_record(&bob, peer, NOW + 1);
    let equal = gone(&bob, peer, NOW + 1);
    let mut put = |record: &Record| node.put(record, network(1), NOW);
    assert_eq!(put(&old), Ok(Stored::New));
    assert_eq!(put(&old), Ok(Stored::Already));
    assert_eq!(put(&new), Ok(Stored::New));
    let refused = Err(Refusal::NotNewer { held: NOW + 1 });
    assert_eq!(put(&old), refused);
    assert_eq!(put(&equal), refused);
    assert_eq!(put(&new), Ok(Stored::Already));
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
        assert_eq!(node.put(&record, network(1), NOW), Ok(Stored::New));
    }
    assert_eq!(sequences(&node, NOW), [NOW + 2, NOW + 1, NOW]);
    assert_eq!(found(&node, &Key::Certificate(aor("bob@example.net")), NOW).len(), 1);
    assert_eq!(found(&node, &Key::Contacts(aor("alice@example.net")), NOW).len(), 0);
}

#[test]
fn records_end_and_the_future_is_refused() {
    let (bob, peer) = (person("bob@example.net"), device());
    let mut node = node();
    let record = contact_record(&bob, peer, NOW);
    let from = network(1);
    assert_eq!(node.put(&record, from, NOW + HOUR), Err(Refusal::Expired));
    let early = node.put(&record, from, NOW - 11 * MINUTE);
    assert_eq!(early, Err(Refusal::FromTheFuture));
    assert_eq!(node.put(&record, from, NOW - 10 * MINUTE), Ok(Stored::New));
    assert_eq!(found(&node, &bob_key(), NOW + HOUR - 1).len(), 1);
    assert_eq!(node.get(&bob_key(), None, 0, NOW + HOUR).unwrap().records.len(), 0);
    assert_eq!(node.records(), 1);
    node.expire(NOW + HOUR).unwrap();
    assert_eq!((node.records(), node.used()), (0, 0));
}

#[test]
fn a_device_that_went_off_line_replaces_its_addresses() {
    let (bob, peer) = (person("bob@example.net"), device());
    let mut node = node();
    let there = contact_record(&bob, peer, NOW);
    let gone = gone(&bob, peer, NOW + 1);
    node.put(&there, network(1), NOW).unwrap();
    node.put(&gone, network(1), NOW + 1).unwrap();
    assert_eq!(found(&node, &bob_key(), NOW + 1), [gone]);
    let again = node.put(&there, network(1), NOW + 2);
    assert_eq!(again, Err(Refusal::NotNewer { held: NOW + 1 }));
}

#[test]
fn what_was_taken_back_is_not_put_back() {
    let (bob, peer) = (person("bob@example.net"), device());
    let mut node = node();
    let record = contact_record(&bob, peer, NOW);
    node.put(&record, network(1), NOW).unwrap();
    let removal = record.sign_removal(&bob, NOW + 1).unwrap();
    node.put(&removal, network(1), NOW + 1).unwrap();
    assert_eq!(found(&node, &bob_key(), NOW + 1), [removal]);
    let again = node.put(&record, network(2), NOW + 2);
    assert_eq!(again, Err(Refusal::NotNewer { held: NOW + 1 }));
}

#[test]
fn every_refusal_survives_its_name() {
    for refusal in [
        Refusal::TooLarge,
        Refusal::Malformed,
        Refusal::BadSignature,
        Refusal::BadCertificate,
        Refusal::WrongKey,
        Refusal::BadPass,
        Refusal::Expired,
        Refusal::FromTheFuture,
        Refusal::LivesTooLong,
        Refusal::NotNewer { held: NOW },
        Refusal::Removed,
        Refusal::NotYours,
        Refusal::TooMany,
        Refusal::Full,
        Refusal::Busy,
        Refusal::Unavailable,
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
                    } else if held.is_some_and(|held| held.content() == record.content()) {
                        Ok(Stored::Already)
                    } else if let Some(held) = held.filter(|held| held.sequence() >= written) {
                        Err(Refusal::NotNewer { held: held.sequence() })
                    } else {
                        model.insert((signer, device), record.clone());
                        Ok(Stored::New)
                    };
                    prop_assert_eq!(node.put(&record, network(1), now), expected);
                }
            }
            let mut expected: Vec<String> = model
                .values()
                .filter(|record| record.expires() > now)
                .map(|record| record.to_xml().to_string())
                .collect();
            let mut held = node.get(&bob_key(), None, 0, now).unwrap().records;
            expected.sort();
            held.sort();
            prop_assert_eq!(held, expected);
        }
        node.expire(Millis::MAX).unwrap();
        prop_assert_eq!((node.records(), node.used()), (0, 0));
    }
}
