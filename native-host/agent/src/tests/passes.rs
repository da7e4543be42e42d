//! Buddies tell each other that they are welcome, and show it where they write to each other while one is away.

use corella_identity::pass::Pass;

use super::world::World;
use crate::*;

const DAY: Millis = 24 * 3_600_000;

fn friends() -> World {
    let mut world = World::of(&["alice", "bob"]);
    world.is_stored = true;
    world.befriend(0, 1);
    world.run(5_000);
    world
}

/// The pass of one that another has on its disk.
fn has(world: &World, n: usize, of: usize) -> Option<Pass> {
    let buddy = world.nodes[n].disk.buddies.get(&world.nodes[of].address)?;
    buddy.passes.get(&world.nodes[n].address).cloned()
}

/// Bob's pass, as Alice has it on her disk.
fn kept(world: &World) -> Option<Pass> {
    has(world, 0, 1)
}

/// What of Alice's waits for Bob.
fn shown(world: &World) -> Vec<Option<Pass>> {
    world.waiting.iter().map(|waiting| waiting.pass.clone()).collect()
}

#[test]
fn a_buddy_s_pass_is_shown_with_what_waits_for_them() {
    let mut world = friends();
    let pass = kept(&world).unwrap();
    let alice = world.nodes[0].credential.certificate().fingerprint();
    assert!(pass.is_for(&world.nodes[1].address, &alice, world.now));
    // Also after a restart.
    world.kill(0);
    world.kill(1);
    world.start(0);
    world.send(0, 1, "see you at eight");
    world.run(120_000);
    assert_eq!(shown(&world), [Some(pass)]);
    world.start(1);
    world.run(60_000);
    assert_eq!(world.inbox(1, 0), ["see you at eight"]);
}

#[test]
fn one_that_ends_before_the_message_could_is_not_shown() {
    let mut world = friends();
    world.kill(1);
    world.run(24 * DAY);
    world.waiting.clear();
    world.send(0, 1, "are you well?");
    world.run(60_000);
    assert_eq!(shown(&world), [None]);
    // A watcher waits for a day at most.
    assert_eq!(world.watcher_pass, kept(&world));
    world.run(7 * DAY);
    assert_eq!(world.watcher_pass, None);
}

#[test]
fn each_link_gets_one_and_a_new_one_in_time() {
    let mut world = friends();
    // Both have called: there may be two links.
    let given = world.nodes[1].passes_given;
    assert_eq!(given, world.agent(1).links.len());
    let away = Presence {
        status: Status::Away,
        note: None,
    };
    world.command(1, Command::SetPresence(away));
    world.run(14 * DAY);
    assert_eq!(world.nodes[1].passes_given, given);
    let before = kept(&world).unwrap().until();
    // Nothing happens on the links, and they stand.
    world.run(2 * DAY);
    assert_eq!(world.nodes[1].passes_given, 2 * given);
    assert!(kept(&world).unwrap().until() > before + 14 * DAY);
    world.command(1, Command::SetPresence(Presence::default()));
    world.run(60 * DAY);
    assert_eq!(world.nodes[1].passes_given, 6 * given);
}

#[test]
fn strangers_and_the_blocked_get_none() {
    let mut world = World::of(&["eve", "bob"]);
    let (eve, bob) = (world.nodes[0].address.clone(), world.nodes[1].address.clone());
    world.command(0, Command::Add(bob, None));
    world.send(0, 1, "hello");
    world.run(60_000);
    assert_eq!(world.nodes[1].passes_given, 0);
    world.command(1, Command::Accept(eve.clone(), None));
    world.run(60_000);
    assert_eq!(world.nodes[1].passes_given, 1);
    world.command(1, Command::Block(eve));
    world.run(60_000);
    world.kill(0);
    world.start(0);
    world.run(20 * DAY);
    assert_eq!(world.nodes[1].passes_given, 1);
}

/// Whoever writes first gives a pass before the other one has consented.
#[test]
fn who_accepts_a_request_has_the_pass_that_came_before() {
    let mut world = World::of(&["alice", "bob"]);
    let [alice, bob] = [0, 1].map(|n| world.nodes[n].address.clone());
    world.command(0, Command::Add(bob, None));
    world.send(0, 1, "do you know me?");
    world.run(60_000);
    assert!(has(&world, 1, 0).is_none());
    world.command(1, Command::Accept(alice, None));
    world.run(60_000);
    assert!(has(&world, 1, 0).is_some() && has(&world, 0, 1).is_some());
}

/// It does not tell when.
#[test]
fn passes_are_good_until_the_end_of_a_day() {
    let world = friends();
    let until = kept(&world).unwrap().until();
    assert!(until % DAY == 0 && (30 * DAY..=31 * DAY).contains(&(until - world.now + 5_000)));
}

#[test]
fn keys_in_question_get_none() {
    let mut world = World::of(&["alice", "bob"]);
    let [alice, bob] = [0, 1].map(|n| world.nodes[n].address.clone());
    let impostor = corella_identity::Credential::self_signed(&bob, world.now).unwrap();
    let false_bob = world.add(bob.clone(), impostor);
    world.command(0, Command::Add(bob.clone(), None));
    for n in [1, false_bob] {
        world.command(n, Command::Add(alice.clone(), None));
    }
    world.run(20 * DAY);
    assert!(world.agent(0).buddy(&bob).unwrap().question.is_some());
    assert_eq!(world.nodes[0].passes_given, 0);
    let right = world.nodes[1].credential.certificate().fingerprint();
    world.command(0, Command::Accept(bob, Some(right)));
    world.run(DAY);
    assert!(has(&world, 1, 0).is_some() && has(&world, false_bob, 0).is_none());
}

#[test]
fn what_nobody_may_give_is_not_kept() {
    let mut world = friends();
    let pass = kept(&world).unwrap();
    let [alice, bob] = [0, 1].map(|n| world.nodes[n].credential.clone());
    let holder = alice.certificate().fingerprint();
    // Of another key of Bob's name, good for ever, over already.
    let impostor = corella_identity::Credential::self_signed(bob.address(), world.now).unwrap();
    let wrong = [
        Pass::give(&impostor, &holder, world.now + 30 * DAY),
        Pass::give(&bob, &holder, world.now + 60 * DAY),
        Pass::give(&bob, &holder, world.now - 1),
    ];
    let link = *world.agent(0).links.keys().next().unwrap();
    for (number, wrong) in (90_000..).zip(wrong) {
        let received = Received {
            link,
            token: number,
            id: format!("wrong{number}"),
            at: world.now,
            sequence: 0,
            returns: None,
            content: Content::Pass(wrong.unwrap()),
        };
        world.happens(0, Event::Received(received));
        assert_eq!(kept(&world), Some(pass.clone()));
    }
}
