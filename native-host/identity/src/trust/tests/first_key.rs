use super::*;

#[test]
fn nothing_usable_is_nothing() {
    let root = authority("Root");
    let anchors = trusting(&[&root]);
    assert_eq!(choice(&anchors, None, &[]), Choice::Nothing);
    let unusable = [
        Template {
            mails: vec!["bob@example.net"],
            ..Template::default()
        }
        .issue(&root, &p256()),
        Template {
            not_after: NOW - DAY,
            ..Template::default()
        }
        .issue(&root, &p256()),
        Template {
            not_before: NOW + DAY,
            ..Template::default()
        }
        .issue(&root, &p256()),
        Template {
            ca: true,
            ..Template::default()
        }
        .issue(&root, &p256()),
        Template::default().issue(&root, &p384()),
        Template::default().issue(&root, &rsa(1024)),
    ];
    for certificate in &unusable {
        assert_eq!(
            choice(&anchors, None, &[certificate]),
            Choice::Nothing,
            "{certificate:?}"
        );
        let good = self_signed();
        assert_eq!(
            choice(&anchors, None, &[certificate, &good]),
            adopted(&good, Trust::Unverified)
        );
        for trust in [Trust::Verified, Trust::Pinned, Trust::Unverified] {
            assert_eq!(choice(&anchors, known(&good, trust), &[certificate]), Choice::Nothing);
        }
    }
}

#[test]
fn the_only_one_is_taken() {
    let root = authority("Root");
    let own = Credential::self_signed(&alice(), NOW).unwrap();
    assert_eq!(
        choice(&TrustAnchors::none(), None, &[own.certificate()]),
        adopted(own.certificate(), Trust::Unverified)
    );
    assert_eq!(
        choice(&trusting(&[&root]), None, &[own.certificate()]),
        adopted(own.certificate(), Trust::Unverified)
    );
    let issued = Template::default().issue(&root, &p256());
    assert_eq!(
        choice(&trusting(&[&root]), None, &[&issued]),
        adopted(&issued, Trust::Verified)
    );
    assert_eq!(
        choice(&TrustAnchors::none(), None, &[&issued]),
        adopted(&issued, Trust::Unverified)
    );
    let rsa = Template::default().issue(&root, &rsa(2048));
    assert_eq!(
        choice(&trusting(&[&root]), None, &[&rsa]),
        adopted(&rsa, Trust::Verified)
    );
}

#[test]
fn a_verified_one_wins_over_strangers() {
    let (root, stranger) = (authority("Root"), authority("Stranger"));
    let issued = Template::default().issue(&root, &p256());
    let others = [
        self_signed(),
        self_signed(),
        Template::default().issue(&stranger, &p256()),
    ];
    let presented = [&others[0], &issued, &others[1], &others[2]];
    assert_eq!(
        choice(&trusting(&[&root]), None, &presented),
        adopted(&issued, Trust::Verified)
    );
}

#[test]
fn a_presented_authority_links_the_chain() {
    let root = authority("Root");
    let sub = Template {
        subject: "Sub",
        ca: true,
        mails: vec![],
        ..Template::default()
    }
    .issuer(&root);
    let issued = Template::default().issue(&sub, &p256());
    let presented = [&self_signed(), &issued, &sub.certificate];
    assert_eq!(
        choice(&trusting(&[&root]), None, &presented),
        adopted(&issued, Trust::Verified)
    );
}

#[test]
fn several_are_a_question() {
    let root = authority("Root");
    let older = Template {
        not_before: NOW - 40 * DAY,
        ..Template::default()
    };
    let (one, two) = (older.self_signed().certificate, self_signed());
    let question = asked(
        QuestionKind::Several,
        &[(&two, Trust::Unverified), (&one, Trust::Unverified)],
    );
    assert_eq!(choice(&TrustAnchors::none(), None, &[&one, &two]), question);
    let (first, second) = (older.issue(&root, &p256()), Template::default().issue(&root, &p256()));
    let question = asked(
        QuestionKind::Several,
        &[
            (&second, Trust::Verified),
            (&first, Trust::Verified),
            (&two, Trust::Unverified),
        ],
    );
    assert_eq!(choice(&trusting(&[&root]), None, &[&two, &first, &second]), question);
}

#[test]
fn certificates_of_one_key_are_one() {
    let (root, stranger) = (authority("Root"), authority("Stranger"));
    let own = Template::default().self_signed();
    let copied = Template {
        not_before: NOW - DAY,
        ..Template::default()
    }
    .issue(&stranger, &own.key);
    let presented = [&copied, &own.certificate];
    assert_eq!(
        choice(&TrustAnchors::none(), None, &presented),
        adopted(&own.certificate, Trust::Unverified)
    );
    let issued = Template {
        not_before: NOW - 40 * DAY,
        ..Template::default()
    }
    .issue(&root, &own.key);
    let presented = [&copied, &issued, &own.certificate];
    assert_eq!(
        choice(&trusting(&[&root]), None, &presented),
        adopted(&issued, Trust::Verified)
    );
    let again = Template::default().issue(&root, &own.key);
    let presented = [&copied, &issued, &own.certificate, &again];
    assert_eq!(
        choice(&trusting(&[&root]), None, &presented),
        adopted(&again, Trust::Verified)
    );
}
