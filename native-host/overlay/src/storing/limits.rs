//! How much a node keeps, in all and of one thing.

use super::class::Class;
use crate::key::Key;

/// How much a node keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of records, fragments and values, and 400 for each. The file on disk may be a fifth larger.
    pub bytes: u64,
}

impl Default for Limits {
    /// 64 MiB: some 25,000 records of contacts, if all classes use their shares.
    fn default() -> Self {
        Self { bytes: 64 << 20 }
    }
}

/// What each thing costs beside its own bytes.
pub(super) const OVERHEAD: u64 = 400;
/// Most fragments of one signer.
pub(super) const FRAGMENTS_OF_SIGNER: u64 = 128;
/// Most secrets that are remembered under one key whose records were not there.
pub(super) const UNSEEN_SECRETS: u64 = 64;
/// Most bytes of one answer with records.
pub(super) const PAGE: usize = 192 * 1024;

/// Most records of one signer under one key.
pub(super) fn records_of_signer(key: &Key) -> u64 {
    match key {
        Key::Contacts(_) | Key::Private(..) => 16,
        Key::Certificate(_) | Key::Watchers(_) => 1,
        Key::Offline(_) | Key::Revoked(_) => 32,
    }
}

/// Most bytes of one class under one key; of those whom a recipient welcomes, for that recipient.
pub(super) fn key_share(key: &Key, class: Class) -> u64 {
    match key {
        Key::Offline(_) if class == Class::Welcome => 512 * 1024,
        Key::Contacts(_) | Key::Certificate(_) | Key::Revoked(_) => 64 * 1024,
        Key::Watchers(_) => 512 * 1024,
        Key::Offline(_) | Key::Private(..) => 256 * 1024,
    }
}
