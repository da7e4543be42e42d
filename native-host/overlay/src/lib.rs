//! The location service: signed records, the storing node, and the libp2p engine.

#![forbid(unsafe_code)]

mod clock;
pub mod contacts;
mod kademlia;
pub mod key;
pub mod link;
pub mod location;
pub mod meeting_place;
mod node;
mod overlay;
pub mod peer_host;
mod publisher;
pub mod record;
mod scope;
pub mod sip_stream;
pub mod store_protocol;
pub mod storing;
mod swarm;
#[cfg(test)]
mod testing;

pub use clock::Clock;
pub use contacts::ContactSet;
pub use kademlia::Kademlia;
pub use key::Key;
pub use link::Link;
pub use location::{LocationError, LocationService, PutReport};
pub use node::{Effort, StartError};
pub use overlay::{ConnectError, Overlay, OverlayConfig, OverlayEvent, OverlayStatus};
pub use publisher::PublishError;
pub use record::Record;
pub use swarm::{REPLICATION, ROUTING_PROTOCOL};
