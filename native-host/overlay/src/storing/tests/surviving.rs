use std::fs;

use super::*;
use crate::storing::{Class, OpenDhtValue, Refusal};
use crate::testing::{
    Authority, HOUR, NOW, contact_record, device, large_offline_record, offline_record, person, removal_secret,
    welcome_record,
};

#[test]
fn a_node_that_is_opened_again_serves_what_it_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overlay.sqlite");
    let open = |limits: Limits| StoringNode::open(Some(&path), limits, TrustAnchors::none()).unwrap();
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let contact = contact_record(&bob, device(), NOW);
    let message = offline_record(&alice, &bob, 1, NOW);
    let (large, pieces) = large_offline_record(&alice, &bob, 2, NOW);
    let mut node = open(Limits::default());
    node.put(&contact, network(1), NOW).unwrap();
    node.put(&message, network(1), NOW).unwrap();
    node.remove(message.key(), &[removal_secret(1)], NOW).unwrap();
    node.put_fragment(&large, &pieces[0], network(1), NOW).unwrap();
    let value = OpenDhtValue {
        value: b"value".to_vec(),
        secret_hash: None,
        expires: NOW + HOUR,
        secret: None,
    };
    node.put_value(b"key", &value, network(1), NOW).unwrap();
    let used = node.used();
    // As if killed: nothing is said to the database.
    std::mem::forget(node);

    let mut node = open(Limits::default());
    assert_eq!(node.used(), used);
    assert_eq!(found(&node, &bob_key(), NOW), std::slice::from_ref(&contact));
    assert_eq!(node.put(&message, network(1), NOW), Err(Refusal::Removed));
    let hash = openssl::sha::sha256(&pieces[0]);
    assert_eq!(node.get_fragment(&hash, NOW).unwrap(), Some(pieces[0].clone()));
    assert_eq!(node.values(b"key", None, NOW).unwrap().len(), 1);
    #[cfg(unix)]
    for file in fs::read_dir(folder.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    drop(node);
    // With less room, what is too much goes.
    let small = Limits { bytes: 2000 };
    let node = open(small);
    assert!(
        Class::ALL
            .into_iter()
            .all(|class| node.usage.of(class) <= class.share(small.bytes))
    );
}

/// Whose guests a room is full of is known after a restart too.
#[test]
fn rooms_of_recipients_survive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overlay.sqlite");
    let open = || StoringNode::open(Some(&path), Limits::default(), TrustAnchors::none()).unwrap();
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let impostor = person("bob@example.net");
    let guests: Vec<_> = (0..10)
        .map(|number| person(&format!("p{number}@example.com")))
        .collect();
    let one_more = welcome_record(&alice, &impostor, 1, NOW);
    let mut node = open();
    for guest in &guests {
        for number in 0..30 {
            let _ = node.put(&welcome_record(guest, &impostor, number, NOW), network(66), NOW);
        }
    }
    assert_eq!(node.put(&one_more, network(66), NOW), Err(Refusal::TooMany));
    let used = node.usage.of(Class::Welcome);
    drop(node);
    let mut node = open();
    assert_eq!(node.usage.of(Class::Welcome), used);
    assert_eq!(node.put(&one_more, network(66), NOW), Err(Refusal::TooMany));
    let message = welcome_record(&alice, &bob, 1, NOW);
    assert_eq!(node.put(&message, network(66), NOW), Ok(crate::storing::Stored::New));
}

/// What a node may keep is said in bytes, so its file is not to be of another size.
#[test]
fn the_file_is_at_most_a_fifth_larger_than_what_is_counted() {
    let overhead = |put: &dyn Fn(&mut StoringNode, u32)| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("overlay.sqlite");
        let limits = Limits { bytes: 64 << 20 };
        let mut node = StoringNode::open(Some(&path), limits, TrustAnchors::none()).unwrap();
        node.begin();
        (0..600).for_each(|number| put(&mut node, number));
        node.commit();
        let used = node.used();
        drop(node);
        fs::metadata(&path).unwrap().len() as f64 / used as f64
    };
    let records = overhead(&|node, number| {
        let somebody = person(&format!("u{number}@example.net"));
        node.put(&contact_record(&somebody, device(), NOW), network(1), NOW)
            .unwrap();
    });
    let pieces = overhead(&|node, number| {
        let piece = [&number.to_be_bytes()[..], &[7; 4092]].concat();
        node.put_immutable(&piece, NOW + HOUR, network(1), NOW).unwrap();
    });
    println!("records {records:.2}, pieces {pieces:.2}");
    assert!(
        records < 1.2 && pieces < 1.2,
        "records {records:.2}, pieces {pieces:.2}"
    );
}

#[test]
fn a_damaged_file_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overlay.sqlite");
    fs::write(
        &path,
        "this is no database, but it is long enough to be looked at as one".repeat(20),
    )
    .unwrap();
    let mut node = StoringNode::open(Some(&path), Limits::default(), TrustAnchors::none()).unwrap();
    let contact = contact_record(&person("bob@example.net"), device(), NOW);
    node.put(&contact, network(1), NOW).unwrap();
    assert!(folder.path().join("overlay.damaged").exists());
    assert_eq!(found(&node, &bob_key(), NOW), [contact]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let path = std::path::Path::new("/nowhere/overlay.sqlite");
    let error = StoringNode::open(Some(path), Limits::default(), TrustAnchors::none()).unwrap_err();
    assert!(error.to_string().contains("/nowhere/overlay.sqlite"), "{error}");
}

#[test]
fn what_came_from_an_authority_is_counted_as_such_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overlay.sqlite");
    let authority = Authority::new("Example CA");
    let open = || StoringNode::open(Some(&path), Limits::default(), anchors(&authority.certificate)).unwrap();
    let mut node = open();
    let record = contact_record(&authority.issue("bob@example.net"), device(), NOW);
    node.put(&record, network(1), NOW).unwrap();
    let used = node.usage.of(Class::Certified);
    assert!(used > 0);
    drop(node);
    assert_eq!(open().usage.of(Class::Certified), used);
}
