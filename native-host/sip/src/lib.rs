//! The SIP user agent: guard, transport over peer streams, instant messages.
//!
//! - [`guard`]: a core without clock or I/O that frames and judges what peers send, before anything else reads it.
//! - [`pidf`]: presence documents.
//! - [`ua`]: the user agent: links, MESSAGE (RFC 3428) both ways, OPTIONS answered. rsipstack does transactions
//!   behind it, and will do dialogs.
//!
//! # For the program that uses it
//! rsipstack logs addresses and whole messages. Put [`LOG_DIRECTIVE`] into the program's log filter.
//!
//! No TLS is done here, so no crypto provider of rustls need be installed for this crate. A program that uses
//! rustls elsewhere installs its own.

#![forbid(unsafe_code)]

pub mod guard;
pub mod pidf;
pub mod ua;
pub mod watchers;

/// A directive for `tracing_subscriber`'s `EnvFilter` that keeps messages and addresses out of the log, whatever
/// level the program runs at.
///
/// What rsipstack 0.7.14 writes: at `info` its own TCP, UDP and TLS transports write whole messages. On the links of
/// [`ua`] it writes Call-IDs, tags and branches at `trace` and `debug`, and at `debug` the whole of a response that
/// comes in the moment its request is given up. `warn` holds Call-ID, tag and branch at most: random in our requests,
/// the peer's choice in its own.
pub const LOG_DIRECTIVE: &str = "rsipstack=warn";
