//! What the overlay reports, and the tasks that report it.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::link::{self, Accepted, Decline, Link, Opened, PREFACE_TIME};
use crate::node::NodeState;
use crate::publisher::OwnRecords;
use crate::sip_stream::OpenStream;

/// Streams whose preface is under way at a time.
const PREFACES: usize = 64;

/// What the overlay reports.
#[derive(Debug)]
pub enum OverlayEvent {
    /// Listeners are bound, and a bootstrap peer has answered if any were given. Comes once.
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
    let places = Arc::new(Semaphore::new(PREFACES));
    while let Some(stream) = streams.recv().await {
        let opened = Opened::from(stream);
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tokio::spawn(link::decline(opened, Decline::Busy));
            continue;
        };
        let (own, now, events) = (own.clone(), clock.now(), events.clone());
        tokio::spawn(async move {
            let link = accept_one(opened, &own, now).await;
            drop(place);
            if let Some(link) = link {
                // Nobody listens any more: the link is closed by being dropped.
                let _ = events.send(OverlayEvent::Incoming(link)).await;
            }
        });
    }
}

async fn accept_one(mut opened: Opened, own: &OwnRecords, now: corella_identity::Millis) -> Option<Link> {
    let peer = opened.peer;
    let preface = link::accept(&mut opened.stream, |address| own.get(address), &peer, now);
    match timeout(PREFACE_TIME, preface).await {
        Ok(Ok(Accepted { local, remote })) => Some(Link::new(local, &remote, false, opened)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a stream did not become a link");
            None
        }
        Err(_) => {
            tracing::debug!("a stream's preface took too long");
            None
        }
    }
}
