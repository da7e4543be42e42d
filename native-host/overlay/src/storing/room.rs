//! Room: who has how much of it, and who gives way when there is none left.

use std::collections::BTreeMap;

use corella_identity::Fingerprint;
use rusqlite::{OptionalExtension, Row, params};

use super::class::Class;
use super::database::DatabaseError;
use super::limits::{key_share, records_of_signer};
use super::network::Network;
use super::node::{Held, Share, StoringNode, share_of};
use super::refusal::Refusal;
use super::usage::fattest;
use crate::key::Key;
use crate::record::Record;

/// What a class has under a key. The sign before `class` keeps SQLite from the index of classes, which to it looks as good: it
/// would look at all records of the class for each that is put.
pub(super) const OF_CLASS_UNDER_KEY: &str =
    "SELECT id, class, network, cost FROM record WHERE place = ? AND +class = ? ORDER BY id";
/// What of that is for one recipient: however many others have room there, it is not looked at.
pub(super) const OF_RECIPIENT_UNDER_KEY: &str =
    "SELECT id, class, network, cost FROM record WHERE place = ? AND +class = ? AND recipient = ? ORDER BY id";

impl StoringNode {
    /// One signer has only so many records under one key.
    pub(super) fn check_signer(
        &self,
        key: &Key,
        place: &[u8; 32],
        record: &Record,
        held: Option<&Held>,
    ) -> Result<(), Refusal> {
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

    /// One class has only so much room under one key; there, too, the largest network gives way. Anybody can make a
    /// certificate in a person's name, and give passes: so those who have one are counted by who gave it, and have no part of the room of those
    /// who have one of another.
    ///
    /// Says what has to give way; nothing has yet.
    pub(super) fn in_the_way(
        &self,
        record: &Record,
        place: &[u8; 32],
        share: Share,
        held: Option<&Held>,
    ) -> Result<Vec<(i64, Share)>, Refusal> {
        let recipient = record.value().recipient().map(Fingerprint::as_bytes);
        let giver = recipient.filter(|_| share.class == Class::Welcome);
        let row = |row: &Row<'_>| Ok((row.get(0)?, share_of(row, 1)?));
        let class = share.class.number();
        let mut rows: Vec<(i64, Share)> = match giver {
            Some(giver) => self
                .database
                .prepare_cached(OF_RECIPIENT_UNDER_KEY)?
                .query_map(params![place, class, giver], row)?
                .collect::<Result<_, _>>()?,
            None => self
                .database
                .prepare_cached(OF_CLASS_UNDER_KEY)?
                .query_map(params![place, class], row)?
                .collect::<Result<_, _>>()?,
        };
        rows.retain(|(id, _)| held.is_none_or(|held| held.id != *id));
        let room = key_share(record.key(), share.class);
        let mut losers = Vec::new();
        while rows.iter().map(|(_, row)| row.cost).sum::<u64>() + share.cost > room {
            let mut shares: BTreeMap<Network, u64> = BTreeMap::new();
            for (_, row) in &rows {
                *shares.entry(row.network).or_default() += row.cost;
            }
            let shares = shares.iter().map(|(network, used)| (*network, *used));
            let loser = fattest(shares, share.network, share.cost).ok_or(Refusal::TooMany)?;
            let newest = rows.iter().rposition(|(_, row)| row.network == loser);
            losers.push(rows.remove(newest.ok_or(Refusal::TooMany)?));
        }
        Ok(losers)
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

    /// A node may have had more room when it was last open.
    pub(super) fn fit_into_limits(&mut self) -> Result<(), DatabaseError> {
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
