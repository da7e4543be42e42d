//! Buddy list, status, settings and, if the user wants it, the credential kept in the overlay for the user's other devices, encrypted
//! with the user's secret.

mod fetching;
mod keeping;

use std::{collections::BTreeSet, sync::Arc};

use corella_agent::{Event, Roaming};
use corella_identity::{
    AddressOfRecord, Credential,
    vault::{Vault, VaultError},
};
use corella_overlay::{Key, LocationService, Overlay, Record, Watched, key::Label};
pub(super) use fetching::Fetched;
use keeping::Keeping;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::{
    actor::Actor,
    calls::json,
    inbox::{Input, ReplyTo},
};
use crate::{
    protocol::{Empty, ErrorName, RoamingResult, RpcError, Secret},
    roaming::{self, Kept},
    time,
};

/// What the user asks for.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) secret: Secret,
    /// Whether something may be begun under the secret if there is nothing.
    pub(crate) create: bool,
    /// Whether the credential is to be kept, too.
    pub(crate) with_credential: bool,
}

/// What was found under a secret.
pub(crate) struct Opened {
    vault: Vault,
    document: Roaming,
    devices: u32,
}

/// The way to the task that keeps it. Dropping it ends the task.
pub(crate) struct Keeper {
    orders: mpsc::UnboundedSender<Order>,
    /// Whether the credential is kept, too.
    pub(super) carries_credential: bool,
}

enum Order {
    Keep(Roaming),
    /// Take back what is there.
    End(oneshot::Sender<()>),
    /// The program is about to end: what waits to be put is put now.
    Flush(oneshot::Sender<()>),
}

impl Actor {
    pub(super) fn open_roaming(&mut self, own: Option<AddressOfRecord>, opening: Opening, reply: ReplyTo) {
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
            match open(&overlay, &credential, opening, online).await {
                Ok(opened) => drop(inbox.send(Input::RoamingOpened(Box::new(opened), reply))),
                Err(error) => drop(reply.send(Err(error))),
            }
        });
    }

    pub(super) fn roaming_opened(&mut self, opened: Opened, reply: ReplyTo) {
        match self.begin_roaming(opened) {
            Ok(result) => self.answer_when_kept(json(result), reply),
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Answers when all that was decided is on disk.
    fn answer_when_kept(&mut self, result: Result<Value, RpcError>, reply: ReplyTo) {
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

    /// Takes part from now on.
    fn begin_roaming(&mut self, opened: Opened) -> Result<RoamingResult, RpcError> {
        let Opened {
            vault,
            document,
            devices,
        } = opened;
        let own = vault.address().clone();
        let credential = self.credentials.get(&own).cloned().ok_or_else(no_identity)?;
        let all = self.agent.roaming_with(time::now(), &own, &document);
        let written = roaming::write_for_devices(&all, &credential, vault.carries_credential())
            .map_err(|error| RpcError::new(ErrorName::Internal, error.to_string()))?;
        if written.len() > roaming::MOST {
            let what = "the buddy list is too long to be kept in the overlay";
            return Err(RpcError::new(ErrorName::ListTooLong, what));
        }
        // What was kept under another secret before is kept there no longer.
        if self
            .keystore
            .vault(&own)
            .is_ok_and(|before| before.is_some_and(|before| before.label() != vault.label()))
        {
            self.end_keeper(&own);
        }
        self.keystore
            .save_vault(&vault)
            .map_err(|error| RpcError::new(ErrorName::Store, error.to_string()))?;
        self.start_keeper(&credential, vault, None);
        self.feed(Event::Roamed {
            own: own.clone(),
            document,
        });
        let kept = self.agent.roaming(&own).cloned().unwrap_or_default();
        let people = kept.people.values().filter(|entry| entry.is.is_some()).count();
        // The keeper is new, and the core tells only what is.
        if let Some(Keeper { orders, .. }) = self.roaming.get(&own) {
            let _ = orders.send(Order::Keep(kept));
        }
        Ok(RoamingResult {
            address: own.to_string(),
            devices,
            people: u32::try_from(people).unwrap_or(u32::MAX),
        })
    }

    pub(super) fn close_roaming(&mut self, own: Option<AddressOfRecord>, reply: ReplyTo) {
        let Some(own) = own.or_else(|| self.credentials.keys().next().cloned()) else {
            return drop(reply.send(Err(no_identity())));
        };
        let _ = reply.send(self.give_up_roaming(&own).and_then(|()| json(Empty {})));
    }

    /// This device takes no more part in what the devices keep for each other.
    pub(super) fn give_up_roaming(&mut self, own: &AddressOfRecord) -> Result<(), RpcError> {
        self.keystore
            .forget_vault(own)
            .map_err(|error| RpcError::new(ErrorName::Store, error.to_string()))?;
        self.end_keeper(own);
        self.roster.forget_roaming(own.clone());
        self.feed(Event::RoamsNoMore(own.clone()));
        Ok(())
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
        if let Some(Keeper { orders, .. }) = self.roaming.get(&own) {
            let _ = orders.send(Order::Keep(document.clone()));
        }
        self.roster.save_roaming(own, document);
    }

    /// What this device keeps is taken back; if the program ends, not before that is done.
    pub(super) fn end_keeper(&mut self, own: &AddressOfRecord) {
        if let Some(Keeper { orders, .. }) = self.roaming.remove(own) {
            let (done, is_done) = oneshot::channel();
            let _ = orders.send(Order::End(done));
            self.errands.spawn(async move { drop(is_done.await) });
        }
    }

    /// Puts what waits for its time, since the program is about to end.
    pub(super) fn flush_roaming(&mut self) {
        for Keeper { orders, .. } in self.roaming.values() {
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
        let keeper = Keeper {
            orders: sender,
            carries_credential: vault.carries_credential(),
        };
        self.roaming.insert(own, keeper);
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

/// Derives what follows from the secret. `for_credential`: it is to be good enough for the credential.
async fn derive(own: &AddressOfRecord, secret: Secret, for_credential: bool) -> Result<Vault, RpcError> {
    let own = own.clone();
    let derived = tokio::task::spawn_blocking(move || {
        if for_credential {
            Vault::derive_for_credential(&own, &secret.0)
        } else {
            Vault::derive(&own, &secret.0)
        }
    })
    .await;
    let internal = |what: String| RpcError::new(ErrorName::Internal, what);
    derived
        .map_err(|error| internal(error.to_string()))?
        .map_err(|error| match error {
            VaultError::ShortSecret { least } => {
                RpcError::new(ErrorName::ShortSecret, error.to_string()).with("least", least)
            }
            other => internal(other.to_string()),
        })
}

/// Looks what is kept under the secret.
async fn open(overlay: &Overlay, credential: &Credential, opening: Opening, online: bool) -> Result<Opened, RpcError> {
    let Opening {
        secret,
        create,
        with_credential,
    } = opening;
    let mut vault = derive(credential.address(), secret, with_credential).await?;
    if !online || !overlay.asks_others().await {
        return Err(not_online());
    }
    let location = overlay.location();
    let records = location.get(&key(&vault)).await.map_err(|_| not_online())?;
    let mut document = Roaming::default();
    let mut found = BTreeSet::new();
    for record in &records {
        if let Some(kept) = read_own(&*location, record, &vault, credential).await {
            document.merge(&kept.document);
            found.insert(record.nonce());
            if kept.credential.is_some_and(|kept| kept.key.is_some()) {
                vault.carry_credential();
            }
        }
    }
    if found.is_empty() && !create {
        return Err(nothing_found());
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
async fn read_own(
    location: &dyn LocationService,
    record: &Record,
    vault: &Vault,
    credential: &Credential,
) -> Option<Kept> {
    if !record.signer().same_key(credential.certificate()) {
        return None;
    }
    read(location, record, vault).await
}

/// What somebody keeps there who knows the secret, or has a copy of what such a one kept.
async fn read(location: &dyn LocationService, record: &Record, vault: &Vault) -> Option<Kept> {
    let sealed = corella_overlay::content(location, record).await.ok()?;
    roaming::read_kept(&vault.open(&sealed).ok()?, time::now())
}

fn not_online() -> RpcError {
    RpcError::new(ErrorName::NotOnline, "nobody could be asked; go on line first")
}

fn nothing_found() -> RpcError {
    let what = "nothing of this address is kept under this secret: it is mistyped, or nothing was ever kept";
    RpcError::new(ErrorName::WrongSecret, what)
}

fn no_identity() -> RpcError {
    RpcError::new(ErrorName::NoIdentity, "no such own address; choose one first")
}
