//! What a node needs and does: disk and memory for many records, memory when idle, calls to its gateway. Every figure stands
//! beside the one that is aimed at.

use std::fmt;
use std::path::Path;

use corella_gateway::draft::{DraftCall, DraftMethod, Key as WireKey, RecordRequest};
use corella_gateway::{Client, GatewayUrl, Value};
use corella_identity::trust::TrustAnchors;
use corella_overlay::Key;
use corella_overlay::storing::{Limits, Network, StoringNode};
use rand::seq::IndexedRandom;
use tokio::time::{Duration, Instant, sleep};

use crate::LabError;
use crate::figures::Resident;
use crate::host::Host;
use crate::records::{Person, Shape, now};

/// Bytes on disk for 100,000 records of 2 KB, in millions.
const DISK_AIM: f64 = 300.0;
/// Memory of the process that keeps them, in MiB.
const FULL_AIM: f64 = 60.0;
/// Memory of a node that has little to do, in MiB.
const IDLE_AIM: f64 = 25.0;
/// Gets a second through a gateway, one after the other.
const GETS_AIM: f64 = 1000.0;

/// Records of one person, at one key: as many as one signer may have there.
const DEVICES: usize = 16;
/// Keys that are read of a full store before its memory is looked at.
const READS: usize = 2000;
/// Nodes of the small network.
const NODES: usize = 4;
/// For a node that has just come on line to get to rest.
const REST: Duration = Duration::from_secs(10);
/// What something costs a node beside its bytes (`RECORDS.md`, Room).
const OVERHEAD: usize = 400;
/// MiB that a node has by default.
const USUAL: u64 = 64;

/// What is to be measured.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Records in the store.
    pub records: usize,
    /// The size of each in bytes.
    pub size: usize,
    /// Gets of each kind.
    pub calls: usize,
}

/// Gets a second.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Over one connection.
    pub kept: f64,
    /// With a connection for each.
    pub fresh: f64,
}

/// Gets of both kinds at one node.
#[derive(Clone, Copy, Debug)]
pub struct Gets {
    /// OpenDHT's, of one value.
    pub opendht: Rates,
    /// The draft's, of one signed record.
    pub draft: Rates,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Capacity {
    wanted: Wanted,
    size: usize,
    filled: Duration,
    disk: u64,
    started: Duration,
    full: [Option<Resident>; 2],
    alone: Gets,
    idle: Vec<Option<Resident>>,
    together: Gets,
}

/// A store on disk, and who is in it.
struct Filled {
    /// The true size of a record.
    size: usize,
    /// The room it takes, in MiB.
    storage: u64,
    /// People with [`DEVICES`] records each.
    keys: Vec<Key>,
    /// Somebody with one record.
    lone: Key,
}

/// Measures nodes of the program `host`; what they keep goes below `folder`, which is to be empty.
///
/// # Errors
/// Something cannot be started or written.
pub async fn measure(host: &Path, folder: &Path, wanted: Wanted) -> Result<Capacity, LabError> {
    let home = folder.join("full");
    std::fs::create_dir_all(&home)?;
    let store = home.join("overlay.sqlite");
    let begin = Instant::now();
    let filled = fill(&store, wanted)?;
    // The database is closed now, and its log is empty.
    let took = begin.elapsed();
    let disk = std::fs::metadata(&store)?.len();

    let begin = Instant::now();
    let node = Host::start(host, &home, filled.storage, &[]).await?;
    let started = begin.elapsed();
    let before = node.resident();
    let (url, client) = (node.gateway()?, Client::default());
    let some: Vec<_> = filled.keys.sample(&mut rand::rng(), READS).collect();
    for key in some {
        let answer = client.call(&url, DraftMethod::Get.name(), &asking(key)).await?;
        expect_something(&answer)?;
    }
    let after = node.resident();
    let alone = gets(&url, &filled.lone, wanted.calls).await?;
    node.stop().await?;

    let (idle, together) = small_network(host, folder, &filled, wanted.calls).await?;
    Ok(Capacity {
        wanted,
        size: filled.size,
        filled: took,
        disk,
        started,
        full: [before, after],
        alone,
        idle,
        together,
    })
}

/// Writes the records as a storing node does that they are put to, each from a network of its own signer's.
fn fill(store: &Path, wanted: Wanted) -> Result<Filled, LabError> {
    let (shape, size) = Shape::of_size(wanted.size)?;
    // They are all of one class, which has five sixteenths of a node.
    let bytes = (wanted.records + 1) * (size + OVERHEAD) * 16 / 5;
    let storage = (bytes as u64 >> 20) + 1;
    let limits = Limits { bytes: storage << 20 };
    let mut node = StoringNode::open(Some(store), limits, TrustAnchors::none())
        .map_err(|error| LabError::needed(error.to_string()))?;
    let mut put = |person: &Person, number: usize| -> Result<(), LabError> {
        let [_, a, b, c] = u32::try_from(number).unwrap_or_default().to_be_bytes();
        let from = Network::of(std::net::Ipv4Addr::new(10, a, b, c).into());
        // Those that wait are written together, as in a node.
        node.begin();
        for record in person.records(&shape, now())? {
            node.put(&record, from, now())
                .map_err(|refusal| LabError::needed(format!("a record was refused: {refusal}")))?;
        }
        node.commit();
        Ok(())
    };
    let lone = Person::new("lone", 1)?;
    put(&lone, 0)?;
    let mut keys = Vec::new();
    for first in (0..wanted.records).step_by(DEVICES) {
        let person = Person::new(&format!("u{first:06}"), DEVICES.min(wanted.records - first))?;
        put(&person, first)?;
        keys.push(person.key());
    }
    Ok(Filled {
        size,
        storage,
        keys,
        lone: lone.key(),
    })
}

/// A few nodes that know each other: their memory at rest, and gets through the gateway of the last.
async fn small_network(
    host: &Path,
    folder: &Path,
    filled: &Filled,
    calls: usize,
) -> Result<(Vec<Option<Resident>>, Gets), LabError> {
    let mut nodes: Vec<Host> = Vec::new();
    for number in 0..NODES {
        let home = folder.join(format!("node{number}"));
        std::fs::create_dir_all(&home)?;
        let bootstrap = nodes.first().map(|first| first.listen().to_vec()).unwrap_or_default();
        nodes.push(Host::start(host, &home, USUAL, &bootstrap).await?);
    }
    sleep(REST).await;
    let idle = nodes.iter().map(Host::resident).collect();
    let last = nodes.last().ok_or_else(|| LabError::needed("a node"))?;
    // The lone person has a record there as well, put through the gateway as anybody would.
    let url = last.gateway()?;
    let (shape, _) = Shape::of_size(filled.size)?;
    let person = Person::new("lone", 1)?;
    for record in person.records(&shape, now())? {
        let document = record.to_xml().to_string();
        let call = DraftCall {
            method: DraftMethod::PutAuth,
            document,
        };
        Client::default()
            .call(&url, DraftMethod::PutAuth.name(), &call.params())
            .await?;
    }
    let gets = gets(&url, &person.key(), calls).await?;
    for node in nodes {
        node.stop().await?;
    }
    Ok((idle, gets))
}

/// The parameters of the draft's get.
fn asking(key: &Key) -> Vec<Value> {
    let document = RecordRequest::Key(WireKey::Clear(key.text())).write();
    DraftCall {
        method: DraftMethod::Get,
        document,
    }
    .params()
}

async fn gets(url: &GatewayUrl, key: &Key, calls: usize) -> Result<Gets, LabError> {
    let (name, application) = (Value::Base64(vec![7; 20]), Value::String("lab".to_owned()));
    let value = Value::Base64(vec![b'v'; 100]);
    let put = [name.clone(), value, Value::Int(3600), application.clone()];
    Client::default().call(url, "put", &put).await?;
    let get = [name, Value::Int(10), Value::Base64(Vec::new()), application];
    Ok(Gets {
        opendht: rates(url, "get", &get, calls).await?,
        draft: rates(url, "get", &asking(key), calls).await?,
    })
}

async fn rates(url: &GatewayUrl, method: &str, params: &[Value], calls: usize) -> Result<Rates, LabError> {
    let client = Client::default();
    let mut rates = [0.0; 2];
    for (rate, fresh) in rates.iter_mut().zip([false, true]) {
        expect_something(&client.call(url, method, params).await?)?;
        let begin = Instant::now();
        for _ in 0..calls {
            let answer = if fresh {
                Client::default().call(url, method, params).await?
            } else {
                client.call(url, method, params).await?
            };
            expect_something(&answer)?;
        }
        *rate = calls as f64 / begin.elapsed().as_secs_f64();
    }
    let [kept, fresh] = rates;
    Ok(Rates { kept, fresh })
}

/// A get that finds nothing would be a quick one.
fn expect_something(answer: &Value) -> Result<(), LabError> {
    let found = match answer {
        Value::String(document) => document.contains("</dhtRecord>"),
        Value::Array(parts) => matches!(parts.first(), Some(Value::Array(values)) if !values.is_empty()),
        _ => false,
    };
    found
        .then_some(())
        .ok_or_else(|| LabError::needed("something that was put is not found"))
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wanted { records, size, calls } = self.wanted;
        writeln!(
            f,
            "{records} records of {} bytes ({size} were wanted), {DEVICES} of a signer, stored within {:.1} s",
            self.size,
            self.filled.as_secs_f64()
        )?;
        let share = records as f64 / 100_000.0;
        line(f, "on disk", self.disk as f64 / 1e6, "MB", '<', DISK_AIM * share)?;
        memory(f, "memory of the node that keeps them", self.full[0], FULL_AIM)?;
        memory(
            f,
            &format!("  after {READS} reads of {DEVICES} each"),
            self.full[1],
            FULL_AIM,
        )?;
        writeln!(f, "  it was on line after {:.2} s", self.started.as_secs_f64())?;
        for node in &self.idle {
            memory(f, &format!("memory of an idle node among {NODES}"), *node, IDLE_AIM)?;
        }
        writeln!(f, "gets through a gateway, one after the other, {calls} of each kind")?;
        for (where_, gets) in [
            ("alone, with these records", &self.alone),
            ("in the network", &self.together),
        ] {
            for (what, rates) in [("OpenDHT's get", gets.opendht), ("the draft's get", gets.draft)] {
                line(f, &format!("{what}, a node {where_}"), rates.kept, "/s", '>', GETS_AIM)?;
                line(f, "  with a connection for each", rates.fresh, "/s", '>', GETS_AIM)?;
            }
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, what: &str, figure: f64, unit: &str, sign: char, aim: f64) -> fmt::Result {
    let missed = if sign == '<' { figure > aim } else { figure < aim };
    let verdict = if missed { "   missed" } else { "" };
    writeln!(f, "{what:56} {figure:9.1} {unit:4} aim {sign} {aim:6.0}{verdict}")
}

fn memory(f: &mut fmt::Formatter<'_>, what: &str, resident: Option<Resident>, aim: f64) -> fmt::Result {
    let Some(Resident { all, anonymous }) = resident else {
        return writeln!(f, "{what:56}   unknown");
    };
    line(f, what, all, "MiB", '<', aim)?;
    writeln!(f, "  {:54} {anonymous:9.1} MiB", "of it its own, and not a file's")
}
