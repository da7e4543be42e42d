//! What is done in the yardstick's own network: start the nodes, measure, end them.

use std::collections::HashSet;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::http::Http;
use super::{Row, Rows, Yardstick};
use crate::LabError;
use crate::figures::{Times, memory};
use crate::node::PATIENCE;
use crate::workload::Workload;

/// Ports of the first node: its DHT's, and its proxy's.
const DHT_PORT: u16 = 4300;
const PROXY_PORT: u16 = 8300;
/// The network that the nodes name, so that they would take no others for theirs.
const NETWORK: &str = "4242";
/// How many nodes have a proxy: operations begin at one of these.
const PROXIES: usize = 16;
/// How many others a node must know well before anything is measured.
const KNOWN: usize = 8;
/// Pauses while nodes start, and between two looks at them.
const STAGGER: Duration = Duration::from_millis(20);
const LOOK: Duration = Duration::from_millis(100);

/// The nodes; they end with this.
struct Nodes(Vec<Child>);

impl Drop for Nodes {
    fn drop(&mut self) {
        for node in &mut self.0 {
            // It may have ended by itself.
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

/// Measures so many nodes. To be called in a network namespace of its own.
///
/// # Errors
/// The nodes do not start or do not work.
pub async fn measure(count: usize, workload: Workload) -> Result<Yardstick, LabError> {
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status()?;
    if !up.success() {
        return Err(LabError::needed("a loopback interface"));
    }
    // Nodes go on refreshing what they were asked for, and get slower by it: each measurement has fresh ones.
    let (nodes, mut proxies) = fresh(count).await?;
    let rest = rest(&mut proxies, workload).await?;
    let memories: Option<Vec<f64>> = nodes.0.iter().map(|node| memory(Some(node.id()))).collect();
    drop((nodes, proxies));
    let (_nodes, _proxies) = fresh(count).await?;
    Ok(Yardstick {
        rest,
        native: native(workload)?,
        memory: memories.map(|all| all.iter().sum::<f64>() / count as f64),
    })
}

/// Starts nodes and waits until they know each other. Gives connections to their proxies as well.
async fn fresh(count: usize) -> Result<(Nodes, Vec<Http>), LabError> {
    let mut nodes = Nodes(Vec::new());
    for number in 0..count {
        nodes.0.push(start(number)?);
        sleep(STAGGER).await;
    }
    let mut proxies = Vec::new();
    for number in 0..count.min(PROXIES) {
        proxies.push(connect(port(PROXY_PORT, number)).await?);
    }
    warm(&mut proxies, KNOWN.min(count - 1)).await?;
    Ok((nodes, proxies))
}

fn port(first: u16, number: usize) -> u16 {
    first + u16::try_from(number).unwrap_or_default()
}

fn start(number: usize) -> io::Result<Child> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "dhtnode", "-s", "-n", NETWORK]);
    command.args(["-p", &port(DHT_PORT, number).to_string()]);
    if number > 0 {
        command.args(["-b", &format!("127.0.0.1:{DHT_PORT}")]);
    }
    if number < PROXIES {
        command.args(["--proxyserver", &port(PROXY_PORT, number).to_string()]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn()
}

async fn connect(port: u16) -> Result<Http, LabError> {
    let begin = Instant::now();
    loop {
        match Http::connect(port).await {
            Ok(http) => return Ok(http),
            Err(error) if begin.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => sleep(LOOK).await,
        }
    }
}

/// Has each node put and look for a few things, by which they get to know each other.
async fn warm(proxies: &mut [Http], known: usize) -> Result<(), LabError> {
    let begin = Instant::now();
    loop {
        let mut least = u64::MAX;
        for proxy in &mut *proxies {
            let body = json!({ "data": BASE64.encode(b"probe") }).to_string();
            proxy.post(&path(&random_key()), &body).await?;
            proxy.get(&path(&random_key())).await?;
            let state = json(&proxy.get("/").await?)?;
            least = least.min(state["ipv4"]["good"].as_u64().unwrap_or_default());
        }
        if least >= known as u64 {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            return Err(LabError::needed(format!("a dhtnode knows only {least} others")));
        }
        sleep(LOOK).await;
    }
}

async fn rest(proxies: &mut [Http], workload: Workload) -> Result<Rows, LabError> {
    let (single, put) = fill(proxies, workload.operations, 1, workload.size).await?;
    let get = read(proxies, &single, workload.operations).await?;
    // Each key is read about four times, as ours are.
    let (several, _) = fill(proxies, workload.all.div_ceil(4), workload.writers, workload.size).await?;
    let get_all = read(proxies, &several, workload.all).await?;
    Ok(Rows { put, get, get_all })
}

type Truth = (String, HashSet<String>);

async fn fill(proxies: &mut [Http], keys: usize, writers: usize, size: usize) -> Result<(Vec<Truth>, Row), LabError> {
    let (mut times, mut right, mut truths) = (Times::default(), 0, Vec::new());
    for _ in 0..keys {
        let (key, mut values) = (random_key(), HashSet::new());
        for _ in 0..writers {
            let mut data = vec![0; size];
            rand::rng().fill(&mut data[..]);
            let data = BASE64.encode(&data);
            let body = json!({ "data": data }).to_string();
            let proxy = any(proxies)?;
            let begin = Instant::now();
            let answer = proxy.post(&path(&key), &body).await?;
            times.add(begin.elapsed());
            right += usize::from(json(&answer)?["data"] == data.as_str());
            values.insert(data);
        }
        truths.push((key, values));
    }
    Ok((truths, Row::new(right, &times)))
}

async fn read(proxies: &mut [Http], truths: &[Truth], count: usize) -> Result<Row, LabError> {
    let (mut times, mut right) = (Times::default(), 0);
    for _ in 0..count {
        let (key, values) = truths
            .choose(&mut rand::rng())
            .ok_or_else(|| LabError::needed("something to read"))?;
        let proxy = any(proxies)?;
        let begin = Instant::now();
        let body = proxy.get(&path(key)).await?;
        times.add(begin.elapsed());
        let mut found = HashSet::new();
        for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            found.insert(json(line)?["data"].as_str().unwrap_or_default().to_owned());
        }
        right += usize::from(found == *values);
    }
    Ok(Row::new(right, &times))
}

fn any(proxies: &mut [Http]) -> Result<&mut Http, LabError> {
    let number = rand::rng().random_range(0..proxies.len().max(1));
    proxies.get_mut(number).ok_or_else(|| LabError::needed("a proxy"))
}

fn random_key() -> String {
    HEXLOWER.encode(&rand::random::<[u8; 20]>())
}

fn path(key: &str) -> String {
    format!("/key/{key}")
}

fn json(bytes: &[u8]) -> Result<Value, LabError> {
    serde_json::from_slice(bytes).map_err(|error| LabError::needed(format!("the proxy's answer: {error}")))
}

/// Measures from nodes in a Python process, which join the network. `None` if Debian's module is not there.
fn native(workload: Workload) -> Result<Option<Rows>, LabError> {
    let mut command = Command::new("setpriv");
    command.args([
        "--pdeathsig",
        "KILL",
        "/usr/bin/python3",
        "-c",
        include_str!("native.py"),
        NETWORK,
    ]);
    let numbers = [
        usize::from(DHT_PORT),
        workload.operations,
        workload.all,
        workload.writers,
        workload.size,
    ];
    command.args(numbers.map(|number| number.to_string()));
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if output.stdout.is_empty() && output.status.success() {
        return Ok(None);
    }
    let rows = serde_json::from_slice(&output.stdout);
    rows.map(Some)
        .map_err(|error| LabError::needed(format!("the native figures: {error}")))
}
