//! The own contact records as they are now: what this device shows to whom it meets.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use corella_identity::AddressOfRecord;

use crate::record::Record;

/// The current contact record of each own address. Cloning gives another view of the same.
#[derive(Clone, Default)]
pub(crate) struct OwnRecords(Arc<RwLock<HashMap<AddressOfRecord, Record>>>);

impl OwnRecords {
    /// The record of an own address.
    pub(crate) fn get(&self, address: &AddressOfRecord) -> Option<Record> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(address)
            .cloned()
    }

    pub(super) fn set(&self, record: Record) {
        let address = record.key().address().clone();
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(address, record);
    }

    pub(super) fn remove(&self, address: &AddressOfRecord) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(address);
    }
}
