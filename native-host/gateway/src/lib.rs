//! The wire of the XML-RPC gateway: the draft's nine methods and OpenDHT's five, at the server and at the client.
//!
//! What comes in is read strictly and goes on as typed calls; what they are answered with is written here.
//! The crate stores nothing, and knows neither nodes nor signatures: signed records pass through it as text.

#![forbid(unsafe_code)]

pub mod client;
pub mod draft;
pub mod opendht;
mod xml;
pub mod xmlrpc;

pub use client::{CallError, Client, GatewayUrl};
pub use xml::XmlError;
pub use xmlrpc::{Fault, Value};
