//! Handing on what a node keeps: to one that comes and has to keep it from now on, and, when this node leaves, to the next
//! that is close.
//!
//! Of all nodes that keep something the two closest hand it on: one may be a liar, or gone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use libp2p::PeerId;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};

use crate::key::places;
use crate::node::{Candidate, NodeHandle};
use crate::store_protocol::{Request, Response};
use crate::storing::{Holding, Refusal};
use crate::swarm::{COPIES, distance};

/// How long a newcomer is given to settle before it is told anything.
const SETTLING: Duration = Duration::from_secs(1);
/// A node that comes again within this time has not lost anything.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Most nodes of which that is remembered.
const NEWCOMERS: usize = 1024;
/// Newcomers that are told at a time, and how many more may wait for it. Others are told by readers and owners.
const TOLD_AT_A_TIME: usize = 4;
const WAITING: usize = 64;
/// How long a newcomer is told things.
const TELLING_TIME: Duration = Duration::from_secs(60);
/// So many of the nodes that keep something hand it on.
const GIVERS: usize = 2;
/// Requests under way at a time.
const AT_A_TIME: usize = 16;
/// How long to wait for a node that is busy, and how often.
const BUSY_PAUSE: Duration = Duration::from_millis(500);
const BUSY_TRIES: usize = 20;
/// How long one request may take.
const REQUEST_TIME: Duration = Duration::from_secs(3);

/// Hands on to each newcomer what is now its share, until the node ends.
pub(crate) async fn hand_on_to_newcomers(node: NodeHandle, mut newcomers: mpsc::Receiver<PeerId>) {
    let mut told: HashMap<PeerId, Instant> = HashMap::new();
    let at_a_time = Arc::new(Semaphore::new(TOLD_AT_A_TIME));
    let places = Arc::new(Semaphore::new(TOLD_AT_A_TIME + WAITING));
    while let Some(newcomer) = newcomers.recv().await {
        let now = Instant::now();
        told.retain(|_, at| now.duration_since(*at) < REMEMBERED);
        if told.len() >= NEWCOMERS || told.contains_key(&newcomer) {
            continue;
        }
        // Whoever comes under ever new names must not have everything looked through for each.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        told.insert(newcomer, now);
        let (node, at_a_time) = (node.clone(), Arc::clone(&at_a_time));
        tokio::spawn(async move {
            let _place = place;
            sleep(SETTLING).await;
            // It is never closed.
            let _turn = at_a_time.acquire().await;
            let telling = hand_on(&node, |close, own| heir_of_newcomer(close, own, &newcomer));
            let _ = timeout(TELLING_TIME, telling).await;
        });
    }
}

/// Hands on everything to the nodes that are next close to it. For a node that is about to leave.
pub(crate) async fn hand_on_all(node: &NodeHandle) {
    hand_on(node, heir_of_leaver).await;
}

/// The newcomer, if it is among the closest, and this node is one of those that have to tell it. `close` are the nodes
/// close to a place, the closest first.
fn heir_of_newcomer(close: &[PeerId], own: &PeerId, newcomer: &PeerId) -> Option<PeerId> {
    let is_heir = close.iter().take(COPIES).any(|peer| peer == newcomer);
    let mut others = close.iter().filter(|peer| *peer != newcomer).take(GIVERS);
    (is_heir && others.any(|peer| peer == own)).then_some(*newcomer)
}

/// The node that is among the closest once this one is gone.
fn heir_of_leaver(close: &[PeerId], own: &PeerId) -> Option<PeerId> {
    let is_close = close.iter().take(COPIES).any(|peer| peer == own);
    close.get(COPIES).copied().filter(|_| is_close)
}

async fn hand_on(node: &NodeHandle, heir: impl Fn(&[PeerId], &PeerId) -> Option<PeerId>) {
    let own = node.peer();
    let mut after = None;
    loop {
        let holdings = node.holdings(after).await;
        let Some(last) = holdings.last().copied() else { return };
        after = Some(last);
        let mut gifts = Vec::new();
        for holding in holdings {
            let places = places(holding.id());
            let Ok(known) = node.known(places).await else { return };
            let mut heirs: Vec<PeerId> = Vec::new();
            for (place, candidates) in places.iter().zip(known.closest) {
                let mut close: Vec<PeerId> = candidates.iter().map(|candidate| candidate.peer).collect();
                if !close.contains(&own) {
                    close.push(own);
                }
                close.sort_by_key(|peer| distance(peer, place));
                heirs.extend(heir(&close, &own).filter(|heir| !heirs.contains(heir) && *heir != own));
            }
            gifts.extend(heirs.into_iter().map(|heir| (holding, heir)));
        }
        stream::iter(gifts)
            .for_each_concurrent(AT_A_TIME, |(holding, heir)| give(node, holding, heir))
            .await;
    }
}

async fn give(node: &NodeHandle, holding: Holding, heir: PeerId) {
    for request in node.hand_on(holding).await {
        if !is_taken(node, heir, request).await {
            return;
        }
    }
}

/// Whether the heir answered, whatever it said. One that is busy is asked again.
async fn is_taken(node: &NodeHandle, heir: PeerId, request: Request) -> bool {
    for _ in 0..BUSY_TRIES {
        let asked = timeout(REQUEST_TIME, node.ask(Candidate::known(heir), request.clone()));
        match asked.await {
            Ok(Some(heard)) if is_busy(&heard.response) => sleep(BUSY_PAUSE).await,
            Ok(Some(_)) => return true,
            Ok(None) | Err(_) => return false,
        }
    }
    false
}

fn is_busy(response: &Response) -> bool {
    matches!(response, Response::Refused { name, .. } if name == Refusal::Busy.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: [u8; 32] = [3; 32];

    fn peers(count: usize) -> Vec<PeerId> {
        let mut peers: Vec<PeerId> = (0..count).map(|_| PeerId::random()).collect();
        peers.sort_by_key(|peer| distance(peer, &PLACE));
        peers
    }

    #[test]
    fn a_newcomer_that_is_close_is_told_by_two() {
        let close = peers(COPIES + 3);
        let newcomer = close[4];
        let givers = close
            .iter()
            .filter(|own| heir_of_newcomer(&close, own, &newcomer).is_some());
        assert_eq!(givers.collect::<Vec<_>>(), [&close[0], &close[1]]);
        // The closest of all does not tell itself.
        let newcomer = close[0];
        let givers = close
            .iter()
            .filter(|own| heir_of_newcomer(&close, own, &newcomer).is_some());
        assert_eq!(givers.collect::<Vec<_>>(), [&close[1], &close[2]]);
        let far = close[COPIES];
        assert!(close.iter().all(|own| heir_of_newcomer(&close, own, &far).is_none()));
    }

    #[test]
    fn who_leaves_tells_the_next() {
        let close = peers(COPIES + 3);
        assert_eq!(heir_of_leaver(&close, &close[2]), Some(close[COPIES]));
        assert_eq!(heir_of_leaver(&close, &close[COPIES]), None);
        // Where everybody keeps everything, nobody needs to be told.
        assert_eq!(heir_of_leaver(&close[..COPIES], &close[2]), None);
    }
}
