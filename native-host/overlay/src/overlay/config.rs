//! What an overlay needs to begin.

use std::path::PathBuf;
use std::sync::Arc;

use corella_identity::DeviceKey;
use corella_identity::trust::TrustAnchors;
use libp2p::Multiaddr;

use crate::clock::Clock;
use crate::location::LocationService;
use crate::storing::Limits;

/// What an overlay needs to begin. [`OverlayConfig::new`] gives an agent's defaults.
#[derive(Clone)]
pub struct OverlayConfig {
    /// The key of this installation, which names it in the overlay.
    pub device: DeviceKey,
    /// Where to listen.
    pub listen: Vec<Multiaddr>,
    /// Nodes to join the overlay by, with or without `/p2p/…`. Without any, this node is its own network.
    pub bootstrap: Vec<Multiaddr>,
    /// Whether to look for nodes on the local network.
    pub mdns: bool,
    /// The folder where processes of this user on this machine find each other. The folder around it must be there.
    pub meeting_place: Option<PathBuf>,
    /// Name and version, told to peers.
    pub agent_version: String,
    /// Whether this is a node for others: it relays for those who cannot be reached, tests whether they can, and always
    /// takes part in routing and storing.
    pub relay_server: bool,
    /// Where records are put and found, if not at the nodes of the overlay: then this device neither routes nor keeps
    /// records, and is on line once this has answered.
    pub location: Option<Arc<dyn LocationService>>,
    /// Authorities whose certificates make a signer of records a certified one.
    pub anchors: TrustAnchors,
    /// The file in which records of others are kept; without one, memory. The folder around it must be there.
    pub storage: Option<PathBuf>,
    /// How many records of others are kept.
    pub storing: Limits,
    /// The wall clock.
    pub clock: Clock,
}

impl OverlayConfig {
    /// An agent that listens on all interfaces, TCP and QUIC, on ports that the system chooses, and finds others on the
    /// local network.
    pub fn new(device: DeviceKey) -> Self {
        let everywhere = [
            "/ip4/0.0.0.0/udp/0/quic-v1",
            "/ip4/0.0.0.0/tcp/0",
            "/ip6/::/udp/0/quic-v1",
            "/ip6/::/tcp/0",
        ];
        Self {
            device,
            listen: everywhere.iter().filter_map(|address| address.parse().ok()).collect(),
            bootstrap: Vec::new(),
            mdns: true,
            meeting_place: None,
            agent_version: concat!("corella/", env!("CARGO_PKG_VERSION")).to_owned(),
            relay_server: false,
            location: None,
            anchors: TrustAnchors::none(),
            storage: None,
            storing: Limits::default(),
            clock: Clock::system(),
        }
    }
}
