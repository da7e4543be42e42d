//! What the authority knows and owes: requests, certificates, letters to be sent, and what happened.
//!
//! One SQLite file; every method is one transaction, so that a power failure leaves nothing half done. No clock: `now` comes in.

mod answers;
mod asking;
mod certificates;
mod database;
mod letters;
#[cfg(test)]
mod tests;

use corella_identity::enrolment::RequestId;
use corella_identity::{AddressOfRecord, Millis};
use openssl::error::ErrorStack;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use thiserror::Error;

pub use answers::{Answer, AnswerError};
pub use asking::AskError;
pub use certificates::Selection;
pub use letters::{Contents, Letter};

use crate::authority::AuthorityError;
use crate::limits::Limits;

/// How long a request is kept while its letter cannot be sent.
const WAITING: Millis = 3 * 24 * 60 * 60 * 1000;

/// Why the register could not do what was asked.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// SQLite refused.
    #[error("the register failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Something in the register cannot be read.
    #[error("the register is damaged: {0} in it cannot be read")]
    Damaged(&'static str),
    /// The authority cannot sign.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// OpenSSL failed.
    #[error("the cryptographic library failed: {0}")]
    Library(#[from] ErrorStack),
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its letter is still to be sent.
    Waiting,
    /// Its letter was handed to the mail server.
    Mailed,
    /// There is a certificate.
    Issued,
    /// The mail server refuses letters to this address for good.
    Undeliverable,
}

impl State {
    const ALL: [Self; 4] = [Self::Waiting, Self::Mailed, Self::Issued, Self::Undeliverable];

    fn number(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Mailed => 1,
            Self::Issued => 2,
            Self::Undeliverable => 3,
        }
    }

    fn of(number: i64) -> Result<Self, RegisterError> {
        Self::ALL
            .into_iter()
            .find(|state| state.number() == number)
            .ok_or(RegisterError::Damaged("a request's state"))
    }
}

/// What there is to say of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its id.
    pub id: [u8; 16],
    /// For whom.
    pub address: AddressOfRecord,
    /// How far it has come. `None`: too late, it is no longer waited for.
    pub state: Option<State>,
    /// Until when it is waited for.
    pub expires: Millis,
    /// If its letter is still to be sent, when it is tried; and whether that failed before.
    pub letter: Option<(Millis, bool)>,
}

/// The register.
#[derive(Debug)]
pub struct Register {
    connection: Connection,
    limits: Limits,
}

impl Register {
    /// How far a request has come. `None`: there is none with this id.
    ///
    /// # Errors
    /// The disk refuses, or the register is damaged.
    pub fn status(&mut self, id: &RequestId, now: Millis) -> Result<Option<Status>, RegisterError> {
        let transaction = self.connection.transaction()?;
        status(&transaction, id.as_bytes(), now)
    }

    /// Forgets requests that ended more than a month ago.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn tidy(&mut self, now: Millis) -> Result<(), RegisterError> {
        const KEPT: Millis = 30 * 24 * 60 * 60 * 1000;
        self.connection
            .execute("DELETE FROM requests WHERE expires < ?", [now - KEPT])?;
        Ok(())
    }
}

fn status(transaction: &Transaction<'_>, id: &[u8; 16], now: Millis) -> Result<Option<Status>, RegisterError> {
    let row = transaction
        .prepare_cached("SELECT address, state, expires FROM requests WHERE id = ?")?
        .query_row([id.as_slice()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((text, state, expires)) = row else {
        return Ok(None);
    };
    let state = State::of(state)?;
    let letter = transaction
        .prepare_cached("SELECT due, failures > 0 FROM letters WHERE address = ? AND serial IS NULL")?
        .query_row([&text], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .filter(|_| state == State::Waiting);
    Ok(Some(Status {
        id: *id,
        address: address(&text)?,
        // A certificate that was issued is fetched again as long as its request is known.
        state: Some(state).filter(|state| *state == State::Issued || now <= expires),
        expires,
        letter,
    }))
}

fn address(text: &str) -> Result<AddressOfRecord, RegisterError> {
    text.parse().map_err(|_| RegisterError::Damaged("an address"))
}

/// Writes down that something happened.
fn audit(transaction: &Transaction<'_>, at: Millis, event: &str, address: &str, detail: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO audit (at, event, address, detail) VALUES (?, ?, ?, ?)")?
        .execute(params![at, event, address, detail])?;
    Ok(())
}
