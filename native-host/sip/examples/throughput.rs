//! How fast two user agents exchange messages over TCP on loopback, in one process, and what memory that takes.
//!
//! `cargo run --release -p corella-sip --example throughput [messages]`: prints MESSAGE→200 times one at a time, the rate
//! with 64 in flight, and resident memory before and after.

use std::time::{Duration, Instant};

use corella_sip::guard::Rate;
use corella_sip::ua::{Event, LinkId, LinkInfo, OutgoingMessage, UserAgent, UserAgentConfig};
use futures::{StreamExt, TryStreamExt};
use tokio::net::{TcpListener, TcpStream};

const LINK: LinkId = LinkId(1);
/// About the length of a short sealed message.
const BODY: usize = 1_500;
const IN_FLIGHT: usize = 64;
const ONE_BY_ONE: usize = 2_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let messages = std::env::args().nth(1).map_or(Ok(50_000), |count| count.parse())?;
    // Twice the rate of a known peer would be the limit otherwise; here the machine is.
    let rate = Rate {
        burst: 1_000_000,
        per_second: 1_000_000,
    };
    let alice = agent("balice.peer.invalid");
    let bob = agent("bbob.peer.invalid");
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (client, server) = (client?, server?.0);
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let info = |peer_host: &str, local: &str, remote: &str| -> Result<LinkInfo, Box<dyn std::error::Error>> {
        let (local, remote) = (local.parse()?, remote.parse()?);
        Ok(LinkInfo {
            id: LINK,
            peer_host: peer_host.into(),
            local,
            remote,
            rate,
        })
    };
    alice
        .attach(
            info("bbob.peer.invalid", "alice@example.org", "bob@example.net")?,
            client,
        )
        .await?;
    bob.attach(
        info("balice.peer.invalid", "bob@example.net", "alice@example.org")?,
        server,
    )
    .await?;

    for _ in 0..200 {
        send(&alice).await?;
    }
    let mut times = Vec::with_capacity(ONE_BY_ONE);
    for _ in 0..ONE_BY_ONE {
        times.push(send(&alice).await?);
    }
    times.sort_unstable();
    report(&format!(
        "one at a time: {ONE_BY_ONE} messages of {BODY} bytes, p50 {:?}, p99 {:?}",
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    ));

    let before = resident();
    let start = Instant::now();
    let calls = futures::stream::iter(0..messages)
        .map(|_| send(&alice))
        .buffer_unordered(IN_FLIGHT);
    let mut times = calls.try_collect::<Vec<_>>().await?;
    let took = start.elapsed();
    times.sort_unstable();
    report(&format!(
        "{IN_FLIGHT} in flight: {messages} messages in {took:.2?}, {:.0} a second, p50 {:?}, p99 {:?}",
        f64::from(messages) / took.as_secs_f64(),
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    ));
    report(&format!(
        "resident memory of both user agents: {before} KiB before, {} KiB after",
        resident()
    ));
    alice.shutdown().await;
    bob.shutdown().await;
    Ok(())
}

#[allow(clippy::print_stdout)]
fn report(line: &str) {
    println!("{line}");
}

/// A user agent that answers every message 200.
fn agent(host: &str) -> UserAgent {
    #[allow(clippy::expect_used)]
    let (agent, mut events) = UserAgent::start(UserAgentConfig::new(host, "Throughput/1")).expect("a user agent");
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let Event::Message(message) = event {
                message.responder.answer(200, None);
            }
        }
    });
    agent
}

/// The time one message takes until its 200 is there.
async fn send(agent: &UserAgent) -> Result<Duration, Box<dyn std::error::Error>> {
    let message = OutgoingMessage {
        content_type: "application/pkcs7-mime".into(),
        body: vec![0xa5; BODY],
    };
    let start = Instant::now();
    let answer = agent.message(LINK, message).await?;
    if answer.status == 200 {
        Ok(start.elapsed())
    } else {
        Err(format!("answered {}", answer.status).into())
    }
}

/// Resident memory in KiB; 0 where the system does not say.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}
