//! The certifying authority of Corella: it mails people their certificates, and is needed once.
//!
//! - [`request`]: what somebody asks for.
//! - [`authority`]: the keys, and what they sign.
//! - [`register`]: what is known and owed, in SQLite; with [`limits`] by [`network`].
//! - [`letters`]: what is mailed.
//! - [`http`]: what is served.
//! - [`cli`], [`config`]: how it is run.

#![forbid(unsafe_code)]

pub mod authority;
pub mod cli;
pub mod config;
pub mod http;
pub mod letters;
pub mod limits;
pub mod network;
pub mod register;
pub mod request;
