//! The location service: signed records, the storing node, and the libp2p engine.

#![forbid(unsafe_code)]

pub mod contacts;
pub mod key;
pub mod peer_host;
pub mod record;
#[cfg(test)]
mod testing;

pub use contacts::ContactSet;
pub use key::Key;
pub use record::Record;
