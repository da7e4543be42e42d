//! The location service in full: messages that wait, watching, taking over, surviving, values, service hosts.

use std::time::Duration;

use corella_identity::{Credential, DeviceKey};
use corella_overlay::fragment::Fragments;
use corella_overlay::record::{Sealed, Value};
use corella_overlay::storing::OpenDhtValue;
use corella_overlay::storing::services::Host;
use corella_overlay::{Clock, Key, Record, Ticket, Watched, content};
use openssl::sha::{sha1, sha256};
use tokio::time::{Instant, sleep, timeout};

use crate::world::{Agent, PATIENCE, TCP, config, credential};

const HOUR: i64 = 3_600_000;

fn message(from: &Credential, to: &Credential, secret: &[u8; 32], sealed: Sealed) -> Record {
    let now = Clock::system().now();
    let value = Value::Offline {
        nonce: [secret[0]; 16],
        recipient: to.certificate().fingerprint(),
        removal: sha256(secret),
        sealed,
        pass: None,
    };
    Record::sign(from, Key::Offline(to.address().clone()), value, now, now + HOUR).unwrap()
}

fn ticket(of: &Credential) -> Ticket {
    let key = Key::Offline(of.address().clone());
    Ticket::sign(of, key, Clock::system().now()).unwrap()
}

/// Waits for something that is looked at again and again.
async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let begin = Instant::now();
    while !is_so().await {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A network of four, each of which knows the others.
async fn four() -> Vec<Agent> {
    let first = Agent::start("a0", TCP, vec![]).await;
    let mut all = vec![first];
    for name in ["a1", "a2", "a3"] {
        let door = all[0].listen().await;
        all.push(Agent::start(name, TCP, door).await);
    }
    for agent in &all {
        agent.wait_for_peers(3).await;
    }
    all
}

#[tokio::test]
async fn a_message_waits_is_read_by_its_recipient_and_removed() {
    let all = four().await;
    let (alice, bob) = (&all[1], credential("bob"));
    let record = message(&alice.credential, &bob, &[7; 32], Sealed::Inline(vec![1; 900]));
    let report = alice.overlay.location().put(&record).await.unwrap();
    assert_eq!((report.stored.len(), report.refused.len()), (4, 0));
    let reader = all[3].overlay.location();
    assert_eq!(reader.read(&ticket(&bob)).await.unwrap(), std::slice::from_ref(&record));
    // Nobody else: not the sender, not who claims to be Bob, not without a ticket.
    assert_eq!(reader.read(&ticket(&credential("bob"))).await.unwrap(), []);
    assert_eq!(reader.get(record.key()).await.unwrap(), []);
    assert_eq!(reader.remove(record.key(), &[[8; 32]]).await.unwrap(), 4);
    assert_eq!(reader.read(&ticket(&bob)).await.unwrap().len(), 1);
    assert_eq!(reader.remove(record.key(), &[[7; 32]]).await.unwrap(), 4);
    assert_eq!(reader.read(&ticket(&bob)).await.unwrap(), []);
    let again = alice.overlay.location().put(&record).await.unwrap();
    assert_eq!((again.stored.len(), again.refused.len()), (0, 4));
}

#[tokio::test]
async fn a_large_message_travels_in_fragments() {
    let all = four().await;
    let (alice, bob) = (&all[1], credential("bob"));
    let whole: Vec<u8> = (0..50_000_u32).map(|at| (at % 249) as u8).collect();
    let (fragments, pieces) = Fragments::cut(&whole).unwrap();
    let record = message(&alice.credential, &bob, &[7; 32], Sealed::Fragments(fragments.clone()));
    let location = alice.overlay.location();
    for piece in &pieces {
        assert_eq!(location.put_fragment(&record, piece).await.unwrap(), 4);
    }
    location.put(&record).await.unwrap();
    let reader = all[3].overlay.location();
    let found = reader.read(&ticket(&bob)).await.unwrap().remove(0);
    assert_eq!(content(&*reader, &found).await.unwrap(), whole);
    reader.remove_fragment(&fragments.list()[2], &[7; 32]).await.unwrap();
    assert!(content(&*reader, &found).await.is_err());
}

#[tokio::test]
async fn who_watches_is_told_within_a_second() {
    let all = four().await;
    let (alice, bob) = (&all[1], Agent::start("bob", TCP, all[0].listen().await).await);
    for agent in &all {
        agent.wait_for_peers(4).await;
    }
    let mut contacts = alice.overlay.watch(Watched::Open(bob.contacts_key())).await;
    // Whoever hears what is there is told of what comes: nodes were asked for that before.
    let first = timeout(PATIENCE, contacts.next()).await.unwrap().unwrap();
    let begin = Instant::now();
    bob.overlay.withdraw(bob.address()).await;
    let gone = loop {
        let next = timeout(PATIENCE, contacts.next()).await.unwrap().unwrap();
        if next.contacts().unwrap().addresses.is_empty() {
            break next;
        }
    };
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert!(*gone.key() == bob.contacts_key() && gone.sequence() > first.sequence());

    let key = Key::Offline(bob.address().clone());
    let write = |number: u8| {
        message(
            &alice.credential,
            &bob.credential,
            &[number; 32],
            Sealed::Inline(vec![1; 900]),
        )
    };
    let (there, comes) = (write(7), write(8));
    alice.overlay.location().put(&there).await.unwrap();
    let mut messages = bob.overlay.watch(Watched::Own(key, bob.credential.clone())).await;
    assert_eq!(timeout(PATIENCE, messages.next()).await.unwrap(), Some(there));
    let begin = Instant::now();
    alice.overlay.location().put(&comes).await.unwrap();
    assert_eq!(timeout(PATIENCE, messages.next()).await.unwrap(), Some(comes));
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_newcomer_takes_over_messages_secrets_and_fragments() {
    let bob = credential("bob");
    let first = Agent::start("a0", TCP, vec![]).await;
    let location = first.overlay.location();
    let waiting = message(&first.credential, &bob, &[1; 32], Sealed::Inline(vec![1; 900]));
    let removed = message(&first.credential, &bob, &[2; 32], Sealed::Inline(vec![2; 900]));
    let (fragments, pieces) = Fragments::cut(&[9; 9000]).unwrap();
    let large = message(&first.credential, &bob, &[3; 32], Sealed::Fragments(fragments));
    for record in [&waiting, &removed, &large] {
        assert_eq!(location.put(record).await.unwrap().stored.len(), 1);
    }
    for piece in &pieces {
        assert_eq!(location.put_fragment(&large, piece).await.unwrap(), 1);
    }
    assert_eq!(location.remove(removed.key(), &[[2; 32]]).await.unwrap(), 1);

    let second = Agent::start("a1", TCP, first.listen().await).await;
    let report = |record: Record| {
        let (location, own) = (second.overlay.location(), second.overlay.peer_id());
        async move {
            let report = location.put(&record).await.unwrap();
            report.refused.iter().any(|(peer, _)| *peer == own)
        }
    };
    // It refuses what was removed elsewhere, before it came.
    until("the newcomer was not told of the removal", || report(removed.clone())).await;
    let third = Agent::start("a2", TCP, second.listen().await).await;
    third.wait_for_peers(2).await;
    drop((first, location));
    third.wait_for_peers(1).await;
    let location = third.overlay.location();
    until("the messages are lost", || async {
        let found = location.read(&ticket(&bob)).await.unwrap();
        let all = found.len() == 2 && !found.contains(&removed);
        all && content(&*location, &large).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_reader_mends_nodes_that_lag() {
    let all = four().await;
    let bob = credential("bob");
    let device = DeviceKey::generate();
    let now = Clock::system().now();
    let contacts = |sequence| {
        let value = Value::Contacts(corella_overlay::ContactSet {
            peer: device.peer_id(),
            addresses: vec![],
        });
        let key = Key::Contacts(bob.address().clone());
        Record::sign(&bob, key, value, sequence, sequence + HOUR).unwrap()
    };
    // A newer record that came to one node only, while it was alone.
    let alone = Agent::start("alone", TCP, vec![]).await;
    let (old, new) = (contacts(now - 5), contacts(now));
    alone.overlay.location().put(&new).await.unwrap();
    all[0].overlay.location().put(&old).await.unwrap();
    let alone_listens = alone.listen().await;
    let bridge = Agent::start("bridge", TCP, [all[0].listen().await, alone_listens].concat()).await;
    until("the networks are one", || async {
        bridge.overlay.status().await.peers == 5
    })
    .await;
    until("the newer record does not come to all", || async {
        bridge.overlay.location().get(new.key()).await.unwrap();
        let report = bridge.overlay.location().put(&old).await.unwrap();
        report.stored.is_empty() && report.refused.len() == 6
    })
    .await;
}

#[tokio::test]
async fn a_restarted_node_serves_what_it_held() {
    let folder = tempfile::tempdir().unwrap();
    let (alice, bob) = (credential("alice"), credential("bob"));
    let device = DeviceKey::generate();
    let start = || {
        let mut config = config(device.clone(), TCP, vec![]);
        config.storage = Some(folder.path().join("overlay.sqlite"));
        Agent::start_with(credential("node"), config)
    };
    let node = start().await;
    let record = message(&alice, &bob, &[7; 32], Sealed::Inline(vec![1; 900]));
    node.overlay.location().put(&record).await.unwrap();
    node.overlay.shutdown().await;
    drop(node);
    let node = start().await;
    assert_eq!(node.overlay.location().read(&ticket(&bob)).await.unwrap(), [record]);
}

#[tokio::test]
async fn whom_the_user_knows_has_room_that_strangers_cannot_take() {
    let mut config = config(DeviceKey::generate(), TCP, vec![]);
    config.storing.bytes = 128_000;
    let node = Agent::start_with(credential("node"), config).await;
    let guest = Agent::start("guest", TCP, node.listen().await).await;
    guest.wait_for_peers(1).await;
    let (buddy, bob) = (credential("buddy"), credential("bob"));
    let puts = |from: &Credential, number: u8| {
        let record = message(from, &bob, &[number; 32], Sealed::Inline(vec![number; 3000]));
        let (location, peer) = (guest.overlay.location(), node.overlay.peer_id());
        async move { location.put(&record).await.unwrap().stored.contains(&peer) }
    };
    let mut number = 0;
    until("the strangers do not fill the node", || {
        number += 1;
        let put = puts(&credential("stranger"), number);
        async move { !put.await }
    })
    .await;
    assert!(!puts(&buddy, 100).await);
    node.overlay.know([buddy.certificate().fingerprint()].into()).await;
    assert!(puts(&buddy, 101).await);
    assert!(!puts(&credential("stranger"), 102).await);
}

#[tokio::test]
async fn values_are_put_removed_and_found_in_pages() {
    let all = four().await;
    let (writer, reader) = (all[1].overlay.kademlia(), all[3].overlay.kademlia());
    let expires = Clock::system().now() + HOUR;
    let value = |number: usize| OpenDhtValue {
        value: format!("value {number}").into_bytes(),
        secret_hash: Some(sha1(b"secret")),
        expires,
        secret: None,
    };
    for number in 0..200 {
        assert_eq!(writer.put_value(b"key", &value(number)).await.unwrap().stored, 4);
    }
    let hash = sha1(b"value 7");
    assert_eq!(
        writer
            .remove_value(b"key", &hash, b"secret", expires)
            .await
            .unwrap()
            .stored,
        4
    );
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let (page, next) = reader.values(b"key", after.as_ref()).await.unwrap();
        found.extend(page.into_iter().map(|(_, value)| value.value));
        after = next;
        if after.is_none() {
            break;
        }
    }
    found.sort();
    let mut expected: Vec<Vec<u8>> = (0..200).filter(|n| *n != 7).map(|n| value(n).value).collect();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(reader.values(b"other", None).await.unwrap().0, []);
}

#[tokio::test]
async fn service_hosts_are_found_where_they_stand() {
    let all = four().await;
    let namespace = "urn:ietf:params:xml:ns:p2p-sip";
    let mut joined = Vec::new();
    for (number, agent) in all.iter().enumerate() {
        let host = Host {
            host: format!("turn:relay{number}.example.net"),
            service: "turn".to_owned(),
        };
        let identifier = agent.overlay.kademlia().join(namespace, &host).await.unwrap().unwrap();
        joined.push((identifier, host));
    }
    joined.sort_by_key(|(identifier, _)| *identifier);
    let reader = all[2].overlay.kademlia();
    let found = reader.look_up(namespace, &joined[1].0).await.unwrap();
    let rotated: Vec<_> = joined[1..].iter().chain(&joined[..1]).cloned().collect();
    assert_eq!(found, rotated);
    // Only who brought a host takes it away.
    let own = joined
        .iter()
        .position(|(_, host)| host.host.contains("relay2"))
        .unwrap();
    let (own, other) = (joined[own].0, joined[(own + 1) % 4].0);
    assert!(!reader.leave(namespace, &other).await.unwrap());
    assert!(reader.leave(namespace, &own).await.unwrap());
    assert_eq!(reader.look_up(namespace, &own).await.unwrap().len(), 3);
}
