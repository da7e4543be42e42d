//! Invitations by mail: what such a mail carries is written and read here; the add-on sends and finds the mails.

use corella_agent::{Command, InvitationMail, InvitationOutcome};
use corella_identity::{
    AddressOfRecord,
    invitation::{FILE_NAME, Invitation, InvitationError, MEDIA_TYPE, Nonce},
};
use openssl::error::ErrorStack;
use serde_json::Value;

use super::{actor::Actor, calls::json, inbox::ReplyTo};
use crate::{
    protocol::{self, ErrorName, InvitationResult, RpcError},
    time,
};

impl Actor {
    pub(super) fn invite(&mut self, to: AddressOfRecord, from: Option<AddressOfRecord>, reply: ReplyTo) {
        match Nonce::new() {
            Ok(nonce) => self.command(Command::Invite { to, from, nonce }, reply),
            Err(error) => drop(reply.send(Err(broken(&error)))),
        }
    }

    pub(super) fn accept_invitation(&mut self, address: AddressOfRecord, reply: ReplyTo) {
        match Nonce::new() {
            Ok(nonce) => self.command(Command::AcceptInvitation { address, nonce }, reply),
            Err(error) => drop(reply.send(Err(broken(&error)))),
        }
    }

    /// The attachment of a mail from somebody.
    pub(super) fn read_invitation(&mut self, from: AddressOfRecord, content: &str, opened: bool, reply: ReplyTo) {
        match Invitation::read(content, time::now()) {
            Ok((invitation, certificate)) => {
                let command = Command::ReadInvitation {
                    from,
                    invitation: Box::new(invitation),
                    certificate,
                    is_opened: opened,
                };
                self.command(command, reply);
            }
            Err(error) => {
                tracing::info!("a mail was refused: {error}");
                let reason = match error {
                    InvitationError::Unreadable(_) => "unreadable",
                    InvitationError::BadSignature => "bad-signature",
                    InvitationError::Expired => "expired",
                };
                let _ = reply.send(json(InvitationResult {
                    outcome: "refused",
                    address: None,
                    reason: Some(reason),
                }));
            }
        }
    }

    /// What a mail has to carry, signed.
    pub(super) fn invitation_mail(&self, mail: InvitationMail) -> Result<Value, RpcError> {
        let InvitationMail { pair, nonce, returns } = mail;
        let credential = self.credentials.get(&pair.own);
        let credential = credential.ok_or_else(|| RpcError::new(ErrorName::NoIdentity, "no such own address"))?;
        let invitation = Invitation {
            from: pair.own,
            to: pair.with,
            at: time::now(),
            nonce,
            returns,
        };
        let content = invitation
            .write(credential)
            .map_err(|error| RpcError::new(ErrorName::Internal, error.to_string()))?;
        json(protocol::InvitationMail {
            from: invitation.from.to_string(),
            to: invitation.to.to_string(),
            name: FILE_NAME.to_owned(),
            media_type: MEDIA_TYPE,
            content,
        })
    }
}

/// What a mail was, for the add-on.
pub(super) fn outcome(outcome: InvitationOutcome, from: &AddressOfRecord) -> InvitationResult {
    let (outcome, reason) = match outcome {
        InvitationOutcome::Offered => ("offered", None),
        InvitationOutcome::Accepted => ("accepted", None),
        InvitationOutcome::Known => ("known", None),
        InvitationOutcome::Refused(why) => ("refused", Some(why.as_str())),
    };
    InvitationResult {
        outcome,
        address: reason.is_none().then(|| from.to_string()),
        reason,
    }
}

fn broken(error: &ErrorStack) -> RpcError {
    RpcError::new(ErrorName::Internal, error.to_string())
}
