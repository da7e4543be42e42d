//! Certificates: made by hand, listed, revoked.

use corella_identity::{AddressOfRecord, Certificate, Millis};
use openssl::x509::X509;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::answers::hex;
use super::{Register, RegisterError, address, audit};
use crate::authority::{Authority, Revoked};
use crate::request::Request;

/// A certificate that was issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Its serial number, big-endian.
    pub serial: Vec<u8>,
    /// For whom.
    pub address: String,
    /// Itself.
    pub certificate: Certificate,
    /// When it was issued.
    pub at: Millis,
    /// When it ends.
    pub expires: Millis,
    /// Since when it is revoked.
    pub revoked: Option<Millis>,
}

/// Which certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of an address.
    Address(String),
    /// The one with this serial number.
    Serial(Vec<u8>),
}

impl Register {
    /// Issues a certificate without a letter: whoever runs the authority vouches for it.
    ///
    /// # Errors
    /// The disk refuses, or the authority cannot sign.
    pub fn issue_by_hand(
        &mut self,
        authority: &Authority,
        request: &Request,
        now: Millis,
    ) -> Result<Certificate, RegisterError> {
        let transaction = self.connection.transaction()?;
        let certificate = authority.certify(request.address(), request.key(), now)?;
        let address = request.address().as_str();
        let serial = insert(&transaction, &certificate, address, now)?;
        audit(&transaction, now, "issued by hand", address, &hex(&serial))?;
        transaction.commit()?;
        Ok(certificate)
    }

    /// The certificates of an address, or all, the latest first.
    ///
    /// # Errors
    /// The disk refuses, or the register is damaged.
    pub fn certificates(&mut self, address: Option<&str>) -> Result<Vec<Issued>, RegisterError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT serial, address, certificate, at, expires, revoked FROM certificates
             WHERE ?1 IS NULL OR address = ?1 ORDER BY at DESC",
        )?;
        let rows = statement
            .query_map([address], columns)?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(issued).collect()
    }

    /// Revokes certificates that are valid. How many these were.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn revoke(&mut self, which: &Selection, why: &str, now: Millis) -> Result<usize, RegisterError> {
        let transaction = self.connection.transaction()?;
        let count = match which {
            Selection::Address(address) => revoke_all(&transaction, address, why, now)?,
            Selection::Serial(serial) => match one(&transaction, serial)? {
                Some(issued) => revoke_one(&transaction, &issued, why, now)?,
                None => 0,
            },
        };
        transaction.commit()?;
        Ok(count)
    }

    /// What the revocation list has to name at `now`, and a number for it that no list had before.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn revoked(&mut self, now: Millis) -> Result<(Vec<Revoked>, u32), RegisterError> {
        /// A certificate is named once more after it has ended (RFC 5280 section 3.3).
        const AFTER: Millis = 3 * 24 * 60 * 60 * 1000;
        let transaction = self.connection.transaction()?;
        let revoked = transaction
            .prepare_cached("SELECT serial, revoked FROM certificates WHERE revoked IS NOT NULL AND expires > ?")?
            .query_map([now - AFTER], |row| {
                Ok(Revoked {
                    serial: row.get(0)?,
                    at: row.get(1)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        let number = transaction.query_row(
            "UPDATE numbers SET value = value + 1 WHERE name = 'list' RETURNING value",
            [],
            |row| row.get(0),
        )?;
        transaction.commit()?;
        Ok((revoked, number))
    }

    /// The certificates that are revoked and have not ended, as far as `is_due` says of their serial numbers: those, for whom, and
    /// themselves.
    ///
    /// # Errors
    /// The disk refuses, or the register is damaged.
    pub fn revoked_to_tell(
        &mut self,
        now: Millis,
        is_due: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<(Vec<u8>, AddressOfRecord, Certificate)>, RegisterError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT serial, address, certificate, at, expires, revoked FROM certificates
             WHERE revoked IS NOT NULL AND expires > ?",
        )?;
        let rows = statement.query_map([now], columns)?.collect::<Result<Vec<_>, _>>()?;
        let due = rows.into_iter().filter(|(serial, ..)| is_due(serial));
        due.map(|row| {
            let issued = issued(row)?;
            Ok((issued.serial, address(&issued.address)?, issued.certificate))
        })
        .collect()
    }

    /// Whether anything was revoked since, here or by `corella-ca revoke` beside it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn has_revoked_since(&mut self, since: Millis) -> Result<bool, RegisterError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM certificates WHERE revoked >= ?)";
        Ok(self
            .connection
            .prepare_cached(sql)?
            .query_row([since], |row| row.get(0))?)
    }

    /// What happened, the latest first: time, event, address, detail.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn audit(&mut self, most: usize) -> Result<Vec<(Millis, String, String, String)>, RegisterError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT at, event, address, detail FROM audit ORDER BY number DESC LIMIT ?")?;
        let rows = statement.query_map([most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    certificate: &Certificate,
    address: &str,
    now: Millis,
) -> Result<Vec<u8>, RegisterError> {
    let serial = X509::from_der(certificate.der())?.serial_number().to_bn()?.to_vec();
    transaction
        .prepare_cached("INSERT INTO certificates (serial, address, certificate, at, expires) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![
            serial,
            address,
            certificate.der(),
            now,
            certificate.not_after()
        ])?;
    Ok(serial)
}

pub(super) fn one(transaction: &Transaction<'_>, serial: &[u8]) -> Result<Option<Issued>, RegisterError> {
    let row = transaction
        .prepare_cached("SELECT serial, address, certificate, at, expires, revoked FROM certificates WHERE serial = ?")?
        .query_row([serial], columns)
        .optional()?;
    row.map(issued).transpose()
}

pub(super) fn revoke_all(
    transaction: &Transaction<'_>,
    address: &str,
    why: &str,
    now: Millis,
) -> Result<usize, RegisterError> {
    let mut statement = transaction.prepare_cached(
        "SELECT serial, address, certificate, at, expires, revoked FROM certificates WHERE address = ? AND expires >= ?",
    )?;
    let rows = statement
        .query_map(params![address, now], columns)?
        .collect::<Result<Vec<_>, _>>()?;
    let mut count = 0;
    for row in rows {
        count += revoke_one(transaction, &issued(row)?, why, now)?;
    }
    Ok(count)
}

fn revoke_one(transaction: &Transaction<'_>, issued: &Issued, why: &str, now: Millis) -> Result<usize, RegisterError> {
    if issued.revoked.is_some() {
        return Ok(0);
    }
    transaction.execute(
        "UPDATE certificates SET revoked = ? WHERE serial = ?",
        params![now, issued.serial],
    )?;
    audit(
        transaction,
        now,
        "revoked",
        &issued.address,
        &format!("{} {why}", hex(&issued.serial)),
    )?;
    Ok(1)
}

type Columns = (Vec<u8>, String, Vec<u8>, Millis, Millis, Option<Millis>);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
    ))
}

fn issued((serial, address, der, at, expires, revoked): Columns) -> Result<Issued, RegisterError> {
    let certificate = Certificate::from_der(&der).map_err(|_| RegisterError::Damaged("a certificate"))?;
    Ok(Issued {
        serial,
        address,
        certificate,
        at,
        expires,
        revoked,
    })
}
