//! Where the processes of one machine meet: a folder of the user in which each leaves its addresses.
//!
//! Discovery on the local network skips the loopback interface, so two agents on one machine would not find each other
//! by it. Each writes `<peer id>.json` with its addresses, reads those of the others, and removes its own when it ends.
//! Whoever dials an address left behind by a process that was killed removes the file; a process that was only slow
//! writes it again.

mod folder;

use std::time::Duration;

use libp2p::Multiaddr;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use folder::{MeetingPlace, MeetingPlaceError};

use crate::node::{NodeHandle, NodeState};
use crate::scope::Scope;

/// How often the folder is read while nobody is connected, and how often otherwise.
const WHILE_ALONE: Duration = Duration::from_secs(2);
const OTHERWISE: Duration = Duration::from_secs(30);

/// Meets the others until `stop`, and then takes the own file away.
pub(crate) async fn meet(place: MeetingPlace, node: NodeHandle, stop: CancellationToken) {
    let mut state = node.state();
    let meeting = async {
        let mut announced = Vec::new();
        loop {
            let NodeState { listen, peers, .. } = state.borrow_and_update().clone();
            announce(&place, &listen, &mut announced);
            meet_others(&place, &node).await;
            let pause = if peers == 0 { WHILE_ALONE } else { OTHERWISE };
            if timeout(pause, changed_listen(&mut state, &listen)).await == Ok(false) {
                return;
            }
        }
    };
    tokio::select! {
        () = meeting => {}
        () = stop.cancelled() => {}
    }
    if let Err(error) = place.withdraw() {
        tracing::warn!(%error, "the own file stays in the meeting place");
    }
}

/// Writes the own file if the addresses changed or somebody took it away.
fn announce(place: &MeetingPlace, listen: &[Multiaddr], announced: &mut Vec<Multiaddr>) {
    let local = on_this_machine(listen);
    if local.is_empty() || (local == *announced && place.is_announced()) {
        return;
    }
    match place.announce(&local) {
        Ok(()) => *announced = local,
        Err(error) => tracing::warn!(%error, "other agents on this machine will not find this one"),
    }
}

/// The loopback addresses; without any, all.
fn on_this_machine(listen: &[Multiaddr]) -> Vec<Multiaddr> {
    let loopback: Vec<Multiaddr> = listen
        .iter()
        .filter(|address| Scope::of(address) == Scope::Loopback)
        .cloned()
        .collect();
    if loopback.is_empty() { listen.to_vec() } else { loopback }
}

async fn meet_others(place: &MeetingPlace, node: &NodeHandle) {
    for (peer, addresses) in place.others() {
        if !node.introduce(peer, addresses).await {
            place.forget(&peer);
        }
    }
}

/// Waits until the addresses are others. False: the node has ended.
async fn changed_listen(state: &mut watch::Receiver<NodeState>, listen: &[Multiaddr]) -> bool {
    state.wait_for(|state| state.listen != listen).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_enough_for_one_machine() {
        let all = |texts: &[&str]| -> Vec<Multiaddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let both = all(&["/ip4/192.168.0.2/tcp/1", "/ip4/127.0.0.1/tcp/1"]);
        assert_eq!(on_this_machine(&both), both[1..]);
        assert_eq!(on_this_machine(&both[..1]), both[..1]);
    }
}
