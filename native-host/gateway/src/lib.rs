//! The wire of the XML-RPC gateway: the draft's nine methods and OpenDHT's five, at the server and at the client.
//!
//! What comes in is read strictly and goes on as typed calls to a [`Backend`]; what a backend answers is written here.
//! The crate stores nothing, and knows neither nodes nor signatures: signed records pass through it as text.

#![forbid(unsafe_code)]

mod backend;
pub mod client;
mod dispatch;
pub mod draft;
pub mod opendht;
pub mod server;
mod xml;
pub mod xmlrpc;

pub use backend::Backend;
pub use client::{CallError, Client, GatewayUrl};
pub use server::{Limits, Server, StartError};
pub use xml::XmlError;
pub use xmlrpc::{Fault, Value};
