//! The states of a message that was written here, and why one waits or failed.

/// How far an outgoing message got. It only rises, except that `Failed` gives way to any later proof and to the user's retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// On this disk, not yet on the peer's.
    Pending,
    /// A device of the peer answered 200 or 202: it is on that disk.
    Sent,
    /// Waits in the overlay for the peer.
    Stored,
    /// The recipient's signed notice came.
    Delivered,
    /// The recipient's signed notice said that it was read.
    Read,
    /// Refused for good, or given up by the user.
    Failed,
}

impl MessageState {
    /// All of them, in rising order.
    pub const ALL: [MessageState; 6] = [
        Self::Failed,
        Self::Pending,
        Self::Sent,
        Self::Stored,
        Self::Delivered,
        Self::Read,
    ];

    /// The word for it on the bridge and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Stored => "stored",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }

    /// The state that this word stands for.
    pub fn parse(word: &str) -> Option<MessageState> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// Whether a message in this state may still become `next`.
    pub fn rises_to(self, next: MessageState) -> bool {
        let rank = |s: MessageState| Self::ALL.iter().position(|x| *x == s);
        match next {
            Self::Failed => matches!(self, Self::Pending | Self::Sent | Self::Stored),
            _ => rank(next) > rank(self),
        }
    }
}

/// Why a message waits or failed, in the words of the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No device of the peer answers; tried again by itself.
    Offline,
    /// Nobody by that address has been seen on the network yet.
    Unknown,
    /// The peer's key needs the user's decision first.
    Question,
    /// The peer declined.
    Refused,
    /// The peer said that the message is too large.
    TooLarge,
    /// The user blocked the peer.
    Blocked,
    /// The peer has not consented yet, or does not take more for now.
    Waiting,
}

impl Reason {
    /// The word for it on the bridge and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Unknown => "unknown",
            Self::Question => "question",
            Self::Refused => "refused",
            Self::TooLarge => "too-large",
            Self::Blocked => "blocked",
            Self::Waiting => "waiting",
        }
    }

    /// The reason that this word stands for.
    pub fn parse(word: &str) -> Option<Reason> {
        [
            Self::Offline,
            Self::Unknown,
            Self::Question,
            Self::Refused,
            Self::TooLarge,
            Self::Blocked,
            Self::Waiting,
        ]
        .into_iter()
        .find(|r| r.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_only_rise_and_failed_gives_way_to_proof() {
        use MessageState::*;
        assert!(Pending.rises_to(Sent) && Sent.rises_to(Delivered) && Pending.rises_to(Delivered));
        assert!(!Delivered.rises_to(Sent) && !Sent.rises_to(Pending) && !Sent.rises_to(Sent));
        assert!(Pending.rises_to(Failed) && Failed.rises_to(Delivered) && Failed.rises_to(Sent));
        assert!(!Delivered.rises_to(Failed) && !Read.rises_to(Failed));
    }

    #[test]
    fn words_round_trip() {
        for state in MessageState::ALL {
            assert_eq!(MessageState::parse(state.as_str()), Some(state));
        }
        assert_eq!(Reason::parse("too-large"), Some(Reason::TooLarge));
        assert_eq!(MessageState::parse("Sent"), None);
    }
}
