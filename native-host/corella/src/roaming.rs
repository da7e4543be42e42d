//! What devices keep for each other, as JSON: `overlay/RECORDS.md` has the form in words.

use std::collections::BTreeMap;

use corella_agent::{Consent, Entry, Expected, Presence, Roaming, Standing, Status};
use corella_identity::{AddressOfRecord, Fingerprint, Millis, trust::Trust};
use serde::{Deserialize, Serialize};

/// The version of the form.
const VERSION: u32 = 1;
/// What another device of the user's dates further ahead than this is not taken: it would win for as long.
const AHEAD: Millis = 24 * 3_600_000;
/// The longest name, in characters.
const NAME: usize = 200;

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    people: BTreeMap<String, Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<OwnStatus>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    settings: BTreeMap<String, Setting>,
}

#[derive(Serialize, Deserialize)]
struct Setting {
    at: Millis,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct Person {
    at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Fingerprint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<Trust>,
}

#[derive(Serialize, Deserialize)]
struct OwnStatus {
    at: Millis,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Most settings that are read.
const SETTINGS: usize = 64;

/// Whether a setting can be kept: a name of 1 to 64 letters, a value of at most 1,000 bytes.
pub(crate) fn is_setting(name: &str, value: &str) -> bool {
    let is_name = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_name && value.len() <= 1_000
}

/// Writes a document.
pub(crate) fn write(roaming: &Roaming) -> String {
    let people = roaming.people.iter().map(|(who, Entry { at, is })| {
        let key = is.as_ref().and_then(|standing| standing.key);
        let person = Person {
            at: *at,
            consent: is.as_ref().map(|standing| standing.consent.as_str().to_owned()),
            name: is.as_ref().and_then(|standing| standing.name.clone()),
            key: key.map(|key| key.fingerprint),
            trust: key.map(|key| key.trust),
        };
        (who.to_string(), person)
    });
    let document = Document {
        version: VERSION,
        people: people.collect(),
        presence: roaming.presence.as_ref().map(|Entry { at, is }| OwnStatus {
            at: *at,
            status: is.status.as_str().to_owned(),
            note: is.note.clone(),
        }),
        settings: roaming
            .settings
            .iter()
            .map(|(name, Entry { at, is })| {
                let value = is.clone();
                (name.clone(), Setting { at: *at, value })
            })
            .collect(),
    };
    serde_json::json!(document).to_string()
}

/// Reads a document; nothing if it is none, or one of a later version. Entries that make no sense are left out.
pub(crate) fn read(text: &[u8], now: Millis) -> Option<Roaming> {
    let document: Document = serde_json::from_slice(text).ok()?;
    if document.version != VERSION {
        return None;
    }
    let people = document
        .people
        .into_iter()
        .filter(|(_, person)| person.at <= now + AHEAD)
        .filter_map(|(who, person)| Some((who.parse::<AddressOfRecord>().ok()?, entry(person)?)));
    let presence = document.presence.filter(|own| own.at <= now + AHEAD).and_then(|own| {
        let is = Presence {
            status: Status::parse(&own.status)?,
            note: own.note.map(|note| note.chars().take(Presence::NOTE_CHARS).collect()),
        };
        Some(Entry { at: own.at, is })
    });
    let settings = document
        .settings
        .into_iter()
        .filter(|(name, Setting { at, value })| *at <= now + AHEAD && is_setting(name, value));
    Some(Roaming {
        people: people.collect(),
        presence,
        settings: settings
            .map(|(name, Setting { at, value })| (name, Entry { at, is: value }))
            .take(SETTINGS)
            .collect(),
    })
}

fn entry(person: Person) -> Option<Entry<Option<Standing>>> {
    let is = match person.consent.as_deref().map(Consent::parse) {
        None => None,
        Some(Some(consent @ (Consent::Buddy | Consent::Blocked))) => Some(Standing {
            consent,
            name: person.name.map(|name| name.chars().take(NAME).collect()),
            key: person
                .key
                .zip(person.trust)
                .map(|(fingerprint, trust)| Expected { fingerprint, trust }),
        }),
        Some(_) => return None,
    };
    Some(Entry { at: person.at, is })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;

    fn full() -> Roaming {
        let standing = Standing {
            consent: Consent::Buddy,
            name: Some("Bob & Söhne".into()),
            key: Some(Expected {
                fingerprint: "ab".repeat(32).parse().unwrap(),
                trust: Trust::Pinned,
            }),
        };
        let blocked = Standing {
            consent: Consent::Blocked,
            name: None,
            key: None,
        };
        let entries = [("bob", Some(standing)), ("eve", Some(blocked)), ("gone", None)];
        let people = entries.map(|(name, is)| (format!("{name}@example.net").parse().unwrap(), Entry { at: NOW, is }));
        Roaming {
            people: people.into(),
            presence: Some(Entry {
                at: NOW - 1,
                is: Presence {
                    status: Status::Busy,
                    note: Some("writing".into()),
                },
            }),
            settings: [(
                "addressBook".to_owned(),
                Entry {
                    at: NOW,
                    is: "false".to_owned(),
                },
            )]
            .into(),
        }
    }

    #[test]
    fn it_survives_the_way() {
        let text = write(&full());
        assert_eq!(read(text.as_bytes(), NOW), Some(full()));
        assert_eq!(
            read(write(&Roaming::default()).as_bytes(), NOW),
            Some(Roaming::default())
        );
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let text = format!(
            r#"{{"version": 1, "later": true, "people": {{
                "bob@example.net": {{"at": {ahead}, "consent": "buddy"}},
                "no address": {{"at": 1}},
                "eve@example.net": {{"at": 1, "consent": "request"}},
                "carol@example.net": {{"at": 2, "consent": "buddy", "name": "{long}"}}
            }}, "presence": {{"at": 1, "status": "asleep"}},
            "settings": {{"no name": {{"at": 1, "value": "x"}}}}}}"#,
            ahead = NOW + 2 * AHEAD,
            long = "x".repeat(5000)
        );
        let read = read(text.as_bytes(), NOW).unwrap();
        let (who, entry) = read.people.first_key_value().unwrap();
        assert_eq!((read.people.len(), who.as_str()), (1, "carol@example.net"));
        assert_eq!(entry.is.as_ref().unwrap().name.as_ref().unwrap().len(), NAME);
        assert_eq!(read.presence, None);
        assert!(read.settings.is_empty());
    }

    #[test]
    fn what_is_no_document_is_none() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"version": 2, "people": {}}"#,
            r#"{"version": 1, "people": {"#,
        ] {
            assert_eq!(super::read(text.as_bytes(), NOW), None, "{text}");
        }
    }
}
