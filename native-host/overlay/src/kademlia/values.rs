//! OpenDHT's values on the overlay.

use std::collections::BTreeMap;

use corella_identity::Millis;
use libp2p::PeerId;
use openssl::sha::{sha1, sha256};
use serde_bytes::{ByteArray, ByteBuf};

use super::Kademlia;
use super::round::{Collect, Reach, round};
use crate::location::LocationError;
use crate::store_protocol::{Request, Response, ValueAt};
use crate::storing::{After, OpenDhtValue, Refusal, Sha1};

/// What became of a value at the nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueReport {
    /// How many nodes keep it, or have heard that it is removed.
    pub stored: usize,
    /// Why others do not.
    pub refused: Vec<Refusal>,
}

impl Collect for ValueReport {
    fn take(&mut self, _: PeerId, response: Response) -> bool {
        match response {
            Response::Stored => {
                self.stored += 1;
                true
            }
            Response::Refused { name, held } => {
                self.refused.push(Refusal::from_name(&name, held));
                false
            }
            _ => false,
        }
    }
}

/// By value and secret: when it ends, and whether it was removed.
struct Values {
    found: BTreeMap<After, OpenDhtValue>,
    /// Some node has more; up to here all of them have told everything.
    complete_to: Option<After>,
}

impl Collect for Values {
    fn take(&mut self, _: PeerId, response: Response) -> bool {
        let Response::Values { values } = response else {
            return false;
        };
        let is_full = values.len() >= crate::storing::VALUES_OF_PAGE;
        let mut last = None;
        let before = self.found.len();
        for value in values {
            let Some((at, value)) = checked(value) else { continue };
            last = Some(at.clone());
            let known = self.found.entry(at).or_insert_with(|| value.clone());
            known.expires = known.expires.max(value.expires);
            if value.secret.is_some() {
                *known = value;
            }
        }
        if is_full {
            self.complete_to = match (self.complete_to.take(), last) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        self.found.len() > before
    }
}

/// A value that is what its hash says, or was removed by who knows the secret.
fn checked(at: ValueAt) -> Option<(After, OpenDhtValue)> {
    let secret_hash = at.secret_hash.map(ByteArray::into_array);
    let good = match &at.secret {
        Some(secret) => secret_hash == Some(sha1(secret)),
        None => sha1(&at.value) == *at.hash,
    };
    let value = OpenDhtValue {
        value: at.value.into_vec(),
        secret_hash,
        expires: at.expires,
        secret: at.secret.map(ByteBuf::into_vec),
    };
    let secret_hash = secret_hash.map(|hash| hash.to_vec()).unwrap_or_default();
    good.then(|| ((at.hash.into_array(), secret_hash), value))
}

/// Where values of a key are: their name space never meets that of records.
fn id_of(key: &[u8]) -> [u8; 32] {
    sha256(&[b"opendht:", key].concat())
}

impl Kademlia {
    /// Keeps a value under a key.
    ///
    /// # Errors
    /// Only if the node has stopped.
    pub async fn put_value(&self, key: &[u8], value: &OpenDhtValue) -> Result<ValueReport, LocationError> {
        let request = Request::PutValue {
            key: ByteBuf::from(key),
            value: ByteBuf::from(value.value.clone()),
            secret_hash: value.secret_hash.map(ByteArray::new),
            expires: value.expires,
        };
        let mut report = ValueReport::default();
        round(&self.node, &id_of(key), &request, Reach::PUT, &mut report).await?;
        Ok(report)
    }

    /// Removes the values with this hash that this secret removes, and keeps them from coming back until then.
    ///
    /// # Errors
    /// Only if the node has stopped.
    pub async fn remove_value(
        &self,
        key: &[u8],
        value_hash: &Sha1,
        secret: &[u8],
        expires: Millis,
    ) -> Result<ValueReport, LocationError> {
        let request = Request::RemoveValue {
            key: ByteBuf::from(key),
            value_hash: (*value_hash).into(),
            secret: ByteBuf::from(secret),
            expires,
        };
        let mut report = ValueReport::default();
        round(&self.node, &id_of(key), &request, Reach::PUT, &mut report).await?;
        Ok(report)
    }

    /// The values under a key that nobody has removed, in the order of their hashes, from `after` on; and where the next
    /// page begins, if there may be more.
    ///
    /// # Errors
    /// Only if the node has stopped.
    pub async fn values(
        &self,
        key: &[u8],
        after: Option<&After>,
    ) -> Result<(Vec<(After, OpenDhtValue)>, Option<After>), LocationError> {
        let request = Request::GetValues {
            key: ByteBuf::from(key),
            after: after.map(|(value, secret)| ((*value).into(), ByteBuf::from(secret.clone()))),
        };
        let mut values = Values {
            found: BTreeMap::new(),
            complete_to: None,
        };
        round(&self.node, &id_of(key), &request, Reach::TELL, &mut values).await?;
        let now = self.clock.now();
        let next = values.complete_to.clone();
        let is_here = |at: &After| after.is_none_or(|after| at > after) && next.as_ref().is_none_or(|next| at <= next);
        let found = values
            .found
            .into_iter()
            .filter(|(at, value)| value.secret.is_none() && value.expires > now && is_here(at));
        Ok((found.collect(), next))
    }
}
