//! The things that methods and notifications are about.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A message of a conversation.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    /// The Message-ID, unique in the conversation.
    pub id: String,
    /// Which of the user's own addresses.
    pub own: String,
    /// The other side.
    pub with: String,
    /// `in` or `out`.
    pub direction: Direction,
    /// Plain text.
    pub text: String,
    /// When its author sent it.
    #[ts(type = "number")]
    pub at: i64,
    /// The author's count in this conversation.
    #[ts(type = "number")]
    pub sequence: u64,
    /// How far it got.
    #[ts(type = "MessageState")]
    pub state: String,
    /// Why it waits or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "Reason")]
    pub reason: Option<String>,
    /// How the peer's key was known.
    #[ts(type = "Trust")]
    pub trust: String,
    /// Signed and encrypted end to end.
    pub sealed: bool,
    /// Waits for the user's consent.
    pub request: bool,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// The peer.
    In,
    /// The user.
    Out,
}

/// Somebody the user knows.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Buddy {
    /// Who.
    pub address: String,
    /// As given to `buddies/add`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// Whether the user wants to hear from them.
    #[ts(type = "Consent")]
    pub consent: &'static str,
    /// Their status.
    #[ts(type = "Presence")]
    pub status: &'static str,
    /// Their own words beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub note: Option<String>,
    /// How their key is known; absent until one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "Trust")]
    pub trust: Option<&'static str>,
    /// SHA-256 of their certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub fingerprint: Option<String>,
    /// SHA-256 of their public key: what people compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub key: Option<String>,
    /// How that key came to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub known: Option<KnownBy>,
    /// How far an invitation by mail is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "InvitationState")]
    pub invitation: Option<&'static str>,
    /// Messages not read yet.
    #[ts(type = "number")]
    pub unread: u64,
    /// What the user must decide before anything is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub question: Option<Question>,
}

/// How a peer's key came to be known.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct KnownBy {
    /// What makes it known.
    #[ts(type = "KnownHow")]
    pub how: &'static str,
    /// The name of the authority that vouches for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub authority: Option<String>,
    /// Since when.
    #[ts(type = "number")]
    pub since: i64,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Authority {
    /// As its certificate names it.
    pub name: String,
    /// SHA-256 of its certificate.
    pub fingerprint: String,
    /// When its certificate ends.
    #[ts(type = "number")]
    pub expires: i64,
    /// Whether the user added it, and can take it away; else it is configured.
    pub added: bool,
}

/// What an invitation mail carries.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvitationMail {
    /// The own address that it must be sent from.
    pub from: String,
    /// The only one that it may be sent to.
    pub to: String,
    /// The attachment's name.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its text, in ASCII.
    pub content: String,
}

/// A decision about a key.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Question {
    /// `several` keys claim the address, or it `changed`.
    #[ts(type = "\"several\" | \"changed\"")]
    pub kind: &'static str,
    /// The keys to choose from.
    pub candidates: Vec<Candidate>,
}

/// A key that claims an address.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Candidate {
    /// SHA-256 of its certificate.
    pub fingerprint: String,
    /// SHA-256 of the key itself.
    pub key: String,
    /// How it is known.
    #[ts(type = "Trust")]
    pub trust: &'static str,
}

/// One of the user's own addresses with its key.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Identity {
    /// The address.
    pub address: String,
    /// SHA-256 of the certificate.
    pub fingerprint: String,
    /// SHA-256 of the public key: what people compare.
    pub key: String,
    /// The name of the authority that vouches for it, or of what issued it if none is trusted; `self`: its own key did.
    pub issuer: String,
    /// As a peer who trusts the same authorities would see it.
    #[ts(type = "Trust")]
    pub trust: &'static str,
    /// When the certificate ends.
    #[ts(type = "number")]
    pub expires: i64,
    /// This device's libp2p peer id.
    pub peer: String,
    /// Whether buddy list and status are kept for the user's other devices (`roaming/open`).
    pub roaming: bool,
    /// Whether the credential is kept with them: a new device gets it with the address and the secret (`identity/fetch`).
    pub portable: bool,
    /// Whether it was revoked: the address is off line until it is enrolled anew.
    pub revoked: bool,
    /// How far a certificate from the authority is, while one is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub enrolment: Option<Enrolment>,
}

/// A certificate's way from the authority.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Enrolment {
    /// How far it is.
    #[ts(type = "EnrolmentState")]
    pub state: &'static str,
    /// With `refused`: the authority's name for why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
    /// With `letter-later`: when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub at: Option<i64>,
}

/// How the host is doing.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub(crate) struct Status {
    /// The host's version.
    pub version: String,
    /// Listeners are bound, and a bootstrap peer has answered if any were given, or others are there and none has for five seconds.
    pub online: bool,
    /// This device's libp2p peer id; empty before the first identity.
    pub peer: String,
    /// Multiaddrs with `/p2p/…`.
    pub listen: Vec<String>,
    /// Overlay peers connected.
    #[ts(type = "number")]
    pub peers: usize,
    /// Listeners for plain SIP, `host:port`.
    pub sip: Vec<String>,
    /// Of a node: where its gateway listens, `host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub gateway: Option<String>,
    /// The user's own addresses.
    pub addresses: Vec<String>,
    /// The user's own status.
    #[ts(type = "Presence")]
    pub presence: &'static str,
    /// The user's own words beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub note: Option<String>,
}

/// A secret that the user typed: it is never written down, in logs neither.
#[derive(Clone, Deserialize, TS)]
pub(crate) struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// One result of a search.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Hit {
    /// The Message-ID.
    pub id: String,
    /// The other side.
    pub with: String,
    /// Who wrote it.
    pub direction: Direction,
    /// When.
    #[ts(type = "number")]
    pub at: i64,
    /// Plain text around the best match.
    pub snippet: String,
    /// Ranges in it that matched, in UTF-16 code units.
    pub marks: Vec<(u32, u32)>,
}

/// One conversation in the list.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Conversation {
    /// The other side.
    pub with: String,
    /// The latest message; of its text, the beginning.
    pub last: Message,
    /// Messages not read yet.
    #[ts(type = "number")]
    pub unread: u64,
}

/// A status, as the add-on writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    /// There.
    Online,
    /// Somewhere near.
    Away,
    /// Not to be disturbed.
    Busy,
    /// Not there, or not saying so.
    Offline,
}
