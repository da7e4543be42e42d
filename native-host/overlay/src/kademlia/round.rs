//! One question to all nodes that keep what belongs to a hash: those closest to either of its two places.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use tokio::time::{Instant, sleep_until, timeout};

use super::gather::Gather;
use crate::key::places;
use crate::location::LocationError;
use crate::node::{Candidate, Heard, NodeHandle};
use crate::store_protocol::{Request, Response};
use crate::storing::Network;
use crate::swarm::{COPIES, REPLICATION};

/// How long one node may take to answer, with dialling.
const ANSWER_TIME: Duration = Duration::from_millis(1500);
/// How long everything may take: a look-up, and then the answers of the last nodes it found.
const TOTAL_TIME: Duration = Duration::from_millis(4800);

/// How many nodes a look-up finds, and how many if the first were a crowd.
pub(crate) const LOOK_UP: NonZeroUsize = NonZeroUsize::MIN.saturating_add(REPLICATION - 1);
const WIDE_LOOK_UP: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4 * REPLICATION - 1);

/// What is made of the answers.
pub(super) trait Collect: Send {
    /// Takes a node's answer. Whether it held what was asked for.
    fn take(&mut self, peer: PeerId, response: Response) -> bool;

    /// A node did not answer.
    fn silent(&mut self) {}

    /// Whether more answers would add nothing. `places`: of each place, whether a node is now one of those that keep what belongs to it.
    fn is_settled(&self, _places: &dyn Fn(&PeerId) -> [bool; 2]) -> bool {
        false
    }
}

/// How long the first that are asked may take before the others are asked too.
const PATIENCE: Duration = Duration::from_millis(30);

/// How many nodes are asked, and how hastily.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// How many at each place.
    copies: usize,
    /// How many of these first. The others follow if these do not agree, or take too long.
    first: usize,
    /// Whether nodes are asked that may turn out not to be the closest.
    at_once: bool,
    /// Whether those who are slow are to hear it all the same, when nobody waits for their answers any more.
    whole: bool,
}

impl Reach {
    /// A question to which some answers may be enough.
    pub(super) const ASK: Self = Self {
        copies: COPIES,
        first: COPIES / 2,
        at_once: true,
        whole: false,
    };
    /// A question that everybody has to hear: one too many does no harm.
    pub(super) const TELL: Self = Self {
        copies: COPIES,
        first: COPIES,
        at_once: true,
        whole: true,
    };
    /// Something to keep: what is put in the wrong place is a burden.
    pub(super) const PUT: Self = Self {
        copies: COPIES,
        first: COPIES,
        at_once: false,
        whole: true,
    };
    /// A wish to be told: all nodes at a place hear of what is new, so some are enough.
    pub(super) const WATCH: Self = Self {
        copies: 3,
        first: 3,
        at_once: false,
        whole: false,
    };
}

/// Asks the nodes closest to a hash's places.
pub(super) async fn round(
    node: &NodeHandle,
    id: &[u8; 32],
    request: &Request,
    reach: Reach,
    collect: &mut impl Collect,
) -> Result<(), LocationError> {
    let places = places(id);
    let mut round = Round {
        node,
        request,
        begin: Instant::now(),
        gathers: places.map(|place| Gather::new(place, reach.copies)),
        ready: [false; 2],
        limit: reach.first,
        outcomes: HashMap::new(),
        answers: FuturesUnordered::new(),
    };
    let known = node.known(places).await?;
    let mut look_ups = FuturesUnordered::new();
    for (number, (place, known_closest)) in places.iter().zip(known.closest).enumerate() {
        let gather = &mut round.gathers[number];
        gather.candidates(known_closest);
        gather.looked_up(known.are_sure[number]);
        if !known.are_sure[number] {
            look_ups.push(look_up(node.clone(), number, *place, LOOK_UP));
        }
    }
    round.ready = known.are_sure.map(|is_sure| is_sure || reach.at_once);
    round.ask();
    while !round.is_done() && !collect.is_settled(&|peer| round.places_of(peer)) {
        let until = round.until();
        tokio::select! {
            Some((number, count, found)) = look_ups.next() => {
                let gather = &mut round.gathers[number];
                gather.candidates(found?);
                // A crowd in one network may be all that was found; behind it are those that count.
                let again = gather.is_crowded() && count < WIDE_LOOK_UP;
                gather.looked_up(!again);
                round.ready[number] |= !again;
                if again {
                    look_ups.push(look_up(node.clone(), number, places[number], WIDE_LOOK_UP));
                }
                round.ask();
            }
            Some((peer, heard)) = round.answers.next() => {
                let outcome = match heard {
                    Some(Heard { response, network }) => Outcome::Answered(network, collect.take(peer, response)),
                    None => {
                        collect.silent();
                        Outcome::Failed
                    }
                };
                round.outcomes.insert(peer, outcome);
                round.tell_gathers(&peer, outcome);
                round.ask();
                if round.answers.is_empty() {
                    round.ask_all();
                }
            }
            () = sleep_until(until) => if round.begin.elapsed() >= PATIENCE {
                round.ask_all();
            }
        }
    }
    if reach.whole && !round.answers.is_empty() {
        // What reaches only those who are quick is found by those who ask the quick ones alone.
        tokio::spawn(round.answers.for_each(async |_| {}));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Outcome {
    Waiting,
    Answered(Option<Network>, bool),
    Failed,
}

struct Round<'a> {
    node: &'a NodeHandle,
    request: &'a Request,
    begin: Instant,
    gathers: [Gather; 2],
    /// Of each place, whether its nodes may be asked.
    ready: [bool; 2],
    /// How many are asked at each place for now.
    limit: usize,
    /// Everybody who was asked, whichever place they are close to.
    outcomes: HashMap<PeerId, Outcome>,
    answers: FuturesUnordered<BoxFuture<'static, (PeerId, Option<Heard>)>>,
}

impl Round<'_> {
    /// Asks whoever is chosen and was not asked yet. A node that is close to both places is asked once.
    fn ask(&mut self) {
        loop {
            let limit = self.limit;
            let ready = self
                .gathers
                .iter_mut()
                .zip(self.ready)
                .filter(|(_, is_ready)| *is_ready);
            let due: Vec<Candidate> = ready.flat_map(|(gather, _)| gather.next_to_ask(limit)).collect();
            if due.is_empty() {
                return;
            }
            for candidate in due {
                let peer = candidate.peer;
                match self.outcomes.get(&peer).copied() {
                    Some(outcome) => self.tell_gathers(&peer, outcome),
                    None => {
                        self.outcomes.insert(peer, Outcome::Waiting);
                        let asked = one(self.node.clone(), candidate, self.request.clone());
                        self.answers.push(Box::pin(asked));
                    }
                }
            }
        }
    }

    /// The first were not enough.
    fn ask_all(&mut self) {
        if self.limit < COPIES {
            self.limit = COPIES;
            self.ask();
        }
    }

    fn tell_gathers(&mut self, peer: &PeerId, outcome: Outcome) {
        let time = self.begin.elapsed();
        for gather in &mut self.gathers {
            match outcome {
                Outcome::Waiting => {}
                Outcome::Answered(network, found) => {
                    gather.answered(peer, network, found, time);
                    // A place where nothing is, or nobody answers, does not hold up what the other has.
                    if found {
                        gather.found(time);
                    }
                }
                Outcome::Failed => gather.failed(peer),
            }
        }
    }

    fn places_of(&self, peer: &PeerId) -> [bool; 2] {
        [0, 1].map(|place| self.gathers[place].is_chosen(peer))
    }

    fn is_done(&self) -> bool {
        let time = self.begin.elapsed();
        time >= TOTAL_TIME || self.gathers.iter().all(|gather| gather.is_done(time))
    }

    /// When to look again, if nothing happens before.
    fn until(&self) -> Instant {
        let waits = self
            .gathers
            .iter()
            .filter(|gather| !gather.is_done(self.begin.elapsed()));
        let wait = waits.map(|gather| gather.content_until().unwrap_or(TOTAL_TIME)).max();
        let wait = wait.unwrap_or(TOTAL_TIME).min(TOTAL_TIME);
        self.begin + if self.limit < COPIES { wait.min(PATIENCE) } else { wait }
    }
}

type LookUp = BoxFuture<'static, (usize, NonZeroUsize, Result<Vec<Candidate>, LocationError>)>;

fn look_up(node: NodeHandle, number: usize, place: [u8; 32], count: NonZeroUsize) -> LookUp {
    Box::pin(async move { (number, count, node.closest(place, count).await) })
}

async fn one(node: NodeHandle, candidate: Candidate, request: Request) -> (PeerId, Option<Heard>) {
    let peer = candidate.peer;
    (
        peer,
        timeout(ANSWER_TIME, node.ask(candidate, request)).await.ok().flatten(),
    )
}
