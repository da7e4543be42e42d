//! Who is off line finds, when back, who wants to see them.

use super::world::World;
use crate::*;

/// Alice and Bob, who know each other; Bob is away.
fn bob_is_away() -> World {
    let mut world = World::of(&["alice", "bob"]);
    world.is_stored = true;
    world.befriend(0, 1);
    world.run(5_000);
    world.kill(1);
    world
}

#[test]
fn a_watcher_is_left_for_a_buddy_who_is_away_and_taken_back_with_the_consent() {
    let mut world = bob_is_away();
    assert!(world.watchers.is_empty());
    world.run(60_000);
    let left = (world.pair(0, 1), 0);
    assert_eq!(world.watchers.iter().collect::<Vec<_>>(), [&left]);
    let bob = world.nodes[1].address.clone();
    world.command(0, Command::Block(bob));
    world.run(60_000);
    assert!(world.watchers.is_empty());
}

#[test]
fn who_does_not_want_to_be_seen_leaves_none() {
    let mut world = bob_is_away();
    world.run(60_000);
    assert_eq!(world.watchers.len(), 1);
    world.command(0, Command::SetPresence(Presence::offline()));
    world.run(24 * 3_600_000);
    assert!(world.watchers.is_empty());
}

#[test]
fn what_no_node_took_is_left_later_and_what_is_old_anew() {
    let mut world = bob_is_away();
    world.is_stored = false;
    world.run(60_000);
    world.is_stored = true;
    world.run(20 * 60_000);
    assert_eq!(world.watchers.len(), 1);
    world.watchers.clear();
    world.run(11 * 3_600_000);
    assert!(world.watchers.is_empty(), "not more often than needed");
    world.run(2 * 3_600_000);
    assert_eq!(world.watchers.len(), 1);
}

#[test]
fn a_watcher_hastens_the_search_for_a_buddy_and_only_with_the_buddy_s_key() {
    let mut world = bob_is_away();
    // Nobody is in reach for a long time: Alice looks rarely now.
    world.run(3_600_000);
    let due = |world: &World| world.agent(0).next_wakeup().unwrap() - world.now;
    world.run(due(&world) + 1_000);
    assert!(due(&world) > 30_000);
    let pair = world.pair(0, 1);
    let stranger = corella_identity::Credential::self_signed(&pair.with, world.now).unwrap();
    let certificate = stranger.certificate().clone();
    world.happens(
        0,
        Event::Watched {
            pair: pair.clone(),
            certificate,
        },
    );
    world.run(0);
    assert!(due(&world) > 30_000);
    let certificate = world.nodes[1].credential.certificate().clone();
    world.happens(0, Event::Watched { pair, certificate });
    world.run(0);
    assert!(due(&world) <= 2_000);
}

#[test]
fn what_was_left_before_a_restart_is_taken_back_too() {
    let mut world = bob_is_away();
    world.run(60_000);
    world.kill(0);
    world.start(0);
    let bob = world.nodes[1].address.clone();
    world.command(0, Command::Block(bob));
    world.run(60_000);
    assert!(world.watchers.is_empty());
}
