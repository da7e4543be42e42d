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
    assert!(verify(&anchors, &leaf, &[&lower.certificate]).is_err());
    assert!(verify(&anchors, &leaf, &[]).is_err());
    assert_eq!(
        verify(&anchors, &leaf, &[&middle.certificate, &lower.certificate]),
        Ok(root.certificate.clone())
    );
    // A subordinate authority can be trusted by itself.
    assert_eq!(verify(&trusting(&[&lower]), &leaf, &[]), Ok(lower.certificate.clone()));
    // A stranger's authority of the same name, found first, spoils nothing.
    let namesake = subordinate(&authority("Root"), "Lower");
    let links = [&namesake.certificate, &lower.certificate, &middle.certificate];
    assert_eq!(verify(&trusting(&[&root]), &leaf, &links), Ok(root.certificate.clone()));
    // Nor does one that has a copy of the key, too, which anybody can make.
    let stranger = authority("Root");
    let copy = Template {
        subject: "Lower",
        ca: true,
        mails: vec![],
        ..Template::default()
    }
    .issue(&stranger, &lower.key);
    for links in [
        [&copy, &lower.certificate, &middle.certificate],
        [&middle.certificate, &lower.certificate, &copy],
    ] {
        // Whether the good ones were met before or not.
        let anchors = trusting(&[&root]);
        assert_eq!(verify(&anchors, &leaf, &links), Ok(root.certificate.clone()));
        let another = Template::default().issue(&lower, &p256());
        assert_eq!(verify(&anchors, &another, &links), Ok(root.certificate.clone()));
    }
    assert!(verify(&trusting(&[&root]), &leaf, &[&copy, &middle.certificate]).is_err());
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

#[test]
fn a_proven_chain_is_good_while_all_of_it_is_valid_and_no_longer() {
    let root = authority("Root");
    let issuing = Template {
        subject: "Issuing",
        ca: true,
        mails: vec![],
        not_after: NOW + DAY,
        ..Template::default()
    }
    .issuer(&root);
    let leaf = Template::default().issuer(&issuing).certificate;
    let anchors = trusting(&[&root]);
    let verify =
        |anchors: &TrustAnchors, links: &[Certificate], now| anchors.verify_chain(&leaf, links, &alice(), now).is_ok();
    assert!(!verify(&anchors, &[], NOW));
    assert!(verify(&anchors, std::slice::from_ref(&issuing.certificate), NOW));
    assert!(verify(&anchors, &[], NOW), "it was proven");
    assert!(!verify(
        &anchors,
        std::slice::from_ref(&issuing.certificate),
        NOW + 2 * DAY
    ));
    assert!(anchors.verify_chain(&leaf, &[], &aor("bob@example.net"), NOW).is_err());
    // Other authorities have proven nothing.
    assert!(!verify(
        &TrustAnchors::none().with(&[authority("Other").certificate]),
        &[],
        NOW
    ));
    assert!(!verify(&anchors.with(&[authority("Other").certificate]), &[], NOW));
}
