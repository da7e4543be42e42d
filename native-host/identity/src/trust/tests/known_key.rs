use super::*;

const ALL: [Trust; 3] = [Trust::Verified, Trust::Pinned, Trust::Unverified];

#[test]
fn the_known_one_is_kept() {
    let root = authority("Root");
    for trust in ALL {
        let own = self_signed();
        assert_eq!(
            choice(&TrustAnchors::none(), known(&own, trust), &[&own]),
            Choice::Keep,
            "{trust:?}"
        );
        let (stranger, other) = (self_signed(), self_signed());
        let presented = [&stranger, &own, &other];
        assert_eq!(
            choice(&trusting(&[&root]), known(&own, trust), &presented),
            Choice::Keep,
            "{trust:?}"
        );
    }
    let issued = Template::default().issue(&root, &p256());
    let anchors = trusting(&[&root]);
    assert_eq!(
        choice(&anchors, known(&issued, Trust::Verified), &[&issued, &self_signed()]),
        Choice::Keep
    );
    assert_eq!(
        choice(&anchors, known(&issued, Trust::Pinned), &[&issued]),
        Choice::Keep
    );
}

#[test]
fn trust_in_the_known_one_rises_and_never_falls() {
    let root = authority("Root");
    let issued = Template::default().issue(&root, &p256());
    let presented = [&self_signed(), &issued];
    let anchors = trusting(&[&root]);
    assert_eq!(
        choice(&anchors, known(&issued, Trust::Unverified), &presented),
        adopted(&issued, Trust::Verified)
    );
    assert_eq!(
        choice(&TrustAnchors::none(), known(&issued, Trust::Verified), &presented),
        Choice::Keep
    );
    assert_eq!(
        choice(&TrustAnchors::none(), known(&issued, Trust::Pinned), &presented),
        Choice::Keep
    );
}

#[test]
fn another_one_instead_of_the_known_is_an_alarm() {
    let root = authority("Root");
    let anchors = trusting(&[&root]);
    let (known_one, other) = (self_signed(), self_signed());
    let issued = Template::default().issue(&root, &p256());
    for trust in ALL {
        let alarm = asked(QuestionKind::Changed, &[(&other, Trust::Unverified)]);
        assert_eq!(
            choice(&anchors, known(&known_one, trust), &[&other]),
            alarm,
            "{trust:?}"
        );
        let alarm = asked(
            QuestionKind::Changed,
            &[(&issued, Trust::Verified), (&other, Trust::Unverified)],
        );
        assert_eq!(
            choice(&anchors, known(&known_one, trust), &[&other, &issued]),
            alarm,
            "{trust:?}"
        );
    }
    let alarm = asked(QuestionKind::Changed, &[(&other, Trust::Unverified)]);
    assert_eq!(choice(&anchors, known(&issued, Trust::Verified), &[&other]), alarm);
}

#[test]
fn a_verified_one_beside_an_unverified_known_one_is_an_alarm() {
    let root = authority("Root");
    let anchors = trusting(&[&root]);
    let own = self_signed();
    let issued = Template::default().issue(&root, &p256());
    let alarm = asked(
        QuestionKind::Changed,
        &[(&issued, Trust::Verified), (&own, Trust::Unverified)],
    );
    assert_eq!(
        choice(&anchors, known(&own, Trust::Unverified), &[&own, &issued]),
        alarm
    );
    assert_eq!(
        choice(&anchors, known(&own, Trust::Pinned), &[&own, &issued]),
        Choice::Keep
    );
}

#[test]
fn a_newer_one_of_the_same_authority_is_announced() {
    let (root, second) = (authority("Root"), authority("Second"));
    let anchors = trusting(&[&root, &second]);
    let at = |days: i64| Template {
        not_before: NOW + days * DAY,
        ..Template::default()
    };
    let old = at(-40).issue(&root, &p256());
    let new = at(-10).issue(&root, &p256());
    let newest = at(-5).issue(&root, &p256());
    let elsewhere = at(-1).issue(&second, &p256());
    let stranger = self_signed();
    let renewed = |c: &Certificate| Choice::Renewed {
        certificate: c.clone(),
        trust: Trust::Verified,
    };
    let known_old = || known(&old, Trust::Verified);
    assert_eq!(choice(&anchors, known_old(), &[&new]), renewed(&new));
    assert_eq!(choice(&anchors, known_old(), &[&new, &old]), renewed(&new));
    assert_eq!(
        choice(&anchors, known_old(), &[&new, &stranger, &newest]),
        renewed(&newest)
    );
    assert_eq!(choice(&anchors, known_old(), &[&elsewhere, &new]), renewed(&new));
    // Not newer, or of another authority.
    let known_new = || known(&new, Trust::Verified);
    let alarm = |c: &Certificate| asked(QuestionKind::Changed, &[(c, Trust::Verified)]);
    assert_eq!(choice(&anchors, known_new(), &[&old]), alarm(&old));
    assert_eq!(choice(&anchors, known_new(), &[&old, &new]), Choice::Keep);
    assert_eq!(choice(&anchors, known_new(), &[&elsewhere]), alarm(&elsewhere));
    assert_eq!(choice(&anchors, known_new(), &[&elsewhere, &new]), Choice::Keep);
    // Two of the same moment: none is chosen silently.
    let twin = at(-5).issue(&root, &p256());
    assert_eq!(choice(&anchors, known_old(), &[&newest, &twin, &old]), Choice::Keep);
    assert!(matches!(
        choice(&anchors, known_old(), &[&newest, &twin]),
        Choice::Ask(_)
    ));
    // Pinned means this certificate and no other; unverified has no authority.
    for trust in [Trust::Pinned, Trust::Unverified] {
        assert_eq!(choice(&anchors, known(&old, trust), &[&new]), alarm(&new), "{trust:?}");
    }
    // An authority that is trusted no more renews nothing.
    let alarm = asked(QuestionKind::Changed, &[(&new, Trust::Unverified)]);
    assert_eq!(choice(&trusting(&[&second]), known_old(), &[&new]), alarm);
}

#[test]
fn renewal_works_after_the_known_one_has_expired() {
    let root = authority("Root");
    let old = Template {
        not_after: NOW - DAY,
        ..Template::default()
    }
    .issue(&root, &p256());
    let new = Template {
        not_before: NOW - 2 * DAY,
        ..Template::default()
    }
    .issue(&root, &p256());
    let choice = choice(&trusting(&[&root]), known(&old, Trust::Verified), &[&old, &new]);
    assert_eq!(
        choice,
        Choice::Renewed {
            certificate: new,
            trust: Trust::Verified
        }
    );
}

#[test]
fn an_expired_known_one_does_not_count_as_there() {
    let old = Template {
        not_after: NOW - DAY,
        ..Template::default()
    }
    .self_signed()
    .certificate;
    let other = self_signed();
    for trust in ALL {
        assert_eq!(
            choice(&TrustAnchors::none(), known(&old, trust), &[&old]),
            Choice::Nothing
        );
        let alarm = asked(QuestionKind::Changed, &[(&other, Trust::Unverified)]);
        assert_eq!(
            choice(&TrustAnchors::none(), known(&old, trust), &[&old, &other]),
            alarm,
            "{trust:?}"
        );
    }
}

#[test]
fn a_copy_of_the_known_key_does_not_stand_for_it() {
    let own = Template::default().self_signed();
    let copied = Template {
        not_before: NOW - DAY,
        ..Template::default()
    }
    .issue(&authority("Stranger"), &own.key);
    let anchors = TrustAnchors::none();
    for trust in ALL {
        assert_eq!(
            choice(&anchors, known(&own.certificate, trust), &[&copied, &own.certificate]),
            Choice::Keep
        );
        assert_eq!(
            choice(&anchors, known(&own.certificate, trust), &[&copied]),
            Choice::Keep,
            "{trust:?}"
        );
    }
}

#[test]
fn a_certificate_from_an_authority_for_the_known_key_is_no_alarm() {
    let root = authority("Root");
    let anchors = trusting(&[&root]);
    let own = Template::default().self_signed();
    let issued = Template {
        not_before: NOW - DAY,
        ..Template::default()
    }
    .issue(&root, &own.key);
    for presented in [
        &[&issued][..],
        &[&issued, &own.certificate],
        &[&own.certificate, &issued],
    ] {
        for (trust, then) in [(Trust::Unverified, Trust::Verified), (Trust::Pinned, Trust::Pinned)] {
            assert_eq!(
                choice(&anchors, known(&own.certificate, trust), presented),
                adopted(&issued, then),
                "{trust:?}"
            );
        }
    }
    // To who does not trust the authority, or lacks a link of the chain, it is a stranger's word.
    for trust in ALL {
        assert_eq!(
            choice(&TrustAnchors::none(), known(&own.certificate, trust), &[&issued]),
            Choice::Keep
        );
    }
}

#[test]
fn a_renewal_for_the_same_key_is_taken_without_a_word() {
    let (root, second) = (authority("Root"), authority("Second"));
    let anchors = trusting(&[&root, &second]);
    let key = p256();
    let at = |days: i64| Template {
        not_before: NOW + days * DAY,
        ..Template::default()
    };
    let (old, new, elsewhere) = (
        at(-40).issue(&root, &key),
        at(-5).issue(&root, &key),
        at(-3).issue(&second, &key),
    );
    for presented in [&[&new][..], &[&old, &new]] {
        assert_eq!(
            choice(&anchors, known(&old, Trust::Verified), presented),
            adopted(&new, Trust::Verified)
        );
    }
    assert_eq!(
        choice(&anchors, known(&old, Trust::Verified), &[&elsewhere]),
        adopted(&elsewhere, Trust::Verified)
    );
    assert_eq!(
        choice(&anchors, known(&new, Trust::Verified), &[&old, &new]),
        Choice::Keep
    );
}

#[test]
fn verified_is_not_followed_by_what_the_key_says_of_itself() {
    let root = authority("Root");
    let own = Template::default().self_signed();
    let issued = Template::default().issue(&root, &own.key);
    let anchors = trusting(&[&root]);
    assert_eq!(
        choice(&anchors, known(&issued, Trust::Verified), &[&own.certificate]),
        Choice::Keep
    );
    let expired = Template {
        not_after: NOW - DAY,
        ..Template::default()
    }
    .issue(&root, &own.key);
    let alarm = asked(QuestionKind::Changed, &[(&own.certificate, Trust::Unverified)]);
    assert_eq!(
        choice(&anchors, known(&expired, Trust::Verified), &[&own.certificate]),
        alarm
    );
    // What was not verified before is worth the same as before.
    let again = Template {
        not_before: NOW - DAY,
        ..Template::default()
    };
    let again = again.self_signed_with(&own.key);
    for trust in [Trust::Pinned, Trust::Unverified] {
        assert_eq!(
            choice(&anchors, known(&own.certificate, trust), &[&again]),
            adopted(&again, trust)
        );
    }
}
