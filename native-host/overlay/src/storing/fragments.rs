//! Keeping fragments: immutable pieces, each charged to the signer of the record that lists it.

use corella_identity::Millis;
use openssl::sha::sha256;
use rusqlite::{OptionalExtension, params};

use super::limits::FRAGMENTS_OF_SIGNER;
use super::network::Network;
use super::node::{Share, StoringNode, cost_of, share_of};
use super::refusal::Refusal;
use crate::fragment::FragmentId;
use crate::record::{Record, Sealed};

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
            self.delete("DELETE FROM fragment WHERE id = ?", id, share)?;
        }
        self.make_room_of_signer(parent)?;
        let share = Share {
            class: self.judge.class_of(parent, now),
            network: from,
            cost: cost_of(bytes.len() + parent.to_xml().len()),
        };
        self.make_room(share, None, None)?;
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
