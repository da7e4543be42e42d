//! Chooses the nodes that keep what belongs to a place, and knows when to stop waiting for them. A core: times come in,
//! nothing goes out.
//!
//! The nodes are so many of the closest, of which at most [`OF_NETWORK`] of one network, as long as there are enough others:
//! it is easy to run many nodes at one address, and hard to run them in many networks. Which nodes are closest becomes
//! known in two steps, those of the own routing table at once, and after a look-up the true ones. Meanwhile answers come in.
//! Waiting for every node would let one that is dead stall everything; not waiting would let one that is slow hide what
//! only it has. So:
//!
//! - if every chosen node has answered or failed, it is done; for one that failed the next closest is chosen;
//! - if something was found, here or at another place, and half of the chosen nodes have answered, the others get [`GRACE`] more;
//! - if nothing was found, everybody gets their full time (which whoever drives this core limits);
//! - a look-up that takes longer than [`LOOK_UP_PATIENCE`] is not waited for once something was found.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use libp2p::PeerId;
use libp2p::kad::KBucketDistance;

use crate::node::Candidate;
use crate::storing::Network;
use crate::swarm::distance;

/// Most of the chosen nodes that are in one network, while there are others.
pub(super) const OF_NETWORK: usize = 2;
/// How much longer the slow half is waited for.
pub(super) const GRACE: Duration = Duration::from_millis(200);
/// How long a look-up is waited for although something was found.
pub(super) const LOOK_UP_PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Unasked,
    Waiting,
    Answered,
    Failed,
}

#[derive(Debug)]
struct Node {
    candidate: Candidate,
    status: Status,
}

/// One round of questions to the nodes closest to a place.
#[derive(Debug)]
pub(super) struct Gather {
    place: [u8; 32],
    /// How many nodes are chosen.
    copies: usize,
    /// All nodes that were heard of, closest first.
    nodes: BTreeMap<KBucketDistance, Node>,
    distances: HashMap<PeerId, KBucketDistance>,
    looked_up: bool,
    found: bool,
    /// When something was found and half of the nodes had answered.
    content_at: Option<Duration>,
}

impl Gather {
    pub(super) fn new(place: [u8; 32], copies: usize) -> Self {
        Self {
            place,
            copies,
            nodes: BTreeMap::new(),
            distances: HashMap::new(),
            looked_up: false,
            found: false,
            content_at: None,
        }
    }

    /// Nodes that may be close.
    pub(super) fn candidates(&mut self, candidates: impl IntoIterator<Item = Candidate>) {
        for candidate in candidates {
            let at = distance(&candidate.peer, &self.place);
            if self.distances.insert(candidate.peer, at).is_none() {
                let status = Status::Unasked;
                self.nodes.insert(at, Node { candidate, status });
            }
        }
    }

    /// Those of the first `limit` chosen nodes that were not asked yet. They count as asked from now on.
    pub(super) fn next_to_ask(&mut self, limit: usize) -> Vec<Candidate> {
        let mut asked = Vec::new();
        for at in self.chosen().into_iter().take(limit) {
            if let Some(node) = self.nodes.get_mut(&at).filter(|node| node.status == Status::Unasked) {
                node.status = Status::Waiting;
                asked.push(node.candidate.clone());
            }
        }
        asked
    }

    /// Whether the look-up has ended: then there will be no more candidates.
    pub(super) fn looked_up(&mut self, ended: bool) {
        self.looked_up = ended;
    }

    /// A node answered over a connection to this network, `time` after the beginning.
    pub(super) fn answered(&mut self, peer: &PeerId, network: Option<Network>, found: bool, time: Duration) {
        let Some(node) = self.node(peer) else { return };
        node.status = Status::Answered;
        node.candidate.network = network;
        self.found |= found;
        self.consider(time);
    }

    /// Something was found, here or at another place.
    pub(super) fn found(&mut self, time: Duration) {
        self.found = true;
        self.consider(time);
    }

    fn consider(&mut self, time: Duration) {
        let chosen = self.chosen();
        let answered = chosen.iter().filter(|at| self.status(at) == Status::Answered).count();
        if self.content_at.is_none() && self.found && answered * 2 >= chosen.len() {
            self.content_at = Some(time);
        }
    }

    /// A node did not answer, or cannot be reached.
    pub(super) fn failed(&mut self, peer: &PeerId) {
        if let Some(node) = self.node(peer) {
            node.status = Status::Failed;
        }
    }

    /// Whether a node is, as far as is known, one of those that keep what belongs to the place.
    pub(super) fn is_chosen(&self, peer: &PeerId) -> bool {
        self.distances.get(peer).is_some_and(|at| self.chosen().contains(at))
    }

    fn node(&mut self, peer: &PeerId) -> Option<&mut Node> {
        let at = self.distances.get(peer)?;
        self.nodes.get_mut(at)
    }

    fn status(&self, at: &KBucketDistance) -> Status {
        self.nodes.get(at).map_or(Status::Failed, |node| node.status)
    }

    /// The closest that have not failed: first at most so many of each network, then, if these are too few, the others.
    fn chosen(&self) -> Vec<KBucketDistance> {
        let mut of_network: HashMap<Network, usize> = HashMap::new();
        let (mut chosen, mut others) = (Vec::new(), Vec::new());
        for (at, node) in self.nodes.iter().filter(|(_, node)| node.status != Status::Failed) {
            let crowded = node.candidate.network.is_some_and(|network| {
                let count = of_network.entry(network).or_default();
                *count += 1;
                *count > OF_NETWORK
            });
            if crowded {
                others.push(*at);
            } else {
                chosen.push(*at);
            }
            if chosen.len() == self.copies {
                return chosen;
            }
        }
        others.truncate(self.copies - chosen.len());
        chosen.append(&mut others);
        chosen
    }

    /// Whether more of the closest are in one network than are chosen, and others have to be found.
    pub(super) fn is_crowded(&self) -> bool {
        let mut of_network: HashMap<Network, usize> = HashMap::new();
        let closest = self.nodes.values().filter(|node| node.status != Status::Failed);
        closest.take(self.copies).any(|node| {
            node.candidate.network.is_some_and(|network| {
                let count = of_network.entry(network).or_default();
                *count += 1;
                *count > OF_NETWORK
            })
        })
    }

    /// Whether there is nothing more to wait for, `time` after the beginning.
    pub(super) fn is_done(&self, time: Duration) -> bool {
        let all_answered = || self.chosen().iter().all(|at| self.status(at) == Status::Answered);
        if self.looked_up && all_answered() {
            return true;
        }
        self.content_until().is_some_and(|until| time >= until)
    }

    /// When to look again, if nothing happens before.
    pub(super) fn content_until(&self) -> Option<Duration> {
        let graced = self.content_at? + GRACE;
        Some(if self.looked_up {
            graced
        } else {
            graced.max(LOOK_UP_PATIENCE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::COPIES;
    use proptest::prelude::*;

    const PLACE: [u8; 32] = [7; 32];

    fn peers(count: usize) -> Vec<PeerId> {
        let mut peers: Vec<PeerId> = (0..count).map(|_| PeerId::random()).collect();
        peers.sort_by_key(|peer| distance(peer, &PLACE));
        peers
    }

    fn candidate(peer: &PeerId, network: Option<Network>) -> Candidate {
        Candidate {
            peer: *peer,
            addresses: Vec::new(),
            network,
        }
    }

    fn near(peers: &[PeerId]) -> Vec<Candidate> {
        peers.iter().map(|peer| candidate(peer, None)).collect()
    }

    fn asked(gather: &mut Gather) -> Vec<PeerId> {
        gather
            .next_to_ask(COPIES)
            .iter()
            .map(|candidate| candidate.peer)
            .collect()
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn all_answers_end_it_at_once() {
        let peers = peers(3);
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(near(&peers));
        assert_eq!(asked(&mut gather), peers);
        assert!(asked(&mut gather).is_empty());
        gather.looked_up(true);
        for peer in &peers[..2] {
            gather.answered(peer, None, false, ms(1));
        }
        assert!(!gather.is_done(ms(1)));
        gather.failed(&peers[2]);
        assert!(gather.is_done(ms(1)));
    }

    #[test]
    fn what_was_found_elsewhere_ends_the_waiting_here() {
        let peers = peers(4);
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(near(&peers));
        asked(&mut gather);
        gather.looked_up(true);
        gather.answered(&peers[0], None, false, ms(1));
        gather.answered(&peers[1], None, false, ms(2));
        assert_eq!(gather.content_until(), None);
        gather.found(ms(3));
        assert!(!gather.is_done(ms(202)) && gather.is_done(ms(203)));
    }

    #[test]
    fn nothing_is_over_before_the_look_up() {
        let peers = peers(2);
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(near(&peers[..1]));
        asked(&mut gather);
        gather.answered(&peers[0], None, false, ms(1));
        assert!(!gather.is_done(ms(1)));
        gather.candidates(near(&peers));
        assert_eq!(asked(&mut gather), peers[1..]);
        gather.looked_up(true);
        assert!(!gather.is_done(ms(2)));
        gather.answered(&peers[1], None, false, ms(2));
        assert!(gather.is_done(ms(2)));
        let mut alone = Gather::new(PLACE, COPIES);
        alone.looked_up(true);
        assert!(alone.is_done(ms(0)));
    }

    #[test]
    fn a_slow_node_cannot_hide_what_only_it_has() {
        let peers = peers(COPIES);
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(near(&peers));
        asked(&mut gather);
        gather.looked_up(true);
        for peer in &peers[1..] {
            gather.answered(peer, None, false, ms(1));
        }
        assert!(!gather.is_done(ms(1400)));
        assert_eq!(gather.content_until(), None);
        gather.answered(&peers[0], None, true, ms(1400));
        assert!(gather.is_done(ms(1400)));
    }

    #[test]
    fn a_dead_node_does_not_stall_what_others_have() {
        let peers = peers(COPIES);
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(near(&peers));
        asked(&mut gather);
        for peer in &peers[1..] {
            gather.answered(peer, None, true, ms(3));
        }
        // The look-up waits for the dead node too, so it is not waited for for ever.
        assert!(!gather.is_done(ms(999)));
        assert!(gather.is_done(ms(1000)));
        gather.looked_up(true);
        assert!(!gather.is_done(ms(202)));
        assert!(gather.is_done(ms(203)));
    }

    #[test]
    fn one_quick_finder_does_not_end_it() {
        let peers = peers(COPIES);
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(near(&peers));
        asked(&mut gather);
        gather.looked_up(true);
        gather.answered(&peers[3], None, true, ms(1));
        assert!(!gather.is_done(ms(1400)));
        for peer in &peers[4..8] {
            gather.answered(peer, None, false, ms(50));
        }
        assert_eq!(gather.content_until(), Some(ms(250)));
    }

    #[test]
    fn the_next_takes_the_place_of_one_that_failed() {
        let peers = peers(COPIES + 2);
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(near(&peers));
        assert_eq!(asked(&mut gather), peers[..COPIES]);
        gather.failed(&peers[0]);
        assert_eq!(asked(&mut gather), peers[COPIES..=COPIES]);
    }

    #[test]
    fn closer_ones_that_are_found_later_are_waited_for_in_place_of_farther_ones() {
        let peers = peers(COPIES + 5);
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(near(&peers[5..]));
        assert_eq!(asked(&mut gather), peers[5..]);
        gather.candidates(near(&peers[..5]));
        assert_eq!(asked(&mut gather), peers[..5]);
        gather.looked_up(true);
        for peer in &peers[..COPIES] {
            assert!(!gather.is_done(ms(1)));
            gather.answered(peer, None, false, ms(1));
        }
        assert!(gather.is_done(ms(1)));
    }

    #[test]
    fn a_crowd_in_one_network_is_not_more_than_two() {
        let crowd = Some(Network::of([198, 51, 100, 1].into()));
        let peers = peers(40);
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(peers[..20].iter().map(|peer| candidate(peer, crowd)));
        // As long as there is nobody else, they are as good as any.
        let mut small = Gather::new(PLACE, COPIES);
        small.candidates(peers[..5].iter().map(|peer| candidate(peer, crowd)));
        assert_eq!(asked(&mut small).len(), 5);
        gather.candidates(near(&peers[20..]));
        let asked = asked(&mut gather);
        assert_eq!(asked[..2], peers[..2]);
        assert_eq!(asked[2..], peers[20..20 + COPIES - 2]);
        // Who claimed to be elsewhere is found out by the connection, and the next honest one is asked.
        let mut gather = Gather::new(PLACE, COPIES);
        gather.candidates(near(&peers));
        gather.next_to_ask(COPIES);
        for liar in &peers[..5] {
            gather.answered(liar, crowd, false, ms(1));
        }
        let more: Vec<PeerId> = gather
            .next_to_ask(COPIES)
            .iter()
            .map(|candidate| candidate.peer)
            .collect();
        assert_eq!(more, peers[COPIES..COPIES + 3]);
    }

    proptest! {
        /// Whatever the order of events, it ends when all that were asked have answered or failed.
        #[test]
        fn it_ends(
            count in 0..45_usize,
            first in 0..45_usize,
            networks in prop::collection::vec(0..12_u8, 45),
            answers in prop::collection::vec(0..3_u8, 45),
        ) {
            let peers = peers(count);
            let with_network = |(peer, number): (&PeerId, &u8)| {
                let network = (*number < 8).then(|| Network::of([10, 0, *number, 1].into()));
                candidate(peer, network)
            };
            let all: Vec<Candidate> = peers.iter().zip(&networks).map(with_network).collect();
            let mut gather = Gather::new(PLACE, COPIES);
            gather.candidates(all[first.min(count)..].to_vec());
            let mut waiting = gather.next_to_ask(COPIES);
            gather.candidates(all);
            gather.looked_up(true);
            let mut answers = answers.into_iter();
            let mut rounds = 0;
            loop {
                waiting.extend(gather.next_to_ask(COPIES));
                let Some(candidate) = waiting.pop() else { break };
                match answers.next().unwrap_or(1) {
                    0 => gather.failed(&candidate.peer),
                    found => gather.answered(&candidate.peer, candidate.network, found == 2, ms(1)),
                }
                rounds += 1;
                prop_assert!(rounds <= count);
            }
            prop_assert!(gather.is_done(ms(1)));
        }
    }
}
