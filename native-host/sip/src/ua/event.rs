//! What the user agent tells its user, and how a message is answered.

use std::fmt;

use corella_identity::AddressOfRecord;
use rsipstack::transaction::Transaction;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::LinkId;
use crate::guard::{AnswerForm, Refusal};

/// Something that happened on a link.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Somebody sent a message, and waits for the answer.
    Message(IncomingMessage),
    /// The link is gone; nothing more comes from it. Said once for every attached link.
    LinkClosed {
        /// Which.
        link: LinkId,
        /// Why.
        why: Closed,
    },
}

/// Why a link ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// The peer closed the stream.
    #[error("the peer closed the link")]
    ByPeer,
    /// Reading or writing failed.
    #[error("the stream broke: {0}")]
    Broken(std::io::ErrorKind),
    /// The peer took nothing for [`STALLED`](super::STALLED).
    #[error("the peer stopped reading")]
    Stalled,
    /// The peer was asked whether it is there, and said nothing for [`SILENCE`](super::SILENCE).
    #[error("the peer is not there any more")]
    Silent,
    /// The peer sent what cannot be followed by anything trustworthy.
    #[error("the peer broke the protocol: {0}")]
    Refused(Refusal),
    /// [`detach`](super::UserAgent::detach) was called.
    #[error("the link was detached")]
    Detached,
    /// The user agent was shut down.
    #[error("the user agent was shut down")]
    ShutDown,
}

/// A MESSAGE from the person at the other end of a link.
pub struct IncomingMessage {
    /// The link it came on.
    pub link: LinkId,
    /// The sender: the link's remote address, which From was compared with.
    pub from: AddressOfRecord,
    /// The recipient: the link's local address, which To and the Request-URI were compared with.
    pub to: AddressOfRecord,
    /// The value of Content-Type, parameters included; its media type is an accepted one. Empty if the message
    /// has no body and says no type.
    pub content_type: String,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// Where the answer goes.
    pub responder: Responder,
}

/// Shows no content: messages do not belong in logs.
impl fmt::Debug for IncomingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IncomingMessage({:?}, {} bytes)", self.link, self.body.len())
    }
}

/// Bytes for the peer, and the room in the link's window that they free once they are on their way.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) room: OwnedSemaphorePermit,
}

/// Answers one request, once. Dropped without an answer, it answers 500.
///
/// An answer to a link that is gone is dropped: the peer counts the message as unanswered and sends it again.
pub struct Responder {
    pending: Option<Box<Pending>>,
}

struct Pending {
    form: AnswerForm,
    room: OwnedSemaphorePermit,
    replies: mpsc::UnboundedSender<Reply>,
    /// Held so that the stack takes the same request, coming again, for what it is. Never used to answer: see
    /// the notes in `stack`.
    _transaction: Transaction,
}

impl Responder {
    pub(super) fn new(
        form: AnswerForm,
        room: OwnedSemaphorePermit,
        replies: mpsc::UnboundedSender<Reply>,
        transaction: Transaction,
    ) -> Self {
        Self {
            pending: Some(Box::new(Pending {
                form,
                room,
                replies,
                _transaction: transaction,
            })),
        }
    }

    /// Sends the final answer. `status` is 200 to 699, anything else becomes 500; `reason` stands in for the
    /// usual phrase. Never waits.
    ///
    /// The statuses a message is answered with: 200 (it is on disk), 202 (it waits for consent), 400, 403, 413, 415,
    /// 480, 486, 493 (it cannot be opened), 500, 503.
    pub fn answer(mut self, status: u16, reason: Option<&str>) {
        self.send(status, reason, &[]);
    }

    pub(super) fn answer_with(mut self, status: u16, fields: &[(&str, &str)]) {
        self.send(status, None, fields);
    }

    fn send(&mut self, status: u16, reason: Option<&str>, fields: &[(&str, &str)]) {
        let Some(pending) = self.pending.take() else { return };
        let Pending {
            form, room, replies, ..
        } = *pending;
        let status = if (200..700).contains(&status) { status } else { 500 };
        let bytes = form.fill(status, reason.unwrap_or_else(|| usual_reason(status)), fields);
        // The link may be gone.
        let _ = replies.send(Reply { bytes, room });
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.send(500, None, &[]);
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responder")
    }
}

/// The phrases of RFC 3261 section 21 for the statuses used here.
fn usual_reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        480 => "Temporarily Unavailable",
        486 => "Busy Here",
        488 => "Not Acceptable Here",
        493 => "Undecipherable",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Answered",
    }
}
