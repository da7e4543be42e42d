//! What is remembered of the mails between the user and one person, and the words for it.

use corella_identity::{
    AddressOfRecord, Millis,
    invitation::{LIFETIME, Nonce},
};

use crate::Pair;

/// What was mailed between the user and one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invitations {
    /// What was mailed to the person's address, and has not come back yet.
    pub mailed: Option<Mailed>,
    /// Invitations that came from the person's address, the oldest first.
    pub offers: Vec<Offer>,
    /// What the person's answer brought: it goes back with each message for a while.
    pub returns: Option<Mailed>,
}

/// A nonce that is worth something for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mailed {
    /// What is to come back.
    pub nonce: Nonce,
    /// How long it is worth something.
    pub until: Millis,
}

/// An invitation that came by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// To which own address.
    pub own: AddressOfRecord,
    /// What the answer returns, and how long there may be one.
    pub mailed: Mailed,
    /// The user has accepted it.
    pub is_accepted: bool,
}

/// How far an invitation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationState {
    /// Written here; nothing has come back.
    Sent,
    /// Came by mail, and waits for the user's answer.
    Offered,
    /// Accepted by the user; the person's key has not proven itself yet.
    Answered,
}

impl InvitationState {
    /// The word for it on the bridge.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Offered => "offered",
            Self::Answered => "answered",
        }
    }
}

/// What a mail was that may have been an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationOutcome {
    /// An invitation: the user is asked.
    Offered,
    /// The answer to one that was written here: the key is known.
    Accepted,
    /// It was read before.
    Known,
    /// It is worth nothing.
    Refused(InvitationRefusal),
}

/// Why a mail is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationRefusal {
    /// The mail is from another address than the invitation.
    OtherSender,
    /// It is for another address than the user's.
    OtherRecipient,
    /// It is too old.
    Expired,
    /// It answers nothing that was written here.
    Unknown,
    /// The person is known by another key: the user is asked.
    OtherKey,
}

impl InvitationRefusal {
    /// The word for it on the bridge.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherSender => "other-sender",
            Self::OtherRecipient => "other-recipient",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::OtherKey => "other-key",
        }
    }
}

/// What a mail has to carry, signed by the own address's credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationMail {
    /// From which own address to whom.
    pub pair: Pair,
    /// What is to come back.
    pub nonce: Nonce,
    /// What comes back with it.
    pub returns: Vec<Nonce>,
}

impl Invitations {
    /// How far they are, for the user.
    pub fn state(&self, now: Millis) -> Option<InvitationState> {
        let mut offers = self.offers.iter().filter(|offer| offer.mailed.until > now);
        let is_mailed = self.mailed.is_some_and(|mailed| mailed.until > now);
        if offers.clone().any(|offer| !offer.is_accepted) {
            Some(InvitationState::Offered)
        } else if is_mailed && offers.next().is_some() {
            Some(InvitationState::Answered)
        } else {
            is_mailed.then_some(InvitationState::Sent)
        }
    }

    /// What is mailed to the address from now on: the same as before, as long as that is worth something, so that each of several
    /// mails that the user may have sent can be answered.
    pub(super) fn mail(&mut self, now: Millis, fresh: Nonce) -> Nonce {
        let before = self.mailed.filter(|mailed| mailed.until > now);
        let nonce = before.map_or(fresh, |mailed| mailed.nonce);
        let until = now + LIFETIME;
        self.mailed = Some(Mailed { nonce, until });
        nonce
    }
}
