//! What the store holds and hands out.

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// The other side wrote it.
    In,
    /// The user wrote it.
    Out,
}

impl Direction {
    /// `in` or `out`, as the bridge writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::In => "in",
            Direction::Out => "out",
        }
    }

    pub(crate) fn number(self) -> i64 {
        match self {
            Direction::In => 0,
            Direction::Out => 1,
        }
    }

    pub(crate) fn from_number(number: i64) -> Self {
        if number == 0 { Direction::In } else { Direction::Out }
    }
}

/// The state of an incoming message that the user has seen; the one state the store itself knows. Every other state, and
/// every `trust`, is a word of the agent's that is stored as it comes.
pub const READ: &str = "read";

/// What makes a message one: exactly one message is stored for each key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageKey {
    /// Which of the user's own addresses.
    pub own: String,
    /// The other side's address.
    pub with: String,
    /// Which way it went.
    pub direction: Direction,
    /// The Message-ID.
    pub id: String,
}

/// A message to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The Message-ID; not empty.
    pub id: String,
    /// Which of the user's own addresses (canonical).
    pub own: String,
    /// The other side's address (canonical); not empty.
    pub with: String,
    /// Which way it went.
    pub direction: Direction,
    /// Plain text.
    pub text: String,
    /// When its author sent it, in milliseconds since 1970 UTC.
    pub at: i64,
    /// When it came here: now, in milliseconds since 1970 UTC. Decides its place in the conversation.
    pub received: i64,
    /// Its author's count in this conversation; at most `i64::MAX`.
    pub sequence: u64,
    /// The agent's word for how far it got; an incoming message is unread until it is [`READ`].
    pub state: String,
    /// The agent's word for how well the peer's key was known.
    pub trust: String,
    /// Signed and encrypted end to end.
    pub sealed: bool,
    /// Waits for the user's consent.
    pub request: bool,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The Message-ID.
    pub id: String,
    /// Which of the user's own addresses.
    pub own: String,
    /// The other side's address.
    pub with: String,
    /// Which way it went.
    pub direction: Direction,
    /// Plain text.
    pub text: String,
    /// When its author sent it, in milliseconds since 1970 UTC.
    pub at: i64,
    /// When it came here, in milliseconds since 1970 UTC.
    pub received: i64,
    /// Its author's count in this conversation.
    pub sequence: u64,
    /// The agent's word for how far it got.
    pub state: String,
    /// Why, when the agent gave a reason.
    pub reason: Option<String>,
    /// The agent's word for how well the peer's key was known.
    pub trust: String,
    /// Signed and encrypted end to end.
    pub sealed: bool,
    /// Waits for the user's consent.
    pub request: bool,
}

impl Message {
    /// The key that finds this message again.
    pub fn key(&self) -> MessageKey {
        MessageKey {
            own: self.own.clone(),
            with: self.with.clone(),
            direction: self.direction,
            id: self.id.clone(),
        }
    }
}

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is new and on disk.
    Stored(Message),
    /// It was stored before; this is how it stands now. Nothing was written.
    Duplicate(Message),
}

/// A change to a stored message: every `Some` replaces what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Only a message in one of these states is changed; `None`: in any.
    pub only_from: Option<Vec<&'static str>>,
    /// The new state.
    pub state: Option<String>,
    /// The new reason; `Some(None)` takes it away.
    pub reason: Option<Option<String>>,
    /// The new trust.
    pub trust: Option<String>,
    /// Whether it was sealed.
    pub sealed: Option<bool>,
    /// Whether it waits for consent.
    pub request: Option<bool>,
}

/// Which part of a conversation [`crate::Transcripts::list`] shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// The newest messages.
    Latest,
    /// Those displayed before the message with this id.
    Before(&'a str),
    /// Those on both sides of the message with this id, and itself.
    Around(&'a str),
}

/// A part of a conversation, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Whether older messages exist.
    pub more: bool,
}

/// A conversation as a list of conversations shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The other side's address.
    pub with: String,
    /// The message displayed last.
    pub last: Message,
    /// How many incoming messages are not read.
    pub unread: u64,
}

/// A message that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The message.
    pub message: Message,
    /// At most 160 characters of its text around the best match; line breaks are spaces, `…` stands where text was cut.
    pub snippet: String,
    /// What matched: ranges in the snippet in UTF-16 code units, ascending, not touching each other's inside.
    pub marks: Vec<(u32, u32)>,
}

/// A page of a search's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    /// How many messages match in all, not only on this page.
    pub total: u64,
    /// Best first; equally good ones newest first.
    pub hits: Vec<Hit>,
    /// Asks for the next page; `None` on the last one.
    pub cursor: Option<String>,
}
