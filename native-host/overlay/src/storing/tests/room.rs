use std::collections::HashSet;

use corella_identity::Credential;

use super::*;
use crate::storing::limits::{OVERHEAD, key_share};
use crate::storing::room::{OF_CLASS_UNDER_KEY, OF_RECIPIENT_UNDER_KEY};
use crate::storing::{Class, Judge, Refusal, Stored};
use crate::testing::{
    Authority, HOUR, MINUTE, NOW, contact_record, device, offline_record, person, watcher_record, welcome_record,
    welcome_watcher_record,
};

/// Somebody who claims to be Bob, or somebody else.
fn contact_of(credential: &Credential) -> Record {
    contact_record(credential, device(), NOW)
}

#[test]
fn the_class_is_that_of_the_certificate() {
    let trusted = Authority::new("Example CA");
    let mut judge = Judge::new(anchors(&trusted.certificate));
    let buddy = person("carol@example.org");
    judge.know(HashSet::from([buddy.certificate().fingerprint()]));
    let mut class = |credential: &Credential| judge.class_of(&contact_of(credential), NOW);
    assert_eq!(class(&trusted.issue("bob@example.net")), Class::Certified);
    assert_eq!(class(&buddy), Class::Known);
    assert_eq!(class(&person("bob@example.net")), Class::SelfSigned);
    let other = Authority::new("Example CA").issue("bob@example.net");
    assert_eq!(class(&other), Class::Stranger);
    // Who becomes known is known at once.
    judge.know(HashSet::from([other.certificate().fingerprint()]));
    assert_eq!(judge.class_of(&contact_of(&other), NOW), Class::Known);
}

#[test]
fn a_signer_has_sixteen_devices() {
    let bob = person("bob@example.net");
    let mut node = node();
    let devices: Vec<_> = (0..17).map(|_| device()).collect();
    let mut put = |device: usize, at: Millis| node.put(&contact_record(&bob, devices[device], at), network(1), at);
    for number in 0..16 {
        assert_eq!(put(number, NOW), Ok(Stored::New));
    }
    assert_eq!(put(16, NOW), Err(Refusal::TooMany));
    assert_eq!(put(0, NOW + 1), Ok(Stored::New));
    assert_eq!(put(16, NOW + HOUR), Ok(Stored::New));
}

/// However many records a node keeps: what it looks at to take one more is that under its key.
#[test]
fn a_full_node_is_as_quick_as_an_empty_one() {
    let node = node();
    for (select, values, how) in [
        (OF_CLASS_UNDER_KEY, 2, "(place=?)"),
        (OF_RECIPIENT_UNDER_KEY, 3, "(place=? AND recipient=?)"),
    ] {
        let mut statement = node.database.prepare(&format!("EXPLAIN QUERY PLAN {select}")).unwrap();
        let steps = statement
            .query_map(rusqlite::params_from_iter(vec![NOW; values]), |row| {
                row.get::<_, String>(3)
            })
            .unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        assert!(steps[0].contains(how), "{steps:?}");
    }
}

/// Strangers fill what is theirs under Bob's key. Bob under an authority still gets in, and so does he whom the node's user
/// knows, and he who signed himself, in another network.
#[test]
fn no_crowd_takes_a_key() {
    let authority = Authority::new("Example CA");
    let mut node = node_with(Limits::default(), anchors(&authority.certificate));
    let known = person("bob@example.net");
    node.know(HashSet::from([known.certificate().fingerprint()]));
    let elsewhere = Authority::new("Other CA");
    let crowds: [&dyn Fn() -> Credential; 2] = [&|| person("bob@example.net"), &|| elsewhere.issue("bob@example.net")];
    for crowd in crowds {
        let refused = (0..200).find_map(|_| node.put(&contact_of(&crowd()), network(66), NOW).err());
        assert_eq!(refused, Some(Refusal::TooMany));
    }
    let certified = authority.issue("bob@example.net");
    let alone = person("bob@example.net");
    for (credential, from) in [(&certified, 66), (&known, 66), (&alone, 7)] {
        let record = contact_record(credential, device(), NOW - 1);
        assert_eq!(node.put(&record, network(from), NOW), Ok(Stored::New));
    }
    let records = found(&node, &bob_key(), NOW);
    assert_eq!(records[0].signer(), certified.certificate());
    assert_eq!(records[1].signer(), known.certificate());
    assert!(records.iter().any(|record| record.signer() == alone.certificate()));
    // The crowd cannot push him out again.
    let refused = (0..50).find_map(|_| {
        node.put(&contact_of(&person("bob@example.net")), network(66), NOW)
            .err()
    });
    assert_eq!(refused, Some(Refusal::TooMany));
    assert!(
        found(&node, &bob_key(), NOW)
            .iter()
            .any(|record| record.signer() == alone.certificate())
    );
    let bytes: u64 = records
        .iter()
        .map(|record| record.to_xml().len() as u64 + OVERHEAD)
        .sum();
    assert!(bytes <= 3 * key_share(&bob_key(), Class::SelfSigned));
}

/// A crowd in one network fills the node's share for those who signed themselves. Somebody elsewhere gets in, and stays.
#[test]
fn no_crowd_takes_a_node() {
    let authority = Authority::new("Example CA");
    let limits = Limits { bytes: 200_000 };
    let mut node = node_with(limits, anchors(&authority.certificate));
    let crowd = |node: &mut StoringNode, from: u8, count: usize| -> usize {
        let mut refused = 0;
        for _ in 0..count {
            let record = contact_of(&person(&format!("p{:x}@example.com", rand::random::<u64>())));
            refused += usize::from(node.put(&record, network(from), NOW) == Err(Refusal::Full));
        }
        refused
    };
    assert!(crowd(&mut node, 66, 60) > 0);
    let share = Class::SelfSigned.share(limits.bytes);
    assert!(node.used() <= share);
    let alone = contact_of(&person("alone@example.org"));
    assert_eq!(node.put(&alone, network(1), NOW), Ok(Stored::New));
    let certified = contact_of(&authority.issue("bob@example.net"));
    assert_eq!(node.put(&certified, network(66), NOW), Ok(Stored::New));
    assert!(crowd(&mut node, 66, 60) > 50);
    // From as many networks as there are, each has an equal part.
    for from in 100..110 {
        crowd(&mut node, from, 10);
    }
    assert_eq!(found(&node, alone.key(), NOW), std::slice::from_ref(&alone));
    assert_eq!(found(&node, certified.key(), NOW), [certified]);
    assert!(node.used() <= share + 20_000);
    // An own record is still replaced when the node is full.
    let newer = contact_record(&person("alone@example.org"), device(), NOW + 1);
    assert_eq!(node.put(&newer, network(1), NOW + 1), Ok(Stored::New));
}

/// Whom Bob welcomes gets in and stays, whoever crowds his key: those who signed themselves, and those who make a Bob of their own
/// that welcomes them.
#[test]
fn no_crowd_pushes_out_a_buddy() {
    let (bob, alice) = (person("bob@example.net"), person("alice@example.org"));
    let mut node = node();
    let first = welcome_record(&alice, &bob, 1, NOW);
    // From the network of the crowd, which is the worst place to be.
    assert_eq!(node.put(&first, network(66), NOW), Ok(Stored::New));
    let mut refused = [0, 0];
    for number in 0..200 {
        let crowd = person(&format!("p{number}@example.com"));
        for message in 0..3 {
            let record = offline_record(&crowd, &bob, message, NOW);
            refused[0] += usize::from(node.put(&record, network(66), NOW).is_err());
        }
    }
    let impostor = person("bob@example.net");
    for number in 0..40 {
        let crowd = person(&format!("q{number}@example.com"));
        for message in 0..20 {
            let record = welcome_record(&crowd, &impostor, message, NOW);
            refused[1] += usize::from(node.put(&record, network(66), NOW) == Err(Refusal::TooMany));
        }
    }
    assert!(refused.iter().all(|count| *count > 100), "{refused:?}");
    let second = welcome_record(&alice, &bob, 2, NOW + 1);
    assert_eq!(node.put(&second, network(66), NOW + 1), Ok(Stored::New));
    let mine = node
        .get(first.key(), Some(bob.certificate().fingerprint()), 0, NOW)
        .unwrap();
    // They come first, too.
    assert_eq!(
        mine.records[..2],
        [second.to_xml().to_string(), first.to_xml().to_string()]
    );
    // Without the pass there is no room.
    let plain = offline_record(&person("carol@example.org"), &bob, 3, NOW);
    assert_eq!(node.put(&plain, network(66), NOW), Err(Refusal::TooMany));
}

/// The same for those who want to see whether Bob is there.
#[test]
fn no_crowd_keeps_a_buddy_from_watching() {
    let (bob, alice, impostor) = (
        person("bob@example.net"),
        person("alice@example.org"),
        person("bob@example.net"),
    );
    let mut node = node();
    let mut refused = [0, 0];
    for number in 0..300 {
        let [stranger, guest] = ["p", "q"].map(|name| person(&format!("{name}{number}@example.com")));
        let plain = node.put(&watcher_record(&stranger, &bob, NOW), network(66), NOW);
        let welcome = node.put(&welcome_watcher_record(&guest, &impostor, NOW), network(66), NOW);
        refused[0] += usize::from(plain == Err(Refusal::TooMany));
        refused[1] += usize::from(welcome == Err(Refusal::TooMany));
    }
    assert!(refused.iter().all(|count| *count > 100), "{refused:?}");
    let watcher = welcome_watcher_record(&alice, &bob, NOW);
    assert_eq!(node.put(&watcher, network(66), NOW), Ok(Stored::New));
    let mine = node.get(watcher.key(), Some(bob.certificate().fingerprint()), 0, NOW);
    assert_eq!(mine.unwrap().records[0], **watcher.to_xml());
}

/// A crowd may be of those, too, who have certificates of an authority that the node trusts, or whom its user knows.
#[test]
fn a_buddy_who_is_certified_is_as_welcome_as_others() {
    let authority = Authority::new("Example CA");
    let mut node = node_with(Limits::default(), anchors(&authority.certificate));
    let (bob, alice) = (person("bob@example.net"), authority.issue("alice@example.org"));
    let mut refused = 0;
    for number in 0..200 {
        let crowd = authority.issue(&format!("p{number}@example.com"));
        for message in 0..2 {
            let record = offline_record(&crowd, &bob, message, NOW);
            refused += usize::from(node.put(&record, network(66), NOW) == Err(Refusal::TooMany));
        }
    }
    assert!(refused > 100);
    let plain = offline_record(&alice, &bob, 1, NOW);
    assert_eq!(node.put(&plain, network(66), NOW), Err(Refusal::TooMany));
    let message = welcome_record(&alice, &bob, 1, NOW);
    assert_eq!(node.put(&message, network(66), NOW), Ok(Stored::New));
}

/// Many false Bobs have rooms of their own, but one share of the node; there, too, the network that uses most gives way.
#[test]
fn false_recipients_fill_no_node() {
    let limits = Limits { bytes: 200_000 };
    let mut node = node_with(limits, TrustAnchors::none());
    let (bob, alice) = (person("bob@example.net"), person("alice@example.org"));
    for number in 0..60 {
        let (crowd, impostor) = (person(&format!("p{number}@example.com")), person("bob@example.net"));
        let _ = node.put(&welcome_record(&crowd, &impostor, 1, NOW), network(66), NOW);
    }
    assert!(node.used() <= Class::Welcome.share(limits.bytes));
    let message = welcome_record(&alice, &bob, 1, NOW);
    assert_eq!(node.put(&message, network(1), NOW), Ok(Stored::New));
    assert!(node.used() <= Class::Welcome.share(limits.bytes));
    // Put again, it is there.
    assert_eq!(node.put(&message, network(1), NOW), Ok(Stored::Already));
}

/// What takes the place of something larger needs no room, wherever the crowd is.
#[test]
fn a_crowd_keeps_nobody_from_taking_back_what_is_theirs() {
    let (bob, alice) = (person("bob@example.net"), person("alice@example.org"));
    let mut node = node();
    let message = welcome_record(&alice, &bob, 1, NOW);
    assert_eq!(node.put(&message, network(66), NOW), Ok(Stored::New));
    for number in 0..200 {
        for message in 0..3 {
            let crowd = person(&format!("p{number}@example.com"));
            let record = offline_record(&crowd, &bob, message, NOW);
            // What is left of the room is for something small.
            if node.put(&record, network(66), NOW).is_err() {
                let _ = node.put(&record.sign_removal(&crowd, NOW).unwrap(), network(66), NOW + 1);
            }
        }
    }
    let removal = message.sign_removal(&alice, NOW + 1).unwrap();
    // Under a name of its own it would have no room.
    let other = welcome_record(&alice, &bob, 2, NOW).sign_removal(&alice, NOW + 1);
    assert_eq!(node.put(&other.unwrap(), network(66), NOW + 1), Err(Refusal::TooMany));
    // Nor is a place kept for longer than it was given.
    let plain = offline_record(&alice, &bob, 1, NOW + MINUTE);
    assert_eq!(node.put(&plain, network(66), NOW + MINUTE), Err(Refusal::TooMany));
    assert_eq!(node.put(&removal, network(66), NOW + 1), Ok(Stored::New));
    let reader = Some(bob.certificate().fingerprint());
    let mine = node.get(message.key(), reader, 0, NOW + 1).unwrap();
    assert_eq!(mine.records[0], **removal.to_xml());
}

#[test]
fn own_records_do_not_give_way() {
    let limits = Limits { bytes: 100_000 };
    let mut node = node_with(limits, TrustAnchors::none());
    let bob = person("bob@example.net");
    node.own(bob.certificate().fingerprint());
    let own: Vec<Record> = (0..8).map(|_| contact_of(&bob)).collect();
    for record in &own {
        node.put(record, Network::OWN, NOW).unwrap();
    }
    for number in 0..100 {
        let _ = node.put(
            &contact_of(&person(&format!("p{number}@example.com"))),
            network(number),
            NOW,
        );
    }
    assert_eq!(found(&node, &bob_key(), NOW).len(), own.len());
}

/// What comes through the node's gateway, or is brought here because somebody else lacked it, is not the user's own.
#[test]
fn what_a_node_passes_on_is_not_its_own() {
    let limits = Limits { bytes: 100_000 };
    let mut node = node_with(limits, TrustAnchors::none());
    for _ in 0..60 {
        let _ = node.put(&contact_of(&person("bob@example.net")), Network::OWN, NOW);
        let bytes = openssl::sha::sha256(&node.used().to_be_bytes());
        let _ = node.put_immutable(&bytes, NOW + HOUR, Network::OWN, NOW);
    }
    let bob = contact_of(&person("bob@example.net"));
    assert_eq!(node.put(&bob, network(1), NOW), Ok(Stored::New));
    for number in 0..10 {
        assert_eq!(node.put_immutable(&[number], NOW + HOUR, network(1), NOW), Ok(()));
    }
}

/// A place that somebody was welcome to is not handed on to another person's, where the crowd was never counted.
#[test]
fn no_crowd_comes_in_by_the_places_of_false_guests() {
    let (bob, alice) = (person("bob@example.net"), person("alice@example.org"));
    let impostors = [person("bob@example.net"), person("bob@example.net")];
    let mut node = node();
    let reader = Some(bob.certificate().fingerprint());
    let guests: Vec<Credential> = (0..60)
        .map(|number| person(&format!("p{number}@example.com")))
        .collect();
    for (guest, impostor) in guests.iter().zip(impostors.iter().cycle()) {
        for message in 0..3 {
            node.put(&welcome_record(guest, impostor, message, NOW), network(66), NOW)
                .unwrap();
        }
    }
    for number in 0..100 {
        let crowd = person(&format!("q{number}@example.com"));
        let _ = node.put(&offline_record(&crowd, &bob, 1, NOW), network(66), NOW);
    }
    for guest in &guests {
        for message in 0..3 {
            let _ = node.put(&offline_record(guest, &bob, message, NOW + 1), network(66), NOW + 1000);
        }
    }
    let first = welcome_record(&alice, &bob, 1, NOW + 3000);
    assert_eq!(node.put(&first, network(66), NOW + 3000), Ok(Stored::New));
    let mine = node.get(first.key(), reader, 0, NOW + 3000).unwrap();
    assert_eq!(mine.records[0], **first.to_xml());
}

#[test]
fn a_sender_has_a_part_of_a_recipients_room() {
    let bob = person("bob@example.net");
    let mut node = node();
    let flood = |node: &mut StoringNode, sender: &Credential, from: u8| -> usize {
        let put = |number: u8| node.put(&offline_record(sender, &bob, number, NOW), network(from), NOW);
        (0..200).map(put).filter(Result::is_ok).count()
    };
    let eve = person("eve@example.com");
    assert_eq!(flood(&mut node, &eve, 66), 32);
    // However many Eves there are, in their network they share the room that one has.
    for _ in 0..10 {
        flood(&mut node, &person("eve@example.com"), 66);
    }
    let alice = person("alice@example.org");
    assert_eq!(flood(&mut node, &alice, 1), 32);
    let page = node.get(
        &Key::Offline(aor("bob@example.net")),
        Some(bob.certificate().fingerprint()),
        0,
        NOW,
    );
    let by_alice = format!("signer=\"{}\"", alice.certificate().fingerprint());
    let mut records = page.unwrap();
    let mut seen = 0;
    while !records.records.is_empty() {
        seen += records.records.iter().filter(|xml| xml.contains(&by_alice)).count();
        let skip = u32::try_from(records.records.len()).unwrap();
        if !records.more {
            break;
        }
        records = node
            .get(
                &Key::Offline(aor("bob@example.net")),
                Some(bob.certificate().fingerprint()),
                skip,
                NOW,
            )
            .unwrap();
    }
    assert_eq!(seen, 32);
}
