//! Keeping records: what is taken, what gives way, what is given out.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use corella_identity::trust::TrustAnchors;
use corella_identity::{Fingerprint, Millis};
use rusqlite::{Connection, OptionalExtension, params};

use super::class::{Class, Judge, second_chance};
use super::database::{self, DatabaseError};
use super::limits::{Limits, OVERHEAD, PAGE};
use super::network::Network;
use super::refusal::Refusal;
use super::usage::Usage;
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
    /// The certificates of the node's own user.
    own: HashSet<Fingerprint>,
    /// When it was last looked for what has expired.
    expired_at: Millis,
}

/// The record that stands where another wants to.
pub(super) struct Held {
    pub(super) id: i64,
    sequence: Millis,
    expires: Millis,
    content: Vec<u8>,
    recipient: Option<[u8; 32]>,
    share: Share,
}

impl Held {
    /// The share of what stands in the place of this, if it needs no room: it is no larger, lives no longer, and is for the same person.
    fn passed_on(&self, record: &Record, recipient: Option<&[u8; 32]>, cost: u64) -> Option<Share> {
        let fits = cost <= self.share.cost && record.expires() <= self.expires && recipient == self.recipient.as_ref();
        fits.then_some(Share { cost, ..self.share })
    }
}

/// What something costs, and whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) class: Class,
    pub(super) network: Network,
    pub(super) cost: u64,
}

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
            own: HashSet::new(),
            expired_at: Millis::MIN,
        };
        node.count_usage()?;
        node.fit_into_limits()?;
        Ok(node)
    }

    /// Trusts these authorities from now on. What is kept already stays in its class.
    pub fn trust(&mut self, anchors: TrustAnchors) {
        self.judge.trust(anchors);
    }

    /// Whose certificates the node's own user knows, from now on.
    pub fn know(&mut self, known: HashSet<Fingerprint>) {
        self.judge.know(known);
    }

    /// A certificate of the node's own user, whose records never give way here.
    pub fn own(&mut self, own: Fingerprint) {
        self.own.insert(own);
    }

    /// The network to which something is charged: of what this node itself brings, only what its user wrote is its own. The rest it passes on
    /// for others, who used its gateway or had it mend what another node lacked.
    pub(super) fn charged(&self, writer: Option<&Fingerprint>, from: Network) -> Network {
        if from == Network::OWN && writer.is_none_or(|writer| !self.own.contains(writer)) {
            Network::UNKNOWN
        } else {
            from
        }
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
            network: self.charged(Some(&signer), from),
            cost: cost_of(record.to_xml().len()),
        };
        self.check_signer(record.key(), &place, record, held.as_ref())?;
        // What was for somebody and is taken back counts as theirs still.
        let of_held = held.as_ref().and_then(|held| held.recipient.as_ref());
        let recipient = record.value().recipient().map(Fingerprint::as_bytes);
        let recipient = recipient.or(of_held.filter(|_| record.is_removal()));
        let passed_on = held
            .as_ref()
            .and_then(|held| held.passed_on(record, recipient, share.cost));
        let share = self.settle(record, share, passed_on, |node, share| {
            node.make_place(record, &place, share, held.as_ref())
        })?;
        let freed = held.as_ref().map(|held| held.share);
        let removal = record.value().removal();
        let values = params![
            place,
            signer.as_bytes(),
            record.nonce(),
            record.sequence(),
            record.expires(),
            share.class.number(),
            share.network.bytes(),
            recipient,
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

    /// Finds the class in which there is room for a record, or something that belongs to it: its own; the one that a pass opens; or that
    /// of what it replaces.
    pub(super) fn settle(
        &mut self,
        record: &Record,
        share: Share,
        passed_on: Option<Share>,
        make_room: impl Fn(&mut Self, Share) -> Result<(), Refusal>,
    ) -> Result<Share, Refusal> {
        let Err(refusal) = make_room(self, share) else {
            return Ok(share);
        };
        if let Some(class) = second_chance(record).filter(|class| *class != share.class) {
            let second = Share { class, ..share };
            if make_room(self, second).is_ok() {
                return Ok(second);
            }
        }
        passed_on.ok_or(refusal)
    }

    /// Makes room for a record in a class, under its key and in the node. What it replaces counts no more, but is gone only when the
    /// new one is in its place.
    fn make_place(
        &mut self,
        record: &Record,
        place: &[u8; 32],
        share: Share,
        held: Option<&Held>,
    ) -> Result<(), Refusal> {
        for (id, loser) in self.in_the_way(record, place, share, held)? {
            self.delete("DELETE FROM record WHERE id = ?", id, loser)?;
        }
        self.make_room(share, held.map(|held| held.share), held.map(|held| held.id))
    }

    fn held(&self, place: &[u8; 32], record: &Record) -> Result<Option<Held>, Refusal> {
        let held = self
            .database
            .prepare_cached(
                "SELECT id, sequence, expires, content, recipient, class, network, cost FROM record
                 WHERE place = ? AND signer = ? AND nonce = ?",
            )?
            .query_row(
                params![place, record.signer().fingerprint().as_bytes(), record.nonce()],
                |row| {
                    Ok(Held {
                        id: row.get(0)?,
                        sequence: row.get(1)?,
                        expires: row.get(2)?,
                        content: row.get(3)?,
                        recipient: row.get(4)?,
                        share: share_of(row, 5)?,
                    })
                },
            )
            .optional()?;
        Ok(held)
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

    pub(super) fn expire_now_and_then(&mut self, now: Millis) -> Result<(), Refusal> {
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
    pub fn begin(&mut self) {
        if let Err(error) = self.database.execute_batch("BEGIN") {
            tracing::warn!(%error, "records of others are written one by one");
        }
    }

    /// Ends a group of changes: they are in the file.
    pub fn commit(&mut self) {
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
