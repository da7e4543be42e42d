//! The room from outside: user agents on real streams, and peers that behave badly.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
mod hostile;
mod keep_alive;
mod messages;
mod pressure;
mod privacy;
mod properties;
mod requests;
mod torture;
