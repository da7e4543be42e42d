//! What must be true of a network of real nodes, whatever it costs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "these are tests: a panic is how they fail"
)]

use std::process::Command;

use corella_lab::attack::{self, Origin};
use corella_lab::faults::{self, End, Reading};
use corella_lab::network::{Network, Plan, Transport};
use corella_lab::workload::{self, Workload};
use tokio::sync::{Mutex, MutexGuard};

/// One network at a time: what fails for want of processor time says nothing.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// Everything that is put reaches all who are to keep it, and everything is found.
async fn all_is_well(nodes: usize, transport: Transport, size: usize, operations: usize) {
    let network = Network::start(Plan {
        transport,
        ..Plan::of(nodes)
    })
    .await
    .unwrap();
    let workload = Workload {
        operations,
        all: operations / 2,
        writers: 4,
        size,
    };
    let outcome = workload::run(&network, workload).await.unwrap();
    network.stop().await;
    let puts = [("put", &outcome.put), ("put-all", &outcome.put_all)];
    let gets = [("get", &outcome.get), ("get-all", &outcome.get_all)];
    for (name, measured) in puts.iter().chain(&gets) {
        let (right, of, p99) = (measured.right, measured.times.count(), measured.times.p99());
        let (copies, reached, keepers) = (measured.copies, measured.reached, measured.keepers);
        println!("{name}: {right} of {of} right, p99 {p99:.0} ms; {copies} copies, {reached} of {keepers} keepers");
    }
    // Who has just come is not known to everybody yet; the next closest keeps the record instead.
    for (name, put) in puts {
        let (reached, keepers) = (put.reached, put.keepers);
        assert!(reached * 100 >= keepers * 95, "{name}: {reached} of {keepers}");
    }
    for (name, measured) in puts.iter().chain(&gets) {
        assert_eq!(measured.right, measured.times.count(), "{name}");
    }
}

fn all_found(reading: &Reading) {
    println!("{reading:?}");
    assert_eq!(reading.found, reading.asked);
    nothing_false(reading);
}

fn nothing_false(reading: &Reading) {
    assert_eq!((reading.stale, reading.forged), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_nodes_over_tcp() {
    let _turn = turn().await;
    all_is_well(32, Transport::Tcp, 2048, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_nodes_over_quic() {
    let _turn = turn().await;
    all_is_well(32, Transport::Quic, 2048, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_nodes_and_the_largest_records() {
    let _turn = turn().await;
    all_is_well(100, Transport::Tcp, 1 << 20, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_killed_at_once_takes_no_record_along() {
    let _turn = turn().await;
    all_found(&faults::dying(100, 30, End::Killed, 100, Transport::Tcp).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_without_power_takes_no_record_along() {
    let _turn = turn().await;
    all_found(&faults::dying(32, 30, End::Frozen, 12, Transport::Tcp).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fifth_that_lies_hides_nothing_and_is_not_believed() {
    let _turn = turn().await;
    all_found(&faults::lying(32, 20, 60, Transport::Tcp).await.unwrap());
    all_found(&faults::lying(100, 20, 60, Transport::Quic).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stays_is_found_while_others_come_and_go() {
    let _turn = turn().await;
    let churn = faults::churning(32, 2.0, 20).await.unwrap();
    assert_eq!(churn.replaced, 20);
    all_found(&churn.reading);
}

/// From one network at most two of them count, and from many they have only one of the two places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_beside_one_key_hides_nobody() {
    let _turn = turn().await;
    for origin in [Origin::OneNetwork, Origin::ManyNetworks] {
        let outcome = attack::crowd(32, 20, origin).await.unwrap();
        println!("{origin:?}: {outcome:?}");
        assert!(outcome.tried >= 20);
        assert_eq!((outcome.before.asked, outcome.after.asked), (32, 32));
        all_found(&outcome.before);
        all_found(&outcome.after);
    }
}

/// What anybody can repeat: one command that measures both in one run, prints a table and draws a chart.
#[tokio::test]
async fn the_bench_puts_us_beside_the_yardstick() {
    let _turn = turn().await;
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("overlay.svg");
    let output = Command::new(env!("CARGO_BIN_EXE_overlay-lab"))
        .args([
            "bench",
            "--nodes",
            "8",
            "--sizes",
            "2048",
            "--operations",
            "20",
            "--svg",
        ])
        .arg(&chart)
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    println!("{table}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for operation in ["put", "get", "get-all"] {
        let row = table
            .lines()
            .find(|line| line.split_whitespace().next() == Some(operation));
        let row: Vec<&str> = row.expect(operation).split_whitespace().collect();
        // Ours, then dhtnode over REST and in a process, each with its ratio.
        let [_, _, _, ours, _, _, rest @ ..] = row.as_slice() else {
            panic!("{row:?}")
        };
        assert_eq!(*ours, "100.0%", "{operation}");
        let ratios: Vec<f64> = rest.chunks(4).map(|row| row[3].parse().unwrap()).collect();
        assert!(ratios.len() == 2 && ratios.iter().all(|ratio| *ratio > 0.0), "{row:?}");
    }
    let chart = std::fs::read_to_string(&chart).unwrap();
    assert!(chart.starts_with("<svg ") && chart.contains("dhtnode"), "{chart}");
}

/// Only if CORELLA_LONG is set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_nodes() {
    if std::env::var_os("CORELLA_LONG").is_none() {
        println!("CORELLA_LONG is not set: three hundred nodes were not started");
        return;
    }
    let _turn = turn().await;
    all_is_well(300, Transport::Quic, 2048, 100).await;
    all_found(&faults::dying(300, 30, End::Killed, 100, Transport::Quic).await.unwrap());
}
