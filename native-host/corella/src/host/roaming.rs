//! Buddy list and status kept in the overlay for the user's other devices, encrypted with the user's secret.

use std::{sync::Arc, time::Duration};

use corella_agent::{Consent, Event, Roaming};
use corella_identity::{
    AddressOfRecord, Credential, Millis,
    vault::{SECRET_LENGTH, Vault, VaultError},
};
use corella_overlay::{
    Key, LocationService, Overlay, Record, Watched, Watching,
    key::Label,
    record::{Nonce, Value, longest_life},
};
use libp2p::PeerId;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    actor::{Actor, Input, ReplyTo},
    calls::json,
    waiting,
};
use crate::{
    protocol::{Empty, ErrorName, RoamingResult, RpcError, Secret},
    roaming, time,
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

/// What was found under a secret.
pub(crate) struct Opened {
    vault: Vault,
    document: Roaming,
    devices: u32,
}

/// The way to the task that keeps it. Dropping it ends the task.
pub(crate) struct Keeper(mpsc::UnboundedSender<Order>);

enum Order {
    Keep(Roaming),
    /// Take back what is there.
    End,
    /// The program is about to end: what waits to be put is put now.
    Flush(oneshot::Sender<()>),
}

impl Actor {
    pub(super) fn open_roaming(&mut self, own: Option<AddressOfRecord>, secret: Secret, create: bool, reply: ReplyTo) {
        let credential = match &own {
            Some(own) => self.credentials.get(own),
            None => self.credentials.values().next(),
        };
        let overlay = self.network.as_ref().map(|network| network.overlay.clone());
        let (Some(credential), Some(overlay)) = (credential.cloned(), overlay) else {
            return drop(reply.send(Err(no_identity())));
        };
        let (inbox, online) = (self.shared.inbox.clone(), self.online);
        tokio::spawn(async move {
            match open(&overlay, &credential, secret, create, online).await {
                Ok(opened) => drop(inbox.send(Input::RoamingOpened(Box::new(opened), reply))),
                Err(error) => drop(reply.send(Err(error))),
            }
        });
    }

    pub(super) fn roaming_opened(&mut self, opened: Opened, reply: ReplyTo) {
        let Opened {
            vault,
            document,
            devices,
        } = opened;
        let own = vault.address().clone();
        let Some(credential) = self.credentials.get(&own).cloned() else {
            return drop(reply.send(Err(no_identity())));
        };
        if let Err(error) = self.keystore.save_vault(&vault) {
            return drop(reply.send(Err(RpcError::new(ErrorName::Store, error.to_string()))));
        }
        self.start_keeper(&credential, vault, None);
        self.feed(Event::Roamed {
            own: own.clone(),
            document,
        });
        let people = self.agent.roaming(&own).map_or(0, |kept| {
            let standing = kept.people.values().filter_map(|entry| entry.is.as_ref());
            standing.filter(|standing| standing.consent != Consent::Request).count()
        });
        let result = json(RoamingResult {
            address: own.to_string(),
            devices,
            people: u32::try_from(people).unwrap_or(u32::MAX),
        });
        // Answered when all of it is on disk.
        self.roster.then(true, move |written| {
            let result = if written {
                result
            } else {
                Err(super::views::roster_error())
            };
            let _ = reply.send(result);
        });
    }

    pub(super) fn close_roaming(&mut self, own: Option<AddressOfRecord>, reply: ReplyTo) {
        let Some(own) = own.or_else(|| self.credentials.keys().next().cloned()) else {
            return drop(reply.send(Err(no_identity())));
        };
        if let Err(error) = self.keystore.forget_vault(&own) {
            return drop(reply.send(Err(RpcError::new(ErrorName::Store, error.to_string()))));
        }
        if let Some(Keeper(orders)) = self.roaming.remove(&own) {
            let _ = orders.send(Order::End);
        }
        self.roster.forget_roaming(own.clone());
        self.feed(Event::RoamsNoMore(own));
        let _ = reply.send(json(Empty {}));
    }

    /// Goes on keeping what was kept before the restart.
    pub(super) fn resume_roaming(&mut self, credential: &Arc<Credential>) {
        let own = credential.address().clone();
        match self.keystore.vault(&own) {
            Ok(Some(vault)) => {
                let document = self.agent.roaming(&own).cloned();
                let begins = document.is_none();
                self.start_keeper(credential, vault, document);
                if begins {
                    let document = Roaming::default();
                    self.feed(Event::Roamed { own, document });
                }
            }
            Ok(None) => {
                if self.agent.roaming(&own).is_some() {
                    self.roster.forget_roaming(own.clone());
                    self.feed(Event::RoamsNoMore(own));
                }
            }
            Err(error) => tracing::error!("what is kept for other devices cannot be opened: {error}"),
        }
    }

    pub(super) fn keep_roaming(&mut self, own: AddressOfRecord, document: Roaming) {
        if let Some(Keeper(orders)) = self.roaming.get(&own) {
            let _ = orders.send(Order::Keep(document.clone()));
        }
        self.roster.save_roaming(own, document);
    }

    /// Puts what waits for its time, since the program is about to end.
    pub(super) fn flush_roaming(&mut self) {
        for Keeper(orders) in self.roaming.values() {
            let (done, is_done) = oneshot::channel();
            let _ = orders.send(Order::Flush(done));
            self.errands.spawn(async move { drop(is_done.await) });
        }
    }

    fn start_keeper(&mut self, credential: &Arc<Credential>, vault: Vault, document: Option<Roaming>) {
        let Some(overlay) = self.network.as_ref().map(|network| network.overlay.clone()) else {
            return;
        };
        let own = credential.address().clone();
        let (sender, orders) = mpsc::unbounded_channel();
        self.roaming.insert(own, Keeper(sender));
        let this = overlay.peer_id();
        let (credential, inbox) = (credential.clone(), self.shared.inbox.clone());
        tokio::spawn(async move {
            let watching = overlay.watch(Watched::Open(key(&vault))).await;
            let keeping = Keeping {
                nonce: vault.number_of(&this.to_string()),
                // What watches must not keep the overlay alive.
                location: overlay.location(),
                this,
                vault,
                credential,
                document,
                mine: None,
            };
            drop(overlay);
            keeping.run(watching, orders, inbox).await;
        });
    }
}

/// Derives what follows from the secret, and looks what is there.
async fn open(
    overlay: &Overlay,
    credential: &Credential,
    secret: Secret,
    create: bool,
    online: bool,
) -> Result<Opened, RpcError> {
    let own = credential.address().clone();
    let derived = tokio::task::spawn_blocking(move || Vault::derive(&own, &secret.0)).await;
    let internal = |what: String| RpcError::new(ErrorName::Internal, what);
    let vault = derived
        .map_err(|error| internal(error.to_string()))?
        .map_err(|error| match error {
            VaultError::ShortSecret => {
                RpcError::new(ErrorName::ShortSecret, error.to_string()).with("least", SECRET_LENGTH)
            }
            other => internal(other.to_string()),
        })?;
    let not_online = || RpcError::new(ErrorName::NotOnline, "nobody could be asked; go on line first");
    if !online || !overlay.asks_others().await {
        return Err(not_online());
    }
    let location = overlay.location();
    let records = location.get(&key(&vault)).await.map_err(|_| not_online())?;
    let mut document = Roaming::default();
    let mut found = Vec::new();
    for record in &records {
        if let Some(kept) = read(&*location, record, &vault).await {
            document.merge(&kept);
            found.push(record.nonce());
        }
    }
    if found.is_empty() && !create {
        let what = "nothing of this address is kept under this secret: it is mistyped, or nothing was ever kept";
        return Err(RpcError::new(ErrorName::WrongSecret, what));
    }
    let this = vault.number_of(&overlay.peer_id().to_string());
    let others = found.iter().filter(|nonce| **nonce != this).count();
    Ok(Opened {
        vault,
        document,
        devices: u32::try_from(others).unwrap_or(u32::MAX),
    })
}

fn key(vault: &Vault) -> Key {
    Key::Private(vault.address().clone(), Label(*vault.label()))
}

/// What a device kept. What others put under the same key does not open, and is nothing.
async fn read(location: &dyn LocationService, record: &Record, vault: &Vault) -> Option<Roaming> {
    let sealed = corella_overlay::content(location, record).await.ok()?;
    roaming::read(&vault.open(&sealed).ok()?, time::now())
}

fn no_identity() -> RpcError {
    RpcError::new(ErrorName::NoIdentity, "no such own address; choose one first")
}

/// One own address's keeping.
struct Keeping {
    location: Arc<dyn LocationService>,
    this: PeerId,
    vault: Vault,
    nonce: Nonce,
    credential: Arc<Credential>,
    /// What is to be kept.
    document: Option<Roaming>,
    /// What this device has put, as the nodes keep it.
    mine: Option<(Record, Roaming)>,
}

impl Keeping {
    async fn run(
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
                    if let Some(document) = read(&*self.location, &record, &self.vault).await {
                        if record.nonce() == self.nonce {
                            self.mine = Some((record, document.clone()));
                        }
                        let own = self.vault.address().clone();
                        let _ = inbox.send(Input::Event(Event::Roamed { own, document }));
                    }
                }
                order = orders.recv() => match order {
                    Some(Order::Keep(document)) => {
                        self.document = Some(document);
                        due = due.min(Instant::now() + PAUSE);
                    }
                    Some(Order::End) => return self.take_back().await,
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

    /// Whether nodes keep what is to be kept, and will for long.
    fn is_kept(&self) -> bool {
        let Some(document) = &self.document else { return true };
        let is_young = |record: &Record| record.sequence() + OLD > time::now();
        self.mine
            .as_ref()
            .is_some_and(|(record, mine)| mine == document && is_young(record))
    }

    async fn put(&mut self) -> bool {
        let Some(document) = self.document.clone() else {
            return true;
        };
        match self.try_put(&document).await {
            Ok(record) => {
                let is_there = record.is_some();
                self.mine = record.map(|record| (record, document)).or(self.mine.take());
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
        let sealed = self.vault.seal(roaming::write(document).as_bytes());
        let (sealed, parts) = waiting::in_parts(sealed.map_err(|error| error.to_string())?)?;
        let value = Value::Private {
            nonce: self.nonce,
            sealed,
        };
        let before = self.mine.as_ref().map_or(0, |(record, _)| record.sequence());
        let now = time::now().max(before + 1);
        let key = key(&self.vault);
        let life = longest_life(&key);
        let record = Record::sign(&self.credential, key, value, now, now + life).map_err(|error| error.to_string())?;
        let is_there = waiting::put_with_parts(&*self.location, self.this, &record, &parts).await?;
        Ok(is_there.then_some(record))
    }

    async fn take_back(&self) {
        let Some((record, _)) = &self.mine else { return };
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
