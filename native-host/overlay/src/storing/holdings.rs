//! What a node keeps, told to the nodes that are to keep it too.

use corella_identity::Millis;
use rusqlite::params;
use serde_bytes::{ByteArray, ByteBuf};

use super::node::StoringNode;
use super::refusal::Refusal;
use crate::store_protocol::{Request, SECRETS};

/// Most things that are listed at a time.
pub(crate) const LISTED: usize = 256;

/// Something that is kept, by the hash from which its places follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holding {
    /// Records of one key.
    Records([u8; 32]),
    /// A fragment.
    Fragment([u8; 32]),
}

impl Holding {
    /// The hash from which its places follow.
    pub(crate) fn id(&self) -> &[u8; 32] {
        match self {
            Self::Records(id) | Self::Fragment(id) => id,
        }
    }
}

impl StoringNode {
    /// What is kept, in order, after the last that was told.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) fn holdings(&self, after: Option<Holding>) -> Result<Vec<Holding>, Refusal> {
        let list = |statement: &str, after: &[u8]| -> Result<Vec<[u8; 32]>, Refusal> {
            let mut statement = self.database.prepare_cached(statement)?;
            let ids = statement.query_map(params![after, LISTED], |row| row.get(0))?;
            Ok(ids.collect::<Result<_, _>>()?)
        };
        let mut holdings = Vec::new();
        if !matches!(after, Some(Holding::Fragment(_))) {
            let after = after.as_ref().map_or(&[][..], |after| after.id());
            let ids = list(
                "SELECT DISTINCT place FROM record WHERE place > ? ORDER BY place LIMIT ?",
                after,
            )?;
            holdings.extend(ids.into_iter().map(Holding::Records));
        }
        if holdings.len() < LISTED {
            let after = match &after {
                Some(Holding::Fragment(id)) => &id[..],
                _ => &[],
            };
            let ids = list(
                "SELECT DISTINCT hash FROM fragment WHERE hash > ? ORDER BY hash LIMIT ?",
                after,
            )?;
            holdings.extend(ids.into_iter().map(Holding::Fragment));
            holdings.truncate(LISTED);
        }
        Ok(holdings)
    }

    /// The requests that hand something on.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) fn hand_on(&self, holding: &Holding, now: Millis) -> Result<Vec<Request>, Refusal> {
        match holding {
            Holding::Records(place) => {
                let mut requests = Vec::new();
                if let Some((key, secrets)) = self.secrets(place, now)? {
                    let secrets: Vec<_> = secrets.into_iter().map(ByteArray::new).collect();
                    for secrets in secrets.chunks(SECRETS) {
                        let (key, secrets) = (key.clone(), secrets.to_vec());
                        requests.push(Request::Remove { key, secrets });
                    }
                }
                let mut statement = self
                    .database
                    .prepare_cached("SELECT xml FROM record WHERE place = ? AND expires > ?")?;
                let records = statement.query_map(params![place, now], |row| row.get(0))?;
                for record in records {
                    requests.push(Request::Put { record: record? });
                }
                Ok(requests)
            }
            Holding::Fragment(hash) => {
                let mut statement = self
                    .database
                    .prepare_cached("SELECT parent, bytes, expires FROM fragment WHERE hash = ? AND expires > ?")?;
                let fragments = statement.query_map(params![hash, now], |row| {
                    let bytes = ByteBuf::from(row.get::<_, Vec<u8>>(1)?);
                    Ok(match row.get(0)? {
                        Some(parent) => Request::PutFragment { parent, bytes },
                        None => {
                            let expires = row.get(2)?;
                            Request::PutImmutable { bytes, expires }
                        }
                    })
                })?;
                Ok(fragments.collect::<Result<_, _>>()?)
            }
        }
    }
}
