//! The same things in the words of the core, of the store and of the bridge.

use corella_agent::{
    BuddyView, CommandError, How, KnownBy, MessageState, NewMessage, Outgoing, Pair, Presence, Reason, Side, Status,
};
use corella_identity::{AddressOfRecord, Fingerprint, trust::Question};
use corella_transcripts as store;

use crate::{
    protocol::{self, ErrorName, RpcError},
    time,
};

/// The store's word for a message of a peer that was not read yet.
const RECEIVED: &str = "received";

pub(crate) fn pair(own: &str, with: &str) -> Option<Pair> {
    Some(Pair {
        own: own.parse().ok()?,
        with: with.parse().ok()?,
    })
}

pub(crate) fn outgoing(message: &store::Message) -> Option<(Pair, Outgoing)> {
    Some((
        pair(&message.own, &message.with)?,
        Outgoing {
            id: message.id.clone(),
            text: message.text.clone(),
            at: message.at,
            sequence: message.sequence,
            state: MessageState::parse(&message.state)?,
            reason: message.reason.as_deref().and_then(Reason::parse),
        },
    ))
}

pub(crate) fn new_message(message: NewMessage, now: i64) -> store::NewMessage {
    let incoming = message.side == Side::In;
    store::NewMessage {
        id: message.id,
        own: message.pair.own.to_string(),
        with: message.pair.with.to_string(),
        direction: if incoming {
            store::Direction::In
        } else {
            store::Direction::Out
        },
        text: message.text,
        at: message.at,
        received: now,
        sequence: message.sequence,
        state: if incoming {
            RECEIVED
        } else {
            MessageState::Pending.as_str()
        }
        .to_owned(),
        trust: message.trust.as_str().to_owned(),
        sealed: true,
        request: message.request,
    }
}

pub(crate) fn message(message: store::Message) -> protocol::Message {
    protocol::Message {
        id: message.id,
        own: message.own,
        with: message.with,
        direction: direction(message.direction),
        text: message.text,
        at: message.at,
        sequence: message.sequence,
        state: message.state,
        reason: message.reason,
        trust: message.trust,
        sealed: message.sealed,
        request: message.request,
    }
}

pub(crate) fn direction(direction: store::Direction) -> protocol::Direction {
    match direction {
        store::Direction::In => protocol::Direction::In,
        store::Direction::Out => protocol::Direction::Out,
    }
}

pub(crate) fn buddy(view: BuddyView, unread: u64) -> protocol::Buddy {
    protocol::Buddy {
        address: view.address.to_string(),
        name: view.name,
        consent: view.consent.as_str(),
        status: view.presence.status.as_str(),
        note: view.presence.note,
        trust: view.known.as_ref().map(|known| known.trust.as_str()),
        fingerprint: view
            .known
            .as_ref()
            .map(|known| known.certificate.fingerprint().to_string()),
        key: view
            .known
            .as_ref()
            .map(|known| known.certificate.key_fingerprint().to_string()),
        known: view.known_by.map(known_by),
        invitation: view.invitations.state(time::steady()).map(|state| state.as_str()),
        unread,
        question: view.question.map(|question| question_view(&question)),
    }
}

fn known_by(known_by: KnownBy) -> protocol::KnownBy {
    protocol::KnownBy {
        how: known_by.how.as_str(),
        authority: match known_by.how {
            How::Authority { name, .. } => Some(name),
            _ => None,
        },
        since: known_by.since,
    }
}

fn question_view(question: &Question) -> protocol::Question {
    let candidates = question.candidates.iter();
    protocol::Question {
        kind: question.kind.as_str(),
        candidates: candidates
            .map(|c| protocol::Candidate {
                fingerprint: c.fingerprint.to_string(),
                key: c.certificate.key_fingerprint().to_string(),
                trust: c.trust.as_str(),
            })
            .collect(),
    }
}

pub(crate) fn presence(params: protocol::PresenceParams) -> Presence {
    let status = match params.status {
        protocol::Presence::Online => Status::Online,
        protocol::Presence::Away => Status::Away,
        protocol::Presence::Busy => Status::Busy,
        protocol::Presence::Offline => Status::Offline,
    };
    Presence {
        status,
        note: params.note.filter(|note| !note.trim().is_empty()),
    }
}

pub(crate) fn command_error(error: CommandError) -> RpcError {
    let name = match error {
        CommandError::NoIdentity => ErrorName::NoIdentity,
        CommandError::OwnAddress => ErrorName::InvalidAddress,
        CommandError::UnknownBuddy => ErrorName::UnknownBuddy,
        CommandError::Blocked => ErrorName::Blocked,
        CommandError::BadText => ErrorName::BadText,
        CommandError::NoSuchKey => ErrorName::InvalidParams,
        CommandError::NoInvitation => ErrorName::NoInvitation,
        CommandError::Store => ErrorName::Store,
    };
    RpcError::new(name, error.to_string())
}

/// What the user did is not on disk.
pub(crate) fn roster_error() -> RpcError {
    RpcError::new(ErrorName::Store, "the buddy list could not be written")
}

/// An address as people and links write it.
pub(crate) fn address(text: &str) -> Result<AddressOfRecord, RpcError> {
    AddressOfRecord::parse_link(text).map_err(|error| RpcError::new(ErrorName::InvalidAddress, error.to_string()))
}

/// A certificate's fingerprint.
pub(crate) fn fingerprint(text: &str) -> Result<Fingerprint, RpcError> {
    text.parse()
        .map_err(|_| RpcError::new(ErrorName::InvalidParams, "fingerprint: 64 hex digits"))
}
