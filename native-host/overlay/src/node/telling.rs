//! What the node tells of itself to those who watch it.

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use super::NodeState;
use super::task::Task;
use crate::contacts::is_dialled;

impl Task {
    /// Tells the state if it has changed. It looks at everybody who is connected, so it is not for every event.
    pub(super) fn tell_state(&mut self) {
        let own = *self.swarm.local_peer_id();
        let mut listen: Vec<Multiaddr> = Vec::new();
        for address in self.swarm.external_addresses().chain(self.swarm.listeners()) {
            let mut address = address.clone();
            if address.iter().last() == Some(Protocol::P2p(own)) {
                address.pop();
            }
            if is_dialled(&address) && !listen.contains(&address) {
                listen.push(address);
            }
        }
        let state = NodeState {
            listen,
            peers: self.peers.count(),
            joined: self.joined,
            on_line: self.bootstrap.is_over() && !self.unreached,
            knows_the_overlay: self.filling.is_full(),
        };
        self.state.send_if_modified(|known| {
            let is_new = *known != state;
            *known = state;
            is_new
        });
    }
}
