//! Keys: the first one is used, another one never silently.

use corella_identity::{
    Credential,
    enrolment::NewKey,
    trust::{QuestionKind, Trust},
};

use super::authority::Authority;
use super::world::{World, address};
use crate::*;

fn question(world: &World, n: usize, of: &str) -> Option<QuestionKind> {
    world.agent(n).buddy(&address(of)).unwrap().question.map(|q| q.kind)
}

#[test]
fn several_keys_for_a_new_address_are_a_question_and_nothing_is_sent() {
    let mut world = World::of(&["alice", "bob"]);
    let impostor = Credential::self_signed(&address("bob"), world.now).unwrap();
    world.claims.push((address("bob"), impostor));
    let id = world.send(0, 1, "for Bob only");
    world.run(60_000);
    assert_eq!(question(&world, 0, "bob"), Some(QuestionKind::Several));
    let row = world.row(0, 1, Side::Out, &id).unwrap();
    assert_eq!(
        (row.state, row.reason),
        (Some(MessageState::Pending), Some(Reason::Question))
    );
    assert!(world.inbox(1, 0).is_empty());

    let right = world.nodes[1].credential.certificate().fingerprint();
    world.command(0, Command::Accept(address("bob"), Some(right)));
    world.run(10_000);
    assert_eq!(world.inbox(1, 0), ["for Bob only"]);
    let buddy = world.agent(0).buddy(&address("bob")).unwrap();
    assert_eq!(buddy.known.unwrap().trust, Trust::Pinned);
}

#[test]
fn nobody_is_heard_in_a_name_that_several_claim() {
    let mut world = World::of(&["alice", "bob"]);
    let impostor = Credential::self_signed(&address("bob"), world.now).unwrap();
    let false_bob = world.add(address("bob"), impostor);
    world.command(0, Command::Add(address("bob"), None));
    for n in [1, false_bob] {
        world.command(n, Command::Add(address("alice"), None));
        world.send(n, 0, &format!("it is me {n}"));
    }
    world.run(60_000);
    assert_eq!(question(&world, 0, "bob"), Some(QuestionKind::Several));
    assert!(world.inbox(0, 1).is_empty());
    assert_eq!(world.sees(0, 1), Status::Offline);
    let right = world.nodes[1].credential.certificate().fingerprint();
    world.command(0, Command::Accept(address("bob"), Some(right)));
    world.run(600_000);
    assert_eq!(world.inbox(0, 1), ["it is me 1"]);
    assert_eq!(world.sees(0, 1), Status::Online);
}

#[test]
fn the_first_words_wait_until_it_is_settled_who_says_them() {
    let mut world = World::of(&["alice", "bob"]);
    world.command(1, Command::Add(address("alice"), None));
    world.send(1, 0, "you know me");
    world.nodes[1].shown.clear();
    world.command(0, Command::Add(address("bob"), None));
    world.run(1_000);
    assert_eq!(world.inbox(0, 1), ["you know me"], "without a wait");
    assert_eq!(world.sees(0, 1), Status::Online);
}

#[test]
fn two_who_called_before_they_were_added_are_a_question_too() {
    let mut world = World::of(&["alice", "bob"]);
    let other = Credential::self_signed(&address("bob"), world.now).unwrap();
    let second = world.add(address("bob"), other);
    world.link(1, 0);
    world.run(1_000);
    world.link(second, 0);
    world.run(1_000);
    let id = world.send(0, 1, "which of you?");
    world.run(60_000);
    assert_eq!(question(&world, 0, "bob"), Some(QuestionKind::Several));
    assert_eq!(
        world.row(0, 1, Side::Out, &id).unwrap().state,
        Some(MessageState::Pending)
    );
}

#[test]
fn an_impostor_cannot_silence_somebody_who_is_there() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let false_bob = Credential::self_signed(&address("bob"), world.now).unwrap();
    let impostor = world.add(address("bob"), false_bob);
    world.link(impostor, 0);
    world.run(60_000);
    assert_eq!(question(&world, 0, "bob"), None);
    let id = world.send(0, 1, "still you?");
    world.run(1_000);
    assert_eq!(world.inbox(1, 0), ["still you?"]);
    assert_eq!(
        world.row(0, 1, Side::Out, &id).unwrap().state,
        Some(MessageState::Delivered)
    );
    assert!(world.inbox(impostor, 0).is_empty());
}

/// Alice, and Bob, in whose name somebody else has written to her.
fn false_bob_wrote_first() -> (World, usize) {
    let mut world = World::of(&["alice", "bob"]);
    let other = Credential::self_signed(&address("bob"), world.now).unwrap();
    let false_bob = world.add(address("bob"), other);
    world.link(false_bob, 0);
    world.send(false_bob, 0, "it is me");
    world.run(1_000);
    (world, false_bob)
}

#[test]
fn who_writes_first_is_not_thereby_who_the_user_means() {
    for by_calling in [false, true] {
        let (mut world, false_bob) = false_bob_wrote_first();
        assert_eq!(world.inbox(0, false_bob), ["it is me"], "as a request");
        if by_calling {
            // The true Bob calls, and cannot be found in the overlay.
            world.send(1, 0, "no, me");
            world.run(10_000);
            let waiting = world.nodes[1].disk.rows.values().next().unwrap();
            assert_eq!(
                (waiting.state, waiting.reason),
                (Some(MessageState::Pending), Some(Reason::Offline))
            );
            world.kill(1);
        }
        world.command(0, Command::Accept(address("bob"), None));
        world.run(60_000);
        assert_eq!(question(&world, 0, "bob"), Some(QuestionKind::Several));
        let secret = world.send(0, 1, "my secret");
        world.run(60_000);
        assert!(world.inbox(false_bob, 0).is_empty());
        if by_calling {
            world.start(1);
        }
        let right = world.nodes[1].credential.certificate().fingerprint();
        world.command(0, Command::Accept(address("bob"), Some(right)));
        world.command(1, Command::Add(address("alice"), None));
        world.run(600_000);
        assert!(world.row(1, 0, Side::In, &secret).is_some());
        assert!(world.inbox(false_bob, 0).is_empty());
        let heard = world.inbox(0, 1);
        assert!(!heard.contains(&"it is me".to_owned()), "{heard:?}");
    }
}

#[test]
fn no_strangers_key_is_taken_while_nobody_can_be_asked() {
    let (mut world, false_bob) = false_bob_wrote_first();
    world.is_alone = true;
    world.command(0, Command::Accept(address("bob"), None));
    world.send(0, 1, "my secret");
    world.run(60_000);
    assert_eq!(world.agent(0).buddy(&address("bob")).unwrap().known, None);
    world.is_alone = false;
    world.run(600_000);
    assert_eq!(question(&world, 0, "bob"), Some(QuestionKind::Several));
    assert!(world.inbox(false_bob, 0).is_empty());
}

#[test]
fn the_key_of_a_request_is_weighed_also_after_it_was_blocked() {
    let (mut world, _) = false_bob_wrote_first();
    world.command(0, Command::Block(address("bob")));
    world.command(0, Command::Accept(address("bob"), None));
    world.run(60_000);
    assert_eq!(question(&world, 0, "bob"), Some(QuestionKind::Several));
    // Nor does the answer, whenever it is given, let in what another key has written.
    world.command(0, Command::Block(address("bob")));
    let right = world.nodes[1].credential.certificate().fingerprint();
    world.command(0, Command::Accept(address("bob"), Some(right)));
    world.run(600_000);
    assert!(world.inbox(0, 1).is_empty(), "{:?}", world.inbox(0, 1));
}

#[test]
fn what_was_accepted_is_kept_until_it_is_settled_whose_it_is() {
    let mut world = World::of(&["alice", "bob"]);
    world.send(1, 0, "do you know me?");
    world.run(1_000);
    world.is_alone = true;
    world.command(0, Command::Accept(address("bob"), None));
    world.run(1_000);
    // Bob will not say it again.
    world.nodes[1].disk.rows.clear();
    world.kill(1);
    world.kill(0);
    world.is_alone = false;
    world.start(0);
    world.run(1_000);
    world.start(1);
    world.run(600_000);
    assert_eq!(world.inbox(0, 1), ["do you know me?"]);
}

#[test]
fn what_was_for_somebody_removed_is_not_given_to_who_comes_in_that_name() {
    let mut world = World::of(&["alice", "bob"]);
    world.send(0, 1, "for the true Bob only");
    world.run(1_000);
    world.command(0, Command::Remove(address("bob")));
    world.run(1_000);
    world.kill(0);
    world.kill(1);
    world.start(0);
    let other = Credential::self_signed(&address("bob"), world.now).unwrap();
    let false_bob = world.add(address("bob"), other);
    for _ in 0..2 {
        world.link(false_bob, 0);
        world.send(false_bob, 0, "it is me");
        world.run(10_000);
    }
    world.kill(0);
    world.start(0);
    world.link(false_bob, 0);
    world.run(60_000);
    assert!(world.inbox(false_bob, 0).is_empty());
}

#[test]
fn a_call_in_a_friends_name_is_no_question_once_the_friend_was_there() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.kill(1);
    let false_bob = Credential::self_signed(&address("bob"), world.now).unwrap();
    let impostor = world.add(address("bob"), false_bob);
    world.link(impostor, 0);
    // Bob is back before he is missed.
    world.start(1);
    world.link(1, 0);
    world.run(10_000);
    assert_eq!(question(&world, 0, "bob"), None);
    world.kill(impostor);
    world.kill(1);
    world.run(3_600_000);
    assert_eq!(question(&world, 0, "bob"), None);
}

#[test]
fn a_new_key_of_somebody_who_is_gone_stops_sending_until_the_user_answers() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    world.kill(1);
    let other = Credential::self_signed(&address("bob"), world.now).unwrap();
    let key = other.certificate().fingerprint();
    let new_bob = world.add(address("bob"), other);
    world.command(new_bob, Command::Add(address("alice"), None));
    world.run(30_000);
    assert_eq!(question(&world, 0, "bob"), Some(QuestionKind::Changed));
    world.send(0, new_bob, "who are you?");
    world.run(60_000);
    assert!(world.inbox(new_bob, 0).is_empty());
    assert_eq!(world.sees(0, new_bob), Status::Offline);

    world.command(0, Command::Accept(address("bob"), Some(key)));
    world.run(10_000);
    assert_eq!(world.inbox(new_bob, 0), ["who are you?"]);
    assert_eq!(world.sees(0, new_bob), Status::Online);
}

#[test]
fn a_key_that_the_user_did_not_choose_raises_no_question_again() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let known = world.nodes[1].credential.certificate().fingerprint();
    world.kill(1);
    let impostor = Credential::self_signed(&address("bob"), world.now).unwrap();
    let false_bob = world.add(address("bob"), impostor.clone());
    world.link(false_bob, 0);
    world.run(30_000);
    assert_eq!(question(&world, 0, "bob"), Some(QuestionKind::Changed));
    world.command(0, Command::Accept(address("bob"), Some(known)));
    world.send(0, 1, "for Bob only");
    world.link(false_bob, 0);
    world.run(300_000);
    assert_eq!(question(&world, 0, "bob"), None);
    // Nor when nothing but its record and memory are left.
    world.kill(0);
    world.kill(false_bob);
    world.claims.push((address("bob"), impostor));
    world.start(0);
    world.run(300_000);
    assert_eq!(question(&world, 0, "bob"), None);
    world.start(1);
    world.run(10_000);
    assert_eq!(world.inbox(1, 0), ["for Bob only"]);
    assert!(world.inbox(false_bob, 0).is_empty());
}

#[test]
fn the_question_survives_a_restart() {
    let mut world = World::of(&["alice", "bob"]);
    let impostor = Credential::self_signed(&address("bob"), world.now).unwrap();
    world.claims.push((address("bob"), impostor));
    world.command(0, Command::Add(address("bob"), None));
    world.run(5_000);
    world.kill(0);
    world.start(0);
    world.run(60_000);
    assert_eq!(question(&world, 0, "bob"), Some(QuestionKind::Several));
}

#[test]
fn a_key_that_is_not_among_the_candidates_is_no_answer() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let other = Credential::self_signed(&address("bob"), world.now)
        .unwrap()
        .certificate()
        .fingerprint();
    let call = world.command(0, Command::Accept(address("bob"), Some(other)));
    world.run(0);
    assert_eq!(
        world.nodes[0].replies[&call].as_ref().unwrap_err(),
        &CommandError::NoSuchKey
    );
}

#[test]
fn a_strangers_second_key_is_not_heard_under_the_first_ones_name() {
    let mut world = World::of(&["alice", "eve"]);
    let other = Credential::self_signed(&address("eve"), world.now).unwrap();
    let second = world.add(address("eve"), other);
    world.link(1, 0);
    world.link(second, 0);
    world.run(10);
    world.send(1, 0, "first");
    world.run(1_000);
    world.send(second, 0, "second");
    world.run(60_000);
    assert_eq!(world.inbox(0, 1), ["first"]);
}

#[test]
fn a_call_that_somebody_else_answers_is_made_again() {
    let mut world = World::of(&["alice", "bob"]);
    world.befriend(0, 1);
    world.run(1_000);
    let (pair, bob) = (world.pair(0, 1), world.nodes[1].credential.certificate().clone());
    let somebody = Credential::self_signed(&address("bob"), world.now).unwrap();
    world.kill(1);
    world.run(0);

    let mut alice = world.nodes[0].agent.take().unwrap();
    let now = alice.next_wakeup().unwrap();
    let looks_for_bob =
        |actions: Vec<Action>| matches!(actions.as_slice(), [Action::Locate(of)] if of.with == address("bob"));
    assert!(looks_for_bob(alice.handle(now, Event::Wake)));
    let claims = vec![Claim {
        certificate: bob,
        chain: Vec::new(),
    }];
    let pair_found = pair.clone();
    let called = alice.handle(
        now,
        Event::Located {
            pair: pair_found,
            claims,
            asked: true,
        },
    );
    assert!(matches!(called.as_slice(), [Action::Connect { .. }]));
    let up = LinkUp {
        link: 1_000_000,
        pair,
        device: "somebody's".to_owned(),
        certificate: somebody.certificate().clone(),
    };
    let refused = alice.handle(now, Event::LinkUp(up));
    assert!(matches!(refused.as_slice(), [Action::CloseLink(1_000_000)]));
    let again = alice.next_wakeup().unwrap();
    assert!(again - now <= 2_000);
    assert!(looks_for_bob(alice.handle(again, Event::Wake)));
}

#[test]
fn what_an_authority_vouched_for_is_worth_less_when_the_program_starts_without_it() {
    for is_confirmed in [false, true] {
        let mut world = World::of(&["alice", "bob"]);
        let authority = Authority::new(world.now);
        let own = world.nodes[1].credential.clone();
        let chain = authority.certify(&own, world.now).to_pem();
        let certified = NewKey::of(&own).certified(&chain).unwrap();
        world.nodes[1].credential = certified.clone();
        world.happens(0, Event::Authorities(authority.anchors()));
        world.befriend(0, 1);
        world.run(10_000);
        let known = |world: &World| {
            let buddy = world.agent(0).buddy(&address("bob")).unwrap();
            (buddy.known.unwrap().trust, buddy.known_by.unwrap().how.as_str())
        };
        assert_eq!(known(&world), (Trust::Verified, "authority"));
        if is_confirmed {
            let key = certified.certificate().fingerprint();
            world.command(0, Command::Accept(address("bob"), Some(key)));
            world.run(1_000);
            assert_eq!(known(&world), (Trust::Verified, "authority"));
        }
        world.kill(0);
        // It trusts nobody now.
        world.start(0);
        world.run(60_000);
        let left = if is_confirmed {
            (Trust::Pinned, "fingerprint")
        } else {
            (Trust::Unverified, "first")
        };
        assert_eq!(known(&world), left);
        assert_eq!(
            world.nodes[0].disk.buddies[&address("bob")]
                .known
                .as_ref()
                .unwrap()
                .trust,
            left.0
        );
        // It is the same key: nobody is asked, and they talk on.
        assert_eq!(question(&world, 0, "bob"), None);
        world.send(1, 0, "still me");
        world.run(10_000);
        assert_eq!(world.inbox(0, 1), ["still me"]);
    }
}
