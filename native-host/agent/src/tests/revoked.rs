//! Revoked keys: not sent to, not heard, and never taken again.

use corella_identity::{
    Credential, Revocation,
    trust::{QuestionKind, Trust, TrustAnchors},
};

use super::authority::Authority;
use super::world::{World, address};
use crate::*;

/// What `of`'s own key says.
fn revocation(world: &World, of: usize) -> Revocation {
    let node = &world.nodes[of];
    let certificate = node.credential.certificate();
    Revocation::by(certificate, &node.address, certificate).unwrap()
}

/// `n` reads in the overlay that `of`'s key is revoked.
fn learns(world: &mut World, n: usize, of: usize) {
    let revocation = revocation(world, of);
    world.happens(n, Event::Revoked(vec![revocation]));
}

fn friends() -> World {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world
}

fn view(world: &World) -> BuddyView {
    world.agent(0).buddy(&address("bob")).unwrap()
}

#[test]
fn who_bears_a_revoked_key_is_not_heard_and_nothing_is_sent_to_them() {
    let mut world = friends();
    learns(&mut world, 0, 1);
    world.run(0);
    assert_eq!(world.sees(0, 1), Status::Offline);
    let id = world.send(0, 1, "for Bob only");
    world.send(1, 0, "it is me");
    world.link(1, 0);
    world.run(600_000);
    assert!(world.inbox(1, 0).is_empty() && world.inbox(0, 1).is_empty());
    assert_eq!(
        world.row(0, 1, Side::Out, &id).unwrap().state,
        Some(MessageState::Pending)
    );
    assert_eq!(view(&world).known, None);
    assert_eq!(view(&world).question, None, "nobody else is there to ask about");
}

#[test]
fn it_is_not_taken_again_after_a_restart() {
    let mut world = friends();
    learns(&mut world, 0, 1);
    world.run(0);
    world.kill(0);
    world.start(0);
    world.send(1, 0, "it is me");
    world.link(1, 0);
    world.run(600_000);
    assert!(world.inbox(0, 1).is_empty());
    assert_eq!(world.sees(0, 1), Status::Offline);
}

#[test]
fn the_next_key_of_somebody_whose_key_was_revoked_is_a_question() {
    let mut world = friends();
    learns(&mut world, 0, 1);
    world.kill(1);
    let new = Credential::self_signed(&address("bob"), world.now).unwrap();
    let key = new.certificate().fingerprint();
    let new_bob = world.add(address("bob"), new);
    // The record of the old one is still in the overlay.
    let old = world.nodes[1].credential.clone();
    world.claims.push((address("bob"), old));
    world.send(0, new_bob, "who are you?");
    world.run(60_000);
    let question = view(&world).question.unwrap();
    assert_eq!(question.kind, QuestionKind::Changed);
    assert_eq!(question.candidates.len(), 1, "the revoked one is no choice");
    assert!(world.inbox(new_bob, 0).is_empty());
    // The user may not take back what the key's owner said.
    let old = world.nodes[1].credential.certificate().fingerprint();
    let call = world.command(0, Command::Accept(address("bob"), Some(old)));
    world.run(0);
    assert!(matches!(world.nodes[0].replies[&call], Err(CommandError::NoSuchKey)));
    world.command(new_bob, Command::Add(address("alice"), None));
    world.command(0, Command::Accept(address("bob"), Some(key)));
    world.run(10_000);
    assert_eq!(world.inbox(new_bob, 0), ["who are you?"]);
    assert_eq!(view(&world).known.unwrap().trust, Trust::Pinned);
    // The thief of the old one is not heard now either.
    world.start(1);
    world.send(1, 0, "it is me");
    world.link(1, 0);
    world.run(600_000);
    assert!(world.inbox(0, 1).iter().all(|text| text != "it is me"));
}

#[test]
fn what_is_revoked_while_the_user_is_asked_is_no_answer() {
    let mut world = World::of(&["alice", "bob"]);
    let impostor = Credential::self_signed(&address("bob"), world.now).unwrap();
    world.claims.push((address("bob"), impostor));
    world.command(0, Command::Add(address("bob"), None));
    world.run(5_000);
    assert_eq!(view(&world).question.unwrap().candidates.len(), 2);
    learns(&mut world, 0, 1);
    world.run(0);
    let left = view(&world).question.unwrap().candidates;
    assert_eq!(left.len(), 1);
    assert_ne!(left[0].certificate, *world.nodes[1].credential.certificate());
}

#[test]
fn a_revoked_key_is_no_first_key() {
    let mut world = World::of(&["alice", "bob"]);
    learns(&mut world, 0, 1);
    world.command(0, Command::Add(address("bob"), None));
    let id = world.send(0, 1, "for Bob only");
    world.run(600_000);
    assert_eq!(view(&world).known, None);
    assert_eq!(
        world.row(0, 1, Side::Out, &id).unwrap().state,
        Some(MessageState::Pending)
    );
    assert!(world.inbox(1, 0).is_empty());
}

#[test]
fn a_stranger_with_a_revoked_key_is_no_request() {
    let mut world = World::of(&["alice", "bob"]);
    learns(&mut world, 0, 1);
    world.send(1, 0, "hello");
    world.run(60_000);
    assert!(world.inbox(0, 1).is_empty());
    assert!(world.agent(0).buddy(&address("bob")).is_none());
}

#[test]
fn what_waited_for_the_user_is_not_heard_if_its_key_is_revoked() {
    let mut world = friends();
    world.is_stored = true;
    world.kill(0);
    world.run(60_000);
    world.send(1, 0, "while you were away");
    world.run(600_000);
    assert_eq!(world.waiting.len(), 1);
    learns(&mut world, 0, 1);
    world.start(0);
    // It is learned before anything is fetched, as it is from the roster.
    let revoked = Revoked {
        revocation: revocation(&world, 1),
        extent: corella_identity::revocation::Extent::Key,
    };
    world.kill(0);
    world.nodes[0].disk.revoked.push(revoked);
    world.start(0);
    world.run(60_000);
    assert!(world.inbox(0, 1).is_empty());
}

#[test]
fn others_with_the_address_and_others_keys_are_untouched() {
    let mut world = friends();
    let other = Credential::self_signed(&address("bob"), world.now).unwrap();
    let certificate = other.certificate();
    let revocation = Revocation::by(certificate, &address("bob"), certificate).unwrap();
    world.happens(0, Event::Revoked(vec![revocation]));
    world.send(1, 0, "still me");
    world.run(1_000);
    assert_eq!(world.inbox(0, 1), ["still me"]);
    assert_eq!(world.sees(0, 1), Status::Online);
}

#[test]
fn any_number_of_revocations_hide_none_that_matters() {
    let mut world = friends();
    for _ in 0..40 {
        let other = Credential::self_signed(&address("bob"), world.now).unwrap();
        let certificate = other.certificate();
        let of_itself = Revocation::by(certificate, &address("bob"), certificate).unwrap();
        world.happens(0, Event::Revoked(vec![of_itself]));
    }
    world.run(1_000);
    assert_eq!(world.sees(0, 1), Status::Online);
    learns(&mut world, 0, 1);
    world.run(1_000);
    assert_eq!(world.sees(0, 1), Status::Offline);
    assert_eq!(view(&world).known, None);
}

#[test]
fn what_an_authority_revoked_before_the_user_trusted_it_counts_from_then_on() {
    let mut world = friends();
    let authority = Authority::new(world.now);
    let credential = world.nodes[1].credential.clone();
    let certified = authority.certify(&credential, world.now);
    let revocation = Revocation::by(&authority.certificate, &address("bob"), &certified).unwrap();
    world.happens(0, Event::Revoked(vec![revocation]));
    world.run(1_000);
    assert!(
        view(&world).known.is_some(),
        "anybody can revoke what they made of his key"
    );
    for others in [TrustAnchors::none(), Authority::new(world.now).anchors()] {
        world.happens(0, Event::Authorities(others));
        world.run(1_000);
        assert!(view(&world).known.is_some());
    }
    world.happens(0, Event::Authorities(authority.anchors()));
    world.run(1_000);
    assert_eq!(view(&world).known, None);
    assert_eq!(world.sees(0, 1), Status::Offline);
    // And stays so when it is trusted no more.
    world.happens(0, Event::Authorities(TrustAnchors::none()));
    world.run(60_000);
    assert_eq!(view(&world).known, None);
}
