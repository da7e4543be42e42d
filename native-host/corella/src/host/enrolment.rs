//! Getting certificates from the authority by mail: carries out what the core of each own address's enrolment says.

use std::sync::Arc;

use corella_agent::enrolment::{Enrolment, Progress, Shown, Step, Trouble};
use corella_identity::{
    AddressOfRecord, Certificate, Credential, Millis,
    enrolment::{NewKey, Pending, RequestId, read_block},
};
use serde_json::Value;

use super::{actor::Actor, calls::json, inbox::Input};
use crate::{
    authority::Authority,
    protocol::{self, LetterResult, Notification, RpcError},
    time,
};

/// One own address's way to a certificate.
pub(super) struct Enrolling {
    /// Tells it apart from an earlier one of the same address, to which the authority may still be answering.
    number: u64,
    core: Enrolment,
    pending: Pending,
    shown: Option<Shown>,
}

/// What the authority said.
pub(crate) enum Outcome {
    Asked(Result<(RequestId, Progress), Trouble>),
    Looked(Result<Progress, Trouble>),
    Answered(Result<String, Trouble>),
}

impl Actor {
    /// Begins to ask the authority for a certificate, if there is one to ask and this address has none of it, or an old one.
    pub(super) fn seek_certificate(&mut self, address: &AddressOfRecord) {
        let Some(credential) = self.credentials.get(address).cloned() else {
            return;
        };
        let is_due = self.renewals.get(address).is_some_and(|due| time::steady() >= *due);
        if self.authority.is_none() || self.enrolling.contains_key(address) || !is_due {
            return;
        }
        let pending = match self.keystore.request(address) {
            Ok(Some(pending)) => pending,
            Ok(None) => Pending::new(NewKey::of(&credential), false),
            Err(error) => {
                tracing::error!("a request under way is not gone on with: {error}");
                Pending::new(NewKey::of(&credential), false)
            }
        };
        let (core, steps) = Enrolment::begin(pending.request, time::steady());
        let enrolling = Enrolling {
            number: self.fresh(),
            core,
            pending,
            shown: None,
        };
        self.enrolling.insert(address.clone(), enrolling);
        self.go_on(address, steps);
    }

    /// The user has chosen another key: a certificate on its way for the former one would take its place.
    pub(super) fn forget_other_enrolment(&mut self, credential: &Credential) {
        let address = credential.address();
        let is_other = |enrolling: &Enrolling| !enrolling.pending.key.is_key_of(credential.certificate());
        if !self.enrolling.get(address).is_some_and(is_other) {
            return;
        }
        self.stop_enrolment(address);
    }

    /// A certificate on its way is not waited for any more.
    pub(super) fn stop_enrolment(&mut self, address: &AddressOfRecord) {
        self.enrolling.remove(address);
        self.forget_request(address);
    }

    /// There is a certificate that need not be replaced yet: another of the user's devices has got it.
    pub(super) fn forget_needless_enrolment(&mut self, address: &AddressOfRecord) {
        let is_due = self.renewals.get(address).is_some_and(|due| time::steady() >= *due);
        if !is_due && self.enrolling.remove(address).is_some() {
            self.forget_request(address);
        }
    }

    fn forget_request(&self, address: &AddressOfRecord) {
        if let Err(error) = self.keystore.forget_request(address) {
            tracing::error!("a request that is done with stays on the disk: {error}");
        }
    }

    /// Whether the address's certificate is on its way; then what comes next comes now.
    pub(super) fn hurry_certificate(&mut self, address: &AddressOfRecord) {
        let now = time::steady();
        if let Some(enrolling) = self.enrolling.get_mut(address) {
            let steps = enrolling.core.hurry(now);
            self.go_on(address, steps);
        }
    }

    /// When a certificate is to be replaced: when two thirds of its time are over, and at once if no authority that is trusted
    /// here vouches for it.
    pub(super) fn renewal_of(&self, credential: &Credential) -> Millis {
        if !self.is_verified(credential) {
            return 0;
        }
        let (from, until) = (
            credential.certificate().not_before(),
            credential.certificate().not_after(),
        );
        until - (until - from) / 3
    }

    /// When [`Actor::wake_enrolments`] is to be called.
    pub(super) fn next_enrolment(&self) -> Option<Millis> {
        self.authority.as_ref()?;
        let under_way = self
            .enrolling
            .values()
            .filter_map(|enrolling| enrolling.core.next_wakeup());
        let later = self
            .renewals
            .iter()
            .filter(|(address, _)| !self.enrolling.contains_key(*address));
        under_way.chain(later.map(|(_, due)| *due)).min()
    }

    pub(super) fn wake_enrolments(&mut self) {
        let addresses: Vec<_> = self.credentials.keys().cloned().collect();
        for address in addresses {
            match self.enrolling.get_mut(&address) {
                Some(enrolling) => {
                    let steps = enrolling.core.wake(time::steady());
                    self.go_on(&address, steps);
                }
                None => self.seek_certificate(&address),
            }
        }
    }

    /// A mail that may be an authority's letter.
    pub(super) fn letter(&mut self, text: &str) -> Result<Value, RpcError> {
        let tokens = read_block(text);
        let mut taken = false;
        let addresses: Vec<_> = self.enrolling.keys().cloned().collect();
        for address in addresses {
            let Some(enrolling) = self.enrolling.get_mut(&address) else {
                continue;
            };
            if let Some(steps) = enrolling.core.letter(&tokens, time::steady()) {
                taken = true;
                self.go_on(&address, steps);
            }
        }
        json(LetterResult { taken })
    }

    /// The authority has said something.
    pub(super) async fn authority_said(&mut self, address: AddressOfRecord, number: u64, outcome: Outcome) {
        let now = time::steady();
        let enrolling = self.enrolling.get_mut(&address);
        let Some(enrolling) = enrolling.filter(|enrolling| enrolling.number == number) else {
            return;
        };
        let steps = match outcome {
            Outcome::Asked(answer) => enrolling.core.asked(answer, now),
            Outcome::Looked(answer) => enrolling.core.looked(answer, now),
            Outcome::Answered(answer) => enrolling.core.answered(answer, now),
        };
        let chain = steps.iter().find_map(|step| match step {
            Step::Install(chain) => Some(chain.clone()),
            _ => None,
        });
        self.go_on(&address, steps);
        if let Some(chain) = chain {
            self.install(&address, &chain).await;
        }
    }

    /// The certificate is here: it is taken into use if it is good.
    async fn install(&mut self, address: &AddressOfRecord, chain: &str) {
        let Some(enrolling) = self.enrolling.get_mut(address) else {
            return;
        };
        let credential = match enrolling.pending.key.certified(chain) {
            Ok(credential) if self.is_verified(&credential) => Some(credential),
            Ok(_) => None,
            Err(error) => {
                tracing::warn!("what the authority sent is no certificate to use: {error}");
                None
            }
        };
        let is_good = match credential {
            Some(credential) => match self.take_into_use(credential).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::error!("the certificate could not be kept: {}", error.message);
                    false
                }
            },
            None => false,
        };
        if let Some(enrolling) = self.enrolling.get_mut(address) {
            let steps = enrolling.core.installed(is_good, time::steady());
            self.go_on(address, steps);
        }
    }

    fn go_on(&mut self, address: &AddressOfRecord, steps: Vec<Step>) {
        for step in steps {
            self.go(address, step);
        }
        if self
            .enrolling
            .get(address)
            .is_some_and(|enrolling| enrolling.core.is_over())
        {
            self.enrolling.remove(address);
            self.forget_request(address);
            self.tell_identity(address);
        }
    }

    fn go(&mut self, address: &AddressOfRecord, step: Step) {
        let (Some(authority), Some(enrolling)) = (self.authority.clone(), self.enrolling.get_mut(address)) else {
            return;
        };
        let number = enrolling.number;
        let pending = &mut enrolling.pending;
        match step {
            Step::Ask => {
                let key = pending.key.clone();
                self.ask_authority((address, number), authority, move |authority| async move {
                    Outcome::Asked(authority.ask(&key).await)
                });
            }
            Step::Look(id) => {
                self.ask_authority((address, number), authority, move |authority| async move {
                    Outcome::Looked(authority.look(&id).await)
                });
            }
            Step::Answer { id, token } => {
                let (key, revoke_others) = (pending.key.clone(), pending.revoke_others);
                self.ask_authority((address, number), authority, move |authority| async move {
                    Outcome::Answered(authority.answer(&key, &id, &token, revoke_others).await)
                });
            }
            Step::Keep(id) => {
                pending.request = id.map(|id| (id, time::steady()));
                if let Err(error) = self.keystore.save_request(pending) {
                    tracing::error!("after a restart the request would have to be made anew: {error}");
                }
            }
            Step::SearchMail => self.shared.notify(&Notification::LettersWanted {
                address: address.to_string(),
            }),
            Step::Show(shown) => {
                enrolling.shown = Some(shown);
                self.tell_identity(address);
            }
            // Done by whoever has the outcome.
            Step::Install(_) => {}
        }
    }

    fn ask_authority<F>(
        &self,
        (address, number): (&AddressOfRecord, u64),
        authority: Arc<Authority>,
        ask: impl FnOnce(Arc<Authority>) -> F + Send + 'static,
    ) where
        F: Future<Output = Outcome> + Send,
    {
        let (address, inbox) = (address.clone(), self.shared.inbox.clone());
        tokio::spawn(async move {
            let outcome = ask(authority).await;
            let _ = inbox.send(Input::AuthoritySaid(address, number, outcome));
        });
    }

    /// The authority that is trusted here and vouches for it now.
    pub(super) fn vouching(&self, credential: &Credential) -> Option<Certificate> {
        let (certificate, chain) = (credential.certificate(), credential.chain());
        let anchors = &self.settings.anchors;
        anchors
            .verify_chain(certificate, chain, credential.address(), time::now())
            .ok()
    }

    /// Whether there is one.
    pub(super) fn is_verified(&self, credential: &Credential) -> bool {
        self.vouching(credential).is_some()
    }

    /// How far it is, as the add-on hears it.
    pub(super) fn enrolment(&self, address: &AddressOfRecord) -> Option<protocol::Enrolment> {
        let shown = self.enrolling.get(address)?.shown.as_ref()?;
        let at = match shown {
            Shown::LetterLater(at) => Some(*at),
            _ => None,
        };
        let (state, reason) = match shown {
            Shown::Asking => ("asking", None),
            Shown::Unreachable => ("unreachable", None),
            Shown::Limited => ("limited", None),
            Shown::MailDelayed => ("mail-delayed", None),
            Shown::LetterLater(_) => ("letter-later", None),
            Shown::LetterComing => ("letter-coming", None),
            Shown::LetterSlow => ("letter-slow", None),
            Shown::Answering => ("answering", None),
            Shown::NoMailbox => ("no-mailbox", None),
            Shown::Refused(name) => ("refused", Some(name.clone())),
            Shown::Done => return None,
        };
        Some(protocol::Enrolment { state, reason, at })
    }
}
