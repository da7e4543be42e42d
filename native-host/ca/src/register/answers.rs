//! Somebody answers a letter, and gets the certificate.

use corella_identity::enrolment::{RequestId, Token, answer_statement, is_signed};
use corella_identity::{Certificate, Millis};
use rusqlite::{OptionalExtension, params};
use thiserror::Error;

use super::{Register, RegisterError, State, audit, certificates};
use crate::authority::Authority;
use crate::request::Request;

/// The answer to a letter.
#[derive(Debug)]
pub struct Answer {
    /// Which request.
    pub id: RequestId,
    /// What the letter said.
    pub token: Token,
    /// Whether the address's earlier certificates are to be revoked.
    pub revoke_others: bool,
    /// All that, signed by the requested key; see [`answer_statement`].
    pub signature: Vec<u8>,
}

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// There is no such request.
    #[error("there is no such request: make a new one")]
    Unknown,
    /// It came too late.
    #[error("the token was good for a day, which is over: make a new request")]
    Expired,
    /// The token is not this request's.
    #[error("the token is not the one that was mailed for this request")]
    Token,
    /// The signature is not by the requested key, or of another answer.
    #[error("the answer is not signed by the key that the request is for")]
    Signature,
    /// The certificate was revoked since.
    #[error("the certificate was revoked: make a new request")]
    Revoked,
    /// The register or the authority failed.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl From<rusqlite::Error> for AnswerError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Register(error.into())
    }
}

impl AnswerError {
    /// Its name, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown-request",
            Self::Expired => "expired",
            Self::Token => "wrong-token",
            Self::Signature => "bad-signature",
            Self::Revoked => "revoked",
            Self::Register(_) => "unavailable",
        }
    }
}

impl Register {
    /// Gives the certificate to whoever proved to hold the key and to read the mail. The same answer again, as when the first
    /// one's result was lost on its way, gets the same certificate.
    ///
    /// # Errors
    /// The proof is not good, or the register or the authority failed.
    pub fn answer(&mut self, authority: &Authority, answer: &Answer, now: Millis) -> Result<Certificate, AnswerError> {
        let transaction = self.connection.transaction()?;
        let row = transaction
            .prepare_cached("SELECT request, state, expires, serial FROM requests WHERE id = ?")?
            .query_row([answer.id.as_bytes().as_slice()], |row| {
                Ok((
                    row.get::<_, Vec<u8>>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Millis>(2)?,
                    row.get::<_, Option<Vec<u8>>>(3)?,
                ))
            })
            .optional()?;
        let (request, state, expires, serial) = row.ok_or(AnswerError::Unknown)?;
        let state = State::of(state)?;
        if state != State::Issued && now > expires {
            return Err(AnswerError::Expired);
        }
        let request = Request::from_der(&request).map_err(|_| RegisterError::Damaged("a request"))?;
        let address = request.address();
        let token = Token::derive(authority.token_key(), &answer.id).map_err(RegisterError::from)?;
        if !token.is(&answer.token) {
            return Err(AnswerError::Token);
        }
        let statement = answer_statement(
            &authority.fingerprint(),
            address,
            &answer.id,
            &token,
            answer.revoke_others,
        );
        if !is_signed(request.key(), &statement, &answer.signature) {
            return Err(AnswerError::Signature);
        }
        if let Some(serial) = serial {
            let issued = certificates::one(&transaction, &serial)?.ok_or(RegisterError::Damaged("a certificate"))?;
            return if issued.revoked.is_some() {
                Err(AnswerError::Revoked)
            } else {
                Ok(issued.certificate)
            };
        }
        let certificate = authority
            .certify(address, request.key(), now)
            .map_err(RegisterError::from)?;
        if answer.revoke_others {
            certificates::revoke_all(
                &transaction,
                address.as_str(),
                "replaced by the holder of the mailbox",
                now,
            )?;
        }
        let serial = certificates::insert(&transaction, &certificate, address.as_str(), now)?;
        transaction.execute(
            "UPDATE requests SET state = ?, serial = ? WHERE id = ?",
            params![State::Issued.number(), serial, answer.id.as_bytes()],
        )?;
        transaction.execute("DELETE FROM unanswered WHERE address = ?", [address.as_str()])?;
        transaction.execute(
            "INSERT INTO letters (address, serial, due) VALUES (?, ?, ?)",
            params![address.as_str(), serial, now],
        )?;
        audit(&transaction, now, "issued", address.as_str(), &hex(&serial))?;
        transaction.commit()?;
        Ok(certificate)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
