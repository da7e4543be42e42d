//! Consent and presence.

use corella_identity::Credential;

use super::world::{World, address};
use crate::*;

#[test]
fn presence_is_seen_both_ways_once_both_consent() {
    let mut world = World::of(&["alice", "bob"]);
    world.command(0, Command::Add(address("bob"), None));
    world.run(10_000);
    assert_eq!(world.sees(0, 1), Status::Offline, "Bob has not consented to be seen");
    world.command(1, Command::Add(address("alice"), None));
    world.run(10_000);
    assert_eq!((world.sees(0, 1), world.sees(1, 0)), (Status::Online, Status::Online));
}

#[test]
fn what_a_peer_said_before_the_users_consent_is_shown_with_it() {
    let mut world = World::of(&["alice", "bob"]);
    world.command(0, Command::Add(address("bob"), None));
    world.run(10_000);
    assert!(
        world.agent(1).links.len() == 1,
        "Alice's status was told to Bob over this link"
    );
    world.command(1, Command::Add(address("alice"), None));
    world.run(10_000);
    assert_eq!(world.sees(1, 0), Status::Online);
}

#[test]
fn who_calls_in_a_name_is_not_there_before_the_key_is_settled() {
    let mut world = World::of(&["alice", "bob"]);
    world.kill(1);
    let impostor = Credential::self_signed(&address("bob"), world.now).unwrap();
    let false_bob = world.add(address("bob"), impostor);
    world.command(false_bob, Command::Add(address("alice"), None));
    world.run(1_000);
    world.is_alone = true;
    world.command(0, Command::Add(address("bob"), None));
    world.run(60_000);
    assert!(!world.agent(0).links.is_empty());
    assert_eq!(world.sees(0, false_bob), Status::Offline);
}

#[test]
fn a_killed_peer_is_seen_to_be_gone_and_to_come_back() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.kill(1);
    world.run(0);
    assert_eq!(world.sees(0, 1), Status::Offline);
    assert!(world.nodes[0].shown.iter().any(|a| matches!(
        a,
        Action::PresenceChanged { presence, .. } if presence.status == Status::Offline
    )));
    world.run(3_600_000);
    world.start(1);
    world.run(5_000);
    assert_eq!((world.sees(0, 1), world.sees(1, 0)), (Status::Online, Status::Online));
}

#[test]
fn the_chosen_status_is_told_and_remembered() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let away = Presence {
        status: Status::Away,
        note: Some("tea".into()),
    };
    world.command(1, Command::SetPresence(away.clone()));
    world.run(100);
    assert_eq!(world.agent(0).buddy(&address("bob")).unwrap().presence, away);
    world.kill(1);
    world.start(1);
    world.run(10_000);
    assert_eq!(world.agent(0).buddy(&address("bob")).unwrap().presence, away);
}

#[test]
fn a_strangers_message_waits_as_a_request_without_a_notice() {
    let mut world = World::of(&["alice", "eve"]);
    let id = world.send(1, 0, "buy this");
    world.run(10_000);
    let row = world.row(0, 1, Side::In, &id).unwrap();
    assert!(row.request);
    assert_eq!(world.agent(0).buddy(&address("eve")).unwrap().consent, Consent::Request);
    let sent = world.row(1, 0, Side::Out, &id).unwrap();
    assert_eq!(
        (sent.state, sent.reason),
        (Some(MessageState::Sent), Some(Reason::Waiting))
    );
    assert_eq!(
        world.sees(1, 0),
        Status::Offline,
        "a stranger is not told that Alice is there"
    );

    world.command(0, Command::Accept(address("eve"), None));
    world.run(1_000);
    assert!(!world.row(0, 1, Side::In, &id).unwrap().request);
    assert_eq!(
        world.row(1, 0, Side::Out, &id).unwrap().state,
        Some(MessageState::Delivered)
    );
    assert_eq!((world.sees(0, 1), world.sees(1, 0)), (Status::Online, Status::Online));
}

#[test]
fn an_accepted_request_is_noticed_even_if_the_stranger_was_away() {
    let mut world = World::of(&["alice", "eve"]);
    let id = world.send(1, 0, "hello");
    world.run(1_000);
    world.kill(1);
    world.command(0, Command::Accept(address("eve"), None));
    world.run(1_000);
    world.start(1);
    world.run(10_000);
    assert_eq!(
        world.row(1, 0, Side::Out, &id).unwrap().state,
        Some(MessageState::Delivered)
    );
}

#[test]
fn a_stranger_cannot_fill_the_disk() {
    let mut world = World::of(&["alice", "eve"]);
    for n in 0..80 {
        world.send(1, 0, &format!("spam {n}"));
    }
    world.run(60_000);
    assert_eq!(world.inbox(0, 1).len(), 50);
}

#[test]
fn what_a_stranger_repeats_counts_once() {
    let mut world = World::of(&["alice", "eve"]);
    for n in 0..12 {
        world.send(1, 0, &format!("hello {n}"));
    }
    for _ in 0..10 {
        world.run(1_000);
        world.kill(1);
        world.start(1);
    }
    world.send(1, 0, "one more");
    world.run(10_000);
    assert_eq!(world.inbox(0, 1).len(), 13);
}

#[test]
fn one_device_is_a_few_strangers_at_most() {
    let mut world = World::of(&["alice", "eve"]);
    let mallory: Vec<usize> = (0..9)
        .map(|n| {
            let name = format!("mallory{n}");
            let credential = Credential::self_signed(&address(&name), world.now).unwrap();
            world.add(address(&name), credential)
        })
        .collect();
    for n in &mallory {
        world.link_from(*n, 0, "mallory's device");
        world.send(*n, 0, "buy this");
    }
    world.run(1_000);
    let kept: usize = mallory.iter().map(|n| world.inbox(0, *n).len()).sum();
    assert_eq!(kept, 5);
    let shown = world.nodes[0].shown.iter().filter(|a| matches!(a, Action::Show));
    assert_eq!(shown.count(), 5, "nothing is shown that is not kept");
    let id = world.send(mallory[8], 0, "hello?");
    world.send(1, 0, "an honest word");
    world.run(10_000);
    assert_eq!(world.inbox(0, 1), ["an honest word"]);
    let row = world.row(mallory[8], 0, Side::Out, &id).unwrap();
    assert_eq!(
        (row.state, row.reason),
        (Some(MessageState::Pending), Some(Reason::Waiting))
    );
}

#[test]
fn a_crowd_shuts_nobody_out_and_who_gave_way_to_it_is_heard_later() {
    let mut world = World::of(&["alice", "eve", "late"]);
    world.send(1, 0, "I was first");
    world.run(1_000);
    for n in 0..200 {
        let name = format!("mallory{n}");
        let credential = Credential::self_signed(&address(&name), world.now).unwrap();
        let mallory = world.add(address(&name), credential);
        world.send(mallory, 0, "buy this");
    }
    world.run(1_000);
    assert!(world.agent(0).buddy(&address("eve")).is_none());
    assert!(world.inbox(0, 1).is_empty());
    world.send(2, 0, "am I too late?");
    world.run(1_000);
    assert_eq!(world.inbox(0, 2), ["am I too late?"]);
    // Whoever gave way, and went, is forgotten.
    world.kill(1);
    world.run(0);
    let eve = world.pair(0, 1);
    assert!(!world.agent(0).peers.contains_key(&eve));
    world.start(1);
    for n in 0..200 {
        world.command(0, Command::Block(address(&format!("mallory{n}"))));
    }
    world.run(2 * 3_600_000);
    assert_eq!(world.inbox(0, 1), ["I was first"]);
}

#[test]
fn nobody_is_heard_in_the_users_own_name() {
    let mut world = World::of(&["alice"]);
    let other = Credential::self_signed(&address("alice"), world.now).unwrap();
    let false_alice = world.add(address("alice"), other);
    world.link(false_alice, 0);
    world.run(1_000);
    assert!(world.agent(0).buddies().is_empty());
    assert!(world.agent(0).links.is_empty());
}

#[test]
fn what_is_written_and_blocked_in_one_breath_is_not_sent() {
    for (forbid, reason) in [
        (Command::Block(address("bob")), Some(Reason::Blocked)),
        (Command::Remove(address("bob")), None),
    ] {
        let mut world = World::of(&["alice", "bob"]);
        world.befriend(0, 1);
        world.run(1_000);
        let id = world.send(0, 1, "never mind");
        world.command(0, forbid);
        world.run(10_000);
        assert!(world.inbox(1, 0).is_empty());
        let row = world.row(0, 1, Side::Out, &id).unwrap();
        assert_eq!((row.state, row.reason), (Some(MessageState::Failed), reason));
    }
}

#[test]
fn what_the_peer_has_stays_sent_when_the_peer_is_removed() {
    let mut world = World::of(&["alice", "bob"]);
    let id = world.send(0, 1, "hello");
    world.run(5_000);
    let state = |world: &World| world.row(0, 1, Side::Out, &id).unwrap().state;
    assert_eq!(state(&world), Some(MessageState::Sent), "Bob has not consented");
    world.command(0, Command::Remove(address("bob")));
    world.run(5_000);
    assert_eq!(state(&world), Some(MessageState::Sent));
}

#[test]
fn what_a_removed_buddy_repeats_is_no_request() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.send(1, 0, "hello");
    world.run(0);
    assert_eq!(world.inbox(0, 1), ["hello"]);
    // Before the notice went.
    world.command(0, Command::Remove(address("bob")));
    world.run(3_600_000);
    assert!(world.agent(0).buddy(&address("bob")).is_none());
    world.send(1, 0, "are you there?");
    world.run(1_000);
    assert_eq!(world.agent(0).buddy(&address("bob")).unwrap().consent, Consent::Request);
    assert_eq!(world.inbox(0, 1), ["hello", "are you there?"]);
}

#[test]
fn the_blocked_are_not_heard_and_see_nothing() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.command(0, Command::Block(address("bob")));
    world.run(1_000);
    assert_eq!(world.sees(1, 0), Status::Offline);
    let before = world.inbox(0, 1).len();
    let id = world.send(1, 0, "why?");
    world.run(1_000);
    assert_eq!(world.inbox(0, 1).len(), before);
    let row = world.row(1, 0, Side::Out, &id).unwrap();
    assert_eq!(
        (row.state, row.reason),
        (Some(MessageState::Failed), Some(Reason::Refused))
    );
    assert_eq!(world.sees(0, 1), Status::Offline);
    world.kill(1);
    world.start(1);
    world.run(60_000);
    assert_eq!(world.sees(1, 0), Status::Offline);
    let call = world.command(
        0,
        Command::Send {
            from: None,
            at: world.now,
            to: address("bob"),
            id: "z".into(),
            text: "x".into(),
        },
    );
    world.run(0);
    assert_eq!(
        world.nodes[0].replies[&call].as_ref().unwrap_err(),
        &CommandError::Blocked
    );
}

#[test]
fn what_waits_for_consent_fails_when_the_sender_is_blocked() {
    let mut world = World::of(&["alice", "eve"]);
    let id = world.send(1, 0, "buy this");
    world.run(1_000);
    world.command(0, Command::Block(address("eve")));
    world.run(3_600_000);
    let row = world.row(1, 0, Side::Out, &id).unwrap();
    assert_eq!(
        (row.state, row.reason),
        (Some(MessageState::Failed), Some(Reason::Refused))
    );
}

#[test]
fn removing_somebody_gives_up_what_waits_for_them() {
    let mut world = World::of(&["alice", "bob"]);
    world.kill(1);
    let id = world.send(0, 1, "hello");
    world.run(5_000);
    world.command(0, Command::Remove(address("bob")));
    world.run(5_000);
    let row = world.row(0, 1, Side::Out, &id).unwrap();
    assert_eq!((row.state, row.reason), (Some(MessageState::Failed), None));
    assert!(world.agent(0).buddies().is_empty());
    world.start(1);
    world.run(60_000);
    assert!(world.inbox(1, 0).is_empty());
}

#[test]
fn wrong_calls_are_refused_by_name() {
    let mut world = World::of(&["alice", "bob"]);
    let own = world.nodes[0].address.clone();
    let long = "x".repeat(Content::TEXT_BYTES + 1);
    let cases = [
        (Command::Add(own.clone(), None), CommandError::OwnAddress),
        (Command::Block(own), CommandError::OwnAddress),
        (Command::Remove(address("bob")), CommandError::UnknownBuddy),
        (Command::Accept(address("bob"), None), CommandError::UnknownBuddy),
        (
            Command::Send {
                from: None,
                at: world.now,
                to: address("bob"),
                id: "a".into(),
                text: String::new(),
            },
            CommandError::BadText,
        ),
        (
            Command::Send {
                from: None,
                at: world.now,
                to: address("bob"),
                id: "b".into(),
                text: long,
            },
            CommandError::BadText,
        ),
        (
            Command::Send {
                from: Some(address("carol")),
                at: world.now,
                to: address("bob"),
                id: "c".into(),
                text: "x".into(),
            },
            CommandError::NoIdentity,
        ),
    ];
    for (command, error) in cases {
        let call = world.command(0, command);
        world.run(0);
        assert_eq!(world.nodes[0].replies[&call].as_ref().unwrap_err(), &error);
    }
}

#[test]
fn a_service_hears_everyone() {
    let mut world = World::of(&["alice"]);
    world.accept_everyone = true;
    let echo = corella_identity::Credential::self_signed(&address("echo"), world.now).unwrap();
    let echo = world.add(address("echo"), echo);
    let id = world.send(0, echo, "hello");
    world.run(5_000);
    assert_eq!(
        world.row(0, echo, Side::Out, &id).unwrap().state,
        Some(MessageState::Delivered)
    );
    assert_eq!(world.sees(0, echo), Status::Online);
}

/// The program ended between a message and the roster.
#[test]
fn what_is_nobodys_is_put_right_at_the_start() {
    let mut world = World::of(&["alice", "bob", "eve"]);
    world.link(2, 0);
    let asked = world.send(2, 0, "let me in");
    world.kill(1);
    let sent = world.send(0, 1, "are you there?");
    world.run(1_000);
    assert!(world.row(0, 2, Side::In, &asked).is_some());
    world.kill(0);
    world.nodes[0].disk.buddies.clear();
    world.kill(2);
    world.start(0);
    world.run(1_000);
    assert!(world.row(0, 2, Side::In, &asked).is_none());
    let row = world.row(0, 1, Side::Out, &sent).unwrap();
    assert_eq!((row.state, row.reason), (Some(MessageState::Failed), None));
}

#[test]
fn what_comes_while_its_author_gives_way_is_not_said_to_be_kept() {
    let mut world = World::of(&["alice", "eve"]);
    world.link(1, 0);
    world.send(1, 0, "first");
    world.run(1_000);
    let (now, pair) = (world.now, world.pair(0, 1));
    let alice = world.nodes[0].agent.as_mut().unwrap();
    let link = *alice.links.keys().next().unwrap();
    let came = Received {
        link,
        token: 900,
        id: "second".into(),
        at: now,
        sequence: 2,
        returns: None,
        content: Content::Text("second".into()),
    };
    let actions = alice.handle(now, Event::Received(came));
    assert!(actions.iter().any(|a| matches!(a, Action::Store(_))));
    let remove = Event::Command {
        call: 901,
        command: Command::Remove(pair.with.clone()),
    };
    alice.handle(now, remove);
    let stored = Event::Stored {
        pair,
        side: Side::In,
        id: "second".into(),
        outcome: StoreOutcome::New,
    };
    let actions = alice.handle(now, stored);
    assert!(
        matches!(
            actions.as_slice(),
            [Action::Answer {
                token: 900,
                status: 480
            }]
        ),
        "{actions:?}"
    );
}
