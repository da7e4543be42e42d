//! What devices keep for each other, as JSON: `overlay/RECORDS.md` has the form in words.

use std::collections::BTreeMap;

use corella_agent::{Consent, Entry, Expected, Presence, Roaming, Standing, Status};
use corella_identity::{AddressOfRecord, Certificate, Credential, CredentialError, Fingerprint, Millis, trust::Trust};
use serde::{Deserialize, Serialize};

/// The version of the form.
const VERSION: u32 = 1;
/// What another device of the user's dates further ahead than this is not taken: it would win for as long.
const AHEAD: Millis = 24 * 3_600_000;
/// Bytes of a document that can be kept: what fragments hold, without nonce and tag of the encryption.
pub(crate) const MOST: usize = 65_536 - 28;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<KeptCredential>,
}

/// The credential as a device keeps it for the others, in PEM. It may hold the private key: it has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptCredential {
    /// The certificate and its chain, leaf first.
    pub(crate) certificate: String,
    /// The private key, where the secret is good enough for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

impl KeptCredential {
    /// The certificate.
    pub(crate) fn certificate(&self) -> Option<Certificate> {
        Certificate::from_pem(self.certificate.as_bytes()).ok()
    }

    /// The whole of it for an own address, if the private key is there and belongs to it.
    pub(crate) fn whole(&self, address: &AddressOfRecord) -> Option<Credential> {
        let key = self.key.as_ref()?;
        Credential::from_pem(self.certificate.as_bytes(), key.as_bytes(), address).ok()
    }
}

/// What a device keeps for the others.
pub(crate) struct Kept {
    /// What the core merges.
    pub(crate) document: Roaming,
    /// Devices of before kept none.
    pub(crate) credential: Option<KeptCredential>,
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
    #[serde(rename = "publicKey", skip_serializing_if = "Option::is_none")]
    public_key: Option<Fingerprint>,
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

/// Writes a document for this device's own disk.
pub(crate) fn write(roaming: &Roaming) -> String {
    serde_json::json!(written(roaming)).to_string()
}

/// Writes a document for the other devices, with the certificate that is in use here, so that they have it when it was renewed.
/// `with_key`: also with the private key, so that a device which has nothing yet becomes one of them. To be encrypted.
pub(crate) fn write_for_devices(
    roaming: &Roaming,
    credential: &Credential,
    with_key: bool,
) -> Result<String, CredentialError> {
    let mut document = Document {
        credential: Some(KeptCredential {
            certificate: credential.certificate_pem(),
            key: with_key.then(|| credential.key_pem()).transpose()?,
        }),
        ..written(roaming)
    };
    let text = serde_json::json!(document).to_string();
    if text.len() <= MOST {
        return Ok(text);
    }
    // Of a long list there is room for the people before there is room for what saves a question about some of them.
    for person in document.people.values_mut() {
        person.public_key = None;
    }
    Ok(serde_json::json!(document).to_string())
}

fn written(roaming: &Roaming) -> Document {
    let people = roaming.people.iter().map(|(who, Entry { at, is })| {
        let key = is.as_ref().and_then(|standing| standing.key);
        let person = Person {
            at: *at,
            consent: is.as_ref().map(|standing| standing.consent.as_str().to_owned()),
            name: is.as_ref().and_then(|standing| standing.name.clone()),
            key: key.map(|key| key.fingerprint),
            public_key: key.and_then(|key| key.public_key),
            trust: key.map(|key| key.trust),
        };
        (who.to_string(), person)
    });
    Document {
        credential: None,
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
    }
}

/// Reads a document of this device's own.
pub(crate) fn read(text: &[u8], now: Millis) -> Option<Roaming> {
    Some(read_kept(text, now)?.document)
}

/// Reads what a device keeps; nothing if it is no document, or one of a later version. Entries that make no sense are left out.
pub(crate) fn read_kept(text: &[u8], now: Millis) -> Option<Kept> {
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
    let credential = document.credential;
    let document = Roaming {
        people: people.collect(),
        presence,
        settings: settings
            .map(|(name, Setting { at, value })| (name, Entry { at, is: value }))
            .take(SETTINGS)
            .collect(),
    };
    Some(Kept { document, credential })
}

fn entry(person: Person) -> Option<Entry<Option<Standing>>> {
    let is = match person.consent.as_deref().map(Consent::parse) {
        None => None,
        Some(Some(consent @ (Consent::Buddy | Consent::Blocked))) => Some(Standing {
            consent,
            name: person.name.map(|name| name.chars().take(NAME).collect()),
            key: person.key.zip(person.trust).map(|(fingerprint, trust)| Expected {
                fingerprint,
                public_key: person.public_key,
                trust,
            }),
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
                public_key: Some("cd".repeat(32).parse().unwrap()),
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
    fn the_credential_goes_along_whole_or_without_its_key() {
        let alice: AddressOfRecord = "alice@example.net".parse().unwrap();
        let credential = Credential::self_signed(&alice, NOW).unwrap();
        for with_key in [true, false] {
            let text = write_for_devices(&full(), &credential, with_key).unwrap();
            let kept = read_kept(text.as_bytes(), NOW).unwrap();
            assert_eq!(kept.document, full());
            let kept = kept.credential.unwrap();
            assert_eq!(kept.certificate, credential.certificate_pem());
            assert_eq!((text.contains("PRIVATE KEY"), kept.key.is_some()), (with_key, with_key));
            let whole = kept.whole(&alice);
            assert_eq!(whole.map(|whole| whole.key_pem().unwrap()), kept.key);
            assert!(kept.whole(&"bob@example.net".parse().unwrap()).is_none());
        }
        // What stays on this device's disk beside the keys is not another place for them.
        assert!(!write(&full()).contains("credential"));
    }

    #[test]
    fn a_long_list_is_kept_with_less_about_each() {
        let alice: AddressOfRecord = "alice@example.net".parse().unwrap();
        let credential = Credential::self_signed(&alice, NOW).unwrap();
        let mut long = full();
        let (_, bob) = long.people.pop_first().unwrap();
        let name = |number: usize| format!("somebody{number}@example.net").parse().unwrap();
        long.people = (0..340).map(|number| (name(number), bob.clone())).collect();
        let text = write_for_devices(&long, &credential, true).unwrap();
        assert!(text.len() <= MOST, "{}", text.len());
        let kept = read_kept(text.as_bytes(), NOW).unwrap();
        assert_eq!(kept.document.people.len(), 340);
        let key = kept.document.people[&name(7)].is.as_ref().unwrap().key.unwrap();
        assert_eq!((key.trust, key.public_key), (Trust::Pinned, None));
    }

    #[test]
    fn a_key_that_is_not_the_certificates_is_no_credential() {
        let alice: AddressOfRecord = "alice@example.net".parse().unwrap();
        let [one, other] = [1, 2].map(|_| Credential::self_signed(&alice, NOW).unwrap());
        let mixed = |certificate: &str, key: &str| KeptCredential {
            certificate: certificate.to_owned(),
            key: Some(key.to_owned()),
        };
        assert!(
            mixed(&one.certificate_pem(), &one.key_pem().unwrap())
                .whole(&alice)
                .is_some()
        );
        assert!(
            mixed(&one.certificate_pem(), &other.key_pem().unwrap())
                .whole(&alice)
                .is_none()
        );
        assert!(mixed("", "").whole(&alice).is_none());
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
    fn a_document_of_before_is_read_still() {
        let key = "ab".repeat(32);
        let text = format!(
            r#"{{"version": 1, "people": {{"bob@example.net":
                {{"at": 1, "consent": "buddy", "key": "{key}", "trust": "pinned"}}}}}}"#
        );
        let kept = read_kept(text.as_bytes(), NOW).unwrap();
        assert!(kept.credential.is_none());
        let (_, entry) = kept.document.people.first_key_value().unwrap();
        let expected = entry.is.as_ref().unwrap().key.unwrap();
        assert_eq!((expected.fingerprint.to_string(), expected.public_key), (key, None));
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
