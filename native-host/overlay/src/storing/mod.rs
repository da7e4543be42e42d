//! The storing node: keeps the records of others, within bounds. It has no clock and no sockets; what it keeps is in a
//! SQLite database, in a file or in memory.
//!
//! It takes only [`crate::Record`]s, whose signatures are known to be good, and decides what the signature cannot: whether the
//! record is current, whether it is newer than what is there, whether it was removed, and whether there is room. Room is
//! shared out by [`Class`] of signer, for each key and for the whole node, and within a class by the network from which
//! things came: when a class is full, the network that uses most of it gives way, the newest of its things first, if
//! somebody of a network that uses less comes. So a crowd of strangers pushes out neither those whom an authority or the
//! node's user knows, nor a single stranger elsewhere.

mod class;
mod database;
mod fragments;
mod holdings;
mod keeper;
mod limits;
mod network;
mod node;
mod opendht;
mod refusal;
mod room;
mod secrets;
pub mod services;
#[cfg(test)]
mod tests;
mod thread;
mod usage;
mod watches;

pub use class::{Class, Judge};
pub use database::DatabaseError;
pub(crate) use holdings::Holding;
pub use keeper::{Asker, Keeper};
pub use limits::Limits;
pub use network::Network;
pub use node::{Page, Stored, StoringNode};
pub use opendht::{After, OpenDhtValue, PAGE as VALUES_OF_PAGE, Sha1};
pub use refusal::Refusal;
pub(crate) use thread::Store;
