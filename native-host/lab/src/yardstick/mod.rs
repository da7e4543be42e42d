//! The yardstick: OpenDHT's `dhtnode` with as many nodes and records as large, measured in the same run.
//!
//! A `dhtnode` listens on all interfaces, so the nodes live in a network namespace of their own, which has no name and ends
//! with the last process in it: [`run`] starts this program once more in there ([`inside`]). All of them end when the
//! program that started them does, however that comes about.

mod http;
pub mod inside;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::LabError;
use crate::figures::Times;
use crate::workload::Workload;

/// What the yardstick needs from the system: a program, and the Debian package that brings it.
const NEEDED: [(&str, &str); 4] = [
    ("dhtnode", "dhtnode"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("ip", "iproute2"),
];

/// Operations of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    /// How many gave what they ought to.
    pub right: usize,
    /// How many there were.
    pub count: usize,
    /// The median in milliseconds.
    pub p50: f64,
    /// All but the slowest hundredth, in milliseconds.
    pub p99: f64,
}

impl Row {
    /// A row of what was measured.
    pub fn new(right: usize, times: &Times) -> Self {
        Self {
            right,
            count: times.count(),
            p50: times.p50(),
            p99: times.p99(),
        }
    }
}

/// The three kinds of operations that are compared.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rows {
    /// Putting one value.
    pub put: Row,
    /// Reading a key with one value.
    pub get: Row,
    /// Reading a key with a value of each writer.
    pub get_all: Row,
}

/// What was measured at the yardstick.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Yardstick {
    /// Through the nodes' REST proxies, over connections that stay.
    pub rest: Rows,
    /// From nodes inside the measuring process, without REST; `None` if the Python module is not there.
    pub native: Option<Rows>,
    /// Memory of one node in megabytes.
    pub memory: Option<f64>,
}

/// Measures a network of so many `dhtnode`s.
///
/// # Errors
/// Something is not installed, or the nodes do not work.
pub fn run(nodes: usize, workload: Workload) -> Result<Yardstick, LabError> {
    for (program, package) in NEEDED {
        if !is_there(program) {
            let words = format!("the yardstick needs {program}: install the package {package} (names as on Debian)");
            return Err(LabError::needed(words));
        }
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--net", "--kill-child"]);
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.arg(std::env::current_exe()?).arg("inside");
    let numbers = [
        nodes,
        workload.operations,
        workload.all,
        workload.writers,
        workload.size,
    ];
    command.args(numbers.map(|number| OsString::from(number.to_string())));
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(LabError::needed(format!("the yardstick ended with {}", output.status)));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| LabError::needed(format!("the yardstick's figures: {error}")))
}

/// Whether a program is on the path, or where administrators' programs are.
fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).any(|file| file.is_file())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|metadata| metadata.uid() == 0)
}
