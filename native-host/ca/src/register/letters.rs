//! Letters to be sent.

use corella_identity::enrolment::{BLOCK_LIMIT, RequestId, TOKEN_LIFETIME, Tag, Token};
use corella_identity::{AddressOfRecord, Certificate, Millis};
use rusqlite::{OptionalExtension, Transaction, params};

use super::asking::{letter_due, line};
use super::{Register, RegisterError, State, address, audit};
use crate::limits::is_forgotten;

/// How long whoever fetched a letter has to send it, before it is given to somebody again.
const LEASE: Millis = 10 * 60 * 1000;

/// A letter to be sent.
#[derive(Debug)]
pub struct Letter {
    number: i64,
    /// To whom.
    pub to: AddressOfRecord,
    /// What it is to say.
    pub contents: Contents,
    /// The requests whose tokens it has.
    requests: Vec<RequestId>,
}

/// What a letter says.
#[derive(Debug)]
pub enum Contents {
    /// Tokens of requests, by which their makers prove that they read the mail of this address.
    Tokens(Vec<(Tag, Token)>),
    /// A certificate, to keep.
    Certificate(Certificate),
}

impl Register {
    /// Letters that are due, for one who sends them; each has to be reported as sent or failed. `token_key`: see
    /// [`Token::derive`].
    ///
    /// # Errors
    /// The disk refuses, or the register is damaged.
    pub fn letters(&mut self, token_key: &[u8; 32], most: usize, now: Millis) -> Result<Vec<Letter>, RegisterError> {
        let transaction = self.connection.transaction()?;
        let mut due = transaction
            .prepare_cached("SELECT number, address, serial FROM letters WHERE due <= ? ORDER BY due LIMIT ?")?
            .query_map(params![now, most], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, Option<Vec<u8>>>(2)?,
                ))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let mut letters = Vec::new();
        for (number, to, serial) in due.drain(..) {
            let (contents, requests) = match serial {
                Some(serial) => (Contents::Certificate(certificate(&transaction, &serial)?), Vec::new()),
                None => {
                    let requests = waiting(&transaction, &to, now)?;
                    let tokens = requests.iter().map(|id| Ok((id.tag(), Token::derive(token_key, id)?)));
                    (
                        Contents::Tokens(tokens.collect::<Result<_, RegisterError>>()?),
                        requests,
                    )
                }
            };
            if matches!(&contents, Contents::Tokens(tokens) if tokens.is_empty()) {
                transaction.execute("DELETE FROM letters WHERE number = ?", [number])?;
                continue;
            }
            transaction.execute(
                "UPDATE letters SET due = ? WHERE number = ?",
                params![now + LEASE, number],
            )?;
            letters.push(Letter {
                number,
                to: address(&to)?,
                contents,
                requests,
            });
        }
        transaction.commit()?;
        Ok(letters)
    }

    /// When the next letter is due. `None`: none waits.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn next_letter(&mut self) -> Result<Option<Millis>, RegisterError> {
        Ok(self
            .connection
            .query_row("SELECT min(due) FROM letters", [], |row| row.get(0))?)
    }

    /// A letter was handed to the mail server. The tokens in it are good for a day from now.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn sent(&mut self, letter: &Letter, now: Millis) -> Result<(), RegisterError> {
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM letters WHERE number = ?", [letter.number])?;
        let to = letter.to.as_str();
        match &letter.contents {
            Contents::Certificate(_) => audit(&transaction, now, "certificate mailed", to, "")?,
            Contents::Tokens(tokens) => {
                for id in &letter.requests {
                    transaction.execute(
                        "UPDATE requests SET state = ?, expires = ? WHERE id = ? AND state = ?",
                        params![
                            State::Mailed.number(),
                            now + TOKEN_LIFETIME,
                            id.as_bytes(),
                            State::Waiting.number()
                        ],
                    )?;
                }
                let last: Option<Millis> = transaction
                    .query_row("SELECT last FROM unanswered WHERE address = ?", [to], |row| row.get(0))
                    .optional()?;
                if last.is_some_and(|last| is_forgotten(last, now)) {
                    transaction.execute("DELETE FROM unanswered WHERE address = ?", [to])?;
                }
                transaction.execute(
                    "INSERT INTO unanswered (address, letters, last) VALUES (?, 1, ?)
                     ON CONFLICT (address) DO UPDATE SET letters = letters + 1, last = excluded.last",
                    params![to, now],
                )?;
                // What was asked for meanwhile goes in the next.
                if !waiting(&transaction, to, now)?.is_empty() {
                    letter_due(&transaction, &self.limits, to, now)?;
                }
                audit(&transaction, now, "tokens mailed", to, &tokens.len().to_string())?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// A letter could not be handed to the mail server. `for_good`: it refuses this address, now and later.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn failed(&mut self, letter: &Letter, for_good: bool, why: &str, now: Millis) -> Result<(), RegisterError> {
        let transaction = self.connection.transaction()?;
        if for_good {
            transaction.execute("DELETE FROM letters WHERE number = ?", [letter.number])?;
            // Also what was asked for meanwhile: nobody would write for it.
            transaction.execute(
                "UPDATE requests SET state = ? WHERE address = ? AND state = ?",
                params![
                    State::Undeliverable.number(),
                    letter.to.as_str(),
                    State::Waiting.number()
                ],
            )?;
        } else {
            let failures: u32 = transaction
                .query_row(
                    "SELECT failures FROM letters WHERE number = ?",
                    [letter.number],
                    |row| row.get(0),
                )
                .optional()?
                .unwrap_or(0);
            let failures = failures.saturating_add(1);
            transaction.execute(
                "UPDATE letters SET failures = ?, due = ? WHERE number = ?",
                params![failures, self.limits.retry(failures, now), letter.number],
            )?;
        }
        audit(&transaction, now, "letter failed", letter.to.as_str(), why)?;
        transaction.commit()?;
        Ok(())
    }
}

fn certificate(transaction: &Transaction<'_>, serial: &[u8]) -> Result<Certificate, RegisterError> {
    let der: Vec<u8> = transaction.query_row(
        "SELECT certificate FROM certificates WHERE serial = ?",
        [serial],
        |row| row.get(0),
    )?;
    Certificate::from_der(&der).map_err(|_| RegisterError::Damaged("a certificate"))
}

/// The requests whose tokens go into the next letter to an address.
fn waiting(transaction: &Transaction<'_>, address: &str, now: Millis) -> Result<Vec<RequestId>, RegisterError> {
    let line = line(transaction, address, BLOCK_LIMIT, now)?;
    Ok(line.into_iter().map(|(id, _)| id).collect())
}
