use crate::{Store, from_bob, ids, to_bob, wait};
use corella_transcripts::{Appended, Direction, Error, NewMessage, Place};
use std::sync::mpsc;

#[test]
fn what_is_appended_comes_back_as_it_was() {
    let mut store = Store::new();
    let new = NewMessage {
        text: "Zeile eins\nsecond 世界 👍 \0 end".into(),
        at: -5,
        received: 1_700_000_000_000,
        sequence: u64::try_from(i64::MAX).unwrap(),
        request: true,
        ..from_bob(7, "")
    };
    let Appended::Stored(stored) = store.append(new.clone()) else {
        panic!("not stored")
    };
    store.reopen();
    let found = store.message(&new).unwrap();
    assert_eq!(found, stored);
    let NewMessage {
        id,
        own,
        with,
        direction,
        text,
        at,
        received,
        sequence,
        state,
        trust,
        sealed,
        request,
    } = new;
    assert_eq!(
        (found.id, found.own, found.with, found.direction, found.text),
        (id, own, with, direction, text)
    );
    assert_eq!((found.at, found.received, found.sequence), (at, received, sequence));
    assert_eq!(
        (found.state, found.reason, found.trust, found.sealed, found.request),
        (state, None, trust, sealed, request)
    );
}

#[test]
fn a_known_message_is_a_duplicate_and_changes_nothing() {
    let store = Store::new();
    let Appended::Stored(first) = store.append(from_bob(1, "first")) else {
        panic!("not stored")
    };
    assert_eq!(
        store.append(NewMessage {
            received: 99,
            ..from_bob(1, "forged")
        }),
        Appended::Duplicate(first.clone())
    );
    assert_eq!(
        store
            .transcripts
            .list("bob@example.org", Place::Latest, 10)
            .unwrap()
            .messages,
        [first]
    );
}

#[test]
fn duplicates_within_one_commit_are_seen_too() {
    let store = Store::new();
    let (done, results) = mpsc::channel();
    for _ in 0..50 {
        let done = done.clone();
        store.transcripts.append(from_bob(1, "again and again"), move |result| {
            done.send(result.unwrap()).unwrap()
        });
    }
    drop(done);
    assert_eq!(
        results
            .iter()
            .filter(|result| matches!(result, Appended::Stored(_)))
            .count(),
        1
    );
}

#[test]
fn the_same_id_elsewhere_is_another_message() {
    let store = Store::new();
    let message = from_bob(1, "one");
    for other in [
        message.clone(),
        NewMessage {
            own: "alice@work.example".into(),
            ..message.clone()
        },
        NewMessage {
            with: "carol@example.org".into(),
            ..message.clone()
        },
        NewMessage {
            direction: Direction::Out,
            ..message.clone()
        },
    ] {
        assert!(matches!(store.append(other), Appended::Stored(_)));
    }
    assert_eq!(store.transcripts.find("bob@example.org", &message.id).unwrap().len(), 3);
}

#[test]
fn dropped_requests_are_gone_and_may_come_again() {
    let mut store = Store::new();
    let request = |n| NewMessage {
        request: true,
        ..from_bob(n, "may I?")
    };
    let drop = |store: &Store| wait(|done| store.transcripts.drop_requests("bob@example.org".into(), done));
    store.append_all([from_bob(1, "keep me"), request(2), request(3)]);
    store.append(NewMessage {
        with: "carol@example.org".into(),
        ..request(2)
    });
    assert_eq!((drop(&store), drop(&store)), (Ok(2), Ok(0)));
    store.reopen();
    let page = store.transcripts.list("bob@example.org", Place::Latest, 9).unwrap();
    assert_eq!(ids(&page.messages), ["bob-1"]);
    assert_eq!(store.transcripts.find("carol@example.org", "bob-2").unwrap().len(), 1);
    assert!(matches!(store.append(request(2)), Appended::Stored(_)));
}

#[test]
fn a_message_that_breaks_a_rule_is_refused_alone() {
    let store = Store::new();
    let (done, results) = mpsc::channel();
    for message in [
        from_bob(1, "good"),
        NewMessage {
            id: String::new(),
            ..from_bob(2, "no id")
        },
        NewMessage {
            sequence: u64::MAX,
            ..from_bob(3, "no such number")
        },
        NewMessage {
            with: String::new(),
            ..from_bob(4, "with nobody")
        },
        from_bob(5, "good"),
    ] {
        let done = done.clone();
        store
            .transcripts
            .append(message, move |result| done.send(result).unwrap());
    }
    drop(done);
    let results: Vec<_> = results.iter().map(|result| result.map(|_| ())).collect();
    assert!(matches!(
        results[..],
        [
            Ok(()),
            Err(Error::Invalid { .. }),
            Err(Error::Invalid { .. }),
            Err(Error::Invalid { .. }),
            Ok(())
        ]
    ));
    assert_eq!(
        store
            .transcripts
            .list("bob@example.org", Place::Latest, 10)
            .unwrap()
            .messages
            .len(),
        2
    );
}

#[test]
fn own_sequence_numbers_go_on_where_they_ended() {
    let mut store = Store::new();
    assert_eq!(store.transcripts.sequences(), Ok(vec![]));
    store.append(to_bob(500, "mine"));
    store.append(from_bob(900, "the other side counts for itself"));
    store.reopen();
    let next = ("alice@example.net".to_owned(), "bob@example.org".to_owned(), 501);
    assert_eq!(store.transcripts.sequences(), Ok(vec![next]));
}

#[test]
fn after_close_everything_is_answered() {
    let store = Store::new();
    store.append(from_bob(1, "before"));
    let clone = store.transcripts.clone();
    store.transcripts.close();
    assert_eq!(
        wait(|done| clone.append(from_bob(2, "after"), done)),
        Err(Error::Closed)
    );
    assert_eq!(clone.conversations(), Err(Error::Closed));
    assert_eq!(clone.search("before", &|_| 0, 10, None), Err(Error::Closed));
    assert_eq!(clone.flush(), Err(Error::Closed));
    clone.close();
    // SQLite's own files are folded into the one that stays.
    let names: Vec<_> = std::fs::read_dir(store.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn the_last_handle_may_go_in_a_callback() {
    let store = Store::new();
    let path = store.path();
    let (done, waiting) = mpsc::channel();
    let last = store.transcripts.clone();
    store.transcripts.append(from_bob(1, "one"), move |_| {
        drop(last);
        done.send(()).unwrap();
    });
    let Store { transcripts, dir } = store;
    drop(transcripts);
    waiting.recv().unwrap();
    let again = corella_transcripts::Transcripts::open(path).unwrap();
    assert_eq!(again.conversations().unwrap().len(), 1);
    drop((again, dir));
}
