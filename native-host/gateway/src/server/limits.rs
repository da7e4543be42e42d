//! How much of what the server bears.

use std::time::Duration;

/// Room for the longest document of the draft, escaped.
const BODY: usize = 64 * 1024;

/// The server's bounds. A client is an IPv4 address, or an IPv6 network of 64 bits, which is what one machine has.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest call in bytes.
    pub body: usize,
    /// How much of a longer call is read and thrown away, so that its client comes to read the fault.
    pub discard: usize,
    /// Connections in all.
    pub connections: usize,
    /// Connections of one client.
    pub connections_per_client: usize,
    /// Calls of one client at once.
    pub calls_per_client: usize,
    /// For the head of a request to come, counted from the answer before it.
    pub idle_time: Duration,
    /// For the body of a request to come.
    pub body_time: Duration,
    /// For a call to be carried out.
    pub call_time: Duration,
    /// For the client to take the answer.
    pub answer_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: BODY,
            discard: 16 * 1024 * 1024,
            connections: 256,
            connections_per_client: 16,
            calls_per_client: 8,
            idle_time: Duration::from_secs(30),
            body_time: Duration::from_secs(10),
            call_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(10),
        }
    }
}
