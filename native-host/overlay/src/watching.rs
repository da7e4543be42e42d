//! Watching: who wants to know is told of what is new, by the nodes that keep it.
//!
//! Nodes are asked again every minute, and with that it is looked once more what there is: so what a node forgot to tell, or
//! told in vain, is missed for a minute at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use corella_identity::{Credential, Fingerprint, Millis};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;
use crate::key::Key;
use crate::location::{LocationError, LocationService};
use crate::node::NodeState;
use crate::record::{Nonce, Record, Ticket};

/// How often nodes are asked anew to tell.
const RENEWAL: Duration = Duration::from_secs(60);
/// How often it is looked for news where nobody tells.
const POLLING: Duration = Duration::from_secs(5);
/// How often it is looked for revocations there: so many people are watched for them.
const POLLING_REVOKED: Duration = Duration::from_secs(30);
/// How long arriving nodes are gathered before they are asked too.
const GATHERING: Duration = Duration::from_secs(1);
/// How many wait to be asked for at a time.
const AT_A_TIME: usize = 8;
/// Records that wait for who watches.
const WAITING: usize = 64;
/// Commands that wait for the task.
const COMMANDS: usize = 64;

/// What is watched.
#[derive(Clone, Debug)]
pub enum Watched {
    /// What anybody reads.
    Open(Key),
    /// What only this credential's person reads.
    Own(Key, Credential),
}

impl Watched {
    fn key(&self) -> &Key {
        match self {
            Self::Open(key) | Self::Own(key, _) => key,
        }
    }
}

/// The records under a key as they come, each once: those that are there, then those that are new. It is watched until this
/// is dropped.
#[derive(Debug)]
pub struct Watching(mpsc::Receiver<Record>);

impl Watching {
    /// The next record, or `None` when the overlay has ended.
    pub async fn next(&mut self) -> Option<Record> {
        self.0.recv().await
    }
}

/// The way to the task that watches.
#[derive(Clone, Debug)]
pub(crate) struct Watcher(mpsc::Sender<(Watched, mpsc::Sender<Record>)>);

impl Watcher {
    /// Watches a key.
    pub(crate) async fn watch(&self, watched: Watched) -> Watching {
        let (sender, records) = mpsc::channel(WAITING);
        // If the task has ended, the receiver ends too.
        let _ = self.0.send((watched, sender)).await;
        Watching(records)
    }
}

/// Starts the task that watches. `changes` are records that nodes say are new.
pub(crate) fn start(
    location: Arc<dyn LocationService>,
    changes: mpsc::Receiver<String>,
    state: watch::Receiver<NodeState>,
    clock: Clock,
) -> Watcher {
    let (sender, commands) = mpsc::channel(COMMANDS);
    let task = Task {
        location,
        clock,
        watches: Vec::new(),
        rounds: FuturesUnordered::new(),
        next_id: 0,
    };
    tokio::spawn(task.run(commands, changes, state));
    Watcher(sender)
}

struct Watch {
    id: u64,
    watched: Watched,
    sender: mpsc::Sender<Record>,
    /// The newest that was told, by signer and nonce.
    told: HashMap<(Fingerprint, Nonce), (Millis, Millis)>,
    due: Instant,
    asking: bool,
}

/// What one asking brought.
struct Round {
    id: u64,
    told_by_nodes: bool,
    records: Vec<Record>,
}

struct Task {
    location: Arc<dyn LocationService>,
    clock: Clock,
    watches: Vec<Watch>,
    rounds: FuturesUnordered<BoxFuture<'static, Round>>,
    next_id: u64,
}

impl Task {
    async fn run(
        mut self,
        mut commands: mpsc::Receiver<(Watched, mpsc::Sender<Record>)>,
        mut changes: mpsc::Receiver<String>,
        mut state: watch::Receiver<NodeState>,
    ) {
        let mut joined = state.borrow_and_update().joined;
        loop {
            self.watches.retain(|watch| !watch.sender.is_closed());
            self.ask_for_what_is_due();
            let due = self
                .watches
                .iter()
                .filter(|watch| !watch.asking)
                .map(|watch| watch.due)
                .min();
            let due = due.unwrap_or_else(|| Instant::now() + RENEWAL).max(Instant::now());
            let busy = self.rounds.len() >= AT_A_TIME;
            tokio::select! {
                command = commands.recv() => match command {
                    Some((watched, sender)) => self.add(watched, sender),
                    None => return,
                },
                change = changes.recv() => match change {
                    Some(xml) => self.changed(&xml),
                    None => return,
                },
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now_joined = state.borrow_and_update().joined;
                    if std::mem::replace(&mut joined, now_joined) != now_joined {
                        self.hasten(GATHERING);
                    }
                }
                Some(round) = self.rounds.next() => self.on_round(round),
                () = sleep_until(due), if !busy => {}
            }
        }
    }

    fn add(&mut self, watched: Watched, sender: mpsc::Sender<Record>) {
        self.next_id += 1;
        self.watches.push(Watch {
            id: self.next_id,
            watched,
            sender,
            told: HashMap::new(),
            due: Instant::now(),
            asking: false,
        });
    }

    /// Nodes have come that may have to tell too.
    fn hasten(&mut self, wait: Duration) {
        let soon = Instant::now() + wait;
        for watch in &mut self.watches {
            watch.due = watch.due.min(soon);
        }
    }

    fn ask_for_what_is_due(&mut self) {
        let now = Instant::now();
        for watch in &mut self.watches {
            if watch.asking || watch.due > now || self.rounds.len() >= AT_A_TIME {
                continue;
            }
            watch.asking = true;
            let location = Arc::clone(&self.location);
            let (id, watched, now) = (watch.id, watch.watched.clone(), self.clock.now());
            self.rounds.push(Box::pin(async move {
                let (told_by_nodes, records) = ask(&*location, &watched, now).await.unwrap_or_default();
                Round {
                    id,
                    told_by_nodes,
                    records,
                }
            }));
        }
    }

    fn on_round(&mut self, round: Round) {
        let now = self.clock.now();
        if let Some(watch) = self.watches.iter_mut().find(|watch| watch.id == round.id) {
            watch.asking = false;
            let pause = match watch.watched.key() {
                _ if round.told_by_nodes => RENEWAL,
                Key::Revoked(_) => POLLING_REVOKED,
                _ => POLLING,
            };
            watch.due = Instant::now() + pause;
            for record in &round.records {
                watch.tell(record, now);
            }
        }
    }

    /// A node says that a record is new. It is believed as far as it is signed.
    fn changed(&mut self, xml: &str) {
        let now = self.clock.now();
        match Record::from_xml(xml.as_bytes(), now) {
            Ok(record) => {
                for watch in self
                    .watches
                    .iter_mut()
                    .filter(|watch| watch.watched.key() == record.key())
                {
                    watch.tell(&record, now);
                }
            }
            Err(error) => tracing::debug!(%error, "a node tells of something that is no record"),
        }
    }
}

impl Watch {
    /// Passes a record on if it is newer than what was told. Who does not take what is told hears it in the next round.
    fn tell(&mut self, record: &Record, now: Millis) {
        self.told.retain(|_, (_, expires)| *expires > now);
        let slot = (record.signer().fingerprint(), record.nonce());
        let is_known = self.told.get(&slot).is_some_and(|(told, _)| *told >= record.sequence());
        if !is_known && self.sender.try_send(record.clone()).is_ok() {
            self.told.insert(slot, (record.sequence(), record.expires()));
        }
    }
}

/// Asks nodes to tell, then what there is: so nothing falls between the two.
async fn ask(
    location: &dyn LocationService,
    watched: &Watched,
    now: Millis,
) -> Result<(bool, Vec<Record>), LocationError> {
    match watched {
        Watched::Open(key) => {
            let told = location.watch(key, None).await?;
            Ok((told, location.get(key).await?))
        }
        Watched::Own(key, credential) => match Ticket::sign(credential, key.clone(), now) {
            Ok(ticket) => {
                let told = location.watch(key, Some(&ticket)).await?;
                Ok((told, location.read(&ticket).await?))
            }
            Err(error) => {
                tracing::warn!(%error, "what is kept for the user cannot be asked for");
                Ok((false, Vec::new()))
            }
        },
    }
}
