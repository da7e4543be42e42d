//! What the overlay reports, and the tasks that report it.

use std::collections::HashMap;

use corella_identity::Millis;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::link::{self, Accepted, Decline, Link, Opened, PREFACE_TIME};
use crate::node::NodeState;
use crate::publisher::OwnRecords;
use crate::sip_stream::OpenStream;

/// Streams whose preface is under way, or whose link waits to be taken, at a time: of all peers, and of one.
const PREFACES: usize = 64;
const PREFACES_OF_PEER: usize = 8;

/// What the overlay reports.
#[derive(Debug)]
pub enum OverlayEvent {
    /// Listeners are bound, and a bootstrap peer has answered if any were given, or for five seconds none has while others are there. Comes once.
    OnLine,
    /// Somebody opened a link to an own address.
    Incoming(Link),
    /// How many nodes of the overlay are connected now.
    PeersChanged(usize),
    /// The own addresses are others than before.
    ListenChanged,
}

/// Reports changes of the node's state until the node ends or nobody listens. Changes that come faster than they are
/// taken are told as one.
pub(super) async fn announce(mut state: watch::Receiver<NodeState>, events: mpsc::Sender<OverlayEvent>) {
    let mut known = NodeState {
        listen: state.borrow().listen.clone(),
        ..NodeState::default()
    };
    loop {
        let new = state.borrow_and_update().clone();
        let mut news = Vec::new();
        if new.listen != known.listen {
            news.push(OverlayEvent::ListenChanged);
        }
        if new.peers != known.peers {
            news.push(OverlayEvent::PeersChanged(new.peers));
        }
        if new.on_line && !known.on_line {
            news.push(OverlayEvent::OnLine);
        }
        known = new;
        for event in news {
            if events.send(event).await.is_err() {
                return;
            }
        }
        if state.changed().await.is_err() {
            return;
        }
    }
}

/// Accepts streams: each becomes a link, or is declined by name, within the time of a preface.
pub(super) async fn accept(
    mut streams: mpsc::Receiver<OpenStream>,
    own: OwnRecords,
    clock: Clock,
    events: mpsc::Sender<OverlayEvent>,
) {
    let mut prefaces = FuturesUnordered::new();
    let mut by_peer: HashMap<PeerId, usize> = HashMap::new();
    loop {
        tokio::select! {
            stream = streams.recv() => {
                let Some(stream) = stream else { return };
                let opened = Opened::from(stream);
                let of_peer = by_peer.get(&opened.peer).copied().unwrap_or(0);
                if of_peer == PREFACES_OF_PEER || prefaces.len() == PREFACES {
                    tokio::spawn(link::decline(opened, Decline::Busy));
                } else {
                    by_peer.insert(opened.peer, of_peer + 1);
                    prefaces.push(accept_one(opened, &own, clock.now(), &events));
                }
            }
            Some(peer) = prefaces.next() => {
                if let Some(of_peer) = by_peer.get_mut(&peer) {
                    *of_peer -= 1;
                    if *of_peer == 0 {
                        by_peer.remove(&peer);
                    }
                }
            }
        }
    }
}

/// Accepts one stream and reports the link. Gives the peer, whatever became of it.
async fn accept_one(mut opened: Opened, own: &OwnRecords, now: Millis, events: &mpsc::Sender<OverlayEvent>) -> PeerId {
    let peer = opened.peer;
    let preface = link::accept(&mut opened.stream, |address| own.get(address), &peer, now);
    match timeout(PREFACE_TIME, preface).await {
        Ok(Ok(Accepted { local, remote })) => {
            let link = Link::new(local, &remote, opened);
            // If nobody listens any more, the link is closed by being dropped.
            let _ = events.send(OverlayEvent::Incoming(link)).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a stream did not become a link"),
        Err(_) => tracing::debug!("the preface of a stream took too long"),
    }
    peer
}
