//! `overlay-lab`: measures the overlay beside a yardstick, and does it harm to see what becomes of it.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use corella_lab::attack::{self, Origin};
use corella_lab::capacity::{self, Wanted};
use corella_lab::compare::{chart, compare, idle_memory};
use corella_lab::faults::{self, End, Reading};
use corella_lab::figures::share;
use corella_lab::network::Transport;
use corella_lab::plot;
use corella_lab::workload::Workload;
use corella_lab::{LabError, verifying, yardstick};

/// A laboratory for the overlay.
#[derive(Parser)]
struct Command {
    #[command(subcommand)]
    experiment: Experiment,
}

#[derive(Subcommand)]
enum Experiment {
    /// Networks of several sizes beside dhtnode: tables with ratios, and a chart.
    Bench(Bench),
    /// Nodes that die, lie, come and go.
    Faults(Nodes),
    /// A crowd of liars beside one key.
    Attack(Nodes),
    /// What nodes need on disk and in memory, and what their gateways do, beside what is aimed at.
    Capacity(Capacity),
    /// The yardstick in its own network: nodes, operations, reads of several, writers, size.
    #[command(hide = true)]
    Inside { numbers: Vec<usize> },
    /// Prints the memory of one of so many nodes.
    #[command(hide = true)]
    Memory { nodes: usize },
}

#[derive(Args)]
struct Bench {
    /// The sizes of the networks.
    #[arg(long, value_delimiter = ',', default_values_t = [8, 16, 32, 64, 100])]
    nodes: Vec<usize>,
    /// The sizes of the records; only the first is in the chart. More than is allowed means the largest that is.
    #[arg(long, value_delimiter = ',', default_values_t = [2048, 8192])]
    sizes: Vec<usize>,
    /// How many puts, and how many gets, in each network.
    #[arg(long, default_value_t = 600)]
    operations: usize,
    /// How many writers the keys of get-all have.
    #[arg(long, default_value_t = 4)]
    writers: usize,
    /// Ours alone, without dhtnode.
    #[arg(long)]
    alone: bool,
    /// Over QUIC instead of TCP.
    #[arg(long)]
    quic: bool,
    /// Where to write the chart.
    #[arg(long)]
    svg: Option<PathBuf>,
}

#[derive(Args)]
struct Capacity {
    /// The program whose nodes are measured: `corella`, built.
    #[arg(long)]
    host: PathBuf,
    /// Records in the store.
    #[arg(long, default_value_t = 100_000)]
    records: usize,
    /// The size of a record.
    #[arg(long, default_value_t = 2048)]
    size: usize,
    /// Gets of each kind.
    #[arg(long, default_value_t = 5000)]
    calls: usize,
}

#[derive(Args)]
struct Nodes {
    /// The size of the network.
    #[arg(long, default_value_t = 100)]
    nodes: usize,
}

#[tokio::main]
async fn main() -> Result<(), LabError> {
    match Command::parse().experiment {
        Experiment::Bench(wanted) => bench(wanted).await,
        Experiment::Faults(Nodes { nodes }) => faults(nodes).await,
        Experiment::Attack(Nodes { nodes }) => attack(nodes).await,
        Experiment::Capacity(wanted) => capacity(wanted).await,
        Experiment::Inside { numbers } => inside(&numbers).await,
        Experiment::Memory { nodes } => {
            if let Some(memory) = idle_memory(nodes).await? {
                println!("{memory}");
            }
            Ok(())
        }
    }
}

async fn bench(wanted: Bench) -> Result<(), LabError> {
    let transport = if wanted.quic { Transport::Quic } else { Transport::Tcp };
    let mut charted = Vec::new();
    // First, while nothing else goes on in this process.
    for size in &wanted.sizes {
        println!("{}", verifying::measure(*size)?);
    }
    for (place, size) in wanted.sizes.iter().enumerate() {
        for nodes in &wanted.nodes {
            let workload = Workload {
                operations: wanted.operations,
                all: wanted.operations / 2,
                writers: wanted.writers,
                size: *size,
            };
            let comparison = compare(*nodes, workload, transport, !wanted.alone).await?;
            println!("{}", comparison.table());
            if place == 0 {
                charted.push(comparison);
            }
        }
    }
    if let (Some(file), Some(first)) = (wanted.svg, charted.first()) {
        let heading = format!(
            "Corella's overlay, records of {} bytes, all nodes on one machine",
            first.size
        );
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, plot::svg(&heading, &chart(&charted)))?;
        println!("chart: {}", file.display());
    }
    Ok(())
}

fn reading(what: &str, reading: &Reading) {
    println!(
        "{what:44} found {:5.1}% of {}   old ones taken {}   forged ones taken {}   first {:.1} ms   p50 {:.1}   p99 {:.1}",
        share(reading.found, reading.asked),
        reading.asked,
        reading.stale,
        reading.forged,
        reading.first,
        reading.times.p50(),
        reading.times.p99(),
    );
}

async fn faults(nodes: usize) -> Result<(), LabError> {
    const KEYS: usize = 200;
    /// Reads that wait for nodes without power take long.
    const FROZEN_KEYS: usize = 30;
    println!("{nodes} nodes");
    let killed = faults::dying(nodes, 30, End::Killed, KEYS, Transport::Tcp).await?;
    reading("30 % killed at once", &killed);
    let frozen = faults::dying(nodes, 30, End::Frozen, FROZEN_KEYS, Transport::Tcp).await?;
    reading("30 % without power at once", &frozen);
    reading("20 % lie", &faults::lying(nodes, 20, KEYS, Transport::Tcp).await?);
    let churn = faults::churning(nodes, 2.0, nodes).await?;
    let what = format!(
        "{} nodes replaced within {:.0} s",
        churn.replaced,
        churn.lasted.as_secs_f64()
    );
    reading(&what, &churn.reading);
    Ok(())
}

async fn attack(nodes: usize) -> Result<(), LabError> {
    const CROWD: usize = 20;
    for (what, origin) in [
        ("one network", Origin::OneNetwork),
        ("many networks", Origin::ManyNetworks),
    ] {
        let outcome = attack::crowd(nodes, CROWD, origin).await?;
        let (tried, took) = (outcome.tried, outcome.took.as_secs_f64());
        println!("{CROWD} liars from {what} beside one key, {nodes} honest nodes");
        println!(
            "  {tried} keys made in {took:.2} s ({:.0} a second); among a million honest nodes it would take {:.0} s",
            tried as f64 / took,
            CROWD as f64 * 1e6 * took / tried as f64,
        );
        let (taken, of) = outcome.taken;
        println!("  of the {of} nodes that look-ups find, {taken:.1} are of the crowd");
        println!(
            "  the next record reached {} honest nodes, {} claimed to store it",
            outcome.stored.0, outcome.stored.1
        );
        reading("  the record from before", &outcome.before);
        reading("  the record put meanwhile", &outcome.after);
    }
    Ok(())
}

async fn capacity(asked: Capacity) -> Result<(), LabError> {
    let folder = tempfile::tempdir()?;
    let wanted = Wanted {
        records: asked.records,
        size: asked.size,
        calls: asked.calls,
    };
    print!("{}", capacity::measure(&asked.host, folder.path(), wanted).await?);
    Ok(())
}

async fn inside(numbers: &[usize]) -> Result<(), LabError> {
    let [nodes, operations, all, writers, size] = numbers else {
        return Err(LabError::needed("five numbers"));
    };
    let workload = Workload {
        operations: *operations,
        all: *all,
        writers: *writers,
        size: *size,
    };
    let figures = yardstick::inside::measure(*nodes, workload).await?;
    println!("{}", serde_json::to_string(&figures).map_err(std::io::Error::other)?);
    Ok(())
}
