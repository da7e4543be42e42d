//! Keeping records: what is taken, what gives way, what is given out.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;

use corella_identity::seal::OFFLINE_LIFETIME;
use corella_identity::trust::TrustAnchors;
use corella_identity::{Fingerprint, Millis};
use openssl::sha::sha256;
use rusqlite::{Connection, OptionalExtension, params};

use super::class::{Class, Judge};
use super::database::{self, DatabaseError};
use super::limits::{Limits, OVERHEAD, PAGE, UNSEEN_SECRETS, key_share, records_of_signer};
use super::network::Network;
use super::refusal::Refusal;
use super::usage::{Usage, fattest};
use crate::key::Key;
use crate::record::Record;

/// What became of a record that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is new, or replaced an older one.
    New,
    /// The same record was there already.
    Already,
}

/// Records under one key, as XML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Certified signers first, then known ones, then self-signed ones, then strangers; of each the newest first.
    pub records: Vec<String>,
    /// Whether there are more.
    pub more: bool,
}

/// The records, fragments and values that one node keeps, in a database of its own.
pub struct StoringNode {
    pub(super) database: Connection,
    pub(super) limits: Limits,
    pub(super) judge: Judge,
    pub(super) usage: Usage,
    /// When it was last looked for what has expired.
    expired_at: Millis,
}

/// The record that stands where another wants to.
struct Held {
    id: i64,
    sequence: Millis,
    content: Vec<u8>,
    share: Share,
}

/// What something costs, and whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) class: Class,
    pub(super) network: Network,
    pub(super) cost: u64,
}

/// A clear key, and the secrets that were shown under it.
pub(super) type Secrets = (String, Vec<[u8; 32]>);

/// How often it is looked for what has expired.
const EXPIRY_PAUSE: Millis = 1000;

impl StoringNode {
    /// A node with what it kept before, if there is a file, or one that keeps all in memory.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn open(path: Option<&Path>, limits: Limits, anchors: TrustAnchors) -> Result<Self, DatabaseError> {
        let mut node = Self {
            database: database::open(path)?,
            limits,
            judge: Judge::new(anchors),
            usage: Usage::default(),
            expired_at: Millis::MIN,
        };
        node.count_usage()?;
        node.fit_into_limits()?;
        Ok(node)
    }

    /// Whose certificates the node's own user knows, from now on.
    pub fn know(&mut self, known: HashSet<Fingerprint>) {
        self.judge.know(known);
    }

    /// Takes a record that came from a network, or says why not.
    ///
    /// # Errors
    /// Not current; not newer than the one in its place; removed before; no room.
    pub fn put(&mut self, record: &Record, from: Network, now: Millis) -> Result<Stored, Refusal> {
        record.check(now).map_err(|error| Refusal::from(&error))?;
        self.expire_now_and_then(now)?;
        let place = record.key().id();
        let signer = record.signer().fingerprint();
        let held = self.held(&place, record)?;
        if let Some(held) = &held {
            if held.content == record.content() {
                return Ok(Stored::Already);
            }
            if record.sequence() <= held.sequence {
                return Err(Refusal::NotNewer { held: held.sequence });
            }
        }
        if let Some(removal) = record.value().removal()
            && self.is_spent(&place, removal)?
        {
            return Err(Refusal::Removed);
        }
        let share = Share {
            class: self.judge.class_of(record, now),
            network: from,
            cost: cost_of(record.to_xml().len()),
        };
        // What it replaces counts no more, but is gone only when the new one is in its place.
        let freed = held.as_ref().map(|held| held.share);
        self.check_signer(record.key(), &place, record, held.as_ref())?;
        self.make_room_under(record.key(), &place, share, held.as_ref())?;
        self.make_room(share, freed, held.as_ref().map(|held| held.id))?;
        let (recipient, removal) = (record.value().recipient(), record.value().removal());
        let values = params![
            place,
            signer.as_bytes(),
            record.nonce(),
            record.sequence(),
            record.expires(),
            share.class.number(),
            share.network.bytes(),
            recipient.map(Fingerprint::as_bytes),
            removal,
            record.content(),
            share.cost,
            &**record.to_xml(),
        ];
        self.database
            .prepare_cached(
                "INSERT INTO record (place, signer, nonce, sequence, expires, class, network, recipient, removal, content,
                    cost, xml)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (place, signer, nonce) DO UPDATE SET sequence = excluded.sequence,
                    expires = excluded.expires, class = excluded.class, network = excluded.network,
                    recipient = excluded.recipient, removal = excluded.removal, content = excluded.content,
                    cost = excluded.cost, xml = excluded.xml",
            )?
            .execute(values)?;
        if let Some(freed) = freed {
            self.usage.remove(freed.class, freed.network, freed.cost);
        }
        self.usage.add(share.class, share.network, share.cost);
        Ok(Stored::New)
    }

    fn held(&self, place: &[u8; 32], record: &Record) -> Result<Option<Held>, Refusal> {
        let held = self
            .database
            .prepare_cached(
                "SELECT id, sequence, content, class, network, cost FROM record
                 WHERE place = ? AND signer = ? AND nonce = ?",
            )?
            .query_row(
                params![place, record.signer().fingerprint().as_bytes(), record.nonce()],
                |row| {
                    Ok(Held {
                        id: row.get(0)?,
                        sequence: row.get(1)?,
                        content: row.get(2)?,
                        share: share_of(row, 3)?,
                    })
                },
            )
            .optional()?;
        Ok(held)
    }

    /// One signer has only so many records under one key.
    fn check_signer(&self, key: &Key, place: &[u8; 32], record: &Record, held: Option<&Held>) -> Result<(), Refusal> {
        if held.is_some() {
            return Ok(());
        }
        let count: u64 = self
            .database
            .prepare_cached("SELECT count(*) FROM record WHERE place = ? AND signer = ?")?
            .query_row(params![place, record.signer().fingerprint().as_bytes()], |row| {
                row.get(0)
            })?;
        if count >= records_of_signer(key) {
            return Err(Refusal::TooMany);
        }
        Ok(())
    }

    /// One class has only so much room under one key; there, too, the largest network gives way.
    fn make_room_under(
        &mut self,
        key: &Key,
        place: &[u8; 32],
        share: Share,
        held: Option<&Held>,
    ) -> Result<(), Refusal> {
        let mut rows: Vec<(i64, Share)> = self
            .database
            .prepare_cached("SELECT id, class, network, cost FROM record WHERE place = ? AND class = ? ORDER BY id")?
            .query_map(params![place, share.class.number()], |row| {
                Ok((row.get(0)?, share_of(row, 1)?))
            })?
            .collect::<Result<_, _>>()?;
        rows.retain(|(id, _)| held.is_none_or(|held| held.id != *id));
        let room = key_share(key);
        while rows.iter().map(|(_, row)| row.cost).sum::<u64>() + share.cost > room {
            let mut shares: BTreeMap<Network, u64> = BTreeMap::new();
            for (_, row) in &rows {
                *shares.entry(row.network).or_default() += row.cost;
            }
            let shares = shares.iter().map(|(network, used)| (*network, *used));
            let loser = fattest(shares, share.network, share.cost).ok_or(Refusal::TooMany)?;
            let newest = rows.iter().rposition(|(_, row)| row.network == loser);
            let (id, row) = rows.remove(newest.ok_or(Refusal::TooMany)?);
            self.delete("DELETE FROM record WHERE id = ?", id, row)?;
        }
        Ok(())
    }

    /// Makes room in a class for something: while it is full, the network that uses most gives way, the newest of its
    /// things first. `freed` is what the new thing replaces, the record `kept`.
    pub(super) fn make_room(&mut self, share: Share, freed: Option<Share>, kept: Option<i64>) -> Result<(), Refusal> {
        let room = share.class.share(self.limits.bytes);
        let freed = freed
            .filter(|freed| freed.class == share.class)
            .map_or(0, |freed| freed.cost);
        while (self.usage.of(share.class) + share.cost).saturating_sub(freed) > room {
            let loser = self
                .usage
                .who_gives_way(share.class, share.network, share.cost)
                .ok_or(Refusal::Full)?;
            if !self.drop_newest_of(share.class, loser, kept)? {
                return Err(Refusal::Full);
            }
        }
        Ok(())
    }

    /// Drops one thing of a network. Whether there was one.
    fn drop_newest_of(&mut self, class: Class, network: Network, kept: Option<i64>) -> Result<bool, Refusal> {
        // A table, and the statement that takes from it.
        const TABLES: [(&str, &str); 3] = [
            (
                "SELECT id, class, network, cost FROM fragment WHERE class = ? AND network = ? AND ? IS NOT id
                 ORDER BY id DESC LIMIT 1",
                "DELETE FROM fragment WHERE id = ?",
            ),
            (
                "SELECT id, class, network, cost FROM record WHERE class = ? AND network = ? AND ? IS NOT id
                 ORDER BY id DESC LIMIT 1",
                "DELETE FROM record WHERE id = ?",
            ),
            (
                "SELECT id, class, network, cost FROM opendht WHERE class = ? AND network = ? AND ? IS NOT id
                 ORDER BY id DESC LIMIT 1",
                "DELETE FROM opendht WHERE id = ?",
            ),
        ];
        for (select, delete) in TABLES {
            let newest = self
                .database
                .prepare_cached(select)?
                .query_row(params![class.number(), network.bytes(), kept], |row| {
                    Ok((row.get::<_, i64>(0)?, share_of(row, 1)?))
                })
                .optional()?;
            if let Some((id, share)) = newest {
                self.delete(delete, id, share)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn delete(&mut self, statement: &str, id: i64, share: Share) -> Result<(), Refusal> {
        self.database.prepare_cached(statement)?.execute([id])?;
        self.usage.remove(share.class, share.network, share.cost);
        Ok(())
    }

    /// The records under a key, `skip` of them passed over. Where only the key's person may read, `reader` is the
    /// credential that showed a ticket, and sees what is sealed to it.
    ///
    /// # Errors
    /// [`Refusal::NotYours`] if a ticket is needed.
    pub fn get(&self, key: &Key, reader: Option<Fingerprint>, skip: u32, now: Millis) -> Result<Page, Refusal> {
        if key.is_read_by_its_person_only() && reader.is_none() {
            return Err(Refusal::NotYours);
        }
        let reader = reader.filter(|_| key.is_read_by_its_person_only());
        self.page(&key.id(), reader.as_ref().map(Fingerprint::as_bytes), skip, now)
    }

    /// The records that anybody reads under the key with this SHA-256, `skip` of them passed over.
    ///
    /// # Errors
    /// The database fails.
    pub fn find(&self, digest: &[u8; 32], skip: u32, now: Millis) -> Result<Page, Refusal> {
        self.page(digest, None, skip, now)
    }

    /// What is sealed to nobody, or to this reader.
    fn page(&self, place: &[u8; 32], reader: Option<&[u8; 32]>, skip: u32, now: Millis) -> Result<Page, Refusal> {
        let mut statement = self.database.prepare_cached(
            "SELECT xml FROM record WHERE place = ? AND expires > ? AND (recipient IS NULL OR recipient IS ?)
             ORDER BY class, sequence DESC, signer, nonce LIMIT -1 OFFSET ?",
        )?;
        let mut rows = statement.query(params![place, now, reader, skip])?;
        let mut page = Page::default();
        let mut size = 0;
        while let Some(row) = rows.next()? {
            let xml: String = row.get(0)?;
            size += xml.len();
            if size > PAGE {
                page.more = true;
                break;
            }
            page.records.push(xml);
        }
        Ok(page)
    }

    /// Removes the records that these secrets remove, and refuses them from now on until they would have expired. Says
    /// how many there were.
    ///
    /// # Errors
    /// [`Refusal::TooMany`]: too many secrets whose records were not here.
    pub fn remove(&mut self, key: &Key, secrets: &[[u8; 32]], now: Millis) -> Result<usize, Refusal> {
        self.expire_now_and_then(now)?;
        let place = key.id();
        let mut removed = 0;
        for secret in secrets {
            let removal = sha256(secret);
            let there: Vec<(i64, Millis, Share)> = self
                .database
                .prepare_cached("SELECT id, expires, class, network, cost FROM record WHERE place = ? AND removal = ?")?
                .query_map(params![place, removal], |row| {
                    Ok((row.get(0)?, row.get(1)?, share_of(row, 2)?))
                })?
                .collect::<Result<_, _>>()?;
            for (id, _, share) in &there {
                self.delete("DELETE FROM record WHERE id = ?", *id, *share)?;
            }
            removed += there.len();
            let until = there.iter().map(|(_, expires, _)| *expires).max();
            self.remember_secret(key, &removal, secret, until, now)?;
        }
        Ok(removed)
    }

    fn remember_secret(
        &mut self,
        key: &Key,
        removal: &[u8; 32],
        secret: &[u8; 32],
        until: Option<Millis>,
        now: Millis,
    ) -> Result<(), Refusal> {
        let place = &key.id();
        if self.is_spent(place, removal)? {
            return Ok(());
        }
        if until.is_none() {
            let unseen: u64 = self
                .database
                .prepare_cached("SELECT count(*) FROM spent WHERE place = ? AND seen = 0")?
                .query_row([place], |row| row.get(0))?;
            if unseen >= UNSEEN_SECRETS {
                return Err(Refusal::TooMany);
            }
        }
        self.database
            .prepare_cached("INSERT INTO spent (place, removal, secret, key, expires, seen) VALUES (?, ?, ?, ?, ?, ?)")?
            .execute(params![
                place,
                removal,
                secret,
                key.text(),
                until.unwrap_or(now + OFFLINE_LIFETIME),
                until.is_some()
            ])?;
        Ok(())
    }

    fn is_spent(&self, place: &[u8; 32], removal: &[u8; 32]) -> Result<bool, Refusal> {
        let mut statement = self
            .database
            .prepare_cached("SELECT 1 FROM spent WHERE place = ? AND removal = ?")?;
        Ok(statement.exists(params![place, removal])?)
    }

    /// The secrets that were shown under a key: whoever keeps its records has to know them too.
    pub(super) fn secrets(&self, place: &[u8; 32], now: Millis) -> Result<Option<Secrets>, Refusal> {
        let mut statement = self
            .database
            .prepare_cached("SELECT secret, key FROM spent WHERE place = ? AND seen = 1 AND expires > ?")?;
        let mut rows = statement.query(params![place, now])?;
        let mut found: Option<Secrets> = None;
        while let Some(row) = rows.next()? {
            let key = row.get(1)?;
            found.get_or_insert_with(|| (key, Vec::new())).1.push(row.get(0)?);
        }
        Ok(found)
    }

    fn expire_now_and_then(&mut self, now: Millis) -> Result<(), Refusal> {
        // A clock that was set back must not keep what has expired for long.
        if (self.expired_at..self.expired_at.saturating_add(EXPIRY_PAUSE)).contains(&now) {
            return Ok(());
        }
        self.expire(now)
    }

    /// Forgets what has expired. Whatever writes does so too; this is for a node to which nobody writes.
    ///
    /// # Errors
    /// The database fails.
    pub fn expire(&mut self, now: Millis) -> Result<(), Refusal> {
        self.expired_at = now;
        for statement in [
            "DELETE FROM record WHERE expires <= ? RETURNING class, network, cost",
            "DELETE FROM fragment WHERE expires <= ? RETURNING class, network, cost",
            "DELETE FROM opendht WHERE expires <= ? RETURNING class, network, cost",
        ] {
            let gone: Vec<Share> = self
                .database
                .prepare_cached(statement)?
                .query_map([now], |row| share_of(row, 0))?
                .collect::<Result<_, _>>()?;
            for share in gone {
                self.usage.remove(share.class, share.network, share.cost);
            }
        }
        self.database
            .prepare_cached("DELETE FROM spent WHERE expires <= ?")?
            .execute([now])?;
        Ok(())
    }

    /// How many records it keeps, expired ones among them until they are forgotten.
    pub fn records(&self) -> u64 {
        let count = self
            .database
            .query_row("SELECT count(*) FROM record", (), |row| row.get(0));
        count.unwrap_or_default()
    }

    /// How many bytes it uses of its [`Limits`].
    pub fn used(&self) -> u64 {
        self.usage.all()
    }

    /// Begins a group of changes that are written together; what reads in between sees them.
    pub(super) fn begin(&mut self) {
        if let Err(error) = self.database.execute_batch("BEGIN") {
            tracing::warn!(%error, "records of others are written one by one");
        }
    }

    /// Ends a group of changes.
    pub(super) fn commit(&mut self) {
        if let Err(error) = self.database.execute_batch("COMMIT") {
            tracing::warn!(%error, "records of others could not be written");
        }
    }

    fn count_usage(&mut self) -> Result<(), DatabaseError> {
        for table in ["record", "fragment", "opendht"] {
            let select = format!("SELECT class, network, sum(cost) FROM {table} GROUP BY class, network");
            let mut statement = self.database.prepare(&select)?;
            let shares = statement.query_map((), |row| share_of(row, 0))?;
            for share in shares {
                let share = share?;
                self.usage.add(share.class, share.network, share.cost);
            }
        }
        Ok(())
    }

    /// A node may have had more room when it was last open.
    fn fit_into_limits(&mut self) -> Result<(), DatabaseError> {
        for class in Class::ALL {
            while self.usage.of(class) > class.share(self.limits.bytes) {
                let Some(loser) = self.usage.who_gives_way(class, Network::UNKNOWN, 0) else {
                    break;
                };
                match self.drop_newest_of(class, loser, None) {
                    Ok(true) => {}
                    Ok(false) | Err(_) => break,
                }
            }
        }
        Ok(())
    }
}

/// What something of this many bytes costs.
pub(super) fn cost_of(bytes: usize) -> u64 {
    bytes as u64 + OVERHEAD
}

/// Class, network and cost, from three columns on.
pub(super) fn share_of(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Share> {
    let number: i64 = row.get(first)?;
    let network: Vec<u8> = row.get(first + 1)?;
    Ok(Share {
        class: Class::from_number(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(first, number))?,
        network: Network::from_bytes(&network).unwrap_or(Network::UNKNOWN),
        cost: row.get(first + 2)?,
    })
}

impl fmt::Debug for StoringNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoringNode")
    }
}
