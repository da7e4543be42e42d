//! The gateway: what the wire of `corella-gateway` asks for, done by a node of the overlay; and the other way round, a
//! location service that is somebody else's gateway.

mod backend;
mod client;

use std::{net::SocketAddr, sync::Arc};

use corella_gateway::{Limits, Server, StartError};
use corella_overlay::{Clock, Kademlia};
use tokio_util::sync::CancellationToken;

pub(crate) use client::GatewayLocation;

/// Serves XML-RPC from a node until it is told to stop.
///
/// # Errors
/// The address cannot be bound.
pub(crate) async fn serve(address: SocketAddr, node: Kademlia, stop: CancellationToken) -> Result<Server, StartError> {
    let backend = backend::NodeBackend::new(node, Clock::system());
    Server::start(address, Arc::new(backend), Limits::default(), stop).await
}
