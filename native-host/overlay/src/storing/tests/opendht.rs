use openssl::sha::sha1;

use super::*;
use crate::storing::opendht::{LIFE_LIMIT, VALUE_LIMIT};
use crate::storing::{OpenDhtValue, Refusal};
use crate::testing::{HOUR, NOW};

const KEY: &[u8] = b"some key";

fn value(text: &str, secret: Option<&[u8]>) -> OpenDhtValue {
    OpenDhtValue {
        value: text.as_bytes().to_vec(),
        secret_hash: secret.map(sha1),
        expires: NOW + HOUR,
        secret: None,
    }
}

fn texts(node: &StoringNode, now: Millis) -> Vec<String> {
    let values = node.values(KEY, None, now).unwrap().into_iter();
    let mut texts: Vec<String> = values
        .filter(|(_, value)| value.secret.is_none())
        .map(|(_, value)| String::from_utf8(value.value).unwrap())
        .collect();
    texts.sort();
    texts
}

#[test]
fn values_stand_side_by_side_and_end() {
    let mut node = node();
    for one in [
        value("a", None),
        value("b", None),
        value("a", Some(b"s")),
        value("a", None),
    ] {
        node.put_value(KEY, &one, network(1), NOW).unwrap();
    }
    assert_eq!(texts(&node, NOW), ["a", "a", "b"]);
    let longer = OpenDhtValue {
        expires: NOW + 2 * HOUR,
        ..value("b", None)
    };
    node.put_value(KEY, &longer, network(1), NOW).unwrap();
    assert_eq!(texts(&node, NOW + HOUR), ["b"]);
    assert!(node.values(b"other", None, NOW).unwrap().is_empty());
}

#[test]
fn who_knows_the_secret_removes_a_value_and_it_stays_removed() {
    let mut node = node();
    node.put_value(KEY, &value("a", Some(b"secret")), network(1), NOW)
        .unwrap();
    node.put_value(KEY, &value("a", None), network(1), NOW).unwrap();
    let hash = sha1(b"a");
    // Another secret removes nothing, but is remembered: the value may come later.
    node.remove_value(KEY, &hash, b"guess", NOW + HOUR, network(2), NOW)
        .unwrap();
    assert_eq!(texts(&node, NOW), ["a", "a"]);
    node.remove_value(KEY, &hash, b"secret", NOW + 2 * HOUR, network(2), NOW)
        .unwrap();
    assert_eq!(texts(&node, NOW), ["a"]);
    let again = node.put_value(KEY, &value("a", Some(b"secret")), network(1), NOW);
    assert_eq!(again, Err(Refusal::Removed));
    let guessed = node.put_value(KEY, &value("a", Some(b"guess")), network(1), NOW);
    assert_eq!(guessed, Err(Refusal::Removed));
    // Readers see by which secret, and can check it.
    let values = node.values(KEY, None, NOW).unwrap();
    let removed = values.iter().filter_map(|(_, value)| value.secret.as_deref());
    assert!(removed.eq([b"guess".as_slice(), b"secret"].iter().copied()) || values.len() == 3);
    node.expire(NOW + 2 * HOUR).unwrap();
    assert_eq!(node.used(), 0);
}

#[test]
fn limits_are_those_of_opendht() {
    let mut node = node();
    let put = |node: &mut StoringNode, key: &[u8], value: &OpenDhtValue| node.put_value(key, value, network(1), NOW);
    assert_eq!(put(&mut node, &[1; 20], &value("a", None)), Ok(()));
    assert_eq!(put(&mut node, &[1; 21], &value("a", None)), Err(Refusal::TooLarge));
    let large = value(&"x".repeat(VALUE_LIMIT), None);
    assert_eq!(put(&mut node, KEY, &large), Ok(()));
    let larger = value(&"x".repeat(VALUE_LIMIT + 1), None);
    assert_eq!(put(&mut node, KEY, &larger), Err(Refusal::TooLarge));
    let until = |expires: Millis| OpenDhtValue {
        expires,
        ..value("b", None)
    };
    assert_eq!(put(&mut node, KEY, &until(NOW)), Err(Refusal::Expired));
    assert_eq!(put(&mut node, KEY, &until(NOW + LIFE_LIMIT)), Ok(()));
    assert_eq!(
        put(&mut node, KEY, &until(NOW + 2 * LIFE_LIMIT)),
        Err(Refusal::LivesTooLong)
    );
    let long = node.remove_value(KEY, &[1; 20], &[0; 41], NOW + HOUR, network(1), NOW);
    assert_eq!(long, Err(Refusal::TooLarge));
}

#[test]
fn pages_are_in_the_order_of_hashes_and_a_key_has_an_end() {
    let mut node = node();
    let mut refused = None;
    let mut count = 0;
    while refused.is_none() {
        let one = value(&format!("{count:0>200}"), Some(&[1]));
        match node.put_value(KEY, &one, network(1), NOW) {
            Ok(()) => count += 1,
            Err(refusal) => refused = Some(refusal),
        }
    }
    assert_eq!(refused, Some(Refusal::TooMany));
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = node.values(KEY, after.as_ref(), NOW).unwrap();
        let Some((hash, last)) = page.last() else { break };
        after = Some((*hash, last.secret_hash.map(|hash| hash.to_vec()).unwrap_or_default()));
        seen.extend(page.into_iter().map(|(hash, _)| hash));
    }
    assert_eq!(seen.len(), count);
    assert!(seen.is_sorted());
}

/// Guests have their own share: whatever they write, records are not pushed out, and the other way round.
#[test]
fn guests_have_their_share_and_no_more() {
    let limits = Limits { bytes: 64_000 };
    let mut node = node_with(limits, TrustAnchors::none());
    let mut refused = 0;
    for number in 0..100_u8 {
        let put = node.put_value(&[number], &value(&"x".repeat(500), None), network(1), NOW);
        refused += usize::from(put == Err(Refusal::Full));
    }
    assert!(refused > 80);
    assert!(node.used() <= crate::storing::Class::Guest.share(limits.bytes));
    assert_eq!(node.put_value(&[200], &value("y", None), network(2), NOW), Ok(()));
}
