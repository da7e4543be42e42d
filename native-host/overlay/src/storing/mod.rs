//! The storing node: keeps the records of others, in memory, within bounds. It has no clock and no I/O.
//!
//! It takes only [`Record`]s, whose signatures are known to be good, and decides what the signature cannot: whether the
//! record is current, whether it is newer than what is there, and whether there is room. Room is shared out by class of
//! signer, for each key and for the whole node, so that no class can crowd out another:
//!
//! | Class | Who | Share of the node |
//! |---|---|---|
//! | [`Class::Certified`] | a certificate under an authority that the node trusts | 1/2 |
//! | [`Class::SelfSigned`] | a certificate that signed itself | 3/8 |
//! | [`Class::Stranger`] | every other certificate | 1/8 |
//!
//! Within a class, first come, first served: what is there stays until it expires. Anybody can make self-signed
//! certificates for an address, so that class can be filled under one key; the certified one cannot.

mod refusal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use corella_identity::trust::TrustAnchors;
use corella_identity::{Fingerprint, Millis};

pub use refusal::Refusal;

use crate::key::Key;
use crate::record::{Record, Slot, Value};

/// Most devices of one signer under one key.
pub const DEVICE_LIMIT: usize = 16;
/// Most bytes of one class under one key. Three of these fit into one answer of the store protocol.
pub const KEY_SHARE: usize = 80 * 1024;

/// How well a node knows a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Its certificate is under an authority that the node trusts.
    Certified,
    /// Its certificate signed itself.
    SelfSigned,
    /// Its certificate is under an authority that the node does not know.
    Stranger,
}

impl Class {
    /// The class of a record's signer. Of the chain only what the record itself carries is known.
    pub fn of(record: &Record, anchors: &TrustAnchors, now: Millis) -> Self {
        let chain = match record.value() {
            Value::Certificate(chain) => chain.get(1..).unwrap_or_default(),
            Value::Contacts(_) => &[],
        };
        let signer = record.signer();
        if anchors.verify_chain(signer, chain, record.key().address(), now).is_ok() {
            Self::Certified
        } else if signer.is_self_signed() {
            Self::SelfSigned
        } else {
            Self::Stranger
        }
    }

    /// Its share of `all`.
    fn share(self, all: usize) -> usize {
        match self {
            Self::Certified => all / 2,
            Self::SelfSigned => all / 8 * 3,
            Self::Stranger => all / 8,
        }
    }
}

/// How much a node keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most records.
    pub records: usize,
    /// Most bytes of records as XML. Keeping them costs about a third more.
    pub bytes: usize,
}

impl Default for Limits {
    /// 16 MiB: about 7,000 records of contacts.
    fn default() -> Self {
        Self {
            records: 16 * 1024,
            bytes: 16 * 1024 * 1024,
        }
    }
}

/// What became of a record that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is new, or replaced an older one.
    New,
    /// The same record was there already.
    Already,
}

/// One record for each of these under a key.
type Place = (Fingerprint, Slot);

struct Held {
    xml: Arc<str>,
    content: [u8; 32],
    class: Class,
    sequence: Millis,
    expires: Millis,
}

#[derive(Clone, Copy, Default)]
struct Use {
    records: usize,
    bytes: usize,
}

/// The records that one node keeps.
pub struct StoringNode {
    limits: Limits,
    shelves: HashMap<Key, BTreeMap<Place, Held>>,
    /// Every record once, first the one that expires first.
    by_expiry: BTreeSet<(Millis, Key, Place)>,
    used: BTreeMap<Class, Use>,
}

impl StoringNode {
    /// An empty node.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            shelves: HashMap::new(),
            by_expiry: BTreeSet::new(),
            used: BTreeMap::new(),
        }
    }

    /// Takes a record, or says why not.
    ///
    /// # Errors
    /// Not current; not newer than the one in its place; no room.
    pub fn put(&mut self, record: &Record, class: Class, now: Millis) -> Result<Stored, Refusal> {
        record.check(now).map_err(|error| Refusal::from(&error))?;
        self.expire(now);
        let place = (record.signer().fingerprint(), record.slot());
        let held = self.shelves.get(record.key()).and_then(|shelf| shelf.get(&place));
        if let Some(held) = held {
            if held.content == *record.content() {
                return Ok(Stored::Already);
            }
            if record.sequence() <= held.sequence {
                return Err(Refusal::NotNewer { held: held.sequence });
            }
        }
        self.check_room(record, class, &place, held)?;
        self.remove(record.key(), &place);
        let key = record.key().clone();
        self.by_expiry.insert((record.expires(), key.clone(), place.clone()));
        let used = self.used.entry(class).or_default();
        used.records += 1;
        used.bytes += record.to_xml().len();
        let held = Held {
            xml: Arc::clone(record.to_xml()),
            content: *record.content(),
            class,
            sequence: record.sequence(),
            expires: record.expires(),
        };
        self.shelves.entry(key).or_default().insert(place, held);
        Ok(Stored::New)
    }

    /// Whether there is room for a record, once the one that it replaces is gone.
    fn check_room(&self, record: &Record, class: Class, place: &Place, old: Option<&Held>) -> Result<(), Refusal> {
        let size = record.to_xml().len();
        if let Some(shelf) = self.shelves.get(record.key()) {
            let others = || shelf.iter().filter(|(at, _)| *at != place);
            let devices = others().filter(|((signer, _), _)| *signer == place.0).count();
            let bytes: usize = others()
                .filter(|(_, held)| held.class == class)
                .map(|(_, held)| held.xml.len())
                .sum();
            if devices >= DEVICE_LIMIT || bytes + size > KEY_SHARE {
                return Err(Refusal::TooMany);
            }
        }
        let used = self.used.get(&class).copied().unwrap_or_default();
        let freed = old.filter(|old| old.class == class).map_or(Use::default(), |old| Use {
            records: 1,
            bytes: old.xml.len(),
        });
        if used.records - freed.records >= class.share(self.limits.records)
            || used.bytes - freed.bytes + size > class.share(self.limits.bytes)
        {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// The records under a key as XML: certified signers first, then self-signed, then strangers; of each the newest first.
    pub fn get(&self, key: &Key, now: Millis) -> Vec<Arc<str>> {
        let mut held: Vec<&Held> = match self.shelves.get(key) {
            Some(shelf) => shelf.values().filter(|held| held.expires > now).collect(),
            None => Vec::new(),
        };
        held.sort_by_key(|held| (held.class, std::cmp::Reverse(held.sequence)));
        held.into_iter().map(|held| Arc::clone(&held.xml)).collect()
    }

    /// Forgets what has expired. [`StoringNode::put`] does so too; this is for a node to which nobody writes.
    pub fn expire(&mut self, now: Millis) {
        while let Some((expires, key, place)) = self.by_expiry.first().cloned() {
            if expires > now {
                return;
            }
            self.remove(&key, &place);
        }
    }

    /// How many records it keeps, expired ones among them until they are forgotten.
    pub fn len(&self) -> usize {
        self.by_expiry.len()
    }

    /// Whether it keeps none.
    pub fn is_empty(&self) -> bool {
        self.by_expiry.is_empty()
    }

    fn remove(&mut self, key: &Key, place: &Place) {
        let Some(shelf) = self.shelves.get_mut(key) else { return };
        let Some(held) = shelf.remove(place) else { return };
        if shelf.is_empty() {
            self.shelves.remove(key);
        }
        self.by_expiry.remove(&(held.expires, key.clone(), place.clone()));
        if let Some(used) = self.used.get_mut(&held.class) {
            used.records -= 1;
            used.bytes -= held.xml.len();
        }
    }
}
