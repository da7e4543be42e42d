//! A gateway that keeps everything in memory, for trying out clients: `cargo run -p corella-gateway --example gateway
//! [HOST:PORT]`. It prints its address and runs until it is interrupted.

#![expect(clippy::print_stdout, reason = "the address is what it is for")]

#[path = "../tests/all/memory.rs"]
#[allow(dead_code)]
mod memory;

use std::sync::Arc;

use corella_gateway::{Limits, Server};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let backend = Arc::new(memory::Memory::default());
    let stop = CancellationToken::new();
    let server = Server::start(address.parse()?, backend, Limits::default(), stop.clone()).await?;
    println!("http://{}/RPC2", server.address());
    tokio::signal::ctrl_c().await?;
    stop.cancel();
    server.ended().await;
    Ok(())
}
