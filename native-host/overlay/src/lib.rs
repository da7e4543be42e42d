//! The location service: signed records, the storing node, and the libp2p engine.

#![forbid(unsafe_code)]

mod clock;
pub mod contacts;
pub mod fragment;
mod kademlia;
pub mod key;
pub mod link;
pub mod location;
pub mod meeting_place;
mod newest;
mod node;
mod overlay;
pub mod peer_host;
mod publisher;
pub mod rate;
pub mod record;
mod scope;
pub mod sip_stream;
pub mod store_protocol;
pub mod storing;
mod swarm;
#[cfg(test)]
mod testing;
mod watching;

pub use clock::Clock;
pub use contacts::ContactSet;
pub use kademlia::{Kademlia, ValueReport};
pub use key::Key;
pub use link::Link;
pub use location::{ContentError, LocationError, LocationService, PutReport, content};
pub use newest::Newest;
pub use node::{Effort, StartError};
pub use overlay::{ConnectError, Overlay, OverlayConfig, OverlayEvent, OverlayStatus};
pub use publisher::PublishError;
pub use record::{Record, Ticket};
pub use swarm::{COPIES, ROUTING_PROTOCOL};
pub use watching::{Watched, Watching};
