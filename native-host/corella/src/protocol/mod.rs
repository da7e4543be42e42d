//! What the add-on and the host say to each other, in Rust; the contract in words is `native-host/PROTOCOL.md`.
//!
//! The JavaScript types in `extension/src/protocol.d.ts` are generated from these by the tests of `typescript`.

mod error;
mod method;
mod notification;
mod types;
#[cfg(test)]
mod typescript;

pub(crate) use error::{ErrorName, RpcError};
pub(crate) use method::*;
pub(crate) use notification::Notification;
pub(crate) use types::*;

/// The version of the protocol itself; rises only when an old add-on could misunderstand a new host.
pub(crate) const PROTOCOL: u32 = 1;

/// The version of this program; its major.minor must be the add-on's.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The largest frame, and the largest line, in bytes, each way: 768 KiB. Thunderbird cuts the connection at 1 MiB, and takes in ever
/// more slowly what comes near it.
pub(crate) const MAX_FRAME: usize = 768 * 1024;
