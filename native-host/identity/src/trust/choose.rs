//! The decision.

use std::cmp::Reverse;

use super::{Candidate, Choice, Known, Question, QuestionKind, Trust, TrustAnchors};
use crate::{AddressOfRecord, Certificate, Fingerprint, KeyKind, Millis};

/// Decides which certificate is used for `address`.
///
/// `presented` is everything that was found for the address. A certificate that is for another address, not valid at
/// `now`, an authority's, or has a key that cannot be used is no candidate; the authorities' certificates in it serve as
/// links of chains. Of several certificates of one key, one stands for the key.
///
/// | Known | Candidates | Choice |
/// |---|---|---|
/// | any | none | `Nothing` |
/// | none | one verified, any others | `Adopt` it, verified |
/// | none | none verified, one | `Adopt` it, unverified |
/// | none | otherwise | `Ask`, several |
/// | verified | a newer verified one of another key, of the same authority | `Renewed` |
/// | any | a verified one of the known key, not the known one | `Adopt` it; pinned stays pinned |
/// | verified, pinned | the known one among them | `Keep` |
/// | unverified | the known one, verified by now | `Adopt` it, verified |
/// | unverified | the known one, and a verified one of another key | `Ask`, changed |
/// | unverified | the known one, no verified one | `Keep` |
/// | pinned, unverified | no verified one, one that the known key signed for itself | `Adopt` it, worth the same |
/// | any | no verified one, any other of the known key | `Keep`, until the known one has expired |
/// | any | of other keys only | `Ask`, changed |
///
/// So who has a first certificate from an authority, or a new one, for the key they had is the same to everybody. Anybody can put
/// somebody's public key into a certificate of their own making, and gains nothing: only its holder opens what is sealed to it.
pub fn choose(
    anchors: &TrustAnchors,
    address: &AddressOfRecord,
    known: Option<&Known>,
    presented: &[Certificate],
    now: Millis,
) -> Choice {
    let candidates = candidates(anchors, address, known, presented, now);
    if candidates.is_empty() {
        return Choice::Nothing;
    }
    let Some(known) = known else {
        return first(candidates);
    };
    let any_verified = candidates.iter().any(|candidate| candidate.trust == Trust::Verified);
    let Some(one) = candidates
        .iter()
        .find(|candidate| candidate.certificate.same_key(&known.certificate))
    else {
        return another_key(anchors, address, known, candidates, presented, now);
    };
    let is_known_one = one.certificate == known.certificate;
    match (known.trust, one.trust) {
        (Trust::Verified, _) => match renewed(anchors, address, known, &candidates, presented, now) {
            Some(certificate) if !certificate.same_key(&known.certificate) => announced(certificate),
            _ if is_known_one => Choice::Keep,
            _ if one.trust == Trust::Verified => adopt(one),
            // What its authority's word is worth to its last day; the links of the new one's chain may be elsewhere.
            _ if known.certificate.valid_at(now) => Choice::Keep,
            _ => ask(QuestionKind::Changed, candidates),
        },
        (Trust::Unverified | Trust::Plain, Trust::Verified) => adopt(one),
        (Trust::Unverified | Trust::Plain, _) if any_verified => ask(QuestionKind::Changed, candidates),
        (_, _) if is_known_one => Choice::Keep,
        (trust, of_one) => {
            let is_better = of_one == Trust::Verified || one.certificate.is_self_signed();
            if is_better || !known.certificate.valid_at(now) {
                Choice::Adopt {
                    certificate: one.certificate.clone(),
                    trust,
                }
            } else {
                Choice::Keep
            }
        }
    }
}

/// Only other keys than the known one are there.
fn another_key(
    anchors: &TrustAnchors,
    address: &AddressOfRecord,
    known: &Known,
    candidates: Vec<Candidate>,
    presented: &[Certificate],
    now: Millis,
) -> Choice {
    let is_verified = known.trust == Trust::Verified;
    let renewed = is_verified.then(|| renewed(anchors, address, known, &candidates, presented, now));
    match renewed.flatten() {
        Some(certificate) => announced(certificate),
        None => ask(QuestionKind::Changed, candidates),
    }
}

fn announced(certificate: Certificate) -> Choice {
    Choice::Renewed {
        certificate,
        trust: Trust::Verified,
    }
}

/// The first key of an address.
fn first(candidates: Vec<Candidate>) -> Choice {
    let mut verified = candidates.iter().filter(|candidate| candidate.trust == Trust::Verified);
    match (verified.next(), verified.next(), candidates.as_slice()) {
        (Some(one), None, _) | (None, None, [one]) => adopt(one),
        _ => ask(QuestionKind::Several, candidates),
    }
}

/// The successor of a verified certificate: verified, issued later, under the same authority, and the only latest such.
fn renewed(
    anchors: &TrustAnchors,
    address: &AddressOfRecord,
    known: &Known,
    candidates: &[Candidate],
    presented: &[Certificate],
    now: Millis,
) -> Option<Certificate> {
    let authority = |certificate: &Certificate, at: Millis| {
        anchors
            .verify_chain(certificate, presented, address, at)
            .ok()
            .map(|authority| authority.fingerprint())
    };
    // The known one may have expired since: what counts is who vouched for it while it was valid. (OpenSSL takes the last
    // second as expired.)
    let vouched: Fingerprint = authority(&known.certificate, now.min(known.certificate.not_after() - 1000))?;
    let newer: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| candidate.trust == Trust::Verified)
        .filter(|candidate| candidate.certificate.not_before() > known.certificate.not_before())
        .filter(|candidate| authority(&candidate.certificate, now) == Some(vouched))
        .collect();
    let latest = newer.iter().map(|candidate| candidate.certificate.not_before()).max()?;
    let mut latest = newer
        .iter()
        .filter(|candidate| candidate.certificate.not_before() == latest);
    match (latest.next(), latest.next()) {
        (Some(one), None) => Some(one.certificate.clone()),
        _ => None,
    }
}

fn adopt(candidate: &Candidate) -> Choice {
    Choice::Adopt {
        certificate: candidate.certificate.clone(),
        trust: candidate.trust,
    }
}

fn ask(kind: QuestionKind, candidates: Vec<Candidate>) -> Choice {
    Choice::Ask(Question { kind, candidates })
}

/// The certificates that could be used, one for each key, in the order in which a user is shown them.
fn candidates(
    anchors: &TrustAnchors,
    address: &AddressOfRecord,
    known: Option<&Known>,
    presented: &[Certificate],
    now: Millis,
) -> Vec<Candidate> {
    let usable = |certificate: &&Certificate| {
        certificate.speaks_for(address)
            && certificate.valid_at(now)
            && !certificate.is_ca()
            && certificate.key_kind() != KeyKind::Other
    };
    let trust = |certificate: &Certificate| {
        let verified = !anchors.is_empty() && anchors.verify_chain(certificate, presented, address, now).is_ok();
        if verified { Trust::Verified } else { Trust::Unverified }
    };
    let mut candidates = one_for_each_key(
        known,
        presented.iter().filter(usable).map(|certificate| Candidate {
            fingerprint: certificate.fingerprint(),
            certificate: certificate.clone(),
            trust: trust(certificate),
        }),
    );
    candidates.sort_by_key(|candidate| {
        (
            candidate.trust != Trust::Verified,
            Reverse(candidate.certificate.not_before()),
            candidate.fingerprint,
        )
    });
    candidates
}

/// Anybody can put somebody's public key into a certificate of their own making, or re-encode a signature. So that this
/// raises no question, one certificate stands for each key: the latest verified one, else the known one, else one that the
/// key itself signed, else the latest.
fn one_for_each_key(known: Option<&Known>, candidates: impl Iterator<Item = Candidate>) -> Vec<Candidate> {
    let rank = |candidate: &Candidate| {
        let certificate = &candidate.certificate;
        (
            (candidate.trust == Trust::Verified).then(|| certificate.not_before()),
            known.is_some_and(|known| known.certificate == *certificate),
            certificate.is_self_signed(),
            certificate.not_before(),
            candidate.fingerprint,
        )
    };
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let key = candidate.certificate.public_key();
        match kept
            .iter_mut()
            .find(|other| key.public_eq(other.certificate.public_key()))
        {
            None => kept.push(candidate),
            Some(other) if rank(&candidate) > rank(other) => *other = candidate,
            Some(_) => {}
        }
    }
    kept
}
