//! One question to all nodes that keep what belongs to a hash: those closest to either of its two places.

use std::collections::HashMap;
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
use crate::swarm::COPIES;

/// How long one node may take to answer, with dialling.
const ANSWER_TIME: Duration = Duration::from_millis(1500);
/// How long everything may take: a look-up, and then the answers of the last nodes it found.
const TOTAL_TIME: Duration = Duration::from_millis(4800);

/// What is made of the answers.
pub(super) trait Collect: Send {
    /// Takes a node's answer. Whether it held what was asked for.
    fn take(&mut self, peer: PeerId, response: Response) -> bool;

    /// A node did not answer.
    fn silent(&mut self) {}

    /// Whether more answers would add nothing.
    fn is_settled(&self) -> bool {
        false
    }
}

/// How many nodes are asked, and how hastily.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// How many at each place.
    copies: usize,
    /// Whether nodes are asked that may turn out not to be the closest.
    at_once: bool,
}

impl Reach {
    /// A question: one too many does no harm.
    pub(super) const ASK: Self = Self {
        copies: COPIES,
        at_once: true,
    };
    /// Something to keep: what is put in the wrong place is a burden.
    pub(super) const PUT: Self = Self {
        copies: COPIES,
        at_once: false,
    };
    /// A wish to be told: all nodes at a place hear of what is new, so some are enough.
    pub(super) const WATCH: Self = Self {
        copies: 3,
        at_once: false,
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
        outcomes: HashMap::new(),
        answers: FuturesUnordered::new(),
    };
    let known = node.known(places).await?;
    for (gather, known_closest) in round.gathers.iter_mut().zip(known.closest) {
        gather.candidates(known_closest);
    }
    if reach.at_once || known.are_all {
        round.ask();
    }
    let [first, second] = places;
    let mut look_ups = FuturesUnordered::from_iter([look_up(node.clone(), 0, first), look_up(node.clone(), 1, second)]);
    while !round.is_done() && !collect.is_settled() {
        let until = round.until();
        tokio::select! {
            Some((place, found)) = look_ups.next() => {
                let gather = &mut round.gathers[place];
                gather.candidates(found?);
                gather.looked_up();
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
            }
            () = sleep_until(until) => {}
        }
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
    /// Everybody who was asked, whichever place they are close to.
    outcomes: HashMap<PeerId, Outcome>,
    answers: FuturesUnordered<BoxFuture<'static, (PeerId, Option<Heard>)>>,
}

impl Round<'_> {
    /// Asks whoever is chosen and was not asked yet. A node that is close to both places is asked once.
    fn ask(&mut self) {
        loop {
            let due: Vec<Candidate> = self.gathers.iter_mut().flat_map(Gather::next_to_ask).collect();
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

    fn tell_gathers(&mut self, peer: &PeerId, outcome: Outcome) {
        let time = self.begin.elapsed();
        for gather in &mut self.gathers {
            match outcome {
                Outcome::Waiting => {}
                Outcome::Answered(network, found) => gather.answered(peer, network, found, time),
                Outcome::Failed => gather.failed(peer),
            }
        }
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
        self.begin + wait.unwrap_or(TOTAL_TIME).min(TOTAL_TIME)
    }
}

type LookUp = BoxFuture<'static, (usize, Result<Vec<Candidate>, LocationError>)>;

fn look_up(node: NodeHandle, number: usize, place: [u8; 32]) -> LookUp {
    Box::pin(async move { (number, node.closest(place).await) })
}

async fn one(node: NodeHandle, candidate: Candidate, request: Request) -> (PeerId, Option<Heard>) {
    let peer = candidate.peer;
    (
        peer,
        timeout(ANSWER_TIME, node.ask(candidate, request)).await.ok().flatten(),
    )
}
