//! The peer-to-peer SIP agent that Thunderbird starts: the bridge, the runtime and the commands.
//!
//! - [`bridge`]: frames and requests of the add-on, or of whoever talks JSON-RPC to us.
//! - [`host`]: one user's agent with its store and network; carries out what the core decides.
//! - [`authority`]: who is asked for certificates.
//! - [`gateway`]: XML-RPC in front of a node, or instead of one.
//! - [`commands`]: what the program can be started as.
//! - [`protocol`]: the types of the bridge; `native-host/PROTOCOL.md` in words.

#![forbid(unsafe_code)]

mod authority;
mod bridge;
mod cli;
mod commands;
mod config;
mod content;
mod gateway;
mod host;
mod lock;
mod logging;
mod paths;
mod protocol;
mod roaming;
mod roster;
mod time;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
