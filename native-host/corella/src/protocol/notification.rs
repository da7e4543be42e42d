//! What the host says unasked.

use serde::Serialize;

use super::types::{Buddy, Identity, Message, Status};

/// A notification: `method` and `params` of JSON-RPC.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "method", content = "params")]
pub(crate) enum Notification {
    /// New, or another state.
    #[serde(rename = "messages/changed")]
    Message {
        /// As it is now.
        message: Box<Message>,
    },
    /// What waited for consent to somebody is no longer kept.
    #[serde(rename = "messages/dropped")]
    Dropped {
        /// Whose.
        with: String,
    },
    /// Without a buddy it was removed.
    #[serde(rename = "buddies/changed")]
    Buddy {
        /// Who.
        address: String,
        /// As it is now.
        #[serde(skip_serializing_if = "Option::is_none")]
        buddy: Option<Box<Buddy>>,
    },
    /// A buddy's status.
    #[serde(rename = "presence/changed")]
    Presence {
        /// Who.
        address: String,
        /// The status.
        status: &'static str,
        /// Words beside it.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// The host's own condition.
    #[serde(rename = "status/changed")]
    Status(Box<Status>),
    /// One of the user's own addresses: another certificate, or how far one is.
    #[serde(rename = "identity/changed")]
    Identity {
        /// As it is now.
        identity: Box<Identity>,
    },
    /// A letter that is waited for may have come unnoticed: mails of the last day are to be given to `identity/letter`.
    #[serde(rename = "identity/lettersWanted")]
    LettersWanted {
        /// To which address.
        address: String,
    },
    /// A setting was changed on another of the user's devices.
    #[serde(rename = "settings/changed")]
    Setting {
        /// Which.
        name: String,
        /// Its value.
        value: String,
    },
    /// Something the user is told once.
    #[serde(rename = "notice")]
    Notice {
        /// What.
        kind: &'static str,
        /// About whom.
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// Of a new device: its peer id.
        #[serde(skip_serializing_if = "Option::is_none")]
        device: Option<String>,
        /// Of a new device: when it was noticed.
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<i64>,
    },
}
