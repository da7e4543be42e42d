//! Of several records under one key, of each signer and nonce the newest.

use std::cmp::Reverse;
use std::collections::HashMap;

use corella_identity::{Fingerprint, Millis};

use crate::record::{Nonce, Record};

/// One record for each of these under a key.
pub(crate) type Slot = (Fingerprint, Nonce);

/// The newest of what was added, which is all of one key.
#[derive(Debug, Default)]
pub struct Newest(HashMap<Slot, Record>);

impl Newest {
    /// Adds a record.
    pub fn add(&mut self, record: Record) {
        let slot = slot_of(&record);
        if self.sequence(&slot).is_none_or(|held| held < record.sequence()) {
            self.0.insert(slot, record);
        }
    }

    /// What is left, newest first. What was taken back is not among it.
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> = self.0.values().filter(|record| !record.is_removal()).cloned().collect();
        records.sort_by_key(|record| Reverse(record.sequence()));
        records
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sequence of the newest in a slot.
    fn sequence(&self, slot: &Slot) -> Option<Millis> {
        self.0.get(slot).map(Record::sequence)
    }

    /// Everything, removals too.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Slot, &Record)> {
        self.0.iter()
    }
}

/// Whose record it is, and which of theirs.
pub(crate) fn slot_of(record: &Record) -> Slot {
    (record.signer().fingerprint(), record.nonce())
}
