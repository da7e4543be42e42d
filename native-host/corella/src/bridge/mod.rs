//! The bridge: JSON-RPC 2.0 over native messaging frames (Thunderbird), lines (headless) or the control socket.
//!
//! It knows frames, requests and the rule that `hello` comes first; what a method does is the host's business.

mod frame;
mod rpc;
mod session;

pub(crate) use frame::{Framing, Reader, Writer};
pub(crate) use session::{Session, serve};
