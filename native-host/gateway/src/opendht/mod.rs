//! OpenDHT's five methods, as Bamboo's gateway had them on port 5851, at the path `/`.
//!
//! Sources: Bamboo's `Gateway.java` (its XML-RPC handlers) and `gateway_prot.x` (the interface of Sun RPC, whose limits
//! both share). Where Bamboo gave a reason in words, the fault has the same words.
//!
//! | Method | Parameters | Answer |
//! |---|---|---|
//! | `put` | key, value, ttl_sec, application | [`Outcome`] as int |
//! | `put_removable` | key, value, hash_alg, secret_hash, ttl_sec, application | [`Outcome`] as int |
//! | `get` | key, maxvals, placemark, application | \[\[value, …\], placemark\] |
//! | `get_details` | the same | \[\[\[value, ttl_remaining, hash_alg, secret_hash\], …\], placemark\] |
//! | `rm` | key, value_hash, hash_alg, secret, ttl_sec, application | [`Outcome`] as int |
//!
//! Numbers are ints, `application` and `hash_alg` strings, all else is base64. An empty placemark begins a listing and
//! ends it.

mod answer;
mod call;
#[cfg(test)]
mod tests;

pub use answer::{OpenDhtAnswer, Outcome, Page, Stored};
pub use call::{Get, Key, OpenDhtCall, Put, Remove};

/// Longest key in bytes.
pub const KEY_LIMIT: usize = 20;
/// Longest value in bytes.
pub const VALUE_LIMIT: usize = 1024;
/// Longest hash in bytes: SHA-1's.
pub const HASH_LIMIT: usize = 20;
/// Longest secret in bytes.
pub const SECRET_LIMIT: usize = 40;
/// Longest placemark in bytes, as the interface of Sun RPC has it. (Bamboo's own were 77 bytes.)
pub const PLACEMARK_LIMIT: usize = 100;
/// Longest application name in bytes.
pub const APPLICATION_LIMIT: usize = 255;
/// Longest life of a value: a week. Longer ones are cut to it.
pub const TTL_LIMIT: u32 = 604_800;
/// Most values of one answer; more are listed page by page. So many of the longest fit in an answer of 1 MiB.
pub const MAXVALS_LIMIT: u16 = 500;
/// The one hash algorithm, SHA-1, as OpenDHT called it.
pub const HASH_ALGORITHM: &str = "SHA";
