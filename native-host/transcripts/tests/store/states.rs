use crate::{Store, from_bob, ids, key, to_bob, wait};
use corella_transcripts::{Change, Direction, Error, NewMessage, READ};

const BOB: &str = "bob@example.org";

#[test]
fn a_state_and_its_reason_are_kept() {
    let mut store = Store::new();
    let message = to_bob(1, "");
    store.append(message.clone());
    let failed = store.set_state(&message, "failed", Some("refused")).unwrap();
    assert_eq!(
        (failed.state.as_str(), failed.reason.as_deref()),
        ("failed", Some("refused"))
    );
    store.reopen();
    assert_eq!(store.message(&message), Some(failed));
    assert_eq!(store.set_state(&message, "sent", None).unwrap().reason, None);
    assert_eq!(store.set_state(&from_bob(9, ""), "sent", None), None);
}

#[test]
fn a_change_leaves_the_rest_alone() {
    let store = Store::new();
    let message = to_bob(1, "text");
    store.append(message.clone());
    let change = |change| {
        wait(|done| store.transcripts.change(key(&message), change, done))
            .unwrap()
            .unwrap()
    };
    let before = change(Change {
        reason: Some(Some("question".into())),
        ..Change::default()
    });
    let after = change(Change {
        trust: Some("verified".into()),
        sealed: Some(false),
        ..Change::default()
    });
    assert_eq!((after.trust.as_str(), after.sealed), ("verified", false));
    assert_eq!(
        (after.state, after.reason, after.text),
        (before.state, before.reason, before.text)
    );
}

#[test]
fn the_messages_on_their_way_are_found() {
    let store = Store::new();
    store.append_all([to_bob(3, ""), to_bob(1, ""), from_bob(1, ""), to_bob(2, "")]);
    let incoming_alike = NewMessage {
        state: "pending".into(),
        ..from_bob(2, "")
    };
    store.append(incoming_alike);
    store.set_state(&to_bob(1, ""), "sent", None);
    store.set_state(&to_bob(2, ""), "read", None);
    let found = |states: &[&str]| {
        ids(&store.transcripts.outgoing_in(states).unwrap())
            .into_iter()
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&["pending", "sent"]), ["alice-3", "alice-1"]);
    assert_eq!(found(&["sent"]), ["alice-1"]);
    assert_eq!(found(&[]), Vec::<String>::new());
}

#[test]
fn reading_marks_what_is_displayed_up_to_there() {
    let store = Store::new();
    store.append_all([from_bob(1, ""), to_bob(2, ""), from_bob(3, ""), from_bob(5, "")]);
    // A late one that is displayed before what was read.
    store.append(NewMessage {
        received: 9,
        ..from_bob(2, "late")
    });
    store.append(NewMessage {
        with: "carol@example.org".into(),
        ..from_bob(1, "")
    });
    let mark = |up_to: &str| {
        let mut marked = wait(|done| store.transcripts.mark_read(BOB.into(), up_to.into(), done)).unwrap();
        assert!(
            marked
                .iter()
                .all(|message| message.state == READ && message.direction == Direction::In)
        );
        marked.sort_by_key(|message| message.sequence);
        marked.into_iter().map(|message| message.id).collect::<Vec<_>>()
    };
    assert_eq!(mark("bob-3"), ["bob-1", "bob-2", "bob-3"]);
    assert_eq!(mark("bob-3"), Vec::<String>::new());
    assert_eq!(
        (
            store.transcripts.unread(BOB),
            store.transcripts.unread("carol@example.org")
        ),
        (Ok(1), Ok(1))
    );
    assert_eq!(store.message(&to_bob(2, "")).unwrap().state, "pending");
    assert_eq!(mark("bob-5"), ["bob-5"]);
    let unknown = wait(|done| store.transcripts.mark_read(BOB.into(), "none".into(), done));
    assert_eq!(unknown, Err(Error::UnknownMessage));
}

#[test]
fn consent_makes_requests_messages() {
    let store = Store::new();
    let request = |n| NewMessage {
        request: true,
        ..from_bob(n, "")
    };
    store.append_all([request(1), request(2), to_bob(3, "")]);
    store.append(NewMessage {
        with: "carol@example.org".into(),
        ..request(1)
    });
    let cleared = wait(|done| store.transcripts.clear_requests(BOB.into(), done)).unwrap();
    assert!(cleared.len() == 2 && cleared.iter().all(|message| !message.request));
    assert_eq!(
        wait(|done| store.transcripts.clear_requests(BOB.into(), done)),
        Ok(vec![])
    );
    assert!(
        store
            .transcripts
            .conversations()
            .unwrap()
            .iter()
            .any(|c| c.last.request)
    );
}
