//! Invitations by mail: what was mailed to somebody's address and came back signed with a key makes that key theirs.
//!
//! The mails themselves are written and read by the runtime ([`corella_identity::invitation`]); here is decided what follows. What an
//! invitation says proves nothing, so it changes nothing but that the user is asked. A key is `pinned` when a nonce of ours comes back:
//! in the answer to an invitation, or with the first message of whoever was answered.

mod mailed;

use corella_identity::{
    AddressOfRecord, Certificate, Millis,
    invitation::{Invitation, LIFETIME, Nonce, RETURNS_LIMIT},
    trust::{Candidate, Known, Question, QuestionKind, Trust},
};

pub use mailed::{InvitationMail, InvitationOutcome, InvitationRefusal, InvitationState, Invitations, Mailed, Offer};

use crate::{
    Action, Agent, Buddy, CommandError, Consent, How, Pair, Reply,
    requests::{BY_MAIL, MAIL, Room},
};

/// By so much a sender's clock may be ahead.
const SKEW: Millis = 5 * 60_000;
/// Most declined invitations that are remembered; the oldest are forgotten.
const DECLINED: usize = 1_000;

/// A mail that may be an invitation or the answer to one.
pub(crate) struct ReadMail<'a> {
    /// The address in its From.
    pub(crate) from: &'a AddressOfRecord,
    /// What its attachment says.
    pub(crate) invitation: Invitation,
    /// Who signed that.
    pub(crate) certificate: Certificate,
    /// The user has opened it.
    pub(crate) is_opened: bool,
}

impl Agent {
    /// What is to go back to somebody with each message, if anything is.
    pub fn returns(&self, now: Millis, with: &AddressOfRecord) -> Option<Nonce> {
        let returns = self.buddies.get(with)?.invitations.returns?;
        (returns.until > now).then_some(returns.nonce)
    }

    /// The user invites somebody.
    pub(crate) fn invite(
        &mut self,
        now: Millis,
        to: &AddressOfRecord,
        from: Option<AddressOfRecord>,
        fresh: Nonce,
        out: &mut Vec<Action>,
    ) -> Result<Reply, CommandError> {
        if self.is_blocked(to) {
            return Err(CommandError::Blocked);
        }
        let known_by = self.buddies.get(to).and_then(|buddy| buddy.own.clone());
        let own = from.or(known_by).or_else(|| self.own.first().cloned());
        let own = own
            .filter(|own| self.own.contains(own))
            .ok_or(CommandError::NoIdentity)?;
        self.consent(now, to, None, Some(own.clone()), out)?;
        self.mail_to(now, to, own, fresh, Vec::new(), out)
    }

    /// The user accepts what somebody has offered by mail.
    pub(crate) fn accept_invitation(
        &mut self,
        now: Millis,
        address: &AddressOfRecord,
        fresh: Nonce,
        out: &mut Vec<Action>,
    ) -> Result<Reply, CommandError> {
        if self.is_blocked(address) {
            return Err(CommandError::Blocked);
        }
        let offers = self.buddies.get_mut(address).map(|buddy| &mut buddy.invitations.offers);
        let offers = offers.ok_or(CommandError::UnknownBuddy)?;
        let latest = offers.iter().rev().find(|offer| offer.mailed.until > now);
        let own = latest
            .map(|offer| offer.own.clone())
            .ok_or(CommandError::NoInvitation)?;
        if !self.own.contains(&own) {
            return Err(CommandError::NoIdentity);
        }
        let mut returns = Vec::new();
        for offer in offers
            .iter_mut()
            .filter(|offer| offer.own == own && offer.mailed.until > now)
        {
            offer.is_accepted = true;
            returns.push(offer.mailed.nonce);
        }
        self.consent(now, address, None, Some(own.clone()), out)?;
        self.mail_to(now, address, own, fresh, returns, out)
    }

    fn mail_to(
        &mut self,
        now: Millis,
        to: &AddressOfRecord,
        own: AddressOfRecord,
        fresh: Nonce,
        returns: Vec<Nonce>,
        out: &mut Vec<Action>,
    ) -> Result<Reply, CommandError> {
        let buddy = self.buddies.get_mut(to).ok_or(CommandError::UnknownBuddy)?;
        let nonce = buddy.invitations.mail(now, fresh);
        let pair = Pair { own, with: to.clone() };
        self.buddy_changed(to, out);
        Ok(Reply::Mail(Box::new(InvitationMail { pair, nonce, returns })))
    }

    /// The user does not want what somebody has offered: it is not offered again.
    pub(crate) fn decline_invitation(
        &mut self,
        address: &AddressOfRecord,
        out: &mut Vec<Action>,
    ) -> Result<Reply, CommandError> {
        let buddy = self.buddies.get_mut(address).ok_or(CommandError::UnknownBuddy)?;
        let offers = std::mem::take(&mut buddy.invitations.offers);
        let (accepted, open) = offers.into_iter().partition(|offer| offer.is_accepted);
        buddy.invitations.offers = accepted;
        // Whoever has done nothing but to invite is nobody whom the user knows.
        let is_stranger = buddy.consent == Consent::Request && buddy.known.is_none();
        self.remember_declined(open, out);
        if is_stranger {
            self.requests.settled(address);
            self.forget(address, out);
        } else {
            self.buddy_changed(address, out);
        }
        Ok(Reply::Done)
    }

    /// What somebody who is forgotten had offered is not offered again.
    pub(crate) fn remember_declined(&mut self, offers: Vec<Offer>, out: &mut Vec<Action>) {
        for Offer { mailed, .. } in offers {
            let tag = mailed.nonce.tag();
            out.push(Action::SaveDeclined {
                tag: tag.clone(),
                until: mailed.until,
            });
            self.declined.insert(tag, mailed.until);
        }
        while self.declined.len() > DECLINED {
            let oldest = self.declined.iter().min_by_key(|(_, until)| **until);
            let Some(tag) = oldest.map(|(tag, _)| tag.clone()) else {
                break;
            };
            self.declined.remove(&tag);
        }
    }

    /// A mail brought an invitation, or the answer to one.
    pub(crate) fn read_invitation(
        &mut self,
        now: Millis,
        mail: ReadMail<'_>,
        out: &mut Vec<Action>,
    ) -> InvitationOutcome {
        let ReadMail {
            from,
            invitation,
            certificate,
            is_opened,
        } = mail;
        let refused = InvitationOutcome::Refused;
        if invitation.from != *from {
            return refused(InvitationRefusal::OtherSender);
        }
        if !self.own.contains(&invitation.to) || self.own.contains(from) {
            return refused(InvitationRefusal::OtherRecipient);
        }
        let until = invitation.at.saturating_add(LIFETIME);
        if until <= now {
            return refused(InvitationRefusal::Expired);
        }
        let mailed = Mailed {
            nonce: invitation.nonce,
            until,
        };
        if invitation.returns.is_empty() {
            self.offered(now, from, invitation.to, mailed, is_opened, out)
        } else {
            self.answered_by_mail(now, from, &invitation, mailed, certificate, out)
        }
    }

    /// Room for one more who invites by mail, with something that is worth something until then. Mail comes from anybody: of too many
    /// who came by it those whose invitation is the latest wait, in whatever order the mails are read. `is_opened`: the user has opened
    /// the mail, and is to see who invites.
    fn room_by_mail(&self, now: Millis, until: Millis, is_opened: bool) -> Room {
        let by_mail: Vec<&AddressOfRecord> = self.requests.by_mail().collect();
        if by_mail.len() < BY_MAIL {
            return self.requests.room("", false);
        }
        // One that says it is from tomorrow would be the latest for a day.
        let rank = |until: Millis| if until > now + LIFETIME + SKEW { 0 } else { until };
        let latest = |stranger: &AddressOfRecord| {
            let offers = self.buddies.get(stranger).map(|buddy| &buddy.invitations.offers);
            offers.into_iter().flatten().map(|offer| rank(offer.mailed.until)).max()
        };
        let oldest = by_mail.into_iter().min_by_key(|stranger| latest(stranger));
        let oldest = oldest.filter(|stranger| is_opened || latest(stranger) < Some(rank(until)));
        oldest.map_or(Room::Full, |stranger| Room::InsteadOf(stranger.clone()))
    }

    fn offered(
        &mut self,
        now: Millis,
        from: &AddressOfRecord,
        own: AddressOfRecord,
        mailed: Mailed,
        is_opened: bool,
        out: &mut Vec<Action>,
    ) -> InvitationOutcome {
        let offers = self.buddies.get(from).map(|buddy| buddy.invitations.offers.as_slice());
        let is_there = offers
            .unwrap_or_default()
            .iter()
            .any(|offer| offer.mailed.nonce == mailed.nonce);
        // Of whom the user wants nothing, nothing is heard.
        if is_there || self.is_blocked(from) || self.declined.contains_key(&mailed.nonce.tag()) {
            return InvitationOutcome::Known;
        }
        if !self.buddies.contains_key(from) {
            match self.room_by_mail(now, mailed.until, is_opened) {
                Room::Free => {}
                Room::InsteadOf(stranger) => self.give_way(&stranger, out),
                Room::Full => return InvitationOutcome::Known,
            }
            self.requests.wait(from.clone(), Some(MAIL.to_owned()), false);
        }
        let buddy = self
            .buddies
            .entry(from.clone())
            .or_insert_with(|| Buddy::new(from.clone(), Consent::Request));
        buddy.own.get_or_insert_with(|| own.clone());
        let offers = &mut buddy.invitations.offers;
        offers.retain(|offer| offer.mailed.until > now);
        if offers.len() == RETURNS_LIMIT {
            // What was accepted is still to be answered.
            let first = offers.iter().position(|offer| !offer.is_accepted);
            offers.remove(first.unwrap_or(0));
        }
        offers.push(Offer {
            own,
            mailed,
            is_accepted: false,
        });
        self.buddy_changed(from, out);
        InvitationOutcome::Offered
    }

    fn answered_by_mail(
        &mut self,
        now: Millis,
        from: &AddressOfRecord,
        answer: &Invitation,
        theirs: Mailed,
        certificate: Certificate,
        out: &mut Vec<Action>,
    ) -> InvitationOutcome {
        let unknown = InvitationOutcome::Refused(InvitationRefusal::Unknown);
        if self.is_revoked(from, &certificate) {
            return unknown;
        }
        // Of whom the user wants nothing, nothing is heard.
        if self.is_blocked(from) {
            return InvitationOutcome::Known;
        }
        // To which own address it comes is not asked: what was mailed went to the person's mailbox alone.
        let Some(buddy) = self.buddies.get(from) else {
            return unknown;
        };
        if buddy
            .invitations
            .returns
            .is_some_and(|returns| returns.nonce == theirs.nonce)
        {
            return InvitationOutcome::Known;
        }
        let is_ours = |mailed: &Mailed| mailed.until > now && answer.returns.contains(&mailed.nonce);
        if !buddy.invitations.mailed.as_ref().is_some_and(is_ours) {
            return unknown;
        }
        if !self.proven(now, from, &certificate, out) {
            return InvitationOutcome::Refused(InvitationRefusal::OtherKey);
        }
        // It goes back to whoever mailed it, and so to nobody whose key is another.
        if let Some(buddy) = self.buddies.get_mut(from) {
            buddy.invitations.returns = Some(theirs);
        }
        InvitationOutcome::Accepted
    }

    /// Something that somebody returned came with their key, which is the one in use.
    pub(crate) fn came_back(
        &mut self,
        now: Millis,
        from: &AddressOfRecord,
        certificate: &Certificate,
        nonce: Nonce,
        out: &mut Vec<Action>,
    ) {
        let mailed = self.buddies.get(from).and_then(|buddy| buddy.invitations.mailed);
        let is_ours = mailed.is_some_and(|mailed| mailed.until > now && mailed.nonce == nonce);
        if is_ours && !self.is_revoked(from, certificate) {
            self.proven(now, from, certificate, out);
        }
    }

    /// Whoever has this key reads the address's mail. True if the key is the one in use from now on; else the user is asked.
    fn proven(
        &mut self,
        now: Millis,
        address: &AddressOfRecord,
        certificate: &Certificate,
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(buddy) = self.buddies.get_mut(address) else {
            return false;
        };
        buddy.invitations.mailed = None;
        let candidate = || Candidate {
            fingerprint: certificate.fingerprint(),
            certificate: certificate.clone(),
            trust: Trust::Pinned,
        };
        if let Some(question) = &mut buddy.question {
            match question
                .candidates
                .iter_mut()
                .find(|c| c.certificate.same_key(certificate))
            {
                Some(one) if one.trust == Trust::Verified => {}
                Some(one) => one.trust = Trust::Pinned,
                None => question.candidates.insert(0, candidate()),
            }
            self.buddy_changed(address, out);
            return false;
        }
        let fits = match &buddy.known {
            Some(known) => known.certificate.same_key(certificate),
            None => buddy.expected.is_none_or(|expected| expected.is_key_of(certificate)),
        };
        if !fits {
            let candidates = vec![candidate()];
            let kind = QuestionKind::Changed;
            self.ask(now, address, Question { kind, candidates }, out);
            return false;
        }
        let first = buddy.known.is_none();
        let known = match &buddy.known {
            Some(known) => Known::chosen(known.certificate.clone(), known.trust),
            None => Known::chosen(certificate.clone(), Trust::Unverified),
        };
        buddy.know(now, known, How::Invitation);
        buddy.expected = None;
        if first {
            self.settle_requests(address, false, out);
            for (_, peer) in self.peers.iter_mut().filter(|(pair, _)| pair.with == *address) {
                peer.reach.at_once(now);
            }
        }
        self.close_other_links(address, out);
        self.buddy_changed(address, out);
        true
    }
}
