mod chains;
mod first_key;
mod known_key;

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

#[test]
fn names_are_those_of_the_bridge() {
    let names = [Trust::Verified, Trust::Pinned, Trust::Unverified, Trust::Plain].map(Trust::as_str);
    assert_eq!(names, ["verified", "pinned", "unverified", "plain"]);
    assert_eq!(
        [QuestionKind::Several, QuestionKind::Changed].map(QuestionKind::as_str),
        ["several", "changed"]
    );
}
