//! Invitations by mail: only what was mailed and comes back signed makes a key known.

use corella_identity::{
    Credential, Millis,
    invitation::{Invitation, LIFETIME, Nonce},
    trust::{QuestionKind, Trust},
};

use super::world::{World, address};
use crate::*;

fn fresh() -> Nonce {
    Nonce::new().unwrap()
}

/// What the user's call of `n` gives to be mailed.
fn mail_of(world: &mut World, n: usize, command: Command) -> InvitationMail {
    let call = world.command(n, command);
    world.run(0);
    match &world.nodes[n].replies[&call] {
        Ok(Reply::Mail(mail)) => (**mail).clone(),
        other => panic!("{other:?}"),
    }
}

fn invite(world: &mut World, n: usize, whom: &str) -> InvitationMail {
    let (to, from, nonce) = (address(whom), None, fresh());
    mail_of(world, n, Command::Invite { to, from, nonce })
}

fn accept(world: &mut World, n: usize, whose: &str) -> InvitationMail {
    let (address, nonce) = (address(whose), fresh());
    mail_of(world, n, Command::AcceptInvitation { address, nonce })
}

/// `n` reads a mail from `from` that carries this, signed by `signer` just now.
fn read(world: &mut World, n: usize, from: &str, mail: &InvitationMail, signer: &Credential) -> InvitationOutcome {
    let at = world.now;
    read_of(world, n, from, mail, signer, at, false)
}

/// `n` reads one that says it is of that time; `is_opened`: by opening it.
fn read_of(
    world: &mut World,
    n: usize,
    from: &str,
    mail: &InvitationMail,
    signer: &Credential,
    at: Millis,
    is_opened: bool,
) -> InvitationOutcome {
    let invitation = Invitation {
        from: mail.pair.own.clone(),
        to: mail.pair.with.clone(),
        at,
        nonce: mail.nonce,
        returns: mail.returns.clone(),
    };
    let command = Command::ReadInvitation {
        from: address(from),
        invitation: Box::new(invitation),
        certificate: signer.certificate().clone(),
        is_opened,
    };
    let call = world.command(n, command);
    world.run(0);
    match &world.nodes[n].replies[&call] {
        Ok(Reply::Read(outcome, _)) => *outcome,
        other => panic!("{other:?}"),
    }
}

fn credential(world: &World, n: usize) -> Credential {
    world.nodes[n].credential.clone()
}

fn state(world: &World, n: usize, of: &str) -> Option<InvitationState> {
    let view = world.agent(n).buddy(&address(of))?;
    view.invitations.state(world.now)
}

fn known(world: &World, n: usize, of: &str) -> Option<(Trust, How)> {
    let view = world.agent(n).buddy(&address(of))?;
    Some((view.known?.trust, view.known_by?.how))
}

const PINNED: Option<(Trust, How)> = Some((Trust::Pinned, How::Invitation));
const FIRST: Option<(Trust, How)> = Some((Trust::Unverified, How::First));
const UNKNOWN: InvitationOutcome = InvitationOutcome::Refused(InvitationRefusal::Unknown);

#[test]
fn two_who_mail_each_other_know_each_others_keys() {
    let mut world = World::of(&["alice", "bob"]);
    let (alice, bob) = (credential(&world, 0), credential(&world, 1));
    let invitation = invite(&mut world, 0, "bob");
    assert_eq!(state(&world, 0, "bob"), Some(InvitationState::Sent));
    assert_eq!(
        read(&mut world, 1, "alice", &invitation, &alice),
        InvitationOutcome::Offered
    );
    assert_eq!(state(&world, 1, "alice"), Some(InvitationState::Offered));
    assert_eq!(
        world.agent(1).buddy(&address("alice")).unwrap().consent,
        Consent::Request
    );
    assert_eq!(
        read(&mut world, 1, "alice", &invitation, &alice),
        InvitationOutcome::Known
    );

    let answer = accept(&mut world, 1, "alice");
    assert_eq!(answer.returns, [invitation.nonce]);
    assert_eq!(state(&world, 1, "alice"), Some(InvitationState::Answered));
    world.run(60_000);
    assert_eq!((known(&world, 0, "bob"), known(&world, 1, "alice")), (FIRST, FIRST));

    // Everything is remembered while the answer is on its way.
    for n in [0, 1] {
        world.kill(n);
        world.start(n);
    }
    assert_eq!(read(&mut world, 0, "bob", &answer, &bob), InvitationOutcome::Accepted);
    assert_eq!(known(&world, 0, "bob"), PINNED);
    assert_eq!(state(&world, 0, "bob"), None);
    world.run(60_000);
    world.send(0, 1, "hello");
    world.run(1_000);
    assert_eq!(world.inbox(1, 0), ["hello"]);
    assert_eq!(known(&world, 1, "alice"), PINNED, "with her first message");
    assert_eq!(state(&world, 1, "alice"), None);
    assert_eq!(read(&mut world, 0, "bob", &answer, &bob), InvitationOutcome::Known);
}

#[test]
fn what_comes_back_may_wait_in_the_overlay() {
    let mut world = World::of(&["alice", "bob"]);
    world.is_stored = true;
    let (alice, bob) = (credential(&world, 0), credential(&world, 1));
    let invitation = invite(&mut world, 0, "bob");
    read(&mut world, 1, "alice", &invitation, &alice);
    let answer = accept(&mut world, 1, "alice");
    world.run(10_000);
    world.kill(1);
    read(&mut world, 0, "bob", &answer, &bob);
    world.send(0, 1, "hello");
    world.run(600_000);
    world.kill(0);
    world.start(1);
    world.run(60_000);
    assert_eq!(world.inbox(1, 0), ["hello"]);
    assert_eq!(known(&world, 1, "alice"), PINNED);
}

#[test]
fn a_forged_from_gains_nothing() {
    let mut world = World::of(&["alice", "bob"]);
    world.run(1_000);
    // Mallory writes to Bob in Alice's name: the mail looks as if it came from her, and so does what is in it.
    let mallory = Credential::self_signed(&address("alice"), world.now).unwrap();
    let forged = InvitationMail {
        pair: world.pair(0, 1),
        nonce: fresh(),
        returns: Vec::new(),
    };
    assert_eq!(
        read(&mut world, 1, "alice", &forged, &mallory),
        InvitationOutcome::Offered
    );
    // Bob accepts. The answer goes to Alice's mailbox; she has invited nobody.
    let answer = accept(&mut world, 1, "alice");
    assert_eq!(answer.pair.with, address("alice"));
    let bob = credential(&world, 1);
    assert_eq!(read(&mut world, 0, "bob", &answer, &bob), UNKNOWN);
    // Mallory, who did not see it, can return nothing.
    let guess = InvitationMail {
        pair: world.pair(0, 1),
        nonce: fresh(),
        returns: vec![forged.nonce, fresh()],
    };
    assert_eq!(read(&mut world, 1, "alice", &guess, &mallory), UNKNOWN);
    world.run(60_000);
    assert_eq!(known(&world, 1, "alice"), FIRST);
    assert_eq!(
        world
            .agent(1)
            .buddy(&address("alice"))
            .unwrap()
            .known
            .unwrap()
            .certificate,
        *world.nodes[0].credential.certificate(),
        "the key in the forged mail is not taken"
    );
    // And when Alice does invite him, one answer is for both.
    let (alice, invitation) = (credential(&world, 0), invite(&mut world, 0, "bob"));
    assert_eq!(
        read(&mut world, 1, "alice", &invitation, &alice),
        InvitationOutcome::Offered
    );
    let answer = accept(&mut world, 1, "alice");
    assert_eq!(answer.returns, [forged.nonce, invitation.nonce]);
    assert_eq!(read(&mut world, 0, "bob", &answer, &bob), InvitationOutcome::Accepted);
}

#[test]
fn an_answer_from_another_mailbox_or_by_another_is_refused() {
    let mut world = World::of(&["alice", "bob", "carol"]);
    let (alice, carol) = (credential(&world, 0), credential(&world, 2));
    let invitation = invite(&mut world, 0, "bob");
    read(&mut world, 1, "alice", &invitation, &alice);
    let answer = accept(&mut world, 1, "alice");
    let bob = credential(&world, 1);
    let other_sender = InvitationOutcome::Refused(InvitationRefusal::OtherSender);
    assert_eq!(read(&mut world, 0, "carol", &answer, &bob), other_sender);
    // Carol has got hold of what was mailed to Bob, and answers for herself.
    let of_carol = InvitationMail {
        pair: Pair {
            own: address("carol"),
            with: address("alice"),
        },
        nonce: fresh(),
        returns: answer.returns.clone(),
    };
    world.command(0, Command::Add(address("carol"), None));
    assert_eq!(read(&mut world, 0, "carol", &of_carol, &carol), UNKNOWN);
    let to_carol = InvitationMail {
        pair: Pair {
            own: address("bob"),
            with: address("carol"),
        },
        ..answer.clone()
    };
    let other_recipient = InvitationOutcome::Refused(InvitationRefusal::OtherRecipient);
    assert_eq!(read(&mut world, 0, "bob", &to_carol, &bob), other_recipient);
    assert_eq!(read(&mut world, 0, "bob", &answer, &bob), InvitationOutcome::Accepted);
}

#[test]
fn what_was_mailed_is_worth_something_for_a_month() {
    let mut world = World::of(&["alice", "bob"]);
    let (alice, bob) = (credential(&world, 0), credential(&world, 1));
    let invitation = invite(&mut world, 0, "bob");
    read(&mut world, 1, "alice", &invitation, &alice);
    let answer = accept(&mut world, 1, "alice");
    world.run(LIFETIME);
    assert_eq!(read(&mut world, 0, "bob", &answer, &bob), UNKNOWN);
    assert_eq!((state(&world, 0, "bob"), state(&world, 1, "alice")), (None, None));
    let (address, nonce) = (address("alice"), fresh());
    let call = world.command(1, Command::AcceptInvitation { address, nonce });
    world.run(0);
    assert_eq!(
        world.nodes[1].replies[&call].as_ref().unwrap_err(),
        &CommandError::NoInvitation
    );
}

#[test]
fn a_proven_key_is_a_question_where_another_is_known() {
    let mut world = World::of(&["alice", "bob"]);
    let squatter = Credential::self_signed(&address("bob"), world.now).unwrap();
    world.kill(1);
    world.claims.push((address("bob"), squatter.clone()));
    let invitation = invite(&mut world, 0, "bob");
    world.run(60_000);
    assert_eq!(known(&world, 0, "bob"), FIRST, "of whoever was there first");
    world.claims.clear();
    world.start(1);
    let (alice, bob) = (credential(&world, 0), credential(&world, 1));
    read(&mut world, 1, "alice", &invitation, &alice);
    let answer = accept(&mut world, 1, "alice");
    let other_key = InvitationOutcome::Refused(InvitationRefusal::OtherKey);
    assert_eq!(read(&mut world, 0, "bob", &answer, &bob), other_key);
    let question = world.agent(0).buddy(&address("bob")).unwrap().question.unwrap();
    assert_eq!(question.kind, QuestionKind::Changed);
    let [candidate] = question.candidates.as_slice() else {
        panic!("{question:?}")
    };
    assert_eq!(
        (candidate.fingerprint, candidate.trust),
        (bob.certificate().fingerprint(), Trust::Pinned)
    );
    assert_eq!(
        world.agent(0).returns(world.now, &address("bob")),
        None,
        "it is his who mailed it"
    );
    let secret = world.send(0, 1, "for the true Bob");
    world.run(60_000);
    assert!(world.inbox(1, 0).is_empty(), "nothing is sent before it is answered");
    world.command(0, Command::Accept(address("bob"), Some(candidate.fingerprint)));
    world.run(60_000);
    assert!(world.row(1, 0, Side::In, &secret).is_some());
}

#[test]
fn an_answer_comes_to_whatever_own_address_was_named() {
    let mut world = World::of(&["alice", "bob"]);
    world.happens(0, Event::OwnAddress(address("alice2")));
    world.command(0, Command::Add(address("bob"), None));
    world.run(1_000);
    let (to, from, nonce) = (address("bob"), Some(address("alice2")), fresh());
    let mail = mail_of(&mut world, 0, Command::Invite { to, from, nonce });
    assert_eq!(mail.pair.own, address("alice2"));
    let bob = credential(&world, 1);
    let answer = InvitationMail {
        pair: Pair {
            own: address("bob"),
            with: address("alice2"),
        },
        nonce: fresh(),
        returns: vec![mail.nonce],
    };
    assert_eq!(read(&mut world, 0, "bob", &answer, &bob), InvitationOutcome::Accepted);
    assert_eq!(known(&world, 0, "bob"), PINNED);
    // Whoever is blocked is not heard.
    world.command(0, Command::Block(address("bob")));
    assert_eq!(read(&mut world, 0, "bob", &answer, &bob), InvitationOutcome::Known);
}

#[test]
fn what_is_declined_is_not_offered_again() {
    let mut world = World::of(&["alice", "bob", "carol"]);
    let (alice, carol) = (credential(&world, 0), credential(&world, 2));
    let (first, second) = (invite(&mut world, 0, "bob"), invite(&mut world, 2, "bob"));
    read(&mut world, 1, "alice", &first, &alice);
    read(&mut world, 1, "carol", &second, &carol);
    world.command(1, Command::DeclineInvitation(address("alice")));
    world.command(1, Command::Remove(address("carol")));
    world.run(1_000);
    for _ in 0..2 {
        assert!(world.agent(1).buddies().is_empty());
        assert_eq!(read(&mut world, 1, "alice", &first, &alice), InvitationOutcome::Known);
        assert_eq!(read(&mut world, 1, "carol", &second, &carol), InvitationOutcome::Known);
        world.kill(1);
        world.start(1);
        world.run(1_000);
    }
    // Somebody who is blocked is not heard by mail either.
    world.command(1, Command::Block(address("carol")));
    let third = InvitationMail {
        nonce: fresh(),
        ..second
    };
    assert_eq!(read(&mut world, 1, "carol", &third, &carol), InvitationOutcome::Known);
    assert_eq!(state(&world, 1, "carol"), None);
}

#[test]
fn a_crowd_of_invitations_fills_nothing() {
    let mut world = World::of(&["bob"]);
    for n in 0..300 {
        let name = format!("stranger{n}");
        let (mail, signer) = from_a_stranger(&world, &name);
        read(&mut world, 0, &name, &mail, &signer);
        world.run(1);
    }
    let waiting = world.agent(0).buddies();
    assert_eq!(waiting.len(), 20);
    assert!(waiting.iter().any(|one| one.address == address("stranger299")));
}

fn from_a_stranger(world: &World, name: &str) -> (InvitationMail, Credential) {
    let pair = Pair {
        own: address(name),
        with: address("bob"),
    };
    let (nonce, returns) = (fresh(), Vec::new());
    let signer = Credential::self_signed(&address(name), world.now).unwrap();
    (InvitationMail { pair, nonce, returns }, signer)
}

#[test]
fn the_latest_of_too_many_wait_in_whatever_order_they_are_read() {
    let mut world = World::of(&["bob"]);
    let names: Vec<String> = (0..25).map(|n| format!("stranger{n}")).collect();
    let mails: Vec<_> = names.iter().map(|name| from_a_stranger(&world, name)).collect();
    let begun = world.now;
    let look = |world: &mut World, order: &[usize]| {
        let mut offered = 0;
        for n in order {
            let (mail, signer) = &mails[*n];
            let outcome = read_of(world, 0, &names[*n], mail, signer, begun + *n as i64, false);
            offered += usize::from(outcome == InvitationOutcome::Offered);
        }
        let mut waiting: Vec<_> = world.agent(0).buddies().into_iter().map(|one| one.address).collect();
        waiting.sort();
        (offered, waiting)
    };
    let mut latest: Vec<_> = names[5..].iter().map(|name| address(name)).collect();
    latest.sort();
    let backwards: Vec<usize> = (0..25).rev().collect();
    assert_eq!(look(&mut world, &backwards), (20, latest.clone()));
    let forwards: Vec<usize> = (0..25).collect();
    for order in [forwards, backwards] {
        assert_eq!(look(&mut world, &order), (0, latest.clone()), "nobody is offered twice");
    }
    // Nobody is helped by a date that lies ahead; and whoever's mail the user opens is offered in any case.
    let ahead: Vec<_> = (0..20).map(|n| format!("ahead{n}")).collect();
    for name in &ahead {
        let (mail, signer) = from_a_stranger(&world, name);
        read_of(&mut world, 0, name, &mail, &signer, begun + 23 * 3_600_000, false);
    }
    let (mail, signer) = from_a_stranger(&world, "friend");
    assert_eq!(
        read_of(&mut world, 0, "friend", &mail, &signer, begun + 100, false),
        InvitationOutcome::Offered
    );
    let (mail, signer) = from_a_stranger(&world, "old");
    let mut read_old = |is_opened| read_of(&mut world, 0, "old", &mail, &signer, begun - 1, is_opened);
    assert_eq!(read_old(false), InvitationOutcome::Known);
    assert_eq!(read_old(true), InvitationOutcome::Offered);
}

#[test]
fn who_wrote_after_an_invitation_is_not_pushed_out_by_mail() {
    let mut world = World::of(&["alice", "bob"]);
    let (alice, invitation) = (credential(&world, 0), invite(&mut world, 0, "bob"));
    read(&mut world, 1, "alice", &invitation, &alice);
    world.send(0, 1, "did you get my mail?");
    world.run(10_000);
    for n in 0..30 {
        let name = format!("stranger{n}");
        let (mail, signer) = from_a_stranger(&world, &name);
        read(&mut world, 1, &name, &mail, &signer);
    }
    assert_eq!(world.agent(1).buddies().len(), 21);
    assert_eq!(state(&world, 1, "alice"), Some(InvitationState::Offered));
    assert_eq!(world.inbox(1, 0), ["did you get my mail?"]);
}

#[test]
fn who_invited_by_mail_and_writes_too_is_one_person_with_one_key() {
    let mut world = World::of(&["alice", "bob"]);
    let alice = credential(&world, 0);
    let invitation = invite(&mut world, 0, "bob");
    read(&mut world, 1, "alice", &invitation, &alice);
    world.send(0, 1, "did you get my mail?");
    world.run(10_000);
    let other = Credential::self_signed(&address("alice"), world.now).unwrap();
    let false_alice = world.add(address("alice"), other);
    world.link(false_alice, 1);
    world.send(false_alice, 1, "or mine?");
    world.run(10_000);
    assert_eq!(world.inbox(1, 0), ["did you get my mail?"]);
    assert_eq!(known(&world, 1, "alice"), FIRST);
}
