//! Asks the nodes closest to a place and knows when to stop waiting. A core: times come in, nothing goes out.
//!
//! Which nodes are closest becomes known in two steps: those of the own routing table at once, and after a look-up the
//! true ones. Meanwhile answers come in. Waiting for every node would let one that is dead stall everything; not waiting
//! would let one that is slow hide what only it has. So:
//!
//! - if every close node has answered or failed, it is done;
//! - if something was found and half of the close nodes have answered, the others get [`GRACE`] more;
//! - if nothing was found, everybody gets their full time (which whoever drives this core limits);
//! - a look-up that takes longer than [`LOOK_UP_PATIENCE`] is not waited for once something was found.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use libp2p::PeerId;
use libp2p::kad::KBucketDistance;

use crate::swarm::{REPLICATION, distance};

/// How much longer the slow half is waited for.
pub(super) const GRACE: Duration = Duration::from_millis(200);
/// How long a look-up is waited for although something was found.
pub(super) const LOOK_UP_PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Waiting,
    Answered,
    Failed,
}

/// One round of questions to the nodes closest to a place.
#[derive(Debug)]
pub(super) struct Gather {
    place: [u8; 32],
    /// All nodes that were asked, closest first.
    nodes: BTreeMap<KBucketDistance, Status>,
    distances: HashMap<PeerId, KBucketDistance>,
    looked_up: bool,
    found: bool,
    /// When something was found and half of the nodes had answered.
    content_at: Option<Duration>,
}

impl Gather {
    pub(super) fn new(place: [u8; 32]) -> Self {
        Self {
            place,
            nodes: BTreeMap::new(),
            distances: HashMap::new(),
            looked_up: false,
            found: false,
            content_at: None,
        }
    }

    /// Nodes that may be close. Gives those that are to be asked now: new ones, closer than others.
    pub(super) fn candidates(&mut self, peers: impl IntoIterator<Item = PeerId>) -> Vec<PeerId> {
        let mut added = Vec::new();
        for peer in peers {
            let at = distance(&peer, &self.place);
            if self.distances.insert(peer, at).is_none() {
                self.nodes.insert(at, Status::Waiting);
                added.push((at, peer));
            }
        }
        let limit = self.nodes.keys().nth(REPLICATION).copied();
        let (close, far): (Vec<_>, Vec<_>) = added
            .into_iter()
            .partition(|(at, _)| limit.is_none_or(|limit| *at < limit));
        for (at, _) in far {
            self.nodes.remove(&at);
        }
        close.into_iter().map(|(_, peer)| peer).collect()
    }

    /// The look-up has ended: there will be no more candidates.
    pub(super) fn looked_up(&mut self) {
        self.looked_up = true;
    }

    /// A node answered, `time` after the beginning.
    pub(super) fn answered(&mut self, peer: &PeerId, found: bool, time: Duration) {
        self.set(peer, Status::Answered);
        self.found |= found;
        let answered = self.close().filter(|status| **status == Status::Answered).count();
        if self.content_at.is_none() && self.found && answered * 2 >= self.close().count() {
            self.content_at = Some(time);
        }
    }

    /// A node did not answer, or cannot be reached.
    pub(super) fn failed(&mut self, peer: &PeerId) {
        self.set(peer, Status::Failed);
    }

    fn set(&mut self, peer: &PeerId, status: Status) {
        if let Some(node) = self.distances.get(peer).and_then(|at| self.nodes.get_mut(at)) {
            *node = status;
        }
    }

    fn close(&self) -> impl Iterator<Item = &Status> {
        self.nodes.values().take(REPLICATION)
    }

    /// Whether there is nothing more to wait for, `time` after the beginning.
    pub(super) fn is_done(&self, time: Duration) -> bool {
        if self.looked_up && self.close().all(|status| *status != Status::Waiting) {
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
    use proptest::prelude::*;

    const PLACE: [u8; 32] = [7; 32];

    fn peers(count: usize) -> Vec<PeerId> {
        let mut peers: Vec<PeerId> = (0..count).map(|_| PeerId::random()).collect();
        peers.sort_by_key(|peer| distance(peer, &PLACE));
        peers
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn all_answers_end_it_at_once() {
        let peers = peers(3);
        let mut gather = Gather::new(PLACE);
        assert_eq!(gather.candidates(peers.clone()).len(), 3);
        gather.looked_up();
        for peer in &peers[..2] {
            gather.answered(peer, false, ms(1));
        }
        assert!(!gather.is_done(ms(1)));
        gather.failed(&peers[2]);
        assert!(gather.is_done(ms(1)));
    }

    #[test]
    fn nothing_is_over_before_the_look_up() {
        let peers = peers(2);
        let mut gather = Gather::new(PLACE);
        gather.candidates(peers[..1].to_vec());
        gather.answered(&peers[0], false, ms(1));
        assert!(!gather.is_done(ms(1)));
        assert_eq!(gather.candidates(peers.clone()), peers[1..]);
        gather.looked_up();
        assert!(!gather.is_done(ms(2)));
        gather.answered(&peers[1], false, ms(2));
        assert!(gather.is_done(ms(2)));
        let mut alone = Gather::new(PLACE);
        alone.looked_up();
        assert!(alone.is_done(ms(0)));
    }

    #[test]
    fn a_slow_node_cannot_hide_what_only_it_has() {
        let peers = peers(10);
        let mut gather = Gather::new(PLACE);
        gather.candidates(peers.clone());
        gather.looked_up();
        for peer in &peers[1..] {
            gather.answered(peer, false, ms(1));
        }
        assert!(!gather.is_done(ms(1400)));
        assert_eq!(gather.content_until(), None);
        gather.answered(&peers[0], true, ms(1400));
        assert!(gather.is_done(ms(1400)));
    }

    #[test]
    fn a_dead_node_does_not_stall_what_others_have() {
        let peers = peers(10);
        let mut gather = Gather::new(PLACE);
        gather.candidates(peers.clone());
        for peer in &peers[1..] {
            gather.answered(peer, true, ms(3));
        }
        // The look-up waits for the dead node too, so it is not waited for for ever.
        assert!(!gather.is_done(ms(999)));
        assert!(gather.is_done(ms(1000)));
        gather.looked_up();
        assert!(!gather.is_done(ms(202)));
        assert!(gather.is_done(ms(203)));
    }

    #[test]
    fn one_quick_finder_does_not_end_it() {
        let peers = peers(10);
        let mut gather = Gather::new(PLACE);
        gather.candidates(peers.clone());
        gather.looked_up();
        gather.answered(&peers[3], true, ms(1));
        assert!(!gather.is_done(ms(1400)));
        for peer in &peers[4..8] {
            gather.answered(peer, false, ms(50));
        }
        assert_eq!(gather.content_until(), Some(ms(250)));
    }

    #[test]
    fn only_the_closest_are_asked_and_waited_for() {
        let peers = peers(30);
        let mut gather = Gather::new(PLACE);
        let asked = gather.candidates(peers[5..].to_vec());
        assert_eq!(asked.len(), REPLICATION);
        assert!(asked.iter().all(|peer| peers[5..25].contains(peer)));
        // Closer ones push the farthest out; who was pushed out is not waited for.
        let mut closer = gather.candidates(peers[..5].to_vec());
        closer.sort_by_key(|peer| distance(peer, &PLACE));
        assert_eq!(closer, peers[..5]);
        gather.looked_up();
        for peer in &peers[..20] {
            assert!(!gather.is_done(ms(1)));
            gather.answered(peer, false, ms(1));
        }
        assert!(gather.is_done(ms(1)));
    }

    proptest! {
        /// Whatever the order of events, it ends when all that were asked have answered or failed.
        #[test]
        fn it_ends(count in 0..45_usize, first in 0..45_usize, answers in prop::collection::vec(0..3_u8, 45)) {
            let peers = peers(count);
            let mut gather = Gather::new(PLACE);
            let mut asked = gather.candidates(peers[first.min(count)..].to_vec());
            asked.extend(gather.candidates(peers.clone()));
            gather.looked_up();
            let mut unique = asked.clone();
            unique.sort();
            unique.dedup();
            prop_assert_eq!(unique.len(), asked.len());
            prop_assert!(peers.iter().take(REPLICATION).all(|peer| asked.contains(peer)));
            for (peer, answer) in asked.iter().zip(answers) {
                match answer {
                    0 => gather.failed(peer),
                    found => gather.answered(peer, found == 2, ms(1)),
                }
            }
            prop_assert!(gather.is_done(ms(1)));
        }
    }
}
