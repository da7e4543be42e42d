//! Messages: durable before they are acknowledged, delivered once and in order, whatever breaks on the way.

use proptest::prelude::*;

use super::world::{World, address};
use crate::*;

fn state(world: &World, from: usize, to: usize, id: &str) -> (MessageState, Option<Reason>) {
    let row = world.row(from, to, Side::Out, id).unwrap();
    (row.state.unwrap(), row.reason)
}

#[test]
fn a_message_is_delivered_and_its_sender_knows_it() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    let id = world.send(0, 1, "hello");
    world.run(1_000);
    assert_eq!(world.inbox(1, 0), ["hello"]);
    assert_eq!(state(&world, 0, 1, &id), (MessageState::Delivered, None));
}

#[test]
fn the_call_is_answered_only_when_the_message_is_on_disk() {
    let mut world = World::of(&["alice", "bob"]);
    world.run(10);
    let now = world.now;
    let bob = world.nodes[1].address.clone();
    let agent = world.nodes[0].agent.as_mut().unwrap();
    let send = Command::Send {
        from: None,
        at: now,
        to: bob,
        id: "m".into(),
        text: "hello".into(),
    };
    let actions = agent.handle(now, Event::Command { call: 7, command: send });
    assert!(actions.iter().any(|a| matches!(a, Action::Store(_))));
    assert!(
        !actions
            .iter()
            .any(|a| matches!(a, Action::Reply { .. } | Action::SendMessage { .. }))
    );
    let pair = Pair {
        own: world.nodes[0].address.clone(),
        with: world.nodes[1].address.clone(),
    };
    let failed = Event::Stored {
        pair,
        side: Side::Out,
        id: "m".into(),
        outcome: StoreOutcome::Failed,
    };
    let actions = world.nodes[0].agent.as_mut().unwrap().handle(now, failed);
    assert!(actions.iter().any(|a| matches!(
        a,
        Action::Reply {
            call: 7,
            result: Err(CommandError::Store)
        }
    )));
}

#[test]
fn a_message_that_could_not_be_stored_by_the_peer_is_sent_again() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let now = world.now;
    let (link, pair) = world
        .agent(1)
        .links
        .iter()
        .next()
        .map(|(l, p)| (*l, p.clone()))
        .unwrap();
    let bob = world.nodes[1].agent.as_mut().unwrap();
    let content = Content::Text("hi".into());
    let came = Received {
        link,
        token: 900,
        id: "x".into(),
        at: now,
        sequence: 1,
        returns: None,
        content,
    };
    assert!(
        bob.handle(now, Event::Received(came))
            .iter()
            .any(|a| matches!(a, Action::Store(_)))
    );
    let failed = Event::Stored {
        pair,
        side: Side::In,
        id: "x".into(),
        outcome: StoreOutcome::Failed,
    };
    assert!(bob.handle(now, failed).iter().any(|a| matches!(
        a,
        Action::Answer {
            token: 900,
            status: 500
        }
    )));
}

#[test]
fn a_message_to_somebody_away_waits_and_says_why_and_arrives_later() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.kill(1);
    let id = world.send(0, 1, "are you there?");
    world.run(60_000);
    assert_eq!(state(&world, 0, 1, &id), (MessageState::Pending, Some(Reason::Offline)));
    world.start(1);
    world.run(10_000);
    assert_eq!(world.inbox(1, 0), ["are you there?"]);
    assert_eq!(state(&world, 0, 1, &id), (MessageState::Delivered, None));
}

#[test]
fn somebody_never_seen_is_said_to_be_unknown() {
    let mut world = World::of(&["alice", "bob"]);
    world.kill(1);
    let id = world.send(0, 1, "anybody?");
    world.run(5_000);
    assert_eq!(state(&world, 0, 1, &id), (MessageState::Pending, Some(Reason::Unknown)));
}

#[test]
fn a_message_that_found_nobody_for_a_week_is_given_up_and_can_be_sent_anew() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.kill(1);
    let id = world.send(0, 1, "see you tomorrow");
    world.run(8 * 24 * 3_600_000);
    assert_eq!(state(&world, 0, 1, &id), (MessageState::Failed, Some(Reason::Offline)));
    world.start(1);
    world.run(300_000);
    assert!(world.inbox(1, 0).is_empty());
    world.retry(0, 1, &id, "fresh");
    world.run(10_000);
    // Bob takes nothing that old: it is written anew.
    assert_eq!(state(&world, 0, 1, "fresh"), (MessageState::Delivered, None));
    assert_eq!(state(&world, 0, 1, &id), (MessageState::Failed, Some(Reason::Offline)));
    assert_eq!(world.inbox(1, 0), ["see you tomorrow"]);
}

#[test]
fn a_message_outlives_its_sender() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.kill(1);
    let id = world.send(0, 1, "written before the crash");
    world.run(100);
    world.kill(0);
    world.start(1);
    world.start(0);
    world.run(20_000);
    assert_eq!(world.inbox(1, 0), ["written before the crash"]);
    assert_eq!(state(&world, 0, 1, &id).0, MessageState::Delivered);
}

#[test]
fn a_lost_notice_is_made_up_for() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let id = world.send(0, 1, "hello");
    // The notice is gathered for a moment; Bob's program dies in it, after the message is on his disk.
    world.run(1);
    assert_eq!(state(&world, 0, 1, &id).0, MessageState::Sent);
    world.kill(1);
    world.start(1);
    world.run(30_000);
    assert_eq!(state(&world, 0, 1, &id).0, MessageState::Delivered);
    assert_eq!(world.inbox(1, 0), ["hello"]);
}

#[test]
fn sequences_go_on_after_a_restart() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    for text in ["one", "two"] {
        world.send(0, 1, text);
    }
    world.run(1_000);
    world.kill(0);
    world.start(0);
    world.send(0, 1, "three");
    world.run(30_000);
    assert_eq!(world.inbox(1, 0), ["one", "two", "three"]);
}

#[test]
fn a_peer_in_trouble_is_tried_again_and_one_that_declines_is_not() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let now = world.now;
    let pair = world.pair(0, 1);
    let link = *world.agent(0).links.keys().last().unwrap();
    let agent = world.nodes[0].agent.as_mut().unwrap();
    let to = pair.with.clone();
    for id in ["a", "b"] {
        let send = Command::Send {
            from: None,
            at: now,
            to: to.clone(),
            id: id.into(),
            text: "x".into(),
        };
        agent.handle(now, Event::Command { call: 1, command: send });
        let stored = Event::Stored {
            pair: pair.clone(),
            side: Side::Out,
            id: id.into(),
            outcome: StoreOutcome::New,
        };
        agent.handle(now, stored);
    }
    let actions = agent.handle(
        now,
        Event::Answered {
            link,
            id: "a".into(),
            status: 503,
        },
    );
    assert!(!actions.iter().any(|a| matches!(a, Action::SetState { .. })));
    let again = agent.next_wakeup().unwrap();
    let actions = agent.handle(again, Event::Wake);
    assert!(
        actions
            .iter()
            .any(|a| matches!(a, Action::SendMessage { id, .. } if id == "a"))
    );
    let actions = agent.handle(
        again,
        Event::Answered {
            link,
            id: "b".into(),
            status: 603,
        },
    );
    let failed = |a: &Action| matches!(a, Action::SetState { id, state: MessageState::Failed, reason: Some(Reason::Refused), .. } if id == "b");
    assert!(actions.iter().any(failed));
}

#[test]
fn no_more_than_a_window_is_in_flight() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let now = world.now;
    let pair = world.pair(0, 1);
    let agent = world.nodes[0].agent.as_mut().unwrap();
    let mut sent = 0;
    for n in 0..200 {
        let id = format!("w{n}");
        let send = Command::Send {
            from: None,
            at: now,
            to: pair.with.clone(),
            id: id.clone(),
            text: "x".into(),
        };
        agent.handle(now, Event::Command { call: n, command: send });
        let stored = Event::Stored {
            pair: pair.clone(),
            side: Side::Out,
            id,
            outcome: StoreOutcome::New,
        };
        let actions = agent.handle(now, stored);
        sent += actions
            .iter()
            .filter(|a| matches!(a, Action::SendMessage { .. }))
            .count();
    }
    assert_eq!(agent.links.len(), 2, "both called at the same time");
    assert_eq!(sent, 64);
}

#[test]
fn what_was_refused_can_be_sent_again_on_the_same_link() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.command(1, Command::Block(address("alice")));
    world.run(1_000);
    let id = world.send(0, 1, "why?");
    world.run(1_000);
    assert_eq!(state(&world, 0, 1, &id), (MessageState::Failed, Some(Reason::Refused)));
    world.command(1, Command::Add(address("alice"), None));
    world.retry(0, 1, &id, "fresh");
    world.run(1_000);
    assert_eq!(world.inbox(1, 0), ["why?"]);
    assert_eq!(state(&world, 0, 1, &id), (MessageState::Delivered, None));
}

#[test]
fn what_was_dated_by_a_wrong_clock_is_written_anew() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let tomorrow = world.now + 24 * 3_600_000;
    let (to, call) = (address("bob"), 900);
    let (from, id, text) = (None, "early".to_owned(), "see you".to_owned());
    let send = Command::Send {
        from,
        to,
        id,
        at: tomorrow,
        text,
    };
    world.command(0, send);
    world.run(0);
    let row = world.row(0, 1, Side::Out, "early").unwrap().clone();
    assert_eq!(row.at, tomorrow, "its date is what the clock on the wall says");
    // Bob's host takes nothing from the future.
    let link = *world.agent(0).links.keys().last().unwrap();
    let (now, pair) = (world.now, world.pair(0, 1));
    let alice = world.nodes[0].agent.as_mut().unwrap();
    let outgoing = Outgoing {
        id: "early".into(),
        text: row.text,
        at: row.at,
        sequence: row.sequence,
        state: MessageState::Failed,
        reason: Some(Reason::Refused),
    };
    alice.handle(
        now,
        Event::Answered {
            link,
            id: "early".into(),
            status: 403,
        },
    );
    let fresh = "later".to_owned();
    let retry = Command::Retry {
        pair,
        outgoing,
        fresh,
        at: now,
    };
    let actions = alice.handle(now, Event::Command { call, command: retry });
    let anew = |a: &Action| matches!(a, Action::Store(m) if m.id == "later" && m.at == now && m.text == "see you");
    assert!(actions.iter().any(anew), "{actions:?}");
}

/// Alice, and Bob on two devices, neither of which is a real one.
fn alice_and_bobs_two_devices() -> (World, Pair, [LinkId; 2]) {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.kill(1);
    world.run(0);
    let (now, pair) = (world.now, world.pair(0, 1));
    let certificate = world.nodes[1].credential.certificate().clone();
    let alice = world.nodes[0].agent.as_mut().unwrap();
    let links = [1_000_001, 1_000_002];
    for link in links {
        let (pair, certificate) = (pair.clone(), certificate.clone());
        let device = format!("device {link}");
        let up = LinkUp {
            link,
            pair,
            device,
            certificate,
        };
        alice.handle(now, Event::LinkUp(up));
    }
    (world, pair, links)
}

#[test]
fn no_other_answer_takes_back_that_a_device_has_it() {
    let (mut world, pair, [first, second]) = alice_and_bobs_two_devices();
    let id = world.send(0, 1, "hello");
    world.run(0);
    let now = world.now;
    let alice = world.nodes[0].agent.as_mut().unwrap();
    let mut told = |link, status| {
        let id = id.clone();
        let actions = alice.handle(now, Event::Answered { link, id, status });
        let states = actions.into_iter().filter_map(|a| match a {
            Action::SetState { state, reason, .. } => Some((state, reason)),
            _ => None,
        });
        states.collect::<Vec<_>>()
    };
    assert_eq!(told(first, 202), [(MessageState::Sent, Some(Reason::Waiting))]);
    assert_eq!(told(second, 603), []);
    // The device that has it as a request may refuse it, and then nobody has it.
    assert_eq!(told(first, 603), [(MessageState::Failed, Some(Reason::Refused))]);

    let id = world.send(0, 1, "hello again");
    world.run(0);
    let alice = world.nodes[0].agent.as_mut().unwrap();
    let mut told = |link, status| {
        let id = id.clone();
        let actions = alice.handle(now, Event::Answered { link, id, status });
        actions.iter().filter(|a| matches!(a, Action::SetState { .. })).count()
    };
    assert_eq!(told(first, 200), 1);
    assert_eq!(told(second, 480) + told(second, 603) + told(first, 603), 0);
    assert!(alice.peers[&pair].outbox.ids().contains(&id));
}

#[test]
fn what_a_device_has_is_not_sent_again_when_it_is_too_old_and_what_nobody_has_is_given_up() {
    let (mut world, pair, [first, second]) = alice_and_bobs_two_devices();
    let kept = world.send(0, 1, "kept");
    let put_off = world.send(0, 1, "put off");
    world.run(0);
    let now = world.now;
    let alice = world.nodes[0].agent.as_mut().unwrap();
    for (id, status) in [(&kept, 202), (&put_off, 480)] {
        for link in [first, second] {
            let id = id.clone();
            alice.handle(now, Event::Answered { link, id, status });
        }
    }
    let mut said = Vec::new();
    while let Some(at) = alice.next_wakeup().filter(|at| *at < now + 8 * 24 * 3_600_000) {
        for action in alice.handle(at, Event::Wake) {
            match action {
                Action::SendMessage { link, id, .. } => {
                    assert!(at <= now + 7 * 24 * 3_600_000, "{id}");
                    let status = if id == kept { 202 } else { 480 };
                    alice.handle(at, Event::Answered { link, id, status });
                }
                Action::SetState { id, state, reason, .. } => said.push((id, state, reason)),
                _ => {}
            }
        }
    }
    assert_eq!(said, [(put_off, MessageState::Failed, Some(Reason::Waiting))]);
    assert_eq!(alice.peers[&pair].outbox.ids(), [kept]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Wires break and programs die at random; afterwards every message is there once, in order, and known to be.
    #[test]
    fn nothing_is_lost_or_doubled(
        steps in proptest::collection::vec((0usize..3, 0usize..3, 0u8..12, 0i64..3_000), 1..60),
        cut_every in proptest::option::of(2u64..9),
    ) {
        let mut world = World::of(&["alice", "bob", "carol"]);
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            world.befriend(a, b);
        }
        world.run(1_000);
        world.cut_every = cut_every;
        let mut sent: Vec<(usize, usize, String, String)> = Vec::new();
        for (n, (from, to, what, wait)) in steps.into_iter().enumerate() {
            match what {
                0 => world.kill(to),
                1 | 2 if world.nodes[to].agent.is_none() => world.start(to),
                3.. if from != to && world.nodes[from].agent.is_some() => {
                    let text = format!("{n}");
                    let id = world.send(from, to, &text);
                    world.run(0);
                    sent.push((from, to, id, text));
                }
                _ => {}
            }
            world.run(wait);
        }
        world.cut_every = None;
        for n in 0..3 {
            if world.nodes[n].agent.is_none() {
                world.start(n);
            }
        }
        world.run(600_000);
        for from in 0..3 {
            for to in 0..3 {
                let wanted: Vec<&String> = sent.iter().filter(|s| s.0 == from && s.1 == to).map(|s| &s.3).collect();
                let found = world.inbox(to, from);
                prop_assert_eq!(found.iter().collect::<Vec<_>>(), wanted);
            }
        }
        for (from, to, id, _) in &sent {
            prop_assert_eq!(state(&world, *from, *to, id).0, MessageState::Delivered);
        }
    }
}
