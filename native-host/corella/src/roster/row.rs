//! How a person is written down.

use std::collections::BTreeMap;

use corella_agent::{Buddy, Consent, Expected, How, KnownBy};
use corella_identity::{
    AddressOfRecord, Certificate, Fingerprint,
    pass::Pass,
    trust::{Candidate, Known, Question},
};
use serde_json::{Value, json};

use super::invitations;

/// A row of the table of people.
pub(super) struct Row {
    pub(super) address: String,
    pub(super) name: Option<String>,
    pub(super) own: Option<String>,
    pub(super) consent: String,
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) trust: Option<String>,
    pub(super) question: Option<String>,
    pub(super) refused: String,
    pub(super) wrote_with: Option<Vec<u8>>,
    pub(super) expected: Option<String>,
    pub(super) pass: Option<String>,
    pub(super) known_by: Option<String>,
    pub(super) invitations: Option<String>,
}

impl Row {
    /// Who it is; `None`: it makes no sense.
    pub(super) fn buddy(self) -> Option<Buddy> {
        let known = match (self.certificate, self.trust) {
            (Some(der), Some(trust)) => Some(Known {
                certificate: Certificate::from_der(&der).ok()?,
                trust: word(&trust)?,
            }),
            _ => None,
        };
        let own = match self.own {
            Some(own) => Some(own.parse().ok()?),
            None => None,
        };
        let giver = known.as_ref().map(|known: &Known| known.certificate.clone());
        Some(Buddy {
            passes: self.pass.map_or_else(BTreeMap::new, |text| passes(&text, giver)),
            address: self.address.parse().ok()?,
            name: self.name,
            own,
            consent: Consent::parse(&self.consent)?,
            known_by: self
                .known_by
                .and_then(|text| known_by(&serde_json::from_str(&text).ok()?)),
            invitations: self
                .invitations
                .and_then(|text| invitations::read(&text))
                .unwrap_or_default(),
            known,
            question: self.question.and_then(|text| question(&text)),
            refused: serde_json::from_str(&self.refused).ok()?,
            wrote_with: self.wrote_with.and_then(|der| Certificate::from_der(&der).ok()),
            expected: match self.expected {
                Some(text) => Some(expected(&text)?),
                None => None,
            },
        })
    }
}

/// Those written before name no public key.
fn expected(text: &str) -> Option<Expected> {
    let mut parts: Vec<Value> = serde_json::from_str(text).ok()?;
    parts.resize(3, Value::Null);
    let (fingerprint, trust, public_key) = serde_json::from_value(parts.into()).ok()?;
    Some(Expected {
        fingerprint,
        public_key,
        trust,
    })
}

/// A line for each: for which own address, and the pass.
pub(super) fn passes_text(passes: &BTreeMap<AddressOfRecord, Pass>) -> Option<String> {
    let lines = passes.iter().map(|(own, pass)| format!("{own} {}\n", pass_text(pass)));
    (!passes.is_empty()).then(|| lines.collect())
}

fn passes(text: &str, giver: Option<Certificate>) -> BTreeMap<AddressOfRecord, Pass> {
    let line = |line: &str| {
        let (own, text) = line.split_once(' ')?;
        Some((own.parse().ok()?, pass(text, giver.clone()?)?))
    };
    text.lines().filter_map(line).collect()
}

/// What is not in the certificate of who gave it: its fingerprint, the time and the signature.
fn pass_text(pass: &Pass) -> String {
    let signature = openssl::base64::encode_block(pass.signature());
    format!("{} {} {signature}", pass.giver().fingerprint(), pass.until())
}

/// A pass of the key in use; one of another is of no use any more.
fn pass(text: &str, giver: Certificate) -> Option<Pass> {
    let mut parts = text.splitn(3, ' ');
    let fingerprint: Fingerprint = parts.next()?.parse().ok()?;
    let until = parts.next()?.parse().ok()?;
    let signature = openssl::base64::decode_block(parts.next()?).ok()?;
    (fingerprint == giver.fingerprint()).then(|| Pass::claimed(giver, until, signature))
}

pub(super) fn known_by_json(known_by: &KnownBy) -> Value {
    let (how, since) = (known_by.how.as_str(), known_by.since);
    let without = known_by.without.as_ref().map(|without| known_by_json(without));
    match &known_by.how {
        How::Authority { root, name } => {
            json!({ "how": how, "since": since, "root": root, "name": name, "without": without })
        }
        _ => json!({ "how": how, "since": since }),
    }
}

fn known_by(value: &Value) -> Option<KnownBy> {
    let how = match value["how"].as_str()? {
        "authority" => How::Authority {
            root: value["root"].as_str()?.parse().ok()?,
            name: value["name"].as_str()?.to_owned(),
        },
        word => [How::Fingerprint, How::Invitation, How::First, How::Device]
            .into_iter()
            .find(|how| how.as_str() == word)?,
    };
    let since = value["since"].as_i64()?;
    let without = value.get("without").and_then(known_by).map(Box::new);
    Some(KnownBy { how, since, without })
}

pub(super) fn question_json(question: &Question) -> Value {
    let candidates: Vec<Value> = question
        .candidates
        .iter()
        .map(|c| json!({ "pem": c.certificate.to_pem(), "trust": c.trust.as_str() }))
        .collect();
    json!({ "kind": question.kind.as_str(), "candidates": candidates })
}

fn question(text: &str) -> Option<Question> {
    let value: Value = serde_json::from_str(text).ok()?;
    let candidates = value["candidates"].as_array()?.iter().map(|c| {
        let certificate = Certificate::from_pem(c["pem"].as_str()?.as_bytes()).ok()?;
        let fingerprint: Fingerprint = certificate.fingerprint();
        Some(Candidate {
            fingerprint,
            certificate,
            trust: word(c["trust"].as_str()?)?,
        })
    });
    Some(Question {
        kind: word(value["kind"].as_str()?)?,
        candidates: candidates.collect::<Option<Vec<_>>>()?,
    })
}

/// The value that the room `identity` writes as this word.
pub(super) fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::from(text)).ok()
}
