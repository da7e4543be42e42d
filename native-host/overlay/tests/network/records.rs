//! Records in a network: replaced, refreshed, moved.

use std::time::{Duration, Instant};

use corella_identity::DeviceKey;
use corella_overlay::record::Value;
use corella_overlay::storing::Refusal;
use corella_overlay::{Clock, ContactSet, Key, Record};

use tokio::time::sleep;

use crate::world::{Agent, PATIENCE, QUIC, TCP, credential};

#[tokio::test]
async fn the_certificate_is_found_beside_the_contacts() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let bob = Agent::start("bob", TCP, alice.listen().await).await;
    let found = bob
        .overlay
        .location()
        .get(&Key::Certificate(alice.address().clone()))
        .await
        .unwrap();
    let [record] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        record.value(),
        &Value::Certificate(vec![alice.credential.certificate().clone()])
    );
    // It stays when she leaves, so that others can still check what she wrote.
    let contacts = bob.find_on_line(alice.address()).await;
    alice.overlay.shutdown().await;
    assert_eq!(
        bob.overlay
            .location()
            .get(&Key::Certificate(alice.address().clone()))
            .await
            .unwrap()
            .len(),
        1
    );
    let withdrawn = bob.overlay.location().get(&alice.contacts_key()).await.unwrap();
    assert!(withdrawn[0].contacts().unwrap().addresses.is_empty());
    assert!(withdrawn[0].sequence() > contacts.sequence());
}

#[tokio::test]
async fn a_later_node_gets_what_was_there_before_it() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let bob = Agent::start("bob", TCP, alice.listen().await).await;
    let carol = Agent::start("carol", TCP, alice.listen().await).await;
    carol.wait_for_peers(2).await;
    // Each finds both others, whoever keeps the records when the one they came by is gone.
    let door = alice.address().clone();
    alice.overlay.shutdown().await;
    carol.find_on_line(bob.address()).await;
    bob.find_on_line(carol.address()).await;
    let gone = carol.overlay.location().get(&Key::Contacts(door)).await.unwrap();
    assert!(gone[0].contacts().unwrap().addresses.is_empty());
}

/// A node that comes later is given what its part is, without anybody asking for it.
#[tokio::test]
async fn a_later_node_keeps_what_was_there_before_it() {
    let bob = Agent::start("bob", TCP, vec![]).await;
    let carol = Agent::start("carol", TCP, bob.listen().await).await;
    // Who refuses an older record of the same device has a newer one.
    let now = Clock::system().now();
    let value = Value::Contacts(ContactSet {
        peer: bob.overlay.peer_id(),
        addresses: vec![],
    });
    let older = Record::sign(&bob.credential, bob.contacts_key(), value, now - 60_000, now + 60_000).unwrap();
    let begin = Instant::now();
    loop {
        let report = carol.overlay.location().put(&older).await.unwrap();
        if report.refused.iter().any(|(peer, _)| *peer == carol.overlay.peer_id()) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "Bob's record never came to Carol");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn refusals_reach_the_writer() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let bob = Agent::start("bob", TCP, alice.listen().await).await;
    bob.wait_for_peers(1).await;
    let dave = credential("dave");
    let peer = DeviceKey::generate().peer_id();
    let now = Clock::system().now();
    let record = |sequence| {
        let value = Value::Contacts(ContactSet {
            peer,
            addresses: vec![],
        });
        let key = Key::Contacts(dave.address().clone());
        Record::sign(&dave, key, value, sequence, sequence + 60_000).unwrap()
    };
    let report = bob.overlay.location().put(&record(now)).await.unwrap();
    assert_eq!((report.stored.len(), report.refused.len(), report.silent), (2, 0, 0));
    let report = bob.overlay.location().put(&record(now - 1)).await.unwrap();
    let mut refused = report.refused.clone();
    refused.sort_by_key(|(peer, _)| *peer);
    let mut both = [alice.overlay.peer_id(), bob.overlay.peer_id()];
    both.sort();
    assert_eq!(refused, both.map(|peer| (peer, Refusal::NotNewer { held: now })));
    let report = bob.overlay.location().put(&record(now + 11 * 60_000)).await.unwrap();
    assert!(report.stored.is_empty());
    assert!(
        report
            .refused
            .iter()
            .all(|(_, refusal)| *refusal == Refusal::FromTheFuture)
    );
}

/// The same device key after a restart, on other ports, while a peer still has what it knew before.
#[tokio::test]
async fn a_restarted_device_is_found_at_its_new_place() {
    for listen in [TCP, QUIC] {
        let mut alice = Agent::start("alice", listen, vec![]).await;
        let bob = Agent::start("bob", listen, alice.listen().await).await;
        let before = alice.find_on_line(bob.address()).await;
        let _old = alice.connect(&bob).await;
        let (credential, device) = (bob.credential.clone(), bob.device.clone());
        // It goes without a word.
        let Agent { overlay, events, .. } = bob;
        drop((overlay, events));

        let mut bob = Agent::start_as(credential, device, listen, alice.listen().await).await;
        let now = alice
            .find(bob.address(), |record| record.sequence() > before.sequence())
            .await;
        assert_ne!(now.contacts().unwrap().addresses, before.contacts().unwrap().addresses);
        let begin = Instant::now();
        let mut here = alice
            .overlay
            .connect(alice.address(), bob.address(), &now)
            .await
            .unwrap();
        assert!(begin.elapsed() < Duration::from_secs(5));
        let mut there = bob.incoming().await;
        crate::world::talk(&mut here, &mut there).await;
        let mut back = bob.connect(&alice).await;
        let mut forth = alice.incoming().await;
        crate::world::talk(&mut back, &mut forth).await;
    }
}

/// Of a clock that was set back while the device was off: its records are older than those in the overlay.
#[tokio::test]
async fn a_device_whose_clock_went_back_is_found_again() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let (bob, device) = (credential("bob"), DeviceKey::generate());
    let late = move |minutes: i64| Clock::new(move || Clock::system().now() - minutes * 60_000);
    let mut config = crate::world::config(device.clone(), TCP, alice.listen().await);
    config.clock = Clock::system();
    let first = Agent::start_with(bob.clone(), config.clone()).await;
    let before = alice.find_on_line(bob.address()).await;
    drop(first);
    config.clock = late(5);
    let second = Agent::start_with(bob.clone(), config).await;
    let after = alice
        .find(bob.address(), |record| record.sequence() > before.sequence())
        .await;
    let addresses = second.overlay.status().await.listen;
    assert!(
        addresses[0]
            .to_string()
            .starts_with(&after.contacts().unwrap().addresses[0].to_string())
    );
}

/// Two agents on line one after the other: the second finds the first at once, and is found soon.
#[tokio::test]
async fn nobody_waits_long_to_be_found() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let bob = Agent::start("bob", TCP, alice.listen().await).await;
    assert_eq!(
        bob.overlay.location().get(&alice.contacts_key()).await.unwrap().len(),
        1
    );
    assert_eq!(
        alice.overlay.location().get(&bob.contacts_key()).await.unwrap().len(),
        1
    );
}
