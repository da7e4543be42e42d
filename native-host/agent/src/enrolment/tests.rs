use super::*;

const NOW: Millis = 1_781_524_800_000;
const HOUR: Millis = 3_600_000;

fn id() -> RequestId {
    RequestId::from([7; 16])
}

fn token() -> Token {
    Token::derive(&[9; 32], &id()).unwrap()
}

fn letter() -> Vec<(Tag, Token)> {
    let other = RequestId::from([8; 16]);
    vec![
        (other.tag(), Token::derive(&[9; 32], &other).unwrap()),
        (id().tag(), token()),
    ]
}

/// One that was asked for and whose letter is on its way.
fn waiting() -> Enrolment {
    let (mut enrolment, _) = Enrolment::begin(None, NOW);
    enrolment.asked(Ok((id(), Progress::Mailed)), NOW);
    enrolment
}

#[test]
fn from_the_wish_to_the_certificate() {
    let (mut enrolment, steps) = Enrolment::begin(None, NOW);
    assert_eq!(steps, [Step::Show(Shown::Asking), Step::Ask]);
    let steps = enrolment.asked(
        Ok((
            id(),
            Progress::Waiting {
                delayed: false,
                at: None,
            },
        )),
        NOW,
    );
    assert_eq!(steps, [Step::Keep(Some(id())), Step::Show(Shown::LetterComing)]);
    assert_eq!(enrolment.letter(&letter()[..1], NOW), None, "somebody else's letter");
    let steps = enrolment.letter(&letter(), NOW + 1000).unwrap();
    let answer = Step::Answer {
        id: id(),
        token: token(),
    };
    assert_eq!(steps, [Step::Show(Shown::Answering), answer]);
    assert_eq!(enrolment.letter(&letter(), NOW + 1000), None, "the same letter again");
    let steps = enrolment.answered(Ok("chain".to_owned()), NOW + 2000);
    assert_eq!(steps, [Step::Install("chain".to_owned())]);
    let steps = enrolment.installed(true, NOW + 2000);
    assert_eq!(steps, [Step::Keep(None), Step::Show(Shown::Done)]);
    assert!(enrolment.is_over() && enrolment.next_wakeup().is_none());
}

#[test]
fn an_authority_that_is_away_is_asked_again_and_the_user_hears_it_once() {
    let (mut enrolment, _) = Enrolment::begin(None, NOW);
    let steps = enrolment.asked(Err(Trouble::Later), NOW);
    assert_eq!(steps, [Step::Show(Shown::Unreachable)]);
    let (mut now, mut pauses) = (NOW, Vec::new());
    for _ in 0..9 {
        let due = enrolment.next_wakeup().unwrap();
        assert_eq!(enrolment.wake(due - 1), []);
        pauses.push((due - now) / 1000);
        now = due;
        assert_eq!(enrolment.wake(now), [Step::Ask]);
        assert_eq!(enrolment.asked(Err(Trouble::Later), now), []);
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    enrolment.wake(now + HOUR);
    let steps = enrolment.asked(Err(Trouble::TooMuch), now + HOUR);
    assert_eq!(steps, [Step::Show(Shown::Limited)]);
}

#[test]
fn after_a_restart_it_goes_on_and_looks_for_a_letter_that_came_meanwhile() {
    let (mut enrolment, steps) = Enrolment::begin(Some((id(), NOW - HOUR)), NOW);
    assert_eq!(steps, [Step::SearchMail, Step::Look(id())]);
    assert!(enrolment.letter(&letter(), NOW).is_some());
    // What is a day old is worth nothing any more.
    let (_, steps) = Enrolment::begin(Some((id(), NOW - 24 * HOUR)), NOW);
    assert_eq!(steps, [Step::Show(Shown::Asking), Step::Ask]);
}

#[test]
fn the_truth_about_the_letter_is_told() {
    let mut enrolment = waiting();
    for (after, progress, expected) in [
        (1, Progress::Mailed, vec![]),
        (
            2,
            Progress::Waiting {
                delayed: true,
                at: None,
            },
            vec![Step::Show(Shown::MailDelayed)],
        ),
        (
            3,
            Progress::Waiting {
                delayed: false,
                at: Some(NOW + 30 * 60_000),
            },
            vec![Step::Show(Shown::LetterLater(NOW + 30 * 60_000))],
        ),
        (
            4,
            Progress::Waiting {
                delayed: false,
                at: Some(Millis::MAX),
            },
            vec![Step::Show(Shown::LetterLater(NOW + TOKEN_LIFETIME))],
        ),
        (
            5,
            Progress::Waiting {
                delayed: false,
                at: Some(NOW + 6 * 60_000),
            },
            vec![Step::Show(Shown::LetterComing)],
        ),
        (
            6,
            Progress::Waiting {
                delayed: true,
                at: None,
            },
            vec![Step::Show(Shown::MailDelayed)],
        ),
        (7, Progress::Mailed, vec![Step::Show(Shown::LetterComing)]),
        (
            10,
            Progress::Mailed,
            vec![Step::SearchMail, Step::Show(Shown::LetterSlow)],
        ),
        (
            11,
            Progress::Undeliverable,
            vec![Step::Show(Shown::NoMailbox), Step::Keep(None)],
        ),
    ] {
        let now = NOW + after * 60_000;
        assert_eq!(enrolment.wake(now), [Step::Look(id())]);
        assert_eq!(enrolment.looked(Ok(progress), now), expected);
    }
    assert!(!enrolment.is_over());
}

#[test]
fn who_does_not_want_to_wait_need_not() {
    let mut enrolment = waiting();
    assert_eq!(enrolment.hurry(NOW + 1), [Step::Look(id()), Step::SearchMail]);
    let (mut enrolment, _) = Enrolment::begin(None, NOW);
    assert_eq!(enrolment.hurry(NOW + 1), [], "it is being asked");
    enrolment.asked(Err(Trouble::Later), NOW);
    assert_eq!(enrolment.hurry(NOW + 1), [Step::Show(Shown::Asking), Step::Ask]);
    assert_eq!(enrolment.next_wakeup(), None);
}

#[test]
fn a_request_that_came_to_nothing_is_followed_by_another() {
    let mut enrolment = waiting();
    enrolment.wake(NOW + 60_000);
    assert_eq!(
        enrolment.looked(Ok(Progress::Expired), NOW + 60_000),
        [Step::Keep(None)]
    );
    let due = enrolment.next_wakeup().unwrap();
    assert_eq!(enrolment.wake(due), [Step::Ask]);

    let mut enrolment = waiting();
    enrolment.letter(&letter(), NOW).unwrap();
    let refused = Err(Trouble::Refused("expired".to_owned()));
    assert_eq!(enrolment.answered(refused, NOW), [Step::Keep(None)]);
    assert!(!enrolment.is_over());
}

#[test]
fn a_forged_letter_does_not_stand_in_the_way_of_the_true_one() {
    let mut enrolment = waiting();
    let forged = vec![(id().tag(), Token::derive(&[1; 32], &id()).unwrap())];
    enrolment.letter(&forged, NOW).unwrap();
    let refused = Err(Trouble::Refused("wrong-token".to_owned()));
    assert_eq!(
        enrolment.answered(refused, NOW),
        [Step::Show(Shown::LetterComing), Step::Look(id())]
    );
    assert!(enrolment.letter(&letter(), NOW).is_some());
}

#[test]
fn an_answer_that_gets_lost_is_given_again() {
    let mut enrolment = waiting();
    enrolment.letter(&letter(), NOW).unwrap();
    assert_eq!(
        enrolment.answered(Err(Trouble::Later), NOW),
        [Step::Show(Shown::Unreachable)]
    );
    let due = enrolment.next_wakeup().unwrap();
    let answer = Step::Answer {
        id: id(),
        token: token(),
    };
    assert_eq!(enrolment.wake(due), [answer]);
}

#[test]
fn after_a_bad_certificate_or_a_refusal_it_is_tried_again_in_a_day() {
    let mut enrolment = waiting();
    enrolment.letter(&letter(), NOW).unwrap();
    enrolment.answered(Ok("chain".to_owned()), NOW);
    let refused = Step::Show(Shown::Refused("bad-certificate".to_owned()));
    assert_eq!(enrolment.installed(false, NOW), [refused, Step::Keep(None)]);
    assert!(enrolment.wake(NOW + HOUR).is_empty());
    assert_eq!(enrolment.wake(NOW + 24 * HOUR), [Step::Ask]);

    let (mut enrolment, _) = Enrolment::begin(None, NOW);
    let steps = enrolment.asked(Err(Trouble::Refused("bad-address".to_owned())), NOW);
    assert_eq!(steps[0], Step::Show(Shown::Refused("bad-address".to_owned())));
    assert_eq!(enrolment.hurry(NOW + HOUR), [Step::Show(Shown::Asking), Step::Ask]);
}
