//! Somebody asks for a certificate.
//!
//! The letters to one address are few whatever is asked: what comes while it may not be written to waits in a line, and goes along in
//! the next letters. The line is in rounds: first the first request of each network, then the second of each, counted over a day and
//! with those that were mailed. So a flood for somebody's address does not fill their mailbox, and their own request comes before what
//! others have asked for again.
//!
//! What was mailed holds no place in the line, and keeps its day for the answer. A full line lets go of its end, and only for
//! one from an earlier round: so nothing that comes later takes the place of a network's first request.

use corella_identity::Millis;
use corella_identity::enrolment::RequestId;
use rusqlite::{OptionalExtension, Transaction, params};
use thiserror::Error;

use super::{Register, RegisterError, State, Status, WAITING, audit, status};
use crate::limits::Limits;
use crate::network::Network;
use crate::request::Request;

const HOUR: Millis = 60 * 60 * 1000;

/// Why a request is not taken.
#[derive(Debug, Error)]
pub enum AskError {
    /// Too much came from there.
    #[error("too many requests came from this network: try again in an hour")]
    TooManyFromNetwork,
    /// Too much waits for this address already.
    #[error("too many requests for this address wait for an answer: try again in an hour")]
    TooManyForAddress,
    /// Too much in all.
    #[error("the authority is busy: try again in an hour")]
    Busy,
    /// The register failed.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl From<rusqlite::Error> for AskError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Register(error.into())
    }
}

impl Register {
    /// Takes a request, and has a letter sent. The same request again, while it is waited for, is the same: its id, and no
    /// letter more.
    ///
    /// # Errors
    /// Over a limit, or the register failed.
    pub fn ask(&mut self, request: &Request, network: Network, now: Millis) -> Result<Status, AskError> {
        let limits = &self.limits;
        let transaction = self.connection.transaction()?;
        let address = request.address().as_str();
        let same: Option<[u8; 16]> = transaction
            .prepare_cached(
                "SELECT id FROM requests WHERE address = ? AND expires >= ? AND key_hash = ? AND state IN (0, 1)",
            )?
            .query_row(params![address, now, request.key_hash()], |row| row.get(0))
            .optional()?;
        let id = match same {
            Some(id) => id,
            None => {
                let count = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
                    transaction
                        .prepare_cached(sql)?
                        .query_row(parameters, |row| row.get::<_, u32>(0))
                };
                let in_network = "SELECT count(*) FROM requests WHERE network = ? AND at > ?";
                if count(in_network, &[&network.bytes(), &(now - HOUR)])? >= limits.per_network {
                    return Err(AskError::TooManyFromNetwork);
                }
                if count("SELECT count(*) FROM requests WHERE at > ?", &[&(now - HOUR)])? >= limits.in_all {
                    return Err(AskError::Busy);
                }
                make_room(&transaction, address, network, limits, now)?;
                let id = RequestId::new().map_err(RegisterError::from)?;
                transaction
                    .prepare_cached(
                        "INSERT INTO requests (id, address, request, key_hash, network, at, expires, state)
                         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    )?
                    .execute(params![
                        id.as_bytes(),
                        address,
                        request.der(),
                        request.key_hash(),
                        network.bytes(),
                        now,
                        now + WAITING,
                        State::Waiting.number(),
                    ])?;
                audit(&transaction, now, "asked", address, &id.tag().to_string())?;
                letter_due(&transaction, limits, address, now)?;
                *id.as_bytes()
            }
        };
        let status = status(&transaction, &id, now)?.ok_or(RegisterError::Damaged("a request"))?;
        transaction.commit()?;
        Ok(status)
    }
}

/// Sees to it that one more request for an address may wait: the last in a full line gives way to one from an earlier round.
fn make_room(
    transaction: &Transaction<'_>,
    address: &str,
    network: Network,
    limits: &Limits,
    now: Millis,
) -> Result<(), AskError> {
    let asked: u32 = transaction
        .prepare_cached(
            "SELECT count(*) FROM requests WHERE address = ? AND network = ? AND expires >= ? AND state IN (0, 1)",
        )?
        .query_row(params![address, network.bytes(), now], |row| row.get(0))?;
    if asked >= limits.open_per_address_and_network {
        return Err(AskError::TooManyForAddress);
    }
    let line = line(transaction, address, usize::MAX >> 1, now)?;
    if line.len() < limits.waiting_per_address {
        return Ok(());
    }
    match line.last() {
        Some((last, round)) if asked + 1 < *round => {
            transaction.execute("DELETE FROM requests WHERE id = ?", [last.as_bytes()])?;
            Ok(())
        }
        _ => Err(AskError::TooManyForAddress),
    }
}

/// The first of those that wait for a letter to an address, each with its round: 1 for the first request of its network in a day...
pub(super) fn line(
    transaction: &Transaction<'_>,
    address: &str,
    most: usize,
    now: Millis,
) -> Result<Vec<(RequestId, u32)>, rusqlite::Error> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, round FROM (
             SELECT id, state, at, rowid AS number, row_number() OVER (PARTITION BY network ORDER BY at, rowid) AS round
             FROM requests WHERE address = ? AND expires >= ? AND state IN (0, 1))
         WHERE state = 0 ORDER BY round, at, number LIMIT ?",
    )?;
    let rows = statement.query_map(params![address, now, most], |row| {
        Ok((RequestId::from(row.get::<_, [u8; 16]>(0)?), row.get(1)?))
    })?;
    rows.collect()
}

/// Has a letter with tokens sent to an address as soon as it may be written to.
pub(super) fn letter_due(
    transaction: &Transaction<'_>,
    limits: &Limits,
    address: &str,
    now: Millis,
) -> Result<(), RegisterError> {
    let unanswered = transaction
        .prepare_cached("SELECT letters, last FROM unanswered WHERE address = ?")?
        .query_row([address], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let (letters, last) = unanswered.unwrap_or((0, 0));
    transaction
        .prepare_cached("INSERT INTO letters (address, due) VALUES (?, ?) ON CONFLICT DO NOTHING")?
        .execute(params![address, limits.next_letter(letters, last, now)])?;
    Ok(())
}
