//! Keeps the own records in the overlay: one task holds the credentials and signs anew whenever records are put.

mod own;
mod schedule;
mod signing;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use corella_identity::{AddressOfRecord, Credential, Millis};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::location::{LocationError, LocationService, PutReport};
use crate::node::NodeState;
use crate::record::{CLOCK_TOLERANCE, Record, RecordError};
use crate::storing::Refusal;
pub(crate) use own::OwnRecords;
use schedule::Schedule;

/// Commands that wait for the task.
const COMMANDS: usize = 16;
/// The wall clock is looked at this often at least: it moves while a computer sleeps, timers do not.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// How far ahead of the clock a sequence may be to overtake a newer record, and how often that may be done.
const FARTHEST_AHEAD: Millis = CLOCK_TOLERANCE - 60 * 1000;
const CATCH_UP_PAUSE: Millis = 60 * 1000;

/// Why own records could not be put.
#[derive(Clone, Debug, Error)]
pub enum PublishError {
    /// The credential makes no record, for example because its certificate has expired.
    #[error("no record can be made with this credential: {0}")]
    Record(Arc<RecordError>),
    /// The overlay was shut down.
    #[error(transparent)]
    Location(#[from] LocationError),
}

type Published = Result<PutReport, PublishError>;

enum Command {
    Publish(Credential, oneshot::Sender<Published>),
    Withdraw(AddressOfRecord, oneshot::Sender<()>),
    WithdrawAll(oneshot::Sender<()>),
}

/// The way to the publisher. It ends when this is dropped.
#[derive(Clone)]
pub(crate) struct PublisherHandle(mpsc::Sender<Command>);

impl PublisherHandle {
    pub(crate) async fn publish(&self, credential: Credential) -> Published {
        let stopped = Err(PublishError::Location(LocationError::Stopped));
        let (reply, answer) = oneshot::channel();
        if self.0.send(Command::Publish(credential, reply)).await.is_err() {
            return stopped;
        }
        answer.await.unwrap_or(stopped)
    }

    pub(crate) async fn withdraw(&self, address: AddressOfRecord) {
        self.call(|reply| Command::Withdraw(address, reply)).await;
    }

    pub(crate) async fn withdraw_all(&self) {
        self.call(Command::WithdrawAll).await;
    }

    async fn call(&self, command: impl FnOnce(oneshot::Sender<()>) -> Command) {
        let (reply, answer) = oneshot::channel();
        if self.0.send(command(reply)).await.is_ok() {
            // A publisher that has ended has nothing left to withdraw.
            let _ = answer.await;
        }
    }
}

/// Starts the publisher of a device.
pub(crate) fn start(
    peer: PeerId,
    location: Arc<dyn LocationService>,
    state: watch::Receiver<NodeState>,
    clock: Clock,
    own: OwnRecords,
) -> PublisherHandle {
    let (sender, commands) = mpsc::channel(COMMANDS);
    let publisher = Publisher {
        peer,
        location,
        clock,
        own,
        publications: HashMap::new(),
        puts: FuturesUnordered::new(),
    };
    tokio::spawn(publisher.run(commands, state));
    PublisherHandle(sender)
}

struct Publication {
    credential: Credential,
    schedule: Schedule,
    sequence: Millis,
    /// When a newer record of this device was last overtaken.
    caught_up: Option<Millis>,
    /// A put is under way; the next one waits for its end.
    putting: bool,
    /// Who waits for the next put.
    waiting: Vec<oneshot::Sender<Published>>,
}

/// A put that has ended.
struct Put {
    address: AddressOfRecord,
    contacts: Result<PutReport, LocationError>,
    certificate: Result<PutReport, LocationError>,
    waiting: Vec<oneshot::Sender<Published>>,
}

struct Publisher {
    peer: PeerId,
    location: Arc<dyn LocationService>,
    clock: Clock,
    own: OwnRecords,
    publications: HashMap<AddressOfRecord, Publication>,
    puts: FuturesUnordered<BoxFuture<'static, Put>>,
}

impl Publisher {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut state: watch::Receiver<NodeState>) {
        let mut known = state.borrow_and_update().clone();
        loop {
            self.put_what_is_due(&known);
            let pause = self.pause();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.on_command(command).await,
                    None => return,
                },
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let new = state.borrow_and_update().clone();
                    self.on_state(&known, &new);
                    known = new;
                }
                Some(put) = self.puts.next() => self.on_put(put, known.peers > 0),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn pause(&self) -> Duration {
        let now = self.clock.now();
        let idle = self.publications.values().filter(|publication| !publication.putting);
        let next = idle.map(|publication| publication.schedule.due()).min();
        let until = next.map_or(LONGEST_SLEEP, |due| {
            Duration::from_millis(u64::try_from(due - now).unwrap_or(0))
        });
        until.min(LONGEST_SLEEP)
    }

    async fn on_command(&mut self, command: Command) {
        match command {
            Command::Publish(credential, reply) => {
                let now = self.clock.now();
                let address = credential.address().clone();
                let publication = self.publications.entry(address).or_insert_with(|| Publication {
                    credential: credential.clone(),
                    schedule: Schedule::new(now),
                    sequence: 0,
                    caught_up: None,
                    putting: false,
                    waiting: Vec::new(),
                });
                publication.credential = credential;
                publication.schedule.outdated(now);
                publication.waiting.push(reply);
            }
            Command::Withdraw(address, reply) => {
                self.withdraw(&[address]).await;
                let _ = reply.send(());
            }
            Command::WithdrawAll(reply) => {
                let all: Vec<AddressOfRecord> = self.publications.keys().cloned().collect();
                self.withdraw(&all).await;
                let _ = reply.send(());
            }
        }
    }

    fn on_state(&mut self, old: &NodeState, new: &NodeState) {
        let now = self.clock.now();
        for publication in self.publications.values_mut() {
            if new.listen != old.listen {
                publication.schedule.moved(now);
            }
            if new.joined != old.joined {
                publication.schedule.joined(now);
            }
        }
    }

    fn put_what_is_due(&mut self, state: &NodeState) {
        let now = self.clock.now();
        for (address, publication) in &mut self.publications {
            publication.schedule.check_clock(now);
            if publication.putting || publication.schedule.due() > now {
                continue;
            }
            publication.schedule.begins(now);
            let sequence = publication.next_sequence(now);
            let contacts = signing::contact_record(&publication.credential, self.peer, &state.listen, sequence);
            let certificate = signing::certificate_record(&publication.credential, sequence);
            match contacts.and_then(|contacts| Ok((contacts, certificate?))) {
                Ok((contacts, certificate)) => {
                    self.own.set(contacts.clone());
                    publication.putting = true;
                    let waiting = std::mem::take(&mut publication.waiting);
                    let put = put(
                        Arc::clone(&self.location),
                        address.clone(),
                        contacts,
                        certificate,
                        waiting,
                    );
                    self.puts.push(Box::pin(put));
                }
                Err(error) => {
                    // What is in the overlay expires; to show it any longer would be useless.
                    self.own.remove(address);
                    tracing::warn!(%error, "no records can be made; the device will not be found");
                    let error = PublishError::Record(Arc::new(error));
                    for reply in publication.waiting.drain(..) {
                        let _ = reply.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    fn on_put(&mut self, put: Put, others: bool) {
        if let Some(publication) = self.publications.get_mut(&put.address) {
            let now = self.clock.now();
            publication.putting = false;
            if let Ok(report) = &put.contacts {
                let keepers = report.stored.iter().filter(|peer| **peer != self.peer).count();
                publication.schedule.ended(keepers, others, now);
            }
            for report in [&put.contacts, &put.certificate].into_iter().flatten() {
                publication.catch_up(report, now);
            }
        }
        for reply in put.waiting {
            // Whoever published need not have waited.
            let _ = reply.send(put.contacts.clone().map_err(PublishError::from));
        }
    }

    /// Says in the overlay that this device is off line for these addresses.
    async fn withdraw(&mut self, addresses: &[AddressOfRecord]) {
        let now = self.clock.now();
        let mut puts = FuturesUnordered::new();
        for address in addresses {
            self.own.remove(address);
            let Some(mut publication) = self.publications.remove(address) else {
                continue;
            };
            let sequence = publication.next_sequence(now);
            let contacts = signing::contact_record(&publication.credential, self.peer, &[], sequence);
            // The certificate stays: others may still have to check what its owner wrote.
            let certificate = signing::certificate_record(&publication.credential, sequence);
            match contacts.and_then(|contacts| Ok((contacts, certificate?))) {
                Ok((contacts, certificate)) => {
                    let location = Arc::clone(&self.location);
                    puts.push(put(location, address.clone(), contacts, certificate, Vec::new()));
                }
                Err(error) => tracing::warn!(%error, "the device cannot be withdrawn; its record will expire"),
            }
        }
        while puts.next().await.is_some() {}
    }
}

async fn put(
    location: Arc<dyn LocationService>,
    address: AddressOfRecord,
    contacts: Record,
    certificate: Record,
    waiting: Vec<oneshot::Sender<Published>>,
) -> Put {
    let (contacts, certificate) = tokio::join!(location.put(&contacts), location.put(&certificate));
    Put {
        address,
        contacts,
        certificate,
        waiting,
    }
}

impl Publication {
    fn next_sequence(&mut self, now: Millis) -> Millis {
        self.sequence = now.max(self.sequence + 1);
        self.sequence
    }

    /// Nodes that know a newer record of this device show that its clock has gone back. The next record is newer than
    /// theirs, as far ahead as nodes with slow clocks allow. Done rarely: a node that only claims to know newer ones
    /// would make us put for ever.
    fn catch_up(&mut self, report: &PutReport, now: Millis) {
        let held = report.refused.iter().filter_map(|(_, refusal)| match refusal {
            Refusal::NotNewer { held } => Some(*held),
            _ => None,
        });
        let is_time = self
            .caught_up
            .is_none_or(|last| now > last + CATCH_UP_PAUSE || now < last);
        if let Some(held) = held.filter(|held| *held <= now + FARTHEST_AHEAD).max()
            && held >= self.sequence
            && is_time
        {
            self.sequence = held;
            self.caught_up = Some(now);
            self.schedule.outdated(now);
        }
    }
}
