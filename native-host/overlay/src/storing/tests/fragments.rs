use super::*;
use crate::storing::{Class, Limits, Refusal};
use crate::testing::{
    Authority, HOUR, NOW, large_offline_record, large_welcome_record, offline_record, person, removal_secret,
};

#[test]
fn fragments_are_kept_for_the_record_that_lists_them() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let (record, pieces) = large_offline_record(&alice, &bob, 1, NOW);
    let mut node = node();
    for piece in &pieces {
        assert_eq!(node.put_fragment(&record, piece, network(1), NOW), Ok(()));
        // Once more is fine and costs nothing.
        let used = node.used();
        assert_eq!(node.put_fragment(&record, piece, network(1), NOW), Ok(()));
        assert_eq!(node.used(), used);
        let hash = openssl::sha::sha256(piece);
        assert_eq!(node.get_fragment(&hash, NOW), Ok(Some(piece.clone())));
        assert_eq!(node.get_fragment(&hash, NOW + 24 * HOUR), Ok(None));
    }
    assert_eq!(
        node.put_fragment(&record, b"other", network(1), NOW),
        Err(Refusal::Malformed)
    );
    let small = offline_record(&alice, &bob, 2, NOW);
    assert_eq!(
        node.put_fragment(&small, &pieces[0], network(1), NOW),
        Err(Refusal::Malformed)
    );
    let late = node.put_fragment(&record, &pieces[0], network(1), NOW + 24 * HOUR);
    assert_eq!(late, Err(Refusal::Expired));
    node.expire(NOW + 24 * HOUR).unwrap();
    assert_eq!(node.used(), 0);
}

/// What is too large for a record of somebody who is welcome has the room of those who are.
#[test]
fn fragments_have_the_class_of_their_record() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let (record, pieces) = large_welcome_record(&alice, &bob, 1, NOW);
    let mut node = node();
    node.put_fragment(&record, &pieces[0], network(1), NOW).unwrap();
    assert!(node.used() > 0);
    assert_eq!(node.usage.of(Class::Welcome), node.used());
}

/// As with records: there may be a crowd among those with certificates, too.
#[test]
fn fragments_of_a_certified_buddy_have_the_room_of_the_welcome() {
    let authority = Authority::new("Example CA");
    let mut node = node_with(Limits { bytes: 200_000 }, anchors(&authority.certificate));
    let bob = person("bob@example.net");
    for number in 0..20 {
        let (record, pieces) = large_offline_record(&authority.issue(&format!("p{number}@example.com")), &bob, 1, NOW);
        for piece in &pieces {
            let _ = node.put_fragment(&record, piece, network(66), NOW);
        }
    }
    let alice = authority.issue("alice@example.org");
    let (plain, pieces) = large_offline_record(&alice, &bob, 1, NOW);
    assert_eq!(
        node.put_fragment(&plain, &pieces[0], network(66), NOW),
        Err(Refusal::Full)
    );
    let (welcome, pieces) = large_welcome_record(&alice, &bob, 1, NOW);
    assert_eq!(node.put_fragment(&welcome, &pieces[0], network(66), NOW), Ok(()));
}

#[test]
fn the_records_secret_removes_its_fragments() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let (record, pieces) = large_offline_record(&alice, &bob, 1, NOW);
    let mut node = node();
    node.put_fragment(&record, &pieces[0], network(1), NOW).unwrap();
    let hash = openssl::sha::sha256(&pieces[0]);
    assert_eq!(node.remove_fragment(&hash, &removal_secret(2)), Ok(false));
    assert_eq!(node.remove_fragment(&hash, &removal_secret(1)), Ok(true));
    assert_eq!(node.get_fragment(&hash, NOW), Ok(None));
    assert_eq!(node.used(), 0);
}

#[test]
fn guests_keep_bytes_under_their_hash() {
    let mut node = node();
    let put = |node: &mut StoringNode, bytes: &[u8], expires| node.put_immutable(bytes, expires, network(1), NOW);
    assert_eq!(put(&mut node, b"some bytes", NOW + HOUR), Ok(()));
    assert_eq!(put(&mut node, b"some bytes", NOW + 2 * HOUR), Ok(()));
    let hash = openssl::sha::sha256(b"some bytes");
    assert_eq!(node.get_fragment(&hash, NOW + HOUR), Ok(Some(b"some bytes".to_vec())));
    assert_eq!(put(&mut node, &[0; 4097], NOW + HOUR), Err(Refusal::TooLarge));
    assert_eq!(put(&mut node, b"", NOW + HOUR), Err(Refusal::TooLarge));
    assert_eq!(put(&mut node, b"late", NOW), Err(Refusal::Expired));
    assert_eq!(put(&mut node, b"long", NOW + 8 * 24 * HOUR), Err(Refusal::LivesTooLong));
    node.expire(NOW + 2 * HOUR).unwrap();
    assert_eq!(node.used(), 0);
}

#[test]
fn fragments_are_charged_to_the_signer() {
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let limits = Limits { bytes: 100_000 };
    let mut node = node_with(limits, TrustAnchors::none());
    let mut full = false;
    for number in 0..20 {
        let (record, pieces) = large_offline_record(&alice, &bob, number, NOW);
        for piece in &pieces {
            full |= node.put_fragment(&record, piece, network(1), NOW) == Err(Refusal::Full);
        }
    }
    assert!(full);
    assert!(node.used() <= crate::storing::Class::SelfSigned.share(limits.bytes));

    let mut node = self::node();
    let mut refused = 0;
    for number in 0..50 {
        let (record, pieces) = large_offline_record(&alice, &bob, number, NOW);
        refused += pieces
            .iter()
            .filter(|piece| node.put_fragment(&record, piece, network(1), NOW) == Err(Refusal::TooMany))
            .count();
    }
    assert_eq!(refused, 150 - 128);
    // A newer version takes the place of older ones.
    let (record, pieces) = large_offline_record(&alice, &bob, 200, NOW + 1);
    for piece in &pieces {
        assert_eq!(node.put_fragment(&record, piece, network(1), NOW + 1), Ok(()));
    }
}
