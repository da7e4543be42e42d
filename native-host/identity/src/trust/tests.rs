use super::*;
use crate::testing::{DAY, Issuer, NOW, Template, aor, authority, p256, p384, rsa};
use crate::{AddressOfRecord, Credential};

fn alice() -> AddressOfRecord {
    aor("alice@example.net")
}

fn self_signed() -> Certificate {
    Template::default().self_signed().certificate
}

fn trusting(issuers: &[&Issuer]) -> TrustAnchors {
    let pem: String = issuers.iter().map(|issuer| issuer.certificate.to_pem()).collect();
    TrustAnchors::from_pem(pem.as_bytes()).unwrap()
}

fn known(certificate: &Certificate, trust: Trust) -> Option<Known> {
    Some(Known {
        certificate: certificate.clone(),
        trust,
    })
}

fn adopted(certificate: &Certificate, trust: Trust) -> Choice {
    Choice::Adopt {
        certificate: certificate.clone(),
        trust,
    }
}

fn asked(kind: QuestionKind, candidates: &[(&Certificate, Trust)]) -> Choice {
    let candidate = |&(certificate, trust): &(&Certificate, Trust)| Candidate {
        fingerprint: certificate.fingerprint(),
        certificate: certificate.clone(),
        trust,
    };
    Choice::Ask(Question {
        kind,
        candidates: candidates.iter().map(candidate).collect(),
    })
}

/// The choice must not depend on the order in which certificates are found.
fn choice(anchors: &TrustAnchors, known: Option<Known>, presented: &[&Certificate]) -> Choice {
    let forward: Vec<Certificate> = presented.iter().map(|&c| c.clone()).collect();
    let backward: Vec<Certificate> = forward.iter().rev().chain(&forward).cloned().collect();
    let choice = choose(anchors, &alice(), known.as_ref(), &forward, NOW);
    assert_eq!(
        choose(anchors, &alice(), known.as_ref(), &backward, NOW),
        choice,
        "order or repetition matters"
    );
    choice
}

mod chains {
    use super::*;
    use openssl::hash::MessageDigest;

    fn verify(anchors: &TrustAnchors, leaf: &Certificate, links: &[&Certificate]) -> Result<Certificate, String> {
        verify_at(anchors, leaf, links, NOW)
    }

    fn verify_at(
        anchors: &TrustAnchors,
        leaf: &Certificate,
        links: &[&Certificate],
        now: i64,
    ) -> Result<Certificate, String> {
        let links: Vec<Certificate> = links.iter().map(|&c| c.clone()).collect();
        anchors
            .verify_chain(leaf, &links, &alice(), now)
            .map_err(|e| e.to_string())
    }

    fn subordinate(parent: &Issuer, name: &str) -> Issuer {
        Template {
            subject: name,
            ca: true,
            mails: vec![],
            ..Template::default()
        }
        .issuer(parent)
    }

    #[test]
    fn a_chain_ends_at_the_trusted_authority() {
        let (root, stranger) = (authority("Root"), authority("Stranger"));
        let leaf = Template::default().issue(&root, &p256());
        assert_eq!(
            verify(&trusting(&[&stranger, &root]), &leaf, &[]),
            Ok(root.certificate.clone())
        );
        assert!(verify(&trusting(&[&stranger]), &leaf, &[]).is_err());
        assert!(
            verify(&trusting(&[&stranger]), &leaf, &[&root.certificate]).is_err(),
            "presented is not trusted"
        );
        assert!(verify(&TrustAnchors::none(), &leaf, &[]).is_err());
        assert!(
            verify(&trusting(&[&authority("Root")]), &leaf, &[]).is_err(),
            "the same name is not the same key"
        );
        let rsa_leaf = Template::default().issue(&root, &rsa(2048));
        assert_eq!(verify(&trusting(&[&root]), &rsa_leaf, &[]), Ok(root.certificate));
    }

    #[test]
    fn links_come_from_what_is_presented() {
        let root = authority("Root");
        let middle = subordinate(&root, "Middle");
        let lower = subordinate(&middle, "Lower");
        let leaf = Template::default().issue(&lower, &p256());
        let anchors = trusting(&[&root]);
        assert_eq!(
            verify(&anchors, &leaf, &[&middle.certificate, &lower.certificate]),
            Ok(root.certificate.clone())
        );
        assert!(verify(&anchors, &leaf, &[&lower.certificate]).is_err());
        assert!(verify(&anchors, &leaf, &[]).is_err());
        // A subordinate authority can be trusted by itself.
        assert_eq!(verify(&trusting(&[&lower]), &leaf, &[]), Ok(lower.certificate.clone()));
        // A stranger's authority of the same name, found first, spoils nothing.
        let namesake = subordinate(&authority("Root"), "Lower");
        let links = [&namesake.certificate, &lower.certificate, &middle.certificate];
        assert_eq!(verify(&anchors, &leaf, &links), Ok(root.certificate));
    }

    #[test]
    fn only_an_authority_issues() {
        let root = authority("Root");
        let person = Template {
            mails: vec!["mallory@example.net"],
            ..Template::default()
        }
        .issuer(&root);
        let forged = Template::default().issue(&person, &p256());
        assert!(verify(&trusting(&[&root]), &forged, &[&person.certificate]).is_err());
        assert!(matches!(
            TrustAnchors::from_pem(person.certificate.to_pem().as_bytes()),
            Err(AnchorsError::NoAuthority(fingerprint)) if fingerprint == person.certificate.fingerprint()
        ));
    }

    #[test]
    fn time_is_the_callers() {
        let root = authority("Root");
        let anchors = trusting(&[&root]);
        let template = Template {
            not_before: NOW - DAY,
            not_after: NOW + DAY,
            ..Template::default()
        };
        let leaf = template.issue(&root, &p256());
        for now in [NOW - DAY, NOW, NOW + DAY - 1000] {
            assert!(verify_at(&anchors, &leaf, &[], now).is_ok(), "{now}");
        }
        for now in [NOW - DAY - 1000, NOW + DAY + 1000] {
            assert!(verify_at(&anchors, &leaf, &[], now).is_err(), "{now}");
        }
        // Long past and far ahead of any clock of a machine that runs this.
        for days in [-9000, 9000] {
            let shifted = |t: i64| t + days * DAY;
            let span = |t: Template<'static>| Template {
                not_before: shifted(t.not_before),
                not_after: shifted(t.not_after),
                ..t
            };
            let root = span(Template {
                subject: "Root",
                ca: true,
                ..Template::default()
            })
            .self_signed();
            let leaf = span(Template::default()).issue(&root, &p256());
            assert!(
                verify_at(&trusting(&[&root]), &leaf, &[], shifted(NOW)).is_ok(),
                "{days}"
            );
            assert!(verify_at(&trusting(&[&root]), &leaf, &[], NOW).is_err(), "{days}");
        }
    }

    #[test]
    fn the_address_matches_in_canonical_form_and_nowhere_else() {
        let root = authority("Root");
        let anchors = trusting(&[&root]);
        let leaf = |mails: Vec<&'static str>, subject| {
            Template {
                mails,
                subject,
                ..Template::default()
            }
            .issue(&root, &p256())
        };
        assert!(verify(&anchors, &leaf(vec!["ALICE@Example.Net"], "x"), &[]).is_ok());
        assert!(verify(&anchors, &leaf(vec!["bob@example.net", "alice@example.net"], "x"), &[]).is_ok());
        for (mails, subject) in [
            (vec!["bob@example.net"], "x"),
            (vec![], "alice@example.net"),
            (vec!["bob@example.net"], "alice@example.net"),
            (vec!["alice@example.net.example.org"], "x"),
            (vec!["alice@example.net\0.example.org"], "x"),
        ] {
            assert!(
                verify(&anchors, &leaf(mails.clone(), subject), &[]).is_err(),
                "{mails:?} {subject}"
            );
        }
    }

    #[test]
    fn name_constraints_bind() {
        let root = authority("Root");
        let anchors = trusting(&[&root]);
        for (permitted, good) in [
            ("example.net", true),
            ("example.org", false),
            ("alice@example.net", true),
            ("bob@example.net", false),
        ] {
            let template = Template {
                subject: "Sub",
                ca: true,
                mails: vec![],
                permitted: Some(permitted),
                ..Template::default()
            };
            let sub = template.issuer(&root);
            let leaf = Template::default().issue(&sub, &p256());
            assert_eq!(
                verify(&anchors, &leaf, &[&sub.certificate]).is_ok(),
                good,
                "{permitted}"
            );
        }
    }

    #[test]
    fn the_chain_must_be_for_mail_and_strong() {
        let root = authority("Root");
        let anchors = trusting(&[&root]);
        let web = Template {
            for_mail: false,
            ..Template::default()
        };
        assert!(verify(&anchors, &web.issue(&root, &p256()), &[]).is_err());
        let sha1 = Template {
            digest: MessageDigest::sha1(),
            ..Template::default()
        };
        assert!(verify(&anchors, &sha1.issue(&root, &p256()), &[]).is_err());
        assert!(verify(&anchors, &Template::default().issue(&root, &rsa(1024)), &[]).is_err());
        let ca = Template {
            ca: true,
            ..Template::default()
        };
        assert!(verify(&anchors, &ca.issue(&root, &p256()), &[]).is_err());
    }

    #[test]
    fn a_crowd_of_links_does_not_hide_an_answer() {
        let root = authority("Root");
        let leaf = Template::default().issue(&root, &p256());
        let crowd = subordinate(&authority("Stranger"), "Crowd").certificate;
        let crowd = vec![&crowd; 1000];
        assert!(verify(&trusting(&[&root]), &leaf, &crowd).is_ok());
    }

    #[test]
    fn anchors_are_read_whole_or_not_at_all() {
        assert!(TrustAnchors::none().is_empty());
        assert!(matches!(
            TrustAnchors::from_pem(b""),
            Err(AnchorsError::NoCertificate | AnchorsError::Certificate(_))
        ));
        let good = authority("Root").certificate.to_pem();
        assert!(!TrustAnchors::from_pem(good.as_bytes()).unwrap().is_empty());
        let broken = good.clone() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(
            TrustAnchors::from_pem(broken.as_bytes()),
            Err(AnchorsError::Certificate(_))
        ));
    }
}

mod first_key {
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
}

mod known_key {
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
            let alarm = asked(QuestionKind::Changed, &[(&copied, Trust::Unverified)]);
            assert_eq!(
                choice(&anchors, known(&own.certificate, trust), &[&copied]),
                alarm,
                "{trust:?}"
            );
        }
    }
}

#[test]
fn names_are_those_of_the_bridge() {
    let names = [Trust::Verified, Trust::Pinned, Trust::Unverified, Trust::Plain].map(Trust::as_str);
    assert_eq!(names, ["verified", "pinned", "unverified", "plain"]);
    assert_eq!(
        [QuestionKind::Several, QuestionKind::Changed].map(QuestionKind::as_str),
        ["several", "changed"]
    );
}
