use crate::{Store, from_bob, ids, to_bob};
use corella_transcripts::{Direction, Error, NewMessage, Place};
use proptest::prelude::*;

const BOB: &str = "bob@example.org";

/// All pages from the newest back, put together; the smallest page is one message.
fn page_through(store: &Store, limit: usize) -> Vec<String> {
    let mut pages = Vec::new();
    let mut page = store.transcripts.list(BOB, Place::Latest, limit).unwrap();
    loop {
        assert!(page.messages.len() <= limit);
        let first = page.messages.first().map(|message| message.id.clone());
        pages.push(
            ids(&page.messages)
                .into_iter()
                .map(ToOwned::to_owned)
                .collect::<Vec<_>>(),
        );
        let (Some(first), true) = (first, page.more) else { break };
        page = store.transcripts.list(BOB, Place::Before(&first), limit).unwrap();
    }
    pages.into_iter().rev().flatten().collect()
}

fn all(store: &Store) -> Vec<String> {
    let page = store.transcripts.list(BOB, Place::Latest, 10_000).unwrap();
    ids(&page.messages).into_iter().map(ToOwned::to_owned).collect()
}

#[test]
fn messages_stand_in_order_of_arrival() {
    let store = Store::new();
    store.append(NewMessage {
        received: 30,
        ..from_bob(1, "second")
    });
    store.append(NewMessage {
        received: 20,
        ..to_bob(1, "first")
    });
    assert_eq!(all(&store), ["alice-1", "bob-1"]);
}

#[test]
fn a_late_message_stands_before_its_successors_and_the_others_stay() {
    let store = Store::new();
    store.append(NewMessage {
        received: 10,
        ..from_bob(1, "")
    });
    store.append(NewMessage {
        received: 20,
        ..from_bob(3, "overtook")
    });
    store.append(NewMessage {
        received: 30,
        ..to_bob(1, "")
    });
    store.append(NewMessage {
        received: 40,
        ..from_bob(2, "late")
    });
    assert_eq!(all(&store), ["bob-1", "bob-2", "bob-3", "alice-1"]);
}

#[test]
fn other_senders_do_not_decide_a_place() {
    let store = Store::new();
    store.append(NewMessage {
        received: 10,
        own: "alice@work.example".into(),
        ..from_bob(9, "to another address")
    });
    store.append(NewMessage {
        received: 20,
        ..from_bob(1, "")
    });
    assert_eq!(all(&store), ["bob-9", "bob-1"]);
}

#[test]
fn a_page_around_a_message_shows_both_sides() {
    let store = Store::new();
    store.append_all((0..20).map(|n| from_bob(n, "")));
    let around = |id: &str, limit| {
        let page = store.transcripts.list(BOB, Place::Around(id), limit).unwrap();
        (
            ids(&page.messages)
                .iter()
                .map(|id| id[4..].parse::<u32>().unwrap())
                .collect::<Vec<_>>(),
            page.more,
        )
    };
    assert_eq!(around("bob-10", 5), ((8..13).collect(), true));
    assert_eq!(around("bob-10", 1), (vec![10], true));
    assert_eq!(around("bob-0", 5), ((0..5).collect(), false));
    assert_eq!(around("bob-19", 5), ((15..20).collect(), true));
    assert_eq!(around("bob-10", 100), ((0..20).collect(), false));
}

#[test]
fn an_unknown_place_is_an_error_and_an_unknown_peer_is_empty() {
    let store = Store::new();
    store.append(from_bob(1, ""));
    assert_eq!(
        store.transcripts.list(BOB, Place::Before("none"), 5),
        Err(Error::UnknownMessage)
    );
    assert_eq!(
        store.transcripts.list(BOB, Place::Around("none"), 5),
        Err(Error::UnknownMessage)
    );
    let page = store.transcripts.list("nobody@example.org", Place::Latest, 5).unwrap();
    assert!(page.messages.is_empty() && !page.more);
}

#[test]
fn an_id_that_both_sides_used_does_not_break_paging() {
    let store = Store::new();
    for n in 0..10 {
        store.append(NewMessage {
            received: n,
            ..to_bob(n.unsigned_abs(), "")
        });
    }
    // Bob sends Alice's own ids back.
    for n in 0..10 {
        let copy = NewMessage {
            direction: Direction::In,
            received: 100 + n * 2,
            ..to_bob(n.unsigned_abs(), "")
        };
        store.append(copy);
        store.append(NewMessage {
            received: 101 + n * 2,
            ..from_bob(n.unsigned_abs(), "")
        });
    }
    for limit in 2..9 {
        assert_eq!(page_through(&store, limit), all(&store), "pages of {limit}");
    }
}

#[test]
fn conversations_are_listed_latest_first_with_what_is_unread() {
    let store = Store::new();
    assert_eq!(store.transcripts.conversations(), Ok(vec![]));
    let carol = |n, text| NewMessage {
        with: "carol@example.org".into(),
        ..from_bob(n, text)
    };
    store.append_all([
        from_bob(1, ""),
        from_bob(2, ""),
        carol(3, "last of carol"),
        to_bob(4, "last of bob"),
    ]);
    let listed = store.transcripts.conversations().unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|c| (c.with.as_str(), c.last.text.as_str(), c.unread))
        .collect();
    assert_eq!(
        listed,
        [(BOB, "last of bob", 2), ("carol@example.org", "last of carol", 1)]
    );
    assert_eq!(
        (
            store.transcripts.unread(BOB),
            store.transcripts.unread("nobody@example.org")
        ),
        (Ok(2), Ok(0))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Numbered messages of one sender are displayed by their numbers, whatever the order of arrival and whatever stands between
    /// them; and pages show what the whole shows.
    #[test]
    fn any_order_of_arrival_is_displayed_in_sequence(
        order in Just((0..30u64).collect::<Vec<_>>()).prop_shuffle(),
        clock in prop::collection::vec(-3i64..20, 30),
        limit in 1usize..12,
    ) {
        let store = Store::new();
        let mut now = 1000;
        let mut messages = Vec::new();
        for (sequence, step) in order.iter().zip(&clock) {
            now += step;
            messages.push(NewMessage { received: now, ..from_bob(*sequence, "") });
            messages.push(NewMessage { received: now, ..to_bob(messages.len() as u64, "") });
        }
        store.append_all(messages);
        let shown = all(&store);
        let bobs: Vec<u64> = shown.iter().filter_map(|id| id.strip_prefix("bob-")).map(|n| n.parse().unwrap()).collect();
        prop_assert_eq!(bobs, (0..30).collect::<Vec<_>>());
        prop_assert_eq!(page_through(&store, limit), shown);
    }

    /// While one pages back, late messages come in: of those that were there, none is skipped and none repeated.
    #[test]
    fn pages_are_stable_while_messages_arrive(
        order in Just((0..40u64).collect::<Vec<_>>()).prop_shuffle(),
        limit in 1usize..8,
    ) {
        let store = Store::new();
        let message = |n: usize| NewMessage { received: i64::try_from(n).unwrap(), ..from_bob(order[n], "") };
        store.append_all((0..20).map(message));
        let before = all(&store);
        let mut arriving = 20..40;
        let mut pages: Vec<Vec<String>> = Vec::new();
        let mut page = store.transcripts.list(BOB, Place::Latest, limit).unwrap();
        loop {
            pages.push(page.messages.iter().map(|message| message.id.clone()).collect());
            if !page.more {
                break;
            }
            arriving.next().map(|n| store.append(message(n)));
            page = store.transcripts.list(BOB, Place::Before(&page.messages[0].id), limit).unwrap();
        }
        let seen: Vec<String> = pages.into_iter().rev().flatten().collect();
        let of_before: Vec<&String> = seen.iter().filter(|id| before.contains(id)).collect();
        prop_assert_eq!(of_before, before.iter().collect::<Vec<_>>());
    }
}
