//! How long a device takes until it is on line and published, and how much memory it holds while nothing happens:
//! `idle_node [COUNT]` starts COUNT agents (1 if not given) on the loopback interface, all joining by the first, and
//! prints the figures after ten seconds. Memory is that of the whole process (Linux only).

use std::error::Error;
use std::time::Duration;

use corella_identity::{Credential, DeviceKey};
use corella_overlay::{Clock, Key, Overlay, OverlayConfig, OverlayEvent};
use tokio::time::{Instant, sleep};

#[tokio::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1), |count| count.parse())?;
    let mut agents = Vec::new();
    let mut bootstrap = Vec::new();
    for number in 0..count {
        let address = format!("agent{number}@example.net").parse()?;
        let credential = Credential::self_signed(&address, Clock::system().now())?;
        let begin = Instant::now();
        let config = OverlayConfig {
            listen: vec!["/ip4/127.0.0.1/tcp/0".parse()?, "/ip4/127.0.0.1/udp/0/quic-v1".parse()?],
            bootstrap: bootstrap.clone(),
            mdns: false,
            ..OverlayConfig::new(DeviceKey::generate())
        };
        let (overlay, mut events) = Overlay::start(config).await?;
        while !matches!(events.recv().await, Some(OverlayEvent::OnLine) | None) {}
        let on_line = begin.elapsed();
        let report = overlay.publish(credential).await?;
        println!(
            "agent {number}: on line after {on_line:?}, at {} nodes after {:?}",
            report.stored.len(),
            begin.elapsed()
        );
        if bootstrap.is_empty() {
            bootstrap = overlay.status().await.listen;
        }
        agents.push((overlay, events, address));
    }
    sleep(Duration::from_secs(10)).await;
    if let Some(((last, ..), (_, _, first))) = agents.last().zip(agents.first()) {
        let key = Key::Contacts(first.clone());
        let mut times = Vec::new();
        for _ in 0..50 {
            let begin = Instant::now();
            last.get(&key).await?;
            times.push(begin.elapsed());
        }
        times.sort();
        println!(
            "get: median {:?}, slowest {:?} of {}",
            times[times.len() / 2],
            times[times.len() - 1],
            times.len()
        );
    }
    println!("resident memory: {}", resident_memory()?);
    Ok(())
}

fn resident_memory() -> Result<String, std::io::Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = |name| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map_or("unknown", str::trim)
    };
    Ok(format!(
        "{}, of which {} are not the program file's",
        field("VmRSS:"),
        field("RssAnon:")
    ))
}
