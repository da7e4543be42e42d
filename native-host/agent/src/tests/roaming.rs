//! One user's devices keep buddy list and status for each other.

use corella_identity::{Fingerprint, trust::Trust};
use proptest::prelude::*;

use super::world::{World, address};
use crate::*;

const DAY: i64 = 24 * 3_600_000;

/// Alice with two devices that keep for each other, Bob, and Carol.
fn two_devices() -> World {
    let mut world = World::of(&["alice", "bob", "carol"]);
    let (alice, credential) = (world.nodes[0].address.clone(), world.nodes[0].credential.clone());
    world.add(alice, credential);
    world.roam(0);
    world.roam(3);
    world.run(1_000);
    world
}

fn consents(world: &World, n: usize) -> Vec<(String, Consent, Option<String>)> {
    let buddies = world.agent(n).buddies().into_iter();
    let standing = buddies.map(|view| (view.address.to_string(), view.consent, view.name));
    standing.collect()
}

#[test]
fn what_is_changed_on_one_device_is_so_on_the_other() {
    let mut world = two_devices();
    world.command(0, Command::Add(address("bob"), Some("Bob B.".into())));
    world.command(0, Command::Block(address("eve")));
    world.run(1_000);
    let both = [
        ("bob@example.net".to_owned(), Consent::Buddy, Some("Bob B.".to_owned())),
        ("eve@example.net".to_owned(), Consent::Blocked, None),
    ];
    assert_eq!(consents(&world, 3), both);
    world.command(3, Command::Remove(address("eve")));
    world.command(3, Command::Block(address("bob")));
    world.command(
        3,
        Command::SetPresence(Presence {
            status: Status::Busy,
            note: Some("writing".into()),
        }),
    );
    world.run(1_000);
    let both = [(
        "bob@example.net".to_owned(),
        Consent::Blocked,
        Some("Bob B.".to_owned()),
    )];
    assert_eq!(consents(&world, 0), both);
    assert_eq!(world.agent(0).presence().note.as_deref(), Some("writing"));
    // All of it is at rest: nothing goes to and fro.
    let before = world.nodes[0].disk.roaming.clone();
    world.run(DAY);
    assert_eq!(world.nodes[0].disk.roaming, before);
    assert_eq!(world.nodes[3].disk.roaming, before);
}

#[test]
fn settings_roam_to_devices_that_take_part() {
    let mut world = two_devices();
    let set = |value: &str| Command::Set {
        name: "addressBook".into(),
        value: value.into(),
    };
    world.command(1, set("false"));
    world.command(0, set("false"));
    world.run(1_000);
    let told = |world: &World, n: usize| {
        let shown = world.nodes[n].shown.iter();
        let told = shown.filter(|action| matches!(action, Action::SettingChanged { name, value } if name == "addressBook" && value == "false"));
        told.count()
    };
    assert_eq!((told(&world, 3), told(&world, 0)), (1, 0));
    assert_eq!(world.agent(3).settings()["addressBook"], "false");
    assert!(world.agent(1).settings().is_empty());
}

#[test]
fn a_device_that_was_away_catches_up_and_what_it_missed_is_not_undone() {
    let mut world = two_devices();
    world.command(0, Command::Add(address("bob"), None));
    world.run(1_000);
    world.kill(3);
    world.command(0, Command::Remove(address("bob")));
    world.command(0, Command::Add(address("carol"), None));
    world.run(1_000);
    world.start(3);
    world.run(1_000);
    for n in [0, 3] {
        assert_eq!(
            consents(&world, n),
            [("carol@example.net".to_owned(), Consent::Buddy, None)],
            "{n}"
        );
    }
}

#[test]
fn two_lists_become_one_when_the_second_device_joins() {
    let mut world = World::of(&["alice", "bob", "carol"]);
    let (alice, credential) = (world.nodes[0].address.clone(), world.nodes[0].credential.clone());
    world.add(alice, credential);
    world.command(0, Command::Add(address("bob"), None));
    world.command(3, Command::Add(address("carol"), None));
    world.run(1_000);
    world.roam(0);
    world.run(1_000);
    world.roam(3);
    world.run(1_000);
    for n in [0, 3] {
        let names: Vec<String> = consents(&world, n).into_iter().map(|(who, ..)| who).collect();
        assert_eq!(names, ["bob@example.net", "carol@example.net"], "{n}");
    }
    // The first device takes part no more: what it does is its own affair.
    let own = world.nodes[0].address.clone();
    world.happens(0, Event::RoamsNoMore(own.clone()));
    world.nodes[0].disk.roaming.remove(&own);
    world.command(0, Command::Remove(address("bob")));
    world.run(1_000);
    assert_eq!(consents(&world, 3).len(), 2);
}

#[test]
fn a_request_does_not_roam() {
    let mut world = two_devices();
    let alice = world.nodes[0].address.clone();
    world.command(1, Command::Add(alice, None));
    world.send(1, 0, "do you know me?");
    world.run(1_000);
    assert_eq!(world.agent(0).buddies()[0].consent, Consent::Request);
    assert!(world.nodes[3].disk.roaming[&world.nodes[3].address].people.is_empty());
}

/// The first device knows Bob by a key that its user has confirmed; Bob's key is another one when the second meets him.
fn bob_with_another_key(pinned: bool) -> World {
    let mut world = two_devices();
    world.kill(3);
    world.befriend(0, 1);
    world.run(5_000);
    if pinned {
        let bob = world.nodes[1].credential.certificate().fingerprint();
        world.command(0, Command::Accept(address("bob"), Some(bob)));
    }
    world.run(5_000);
    world
}

#[test]
fn the_key_that_one_device_knows_is_the_one_that_the_other_takes() {
    let mut world = bob_with_another_key(true);
    world.start(3);
    world.run(60_000);
    let bob = world.agent(3).buddy(&address("bob")).unwrap();
    let known = bob.known.unwrap();
    assert_eq!(known.trust, Trust::Pinned);
    assert!(known.certificate.same_key(world.nodes[1].credential.certificate()));
    // Somebody else who claims the name beside him raises no question where it is known who he is.
    let impostor = corella_identity::Credential::self_signed(&address("bob"), world.now).unwrap();
    world.claims.push((address("bob"), impostor));
    world.kill(3);
    world.nodes[3].disk.buddies.remove(&address("bob"));
    world.nodes[3].disk.roaming.insert(address("alice"), Roaming::default());
    world.start(3);
    world.run(60_000);
    let bob = world.agent(3).buddy(&address("bob")).unwrap();
    assert_eq!(bob.question, None);
    assert_eq!(bob.known.unwrap().trust, Trust::Pinned);
}

/// What the first device's document says of Bob's key, as if he had been certified anew since.
fn certified_anew(world: &mut World, public_key: Option<Fingerprint>) {
    let of_bob = Some(world.nodes[1].credential.certificate().key_fingerprint());
    let document = world.nodes[0].disk.roaming.get_mut(&address("alice")).unwrap();
    let standing = document.people.get_mut(&address("bob")).unwrap().is.as_mut().unwrap();
    let key = standing.key.as_mut().unwrap();
    assert_eq!(key.public_key, of_bob);
    key.fingerprint = "ab".repeat(32).parse().unwrap();
    key.public_key = public_key;
}

#[test]
fn a_new_certificate_of_the_key_that_one_device_knows_is_no_question_on_the_other() {
    for pinned in [true, false] {
        let mut world = bob_with_another_key(pinned);
        let key = Some(world.nodes[1].credential.certificate().key_fingerprint());
        certified_anew(&mut world, key);
        world.kill(0);
        world.start(3);
        world.run(60_000);
        let bob = world.agent(3).buddy(&address("bob")).unwrap();
        assert_eq!(bob.question, None);
        let trust = if pinned { Trust::Pinned } else { Trust::Unverified };
        assert_eq!(bob.known.unwrap().trust, trust);
    }
}

#[test]
fn who_is_known_by_a_certificate_alone_is_asked_about_when_there_is_another() {
    let mut world = bob_with_another_key(true);
    certified_anew(&mut world, None);
    world.kill(0);
    world.start(3);
    world.run(60_000);
    assert!(world.agent(3).buddy(&address("bob")).unwrap().question.is_some());
}

#[test]
fn a_document_of_before_is_made_whole_and_that_is_no_change() {
    let mut world = bob_with_another_key(true);
    let own = address("alice");
    let full = world.nodes[0].disk.roaming[&own].clone();
    let document = world.nodes[0].disk.roaming.get_mut(&own).unwrap();
    let standing = document.people.get_mut(&address("bob")).unwrap().is.as_mut().unwrap();
    standing.key.as_mut().unwrap().public_key = None;
    world.kill(0);
    world.start(0);
    world.run(1_000);
    world.command(0, Command::Block(address("eve")));
    world.run(1_000);
    let whole = &world.nodes[0].disk.roaming[&own].people[&address("bob")];
    assert_eq!(whole, &full.people[&address("bob")]);
}

#[test]
fn another_key_than_the_one_that_a_device_knows_is_not_taken_silently() {
    let mut world = bob_with_another_key(false);
    // Bob's devices are gone, and somebody with another key is there.
    world.kill(1);
    world.kill(0);
    let impostor = corella_identity::Credential::self_signed(&address("bob"), world.now).unwrap();
    let mallory = world.add(address("bob"), impostor);
    world.command(mallory, Command::Add(address("alice"), None));
    world.start(3);
    world.run(60_000);
    let bob = world.agent(3).buddy(&address("bob")).unwrap();
    assert!(bob.known.is_none());
    assert_eq!(bob.question.unwrap().candidates.len(), 1);
    // A restart does not forget it.
    world.kill(3);
    world.start(3);
    world.run(60_000);
    assert!(world.agent(3).buddy(&address("bob")).unwrap().question.is_some());
}

#[test]
fn a_change_counts_though_the_other_device_s_clock_is_ahead() {
    let mut world = two_devices();
    world.kill(3);
    let own = world.nodes[0].address.clone();
    for ahead in [3_000, 3_600_000] {
        let is = Some(Standing {
            consent: Consent::Blocked,
            name: None,
            key: None,
        });
        let at = world.now + ahead;
        let document = Roaming {
            people: [(address("eve"), Entry { at, is })].into(),
            ..Roaming::default()
        };
        let event = || Event::Roamed {
            own: own.clone(),
            document: document.clone(),
        };
        world.happens(0, event());
        world.run(100);
        assert_eq!(world.agent(0).buddy(&address("eve")).unwrap().consent, Consent::Blocked);
        world.command(0, Command::Accept(address("eve"), None));
        world.run(100);
        // What the other device wrote is read again.
        world.happens(0, event());
        world.run(100);
        assert_eq!(world.agent(0).buddy(&address("eve")).unwrap().consent, Consent::Buddy);
    }
}

#[test]
fn whoever_joins_loses_nobody_and_no_name() {
    let mut world = World::of(&["alice"]);
    let own = world.nodes[0].address.clone();
    world.command(0, Command::Add(address("bob"), Some("Bob B.".into())));
    world.command(0, Command::Add(address("carol"), Some("Carol C.".into())));
    world.run(1_000);
    let at = world.now - 150 * DAY;
    let plain = Some(Standing {
        consent: Consent::Buddy,
        name: None,
        key: None,
    });
    let document = Roaming {
        people: [
            (address("bob"), Entry { at, is: None }),
            (address("carol"), Entry { at, is: plain }),
        ]
        .into(),
        ..Roaming::default()
    };
    world.happens(
        0,
        Event::Roamed {
            own: own.clone(),
            document,
        },
    );
    world.run(1_000);
    let here = consents(&world, 0);
    let names: Vec<Option<&str>> = here.iter().map(|(_, _, name)| name.as_deref()).collect();
    assert_eq!(names, [Some("Bob B."), Some("Carol C.")]);
    // And the others hear of both.
    let kept = &world.nodes[0].disk.roaming[&own].people;
    assert!(kept[&address("bob")].is.is_some());
    let carol = kept[&address("carol")].is.as_ref().unwrap();
    assert_eq!(carol.name.as_deref(), Some("Carol C."));
}

#[test]
fn what_is_confirmed_on_one_device_is_confirmed_on_the_other() {
    let mut world = two_devices();
    world.befriend(0, 1);
    world.run(60_000);
    let trust = |world: &World, n: usize| world.agent(n).buddy(&address("bob")).unwrap().known.unwrap().trust;
    assert_eq!(trust(&world, 3), Trust::Unverified);
    let bob = world.nodes[1].credential.certificate().fingerprint();
    world.command(0, Command::Accept(address("bob"), Some(bob)));
    world.run(1_000);
    assert_eq!(trust(&world, 3), Trust::Pinned);
    world.command(3, Command::Add(address("bob"), Some("Bobby".into())));
    world.run(1_000);
    let kept = &world.nodes[0].disk.roaming[&address("alice")].people[&address("bob")];
    assert_eq!(kept.is.as_ref().unwrap().key.unwrap().trust, Trust::Pinned);
}

#[test]
fn a_first_key_gives_way_to_the_one_that_is_confirmed_elsewhere() {
    let mut world = bob_with_another_key(true);
    let impostor = corella_identity::Credential::self_signed(&address("bob"), world.now).unwrap();
    let known = corella_identity::trust::Known {
        certificate: impostor.certificate().clone(),
        trust: Trust::Unverified,
    };
    world.nodes[3].disk.buddies.insert(
        address("bob"),
        Buddy {
            own: Some(address("alice")),
            known: Some(known),
            ..Buddy::new(address("bob"), Consent::Buddy)
        },
    );
    world.kill(1);
    let mallory = world.add(address("bob"), impostor);
    world.command(mallory, Command::Add(address("alice"), None));
    world.start(3);
    world.run(60_000);
    let bob = world.agent(3).buddy(&address("bob")).unwrap();
    assert!(bob.known.is_none() && bob.question.is_some());
    assert_eq!(bob.presence.status, Status::Offline);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever is done on whichever device, and whichever is away: in the end both say the same, and are at rest.
    #[test]
    fn the_devices_agree_in_the_end(steps in prop::collection::vec((0..2_usize, 0..6_u8, 0..3_usize), 1..40)) {
        let mut world = two_devices();
        for (which, step, who) in steps {
            let n = [0, 3][which];
            let who = address(["bob", "carol", "eve"][who]);
            let is_up = world.nodes[n].agent.is_some();
            match step {
                0 if is_up => drop(world.command(n, Command::Add(who, Some(format!("{}", world.now % 7))))),
                1 if is_up => drop(world.command(n, Command::Block(who))),
                2 if is_up => drop(world.command(n, Command::Remove(who))),
                3 if is_up => drop(world.command(n, Command::SetPresence(Presence {
                    status: Status::Away,
                    note: Some(world.now.to_string()),
                }))),
                4 if is_up => world.kill(n),
                5 if !is_up => world.start(n),
                _ => {}
            }
            world.run(1_000);
        }
        for n in [0, 3] {
            if world.nodes[n].agent.is_none() {
                world.start(n);
            }
        }
        world.run(60_000);
        prop_assert_eq!(consents(&world, 0), consents(&world, 3));
        prop_assert_eq!(world.agent(0).presence(), world.agent(3).presence());
        prop_assert_eq!(&world.nodes[0].disk.roaming, &world.nodes[3].disk.roaming);
    }
}
