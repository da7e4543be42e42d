//! What reaches the task that owns the agent core.

use std::collections::HashMap;

use corella_agent::{Device, Event, LinkId, Pair, Side, StoreOutcome};
use corella_identity::{AddressOfRecord, Revocation, invitation::Nonce};
use corella_overlay::{OverlayEvent, Record, link::Link};
use corella_sip::ua::{self, Responder};
use corella_transcripts as store;
use serde_json::Value;
use tokio::sync::oneshot;

use super::{Call, enrolment, roaming, waiting};
use crate::protocol::RpcError;

/// A reply to a call.
pub(crate) type ReplyTo = oneshot::Sender<Result<Value, RpcError>>;

/// Everything that reaches the task that owns the agent core.
pub(crate) enum Input {
    Call {
        call: Call,
        reply: ReplyTo,
    },
    /// Something that needs no carrying of ours.
    Event(Event),
    /// The store is done with a new message.
    Stored {
        pair: Pair,
        side: Side,
        id: String,
        outcome: StoreOutcome,
        message: Option<Box<store::Message>>,
    },
    /// A message in the store changed.
    Changed(Box<store::Message>),
    /// What somebody wrote without consent is no longer in the store.
    Dropped(String),
    /// Records found for a peer.
    Located {
        pair: Pair,
        records: Vec<Record>,
        asked: bool,
    },
    /// Certificates are not to be used any more, say verified records.
    Revoked(Vec<Revocation>),
    /// A link stands; `called`: this side opened it.
    Linked {
        link: Link,
        called: bool,
    },
    /// The unread counts, for an answer to `buddies/list`.
    Counted {
        unread: Result<HashMap<String, u64>, store::Error>,
        reply: ReplyTo,
    },
    /// Messages of a person were marked as read.
    MarkedRead {
        with: AddressOfRecord,
        messages: Result<Vec<store::Message>, store::Error>,
        reply: ReplyTo,
    },
    /// An opened envelope.
    Opened {
        link: LinkId,
        id: String,
        at: i64,
        sequence: u64,
        returns: Option<Nonce>,
        content: corella_agent::Content,
        responder: Responder,
    },
    /// Something that waited in the overlay.
    Fetched(Box<waiting::Opened>),
    /// What the user's devices keep for each other was opened with a secret.
    RoamingOpened(Box<roaming::Opened>, ReplyTo),
    /// The credential of an address was found, as the user's other devices keep it.
    IdentityFetched(Box<roaming::Fetched>, ReplyTo),
    /// Another device of the user's has another certificate, in PEM with its chain.
    CertifiedElsewhere(AddressOfRecord, String),
    /// A contact record under an own address.
    OwnContact(Box<Record>),
    /// Another device of the user's passes it on.
    PassedHere {
        link: LinkId,
        record: Box<Record>,
        responder: Responder,
    },
    /// Another device of the user's says which others there are.
    DevicesTold(LinkId, Vec<Device>),
    /// An own address's new certificate is where others find it.
    Certified(AddressOfRecord),
    /// What the authority said about an own address's certificate, in the enrolment of that number.
    AuthoritySaid(AddressOfRecord, u64, enrolment::Outcome),
    Overlay(OverlayEvent),
    Sip(ua::Event),
    Stop(oneshot::Sender<()>),
}
