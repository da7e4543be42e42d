//! The thread on which records are verified and kept, so that neither holds up the network.
//!
//! Requests that wait are answered together, in one transaction; nobody hears an answer before that is written.

use std::collections::HashSet;
use std::thread;

use corella_identity::{Fingerprint, trust::TrustAnchors};
use libp2p::PeerId;
use tokio::sync::{mpsc, oneshot};

use super::holdings::Holding;
use super::keeper::{Asker, Keeper};
use super::refusal::Refusal;
use crate::clock::Clock;
use crate::store_protocol::{Request, Response};

/// Requests that wait.
const QUEUE: usize = 512;
/// Most requests that are answered together.
const BATCH: usize = 64;

enum Job {
    Answer(Request, Asker, oneshot::Sender<Response>),
    Know(HashSet<Fingerprint>),
    Trust(TrustAnchors),
    Own(Fingerprint),
    Holdings(Option<Holding>, oneshot::Sender<Vec<Holding>>),
    HandOn(Holding, oneshot::Sender<Vec<Request>>),
    Expire,
}

/// The way to the thread. It ends when all handles are gone.
#[derive(Clone, Debug)]
pub(crate) struct Store(mpsc::Sender<Job>);

impl Store {
    /// Starts the thread. What watchers are to hear goes to `tell`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(keeper: Keeper, clock: Clock, tell: mpsc::Sender<(PeerId, Request)>) -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("storing".to_owned())
            .spawn(move || run(keeper, &clock, jobs, &tell))?;
        Ok(Self(sender))
    }

    /// The answer to a request; a node with too much to do is busy.
    pub(crate) fn answer(&self, request: Request, asker: Asker) -> impl Future<Output = Response> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.try_send(Job::Answer(request, asker, reply));
        async move {
            match sent {
                Ok(()) => answer.await.unwrap_or_else(|_| Refusal::Unavailable.into()),
                Err(_) => Refusal::Busy.into(),
            }
        }
    }

    /// Trusts these authorities from now on.
    pub(crate) async fn trust(&self, anchors: TrustAnchors) {
        // Fails only if the thread has ended.
        let _ = self.0.send(Job::Trust(anchors)).await;
    }

    /// Whose certificates the node's own user knows, from now on.
    pub(crate) async fn know(&self, known: HashSet<Fingerprint>) {
        // Fails only if the thread has ended.
        let _ = self.0.send(Job::Know(known)).await;
    }

    /// A certificate of the node's own user, whose records never give way.
    pub(crate) async fn own(&self, own: Fingerprint) {
        // Fails only if the thread has ended.
        let _ = self.0.send(Job::Own(own)).await;
    }

    /// What is kept, in order, after the last that was told.
    pub(crate) async fn holdings(&self, after: Option<Holding>) -> Vec<Holding> {
        self.call(|reply| Job::Holdings(after, reply)).await
    }

    /// The requests that hand something on.
    pub(crate) async fn hand_on(&self, holding: Holding) -> Vec<Request> {
        self.call(|reply| Job::HandOn(holding, reply)).await
    }

    async fn call<T: Default>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> T {
        let (reply, answer) = oneshot::channel();
        // A thread that has ended keeps nothing any more.
        let _ = self.0.send(job(reply)).await;
        answer.await.unwrap_or_default()
    }

    /// Forgets what is over.
    pub(crate) fn expire(&self) {
        // A thread with too much to do will be asked again.
        let _ = self.0.try_send(Job::Expire);
    }
}

fn run(mut keeper: Keeper, clock: &Clock, mut jobs: mpsc::Receiver<Job>, tell: &mpsc::Sender<(PeerId, Request)>) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
        let mut answers = Vec::with_capacity(batch.len());
        keeper.node.begin();
        for job in batch.drain(..) {
            let now = clock.now();
            match job {
                Job::Answer(request, asker, reply) => {
                    let answer = keeper.answer(&request, asker, now);
                    answers.push((reply, answer));
                }
                Job::Know(known) => keeper.know(known),
                Job::Trust(anchors) => keeper.trust(anchors),
                Job::Own(own) => keeper.own(own),
                Job::Holdings(after, reply) => {
                    let _ = reply.send(keeper.node.holdings(after).unwrap_or_default());
                }
                Job::HandOn(holding, reply) => {
                    let _ = reply.send(keeper.node.hand_on(&holding, now).unwrap_or_default());
                }
                Job::Expire => keeper.expire(now),
            }
        }
        keeper.node.commit();
        for (reply, answer) in answers {
            // Whoever asked may be gone.
            let _ = reply.send(answer.response);
            for one in answer.tell {
                // Watchers are told if there is time for it; they look for themselves now and then.
                let _ = tell.try_send(one);
            }
        }
    }
}
