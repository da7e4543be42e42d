//! One running `corella agent`, spoken to in lines.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use serde_json::{Value, json};

use crate::Outcome;

/// A running agent; it ends with this value.
pub(crate) struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    /// Its lines, read as they come whether they are looked at or not.
    output: Receiver<String>,
    last_id: u64,
    /// What came while something else was waited for.
    kept: VecDeque<Value>,
}

impl Agent {
    /// Starts it with its data and its whole home in `folder`.
    pub(crate) fn start(corella: &Path, folder: &Path, address: &str, bootstrap: &[String]) -> Outcome<Self> {
        let runtime = folder.join("run");
        std::fs::create_dir_all(&runtime)?;
        let mut command = Command::new(corella);
        command
            .arg("agent")
            .arg("--data")
            .arg(folder.join("data"))
            .args(["--address", address, "--no-mdns"]);
        command.args([
            "--listen",
            "/ip4/127.0.0.1/tcp/0",
            "--listen",
            "/ip4/127.0.0.1/udp/0/quic-v1",
        ]);
        for address in bootstrap {
            command.args(["--bootstrap", address]);
        }
        command.env("HOME", folder).env("XDG_RUNTIME_DIR", &runtime);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.join("log"))?);
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Ok(Self {
            child,
            input,
            output,
            last_id: 0,
            kept: VecDeque::new(),
        })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it is on line; gives its addresses.
    pub(crate) fn on_line(&mut self) -> Outcome<Vec<String>> {
        loop {
            let message = self.next()?;
            if message["method"] == "status/changed" && message["params"]["online"] == true {
                let listen = message["params"]["listen"].as_array().cloned().unwrap_or_default();
                return Ok(listen
                    .iter()
                    .filter_map(|one| one.as_str().map(str::to_owned))
                    .collect());
            }
        }
    }

    /// Sends a call and gives its id.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Outcome<u64> {
        self.last_id += 1;
        let call = json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params });
        let input = self.input.as_mut().ok_or("the agent was ended")?;
        input.write_all(format!("{call}\n").as_bytes())?;
        Ok(self.last_id)
    }

    /// Calls and gives the result; what comes meanwhile is kept for [`Agent::until`].
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Outcome<Value> {
        let id = self.ask(method, &params)?;
        loop {
            let message = self.read()?;
            if message["id"] == id {
                return match message.get("result") {
                    Some(result) => Ok(result.clone()),
                    None => Err(format!("{method}: {}", message["error"]).into()),
                };
            }
            self.kept.push_back(message);
        }
    }

    /// Reads on until a message fits.
    pub(crate) fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Outcome<()> {
        while !fits(&self.next()?) {}
        Ok(())
    }

    /// The next message, in order.
    pub(crate) fn next(&mut self) -> Outcome<Value> {
        self.kept.pop_front().map_or_else(|| self.read(), Ok)
    }

    /// Ends it cleanly.
    pub(crate) fn end(mut self) -> Outcome<()> {
        drop(self.input.take());
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("an agent ended with {status}").into())
        }
    }

    fn read(&mut self) -> Outcome<Value> {
        let line = self.output.recv();
        let line = line.map_err(|_| "an agent ended; see the log in its folder")?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // After `end` both do nothing; after a failure nobody is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
