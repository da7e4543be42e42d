//! The user's own addresses: how one goes on line, and how each looks to the add-on.

use std::sync::{Arc, PoisonError};

use corella_agent::{Consent, Event};
use corella_identity::{AddressOfRecord, Credential, trust::Trust};
use corella_overlay::PublishError;
use serde_json::Value;

use super::{Issued, actor::Actor, calls::json, network::Network};
use crate::{
    protocol::{self, ErrorName, IdentitiesResult, RpcError},
    time,
};

impl Actor {
    /// Goes on line with the addresses enrolled before.
    pub(super) async fn resume(&mut self) {
        for address in self.keystore.addresses().unwrap_or_default() {
            if let Err(error) = self.enrol(address, None).await {
                tracing::error!("an own address cannot go on line: {}", error.message);
            }
        }
    }

    pub(super) async fn enrol(&mut self, address: AddressOfRecord, issued: Option<Issued>) -> Result<Value, RpcError> {
        let broken = |error: String| RpcError::new(ErrorName::Store, error);
        let credential = match issued {
            Some(Issued { certificate, key }) => {
                let credential =
                    Credential::from_pem(certificate.as_bytes(), key.as_bytes(), &address).map_err(|e| {
                        RpcError::new(ErrorName::BadCertificate, e.to_string()).with("detail", e.to_string())
                    })?;
                self.keystore
                    .save_credential(&credential)
                    .map_err(|e| broken(e.to_string()))?;
                credential
            }
            None => match self.keystore.credential(&address).map_err(|e| broken(e.to_string()))? {
                Some(credential) => credential,
                None => {
                    let made = Credential::self_signed(&address, time::now()).map_err(|e| broken(e.to_string()))?;
                    self.keystore
                        .save_credential(&made)
                        .map_err(|e| broken(e.to_string()))?;
                    made
                }
            },
        };
        if self.network.is_none() {
            let device = self.keystore.device_key().map_err(|e| broken(e.to_string()))?;
            let network = Network::start(device, &self.settings, self.records.clone(), self.shared.inbox.clone()).await;
            self.network = Some(network.map_err(|e| RpcError::new(ErrorName::Network, e))?);
        }
        if let Some(network) = &self.network {
            // Records reach the nodes when there are some; the overlay sees to that, and the user need not wait for it.
            let (overlay, credential) = (network.overlay.clone(), credential.clone());
            tokio::spawn(async move {
                // That the overlay was shut down meanwhile is no trouble.
                if let Err(PublishError::Record(error)) = overlay.publish(credential).await {
                    tracing::error!("an own address could not be published: {error}");
                }
            });
        }
        let credential = Arc::new(credential);
        let before = self.credentials.insert(address.clone(), credential.clone());
        let is_new = before.is_none_or(|before| before.certificate() != credential.certificate());
        *self.shared.own.lock().unwrap_or_else(PoisonError::into_inner) = self.credentials.keys().cloned().collect();
        self.feed(Event::OwnAddress(address));
        if is_new {
            self.fetch_for(credential.clone());
            self.watch_watchers(credential.clone());
            self.resume_roaming(&credential);
            self.know_buddies();
        }
        if self.online {
            self.tell_status().await;
        }
        json(self.identity(&credential))
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
            identities: self.credentials.values().map(|c| self.identity(c)).collect(),
        })
    }

    fn identity(&self, credential: &Credential) -> protocol::Identity {
        let certificate = credential.certificate();
        let (anchors, chain, address) = (&self.settings.anchors, credential.chain(), credential.address());
        let verified = anchors.verify_chain(certificate, chain, address, time::now()).is_ok();
        protocol::Identity {
            address: address.to_string(),
            fingerprint: certificate.fingerprint().to_string(),
            issuer: if certificate.is_self_signed() {
                "self".into()
            } else {
                certificate.issuer_name()
            },
            trust: if verified { Trust::Verified } else { Trust::Unverified }.as_str(),
            expires: certificate.not_after(),
            peer: self
                .network
                .as_ref()
                .map(|n| n.overlay.peer_id().to_string())
                .unwrap_or_default(),
            roaming: self.roaming.contains_key(credential.address()),
        }
    }
}
