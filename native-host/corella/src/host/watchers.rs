//! Watchers in the overlay: left for buddies who are off line, and read by the user's devices.

use std::sync::Arc;

use corella_agent::{Event, Pair, WATCHER_LIFE};
use corella_identity::{
    Certificate, Credential, Millis,
    pass::Pass,
    seal::{self, Envelope},
};
use corella_overlay::{
    Key, Overlay, Record, Watched,
    record::{Sealed, Value},
};

use corella_sip::watchers;

use super::{
    actor::{Actor, random_id},
    inbox::Input,
};
use crate::time;

/// How long one lives that takes another back.
const ENDING: Millis = 60_000;

impl Actor {
    pub(super) fn leave_watcher(&mut self, pair: Pair, certificate: Certificate, pass: Option<Pass>) {
        let inbox = self.shared.inbox.clone();
        let put = self.put_watcher(pair.clone(), certificate, pass, WATCHER_LIFE);
        tokio::spawn(async move {
            let is_stored = put.await;
            let _ = inbox.send(Input::Event(Event::WatcherLeft { pair, is_stored }));
        });
    }

    pub(super) fn take_back_watcher(&mut self, pair: Pair, certificate: Certificate, pass: Option<Pass>) {
        let put = self.put_watcher(pair, certificate, pass, ENDING);
        self.errands.spawn(async move {
            put.await;
        });
    }

    /// Whether nodes keep it.
    fn put_watcher(
        &self,
        pair: Pair,
        certificate: Certificate,
        pass: Option<Pass>,
        life: Millis,
    ) -> impl Future<Output = bool> + Send + use<> {
        let overlay = self.network.as_ref().map(|network| network.overlay.clone());
        let credential = self.credentials.get(&pair.own).cloned();
        async move {
            let (Some(overlay), Some(credential)) = (overlay, credential) else {
                return false;
            };
            put(&overlay, &credential, &pair, &certificate, pass, life)
                .await
                .unwrap_or_else(|what| {
                    tracing::warn!("a watcher could not be put into the overlay: {what}");
                    false
                })
        }
    }

    /// Hears of who wants to see the user, now and as they come, for as long as the overlay is there.
    pub(super) fn watch_watchers(&self, credential: Arc<Credential>) {
        let Some(overlay) = self.network.as_ref().map(|network| network.overlay.clone()) else {
            return;
        };
        let inbox = self.shared.inbox.clone();
        tokio::spawn(async move {
            let key = Key::Watchers(credential.address().clone());
            let mut watching = overlay.watch(Watched::Own(key, (*credential).clone())).await;
            let location = overlay.location();
            // What watches must not keep the overlay alive.
            drop(overlay);
            while let Some(record) = watching.next().await {
                let sealed = corella_overlay::content(&*location, &record).await;
                let opened = sealed
                    .map_err(|error| error.to_string())
                    .and_then(|sealed| read(&sealed, record.signer(), &credential, time::now()));
                match opened {
                    Ok(pair) => {
                        let certificate = record.signer().clone();
                        let _ = inbox.send(Input::Event(Event::Watched { pair, certificate }));
                    }
                    Err(what) => tracing::debug!("a watcher was not opened: {what}"),
                }
            }
        });
    }
}

async fn put(
    overlay: &Overlay,
    credential: &Credential,
    pair: &Pair,
    certificate: &Certificate,
    pass: Option<Pass>,
    life: Millis,
) -> Result<bool, String> {
    let now = time::now();
    let sealed = write(credential, pair, certificate, now)?;
    let value = Value::Watcher {
        recipient: certificate.fingerprint(),
        sealed: Sealed::Inline(sealed),
        pass,
    };
    let record = Record::sign_with_pass(credential, Key::Watchers(pair.with.clone()), value, now, now + life)
        .map_err(|error| error.to_string())?;
    let report = overlay.location().put(&record).await;
    let report = report.map_err(|error| error.to_string())?;
    Ok(report.stored.iter().any(|peer| *peer != overlay.peer_id()))
}

/// What one says, sealed.
fn write(credential: &Credential, pair: &Pair, certificate: &Certificate, now: Millis) -> Result<Vec<u8>, String> {
    let envelope = Envelope {
        from: pair.own.clone(),
        to: pair.with.clone(),
        at: now,
        id: random_id(),
        sequence: 0,
        returns: None,
        content_type: watchers::CONTENT_TYPE.to_owned(),
        body: watchers::write(&pair.own.sip_uri(), &pair.with.sip_uri()).into_bytes(),
    };
    seal::seal(&envelope, credential, certificate).map_err(|error| error.to_string())
}

/// Who wants to see whom, as the record's signer sealed it.
fn read(sealed: &[u8], signer: &Certificate, me: &Credential, now: Millis) -> Result<Pair, String> {
    let envelope = seal::open(sealed, me, signer, now).map_err(|error| error.to_string())?;
    let (own, with) = (envelope.to, envelope.from);
    let expected = watchers::write(&with.sip_uri(), &own.sip_uri());
    let is_watcher = envelope.content_type == watchers::CONTENT_TYPE && envelope.body == expected.as_bytes();
    is_watcher
        .then_some(Pair { own, with })
        .ok_or_else(|| "it does not say who wants to see whom".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_watched_reads_who_watches() {
        let now = time::now();
        let person = |text: &str| Credential::self_signed(&text.parse().unwrap(), now).unwrap();
        let (alice, bob, eve) = (
            person("alice@example.org"),
            person("bob@example.net"),
            person("eve@example.org"),
        );
        let pair = Pair {
            own: alice.address().clone(),
            with: bob.address().clone(),
        };
        let sealed = write(&alice, &pair, bob.certificate(), now).unwrap();
        let seen = read(&sealed, alice.certificate(), &bob, now).unwrap();
        assert_eq!((&seen.own, &seen.with), (bob.address(), alice.address()));
        assert!(read(&sealed, alice.certificate(), &eve, now).is_err());
        assert!(read(&sealed, eve.certificate(), &bob, now).is_err());
        // A message is no watcher.
        let message = Envelope {
            from: pair.own,
            to: pair.with,
            at: now,
            id: random_id(),
            sequence: 0,
            returns: None,
            content_type: "text/plain".to_owned(),
            body: b"hello".to_vec(),
        };
        let sealed = seal::seal(&message, &alice, bob.certificate()).unwrap();
        assert!(read(&sealed, alice.certificate(), &bob, now).is_err());
    }
}
