//! Watches: whom to tell when something under a key changes. A core in memory: who watches says so again every minute.

use std::collections::{BTreeMap, HashMap};

use corella_identity::{Fingerprint, Millis};
use libp2p::PeerId;

use super::refusal::Refusal;
use crate::record::Record;

/// How long a watch lasts if it is not renewed.
pub(super) const LIFE: Millis = 150 * 1000;
/// Most watches of a node, of one peer, and of one key.
const WATCHES: usize = 8192;
const WATCHES_OF_PEER: usize = 512;
const WATCHES_OF_KEY: usize = 512;

#[derive(Debug)]
struct Watch {
    /// With keys that only their person reads: the credential that showed a ticket.
    reader: Option<Fingerprint>,
    until: Millis,
}

/// Who watches what.
#[derive(Debug, Default)]
pub(super) struct Watches {
    by_place: HashMap<[u8; 32], BTreeMap<PeerId, Watch>>,
    of_peer: HashMap<PeerId, usize>,
}

impl Watches {
    /// Tells a peer of changes under a key from now on, for [`LIFE`].
    ///
    /// # Errors
    /// There are too many watches.
    pub(super) fn watch(
        &mut self,
        peer: PeerId,
        place: [u8; 32],
        reader: Option<Fingerprint>,
        now: Millis,
    ) -> Result<(), Refusal> {
        let until = now + LIFE;
        let renewed = self.by_place.get_mut(&place).and_then(|watches| watches.get_mut(&peer));
        if let Some(watch) = renewed {
            *watch = Watch { reader, until };
            return Ok(());
        }
        if self.is_full(&peer, &place) {
            self.expire(now);
            if self.is_full(&peer, &place) {
                return Err(Refusal::TooMany);
            }
        }
        self.by_place
            .entry(place)
            .or_default()
            .insert(peer, Watch { reader, until });
        *self.of_peer.entry(peer).or_default() += 1;
        Ok(())
    }

    fn is_full(&self, peer: &PeerId, place: &[u8; 32]) -> bool {
        self.of_peer.values().sum::<usize>() >= WATCHES
            || self.of_peer.get(peer).is_some_and(|count| *count >= WATCHES_OF_PEER)
            || self
                .by_place
                .get(place)
                .is_some_and(|watches| watches.len() >= WATCHES_OF_KEY)
    }

    /// Whom to tell of a record that is new under its key.
    pub(super) fn watchers_of(&self, record: &Record, now: Millis) -> Vec<PeerId> {
        let Some(watches) = self.by_place.get(&record.key().id()) else {
            return Vec::new();
        };
        let may_read = |watch: &Watch| {
            let recipient = record.value().recipient();
            !record.key().is_read_by_its_person_only() || recipient.is_none() || recipient == watch.reader.as_ref()
        };
        let told = watches.iter().filter(|(_, watch)| watch.until > now && may_read(watch));
        told.map(|(peer, _)| *peer).collect()
    }

    /// Forgets watches that were not renewed.
    pub(super) fn expire(&mut self, now: Millis) {
        self.by_place.retain(|_, watches| {
            watches.retain(|_, watch| watch.until > now);
            !watches.is_empty()
        });
        self.of_peer.clear();
        for peer in self.by_place.values().flat_map(BTreeMap::keys) {
            *self.of_peer.entry(*peer).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, contact_record, device, offline_record, person};

    #[test]
    fn who_watches_is_told_until_the_watch_is_over() {
        let record = contact_record(&person("bob@example.net"), device(), NOW);
        let place = record.key().id();
        let (alice, carol) = (PeerId::random(), PeerId::random());
        let mut watches = Watches::default();
        watches.watch(alice, place, None, NOW).unwrap();
        watches.watch(carol, [1; 32], None, NOW).unwrap();
        assert_eq!(watches.watchers_of(&record, NOW), [alice]);
        assert!(watches.watchers_of(&record, NOW + LIFE).is_empty());
        watches.watch(alice, place, None, NOW + LIFE - 1).unwrap();
        assert_eq!(watches.watchers_of(&record, NOW + LIFE), [alice]);
    }

    #[test]
    fn a_message_is_told_to_whom_it_is_sealed() {
        let (alice, bob, impostor) = (
            person("alice@example.org"),
            person("bob@example.net"),
            person("bob@example.net"),
        );
        let record = offline_record(&alice, &bob, 1, NOW);
        let (his, other) = (PeerId::random(), PeerId::random());
        let mut watches = Watches::default();
        let reader = |credential: &corella_identity::Credential| Some(credential.certificate().fingerprint());
        watches.watch(his, record.key().id(), reader(&bob), NOW).unwrap();
        watches.watch(other, record.key().id(), reader(&impostor), NOW).unwrap();
        assert_eq!(watches.watchers_of(&record, NOW), [his]);
    }

    #[test]
    fn watches_are_bounded() {
        let mut watches = Watches::default();
        let peer = PeerId::random();
        let place = |number: usize| openssl::sha::sha256(&number.to_be_bytes());
        let watched = (0..2 * WATCHES_OF_PEER).filter(|number| watches.watch(peer, place(*number), None, NOW).is_ok());
        assert_eq!(watched.count(), WATCHES_OF_PEER);
        let popular = (0..2 * WATCHES_OF_KEY).filter(|_| watches.watch(PeerId::random(), [9; 32], None, NOW).is_ok());
        assert_eq!(popular.count(), WATCHES_OF_KEY);
        let all = (0..2 * WATCHES).filter(|number| watches.watch(PeerId::random(), place(*number), None, NOW).is_ok());
        assert!(all.count() < WATCHES);
        // What is over makes room.
        assert!(watches.watch(PeerId::random(), [9; 32], None, NOW + LIFE).is_ok());
        assert_eq!(watches.by_place.len(), 1);
    }
}
