//! The host: one user's agent with its store and its network, carried by one task.
//!
//! [`Host`] is the handle that bridges and commands hold. Behind it, [`actor::Actor`] owns the agent core: calls, network events and
//! outcomes reach it through one queue, it asks the core what to do, and carries that out. Work that takes long (sealing,
//! look-ups, searches) is done beside it and comes back through the queue.

mod actor;
mod answering;
mod authorities;
mod calls;
mod carry_out;
mod control;
mod devices;
mod enrolment;
mod identities;
mod inbox;
mod invitations;
mod links;
mod network;
mod revocations;
mod roaming;
mod roster_writer;
#[cfg(test)]
mod tests;
mod views;
mod waiting;
mod watchers;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use corella_agent::{Settings, Snapshot};
use corella_gateway::GatewayUrl;
use corella_identity::{AddressOfRecord, keystore::Keystore, trust::TrustAnchors};
use corella_transcripts::Transcripts;
use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

pub(crate) use calls::{Call, search};
pub(crate) use control::call as call_running;

use crate::{
    authority::AuthorityUrl,
    config::NetworkSettings,
    lock::{self, Lock},
    paths::DataDir,
    protocol::{ErrorName, Notification, RpcError},
    roster::Roster,
};
use actor::Actor;
use authorities::Authorities;
use inbox::Input;
use revocations::Revocations;
use roster_writer::RosterWriter;

/// Notifications that wait for one slow listener; with more than that it is one no longer.
const NOTIFICATIONS: usize = 8192;
/// How long an orderly end may take.
const ENDING: Duration = Duration::from_millis(1500);

/// How a host is set up.
#[derive(Debug)]
pub(crate) struct HostSettings {
    pub(crate) network: NetworkSettings,
    /// The configured authorities, and while it runs those that the user has added too.
    pub(crate) anchors: TrustAnchors,
    /// Whose gateway is asked instead of the overlay.
    pub(crate) gateway: Option<GatewayUrl>,
    /// Who is asked for certificates.
    pub(crate) authority: Option<AuthorityUrl>,
    /// For services such as the echo.
    pub(crate) accept_everyone: bool,
}

/// A certificate from elsewhere, as PEM texts.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// What the handle and the actor share.
pub(crate) struct Shared {
    pub(crate) transcripts: Transcripts,
    pub(crate) inbox: mpsc::UnboundedSender<Input>,
    listeners: Mutex<Vec<mpsc::Sender<Notification>>>,
    own: Mutex<Vec<AddressOfRecord>>,
}

impl Shared {
    /// Tells everybody who listens. Who does not take what is told loses the place among them, rather than some of the news.
    pub(crate) fn notify(&self, notification: &Notification) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.try_send(notification.clone()).is_ok());
    }
}

/// The handle.
pub(crate) struct Host {
    shared: Arc<Shared>,
    _lock: Lock,
}

impl Host {
    /// Opens the data directory and starts the actor. Addresses enrolled before go on line by themselves.
    pub(crate) fn open(data: &Path, mut settings: HostSettings) -> Result<Arc<Host>, RpcError> {
        let store = |what: String| RpcError::new(ErrorName::Store, what);
        let data = DataDir::create(data).map_err(|e| store(format!("{} cannot be made: {e}", data.display())))?;
        let lock = lock::take_soon(&data.lock()).map_err(|e| store(format!("the lock cannot be taken: {e}")))?;
        let lock = lock.ok_or_else(|| {
            let what = format!("another Corella is running on {}; end it first", data.path().display());
            RpcError::new(ErrorName::InUse, what)
        })?;
        let keystore = Keystore::open(data.keys()).map_err(|e| store(e.to_string()))?;
        let roster = Roster::open(&data.roster()).map_err(|e| store(e.to_string()))?;
        let transcripts = Transcripts::open(data.transcripts()).map_err(|e| store(e.to_string()))?;
        let snapshot = snapshot(&roster, &transcripts).map_err(store)?;
        let added = roster.authorities().map_err(|e| store(e.to_string()))?;
        let authorities = Authorities::new(settings.anchors, added);
        settings.anchors = authorities.anchors();
        let own = keystore.addresses().map_err(|e| store(e.to_string()))?;
        let statements = roster.statements().map_err(|e| store(e.to_string()))?;
        let revocations = Revocations::new(&snapshot.revoked, &own, &statements);
        let (inbox, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            transcripts,
            inbox,
            listeners: Mutex::default(),
            own: Mutex::new(own),
        });
        let agent_settings = Settings {
            anchors: settings.anchors.clone(),
            accept_everyone: settings.accept_everyone,
        };
        let agent = corella_agent::Agent::new(agent_settings, snapshot);
        let roster = RosterWriter::start(roster)
            .map_err(|e| store(format!("the thread that writes the buddy list cannot be started: {e}")))?;
        let mut actor = Actor::new(
            shared.clone(),
            agent,
            roster,
            keystore,
            settings,
            authorities,
            data.records(),
        );
        actor.revocations = revocations;
        tokio::spawn(actor.run(queue));
        let host = Arc::new(Host { shared, _lock: lock });
        control::listen(&data.control(), &host)
            .map_err(|e| store(format!("the control socket cannot be made: {e}")))?;
        Ok(host)
    }

    /// Hands a call over at once, so that calls keep their order; the future waits for its outcome.
    pub(crate) fn call(&self, method: &str, params: Value) -> BoxFuture<'static, Result<Value, RpcError>> {
        let call = match Call::parse(method, params) {
            Ok(call) => call,
            Err(error) => return futures::future::ready(Err(error)).boxed(),
        };
        if let Some(reading) = calls::reading(&self.shared, &call) {
            return reading;
        }
        self.submit(call)
    }

    /// Hands a parsed call to the actor.
    pub(crate) fn submit(&self, call: Call) -> BoxFuture<'static, Result<Value, RpcError>> {
        let (reply, outcome) = oneshot::channel();
        let sent = self.shared.inbox.send(Input::Call { call, reply }).is_ok();
        async move {
            let ending = || RpcError::new(ErrorName::Internal, "the host is ending");
            if sent {
                outcome.await.unwrap_or_else(|_| Err(ending()))
            } else {
                Err(ending())
            }
        }
        .boxed()
    }

    /// Notifications from now on, until the host ends or the listener falls too far behind.
    pub(crate) fn subscribe(&self) -> mpsc::Receiver<Notification> {
        let (sender, receiver) = mpsc::channel(NOTIFICATIONS);
        self.shared
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
        receiver
    }

    /// The user's own addresses.
    pub(crate) fn own_addresses(&self) -> Vec<String> {
        let own = self.shared.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.iter().map(ToString::to_string).collect()
    }

    /// Ends in good order: presence is withdrawn, the store is closed.
    pub(crate) async fn shutdown(&self) {
        let (done, ended) = oneshot::channel();
        if self.shared.inbox.send(Input::Stop(done)).is_ok() {
            let _ = tokio::time::timeout(ENDING, ended).await;
        }
    }
}

fn snapshot(roster: &Roster, transcripts: &Transcripts) -> Result<Snapshot, String> {
    let undelivered = transcripts
        .outgoing_in(&["pending", "sent", "stored"])
        .map_err(|e| e.to_string())?;
    let sequences = transcripts.sequences().map_err(|e| e.to_string())?;
    let strangers = transcripts.requesters().map_err(|e| e.to_string())?;
    Ok(Snapshot {
        buddies: roster.buddies().map_err(|e| e.to_string())?,
        strangers: strangers.iter().filter_map(|s| s.parse().ok()).collect(),
        undelivered: undelivered.iter().filter_map(views::outgoing).collect(),
        sequences: sequences
            .iter()
            .filter_map(|(own, with, next)| Some((views::pair(own, with)?, *next)))
            .collect(),
        presence: roster.presence().map_err(|e| e.to_string())?,
        devices: roster.devices().map_err(|e| e.to_string())?,
        devices_since: roster.devices_since().map_err(|e| e.to_string())?,
        revoked: roster.revoked().map_err(|e| e.to_string())?,
        roaming: roster.roaming().map_err(|e| e.to_string())?,
        declined: roster.declined().map_err(|e| e.to_string())?,
    })
}
