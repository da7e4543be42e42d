//! Buddy list, status and settings kept in the overlay for the user's other devices, encrypted with the user's secret.

mod keeping;

use std::{collections::BTreeSet, sync::Arc};

use corella_agent::{Event, Roaming};
use corella_identity::{
    AddressOfRecord, Credential,
    vault::{SECRET_LENGTH, Vault, VaultError},
};
use corella_overlay::{Key, LocationService, Overlay, Record, Watched, key::Label};
use keeping::Keeping;
use tokio::sync::{mpsc, oneshot};

use super::{
    actor::{Actor, Input, ReplyTo},
    calls::json,
};
use crate::{
    protocol::{Empty, ErrorName, RoamingResult, RpcError, Secret},
    roaming, time,
};

/// Bytes of a document that can be kept: what fragments hold, without nonce and tag of the encryption.
const MOST: usize = 65_536 - 28;

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
    End(oneshot::Sender<()>),
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
        let all = self.agent.roaming_with(time::now(), &own, &document);
        if roaming::write(&all).len() > MOST {
            let what = "the buddy list is too long to be kept in the overlay";
            return drop(reply.send(Err(RpcError::new(ErrorName::ListTooLong, what))));
        }
        // What was kept under another secret before is kept there no longer.
        if self
            .keystore
            .vault(&own)
            .is_ok_and(|before| before.is_some_and(|before| before.label() != vault.label()))
        {
            self.end_keeper(&own);
        }
        if let Err(error) = self.keystore.save_vault(&vault) {
            return drop(reply.send(Err(RpcError::new(ErrorName::Store, error.to_string()))));
        }
        self.start_keeper(&credential, vault, None);
        self.feed(Event::Roamed {
            own: own.clone(),
            document,
        });
        let kept = self.agent.roaming(&own).cloned().unwrap_or_default();
        let people = kept.people.values().filter(|entry| entry.is.is_some()).count();
        // The keeper is new, and the core tells only what is.
        if let Some(Keeper(orders)) = self.roaming.get(&own) {
            let _ = orders.send(Order::Keep(kept));
        }
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
        self.roster.commit();
    }

    pub(super) fn close_roaming(&mut self, own: Option<AddressOfRecord>, reply: ReplyTo) {
        let Some(own) = own.or_else(|| self.credentials.keys().next().cloned()) else {
            return drop(reply.send(Err(no_identity())));
        };
        if let Err(error) = self.keystore.forget_vault(&own) {
            return drop(reply.send(Err(RpcError::new(ErrorName::Store, error.to_string()))));
        }
        self.end_keeper(&own);
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

    /// What this device keeps is taken back; if the program ends, not before that is done.
    fn end_keeper(&mut self, own: &AddressOfRecord) {
        if let Some(Keeper(orders)) = self.roaming.remove(own) {
            let (done, is_done) = oneshot::channel();
            let _ = orders.send(Order::End(done));
            self.errands.spawn(async move { drop(is_done.await) });
        }
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
    let mut found = BTreeSet::new();
    for record in &records {
        if let Some(kept) = read(&*location, record, &vault, credential).await {
            document.merge(&kept);
            found.insert(record.nonce());
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

/// What a device kept. Whoever keeps a device's record can put a copy of it there under a certificate of their own making; so
/// only what the user's own key has signed counts.
async fn read(
    location: &dyn LocationService,
    record: &Record,
    vault: &Vault,
    credential: &Credential,
) -> Option<Roaming> {
    if !record.signer().same_key(credential.certificate()) {
        return None;
    }
    let sealed = corella_overlay::content(location, record).await.ok()?;
    roaming::read(&vault.open(&sealed).ok()?, time::now())
}

fn no_identity() -> RpcError {
    RpcError::new(ErrorName::NoIdentity, "no such own address; choose one first")
}
