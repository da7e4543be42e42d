//! Makes one answer of what several nodes returned, believing none of them.

use std::collections::{BTreeMap, HashMap};

use corella_identity::Millis;
use libp2p::PeerId;
use openssl::sha::sha256;

use super::round::Collect;
use crate::clock::Clock;
use crate::newest::{Newest, Slot, slot_of};
use crate::record::Record;
use crate::store_protocol::Response;

/// Most records of one node's answer that are looked at; the best come first.
const ANSWER_LIMIT: usize = 128;
/// Most pages that are asked for.
const PAGES: usize = 8;
/// So many nodes with the same answer, none of which lacks anything that others have, are enough...
const AGREEING: usize = 6;
/// ...if so many of them are at each of the two places. Who surrounds one of these has not surrounded the other; and what did not
/// arrive at one is at the other.
const AGREEING_AT_EACH: usize = 3;

/// So many nodes have to say something for it to be acted on...
const TELLERS: usize = 2;
/// ...where at least so many have answered.
const FEW: usize = 4;

/// The records under one key, of each signer and nonce the newest.
pub(super) struct Merge {
    /// SHA-256 of the clear key.
    id: [u8; 32],
    clock: Clock,
    /// What was looked at, by its hash, so that copies are verified once. `None`: it is no good.
    seen: HashMap<[u8; 32], Option<Record>>,
    newest: Newest,
    /// Of each node that answered, what it has.
    has: Vec<(PeerId, BTreeMap<Slot, Millis>)>,
    /// How many nodes have more than they said.
    more: usize,
    pages: usize,
    /// What is lacking where, as the first question showed.
    lacking: Vec<(PeerId, Record)>,
    /// Records that every node was asked to pass over.
    passed: usize,
}

impl Merge {
    pub(super) fn new(id: [u8; 32], clock: Clock) -> Self {
        Self {
            id,
            clock,
            seen: HashMap::new(),
            newest: Newest::default(),
            has: Vec::new(),
            more: 0,
            pages: 1,
            lacking: Vec::new(),
            passed: 0,
        }
    }

    /// Adds one node's answer. Says whether any of it was a good record, whether new or a copy.
    fn add(&mut self, peer: PeerId, answer: &[String]) -> bool {
        let now = self.clock.now();
        let mut has = BTreeMap::new();
        for xml in answer.iter().take(ANSWER_LIMIT) {
            let seen = self.seen.entry(sha256(xml.as_bytes())).or_insert_with(|| {
                let record = Record::from_xml(xml.as_bytes(), now).ok();
                record.filter(|record| record.key().id() == self.id)
            });
            let Some(record) = seen else { continue };
            let newest = has.entry(slot_of(record)).or_insert(record.sequence());
            *newest = record.sequence().max(*newest);
            self.newest.add(record.clone());
        }
        let good = !has.is_empty();
        self.has.push((peer, has));
        good
    }

    fn has_all(&self, has: &BTreeMap<Slot, Millis>) -> bool {
        let is_there = |(slot, record): (&Slot, &Record)| has.get(slot) == Some(&record.sequence());
        self.newest.iter().all(is_there)
    }

    /// How many records to pass over in the next question, if there is more to be asked. What each node has is counted
    /// anew from then on. It is as many as the node in the middle gave: one that gives pages of a single record does not hide what
    /// stands further back, and one that gives long ones does not make the others skip what only they have.
    pub(super) fn next_page(&mut self) -> Option<u32> {
        // One that always has more would make every reading slow.
        let enough = self.has.len().min(TELLERS);
        if std::mem::take(&mut self.more) < enough.max(1) || self.pages == PAGES {
            return None;
        }
        if self.pages == 1 {
            self.lacking = self.lacking();
        }
        self.pages += 1;
        let mut given: Vec<usize> = self.has.drain(..).map(|(_, has)| has.len()).collect();
        given.retain(|count| *count > 0);
        given.sort_unstable();
        self.passed += given.get(given.len() / 2)?;
        u32::try_from(self.passed).ok()
    }

    /// What nodes that answered lack, or have in an older version, of the first page. What is handed on is charged to the network of whoever
    /// hands it on: so it has to be known to more than one node, where there are some, or one bad keeper would have its readers pay for a crowd.
    pub(super) fn lacking(&self) -> Vec<(PeerId, Record)> {
        if self.pages > 1 {
            return self.lacking.clone();
        }
        let mut lacking = Vec::new();
        let enough = if self.has.len() < FEW { 1 } else { TELLERS };
        for (slot, record) in self.newest.iter() {
            let (current, lagging): (Vec<_>, Vec<_>) = self
                .has
                .iter()
                .partition(|(_, has)| has.get(slot) == Some(&record.sequence()));
            if current.len() >= enough {
                lacking.extend(lagging.into_iter().map(|(peer, _)| (*peer, record.clone())));
            }
        }
        lacking
    }

    /// What is left, newest first. What was taken back is not among it.
    pub(super) fn records(&self) -> Vec<Record> {
        self.newest.records()
    }
}

impl Collect for Merge {
    fn take(&mut self, peer: PeerId, response: Response) -> bool {
        match response {
            Response::Records { records, more } => {
                self.more += usize::from(more);
                self.add(peer, &records)
            }
            _ => false,
        }
    }

    fn is_settled(&self, places: &dyn Fn(&PeerId) -> [bool; 2]) -> bool {
        if self.newest.is_empty() {
            return false;
        }
        let agreeing = self.has.iter().filter(|(_, has)| self.has_all(has));
        let places: Vec<[bool; 2]> = agreeing.map(|(peer, _)| places(peer)).collect();
        let at = |place: usize| places.iter().filter(|places| places[place]).count();
        places.len() >= AGREEING && at(0) >= AGREEING_AT_EACH && at(1) >= AGREEING_AT_EACH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::testing::{HOUR, NOW, aor, certificate_record, contact_record, device, person};

    fn merge() -> Merge {
        Merge::new(Key::Contacts(aor("bob@example.net")).id(), Clock::new(|| NOW))
    }

    /// As in small networks: everybody serves both places.
    fn is_settled(merge: &Merge) -> bool {
        merge.is_settled(&|_| [true, true])
    }

    fn texts(records: &[&Record]) -> Vec<String> {
        records.iter().map(|record| record.to_xml().to_string()).collect()
    }

    fn add(merge: &mut Merge, records: &[&Record]) -> bool {
        merge.add(device(), &texts(records))
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
        assert!(add(&mut merge, &[&new, &other]));
        assert!(add(&mut merge, &[&old, &another]));
        assert!(add(&mut merge, &[&new]));
        assert!(!add(&mut merge, &[]));
        assert_eq!(merge.records(), [another, new, other]);
    }

    #[test]
    fn what_was_taken_back_is_not_found_although_somebody_still_has_it() {
        let bob = person("bob@example.net");
        let record = contact_record(&bob, device(), NOW - 1);
        let removal = record.sign_removal(&bob, NOW).unwrap();
        for order in [[&record, &removal], [&removal, &record]] {
            let mut merge = merge();
            for one in order {
                assert!(add(&mut merge, &[one]));
            }
            assert!(merge.records().is_empty());
        }
    }

    #[test]
    fn nothing_false_is_taken() {
        let bob = person("bob@example.net");
        let good = contact_record(&bob, device(), NOW);
        let forged = good.to_xml().replace("192.0.2.17", "203.0.113.6");
        let expired = contact_record(&bob, device(), NOW - 2 * HOUR);
        let elsewhere = contact_record(&person("alice@example.net"), device(), NOW);
        let other_kind = certificate_record(&bob, NOW);
        let mut merge = merge();
        assert!(!merge.add(device(), &[forged, "garbage".to_owned(), String::new()]));
        assert!(!add(&mut merge, &[&expired, &elsewhere, &other_kind]));
        assert!(add(&mut merge, &[&good]));
        assert_eq!(merge.records(), [good]);
    }

    #[test]
    fn an_endless_answer_is_cut() {
        let good = contact_record(&person("bob@example.net"), device(), NOW);
        let mut answer: Vec<String> = (0..ANSWER_LIMIT).map(|number| format!("{number}")).collect();
        answer.push(good.to_xml().to_string());
        assert!(!merge().add(device(), &answer));
    }

    #[test]
    fn it_is_settled_when_enough_nodes_have_everything() {
        let bob = person("bob@example.net");
        let peer = device();
        let old = contact_record(&bob, peer, NOW - 2);
        let new = contact_record(&bob, peer, NOW - 1);
        let mut merge = merge();
        for _ in 0..AGREEING {
            assert!(!is_settled(&merge));
            add(&mut merge, &[&old]);
        }
        assert!(is_settled(&merge));
        // One that knows better unsettles it.
        add(&mut merge, &[&new]);
        assert!(!is_settled(&merge));
        for _ in 1..AGREEING {
            add(&mut merge, &[&new]);
        }
        assert!(is_settled(&merge));
        // Nothing found is never settled: it may be the wrong ones who answer quickly.
        let mut nothing = self::merge();
        for _ in 0..AGREEING {
            add(&mut nothing, &[]);
        }
        assert!(!is_settled(&nothing));
    }

    #[test]
    fn one_place_alone_settles_nothing() {
        let bob = person("bob@example.net");
        let peer = device();
        let old = contact_record(&bob, peer, NOW - 2);
        let new = contact_record(&bob, peer, NOW - 1);
        let mut merge = merge();
        // All of one place, who tell an old story.
        let liars: Vec<PeerId> = (0..crate::swarm::COPIES).map(|_| device()).collect();
        let others: Vec<PeerId> = (0..AGREEING_AT_EACH).map(|_| device()).collect();
        let is_settled = |merge: &Merge| merge.is_settled(&|peer| [!others.contains(peer), others.contains(peer)]);
        for liar in &liars {
            merge.add(*liar, &texts(&[&old]));
            assert!(!is_settled(&merge));
        }
        for other in &others {
            merge.add(*other, &texts(&[&new]));
            assert!(!is_settled(&merge));
        }
        for _ in 0..AGREEING_AT_EACH {
            assert!(!is_settled(&merge));
            merge.add(device(), &texts(&[&new]));
        }
        assert!(is_settled(&merge));
        // Those who turn out not to be of a place count no more.
        assert!(!merge.is_settled(&|peer| [liars.contains(peer), others.contains(peer)]));
    }

    #[test]
    fn one_who_gives_short_pages_hides_nothing() {
        let people: Vec<_> = (0..8).map(|_| person("bob@example.net")).collect();
        let records: Vec<Record> = people.iter().map(|one| contact_record(one, device(), NOW)).collect();
        let all = texts(&records.iter().collect::<Vec<_>>());
        let mut merge = merge();
        let page = |from: usize, to: usize| Response::Records {
            records: all[from..to].to_vec(),
            more: to < all.len(),
        };
        merge.take(device(), page(0, 1));
        for _ in 0..3 {
            merge.take(device(), page(0, 4));
        }
        merge.take(
            device(),
            Response::Records {
                records: Vec::new(),
                more: true,
            },
        );
        assert_eq!(merge.next_page(), Some(4));
        merge.take(device(), page(4, 5));
        for _ in 0..3 {
            merge.take(device(), page(4, 8));
        }
        assert_eq!(merge.next_page(), None, "nobody has more");
        assert_eq!(merge.records().len(), 8);
    }

    #[test]
    fn one_who_always_has_more_is_not_asked_for_ever() {
        let record = contact_record(&person("bob@example.net"), device(), NOW);
        let mut merge = merge();
        let records = texts(&[&record]);
        for _ in 0..3 {
            merge.take(
                device(),
                Response::Records {
                    records: records.clone(),
                    more: false,
                },
            );
        }
        merge.take(
            device(),
            Response::Records {
                records: records.clone(),
                more: true,
            },
        );
        assert_eq!(merge.next_page(), None);
        // Who is alone is believed.
        let mut alone = self::merge();
        alone.take(device(), Response::Records { records, more: true });
        assert_eq!(alone.next_page(), Some(1));
    }

    #[test]
    fn what_one_node_alone_says_is_not_handed_on() {
        let (bob, crowd) = (person("bob@example.net"), person("bob@example.net"));
        let record = contact_record(&bob, device(), NOW);
        let junk = contact_record(&crowd, device(), NOW);
        let (liar, lagging) = (device(), device());
        let mut merge = merge();
        merge.add(liar, &texts(&[&record, &junk]));
        merge.add(device(), &texts(&[&record]));
        merge.add(device(), &texts(&[&record]));
        merge.add(lagging, &[]);
        assert_eq!(merge.records().len(), 2);
        assert_eq!(merge.lacking(), [(lagging, record)]);
    }

    #[test]
    fn what_was_lacking_is_known_after_more_pages() {
        let people: Vec<_> = (0..2).map(|_| person("bob@example.net")).collect();
        let records: Vec<Record> = people.iter().map(|one| contact_record(one, device(), NOW)).collect();
        let all = texts(&records.iter().collect::<Vec<_>>());
        let lagging = device();
        let mut merge = merge();
        for _ in 0..3 {
            merge.take(
                device(),
                Response::Records {
                    records: all[..1].to_vec(),
                    more: true,
                },
            );
        }
        merge.take(
            lagging,
            Response::Records {
                records: Vec::new(),
                more: false,
            },
        );
        assert_eq!(merge.next_page(), Some(1));
        for _ in 0..3 {
            merge.take(
                device(),
                Response::Records {
                    records: all[1..].to_vec(),
                    more: false,
                },
            );
        }
        assert_eq!(merge.next_page(), None);
        assert_eq!(merge.lacking(), [(lagging, records[0].clone())]);
    }

    #[test]
    fn those_that_lag_are_told_what_they_lack() {
        let bob = person("bob@example.net");
        let peer = device();
        let old = contact_record(&bob, peer, NOW - 2);
        let new = contact_record(&bob, peer, NOW - 1);
        let (current, lagging, empty) = (device(), device(), device());
        let mut merge = merge();
        merge.add(current, &[new.to_xml().to_string()]);
        merge.add(lagging, &[old.to_xml().to_string()]);
        merge.add(empty, &[]);
        assert_eq!(merge.lacking(), [(lagging, new.clone()), (empty, new)]);
    }
}
