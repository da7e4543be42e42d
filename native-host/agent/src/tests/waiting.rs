//! Messages for those who are off line, and notices for those who were off line when theirs came.

use proptest::prelude::*;

use super::world::World;
use crate::*;

const HOUR: i64 = 3_600_000;

/// Alice and Bob, who know each other, in an overlay whose nodes keep what waits.
fn friends() -> World {
    let mut world = World::of(&["alice", "bob"]);
    world.is_stored = true;
    world.befriend(0, 1);
    world.run(5_000);
    world
}

fn state(world: &World, id: &str) -> MessageState {
    world.row(0, 1, Side::Out, id).unwrap().state.unwrap()
}

#[test]
fn a_message_for_somebody_away_waits_in_the_overlay_and_comes_at_their_start() {
    let mut world = friends();
    world.kill(1);
    world.run(30_000);
    let id = world.send(0, 1, "when you are back");
    world.run(10_000);
    assert_eq!(state(&world, &id), MessageState::Stored);
    assert_eq!(world.row(0, 1, Side::Out, &id).unwrap().reason, None);
    // The sender goes before the recipient comes: they never meet.
    world.kill(0);
    world.start(1);
    world.run(10_000);
    assert_eq!(world.inbox(1, 0), ["when you are back"]);
    // What waited is gone, and the notice waits for the sender.
    let waits: Vec<&Content> = world.waiting.iter().map(|waiting| &waiting.content).collect();
    assert_eq!(waits, [&Content::Delivered(vec![id.clone()])]);
    world.kill(1);
    world.start(0);
    world.run(10_000);
    assert_eq!(state(&world, &id), MessageState::Delivered);
    assert!(world.waiting.is_empty());
    // Nothing is sent a second time.
    world.start(1);
    world.run(HOUR);
    assert_eq!(world.inbox(1, 0), ["when you are back"]);
    assert!(world.waiting.is_empty());
}

#[test]
fn what_no_node_takes_stays_pending_and_is_tried_again() {
    let mut world = friends();
    world.kill(1);
    world.run(30_000);
    world.is_stored = false;
    let id = world.send(0, 1, "hello");
    world.run(60_000);
    assert_eq!(state(&world, &id), MessageState::Pending);
    world.is_stored = true;
    world.run(10 * 60_000);
    assert_eq!(state(&world, &id), MessageState::Stored);
}

#[test]
fn a_message_that_travels_both_ways_is_one() {
    let mut world = friends();
    world.kill(1);
    world.run(30_000);
    let id = world.send(0, 1, "twice under way");
    world.run(10_000);
    assert_eq!(state(&world, &id), MessageState::Stored);
    world.start(1);
    world.run(60_000);
    assert_eq!(world.inbox(1, 0), ["twice under way"]);
    assert_eq!(state(&world, &id), MessageState::Delivered);
    world.run(HOUR);
    assert!(world.waiting.is_empty());
}

#[test]
fn a_restarted_sender_knows_that_it_waits_and_stores_it_anew_now_and_then() {
    let mut world = friends();
    world.kill(1);
    world.run(30_000);
    let id = world.send(0, 1, "hello");
    world.run(10_000);
    world.kill(0);
    world.start(0);
    // The nodes that had it are gone.
    world.waiting.clear();
    world.run(10 * 60_000);
    assert_eq!(state(&world, &id), MessageState::Stored);
    assert_eq!(world.waiting.len(), 1);
    world.waiting.clear();
    world.run(7 * HOUR);
    assert_eq!(world.waiting.len(), 1);
}

#[test]
fn a_stranger_who_wrote_while_the_user_was_away_waits_as_a_request() {
    let mut world = World::of(&["alice", "bob"]);
    world.is_stored = true;
    world.run(1_000);
    world.kill(1);
    let bob = world.nodes[1].address.clone();
    world.command(0, Command::Add(bob, None));
    let id = world.send(0, 1, "do you know me?");
    world.run(60_000);
    assert_eq!(state(&world, &id), MessageState::Stored);
    world.kill(0);
    world.start(1);
    world.run(10_000);
    assert!(world.row(1, 0, Side::In, &id).unwrap().request);
    // It is on Bob's disk now, and he owes nothing before he consents.
    assert!(world.waiting.is_empty());
    let alice = world.nodes[0].address.clone();
    world.command(1, Command::Accept(alice, None));
    world.run(60_000);
    let waits: Vec<&Content> = world.waiting.iter().map(|waiting| &waiting.content).collect();
    assert_eq!(waits, [&Content::Delivered(vec![id.clone()])]);
    world.start(0);
    world.run(10_000);
    assert_eq!(state(&world, &id), MessageState::Delivered);
}

#[test]
fn a_blocked_person_is_not_heard_through_the_overlay_either() {
    let mut world = friends();
    let alice = world.nodes[0].address.clone();
    world.command(1, Command::Block(alice));
    world.run(1_000);
    world.kill(1);
    world.run(30_000);
    world.send(0, 1, "hello?");
    world.run(10_000);
    world.start(1);
    world.run(10_000);
    assert!(world.inbox(1, 0).is_empty());
    assert!(world.waiting.is_empty());
}

#[test]
fn another_key_is_not_heard_through_the_overlay() {
    let mut world = friends();
    world.kill(0);
    world.kill(1);
    let alice = world.nodes[0].address.clone();
    // Somebody else in Alice's name stores a message for Bob.
    let impostor = corella_identity::Credential::self_signed(&alice, world.now).unwrap();
    let mallory = world.add(alice, impostor);
    let bob = world.nodes[1].address.clone();
    world.command(mallory, Command::Add(bob, None));
    world.send(mallory, 1, "it is me");
    world.run(60_000);
    world.kill(mallory);
    assert!(!world.waiting.is_empty());
    world.start(1);
    world.run(60_000);
    assert!(world.inbox(1, 0).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whoever is on line when, everything comes once, in order, and its sender hears of it in the end.
    #[test]
    fn nothing_is_lost_or_doubled(steps in prop::collection::vec((0..6_u8, 1..40_000_i64), 1..40)) {
        let mut world = friends();
        let mut sent: [Vec<(String, String)>; 2] = Default::default();
        for (number, (step, wait)) in steps.into_iter().enumerate() {
            let n = usize::from(step % 2);
            let is_up = world.nodes[n].agent.is_some();
            match step {
                0 | 1 if is_up => {
                    let text = format!("{n} says {number}");
                    let id = world.send(n, 1 - n, &text);
                    // On disk before anything else happens.
                    world.run(1);
                    sent[n].push((id, text));
                }
                2 | 3 if is_up => world.kill(n),
                4 | 5 if !is_up => world.start(n),
                _ => {}
            }
            world.run(wait);
        }
        for n in [0, 1] {
            if world.nodes[n].agent.is_none() {
                world.start(n);
            }
        }
        world.run(HOUR);
        for n in [0, 1] {
            let texts: Vec<String> = sent[n].iter().map(|(_, text)| text.clone()).collect();
            prop_assert_eq!(world.inbox(1 - n, n), texts);
            for (id, _) in &sent[n] {
                let state = world.row(n, 1 - n, Side::Out, id).unwrap().state;
                prop_assert_eq!(state, Some(MessageState::Delivered));
            }
        }
        prop_assert!(world.waiting.is_empty());
    }
}
