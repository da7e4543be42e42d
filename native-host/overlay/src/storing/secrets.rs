//! Secrets: whoever shows one removes the records that it removes, for good.

use corella_identity::Millis;
use corella_identity::seal::OFFLINE_LIFETIME;
use openssl::sha::sha256;
use rusqlite::params;

use super::limits::UNSEEN_SECRETS;
use super::node::{Share, StoringNode, share_of};
use super::refusal::Refusal;
use crate::key::Key;

/// A clear key, and the secrets that were shown under it.
pub(super) type Secrets = (String, Vec<[u8; 32]>);

impl StoringNode {
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

    pub(super) fn is_spent(&self, place: &[u8; 32], removal: &[u8; 32]) -> Result<bool, Refusal> {
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
}
