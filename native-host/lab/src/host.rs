//! Real nodes, `corella node`, each in a process of its own: what is measured of them is what their users have.

use std::path::Path;
use std::process::Stdio;

use corella_gateway::GatewayUrl;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::LabError;
use crate::figures::{Resident, resident};
use crate::node::PATIENCE;

/// A running node with a gateway. It ends when this is dropped.
pub struct Host {
    child: Child,
    status: Status,
}

/// What a node says of itself once it is on line.
#[derive(Deserialize)]
struct Status {
    listen: Vec<String>,
    gateway: String,
}

impl Host {
    /// Starts a node that keeps everything in `folder`, at most `storage` MiB of records, and waits until it is on line. It
    /// stays on loopback, and meets nobody but those at `bootstrap`.
    ///
    /// # Errors
    /// The program does not start, or does not come on line.
    pub async fn start(program: &Path, folder: &Path, storage: u64, bootstrap: &[String]) -> Result<Self, LabError> {
        let mut command = Command::new(program);
        command
            .arg("node")
            .arg("--data")
            .arg(folder)
            .args(["--no-mdns", "--gateway", "127.0.0.1:0"])
            .args(["--listen", "/ip4/127.0.0.1/tcp/0"])
            .args(["--listen", "/ip4/127.0.0.1/udp/0/quic-v1"])
            .args(["--storage", &storage.to_string()])
            // Nodes of one user find each other by a file there.
            .env("XDG_RUNTIME_DIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        for address in bootstrap {
            command.args(["--bootstrap", address]);
        }
        let mut child = command.spawn()?;
        let out = child.stdout.take().ok_or_else(|| LabError::needed("a node's output"))?;
        let mut line = String::new();
        let read = timeout(PATIENCE, BufReader::new(out).read_line(&mut line)).await;
        read.map_err(|_| LabError::needed("a node does not come on line"))??;
        let status = serde_json::from_str(&line);
        let status =
            status.map_err(|error| LabError::needed(format!("a node ended before it was on line: {error}")))?;
        Ok(Self { child, status })
    }

    /// Where others can join.
    pub fn listen(&self) -> &[String] {
        &self.status.listen
    }

    /// Where its gateway is.
    ///
    /// # Errors
    /// It says something that is no address.
    pub fn gateway(&self) -> Result<GatewayUrl, LabError> {
        let url = format!("http://{}", self.status.gateway).parse();
        url.map_err(|_| LabError::needed(format!("a gateway's address, not {}", self.status.gateway)))
    }

    /// What of it is in memory; `None` where the system does not tell.
    pub fn resident(&self) -> Option<Resident> {
        resident(self.child.id()?)
    }

    /// Ends it.
    ///
    /// # Errors
    /// The system refuses.
    pub async fn stop(mut self) -> Result<(), LabError> {
        Ok(self.child.kill().await?)
    }
}
