//! What happens to the agent.

use corella_identity::{
    AddressOfRecord, Certificate, Fingerprint, Millis, Revocation,
    invitation::{Invitation, Nonce},
    pass::Pass,
    trust::TrustAnchors,
};

use crate::{CallId, Device, LinkId, Outgoing, Pair, Presence, Roaming, Side, Token};

/// A call of the add-on that the agent decides.
#[derive(Debug, Clone)]
pub enum Command {
    /// `messages/send`. The runtime makes the id.
    Send {
        /// The own address to write from, when the user has several.
        from: Option<AddressOfRecord>,
        /// To whom.
        to: AddressOfRecord,
        /// A fresh Message-ID.
        id: String,
        /// Its date, by the clock on the wall: what tells the agent the time never goes back, and a clock that was set does.
        at: Millis,
        /// Plain text.
        text: String,
    },
    /// `messages/retry`. What peers would not take any more on account of its age is written anew.
    Retry {
        /// The conversation.
        pair: Pair,
        /// The failed message as the store has it.
        outgoing: Outgoing,
        /// A fresh Message-ID.
        fresh: String,
        /// The date then, by the clock on the wall.
        at: Millis,
    },
    /// `buddies/add`.
    Add(AddressOfRecord, Option<String>),
    /// `buddies/accept`, perhaps with the answer to a question.
    Accept(AddressOfRecord, Option<Fingerprint>),
    /// `buddies/block`.
    Block(AddressOfRecord),
    /// `buddies/remove`.
    Remove(AddressOfRecord),
    /// `invitations/write`. The runtime makes the nonce.
    Invite {
        /// Whom.
        to: AddressOfRecord,
        /// From which own address, when the user has several.
        from: Option<AddressOfRecord>,
        /// A fresh one, in case one is needed.
        nonce: Nonce,
    },
    /// `invitations/read`.
    ReadInvitation {
        /// The address in the mail's From.
        from: AddressOfRecord,
        /// What its attachment says.
        invitation: Box<Invitation>,
        /// Who signed that.
        certificate: Certificate,
        /// The user has opened the mail, and not only the add-on found it.
        is_opened: bool,
    },
    /// `invitations/accept`.
    AcceptInvitation {
        /// Whose.
        address: AddressOfRecord,
        /// A fresh one, in case one is needed.
        nonce: Nonce,
    },
    /// `invitations/decline`.
    DeclineInvitation(AddressOfRecord),
    /// `presence/set`.
    SetPresence(Presence),
    /// `settings/set`.
    Set {
        /// The setting.
        name: String,
        /// Its value, in the words of the add-on.
        value: String,
    },
}

/// Why a call could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no own address yet, or not the one named.
    #[error("no own address to write from; choose one first")]
    NoIdentity,
    /// The user's own address, where a peer's is needed.
    #[error("that is the user's own address")]
    OwnAddress,
    /// Nobody by that address is known.
    #[error("nobody by that address is known; add them first")]
    UnknownBuddy,
    /// The user blocked that address.
    #[error("that address is blocked; accept it first")]
    Blocked,
    /// Empty or too long.
    #[error("a message has 1 to {max} bytes of text", max = Content::TEXT_BYTES)]
    BadText,
    /// There is no invitation by mail from that address that could be accepted.
    #[error("no invitation from that address waits, or it is too old")]
    NoInvitation,
    /// A key was named that is not among the candidates.
    #[error("no open question about that key")]
    NoSuchKey,
    /// The store could not keep the message.
    #[error("the message could not be stored; see whether the disk is full")]
    Store,
}

/// What a sealed envelope can carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A message of a person.
    Text(String),
    /// These messages are on the recipient's disk, and the recipient consents to the sender.
    Delivered(Vec<String>),
    /// The sender's status.
    Presence(Presence),
    /// The sender's word that the recipient is welcome.
    Pass(Pass),
}

impl Content {
    /// The longest text, in bytes of UTF-8.
    pub const TEXT_BYTES: usize = 32_768;
}

/// A record that the overlay holds for a peer: the key that signed it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who claims the address.
    pub certificate: Certificate,
    /// What the record says of the certificates above it.
    pub chain: Vec<Certificate>,
}

/// An authenticated link stands.
#[derive(Debug, Clone)]
pub struct LinkUp {
    /// Its name.
    pub link: LinkId,
    /// Whose it is; one to another device of the user's has the own address on both ends, and bears the user's own credential.
    pub pair: Pair,
    /// The name of the peer's device.
    pub device: String,
    /// The key that signed the contact record which names the connection's peer id.
    pub certificate: Certificate,
}

/// A sealed envelope came in over a link, was opened, and its sender is the link's peer.
#[derive(Debug, Clone)]
pub struct Received {
    /// On which link.
    pub link: LinkId,
    /// The request that waits for an answer.
    pub token: Token,
    /// The Message-ID.
    pub id: String,
    /// When its author sent it.
    pub at: Millis,
    /// The author's count in the conversation.
    pub sequence: u64,
    /// What it gives back that was mailed to the author.
    pub returns: Option<Nonce>,
    /// What it says.
    pub content: Content,
}

/// A sealed envelope waited in the overlay, was fetched and opened.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its name, for [`crate::Action::RemoveStored`]: the same whenever the same is fetched.
    pub token: Token,
    /// The link on which another device of the user's passed it on, and the request that waits for an answer.
    pub passed: Option<(LinkId, Token)>,
    /// The conversation.
    pub pair: Pair,
    /// The key that signed it.
    pub certificate: Certificate,
    /// The Message-ID.
    pub id: String,
    /// When its author wrote it.
    pub at: Millis,
    /// The author's count in the conversation.
    pub sequence: u64,
    /// What it gives back that was mailed to the author.
    pub returns: Option<Nonce>,
    /// What it says.
    pub content: Content,
}

/// What became of a message that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreOutcome {
    /// It is on disk now.
    New,
    /// It was there before. `request`: it still waits for the user's consent.
    Duplicate {
        /// Whether it still waits for the user's consent.
        request: bool,
    },
    /// It could not be stored.
    Failed,
}

/// Something happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// An own address is ready to be used.
    OwnAddress(AddressOfRecord),
    /// The add-on calls.
    Command {
        /// Which call, for the reply.
        call: CallId,
        /// What it asks.
        command: Command,
    },
    /// The outcome of [`crate::Action::Store`].
    Stored {
        /// The conversation.
        pair: Pair,
        /// Who wrote it.
        side: Side,
        /// The Message-ID.
        id: String,
        /// What became of it.
        outcome: StoreOutcome,
    },
    /// The outcome of [`crate::Action::AcceptRequests`]: the ids that were waiting.
    RequestsAccepted {
        /// The conversation.
        pair: Pair,
        /// The Message-IDs that notices are owed for.
        ids: Vec<String>,
    },
    /// The outcome of [`crate::Action::Locate`]: empty when nothing was found.
    Located {
        /// The conversation.
        pair: Pair,
        /// The verified records found.
        claims: Vec<Claim>,
        /// Whether anybody else was asked: if not, it is open who else claims the address.
        asked: bool,
    },
    /// Certificates of people are not to be used any more, say records that were verified.
    Revoked(Vec<Revocation>),
    /// No device answered [`crate::Action::Connect`].
    Unreachable {
        /// The conversation.
        pair: Pair,
    },
    /// A link stands, whoever opened it.
    LinkUp(LinkUp),
    /// A link is gone.
    LinkDown {
        /// Which.
        link: LinkId,
    },
    /// The peer answered [`crate::Action::SendMessage`].
    Answered {
        /// On which link.
        link: LinkId,
        /// The Message-ID.
        id: String,
        /// The SIP status code.
        status: u16,
    },
    /// The request got no answer, or could not be sent.
    NotAnswered {
        /// On which link.
        link: LinkId,
        /// The Message-ID.
        id: String,
    },
    /// Something came in.
    Received(Received),
    /// Something waited in the overlay.
    Fetched(Fetched),
    /// The outcome of [`crate::Action::StoreAway`].
    StoredAway {
        /// The conversation.
        pair: Pair,
        /// The Message-ID.
        id: String,
        /// Whether others keep it now.
        is_stored: bool,
    },
    /// The outcome of [`crate::Action::StoreNoticesAway`].
    NoticesStoredAway {
        /// The conversation.
        pair: Pair,
        /// Of which messages.
        ids: Vec<String>,
        /// Whether others keep them now.
        is_stored: bool,
    },
    /// The user keeps buddy list and status for other devices from now on, or another device kept this meanwhile.
    Roamed {
        /// Of which own address.
        own: AddressOfRecord,
        /// What others kept; empty if nothing.
        document: Roaming,
    },
    /// The user keeps nothing of this own address for other devices any more.
    RoamsNoMore(AddressOfRecord),
    /// The outcome of [`crate::Action::LeaveWatcher`].
    WatcherLeft {
        /// The conversation.
        pair: Pair,
        /// Whether others keep it now.
        is_stored: bool,
    },
    /// A watcher was found in the overlay: `with` wants to see `own`.
    Watched {
        /// Who wants to see whom.
        pair: Pair,
        /// The key that signed it.
        certificate: Certificate,
    },
    /// The outcome of [`crate::Action::CallDevices`]: [`Event::LinkUp`] came for those that answered.
    DevicesCalled {
        /// Under which own address.
        own: AddressOfRecord,
        /// All others that have a contact record, in reach or not; nothing if nobody could be asked.
        found: Option<Vec<Device>>,
    },
    /// The credential of this own address was just made here: there is no other device.
    FirstDevice(AddressOfRecord),
    /// There is a contact record of another device of the user's.
    DeviceSeen {
        /// Under which own address.
        own: AddressOfRecord,
        /// The device; seen when it wrote the record.
        device: Device,
    },
    /// Another device of the user's says which others there are, this one not among them.
    DevicesTold {
        /// Who says it.
        link: LinkId,
        /// The others.
        devices: Vec<Device>,
    },
    /// The outcome of [`crate::Action::PassOn`].
    PassedOn {
        /// To which device.
        link: LinkId,
        /// What.
        token: Token,
        /// Whether that device needs it no more: it is on its disk, or it has refused it for good.
        is_taken: bool,
    },
    /// The user trusts these authorities from now on.
    Authorities(TrustAnchors),
    /// The program is about to end: what is owed goes where it will be found.
    Ending,
    /// Nodes came or addresses changed: peers that were out of reach may be there now.
    NetworkChanged,
    /// The time of [`crate::Agent::next_wakeup`] has come.
    Wake,
}
