use super::*;
use crate::storing::{Refusal, Stored};
use crate::testing::{HOUR, NOW, offline_record, person, private_record, removal_secret, watcher_record};

#[test]
fn only_the_person_reads_and_only_what_is_sealed_to_them() {
    let (alice, bob, impostor) = (
        person("alice@example.org"),
        person("bob@example.net"),
        person("bob@example.net"),
    );
    let mut node = node();
    let to_bob = offline_record(&alice, &bob, 1, NOW);
    let to_impostor = offline_record(&alice, &impostor, 2, NOW);
    let watcher = watcher_record(&alice, &bob, NOW);
    for record in [&to_bob, &to_impostor, &watcher] {
        node.put(record, network(1), NOW).unwrap();
    }
    let read = |key: &Key, reader: Option<&corella_identity::Credential>| {
        let reader = reader.map(|reader| reader.certificate().fingerprint());
        node.get(key, reader, 0, NOW).map(|page| page.records)
    };
    let text = |record: &Record| record.to_xml().to_string();
    for (key, record) in [(to_bob.key(), &to_bob), (watcher.key(), &watcher)] {
        assert_eq!(read(key, None), Err(Refusal::NotYours));
        assert_eq!(read(key, Some(&bob)), Ok(vec![text(record)]));
    }
    assert_eq!(read(to_bob.key(), Some(&impostor)), Ok(vec![text(&to_impostor)]));
    assert_eq!(read(to_bob.key(), Some(&alice)), Ok(vec![]));
    // Private data is read by whoever knows where it is.
    let private = private_record(&bob, 1, NOW);
    node.put(&private, network(1), NOW).unwrap();
    assert_eq!(found(&node, private.key(), NOW), std::slice::from_ref(&private));
}

#[test]
fn a_secret_removes_a_message_for_good() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let mut node = node();
    let message = offline_record(&alice, &bob, 1, NOW);
    let other = offline_record(&alice, &bob, 2, NOW);
    for record in [&message, &other] {
        node.put(record, network(1), NOW).unwrap();
    }
    let key = message.key();
    assert_eq!(node.remove(key, &[[9; 32]], NOW), Ok(0));
    assert_eq!(node.remove(key, &[removal_secret(1)], NOW), Ok(1));
    let left = node.get(key, Some(bob.certificate().fingerprint()), 0, NOW).unwrap();
    assert_eq!(left.records, [other.to_xml().to_string()]);
    // It is not put back, by whomever, nor by its sender as a newer one.
    assert_eq!(node.put(&message, network(2), NOW), Err(Refusal::Removed));
    let newer = offline_record(&alice, &bob, 1, NOW + 1);
    assert_eq!(node.put(&newer, network(1), NOW + 1), Err(Refusal::Removed));
    // A node that was told before the message came refuses it too.
    let mut node = self::node();
    assert_eq!(node.remove(key, &[removal_secret(1)], NOW), Ok(0));
    assert_eq!(node.put(&message, network(1), NOW), Err(Refusal::Removed));
    // What is remembered ends when the message would have.
    assert_eq!(node.put(&other, network(1), NOW), Ok(Stored::New));
    assert_eq!(node.remove(key, &[removal_secret(2)], NOW), Ok(1));
    let secrets = node.secrets(&key.id(), NOW).unwrap();
    assert_eq!(secrets, Some((key.text(), vec![removal_secret(2)])));
    assert_eq!(node.secrets(&key.id(), NOW + 24 * HOUR).unwrap(), None);
    node.expire(NOW + 30 * 24 * HOUR).unwrap();
    assert_eq!((node.records(), node.used()), (0, 0));
}

#[test]
fn secrets_of_nothing_do_not_fill_a_node() {
    let bob = Key::Offline(aor("bob@example.net"));
    let mut node = node();
    let secret = |number: u8| [[number; 32]];
    let remembered = (0..=255).filter(|number| node.remove(&bob, &secret(*number), NOW).is_ok());
    assert_eq!(remembered.count(), 64);
    assert_eq!(node.remove(&bob, &secret(200), NOW), Err(Refusal::TooMany));
}

#[test]
fn a_watcher_has_one_record() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let mut node = node();
    for age in (0..5).rev() {
        node.put(&watcher_record(&alice, &bob, NOW - age), network(1), NOW)
            .unwrap();
    }
    assert_eq!(node.records(), 1);
}
