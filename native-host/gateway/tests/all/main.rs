//! The gateway as its clients meet it: over sockets on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod calls;
mod client;
mod hostile;
mod memory;
mod pressure;
mod world;
