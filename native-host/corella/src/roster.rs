//! The roster: who the user knows, and the status last chosen, in a small SQLite database of its own.

use std::path::Path;

use corella_agent::{Buddy, Device, Presence, Roaming, Status};
use corella_identity::{AddressOfRecord, Certificate, Fingerprint, Millis};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use crate::{roaming, time};
use row::{Row, known_by_json, passes_text, question_json};

mod invitations;
mod revoked;
mod row;
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
const VERSION: i64 = 6;
/// From version 1: what is known of the user's other devices.
const DEVICES: &str = "
ALTER TABLE buddies ADD COLUMN expected TEXT;
CREATE TABLE roaming (own TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE devices (own TEXT NOT NULL, name TEXT NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (own, name)) STRICT;
";

/// From version 2: the passes of buddies.
const PASSES: &str = "ALTER TABLE buddies ADD COLUMN pass TEXT;";

/// From version 3: how the keys in use came to be known, the authorities that the user has added, and invitations.
const KNOWN_BY: &str = "
ALTER TABLE buddies ADD COLUMN known_by TEXT;
ALTER TABLE buddies ADD COLUMN invitations TEXT;
CREATE TABLE authorities (fingerprint TEXT PRIMARY KEY, certificate BLOB NOT NULL) STRICT;
CREATE TABLE declined (tag TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT;
";
/// From version 4: since when a device that was never seen before is news.
const DEVICES_SINCE: &str = "CREATE TABLE devices_since (own TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT;";

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
                let steps = [SCHEMA, DEVICES, PASSES, KNOWN_BY, DEVICES_SINCE, revoked::TABLES];
                for step in steps.iter().skip(usize::try_from(old).unwrap_or(0)) {
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
            "SELECT address, name, own, consent, certificate, trust, question, refused, wrote_with, expected, pass, known_by, invitations FROM buddies ORDER BY rowid",
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
                known_by: row.get(11)?,
                invitations: row.get(12)?,
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
            "INSERT INTO buddies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO UPDATE SET name = ?2, own = ?3,
               consent = ?4, certificate = ?5, trust = ?6, question = ?7, refused = ?8, wrote_with = ?9, expected = ?10, pass = ?11, known_by = ?12, invitations = ?13",
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
                buddy
                    .expected
                    .map(|key| json!([key.fingerprint, key.trust, key.public_key]).to_string()),
                passes_text(&buddy.passes),
                buddy.known_by.as_ref().map(|by| known_by_json(by).to_string()),
                invitations::text(&buddy.invitations),
            ],
        )?;
        Ok(())
    }

    /// Forgets one.
    pub(crate) fn forget(&self, address: &AddressOfRecord) -> Result<(), RosterError> {
        self.db
            .execute("DELETE FROM buddies WHERE address = ?1", [address.as_str()])?;
        // Strangers come and go: what is revoked of theirs is read in the overlay again.
        self.db
            .execute("DELETE FROM revoked WHERE address = ?1", [address.as_str()])?;
        Ok(())
    }

    /// The authorities that the user has added.
    pub(crate) fn authorities(&self) -> Result<Vec<Certificate>, RosterError> {
        let mut query = self.db.prepare("SELECT certificate FROM authorities ORDER BY rowid")?;
        let rows = query.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        Ok(rows.iter().filter_map(|der| Certificate::from_der(der).ok()).collect())
    }

    /// Remembers one.
    pub(crate) fn save_authority(&self, authority: &Certificate) -> Result<(), RosterError> {
        let row = params![authority.fingerprint().to_string(), authority.der()];
        self.db
            .execute("INSERT OR REPLACE INTO authorities VALUES (?1, ?2)", row)?;
        Ok(())
    }

    /// Forgets one.
    pub(crate) fn forget_authority(&self, fingerprint: &Fingerprint) -> Result<(), RosterError> {
        self.db.execute(
            "DELETE FROM authorities WHERE fingerprint = ?1",
            [fingerprint.to_string()],
        )?;
        Ok(())
    }

    /// The invitations that the user does not want, and how long they are worth something.
    pub(crate) fn declined(&self) -> Result<Vec<(String, Millis)>, RosterError> {
        let mut query = self.db.prepare("SELECT tag, until FROM declined")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remembers one, and forgets those that are worth nothing any more.
    pub(crate) fn save_declined(&self, tag: &str, until: Millis) -> Result<(), RosterError> {
        self.db
            .execute("INSERT OR REPLACE INTO declined VALUES (?1, ?2)", params![tag, until])?;
        self.db
            .execute("DELETE FROM declined WHERE until < ?1", [time::now()])?;
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

    /// Since when other devices than those are news, by own address.
    pub(crate) fn devices_since(&self) -> Result<Vec<(AddressOfRecord, Millis)>, RosterError> {
        let mut query = self.db.prepare("SELECT own, since FROM devices_since")?;
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        let known = rows
            .into_iter()
            .filter_map(|(own, since)| Some((own.parse().ok()?, since)));
        Ok(known.collect())
    }

    /// Remembers it.
    pub(crate) fn save_devices_since(&self, own: &AddressOfRecord, since: Millis) -> Result<(), RosterError> {
        let row = params![own.as_str(), since];
        self.db
            .execute("INSERT OR REPLACE INTO devices_since VALUES (?1, ?2)", row)?;
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

/// The file exists with mode 0600 before SQLite opens it, so that it, and the files beside it, never have another.
fn private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // If this fails, opening the database fails too, and says why.
    let _ = options.open(path);
}
