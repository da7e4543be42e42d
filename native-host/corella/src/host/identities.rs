//! The user's own addresses: how one goes on line, and how each looks to the add-on.

use std::sync::{Arc, PoisonError};

use corella_agent::{Consent, Event};
use corella_identity::{
    AddressOfRecord, Credential, CredentialError, Fingerprint, Millis,
    enrolment::NewKey,
    trust::{Trust, TrustAnchors},
    vault::SECRET_LENGTH,
};
use corella_overlay::PublishError;
use data_encoding::BASE64;
use serde_json::Value;

use super::{
    Call, Issued,
    actor::Actor,
    calls::json,
    inbox::{Input, ReplyTo},
    network::Network,
};
use crate::{
    protocol::{self, ErrorName, ExportResult, IdentitiesResult, Notification, RpcError, Secret},
    time,
};

impl Actor {
    /// Goes on line with the addresses enrolled before.
    pub(super) async fn resume(&mut self) {
        for address in self.keystore.addresses().unwrap_or_default() {
            match self.keystore.credential(&address) {
                Ok(Some(revoked)) if self.revocations.covers(revoked.certificate()) => {
                    self.revocations.lose(Arc::new(revoked));
                }
                _ => {
                    if let Err(error) = self.enrol(address, false).await {
                        tracing::error!("an own address cannot go on line: {}", error.message);
                    }
                }
            }
        }
    }

    /// Goes on line with an address, with a key of its own making unless there is one that may be used. `revoke_others`: the authority
    /// that is asked for a certificate is to revoke those of all other keys.
    pub(super) async fn enrol(&mut self, address: AddressOfRecord, revoke_others: bool) -> Result<Value, RpcError> {
        let broken = |error: String| RpcError::new(ErrorName::Store, error);
        let kept = self.keystore.credential(&address).map_err(|e| broken(e.to_string()))?;
        let is_made_here = kept.is_none();
        let credential = match kept {
            // An authority revokes what it issued for this key, too.
            Some(credential) if revoke_others && self.is_verified(&credential) => return self.revoke(&address).await,
            Some(credential) if !self.revocations.covers(credential.certificate()) => credential,
            _ => Credential::self_signed(&address, time::now()).map_err(|e| broken(e.to_string()))?,
        };
        if revoke_others {
            self.ask_to_revoke_others(&credential)?;
        }
        let result = self.use_credential(credential).await?;
        if is_made_here {
            self.feed(Event::FirstDevice(address));
        }
        Ok(result)
    }

    /// Goes on line with a certificate from elsewhere.
    pub(super) async fn import(&mut self, address: &AddressOfRecord, issued: &Issued) -> Result<Value, RpcError> {
        let Issued { certificate, key } = issued;
        let credential = Credential::from_pem(certificate.as_bytes(), key.as_bytes(), address);
        self.use_credential(credential.map_err(|e| unusable(&e))?).await
    }

    /// Opens a PKCS #12 file, which may take long: whoever made it says how often its passphrase is hashed.
    pub(super) fn open_file(&self, address: AddressOfRecord, file: Secret, passphrase: Secret, reply: ReplyTo) {
        let inbox = self.shared.inbox.clone();
        tokio::task::spawn_blocking(move || {
            let bytes = BASE64
                .decode(file.0.as_bytes())
                .map_err(|_| RpcError::new(ErrorName::InvalidParams, "file: base64"));
            let opened = bytes.and_then(|bytes| {
                Credential::from_pkcs12(&bytes, &passphrase.0, &address).map_err(|error| unusable(&error))
            });
            // That nobody waits any more, or the host is ending, is no trouble.
            let _ = match opened {
                Ok(credential) => inbox
                    .send(Input::Call {
                        call: Call::Use(credential),
                        reply,
                    })
                    .is_ok(),
                Err(error) => reply.send(Err(error)).is_ok(),
            };
        });
    }

    /// Writes a credential into a PKCS #12 file, which takes a while on account of the passphrase.
    pub(super) fn export(&self, address: &AddressOfRecord, passphrase: Secret, reply: ReplyTo) {
        let Some(credential) = self.credentials.get(address).cloned() else {
            let what = "no such own address; choose one first";
            return drop(reply.send(Err(RpcError::new(ErrorName::NoIdentity, what))));
        };
        if passphrase.0.chars().count() < SECRET_LENGTH {
            let what = format!("the passphrase is too short: it needs at least {SECRET_LENGTH} characters");
            let error = RpcError::new(ErrorName::ShortSecret, what).with("least", SECRET_LENGTH);
            return drop(reply.send(Err(error)));
        }
        tokio::task::spawn_blocking(move || {
            let result = match credential.to_pkcs12(&passphrase.0) {
                Ok(file) => json(ExportResult {
                    file: BASE64.encode(&file),
                }),
                Err(CredentialError::Passphrase) => {
                    Err(RpcError::new(ErrorName::InvalidParams, "passphrase: no NUL characters"))
                }
                Err(error) => Err(RpcError::new(ErrorName::Internal, error.to_string())),
            };
            let _ = reply.send(result);
        });
    }

    /// Another of the user's devices has another certificate for the key: it is taken into use if it is better than the one here.
    pub(super) async fn certified_elsewhere(&mut self, own: AddressOfRecord, chain: &str) {
        let Some(credential) = self.credentials.get(&own).cloned() else {
            return;
        };
        // One of another key is not this credential's: the user has enrolled anew there.
        let Ok(certified) = NewKey::of(&credential).certified(chain) else {
            return;
        };
        let anchors = &self.settings.anchors;
        let is_good = certified.certificate().valid_at(time::now());
        if !is_good || rank(anchors, &certified) <= rank(anchors, &credential) {
            return;
        }
        if let Err(error) = self.take_into_use(certified).await {
            tracing::error!("another device's certificate could not be kept: {}", error.message);
            return;
        }
        self.forget_needless_enrolment(&own);
        self.tell_identity(&own);
    }

    /// Goes on line with a credential.
    pub(super) async fn use_credential(&mut self, credential: Credential) -> Result<Value, RpcError> {
        let address = credential.address().clone();
        self.take_into_use(credential.clone()).await?;
        self.forget_other_enrolment(&credential);
        self.hurry_certificate(&address);
        self.seek_certificate(&address);
        json(self.identity(&credential))
    }

    /// Keeps a credential, and goes on line with it.
    pub(super) async fn take_into_use(&mut self, credential: Credential) -> Result<(), RpcError> {
        let broken = |error: String| RpcError::new(ErrorName::Store, error);
        let address = credential.address().clone();
        if self.revocations.covers(credential.certificate()) {
            let what = "the certificate's key was revoked; a new one is needed";
            return Err(RpcError::new(ErrorName::BadCertificate, what).with("detail", "revoked"));
        }
        let kept = self.keystore.credential(&address).map_err(|e| broken(e.to_string()))?;
        if kept.is_none_or(|kept| kept.certificate() != credential.certificate()) {
            self.keystore
                .save_credential(&credential)
                .map_err(|e| broken(e.to_string()))?;
        }
        if self.network.is_none() {
            let device = self.keystore.device_key().map_err(|e| broken(e.to_string()))?;
            let network = Network::start(device, &self.settings, self.records.clone(), self.shared.inbox.clone()).await;
            self.network = Some(network.map_err(|e| RpcError::new(ErrorName::Network, e))?);
        }
        let replaces = self
            .credentials
            .get(&address)
            .is_some_and(|before| before.certificate() != credential.certificate());
        if let Some(network) = &self.network {
            // Records reach the nodes when there are some; the overlay sees to that, and the user need not wait for it.
            let (overlay, credential) = (network.overlay.clone(), credential.clone());
            let (inbox, address) = (self.shared.inbox.clone(), address.clone());
            tokio::spawn(async move {
                // That the overlay was shut down meanwhile is no trouble.
                if let Err(PublishError::Record(error)) = overlay.publish(credential).await {
                    tracing::error!("an own address could not be published: {error}");
                }
                if replaces {
                    let _ = inbox.send(Input::Certified(address));
                }
            });
        }
        self.renewals.insert(address.clone(), self.renewal_of(&credential));
        let has_other_key = |before: &Arc<Credential>| !before.certificate().same_key(credential.certificate());
        let is_other_key = self.credentials.get(&address).is_some_and(has_other_key);
        if is_other_key {
            // What was kept for other devices in the name of the former key is kept no longer.
            self.end_keeper(&address);
        }
        let credential = Arc::new(credential);
        let before = self.credentials.insert(address.clone(), credential.clone());
        if before.is_none() {
            self.watch_devices(&address);
        }
        self.revocations.replaced(&address);
        let is_new = before.is_none_or(|before| before.certificate() != credential.certificate());
        *self.shared.own.lock().unwrap_or_else(PoisonError::into_inner) = self.own_addresses();
        self.feed(Event::OwnAddress(address));
        if is_new {
            self.fetch_for(credential.clone());
            self.watch_watchers(credential.clone());
            self.resume_roaming(&credential);
            if is_other_key && let Some(document) = self.agent.roaming(credential.address()).cloned() {
                // Nor is there to be nothing but what somebody else keeps there.
                self.keep_roaming(credential.address().clone(), document);
            }
            self.know_buddies();
            self.watch_people();
            self.keep_statements();
        }
        if self.online {
            self.tell_status().await;
        }
        Ok(())
    }

    /// Those who are linked still have the former certificate: they are called anew.
    pub(super) fn present_anew(&mut self, address: &AddressOfRecord) {
        self.links.close_all_of(address);
    }

    /// Tells the overlay whose records have a share of their own among those that this device keeps: the buddies'.
    pub(super) fn know_buddies(&self) {
        let Some(overlay) = self.network.as_ref().map(|network| network.overlay.clone()) else {
            return;
        };
        let buddies = self
            .agent
            .buddies()
            .into_iter()
            .filter(|view| view.consent == Consent::Buddy);
        let known = buddies
            .filter_map(|view| Some(view.known?.certificate.fingerprint()))
            .collect();
        tokio::spawn(async move { overlay.know(known).await });
    }

    pub(super) fn identities(&self) -> Result<Value, RpcError> {
        json(IdentitiesResult {
            identities: self.all_credentials().map(|c| self.identity(c)).collect(),
        })
    }

    /// Those in use, and those that are revoked and not replaced.
    fn all_credentials(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.credentials.values().chain(self.revocations.lost())
    }

    pub(super) fn own_addresses(&self) -> Vec<AddressOfRecord> {
        self.all_credentials()
            .map(|credential| credential.address().clone())
            .collect()
    }

    pub(super) fn identity(&self, credential: &Credential) -> protocol::Identity {
        let certificate = credential.certificate();
        let authority = self.vouching(credential);
        protocol::Identity {
            address: credential.address().to_string(),
            fingerprint: certificate.fingerprint().to_string(),
            key: certificate.key_fingerprint().to_string(),
            issuer: match &authority {
                Some(authority) => authority.subject_name(),
                None if certificate.is_self_signed() => "self".into(),
                None => certificate.issuer_name(),
            },
            trust: match authority {
                Some(_) => Trust::Verified,
                None => Trust::Unverified,
            }
            .as_str(),
            expires: certificate.not_after(),
            peer: self
                .network
                .as_ref()
                .map(|n| n.overlay.peer_id().to_string())
                .unwrap_or_default(),
            roaming: self.roaming.contains_key(credential.address()),
            portable: self
                .roaming
                .get(credential.address())
                .is_some_and(|keeper| keeper.carries_credential),
            revoked: self.revocations.covers(certificate),
            enrolment: self.enrolment(credential.address()),
        }
    }

    /// Something about an own address is otherwise than it was.
    pub(super) fn tell_identity(&self, address: &AddressOfRecord) {
        let of_address = |credential: &&Arc<Credential>| credential.address() == address;
        if let Some(credential) = self.all_credentials().find(of_address) {
            self.shared.notify(&Notification::Identity {
                identity: Box::new(self.identity(credential)),
            });
        }
    }
}

/// Which of several certificates of a key is used: one that an authority vouches for that is trusted here, then the latest. The
/// user's devices come to the same, whichever they hear of first.
pub(super) fn rank(anchors: &TrustAnchors, credential: &Credential) -> (bool, Millis, Fingerprint) {
    let certificate = credential.certificate();
    let chain = anchors.verify_chain(certificate, credential.chain(), credential.address(), time::now());
    (chain.is_ok(), certificate.not_before(), certificate.fingerprint())
}

/// Why a credential cannot be used: in words for logs, and by a name.
fn unusable(error: &CredentialError) -> RpcError {
    let detail = match error {
        CredentialError::Passphrase => return RpcError::new(ErrorName::WrongPassphrase, error.to_string()),
        CredentialError::OtherAddress => "other-address",
        CredentialError::Authority => "authority",
        CredentialError::KeyKind | CredentialError::OtherKey => "key",
        CredentialError::OldCiphers => "old-ciphers",
        CredentialError::TooLarge => "too-large",
        _ => "unreadable",
    };
    RpcError::new(ErrorName::BadCertificate, error.to_string()).with("detail", detail)
}
