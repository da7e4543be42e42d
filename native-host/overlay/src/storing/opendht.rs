//! Keeping OpenDHT's values: bytes under a key, without a signature, which whoever knows a secret may remove. They are in a
//! name space of their own and never meet the records.

use corella_identity::Millis;
use openssl::sha::sha1;
use rusqlite::{OptionalExtension, params};

use super::class::Class;
use super::network::Network;
use super::node::{Share, StoringNode, cost_of};
use super::refusal::Refusal;

/// Longest key in bytes.
pub(super) const KEY_LIMIT: usize = 20;
/// Largest value in bytes.
pub(super) const VALUE_LIMIT: usize = 1024;
/// Longest secret in bytes.
pub(super) const SECRET_LIMIT: usize = 40;
/// Longest life: a week.
pub(super) const LIFE_LIMIT: Millis = 7 * 24 * 60 * 60 * 1000;
/// Most bytes under one key.
const KEY_SHARE: u64 = 128 * 1024;
/// Most values of one answer.
pub const PAGE: usize = 128;

/// The SHA-1 of a value or of a secret, as OpenDHT has it. That of no secret is empty.
pub type Sha1 = [u8; 20];

/// One value under a key.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenDhtValue {
    /// The bytes.
    pub value: Vec<u8>,
    /// SHA-1 of the secret that removes it, or nothing if none does.
    pub secret_hash: Option<Sha1>,
    /// When it ends.
    pub expires: Millis,
    /// The secret, if somebody has shown it: then the value counts as removed.
    pub secret: Option<Vec<u8>>,
}

impl std::fmt::Debug for OpenDhtValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenDhtValue({} bytes)", self.value.len())
    }
}

/// The end of one page of values, after which the next begins: of all nodes the same.
pub type After = (Sha1, Vec<u8>);

impl StoringNode {
    /// Keeps a value, or lets one that is there live longer.
    ///
    /// # Errors
    /// Over the limits of OpenDHT; removed; no room.
    pub fn put_value(&mut self, key: &[u8], value: &OpenDhtValue, from: Network, now: Millis) -> Result<(), Refusal> {
        if key.len() > KEY_LIMIT || value.value.len() > VALUE_LIMIT {
            return Err(Refusal::TooLarge);
        }
        if value.expires <= now {
            return Err(Refusal::Expired);
        }
        if value.expires > now + LIFE_LIMIT + crate::record::CLOCK_TOLERANCE {
            return Err(Refusal::LivesTooLong);
        }
        let (hash, secret_hash) = (sha1(&value.value), secret_bytes(value.secret_hash.as_ref()));
        let held = self
            .database
            .prepare_cached(
                "SELECT id, secret IS NOT NULL FROM opendht WHERE key = ? AND value_hash = ? AND secret_hash = ?",
            )?
            .query_row(params![key, hash, secret_hash], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
            })
            .optional()?;
        match held {
            Some((_, true)) => return Err(Refusal::Removed),
            Some((id, false)) => {
                self.database
                    .prepare_cached("UPDATE opendht SET expires = max(expires, ?) WHERE id = ?")?
                    .execute(params![value.expires, id])?;
                return Ok(());
            }
            None => {}
        }
        self.insert_value(key, &hash, value, from)
    }

    /// Removes the values with this hash that this secret removes, and refuses them until `expires`, or until they would
    /// have expired.
    ///
    /// # Errors
    /// Over the limits of OpenDHT; no room to remember it.
    pub fn remove_value(
        &mut self,
        key: &[u8],
        value_hash: &Sha1,
        secret: &[u8],
        expires: Millis,
        from: Network,
        now: Millis,
    ) -> Result<(), Refusal> {
        if key.len() > KEY_LIMIT || secret.len() > SECRET_LIMIT {
            return Err(Refusal::TooLarge);
        }
        let expires = expires.min(now + LIFE_LIMIT);
        if expires <= now {
            return Err(Refusal::Expired);
        }
        let secret_hash = sha1(secret);
        let changed = self
            .database
            .prepare_cached(
                "UPDATE opendht SET secret = ?, value = x'', expires = max(expires, ?)
                 WHERE key = ? AND value_hash = ? AND secret_hash = ?",
            )?
            .execute(params![secret, expires, key, value_hash, secret_hash])?;
        if changed > 0 {
            return Ok(());
        }
        let removed = OpenDhtValue {
            value: Vec::new(),
            secret_hash: Some(secret_hash),
            expires,
            secret: Some(secret.to_vec()),
        };
        self.insert_value(key, value_hash, &removed, from)
    }

    fn insert_value(&mut self, key: &[u8], hash: &Sha1, value: &OpenDhtValue, from: Network) -> Result<(), Refusal> {
        let share = Share {
            class: Class::Guest,
            network: self.charged(None, from),
            cost: cost_of(value.value.len()),
        };
        let used: u64 = self
            .database
            .prepare_cached("SELECT coalesce(sum(cost), 0) FROM opendht WHERE key = ?")?
            .query_row([key], |row| row.get(0))?;
        if used + share.cost > KEY_SHARE {
            return Err(Refusal::TooMany);
        }
        self.make_room(share, None, None)?;
        self.database
            .prepare_cached(
                "INSERT INTO opendht (key, value, value_hash, secret_hash, secret, expires, class, network, cost)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                key,
                value.value,
                hash,
                secret_bytes(value.secret_hash.as_ref()),
                value.secret,
                value.expires,
                share.class.number(),
                share.network.bytes(),
                share.cost
            ])?;
        self.usage.add(share.class, share.network, share.cost);
        Ok(())
    }

    /// The values under a key, removed ones among them with their secrets, in the order of their hashes.
    ///
    /// # Errors
    /// The database fails.
    pub fn values(&self, key: &[u8], after: Option<&After>, now: Millis) -> Result<Vec<(Sha1, OpenDhtValue)>, Refusal> {
        let (value_hash, secret_hash) = after.map_or((&[][..], &[][..]), |(value, secret)| (&value[..], &secret[..]));
        let values = self
            .database
            .prepare_cached(&format!(
                "SELECT value_hash, value, secret_hash, expires, secret FROM opendht
                 WHERE key = ? AND expires > ? AND (value_hash, secret_hash) > (?, ?)
                 ORDER BY value_hash, secret_hash LIMIT {PAGE}"
            ))?
            .query_map(params![key, now, value_hash, secret_hash], |row| {
                let secret_hash: Vec<u8> = row.get(2)?;
                let value = OpenDhtValue {
                    value: row.get(1)?,
                    secret_hash: secret_hash.try_into().ok(),
                    expires: row.get(3)?,
                    secret: row.get(4)?,
                };
                Ok((row.get(0)?, value))
            })?
            .collect::<Result<_, _>>()?;
        Ok(values)
    }
}

fn secret_bytes(hash: Option<&Sha1>) -> &[u8] {
    hash.map_or(&[], |hash| &hash[..])
}
