//! How many calls a second a gateway answers on loopback: `cargo run -p corella-gateway --example gateway_throughput [URL]`.
//!
//! Without an address it starts one in this process. It calls OpenDHT's get, one call after the other and 16 at a time.

#![expect(clippy::print_stdout, reason = "the numbers are what it is for")]

#[path = "../tests/all/memory.rs"]
#[allow(dead_code)]
mod memory;

use std::sync::Arc;
use std::time::Instant;

use corella_gateway::{CallError, Client, GatewayUrl, Limits, Server, Value};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const CALLS: u32 = 20_000;
const AT_ONCE: u32 = 16;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = Limits {
        calls_per_client: 64,
        connections_per_client: 64,
        ..Limits::default()
    };
    let backend = Arc::new(memory::Memory::default());
    let server = Server::start("127.0.0.1:0".parse()?, backend, limits, CancellationToken::new()).await?;
    let own = format!("http://{}", server.address());
    let url: GatewayUrl = std::env::args().nth(1).unwrap_or(own).parse()?;
    let client = Arc::new(Client::default());

    calls(&client, &url, 1).await?;
    let began = Instant::now();
    calls(&client, &url, CALLS).await?;
    println!("one after the other: {:.0} calls/s", rate(began));

    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, url) = (client.clone(), url.clone());
        tasks.spawn(async move { calls(&client, &url, CALLS / AT_ONCE).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    println!("{AT_ONCE} at a time: {:.0} calls/s", rate(began));
    Ok(())
}

fn rate(began: Instant) -> f64 {
    f64::from(CALLS) / began.elapsed().as_secs_f64()
}

async fn calls(client: &Client, url: &GatewayUrl, count: u32) -> Result<(), CallError> {
    let params = [
        Value::Base64(vec![7; 20]),
        Value::Int(10),
        Value::Base64(Vec::new()),
        Value::String("throughput".into()),
    ];
    for _ in 0..count {
        client.call(url, "get", &params).await?;
    }
    Ok(())
}
