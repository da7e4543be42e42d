//! What the agent wants done. The runtime carries actions out in order and feeds outcomes back as events.

use corella_identity::{
    AddressOfRecord, Certificate, Fingerprint, Millis,
    pass::Pass,
    trust::{Known, Question, Trust},
};

use crate::{
    Buddy, CallId, CommandError, Consent, Content, Device, InvitationMail, InvitationOutcome, Invitations, KnownBy,
    LinkId, MessageState, Outgoing, Pair, Presence, Reason, Revoked, Roaming, Token,
};

/// Which side of a conversation wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The peer.
    In,
    /// The user.
    Out,
}

/// A message to put on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The conversation.
    pub pair: Pair,
    /// Who wrote it.
    pub side: Side,
    /// The Message-ID.
    pub id: String,
    /// Plain text.
    pub text: String,
    /// When its author sent it.
    pub at: Millis,
    /// The author's count in the conversation.
    pub sequence: u64,
    /// How the peer's key is known.
    pub trust: Trust,
    /// Whether it waits for the user's consent.
    pub request: bool,
}

/// A buddy as the add-on sees it.
#[derive(Debug, Clone)]
pub struct BuddyView {
    /// Who.
    pub address: AddressOfRecord,
    /// The name the user gave.
    pub name: Option<String>,
    /// Whether the user wants to hear from them.
    pub consent: Consent,
    /// What their devices say.
    pub presence: Presence,
    /// The key in use.
    pub known: Option<Known>,
    /// How that came to be.
    pub known_by: Option<KnownBy>,
    /// What was mailed between them and the user.
    pub invitations: Invitations,
    /// What the user must decide first.
    pub question: Option<Question>,
}

/// The answer to a call.
#[derive(Debug, Clone)]
pub enum Reply {
    /// To `messages/send` and `messages/retry`.
    Sent {
        /// The Message-ID.
        id: String,
        /// `pending`.
        state: MessageState,
    },
    /// To the calls about buddies.
    Buddy(Box<BuddyView>),
    /// To `invitations/write` and `invitations/accept`: what is to be mailed.
    Mail(Box<InvitationMail>),
    /// To `invitations/read`.
    Read(InvitationOutcome, AddressOfRecord),
    /// Nothing to tell.
    Done,
}

/// Something the user is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The peer has a newer certificate of the same authority.
    KeyRenewed(AddressOfRecord),
    /// A device that was never seen before uses the user's own credential.
    NewDevice {
        /// Of which own address.
        own: AddressOfRecord,
        /// Its name: its peer id.
        name: String,
        /// When it was noticed.
        at: Millis,
    },
}

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Action {
    /// Answer a call of the add-on.
    Reply {
        /// Which call.
        call: CallId,
        /// The answer.
        result: Result<Reply, CommandError>,
    },
    /// Put a message on disk; comes back as [`crate::Event::Stored`].
    Store(NewMessage),
    /// Tell the add-on about the message that [`crate::Event::Stored`] came with.
    Show,
    /// Change the state of a message written here, if there is one and its state may rise to this
    /// ([`MessageState::rises_to`]); the user's retry takes `failed` back to `pending`.
    SetState {
        /// The conversation.
        pair: Pair,
        /// The Message-ID.
        id: String,
        /// The new state.
        state: MessageState,
        /// Why.
        reason: Option<Reason>,
    },
    /// The user accepted the peer: its stored requests become messages; comes back as [`crate::Event::RequestsAccepted`].
    AcceptRequests(Pair),
    /// Take all messages out of the store that wait for consent to this stranger.
    DropRequests(AddressOfRecord),
    /// Answer a peer's MESSAGE.
    Answer {
        /// Which request.
        token: Token,
        /// The SIP status code.
        status: u16,
    },
    /// Find the peer's contact records; comes back as [`crate::Event::Located`].
    Locate(Pair),
    /// Open links to the peer's devices whose records bear this key; comes back as [`crate::Event::LinkUp`] for each, and
    /// [`crate::Event::Unreachable`] when no device answered.
    Connect {
        /// The conversation.
        pair: Pair,
        /// Its key must have signed the device's contact record.
        key: Certificate,
    },
    /// Close a link; comes back as [`crate::Event::LinkDown`].
    CloseLink(LinkId),
    /// Seal a message of the outbox and send it; comes back as [`crate::Event::Answered`] or [`crate::Event::NotAnswered`].
    SendMessage {
        /// On which link.
        link: LinkId,
        /// The conversation.
        pair: Pair,
        /// Seal it to this.
        certificate: Certificate,
        /// The Message-ID.
        id: String,
        /// Plain text.
        text: String,
        /// When it was written.
        at: Millis,
        /// The author's count in the conversation.
        sequence: u64,
    },
    /// Seal something that is not kept, and send it; nothing comes back.
    SendContent {
        /// On which link.
        link: LinkId,
        /// The conversation.
        pair: Pair,
        /// Seal it to this.
        certificate: Certificate,
        /// What.
        content: Content,
    },
    /// Seal a message of the outbox and put it into the overlay, where its recipient will find it; comes back as
    /// [`crate::Event::StoredAway`].
    StoreAway {
        /// The conversation.
        pair: Pair,
        /// Seal it to this.
        certificate: Certificate,
        /// The peer's pass, to be put in as far as it is good there.
        pass: Option<Pass>,
        /// The message.
        message: Outgoing,
    },
    /// Seal notices and put them into the overlay; comes back as [`crate::Event::NoticesStoredAway`].
    StoreNoticesAway {
        /// The conversation.
        pair: Pair,
        /// Seal them to this.
        certificate: Certificate,
        /// The peer's pass.
        pass: Option<Pass>,
        /// Of which messages.
        ids: Vec<String>,
    },
    /// Write a pass for a peer, seal it and send it; nothing comes back.
    GivePass {
        /// On which link.
        link: LinkId,
        /// The conversation.
        pair: Pair,
        /// Seal it to this.
        certificate: Certificate,
        /// Who holds this certificate is welcome.
        holder: Fingerprint,
        /// Until then.
        until: Millis,
    },
    /// What was fetched from the overlay is where it belongs: it is not needed there any more.
    RemoveStored {
        /// Which.
        token: Token,
    },
    /// It stays in the overlay until it expires: the core asks nothing more about it.
    LeaveStored {
        /// Which.
        token: Token,
    },
    /// Remember what is kept for the user's other devices, and put it where they find it, if not at once then soon.
    KeepRoaming(AddressOfRecord, Roaming),
    /// Put a watcher into the overlay, so that the peer knows at the next start that the user wants to see them; good for
    /// [`crate::WATCHER_LIFE`]. Comes back as [`crate::Event::WatcherLeft`].
    LeaveWatcher {
        /// Who watches whom.
        pair: Pair,
        /// Seal it to this.
        certificate: Certificate,
        /// The peer's pass.
        pass: Option<Pass>,
    },
    /// Put one in its place that ends at once; nothing comes back.
    TakeBackWatcher {
        /// Who watches whom.
        pair: Pair,
        /// Seal it to this.
        certificate: Certificate,
        /// The peer's pass.
        pass: Option<Pass>,
    },
    /// Find the user's other devices under this own address and open links to them; comes back as [`crate::Event::LinkUp`] for
    /// each that answers, then [`crate::Event::DevicesCalled`].
    CallDevices {
        /// Under which own address.
        own: AddressOfRecord,
        /// The names of those to which a link stands.
        linked: Vec<String>,
    },
    /// Give another device what was fetched from the overlay; comes back as [`crate::Event::PassedOn`].
    PassOn {
        /// To which.
        link: LinkId,
        /// What.
        token: Token,
    },
    /// Tell another device which others there are; comes out there as [`crate::Event::DevicesTold`].
    TellDevices {
        /// Which to tell.
        link: LinkId,
        /// The others.
        devices: Vec<Device>,
    },
    /// Remember another device of the user's under this own address.
    SaveDevice(AddressOfRecord, Device),
    /// Remember that the user's other devices under this own address were known at that time, so that others are news.
    SaveDevicesSince(AddressOfRecord, Millis),
    /// Remember a buddy.
    SaveBuddy(Box<Buddy>),
    /// Remember that a buddy's key is not to be used any more.
    SaveRevoked(Box<Revoked>),
    /// Forget a buddy.
    ForgetBuddy(AddressOfRecord),
    /// Remember that the user does not want the invitation that this names ([`corella_identity::invitation::Nonce::tag`]).
    SaveDeclined {
        /// Its name.
        tag: String,
        /// It is worth nothing after that.
        until: Millis,
    },
    /// Remember the user's own status.
    SavePresence(Presence),
    /// Tell the add-on about a buddy; without one it was removed.
    BuddyChanged {
        /// Who.
        address: AddressOfRecord,
        /// As it is now.
        buddy: Option<Box<BuddyView>>,
    },
    /// Tell the add-on about a buddy's status.
    PresenceChanged {
        /// Who.
        address: AddressOfRecord,
        /// As it is now.
        presence: Presence,
    },
    /// Tell the add-on that a setting was changed on another device.
    SettingChanged {
        /// Which.
        name: String,
        /// Its value.
        value: String,
    },
    /// Tell the user something once.
    Notice(Notice),
}
