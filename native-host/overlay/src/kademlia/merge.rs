//! Makes one answer of what several nodes returned, believing none of them.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use corella_identity::{Fingerprint, Millis};
use openssl::sha::sha256;

use crate::key::Key;
use crate::record::{Record, Slot};

/// Most records of one node's answer that are looked at; the best come first.
const ANSWER_LIMIT: usize = 64;

/// The records under one key, of each signer and slot the newest.
pub(super) struct Merge {
    key: Key,
    /// Hashes of what was looked at, so that copies are verified once.
    seen: HashSet<[u8; 32]>,
    newest: HashMap<(Fingerprint, Slot), Record>,
}

impl Merge {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            seen: HashSet::new(),
            newest: HashMap::new(),
        }
    }

    /// Adds one node's answer. Says whether any of it was a good record, whether new or a copy.
    pub(super) fn add(&mut self, answer: &[String], now: Millis) -> bool {
        let mut good = false;
        for xml in answer.iter().take(ANSWER_LIMIT) {
            if !self.seen.insert(sha256(xml.as_bytes())) {
                good |= self.newest.values().any(|record| **record.to_xml() == **xml);
                continue;
            }
            let Ok(record) = Record::from_xml(xml.as_bytes(), now) else {
                continue;
            };
            if *record.key() != self.key {
                continue;
            }
            good = true;
            let place = (record.signer().fingerprint(), record.slot());
            let is_newer = |held: &Record| held.sequence() < record.sequence();
            if self.newest.get(&place).is_none_or(is_newer) {
                self.newest.insert(place, record);
            }
        }
        good
    }

    /// What is left, newest first.
    pub(super) fn into_records(self) -> Vec<Record> {
        let mut records: Vec<Record> = self.newest.into_values().collect();
        records.sort_by_key(|record| Reverse(record.sequence()));
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{HOUR, NOW, aor, contact_record, device, person};

    fn merge() -> Merge {
        Merge::new(Key::Contacts(aor("bob@example.net")))
    }

    fn texts(records: &[&Record]) -> Vec<String> {
        records.iter().map(|record| record.to_xml().to_string()).collect()
    }

    #[test]
    fn the_newest_of_each_signer_and_device_is_left() {
        let (bob, eve) = (person("bob@example.net"), person("bob@example.net"));
        let (laptop, phone) = (device(), device());
        let old = contact_record(&bob, laptop, NOW - 2);
        let new = contact_record(&bob, laptop, NOW - 1);
        let other = contact_record(&bob, phone, NOW - 3);
        let another = contact_record(&eve, laptop, NOW);
        let mut merge = merge();
        assert!(merge.add(&texts(&[&new, &other]), NOW));
        assert!(merge.add(&texts(&[&old, &another]), NOW));
        assert!(merge.add(&texts(&[&new]), NOW));
        assert!(!merge.add(&[], NOW));
        assert_eq!(merge.into_records(), [another, new, other]);
    }

    #[test]
    fn nothing_false_is_taken() {
        let bob = person("bob@example.net");
        let good = contact_record(&bob, device(), NOW);
        let forged = good.to_xml().replace("192.0.2.17", "203.0.113.6");
        let expired = contact_record(&bob, device(), NOW - 2 * HOUR);
        let elsewhere = contact_record(&person("alice@example.net"), device(), NOW);
        let mut merge = merge();
        assert!(!merge.add(&[forged, "garbage".to_owned(), String::new()], NOW));
        assert!(!merge.add(&texts(&[&expired, &elsewhere]), NOW));
        assert!(merge.add(&texts(&[&good]), NOW));
        assert_eq!(merge.into_records(), [good]);
    }

    #[test]
    fn an_endless_answer_is_cut() {
        let good = contact_record(&person("bob@example.net"), device(), NOW);
        let mut answer: Vec<String> = (0..ANSWER_LIMIT).map(|number| format!("{number}")).collect();
        answer.push(good.to_xml().to_string());
        assert!(!merge().add(&answer, NOW));
    }
}
