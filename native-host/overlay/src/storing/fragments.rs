//! Keeping fragments: immutable pieces, each charged to the signer of the record that lists it.

use corella_identity::Millis;
use openssl::sha::sha256;
use rusqlite::{OptionalExtension, params};

use super::class::Class;
use super::limits::FRAGMENTS_OF_SIGNER;
use super::network::Network;
use super::node::{Share, StoringNode, cost_of, share_of};
use super::opendht::LIFE_LIMIT;
use super::refusal::Refusal;
use crate::fragment::{FRAGMENT_SIZE, FragmentId};
use crate::record::{CLOCK_TOLERANCE, Record, Sealed};

impl StoringNode {
    /// Takes a fragment that the record `parent` lists, for as long as that record lives.
    ///
    /// # Errors
    /// The record is not current or does not list it; no room.
    pub fn put_fragment(&mut self, parent: &Record, bytes: &[u8], from: Network, now: Millis) -> Result<(), Refusal> {
        parent.check(now).map_err(|error| Refusal::from(&error))?;
        let Some(Sealed::Fragments(fragments)) = parent.value().sealed() else {
            return Err(Refusal::Malformed);
        };
        let hash = fragments.check(bytes).map_err(|_| Refusal::Malformed)?;
        let place = parent.key().id();
        let signer = parent.signer().fingerprint();
        if let Some(removal) = parent.value().removal()
            && self.is_spent(&place, removal)?
        {
            return Err(Refusal::Removed);
        }
        let mut freed = None;
        let held = self
            .database
            .prepare_cached(
                "SELECT id, sequence, class, network, cost FROM fragment
                 WHERE hash = ? AND place = ? AND signer = ? AND nonce = ?",
            )?
            .query_row(params![hash, place, signer.as_bytes(), parent.nonce()], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Millis>(1)?, share_of(row, 2)?))
            })
            .optional()?;
        if let Some((id, sequence, share)) = held {
            if sequence >= parent.sequence() {
                return Ok(());
            }
            freed = Some((id, share));
        }
        if freed.is_none() {
            self.make_room_of_signer(parent)?;
        }
        let share = Share {
            class: self.judge.class_of(parent, now),
            network: self.charged(Some(&signer), from),
            cost: cost_of(bytes.len() + parent.to_xml().len()),
        };
        let older = freed.map(|(_, share)| share);
        // The same piece for a newer version of its record.
        let passed_on = older.filter(|older| share.cost <= older.cost);
        let passed_on = passed_on.map(|older| Share {
            cost: share.cost,
            ..older
        });
        let share = self.settle(parent, share, passed_on, |node, share| {
            node.make_room(share, older, freed.map(|(id, _)| id))
        })?;
        if let Some((id, older)) = freed {
            self.delete("DELETE FROM fragment WHERE id = ?", id, older)?;
        }
        self.database
            .prepare_cached(
                "INSERT INTO fragment (hash, place, signer, nonce, sequence, expires, class, network, removal, cost, bytes,
                    parent)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                hash,
                place,
                signer.as_bytes(),
                parent.nonce(),
                parent.sequence(),
                parent.expires(),
                share.class.number(),
                share.network.bytes(),
                parent.value().removal(),
                share.cost,
                bytes,
                &**parent.to_xml()
            ])?;
        self.usage.add(share.class, share.network, share.cost);
        Ok(())
    }

    /// Takes bytes of a guest, of whom nothing is known but the network.
    ///
    /// # Errors
    /// Too large; over, or too far ahead; no room.
    pub fn put_immutable(&mut self, bytes: &[u8], expires: Millis, from: Network, now: Millis) -> Result<(), Refusal> {
        if bytes.is_empty() || bytes.len() > FRAGMENT_SIZE {
            return Err(Refusal::TooLarge);
        }
        if expires <= now {
            return Err(Refusal::Expired);
        }
        if expires > now + LIFE_LIMIT + CLOCK_TOLERANCE {
            return Err(Refusal::LivesTooLong);
        }
        let hash = sha256(bytes);
        let longer = self
            .database
            .prepare_cached("UPDATE fragment SET expires = max(expires, ?) WHERE hash = ? AND parent IS NULL")?
            .execute(params![expires, hash])?;
        if longer > 0 {
            return Ok(());
        }
        let share = Share {
            class: Class::Guest,
            network: self.charged(None, from),
            cost: cost_of(bytes.len()),
        };
        self.make_room(share, None, None)?;
        self.database
            .prepare_cached(
                "INSERT INTO fragment (hash, place, signer, nonce, sequence, expires, class, network, cost, bytes)
                 VALUES (?, x'', x'', x'', 0, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                hash,
                expires,
                share.class.number(),
                share.network.bytes(),
                share.cost,
                bytes
            ])?;
        self.usage.add(share.class, share.network, share.cost);
        Ok(())
    }

    /// A signer has only so many fragments. What belongs to older versions of records gives way to newer ones.
    fn make_room_of_signer(&mut self, parent: &Record) -> Result<(), Refusal> {
        let signer = parent.signer().fingerprint();
        let count: u64 = self
            .database
            .prepare_cached("SELECT count(*) FROM fragment WHERE signer = ?")?
            .query_row([signer.as_bytes()], |row| row.get(0))?;
        if count < FRAGMENTS_OF_SIGNER {
            return Ok(());
        }
        let oldest = self
            .database
            .prepare_cached(
                "SELECT id, class, network, cost FROM fragment WHERE signer = ? AND sequence < ?
                 ORDER BY sequence LIMIT 1",
            )?
            .query_row(params![signer.as_bytes(), parent.sequence()], |row| {
                Ok((row.get::<_, i64>(0)?, share_of(row, 1)?))
            })
            .optional()?;
        let (id, share) = oldest.ok_or(Refusal::TooMany)?;
        self.delete("DELETE FROM fragment WHERE id = ?", id, share)
    }

    /// Removes a fragment whose record is removed by this secret. Whether it was there.
    ///
    /// # Errors
    /// The database fails.
    pub fn remove_fragment(&mut self, hash: &FragmentId, secret: &[u8; 32]) -> Result<bool, Refusal> {
        let there: Vec<(i64, Share)> = self
            .database
            .prepare_cached("SELECT id, class, network, cost FROM fragment WHERE hash = ? AND removal = ?")?
            .query_map(params![hash, sha256(secret)], |row| {
                Ok((row.get(0)?, share_of(row, 1)?))
            })?
            .collect::<Result<_, _>>()?;
        for (id, share) in &there {
            self.delete("DELETE FROM fragment WHERE id = ?", *id, *share)?;
        }
        Ok(!there.is_empty())
    }

    /// A fragment, by its hash.
    ///
    /// # Errors
    /// The database fails.
    pub fn get_fragment(&self, hash: &FragmentId, now: Millis) -> Result<Option<Vec<u8>>, Refusal> {
        let bytes = self
            .database
            .prepare_cached("SELECT bytes FROM fragment WHERE hash = ? AND expires > ? LIMIT 1")?
            .query_row(params![hash, now], |row| row.get(0))
            .optional()?;
        Ok(bytes)
    }
}
