//! Networks of several sizes measured beside the yardstick: tables, ratios, and the chart.

use std::fmt::Write;
use std::process::{Command, Stdio};

use crate::LabError;
use crate::figures::{memory, share};
use crate::network::{Network, Plan, Transport};
use crate::plot::{Panel, Series};
use crate::workload::{self, Measured, Outcome, Workload};
use crate::yardstick::{self, Row, Rows, Yardstick};

/// Colours of put, get and get-all.
const COLOURS: [&str; 3] = ["#b2462e", "#1f6fb2", "#3f8f3f"];
/// The highest ratios that are aimed at: of puts, and of reading.
const AIMS: (u32, u32) = (5, 3);

/// One network, ours and the yardstick's.
pub struct Comparison {
    /// How many nodes.
    pub nodes: usize,
    /// The true size of a record.
    pub size: usize,
    /// What ours took.
    pub ours: Outcome,
    /// Memory of one of our nodes in megabytes, before there were records.
    pub memory: Option<f64>,
    /// What the yardstick took; `None` if it was not asked for.
    pub theirs: Option<Yardstick>,
}

/// Measures a network of so many nodes, then a yardstick of as many with values as large.
///
/// # Errors
/// One of the networks does not work.
pub async fn compare(
    nodes: usize,
    workload: Workload,
    transport: Transport,
    beside: bool,
) -> Result<Comparison, LabError> {
    let memory = memory_of_a_node(nodes)?;
    let network = Network::start(Plan {
        transport,
        ..Plan::of(nodes)
    })
    .await?;
    let ours = workload::run(&network, workload).await?;
    network.stop().await;
    let same = Workload {
        size: ours.size,
        ..workload
    };
    let theirs = if beside {
        Some(yardstick::run(nodes, same)?)
    } else {
        None
    };
    Ok(Comparison {
        nodes,
        size: ours.size,
        ours,
        memory,
        theirs,
    })
}

/// Starts a network and says how much memory that took for a node. To be called in a process that did nothing else before:
/// one that did has memory left over.
///
/// # Errors
/// The network does not form.
pub async fn idle_memory(nodes: usize) -> Result<Option<f64>, LabError> {
    let before = memory(None);
    let network = Network::start(Plan::of(nodes)).await?;
    let after = memory(None);
    network.stop().await;
    Ok(before.zip(after).map(|(before, after)| (after - before) / nodes as f64))
}

/// The same, in a process of its own.
fn memory_of_a_node(nodes: usize) -> Result<Option<f64>, LabError> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["memory", &nodes.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    Ok(String::from_utf8_lossy(&command.output()?.stdout).trim().parse().ok())
}

impl Comparison {
    fn kinds(&self) -> [(&'static str, &Measured); 3] {
        [
            ("put", &self.ours.put),
            ("get", &self.ours.get),
            ("get-all", &self.ours.get_all),
        ]
    }

    /// A table of everything.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{} nodes, records of {} bytes, signatures always checked; aims: put at most {} times dhtnode, get at most {}\n",
            self.nodes, self.size, AIMS.0, AIMS.1
        );
        let rest = self.theirs.as_ref().map(|theirs| &theirs.rest);
        let native = self.theirs.as_ref().and_then(|theirs| theirs.native.as_ref());
        let _ = writeln!(
            out,
            "  {:8} {:>8} {:>8} {:>7} {:>8} {:>8}   {:>16} {:>6}   {:>16} {:>6}",
            "", "p50 ms", "p99 ms", "right", "routing", "storing", "dhtnode REST", "ratio", "in-process", "ratio"
        );
        for (place, (name, ours)) in self.kinds().into_iter().enumerate() {
            let _ = write!(
                out,
                "  {name:8} {:8.2} {:8.2} {:6.1}% {:8.1} {:8.1}",
                ours.times.p50(),
                ours.times.p99(),
                share(ours.right, ours.times.count()),
                ours.each(ours.routing_requests),
                ours.each(ours.store_requests),
            );
            for rows in [rest, native] {
                let row = rows.map(|rows| row(rows, place));
                let _ = match row {
                    Some(row) => write!(
                        out,
                        "   {:6.2} {:5.1} {:3.0}% {:6.2}",
                        row.p50,
                        row.p99,
                        share(row.right, row.count),
                        ours.times.p50() / row.p50
                    ),
                    None => write!(out, "   {:>16} {:>6}", "-", "-"),
                };
            }
            out.push('\n');
        }
        let _ = writeln!(
            out,
            "  copies of a record {:.1}; signing one (in no other figure) {:.3} ms; memory of a node: ours {}, dhtnode {}",
            self.ours.put.each(self.ours.put.copies as u64),
            self.ours.sign.p50(),
            megabytes(self.memory),
            megabytes(self.theirs.as_ref().and_then(|theirs| theirs.memory)),
        );
        out
    }
}

fn megabytes(memory: Option<f64>) -> String {
    memory.map_or("unknown".to_owned(), |memory| format!("{memory:.1} MB"))
}

fn row(rows: &Rows, place: usize) -> &Row {
    [&rows.put, &rows.get, &rows.get_all][place]
}

/// The chart of networks of several sizes.
pub fn chart(comparisons: &[Comparison]) -> Vec<Panel> {
    let line = |name: String, colour, dashed, value: &dyn Fn(&Comparison) -> Option<f64>| Series {
        name,
        colour,
        dashed,
        points: comparisons
            .iter()
            .filter_map(|one| Some((one.nodes, value(one)?)))
            .collect(),
    };
    let (mut times, mut requests) = (Vec::new(), Vec::new());
    for (place, name) in ["put", "get", "get-all"].into_iter().enumerate() {
        let colour = COLOURS[place];
        times.push(line(name.to_owned(), colour, false, &|one| {
            Some(one.kinds()[place].1.times.p50())
        }));
        times.push(line(format!("{name}, dhtnode over REST"), colour, true, &|one| {
            Some(row(&one.theirs.as_ref()?.rest, place).p50)
        }));
    }
    for (place, name) in [(0, "put"), (1, "get")] {
        let colour = COLOURS[place];
        requests.push(line(format!("{name}: look-up"), colour, false, &|one| {
            let measured = one.kinds()[place].1;
            Some(measured.each(measured.routing_requests))
        }));
        requests.push(line(format!("{name}: store protocol"), colour, true, &|one| {
            let measured = one.kinds()[place].1;
            Some(measured.each(measured.store_requests))
        }));
    }
    let panel = |title: &str, series: Vec<Series>| Panel {
        title: title.to_owned(),
        series: series.into_iter().filter(|series| !series.points.is_empty()).collect(),
    };
    vec![
        panel("milliseconds, median", times),
        panel("requests to other nodes for one operation", requests),
    ]
}
