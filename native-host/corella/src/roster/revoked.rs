//! Revocations in the roster: what is known to be revoked, and what the user has revoked, to be kept in the overlay.

use corella_agent::Revoked;
use corella_identity::{AddressOfRecord, Certificate, Revocation};
use corella_overlay::Record;
use rusqlite::params;

use super::{Roster, RosterError, row::word};

/// From version 3. An authority of no bytes: the key itself revoked the certificate.
pub(super) const TABLES: &str = "
CREATE TABLE revoked (
    address     TEXT NOT NULL,
    certificate BLOB NOT NULL,
    authority   BLOB NOT NULL,
    extent      TEXT NOT NULL,
    PRIMARY KEY (address, certificate, authority)
) STRICT;
CREATE TABLE statements (certificate BLOB PRIMARY KEY, record TEXT NOT NULL) STRICT;
";

impl Roster {
    /// Whose keys are known to be revoked, the user's own among them.
    pub(crate) fn revoked(&self) -> Result<Vec<Revoked>, RosterError> {
        let mut query = self
            .db
            .prepare("SELECT address, certificate, authority, extent FROM revoked ORDER BY rowid")?;
        let rows = query.query_map([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, Vec<u8>>(1)?,
                row.get::<_, Vec<u8>>(2)?,
                row.get::<_, String>(3)?,
            ))
        })?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        let read = |(address, certificate, authority, extent): (String, Vec<u8>, Vec<u8>, String)| {
            let address: AddressOfRecord = address.parse().ok()?;
            let certificate = Certificate::from_der(&certificate).ok()?;
            let signer = if authority.is_empty() {
                certificate.clone()
            } else {
                Certificate::from_der(&authority).ok()?
            };
            let revocation = Revocation::by(&signer, &address, &certificate)?;
            let extent = word(&extent)?;
            Some(Revoked { revocation, extent })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Remembers one.
    pub(crate) fn save_revoked(&self, revoked: &Revoked) -> Result<(), RosterError> {
        let Revoked { revocation, extent } = revoked;
        let extent = serde_json::to_value(extent).unwrap_or_default();
        self.db.execute(
            "INSERT OR REPLACE INTO revoked VALUES (?1, ?2, ?3, ?4)",
            params![
                revocation.address().as_str(),
                revocation.certificate().der(),
                revocation.authority().map_or(&[][..], Certificate::der),
                extent.as_str(),
            ],
        )?;
        Ok(())
    }

    /// The records by which the user has revoked credentials.
    pub(crate) fn statements(&self) -> Result<Vec<String>, RosterError> {
        let mut query = self.db.prepare("SELECT record FROM statements")?;
        let rows = query.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remembers one of them, in place of the former one about the same certificate.
    pub(crate) fn save_statement(&self, record: &Record) -> Result<(), RosterError> {
        let row = params![record.signer().der(), &**record.to_xml()];
        self.db
            .execute("INSERT OR REPLACE INTO statements VALUES (?1, ?2)", row)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use corella_identity::{Credential, revocation::Extent};

    use super::*;
    use crate::time;

    #[test]
    fn what_is_revoked_is_known_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roster.db");
        let bob = Credential::self_signed(&"bob@example.net".parse().unwrap(), time::now()).unwrap();
        let record = Record::revoke(&bob, time::now()).unwrap();
        let revoked = Revoked {
            revocation: record.revocation().unwrap(),
            extent: Extent::Issued,
        };
        let farther = Revoked {
            extent: Extent::Key,
            ..revoked.clone()
        };
        {
            let roster = Roster::open(&path).unwrap();
            roster.save_revoked(&revoked).unwrap();
            roster.save_revoked(&farther).unwrap();
            roster.save_statement(&record).unwrap();
            roster.save_statement(&record).unwrap();
        }
        let roster = Roster::open(&path).unwrap();
        assert_eq!(roster.revoked().unwrap(), [farther]);
        assert_eq!(roster.statements().unwrap(), [record.to_xml().to_string()]);
    }
}
