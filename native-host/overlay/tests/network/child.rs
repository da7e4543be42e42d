//! A second process: this test binary itself, told by the environment to be an agent until it is killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use libp2p::Multiaddr;

use crate::world::Agent;

const LISTEN: &str = "CORELLA_TEST_LISTEN";
const BOOTSTRAP: &str = "CORELLA_TEST_BOOTSTRAP";
const READY: &str = "the child is ready";

/// The agent `child@example.net` in a process of its own. Killed when dropped.
pub(crate) struct ChildAgent(Child);

impl ChildAgent {
    /// Starts it; when this returns it is on line and has published.
    pub(crate) fn start(listen: &str, bootstrap: &Multiaddr) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::lives_until_it_is_killed", "--nocapture"])
            .env(LISTEN, listen)
            .env(BOOTSTRAP, bootstrap.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let ready = BufReader::new(output).lines().any(|line| line.unwrap().contains(READY));
        assert!(ready, "the child ended before it was ready");
        Self(child)
    }

    /// Ends it as `kill -9` does: no goodbye.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Stops it as a suspended computer stops: its sockets stay, and nobody answers.
    pub(crate) fn freeze(&self) {
        let process = rustix::process::Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::STOP).unwrap();
    }
}

impl Drop for ChildAgent {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Not a test of its own: what [`ChildAgent`] runs. In a normal run it has nothing to do.
#[tokio::test]
async fn lives_until_it_is_killed() {
    let (Ok(listen), Ok(bootstrap)) = (std::env::var(LISTEN), std::env::var(BOOTSTRAP)) else {
        return;
    };
    let mut agent = Agent::start("child", &listen, vec![bootstrap.parse().unwrap()]).await;
    println!("{READY}");
    let mut links = Vec::new();
    loop {
        links.push(agent.incoming().await);
    }
}
