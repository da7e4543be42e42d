//! Watches: whom to tell when something under a key changes. A core in memory: who watches says so again every minute.

use std::collections::{BTreeMap, HashMap};

use corella_identity::{Fingerprint, Millis};
use libp2p::PeerId;

use super::keeper::Asker;
use super::network::Network;
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
    network: Network,
}

/// Who watches what. Names of peers cost nothing; so where there is no room, the network that has most watches gives way.
#[derive(Debug, Default)]
pub(super) struct Watches {
    by_place: HashMap<[u8; 32], BTreeMap<PeerId, Watch>>,
    of_peer: HashMap<PeerId, usize>,
    of_network: HashMap<Network, usize>,
}

impl Watches {
    /// Tells a peer of changes under a key from now on, for [`LIFE`].
    ///
    /// # Errors
    /// There are too many watches.
    pub(super) fn watch(
        &mut self,
        asker: Asker,
        place: [u8; 32],
        reader: Option<Fingerprint>,
        now: Millis,
    ) -> Result<(), Refusal> {
        let Asker { peer, network } = asker;
        let until = now + LIFE;
        let renewed = self.by_place.get_mut(&place).and_then(|watches| watches.get_mut(&peer));
        if let Some(watch) = renewed {
            watch.reader = reader;
            watch.until = until;
            return Ok(());
        }
        if self.is_full() || self.is_full_for(&peer) || self.is_full_at(&place) {
            self.expire(now);
        }
        if self.is_full_for(&peer) {
            return Err(Refusal::TooMany);
        }
        if self.is_full_at(&place) {
            let there = self.by_place.get(&place).into_iter().flat_map(BTreeMap::values);
            let mut shares: HashMap<Network, usize> = HashMap::new();
            for watch in there {
                *shares.entry(watch.network).or_default() += 1;
            }
            let loser = largest(&shares, network).ok_or(Refusal::TooMany)?;
            self.drop_newest_of(loser, Some(&place));
        }
        if self.is_full() {
            let loser = largest(&self.of_network, network).ok_or(Refusal::TooMany)?;
            self.drop_newest_of(loser, None);
        }
        let watch = Watch { reader, until, network };
        self.by_place.entry(place).or_default().insert(peer, watch);
        *self.of_peer.entry(peer).or_default() += 1;
        *self.of_network.entry(network).or_default() += 1;
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.of_network.values().sum::<usize>() >= WATCHES
    }

    fn is_full_for(&self, peer: &PeerId) -> bool {
        self.of_peer.get(peer).is_some_and(|count| *count >= WATCHES_OF_PEER)
    }

    fn is_full_at(&self, place: &[u8; 32]) -> bool {
        let there = self.by_place.get(place);
        there.is_some_and(|watches| watches.len() >= WATCHES_OF_KEY)
    }

    /// Forgets the watch of a network that came, or was renewed, last: at one place or anywhere.
    fn drop_newest_of(&mut self, network: Network, at: Option<&[u8; 32]>) {
        let places = self
            .by_place
            .iter()
            .filter(|(place, _)| at.is_none_or(|at| at == *place));
        let newest = places
            .flat_map(|(place, watches)| watches.iter().map(move |(peer, watch)| (place, peer, watch)))
            .filter(|(_, _, watch)| watch.network == network)
            .max_by_key(|(_, _, watch)| watch.until)
            .map(|(place, peer, _)| (*place, *peer));
        if let Some((place, peer)) = newest
            && let Some(watches) = self.by_place.get_mut(&place)
        {
            watches.remove(&peer);
            self.count();
        }
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
        self.count();
    }

    fn count(&mut self) {
        self.of_peer.clear();
        self.of_network.clear();
        for (peer, watch) in self.by_place.values().flatten() {
            *self.of_peer.entry(*peer).or_default() += 1;
            *self.of_network.entry(watch.network).or_default() += 1;
        }
    }
}

/// The network that has most, if that is more than `network` would have with one more. This device's own user does not give way.
fn largest(shares: &HashMap<Network, usize>, network: Network) -> Option<Network> {
    let own = shares.get(&network).copied().unwrap_or_default();
    let others = shares.iter().filter(|(of, _)| **of != Network::OWN);
    let (largest, count) = others.max_by_key(|(of, count)| (**count, **of))?;
    (*count > own + 1).then_some(*largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, contact_record, device, offline_record, person};

    fn at(peer: PeerId) -> Asker {
        from(peer, 1)
    }

    fn from(peer: PeerId, network: u8) -> Asker {
        let network = Network::of([198, 18, network, 1].into());
        Asker { peer, network }
    }

    #[test]
    fn who_watches_is_told_until_the_watch_is_over() {
        let record = contact_record(&person("bob@example.net"), device(), NOW);
        let place = record.key().id();
        let (alice, carol) = (PeerId::random(), PeerId::random());
        let mut watches = Watches::default();
        watches.watch(at(alice), place, None, NOW).unwrap();
        watches.watch(at(carol), [1; 32], None, NOW).unwrap();
        assert_eq!(watches.watchers_of(&record, NOW), [alice]);
        assert!(watches.watchers_of(&record, NOW + LIFE).is_empty());
        watches.watch(at(alice), place, None, NOW + LIFE - 1).unwrap();
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
        watches.watch(at(his), record.key().id(), reader(&bob), NOW).unwrap();
        watches
            .watch(at(other), record.key().id(), reader(&impostor), NOW)
            .unwrap();
        assert_eq!(watches.watchers_of(&record, NOW), [his]);
    }

    #[test]
    fn watches_are_bounded() {
        let mut watches = Watches::default();
        let peer = PeerId::random();
        let place = |number: usize| openssl::sha::sha256(&number.to_be_bytes());
        let watched =
            (0..2 * WATCHES_OF_PEER).filter(|number| watches.watch(at(peer), place(*number), None, NOW).is_ok());
        assert_eq!(watched.count(), WATCHES_OF_PEER);
        let popular =
            (0..2 * WATCHES_OF_KEY).filter(|_| watches.watch(at(PeerId::random()), [9; 32], None, NOW).is_ok());
        assert_eq!(popular.count(), WATCHES_OF_KEY);
        let all =
            (0..2 * WATCHES).filter(|number| watches.watch(at(PeerId::random()), place(*number), None, NOW).is_ok());
        assert!(all.count() < WATCHES);
        // What is over makes room.
        assert!(watches.watch(at(PeerId::random()), [9; 32], None, NOW + LIFE).is_ok());
        assert_eq!(watches.by_place.len(), 1);
    }

    #[test]
    fn a_crowd_of_names_keeps_nobody_from_watching() {
        let mut watches = Watches::default();
        let mut crowd = |place: [u8; 32]| watches.watch(from(PeerId::random(), 66), place, None, NOW).is_ok();
        assert_eq!(
            (0..2 * WATCHES_OF_KEY).filter(|_| crowd([9; 32])).count(),
            WATCHES_OF_KEY
        );
        let alice = PeerId::random();
        watches.watch(from(alice, 1), [9; 32], None, NOW).unwrap();
        assert_eq!(watches.by_place[&[9; 32]].len(), WATCHES_OF_KEY);
        assert!(watches.by_place[&[9; 32]].contains_key(&alice));
        let place = |number: usize| openssl::sha::sha256(&number.to_be_bytes());
        for number in 0..WATCHES {
            let _ = watches.watch(from(PeerId::random(), 66), place(number), None, NOW);
        }
        assert!(watches.is_full());
        watches.watch(from(PeerId::random(), 2), [8; 32], None, NOW).unwrap();
        assert_eq!(watches.of_network.values().sum::<usize>(), WATCHES);
        assert!(watches.by_place[&[9; 32]].contains_key(&alice));
    }
}
