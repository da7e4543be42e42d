//! The roster: who the user knows, and the status last chosen, in a small SQLite database of its own.

use std::{collections::BTreeMap, path::Path};

use corella_agent::{Buddy, Consent, Device, Expected, Presence, Roaming, Status};
use corella_identity::{
    AddressOfRecord, Certificate, Fingerprint,
    pass::Pass,
    trust::{Candidate, Known, Question},
};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use crate::{roaming, time};

mod revoked;
#[cfg(test)]
mod tests;

const SCHEMA: &str = "
CREATE TABLE buddies (
    address     TEXT PRIMARY KEY,
    name        TEXT,
    own         TEXT,
    consent     TEXT NOT NULL CHECK (consent IN ('buddy', 'request', 'blocked')),
    certificate BLOB,
    trust       TEXT,
    question    TEXT,
    refused     TEXT NOT NULL,
    wrote_with  BLOB
) STRICT;
CREATE TABLE presence (one INTEGER PRIMARY KEY CHECK (one = 1), status TEXT NOT NULL, note TEXT) STRICT;
";
/// The version of the schema; raised with each migration.
const VERSION: i64 = 4;
/// From version 1: what is known of the user's other devices.
const DEVICES: &str = "
ALTER TABLE buddies ADD COLUMN expected TEXT;
CREATE TABLE roaming (own TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE devices (own TEXT NOT NULL, name TEXT NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (own, name)) STRICT;
";

/// From version 2: the passes of buddies.
const PASSES: &str = "ALTER TABLE buddies ADD COLUMN pass TEXT;";

/// The roster cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RosterError {
    /// SQLite says why.
    #[error("the buddy list cannot be read or written: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Made by a newer Corella.
    #[error("the buddy list was made by a newer Corella (version {0}); update this one")]
    Newer(i64),
}

/// The open roster.
#[derive(Debug)]
pub(crate) struct Roster {
    db: Connection,
}

impl Roster {
    /// Opens or makes it, for its owner only.
    pub(crate) fn open(path: &Path) -> Result<Roster, RosterError> {
        private(path);
        let mut db = Connection::open(path)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        match db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
            VERSION => {}
            old @ 0..VERSION => {
                let tx = db.transaction()?;
                for step in [SCHEMA, DEVICES, PASSES, revoked::TABLES]
                    .iter()
                    .skip(usize::try_from(old).unwrap_or(0))
                {
                    tx.execute_batch(step)?;
                }
                tx.pragma_update(None, "user_version", VERSION)?;
                tx.commit()?;
            }
            newer => return Err(RosterError::Newer(newer)),
        }
        Ok(Roster { db })
    }

    /// Everyone, in the order in which they came. A row that makes no sense is left out and logged, so that one bad row does not cost all.
    pub(crate) fn buddies(&self) -> Result<Vec<Buddy>, RosterError> {
        let mut query = self.db.prepare(
            "SELECT address, name, own, consent, certificate, trust, question, refused, wrote_with, expected, pass FROM buddies ORDER BY rowid",
        )?;
        let rows = query.query_map([], |row| {
            Ok(Row {
                address: row.get(0)?,
                name: row.get(1)?,
                own: row.get(2)?,
                consent: row.get(3)?,
                certificate: row.get(4)?,
                trust: row.get(5)?,
                question: row.get(6)?,
                refused: row.get(7)?,
                wrote_with: row.get(8)?,
                expected: row.get(9)?,
                pass: row.get(10)?,
            })
        })?;
        let mut buddies = Vec::new();
        for row in rows {
            match row?.buddy() {
                Some(buddy) => buddies.push(buddy),
                None => tracing::warn!("a buddy in the roster makes no sense and is left out"),
            }
        }
        Ok(buddies)
    }

    /// Remembers one.
    pub(crate) fn save(&self, buddy: &Buddy) -> Result<(), RosterError> {
        self.db.execute(
            "INSERT INTO buddies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO UPDATE SET name = ?2, own = ?3,
               consent = ?4, certificate = ?5, trust = ?6, question = ?7, refused = ?8, wrote_with = ?9, expected = ?10, pass = ?11",
            params![
                buddy.address.as_str(),
                buddy.name,
                buddy.own.as_ref().map(AddressOfRecord::as_str),
                buddy.consent.as_str(),
                buddy.known.as_ref().map(|k| k.certificate.der()),
                buddy.known.as_ref().map(|k| k.trust.as_str()),
                buddy.question.as_ref().map(|q| question_json(q).to_string()),
                json!(buddy.refused).to_string(),
                buddy.wrote_with.as_ref().map(Certificate::der),
                buddy.expected.map(|key| json!([key.fingerprint, key.trust]).to_string()),
                passes_text(&buddy.passes),
            ],
        )?;
        Ok(())
    }

    /// Forgets one.
    pub(crate) fn forget(&self, address: &AddressOfRecord) -> Result<(), RosterError> {
        self.db
            .execute("DELETE FROM buddies WHERE address = ?1", [address.as_str()])?;
        Ok(())
    }

    /// The status last chosen.
    pub(crate) fn presence(&self) -> Result<Presence, RosterError> {
        let row = self.db.query_row("SELECT status, note FROM presence", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
        });
        Ok(match row.optional()? {
            Some((status, note)) => Presence {
                status: Status::parse(&status).unwrap_or(Status::Online),
                note,
            },
            None => Presence::default(),
        })
    }

    /// The user's other devices, by own address.
    pub(crate) fn devices(&self) -> Result<Vec<(AddressOfRecord, Device)>, RosterError> {
        let mut query = self.db.prepare("SELECT own, name, seen FROM devices")?;
        let rows = query.query_map([], |row| {
            let (name, seen) = (row.get(1)?, row.get(2)?);
            Ok((row.get::<_, String>(0)?, Device { name, seen }))
        })?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        let known = rows
            .into_iter()
            .filter_map(|(own, device)| Some((own.parse().ok()?, device)));
        Ok(known.collect())
    }

    /// Remembers one of them, and forgets those not seen for a year.
    pub(crate) fn save_device(&self, own: &AddressOfRecord, device: &Device) -> Result<(), RosterError> {
        let row = params![own.as_str(), device.name, device.seen];
        self.db
            .execute("INSERT OR REPLACE INTO devices VALUES (?1, ?2, ?3)", row)?;
        let old = device.seen - 365 * 24 * 60 * 60 * 1000;
        self.db.execute("DELETE FROM devices WHERE seen < ?1", [old])?;
        Ok(())
    }

    /// What is kept for the user's other devices, by own address.
    pub(crate) fn roaming(&self) -> Result<Vec<(AddressOfRecord, Roaming)>, RosterError> {
        let mut query = self.db.prepare("SELECT own, document FROM roaming")?;
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        let now = time::now();
        let read = |document: String| roaming::read(document.as_bytes(), now);
        let kept = rows
            .into_iter()
            .filter_map(|(own, document)| Some((own.parse().ok()?, read(document)?)));
        Ok(kept.collect())
    }

    /// Remembers it.
    pub(crate) fn save_roaming(&self, own: &AddressOfRecord, document: &Roaming) -> Result<(), RosterError> {
        let row = params![own.as_str(), roaming::write(document)];
        self.db.execute("INSERT OR REPLACE INTO roaming VALUES (?1, ?2)", row)?;
        Ok(())
    }

    /// Forgets it.
    pub(crate) fn forget_roaming(&self, own: &AddressOfRecord) -> Result<(), RosterError> {
        self.db.execute("DELETE FROM roaming WHERE own = ?1", [own.as_str()])?;
        Ok(())
    }

    /// Does all of it, or nothing if any of it fails.
    pub(crate) fn together(
        &self,
        writes: impl IntoIterator<Item = impl FnOnce(&Roster) -> Result<(), RosterError>>,
    ) -> Result<(), RosterError> {
        // Dropped without a commit it is undone.
        let transaction = self.db.unchecked_transaction()?;
        for write in writes {
            write(self)?;
        }
        Ok(transaction.commit()?)
    }

    /// Remembers the status.
    pub(crate) fn save_presence(&self, presence: &Presence) -> Result<(), RosterError> {
        let row = params![presence.status.as_str(), presence.note];
        self.db
            .execute("INSERT OR REPLACE INTO presence VALUES (1, ?1, ?2)", row)?;
        Ok(())
    }
}

struct Row {
    address: String,
    name: Option<String>,
    own: Option<String>,
    consent: String,
    certificate: Option<Vec<u8>>,
    trust: Option<String>,
    question: Option<String>,
    refused: String,
    wrote_with: Option<Vec<u8>>,
    expected: Option<String>,
    pass: Option<String>,
}

impl Row {
    fn buddy(self) -> Option<Buddy> {
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
            known,
            question: self.question.and_then(|text| question(&text)),
            refused: serde_json::from_str(&self.refused).ok()?,
            wrote_with: self.wrote_with.and_then(|der| Certificate::from_der(&der).ok()),
            expected: match self.expected {
                Some(text) => {
                    let (fingerprint, trust) = serde_json::from_str(&text).ok()?;
                    Some(Expected { fingerprint, trust })
                }
                None => None,
            },
        })
    }
}

/// A line for each: for which own address, and the pass.
fn passes_text(passes: &BTreeMap<AddressOfRecord, Pass>) -> Option<String> {
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

fn question_json(question: &Question) -> Value {
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
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::from(text)).ok()
}

/// The file exists with mode 0600 before SQLite opens it, so that it, and the files beside it, never have another.
fn private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // If this fails, opening the database fails too, and says why.
    let _ = options.open(path);
}
