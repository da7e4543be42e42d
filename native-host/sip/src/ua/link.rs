//! One link: a stream to one peer, read, written and delivered from in one task.
//!
//! Nothing here grows with what the peer does. What it may have under way with us is a window of bytes
//! ([`INCOMING_WINDOW`]); a full window, or a rate above the link's, stops the reading of its stream until
//! there is room again. What we have under way with it is half of that ([`OUTGOING_WINDOW`]), so two user
//! agents of this kind never wait for each other.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsipstack::sip::Request;
use rsipstack::transaction::key::TransactionKey;
use rsipstack::transport::{SipConnection, TransportEvent};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::event::{Closed, Event, IncomingMessage, Reply, Responder};
use super::stack::Stack;
use super::writer::Writer;
use super::{LinkInfo, Shared, address};
use crate::guard::{Frame, Framer, Guard, MAX_MESSAGE, Passed, Rate, Refusal, RequestFacts, TokenBucket, Verdict};

/// What one peer may have under way with us, in bytes: requests not answered yet, and answers not taken yet.
pub(super) const INCOMING_WINDOW: usize = 1024 * 1024;
/// What we may have under way with one peer, in bytes. Less than [`INCOMING_WINDOW`].
pub(super) const OUTGOING_WINDOW: usize = INCOMING_WINDOW / 2;
/// The least that anything counts in a window; so 256 small requests from, or 128 to, one peer.
const LEAST: usize = 4 * 1024;

/// How long a link that ends on our side may take to say its last words.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a link is quiet before the peer is asked whether it is there (RFC 5626 section 3.5.1: a double CRLF, which is
/// answered by one).
const QUIET: Duration = Duration::from_secs(2);
/// How many such questions without any sign of life are enough: one may be late.
const QUESTIONS: u32 = 2;
/// How long a peer may be silent. A connection whose other end vanished without a word looks like one on which nothing is said;
/// only this tells them apart.
pub const SILENCE: Duration = QUIET.saturating_mul(QUESTIONS + 1);

/// What a message of that length takes of a window.
pub(super) fn weight(length: usize) -> u32 {
    u32::try_from(length.clamp(LEAST, MAX_MESSAGE)).unwrap_or(u32::MAX)
}

/// The part of a link that the user agent and the link's task share.
pub(super) struct Link {
    pub(super) info: LinkInfo,
    pub(super) connection: SipConnection,
    /// Cancelled once the link is of no use: whoever waits for an answer stops waiting.
    pub(super) closed: CancellationToken,
    /// Cancelled to end the link from our side.
    pub(super) detach: CancellationToken,
    /// Room for requests of ours.
    pub(super) window: Semaphore,
    bucket: Mutex<TokenBucket>,
    /// Requests of ours without a final answer; true once the final answer came from the peer.
    pending: Mutex<HashMap<TransactionKey, bool>>,
}

/// A lock that no panic of another task can take away: what it guards is good after every single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    pub(super) fn new(
        info: LinkInfo,
        connection: SipConnection,
        closed: CancellationToken,
        detach: CancellationToken,
    ) -> Self {
        let bucket = TokenBucket::new(info.rate, now());
        Self {
            info,
            connection,
            closed,
            detach,
            window: Semaphore::new(OUTGOING_WINDOW),
            bucket: Mutex::new(bucket),
            pending: Mutex::default(),
        }
    }

    pub(super) fn set_rate(&self, rate: Rate) {
        lock(&self.bucket).set_rate(rate, now());
    }

    /// Notes that an answer with that key is waited for, until the returned value is dropped.
    pub(super) fn expect(&self, key: TransactionKey) -> Expected<'_> {
        lock(&self.pending).insert(key.clone(), false);
        Expected { link: self, key }
    }

    /// Whether a response belongs to a request that waits; a final one is noted.
    fn is_expected(&self, key: &TransactionKey, is_final: bool) -> bool {
        match lock(&self.pending).get_mut(key) {
            Some(answered) if !*answered => {
                *answered = is_final;
                true
            }
            _ => false,
        }
    }

    /// Waits as long as the link's rate asks for.
    async fn pace(&self) {
        let pause = lock(&self.bucket).take(now());
        if pause > Duration::ZERO {
            tokio::time::sleep(pause).await;
        }
    }
}

/// A request of ours on its way. See [`Link::expect`].
pub(super) struct Expected<'a> {
    link: &'a Link,
    key: TransactionKey,
}

impl Expected<'_> {
    /// Whether the peer itself gave a final answer (and not a timer of the stack).
    pub(super) fn is_answered(&self) -> bool {
        lock(&self.link.pending).get(&self.key).copied().unwrap_or_default()
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        lock(&self.link.pending).remove(&self.key);
    }
}

/// The runtime's clock, which tests can stop.
fn now() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}

/// Reads the peer's stream: frames, judges, paces, and passes on.
pub(super) struct Reader {
    pub(super) link: Arc<Link>,
    pub(super) guard: Arc<Guard>,
    pub(super) stack: Arc<Stack>,
    pub(super) own_host: Arc<str>,
    /// Room for what the peer asks.
    pub(super) window: Arc<Semaphore>,
    /// Room for one sign of life: whoever takes nothing gets no second one.
    pub(super) signs: Arc<Semaphore>,
    pub(super) replies: mpsc::UnboundedSender<Reply>,
    pub(super) messages: mpsc::UnboundedSender<IncomingMessage>,
}

impl Reader {
    /// Reads until the link must end, and says why.
    pub(super) async fn run(&self, source: &mut (impl AsyncRead + Unpin)) -> Closed {
        let mut framer = Framer::new();
        let mut heard_of_us = Instant::now();
        let mut piece = vec![0; 16 * 1024];
        loop {
            let mut is_paid = false;
            while let Some(frame) = framer.next_frame() {
                heard_of_us = Instant::now();
                if let Err(why) = self.take(frame, &mut is_paid).await {
                    return why;
                }
            }
            // Whoever sends something large over a slow line hears nothing of us until it is whole: one CRLF says that we are there.
            if heard_of_us.elapsed() >= QUIET {
                heard_of_us = Instant::now();
                self.sign(b"\r\n");
            }
            match self.hear(source, &mut piece, &mut framer).await {
                Some(Ok(0)) => return Closed::ByPeer,
                Some(Ok(length)) => framer.push(&piece[..length]),
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(Err(error)) => return Closed::Broken(error.kind()),
                None => return Closed::Silent,
            }
        }
    }

    /// Reads, and asks a peer that is quiet whether it is there; `None` if it never says anything. Only time in which we listened
    /// counts: while our own side was busy, or suspended, the peer was not silent.
    async fn hear(
        &self,
        source: &mut (impl AsyncRead + Unpin),
        piece: &mut [u8],
        framer: &mut Framer,
    ) -> Option<io::Result<usize>> {
        for _ in 0..QUESTIONS {
            if let Ok(read) = timeout(QUIET, source.read(piece)).await {
                return Some(read);
            }
            if self.sign(b"\r\n\r\n") {
                framer.asked();
            }
        }
        timeout(QUIET, source.read(piece)).await.ok()
    }

    /// Sends a sign of life, unless the last one is not written yet. Whether it did.
    fn sign(&self, bytes: &[u8]) -> bool {
        let room = Arc::clone(&self.signs).try_acquire_owned();
        room.map(|room| self.reply(bytes.to_vec(), room)).is_ok()
    }

    /// Acts on one frame. The keep-alives that were read in one piece are paid for together (`is_paid`): one by one, a burst of a few
    /// kilobytes would stop the reading for minutes, and the link's end would not be seen.
    async fn take(&self, frame: Frame, is_paid: &mut bool) -> Result<(), Closed> {
        let (message, verdict) = match frame {
            Frame::Message(message) => {
                let verdict = self.guard.judge(&message);
                if let Verdict::Pass(Passed::Response(facts)) = &verdict
                    && self.response(&message, facts.status >= 200).await
                {
                    // Asked for: it costs nothing.
                    return Ok(());
                }
                (message, verdict)
            }
            Frame::Broken { head, refusal } => {
                let verdict = self.guard.refuse(&head, refusal);
                (head, verdict)
            }
            Frame::Ping | Frame::Pong => {
                if !std::mem::replace(is_paid, true) {
                    self.link.pace().await;
                }
                if frame == Frame::Ping {
                    let room = self.room(0).await?;
                    self.reply(b"\r\n".to_vec(), room);
                }
                return Ok(());
            }
        };
        self.link.pace().await;
        let room = self.room(message.len()).await?;
        match verdict {
            Verdict::Pass(Passed::Response(_)) => Ok(()),
            Verdict::Pass(Passed::Request(facts)) => match self.read(&message, &facts) {
                Ok((request, key)) => {
                    self.request(&message, facts, request, key, room).await;
                    Ok(())
                }
                Err(refusal) => self.refuse(self.guard.refuse(&message, refusal), room),
            },
            verdict => self.refuse(verdict, room),
        }
    }

    /// Checks what only the link knows, and lets the stack read.
    fn read(&self, message: &[u8], facts: &RequestFacts) -> Result<(Request, TransactionKey), Refusal> {
        address::check(&self.link.info, &self.own_host, facts)?;
        Stack::read_request(message, facts).ok_or(Refusal::NotUnderstood)
    }

    /// Carries out a verdict other than to pass.
    fn refuse(&self, verdict: Verdict, room: OwnedSemaphorePermit) -> Result<(), Closed> {
        let closes = verdict.closes();
        let refusal = match verdict {
            Verdict::Pass(_) => return Ok(()),
            Verdict::Answer { refusal, bytes } => {
                self.reply(bytes, room);
                refusal
            }
            Verdict::Drop(refusal) => refusal,
        };
        tracing::debug!(link = self.link.info.id.0, status = refusal.status(), %refusal, closes, "refused");
        if closes { Err(Closed::Refused(refusal)) } else { Ok(()) }
    }

    async fn request(
        &self,
        message: &[u8],
        facts: RequestFacts,
        request: Request,
        key: TransactionKey,
        room: OwnedSemaphorePermit,
    ) {
        // Only what passed comes here, so there is a Via and a form.
        let Some(form) = self.guard.answer_form(message) else {
            return;
        };
        let Some(mut transaction) = self.stack.open(request, &key, &self.link.connection).await else {
            return;
        };
        let body = std::mem::take(&mut transaction.original.body);
        let responder = Responder::new(form, room, self.replies.clone(), transaction);
        if facts.method == "OPTIONS" {
            let fields = self.guard.policy().capabilities();
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            return responder.answer_with(200, &fields);
        }
        let message = IncomingMessage {
            link: self.link.info.id,
            from: self.link.info.remote.clone(),
            to: self.link.info.local.clone(),
            content_type: facts.content_type,
            body,
            responder,
        };
        // The receiver lives as long as this reader.
        let _ = self.messages.send(message);
    }

    /// Passes on a response that is waited for on this very link; false for any other.
    async fn response(&self, message: &[u8], is_final: bool) -> bool {
        let Some((response, key)) = Stack::read_response(message) else {
            return false;
        };
        let expected = self.link.is_expected(&key, is_final);
        if expected {
            self.stack.deliver(response, &self.link.connection).await;
        }
        expected
    }

    async fn room(&self, length: usize) -> Result<OwnedSemaphorePermit, Closed> {
        // The semaphore is never closed.
        Arc::clone(&self.window)
            .acquire_many_owned(weight(length))
            .await
            .map_err(|_| Closed::ShutDown)
    }

    fn reply(&self, bytes: Vec<u8>, room: OwnedSemaphorePermit) {
        // The writer lives as long as this reader.
        let _ = self.replies.send(Reply { bytes, room });
    }
}

/// Passes messages on to the user agent's user, one after the other. It stands apart from the reader so that
/// answers to our own requests never wait behind a user who is busy.
pub(super) async fn deliver(messages: &mut mpsc::UnboundedReceiver<IncomingMessage>, events: &mpsc::Sender<Event>) {
    while let Some(message) = messages.recv().await {
        // Without a receiver nobody answers: the dropped responder says 500.
        let _ = events.send(Event::Message(message)).await;
    }
}

/// Reads on without looking, so that a refusal reaches a peer that is still writing. Ends with the stream, or after
/// [`INCOMING_WINDOW`] bytes; the caller limits the time.
pub(super) async fn linger(source: &mut (impl AsyncRead + Unpin)) {
    let mut piece = vec![0; 16 * 1024];
    let mut left = INCOMING_WINDOW;
    while left > 0 {
        match source.read(&mut piece).await {
            Ok(length) if length > 0 => left = left.saturating_sub(length),
            _ => return,
        }
    }
}

/// The life of a link.
pub(super) async fn run<S>(shared: Arc<Shared>, link: Arc<Link>, requests: mpsc::Receiver<TransportEvent>, stream: S)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut source, sink) = tokio::io::split(stream);
    let (replies, waiting_replies) = mpsc::unbounded_channel();
    let (messages, mut waiting_messages) = mpsc::unbounded_channel();
    let mut writer = Writer::new(sink, requests, waiting_replies);
    let reader = Reader {
        link: Arc::clone(&link),
        guard: Arc::clone(&shared.guard),
        stack: Arc::clone(&shared.stack),
        own_host: Arc::clone(&shared.host),
        window: Arc::new(Semaphore::new(INCOMING_WINDOW)),
        signs: Arc::new(Semaphore::new(1)),
        replies,
        messages,
    };
    let why = tokio::select! {
        biased;
        () = link.detach.cancelled() => if shared.cancel.is_cancelled() { Closed::ShutDown } else { Closed::Detached },
        why = writer.run() => why,
        why = reader.run(&mut source) => why,
        () = deliver(&mut waiting_messages, &shared.events) => Closed::ShutDown,
    };
    link.closed.cancel();
    shared.links().remove(&link.info.id);
    tracing::debug!(link = link.info.id.0, %why, "link closed");
    let says_farewell = matches!(why, Closed::Detached | Closed::ShutDown | Closed::Refused(_));
    let farewell = async {
        if says_farewell {
            let last_words = async {
                writer.finish().await;
                linger(&mut source).await;
            };
            // Whatever was not said by then stays unsaid.
            let _ = timeout(FAREWELL, last_words).await;
        }
        drop((writer, source));
    };
    let told = async {
        let told = async {
            // What came whole is worth reading, though no answer will reach its sender any more.
            while !link.detach.is_cancelled()
                && let Ok(message) = waiting_messages.try_recv()
            {
                let _ = shared.events.send(Event::Message(message)).await;
            }
            let _ = shared
                .events
                .send(Event::LinkClosed {
                    link: link.info.id,
                    why,
                })
                .await;
        };
        tokio::select! {
            biased;
            () = told => {}
            // Nobody need be told of what they asked for themselves.
            () = shared.cancel.cancelled() => {}
        }
    };
    tokio::join!(farewell, told);
}
