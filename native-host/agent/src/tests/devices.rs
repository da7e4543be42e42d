//! What waits for a user with several devices.

use proptest::prelude::*;

use super::world::World;
use crate::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Alice, and Bob with two devices, who know each other and are away.
fn bob_with_two_devices() -> World {
    let mut world = World::of(&["alice", "bob"]);
    world.is_stored = true;
    let (bob, credential) = (world.nodes[1].address.clone(), world.nodes[1].credential.clone());
    world.add(bob, credential);
    for (x, y) in [(0, 1), (1, 0), (2, 0)] {
        let address = world.nodes[y].address.clone();
        world.command(x, Command::Add(address, None));
    }
    world.run(60_000);
    world.kill(1);
    world.kill(2);
    world.run(60_000);
    world
}

#[test]
fn what_one_device_removes_the_other_has_been_given() {
    let mut world = bob_with_two_devices();
    let id = world.send(0, 1, "to both of you");
    world.run(10_000);
    world.kill(0);
    // The second device would never find it by itself.
    world.is_deaf.insert(2);
    world.start(2);
    world.start(1);
    world.run(5 * 60_000);
    assert_eq!(world.inbox(1, 0), ["to both of you"]);
    assert_eq!(world.inbox(2, 0), ["to both of you"]);
    let texts = world
        .waiting
        .iter()
        .filter(|waiting| matches!(waiting.content, Content::Text(_)));
    assert_eq!(texts.count(), 0);
    world.start(0);
    world.run(HOUR);
    let state = world.row(0, 1, Side::Out, &id).unwrap().state;
    assert_eq!(state, Some(MessageState::Delivered));
    assert!(world.waiting.is_empty());
}

#[test]
fn what_waits_for_a_device_that_is_away_stays_until_it_comes() {
    let mut world = bob_with_two_devices();
    world.send(0, 1, "hello");
    world.run(10_000);
    world.kill(0);
    world.start(1);
    world.run(5 * DAY);
    assert_eq!(world.inbox(1, 0), ["hello"]);
    let texts = |world: &World| {
        let texts = world
            .waiting
            .iter()
            .filter(|waiting| matches!(waiting.content, Content::Text(_)));
        texts.count()
    };
    assert_eq!(texts(&world), 1);
    // The first one restarts meanwhile: it still knows that there is another.
    world.kill(1);
    world.start(1);
    world.run(HOUR);
    assert_eq!(texts(&world), 1);
    world.start(2);
    world.run(HOUR);
    assert_eq!(world.inbox(2, 0), ["hello"]);
    assert_eq!(texts(&world), 0);
}

#[test]
fn devices_hear_of_each_other_from_those_that_know_them() {
    let mut world = bob_with_two_devices();
    let (bob, credential) = (world.nodes[1].address.clone(), world.nodes[1].credential.clone());
    world.add(bob, credential);
    let alice = world.nodes[0].address.clone();
    world.command(3, Command::Add(alice, None));
    // The second device has seen the third, the first has not.
    world.start(2);
    world.run(60_000);
    world.kill(2);
    world.kill(3);
    world.run(26 * HOUR);
    world.send(0, 1, "to all of you");
    world.run(10_000);
    world.kill(0);
    // It has it from the first only, and is gone before the third comes.
    world.is_deaf.insert(2);
    world.start(1);
    world.start(2);
    world.run(HOUR);
    assert_eq!(world.inbox(2, 0), ["to all of you"]);
    assert_eq!(texts(&world), 1);
    world.kill(2);
    world.run(60_000);
    world.start(3);
    world.run(HOUR);
    assert_eq!(world.inbox(3, 0), ["to all of you"]);
    assert_eq!(texts(&world), 0);
}

#[test]
fn a_device_of_long_ago_is_nobodys_news() {
    let mut world = bob_with_two_devices();
    let (bob, credential) = (world.nodes[1].address.clone(), world.nodes[1].credential.clone());
    world.add(bob.clone(), credential);
    world.kill(3);
    let gone = Device {
        name: "device9".to_owned(),
        seen: world.now - 8 * DAY,
    };
    world.nodes[2]
        .disk
        .devices
        .insert((bob.clone(), gone.name.clone()), gone.clone());
    for n in 1..4 {
        world.start(n);
    }
    world.run(HOUR);
    for n in [1, 3] {
        assert!(
            !world.nodes[n]
                .disk
                .devices
                .contains_key(&(bob.clone(), gone.name.clone()))
        );
    }
}

#[test]
fn a_device_that_never_comes_back_is_not_waited_for_for_ever() {
    let mut world = bob_with_two_devices();
    world.start(1);
    world.run(8 * DAY);
    world.kill(1);
    world.run(60_000);
    world.send(0, 1, "hello");
    world.run(10_000);
    world.start(1);
    world.run(HOUR);
    assert_eq!(world.inbox(1, 0), ["hello"]);
    assert!(world.waiting.is_empty());
}

#[test]
fn a_notice_reaches_the_device_that_waits_for_it() {
    let mut world = bob_with_two_devices();
    world.kill(0);
    world.start(2);
    world.run(60_000);
    let id = world.send(2, 0, "are you there?");
    world.run(60_000);
    world.kill(2);
    // Alice reads it while none of Bob's devices is there, and goes.
    world.start(0);
    world.run(60_000);
    world.kill(0);
    // The other device comes first; the notice is not for a message of its own.
    world.start(1);
    world.run(HOUR);
    world.start(2);
    world.run(HOUR);
    let state = world.row(2, 0, Side::Out, &id).unwrap().state;
    assert_eq!(state, Some(MessageState::Delivered));
    assert!(world.waiting.is_empty());
}

/// How many messages wait in the overlay.
fn texts(world: &World) -> usize {
    let texts = world
        .waiting
        .iter()
        .filter(|waiting| matches!(waiting.content, Content::Text(_)));
    texts.count()
}

#[test]
fn a_device_that_was_linked_for_long_was_there_until_it_went() {
    let mut world = bob_with_two_devices();
    world.start(1);
    world.start(2);
    world.run(8 * DAY);
    world.kill(2);
    world.run(25 * HOUR);
    world.kill(1);
    world.run(60_000);
    world.send(0, 1, "hello");
    world.run(10_000);
    world.kill(0);
    world.start(1);
    world.run(HOUR);
    assert_eq!(texts(&world), 1);
    world.start(2);
    world.run(HOUR);
    assert_eq!(world.inbox(2, 0), ["hello"]);
}

#[test]
fn what_a_device_refuses_for_good_is_not_passed_to_it_for_ever() {
    let mut world = bob_with_two_devices();
    let alice = world.nodes[0].address.clone();
    // The second device knows Alice by another key.
    let other = corella_identity::Credential::self_signed(&alice, world.now).unwrap();
    let known = corella_identity::trust::Known {
        certificate: other.certificate().clone(),
        trust: corella_identity::trust::Trust::Pinned,
    };
    world.nodes[2].disk.buddies.get_mut(&alice).unwrap().known = Some(known);
    world.send(0, 1, "hello");
    world.run(10_000);
    world.kill(0);
    world.start(1);
    world.start(2);
    world.run(HOUR);
    assert_eq!(world.inbox(1, 0), ["hello"]);
    assert_eq!(texts(&world), 0);
}

#[test]
fn a_device_that_is_away_does_not_take_all_the_room_of_an_author() {
    let mut world = bob_with_two_devices();
    for number in 0..24 {
        world.send(0, 1, &number.to_string());
        world.run(10_000);
        world.start(1);
        world.run(60_000);
        world.kill(1);
        world.run(60_000);
    }
    assert_eq!(world.inbox(1, 0).len(), 24);
    assert!(texts(&world) <= 17, "{}", texts(&world));
    world.kill(0);
    world.start(2);
    world.run(HOUR);
    // The latest of them.
    let has = world.inbox(2, 0);
    assert!(has.len() >= 16 && has.last().unwrap() == "23", "{has:?}");
}

/// The devices that `n` has told its user of, in order.
fn news(world: &World, n: usize) -> Vec<String> {
    let shown = world.nodes[n].shown.iter();
    let news = shown.filter_map(|action| match action {
        Action::Notice(Notice::NewDevice { name, .. }) => Some(name.clone()),
        _ => None,
    });
    news.collect()
}

/// Alice, and Bob, who has had one device for a while when a second comes.
fn bob_gets_a_second_device() -> World {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(60_000);
    let (bob, credential) = (world.nodes[1].address.clone(), world.nodes[1].credential.clone());
    world.add(bob, credential);
    world.run(60_000);
    world
}

#[test]
fn the_user_is_told_once_of_each_device_that_comes() {
    let mut world = bob_gets_a_second_device();
    assert_eq!(news(&world, 1), ["device2"]);
    // The second found the first there when it came.
    assert_eq!(news(&world, 2), [""; 0]);
    let (bob, credential) = (world.nodes[1].address.clone(), world.nodes[1].credential.clone());
    world.kill(2);
    world.add(bob, credential);
    world.run(60_000);
    assert_eq!(news(&world, 1), ["device2", "device3"]);
    // Who was away is told at the start, and nobody again after a restart.
    world.start(2);
    world.run(60_000);
    for n in [1, 2, 3] {
        world.kill(n);
    }
    world.run(20 * DAY);
    for n in [1, 2, 3] {
        world.start(n);
    }
    world.run(60_000);
    assert_eq!(news(&world, 1), ["device2", "device3"]);
    assert_eq!(news(&world, 2), ["device3"]);
    assert_eq!(news(&world, 3), [""; 0]);
    // To peers a person is one, however many devices there are.
    assert_eq!(news(&world, 0), [""; 0]);
}

#[test]
fn a_device_that_calls_nobody_and_lies_about_its_age_is_told_of_too() {
    let mut world = bob_gets_a_second_device();
    let own = world.nodes[1].address.clone();
    for _ in 0..2 {
        let device = Device {
            name: "thief".to_owned(),
            seen: world.now - 40 * DAY,
        };
        world.happens(
            1,
            Event::DeviceSeen {
                own: own.clone(),
                device,
            },
        );
        world.run(60_000);
        world.kill(1);
        world.start(1);
        world.run(60_000);
    }
    assert_eq!(news(&world, 1), ["device2", "thief"]);
}

#[test]
fn where_the_credential_was_made_every_other_device_is_news() {
    let mut world = World::of(&["bob"]);
    world.is_silent = true;
    let (bob, credential) = (world.nodes[0].address.clone(), world.nodes[0].credential.clone());
    world.kill(0);
    world.nodes[0].disk = Default::default();
    // Nobody can be asked yet, but it is known that there is no other device.
    world.start(0);
    world.happens(0, Event::FirstDevice(bob.clone()));
    world.run(60_000);
    world.is_silent = false;
    world.add(bob, credential);
    world.run(60_000);
    assert_eq!(news(&world, 0), ["device1"]);
    assert_eq!(news(&world, 1), [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whichever devices come and go in whatever order: each tells of every other once at most, and in the end of all that came
    /// after it.
    #[test]
    fn each_device_that_came_later_is_told_of_once(steps in prop::collection::vec((0..5_usize, 1..40_000_i64), 1..40)) {
        let mut world = World::of(&["bob"]);
        let (bob, credential) = (world.nodes[0].address.clone(), world.nodes[0].credential.clone());
        world.run(60_000);
        for (n, wait) in steps {
            match world.nodes.get(n).map(|node| node.agent.is_some()) {
                None => drop(world.add(bob.clone(), credential.clone())),
                Some(true) => world.kill(n),
                Some(false) => world.start(n),
            }
            world.run(wait);
        }
        let count = world.nodes.len();
        for n in 0..count {
            if world.nodes[n].agent.is_none() {
                world.start(n);
            }
        }
        world.run(HOUR);
        for n in 0..count {
            let mut told = news(&world, n);
            told.sort();
            let later: Vec<String> = (n + 1..count).map(|m| format!("device{m}")).collect();
            prop_assert_eq!(told, later, "{}", n);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whichever of Bob's three devices is on line when, and whichever the nodes forget to tell: each gets everything once,
    /// and nothing is left behind.
    #[test]
    fn every_device_gets_everything(
        deaf in prop::option::of(1..4_usize),
        steps in prop::collection::vec((0..8_u8, 1..40_000_i64), 1..40),
    ) {
        let mut world = bob_with_two_devices();
        let (bob, credential) = (world.nodes[1].address.clone(), world.nodes[1].credential.clone());
        world.add(bob, credential);
        let alice = world.nodes[0].address.clone();
        world.command(3, Command::Add(alice, None));
        world.start(1);
        world.start(2);
        world.run(60_000);
        for n in 1..4 {
            world.kill(n);
        }
        // One of them is always there, or nobody would be left to give the deaf one its share.
        let deaf = deaf.filter(|n| *n != 1);
        world.is_deaf.extend(deaf);
        world.run(60_000);
        let mut sent = Vec::new();
        for (number, (step, wait)) in steps.into_iter().enumerate() {
            let n = usize::from(step % 4);
            match (n, step < 4, world.nodes[n].agent.is_some()) {
                (0, ..) if world.waiting.len() < 20 => {
                    let text = format!("says {number}");
                    if (1..4).all(|n| world.nodes[n].agent.is_none()) {
                        world.send(0, 1, &text);
                        world.run(10_000);
                        sent.push(text);
                    }
                }
                (1.., true, false) => world.start(n),
                (1.., false, true) => world.kill(n),
                _ => {}
            }
            world.run(wait);
        }
        for n in 1..4 {
            if world.nodes[n].agent.is_none() {
                world.start(n);
            }
        }
        world.run(2 * HOUR);
        for n in 1..4 {
            prop_assert_eq!(world.inbox(n, 0), sent.clone(), "device {}", n);
        }
        prop_assert!(world.waiting.is_empty());
    }
}
