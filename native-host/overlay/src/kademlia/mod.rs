//! The location service on the overlay itself: records go to, and come from, the nodes closest to their keys.

mod gather;
mod merge;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::{Multiaddr, PeerId};
use tokio::time::{Instant, sleep_until, timeout};

use crate::clock::Clock;
use crate::key::Key;
use crate::location::{LocationError, LocationService, PutReport};
use crate::node::{Candidate, NodeHandle};
use crate::record::Record;
use crate::store_protocol::{Request, Response};
use crate::storing::Refusal;
use crate::swarm::REPLICATION;
use gather::Gather;
use merge::Merge;

/// How long one node may take to answer, with dialling.
const ANSWER_TIME: Duration = Duration::from_millis(1500);
/// How long everything may take: a look-up, and then the answers of the last nodes it found.
const TOTAL_TIME: Duration = Duration::from_millis(4800);

/// The engine on the own node of the overlay.
#[derive(Clone)]
pub struct Kademlia {
    node: NodeHandle,
    clock: Clock,
}

impl fmt::Debug for Kademlia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kademlia")
    }
}

impl Kademlia {
    pub(crate) fn new(node: NodeHandle, clock: Clock) -> Self {
        Self { node, clock }
    }

    /// Asks the nodes closest to a key and hands each answer to `take`, which says whether it held what was wanted.
    /// `None` stands for no answer.
    async fn round(
        &self,
        key: &Key,
        request: Request,
        ask_at_once: impl Fn(usize) -> bool,
        mut take: impl FnMut(PeerId, Option<Response>) -> bool + Send,
    ) -> Result<(), LocationError> {
        let place = key.id();
        let begin = Instant::now();
        let mut gather = Gather::new(place);
        let mut answers = FuturesUnordered::new();
        let ask = |peer: PeerId, addresses: Vec<Multiaddr>| {
            let (node, request) = (self.node.clone(), request.clone());
            async move {
                (
                    peer,
                    timeout(ANSWER_TIME, node.ask(peer, addresses, request))
                        .await
                        .ok()
                        .flatten(),
                )
            }
        };
        let known = self.node.known(place).await?;
        if ask_at_once(known.len()) {
            for peer in gather.candidates(known) {
                answers.push(ask(peer, Vec::new()));
            }
        }
        let mut look_up = std::pin::pin!(self.node.closest(place));
        let mut looking_up = true;
        while !gather.is_done(begin.elapsed()) && begin.elapsed() < TOTAL_TIME {
            let until = gather.content_until().map_or(TOTAL_TIME, |until| until.min(TOTAL_TIME));
            tokio::select! {
                found = &mut look_up, if looking_up => {
                    looking_up = false;
                    let found: Vec<Candidate> = found?;
                    for peer in gather.candidates(found.iter().map(|candidate| candidate.peer)) {
                        let candidate = found.iter().find(|candidate| candidate.peer == peer);
                        answers.push(ask(peer, candidate.map(|found| found.addresses.clone()).unwrap_or_default()));
                    }
                    gather.looked_up();
                }
                Some((peer, answer)) = answers.next() => match answer {
                    Some(answer) => {
                        let found = take(peer, Some(answer));
                        gather.answered(&peer, found, begin.elapsed());
                    }
                    None => {
                        take(peer, None);
                        gather.failed(&peer);
                    }
                },
                () = sleep_until(begin + until) => {}
            }
        }
        Ok(())
    }
}

#[async_trait]
impl LocationService for Kademlia {
    async fn put(&self, record: &Record) -> Result<PutReport, LocationError> {
        let mut report = PutReport::default();
        let request = Request::Put {
            record: record.to_xml().to_string(),
        };
        // In a small network every node is among the closest; in a larger one those known beforehand may not be.
        let ask_at_once = |known| known <= REPLICATION;
        self.round(record.key(), request, ask_at_once, |peer, answer| match answer {
            Some(Response::Stored) => {
                report.stored.push(peer);
                true
            }
            Some(Response::Refused { name, held }) => {
                report.refused.push((peer, Refusal::from_name(&name, held)));
                false
            }
            Some(Response::Records(_)) | None => {
                report.silent += 1;
                false
            }
        })
        .await?;
        Ok(report)
    }

    async fn get(&self, key: &Key) -> Result<Vec<Record>, LocationError> {
        let mut merge = Merge::new(key.clone());
        let request = Request::Get { key: key.text() };
        self.round(
            key,
            request,
            |_| true,
            |_, answer| match answer {
                Some(Response::Records(records)) => merge.add(&records, self.clock.now()),
                _ => false,
            },
        )
        .await?;
        Ok(merge.into_records())
    }
}
