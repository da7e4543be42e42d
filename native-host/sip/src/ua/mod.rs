//! The user agent: sends and answers messages on links to peers.
//!
//! A *link* is a byte stream to one device of one person, already authenticated by whoever made it: both ends
//! know whose address the other speaks for ([`LinkInfo`]). The user agent does not know what carries it. It never
//! opens one, never asks DNS, never repeats a request: where to send again is its user's decision.
//!
//! Each link has one task. A peer that is slow, floods, or breaks the protocol holds up its own link alone.

mod address;
mod event;
mod link;
mod stack;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use corella_identity::AddressOfRecord;
use rsipstack::sip::SipMessage;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::coop::unconstrained;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use event::{Closed, Event, IncomingMessage, Responder};
pub use link::SILENCE;
pub use writer::STALLED;

use crate::guard::{Guard, Policy, Rate, media_type};
use link::{Link, OUTGOING_WINDOW, weight};
use stack::Stack;

/// The longest body that [`UserAgent::message`] sends, in bytes: a message of it stays below
/// [`MAX_MESSAGE`](crate::guard::MAX_MESSAGE).
pub const MAX_BODY: usize = 60_000;

/// How long an answer is waited for: timer F of RFC 3261 (64*T1), counted from the call.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(32);

/// Events that wait for the user agent's user.
const EVENTS: usize = 256;

/// A link's name, chosen by whoever attaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of a link before the first byte.
#[derive(Debug, Clone)]
pub struct LinkInfo {
    /// Its name: one that no other attached link has.
    pub id: LinkId,
    /// The peer device's host, such as `b….peer.invalid`; requests to it name it in their Request-URI.
    pub peer_host: String,
    /// Our address of record on this link. Only messages to it are accepted.
    pub local: AddressOfRecord,
    /// The peer's address of record, proven. Only messages from it are accepted.
    pub remote: AddressOfRecord,
    /// How fast the peer is read.
    pub rate: Rate,
}

/// The user agent's own properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAgentConfig {
    /// This device's host, such as `b….peer.invalid`: the sent-by of requests, and the host of Request-URIs that
    /// are ours.
    pub host: String,
    /// User-Agent and Server: `Corella/0.1.0`.
    pub product: String,
    /// Media types of messages that are accepted, without parameters.
    pub accept: Vec<String>,
}

impl UserAgentConfig {
    /// Accepts what Corella sends: sealed messages (RFC 8591), plain text, and CPIM (RFC 3862).
    pub fn new(host: impl Into<String>, product: impl Into<String>) -> Self {
        let accept = ["application/pkcs7-mime", "text/plain", "message/cpim"];
        Self {
            host: host.into(),
            product: product.into(),
            accept: accept.map(str::to_owned).to_vec(),
        }
    }
}

/// A message to the person at the other end of a link.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The value of Content-Type.
    pub content_type: String,
    /// At most [`MAX_BODY`] bytes, any of them.
    pub body: Vec<u8>,
}

/// Shows no content: messages do not belong in logs.
impl fmt::Debug for OutgoingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutgoingMessage({}, {} bytes)", self.content_type, self.body.len())
    }
}

/// The peer's final answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 699.
    pub status: u16,
    /// The peer's words. For logs at most: not checked, not translated.
    pub reason: String,
}

/// Why a message has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The link is gone, or never was. Whether the peer got the message is unknown: send it again, under the
    /// same Message-ID, on another link.
    #[error("the link was lost before an answer came")]
    LinkLost,
    /// No final answer came within [`REQUEST_TIMEOUT`].
    #[error("no answer came within {} seconds", REQUEST_TIMEOUT.as_secs())]
    Timeout,
    /// The body is longer than [`MAX_BODY`].
    #[error("the body is longer than {MAX_BODY} bytes")]
    TooLarge,
    /// The content type is no media type.
    #[error("the content type is no media type such as text/plain;charset=utf-8")]
    ContentType,
    /// The SIP stack would not take the request, which it always should.
    #[error("the SIP stack did not take the request")]
    Stack,
}

/// Why a link was not attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// Another attached link has that id.
    #[error("a link of that id is attached already")]
    InUse,
    /// The user agent was shut down.
    #[error("the user agent was shut down")]
    ShutDown,
    /// The SIP stack would not make a connection, which it always should.
    #[error("the SIP stack did not make a connection")]
    Stack,
}

/// Why a user agent did not start.
#[derive(Debug, thiserror::Error)]
#[error("the SIP stack did not start")]
pub struct StartError;

/// A handle to a running user agent; clones share it. When the last one is dropped, all links end.
#[derive(Clone)]
pub struct UserAgent {
    shared: Arc<Shared>,
    _end: Arc<DropGuard>,
}

struct Shared {
    stack: Arc<Stack>,
    guard: Arc<Guard>,
    host: Arc<str>,
    links: Mutex<HashMap<LinkId, Arc<Link>>>,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Shared {
    fn links(&self) -> MutexGuard<'_, HashMap<LinkId, Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, id: LinkId) -> Option<Arc<Link>> {
        self.links().get(&id).cloned()
    }
}

impl UserAgent {
    /// Starts a user agent. Must be called within a tokio runtime.
    ///
    /// Take events promptly: what nobody takes holds up the links it comes from, and unanswered messages are
    /// sent again by the peers.
    ///
    /// # Errors
    /// The SIP stack does not start.
    pub fn start(config: UserAgentConfig) -> Result<(Self, mpsc::Receiver<Event>), StartError> {
        let cancel = CancellationToken::new();
        let stack = Arc::new(Stack::new(&config.host, &config.product, cancel.clone()).ok_or(StartError)?);
        let (events, receiver) = mpsc::channel(EVENTS);
        let guard = Guard::new(Policy {
            methods: vec!["MESSAGE".to_owned(), "OPTIONS".to_owned()],
            accept: config.accept,
            extensions: Vec::new(),
            product: config.product,
        });
        let shared = Arc::new(Shared {
            stack: Arc::clone(&stack),
            guard: Arc::new(guard),
            host: config.host.into(),
            links: Mutex::default(),
            events,
            cancel: cancel.clone(),
            tasks: TaskTracker::new(),
        });
        shared.tasks.spawn(async move { stack.serve().await });
        Ok((
            Self {
                shared,
                _end: Arc::new(cancel.drop_guard()),
            },
            receiver,
        ))
    }

    /// Takes over a stream to a peer. Several links to the same peer may be attached at once.
    ///
    /// # Errors
    /// The id is in use, or the user agent was shut down; the stream is dropped.
    pub async fn attach<S>(&self, info: LinkInfo, stream: S) -> Result<(), AttachError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let shared = &self.shared;
        if shared.cancel.is_cancelled() {
            return Err(AttachError::ShutDown);
        }
        let closed = CancellationToken::new();
        let capacity = OUTGOING_WINDOW / weight(0) as usize;
        let connected = shared.stack.connect(info.id, capacity, closed.clone()).await;
        let (connection, requests) = connected.ok_or(AttachError::Stack)?;
        let id = info.id;
        let link = Arc::new(Link::new(info, connection, closed, shared.cancel.child_token()));
        match shared.links().entry(id) {
            std::collections::hash_map::Entry::Occupied(_) => return Err(AttachError::InUse),
            std::collections::hash_map::Entry::Vacant(free) => free.insert(Arc::clone(&link)),
        };
        shared
            .tasks
            .spawn(link::run(Arc::clone(shared), link, requests, stream));
        Ok(())
    }

    /// Ends a link: answers given already are still sent, then the stream is closed. Unknown ids are ignored.
    pub fn detach(&self, id: LinkId) {
        if let Some(link) = self.shared.link(id) {
            link.detach.cancel();
        }
    }

    /// Changes how fast a link's peer is read, for instance when its owner became a buddy. Unknown ids are
    /// ignored.
    pub fn set_rate(&self, id: LinkId, rate: Rate) {
        if let Some(link) = self.shared.link(id) {
            link.set_rate(rate);
        }
    }

    /// Sends a MESSAGE (RFC 3428) on a link and waits for the final answer. Many may be under way on one link;
    /// above a certain number of bytes a call waits for its turn. They are sent in the order in which the futures
    /// are first polled.
    ///
    /// Dropping the future gives up the answer, not the message.
    ///
    /// # Errors
    /// See [`SendError`]. When the link dies, the call ends at once.
    pub async fn message(&self, link: LinkId, message: OutgoingMessage) -> Result<Answer, SendError> {
        if message.body.len() > MAX_BODY {
            return Err(SendError::TooLarge);
        }
        if media_type(&message.content_type).is_none() || message.content_type.contains(char::is_control) {
            return Err(SendError::ContentType);
        }
        let link = self.shared.link(link).ok_or(SendError::LinkLost)?;
        let exchange = async {
            tokio::select! {
                biased;
                answer = timeout(REQUEST_TIMEOUT, self.exchange(&link, message)) => answer.unwrap_or(Err(SendError::Timeout)),
                () = link.closed.cancelled() => Err(SendError::LinkLost),
            }
        };
        // tokio's cooperative budget would hold back some of many calls in one task, and let the last go first.
        unconstrained(exchange).await
    }

    async fn exchange(&self, link: &Link, message: OutgoingMessage) -> Result<Answer, SendError> {
        let room = link.window.acquire_many(weight(message.body.len())).await;
        let stack = &self.shared.stack;
        let request = stack.message(&link.info, message);
        let (mut transaction, key) = stack.client(request, &link.connection).ok_or(SendError::Stack)?;
        let expected = link.expect(key);
        transaction.send().await.map_err(|_| SendError::Stack)?;
        while let Some(received) = transaction.receive().await {
            let SipMessage::Response(response) = received else {
                continue;
            };
            let status = response.status_code.code();
            if status < 200 {
                continue;
            }
            drop(room);
            if !expected.is_answered() {
                // The stack's own timer spoke.
                return Err(SendError::Timeout);
            }
            let reason = response
                .wire_reason
                .unwrap_or_else(|| response.status_code.text().to_owned());
            return Ok(Answer { status, reason });
        }
        Err(SendError::Stack)
    }

    /// Ends all links and waits until they are closed, a second at most for each at the same time. Calls of
    /// [`message`](Self::message) under way fail with [`SendError::LinkLost`].
    pub async fn shutdown(&self) {
        self.shared.cancel.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}
