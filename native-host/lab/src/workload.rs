//! Records put and read by random nodes of a healthy network, one operation after the other.

use std::time::Duration;

use corella_overlay::record::forget_certificates;
use corella_overlay::{Effort, Key, Record};
use libp2p::PeerId;
use rand::seq::IndexedRandom;
use tokio::time::Instant;

use crate::LabError;
use crate::figures::Times;
use crate::network::{Network, keepers};
use crate::node::Node;
use crate::records::{Person, Shape, now};

/// How much is put and read.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Records put, each under its own key; and as many reads.
    pub operations: usize,
    /// Reads of keys under which several writers have a record.
    pub all: usize,
    /// How many writers such a key has.
    pub writers: usize,
    /// The size of each record in bytes.
    pub size: usize,
}

/// What is to be found under a key.
pub struct Truth {
    /// The key.
    pub key: Key,
    /// Its current records.
    pub records: Vec<Record>,
}

impl Truth {
    /// Whether this is exactly what is under the key.
    pub fn is(&self, found: &[Record]) -> bool {
        found.len() == self.records.len() && found.iter().all(|record| self.records.contains(record))
    }
}

/// What operations of one kind took.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// How long each took.
    pub times: Times,
    /// How many gave what they ought to.
    pub right: usize,
    /// Questions of look-ups, all together.
    pub routing_requests: u64,
    /// Requests of the store protocol, all together.
    pub store_requests: u64,
    /// Copies that were stored, all together.
    pub copies: usize,
    /// Of puts, how many nodes are to keep the records, and how many of these do.
    pub keepers: usize,
    /// See `keepers`.
    pub reached: usize,
}

impl Measured {
    fn add(&mut self, time: Duration, right: bool, before: Effort, after: Effort) {
        self.times.add(time);
        self.right += usize::from(right);
        self.routing_requests += after.routing_requests - before.routing_requests;
        self.store_requests += after.store_requests - before.store_requests;
    }

    /// Something of all operations, for one.
    pub fn each(&self, all: u64) -> f64 {
        all as f64 / self.times.count() as f64
    }
}

/// What a workload took.
pub struct Outcome {
    /// The true size of a record.
    pub size: usize,
    /// Signing one record, which no other figure contains.
    pub sign: Times,
    /// Putting one record.
    pub put: Measured,
    /// Reading a key with one record.
    pub get: Measured,
    /// Putting the records of several writers under one key, each by itself.
    pub put_all: Measured,
    /// Reading a key with a record of each writer.
    pub get_all: Measured,
}

/// Puts and reads.
///
/// # Errors
/// A node has ended, or a record cannot be made.
pub async fn run(network: &Network, workload: Workload) -> Result<Outcome, LabError> {
    let (shape, size) = Shape::of_size(workload.size)?;
    let mut sign = Times::default();
    let mut put = Measured::default();
    let single = fill(network, "u", workload.operations, 1, &shape, &mut put, &mut sign).await?;
    let get = read(network, &single, workload.operations).await?;
    // Each key is read about four times, from other nodes.
    let keys = workload.all.div_ceil(4);
    let mut put_all = Measured::default();
    let several = fill(network, "v", keys, workload.writers, &shape, &mut put_all, &mut sign).await?;
    let get_all = read(network, &several, workload.all).await?;
    Ok(Outcome {
        size,
        sign,
        put,
        get,
        put_all,
        get_all,
    })
}

/// Puts records of new people from random nodes and says what is then to be found.
///
/// # Errors
/// A node has ended, or a record cannot be made.
pub async fn fill(
    network: &Network,
    name: &str,
    people: usize,
    writers: usize,
    shape: &Shape,
    measured: &mut Measured,
    sign: &mut Times,
) -> Result<Vec<Truth>, LabError> {
    let mut truths = Vec::new();
    let peers: Vec<PeerId> = network.nodes.iter().map(Node::peer).collect();
    for number in 0..people {
        let person = Person::new(&format!("{name}{number:05}"), writers)?;
        let begin = Instant::now();
        let records = person.records(shape, now())?;
        sign.add(begin.elapsed() / u32::try_from(writers).unwrap_or(1));
        for record in &records {
            let stored = put(network.any()?, record, measured).await?;
            let keepers = keepers(&peers, record.key());
            measured.keepers += keepers.len();
            measured.reached += stored.iter().filter(|peer| keepers.contains(peer)).count();
        }
        truths.push(Truth {
            key: person.key(),
            records,
        });
    }
    Ok(truths)
}

async fn put(node: &Node, record: &Record, measured: &mut Measured) -> Result<Vec<PeerId>, LabError> {
    let before = node.effort();
    let begin = Instant::now();
    let report = node.put(record).await?;
    let time = begin.elapsed();
    let all_stored = report.refused.is_empty() && report.silent == 0 && !report.stored.is_empty();
    measured.add(time, all_stored, before, node.effort());
    measured.copies += report.stored.len();
    Ok(report.stored)
}

/// Reads random keys from random nodes.
///
/// # Errors
/// A node has ended.
pub async fn read(network: &Network, truths: &[Truth], times: usize) -> Result<Measured, LabError> {
    let mut measured = Measured::default();
    for _ in 0..times {
        let truth = truths
            .choose(&mut rand::rng())
            .ok_or_else(|| LabError::needed("something to read"))?;
        let node = network.any()?;
        // The readers of all nodes share this thread; none is to know the certificates that another has seen.
        forget_certificates();
        let before = node.effort();
        let begin = Instant::now();
        let found = node.get(&truth.key).await?;
        let time = begin.elapsed();
        measured.add(time, truth.is(&found), before, node.effort());
    }
    Ok(measured)
}
