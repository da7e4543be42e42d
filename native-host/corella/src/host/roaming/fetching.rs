//! A device that has nothing but the address and the secret gets the credential that the user's other devices keep.

use std::{collections::BTreeSet, time::Duration};

use corella_agent::Roaming;
use corella_identity::{AddressOfRecord, Certificate, Credential, Revocation, trust::TrustAnchors, vault::Vault};
use corella_overlay::{LocationService, Overlay, OverlayConfig, OverlayEvent, record::Nonce};
use tokio::{sync::mpsc, time::timeout};

use super::{Opened, derive, key, not_online, nothing_found, read};
use crate::{
    host::{
        actor::Actor,
        calls::json,
        identities::rank,
        inbox::{Input, ReplyTo},
        network, revocations,
    },
    protocol::{ErrorName, RpcError, Secret},
    roaming::{Kept, KeptCredential},
    time,
};

/// How long it may take until others can be asked.
const JOINING: Duration = Duration::from_secs(20);

/// A credential, and what was kept with it.
pub(crate) struct Fetched {
    credential: Credential,
    opened: Opened,
}

impl Actor {
    /// Looks for the credential of an address. As long as there is no identity here, that is done by a device of a moment, which
    /// publishes nothing: if the secret is wrong, nothing is left of it.
    pub(in crate::host) fn fetch_identity(&mut self, own: AddressOfRecord, secret: Secret, reply: ReplyTo) {
        let overlay = self.network.as_ref().map(|network| network.overlay.clone());
        let passing = network::passing(&self.settings);
        let (anchors, inbox, online) = (self.settings.anchors.clone(), self.shared.inbox.clone(), self.online);
        tokio::spawn(async move {
            let found = async {
                let vault = derive(&own, secret, true).await?;
                match overlay {
                    Some(overlay) if online && overlay.asks_others().await => {
                        find(&*overlay.location(), vault, &anchors).await
                    }
                    Some(_) => Err(not_online()),
                    None => {
                        let overlay = join(passing).await?;
                        let found = find(&*overlay.location(), vault, &anchors).await;
                        overlay.shutdown().await;
                        found
                    }
                }
            };
            // That nobody waits any more, or the host is ending, is no trouble.
            let _ = match found.await {
                Ok(fetched) => inbox.send(Input::IdentityFetched(Box::new(fetched), reply)).is_ok(),
                Err(error) => reply.send(Err(error)).is_ok(),
            };
        });
    }

    /// Goes on line with it, and takes part in what the other devices keep.
    pub(in crate::host) async fn identity_fetched(&mut self, fetched: Fetched, reply: ReplyTo) {
        let Fetched { credential, opened } = fetched;
        if let Err(error) = self.use_credential(credential.clone()).await {
            return drop(reply.send(Err(error)));
        }
        if let Err(error) = self.begin_roaming(opened) {
            tracing::warn!("the buddy list of the other devices was not taken: {}", error.message);
        }
        self.answer_when_kept(json(self.identity(&credential)), reply);
    }
}

/// Goes into the overlay, until others can be asked.
async fn join(config: OverlayConfig) -> Result<Overlay, RpcError> {
    let started = Overlay::start(config).await;
    let (overlay, events) = started.map_err(|error| RpcError::new(ErrorName::Network, error.to_string()))?;
    if timeout(JOINING, can_ask(&overlay, events)).await != Ok(true) {
        overlay.shutdown().await;
        return Err(not_online());
    }
    Ok(overlay)
}

async fn can_ask(overlay: &Overlay, mut events: mpsc::Receiver<OverlayEvent>) -> bool {
    let mut is_on_line = false;
    while let Some(event) = events.recv().await {
        is_on_line |= matches!(event, OverlayEvent::OnLine);
        if is_on_line && overlay.asks_others().await {
            return true;
        }
    }
    false
}

/// What was found under the secret.
struct Found {
    signer: Certificate,
    device: Nonce,
    kept: Kept,
}

async fn find(location: &dyn LocationService, vault: Vault, anchors: &TrustAnchors) -> Result<Fetched, RpcError> {
    let records = location.get(&key(&vault)).await.map_err(|_| not_online())?;
    let mut found = Vec::new();
    // What a lost device keeps there is not the user's any more.
    let revocations = revocations::look_up(location, vault.address()).await;
    let is_void = |signer: &Certificate| {
        let extent = |one: &Revocation| one.extent(anchors, Some(signer), time::now());
        revocations.iter().any(|one| one.covers(signer, extent(one)))
    };
    for record in records.iter().filter(|record| !is_void(record.signer())) {
        if let Some(kept) = read(location, record, &vault).await {
            let (signer, device) = (record.signer().clone(), record.nonce());
            found.push(Found { signer, device, kept });
        }
    }
    settle(vault, found, anchors)
}

/// What the user's other devices have kept: what their own credential has signed. Whoever keeps a record can put a copy of it there
/// under another certificate; the credential inside does not become theirs by that.
fn settle(vault: Vault, found: Vec<Found>, anchors: &TrustAnchors) -> Result<Fetched, RpcError> {
    if found.is_empty() {
        return Err(nothing_found());
    }
    let signed = |found: &&Found| {
        let certificate = found.kept.credential.as_ref().and_then(KeptCredential::certificate);
        certificate.is_some_and(|certificate| certificate.same_key(&found.signer))
    };
    let claims: Vec<&Found> = found.iter().filter(signed).collect();
    let whole = |claim: &&Found| claim.kept.credential.as_ref()?.whole(vault.address());
    let keys = claims.iter().map(|claim| &claim.signer).collect();
    let credential = choose(claims.iter().filter_map(whole).collect(), keys, anchors)?;
    let mut document = Roaming::default();
    let mut devices = BTreeSet::new();
    for Found { signer, device, kept } in &found {
        if signer.same_key(credential.certificate()) {
            document.merge(&kept.document);
            devices.insert(*device);
        }
    }
    let opened = Opened {
        vault,
        document,
        devices: u32::try_from(devices.len()).unwrap_or(u32::MAX),
    };
    Ok(Fetched { credential, opened })
}

/// Which of the credentials is the user's: there is one key, whose latest certificate is taken. Whoever else knows the secret can
/// keep another key beside it, or beside a list whose owner kept the key to themselves. So of several `keys` one is taken only if
/// authorities that are trusted here vouch for it alone.
fn choose(mut found: Vec<Credential>, keys: Vec<&Certificate>, anchors: &TrustAnchors) -> Result<Credential, RpcError> {
    found.sort_by_key(|credential| rank(anchors, credential));
    let best = found.pop().ok_or_else(|| {
        let what = "a buddy list is kept under this secret, and no identity: the other device keeps it to itself";
        RpcError::new(ErrorName::WrongSecret, what).with("detail", "no-identity")
    })?;
    let is_other = |certificate: &Certificate| !certificate.same_key(best.certificate());
    let is_doubtful = match rank(anchors, &best) {
        (true, ..) => found
            .iter()
            .any(|other| is_other(other.certificate()) && rank(anchors, other).0),
        (false, ..) => keys.into_iter().any(is_other),
    };
    if is_doubtful {
        let what = "several keys are kept for this address under this secret; it is open which is the user's";
        return Err(RpcError::new(ErrorName::BadCertificate, what).with("detail", "several"));
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use corella_agent::{Entry, Presence};

    use super::*;
    use crate::{roaming, time};

    const SECRET: &str = "correct horse battery";

    fn alice() -> AddressOfRecord {
        "alice@example.net".parse().unwrap()
    }

    fn credential() -> Credential {
        Credential::self_signed(&alice(), time::now()).unwrap()
    }

    /// What a device with the credential keeps, as `signer` has put it there.
    fn kept(device: u8, credential: &Credential, with_key: bool, signer: &Credential) -> Found {
        let document = Roaming {
            presence: Some(Entry {
                at: i64::from(device),
                is: Presence {
                    note: Some(format!("of {device}")),
                    ..Presence::default()
                },
            }),
            ..Roaming::default()
        };
        let text = roaming::write_for_devices(&document, credential, with_key).unwrap();
        Found {
            signer: signer.certificate().clone(),
            device: [device; 16],
            kept: roaming::read_kept(text.as_bytes(), time::now()).unwrap(),
        }
    }

    fn settled(found: Vec<Found>) -> Result<Fetched, (ErrorName, Option<String>)> {
        let vault = Vault::derive_for_credential(&alice(), SECRET).unwrap();
        settle(vault, found, &TrustAnchors::none()).map_err(|error| {
            let detail = error.more.get("detail").and_then(|detail| detail.as_str());
            (error.name, detail.map(str::to_owned))
        })
    }

    #[test]
    fn the_credential_is_the_one_that_signed() {
        let one = credential();
        let fetched = settled(vec![
            kept(1, &one, true, &one),
            kept(2, &one, false, &one),
            kept(3, &one, true, &one),
        ]);
        let Fetched { credential, opened } = fetched.ok().unwrap();
        assert_eq!(credential.key_pem().unwrap(), one.key_pem().unwrap());
        assert_eq!(opened.devices, 3);
        assert_eq!(opened.document.presence.unwrap().is.note.as_deref(), Some("of 3"));
    }

    #[test]
    fn a_copy_under_another_certificate_counts_for_nothing() {
        let (one, thief) = (credential(), credential());
        let fetched = settled(vec![kept(9, &one, true, &thief), kept(1, &one, true, &one)]);
        let Fetched { credential, opened } = fetched.ok().unwrap();
        assert_eq!(credential.certificate(), one.certificate());
        assert_eq!((opened.devices, opened.document.presence.unwrap().at), (1, 1));
        // Nor does it alone.
        let alone = settled(vec![kept(9, &one, true, &thief)]).err().unwrap();
        assert_eq!(alone, (ErrorName::WrongSecret, Some("no-identity".to_owned())));
    }

    #[test]
    fn of_two_keys_none_is_taken() {
        let (one, other) = (credential(), credential());
        for with_key in [true, false] {
            let two = settled(vec![kept(1, &one, true, &one), kept(2, &other, with_key, &other)]);
            let several = (ErrorName::BadCertificate, Some("several".to_owned()));
            assert_eq!(two.err().unwrap(), several);
        }
    }

    #[test]
    fn nothing_and_a_list_without_an_identity_are_told_apart() {
        assert_eq!(settled(Vec::new()).err().unwrap(), (ErrorName::WrongSecret, None));
        let one = credential();
        let list = settled(vec![kept(1, &one, false, &one)]).err().unwrap();
        assert_eq!(list, (ErrorName::WrongSecret, Some("no-identity".to_owned())));
    }
}
