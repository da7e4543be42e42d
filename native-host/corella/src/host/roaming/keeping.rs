//! The task that keeps one own address's document where the user's other devices find it, and hears of theirs.

use std::{sync::Arc, time::Duration};

use corella_agent::{Event, Roaming};
use corella_identity::{Credential, Millis, vault::Vault};
use corella_overlay::{
    LocationService, Record, Watching,
    record::{Nonce, Value, longest_life},
};
use libp2p::PeerId;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{Order, key, read_own};
use crate::{
    host::{inbox::Input, waiting},
    roaming::{self, Kept, KeptCredential},
    time,
};

/// Changes that come together are put once.
const PAUSE: Duration = Duration::from_secs(2);
/// At the start it is first looked what the nodes keep.
const SETTLING: Duration = Duration::from_secs(10);
/// How often it is looked whether what is kept ought to be put anew, and how soon what no node took.
const LOOK: Duration = Duration::from_secs(24 * 3_600);
const RETRY: Duration = Duration::from_secs(60);
/// It is put anew when it has lived so long.
const OLD: Millis = 7 * 24 * 3_600_000;

/// One own address's keeping.
pub(super) struct Keeping {
    pub(super) location: Arc<dyn LocationService>,
    pub(super) this: PeerId,
    pub(super) vault: Vault,
    pub(super) nonce: Nonce,
    pub(super) credential: Arc<Credential>,
    /// What is to be kept.
    pub(super) document: Option<Roaming>,
    /// What this device has put, as the nodes keep it.
    pub(super) mine: Option<Mine>,
}

/// What this device has put.
pub(super) struct Mine {
    record: Record,
    document: Roaming,
    /// With the private key of the credential.
    has_key: bool,
}

impl Keeping {
    pub(super) async fn run(
        mut self,
        mut watching: Watching,
        mut orders: mpsc::UnboundedReceiver<Order>,
        inbox: mpsc::UnboundedSender<Input>,
    ) {
        let mut due = Instant::now() + SETTLING;
        loop {
            tokio::select! {
                record = watching.next() => {
                    let Some(record) = record else { return };
                    if let Some(kept) = read_own(&*self.location, &record, &self.vault, &self.credential).await {
                        self.heard(record, kept, &inbox);
                    }
                }
                order = orders.recv() => match order {
                    Some(Order::Keep(document)) => {
                        self.document = Some(document);
                        due = due.min(Instant::now() + PAUSE);
                    }
                    Some(Order::End(done)) => {
                        self.take_back().await;
                        let _ = done.send(());
                        return;
                    }
                    Some(Order::Flush(done)) => {
                        if !self.is_kept() {
                            self.put().await;
                        }
                        let _ = done.send(());
                    }
                    None => return,
                },
                () = sleep_until(due) => {
                    let is_done = self.is_kept() || self.put().await;
                    due = Instant::now() + if is_done { LOOK } else { RETRY };
                }
            }
        }
    }

    /// What a device of the user's keeps, this one or another.
    fn heard(&mut self, record: Record, kept: Kept, inbox: &mpsc::UnboundedSender<Input>) {
        let Kept { document, credential } = kept;
        let own = self.vault.address().clone();
        if self.is_mine(&record) {
            self.mine = Some(Mine {
                record,
                document: document.clone(),
                has_key: credential.as_ref().is_some_and(|kept| kept.key.is_some()),
            });
        }
        let _ = inbox.send(Input::Event(Event::Roamed {
            own: own.clone(),
            document,
        }));
        // It may have been renewed there.
        let other = credential.filter(|kept| kept.certificate != self.credential.certificate_pem());
        if let Some(KeptCredential { certificate, .. }) = other {
            let _ = inbox.send(Input::CertifiedElsewhere(own, certificate));
        }
    }

    /// Whether this device put it there, with the certificate that it has now.
    fn is_mine(&self, record: &Record) -> bool {
        record.nonce() == self.nonce && record.signer() == self.credential.certificate()
    }

    /// Whether nodes keep what is to be kept, and will for long.
    fn is_kept(&self) -> bool {
        let Some(document) = &self.document else { return true };
        let is_young = |record: &Record| record.sequence() + OLD > time::now();
        self.mine.as_ref().is_some_and(|mine| {
            let is_whole = mine.has_key == self.vault.carries_credential();
            mine.document == *document && is_whole && is_young(&mine.record)
        })
    }

    async fn put(&mut self) -> bool {
        let Some(document) = self.document.clone() else {
            return true;
        };
        match self.try_put(&document).await {
            Ok(record) => {
                let is_there = record.is_some();
                let put = record.map(|record| Mine {
                    record,
                    document,
                    has_key: self.vault.carries_credential(),
                });
                self.mine = put.or(self.mine.take());
                is_there
            }
            Err(what) => {
                tracing::warn!("the buddy list could not be kept for other devices: {what}");
                false
            }
        }
    }

    /// The record, if other nodes keep it.
    async fn try_put(&self, document: &Roaming) -> Result<Option<Record>, String> {
        let written = roaming::write_for_devices(document, &self.credential, self.vault.carries_credential());
        let sealed = self.vault.seal(written.map_err(|error| error.to_string())?.as_bytes());
        let (sealed, parts) = waiting::in_parts(sealed.map_err(|error| error.to_string())?)?;
        let value = Value::Private {
            nonce: self.nonce,
            sealed,
        };
        let before = self.mine.as_ref().map_or(0, |mine| mine.record.sequence());
        let now = time::now().max(before + 1);
        let key = key(&self.vault);
        let life = longest_life(&key);
        let record = Record::sign(&self.credential, key, value, now, now + life).map_err(|error| error.to_string())?;
        let is_there = waiting::put_with_parts(&*self.location, self.this, &record, &parts).await?;
        Ok(is_there.then_some(record))
    }

    async fn take_back(&self) {
        let mine = match &self.mine {
            Some(mine) => Some(mine.record.clone()),
            // The program has just started, and nothing was heard of it yet.
            None => {
                let found = self.location.get(&key(&self.vault)).await.unwrap_or_default();
                found.into_iter().find(|record| self.is_mine(record))
            }
        };
        let Some(record) = mine else { return };
        let removal = record.sign_removal(&self.credential, time::now());
        let done = match removal {
            Ok(removal) => self
                .location
                .put(&removal)
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(what) = done {
            tracing::warn!("what was kept for other devices stays until it expires: {what}");
        }
    }
}
