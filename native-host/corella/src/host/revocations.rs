//! Revocations: those of people's keys are watched for, the user's own are made and kept in the overlay, and a credential of the user's
//! that somebody else revoked is used no more.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use corella_agent::{Consent, Event, Revoked};
use corella_identity::{
    AddressOfRecord, Certificate, Credential, Millis, Revocation,
    enrolment::{NewKey, Pending},
    revocation::LIFE,
};
use corella_overlay::{Key, LocationError, LocationService, Record, Watched, link::Link};
use serde_json::Value;
use tokio::{
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{actor::Actor, calls::json, inbox::Input};
use crate::{
    protocol::{ErrorName, RpcError},
    time,
};

/// How long a stranger who calls may have to wait until it is known that their key is not revoked.
const ASKING_TIME: Duration = Duration::from_secs(2);
/// A revocation that nobody keeps yet is put again after this...
const RETRY: Duration = Duration::from_secs(10);
/// ...and one that is kept after this: nodes come and go.
const REFRESH: Duration = Duration::from_secs(6 * 3600);
/// It is signed anew when half of its life is over.
const ANEW: Millis = LIFE / 2;

/// What a host knows of revocations beside its core.
#[derive(Default)]
pub(super) struct Revocations {
    /// Of whose keys it is watched whether they are revoked.
    watched: HashMap<AddressOfRecord, Watch>,
    /// Of the user's own credentials.
    own: Vec<Revoked>,
    /// Own addresses that are off line because their credential was revoked.
    lost: BTreeMap<AddressOfRecord, Arc<Credential>>,
    /// The records by which the user has revoked credentials, until the overlay is there to keep them.
    statements: Vec<Record>,
}

/// Ends with this.
struct Watch(AbortHandle);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Revocations {
    /// With what was remembered; `own`: the user's addresses.
    pub(super) fn new(remembered: &[Revoked], own: &[AddressOfRecord], statements: &[String]) -> Revocations {
        let is_own = |revoked: &&Revoked| own.contains(revoked.revocation.address());
        let now = time::now();
        let read = |xml: &String| Record::from_xml(xml.as_bytes(), now).ok();
        Revocations {
            own: remembered.iter().filter(is_own).cloned().collect(),
            statements: statements.iter().filter_map(read).collect(),
            ..Revocations::default()
        }
    }

    /// Whether a credential of the user's is revoked.
    pub(super) fn covers(&self, certificate: &Certificate) -> bool {
        let covers = |revoked: &Revoked| revoked.revocation.covers(certificate, revoked.extent);
        self.own.iter().any(covers)
    }

    /// The credentials that are revoked and have no successor yet.
    pub(super) fn lost(&self) -> impl Iterator<Item = &Arc<Credential>> {
        self.lost.values()
    }

    /// The address has another credential.
    pub(super) fn replaced(&mut self, address: &AddressOfRecord) {
        self.lost.remove(address);
    }

    /// The credential of an own address is not used, for it is revoked.
    pub(super) fn lose(&mut self, credential: Arc<Credential>) {
        self.lost.insert(credential.address().clone(), credential);
    }
}

impl Actor {
    /// Watches for revocations of everybody whose key is known or waits to be, and of nobody else.
    pub(super) fn watch_people(&mut self) {
        if self.network.is_none() {
            return;
        }
        let people = self.agent.buddies().into_iter();
        let people = people.filter(|view| view.consent != Consent::Blocked);
        let wanted: HashSet<AddressOfRecord> = people
            .map(|view| view.address)
            .chain(self.credentials.keys().cloned())
            .collect();
        self.revocations.watched.retain(|address, _| wanted.contains(address));
        for address in wanted {
            if !self.revocations.watched.contains_key(&address)
                && let Some(watch) = self.watch_revoked(address.clone())
            {
                self.revocations.watched.insert(address, watch);
            }
        }
    }

    fn watch_revoked(&self, address: AddressOfRecord) -> Option<Watch> {
        let overlay = self.network.as_ref()?.overlay.clone();
        let inbox = self.shared.inbox.clone();
        let task = tokio::spawn(async move {
            let mut watching = overlay.watch(Watched::Open(Key::Revoked(address))).await;
            // What watches must not keep the overlay alive.
            drop(overlay);
            while let Some(record) = watching.next().await {
                if let Some(revocation) = record.revocation() {
                    let _ = inbox.send(Input::Revoked(vec![revocation]));
                }
            }
        });
        Some(Watch(task.abort_handle()))
    }

    /// Somebody calls: one whom nobody here watches is looked up before they are heard.
    pub(super) async fn called(&mut self, link: Link) {
        let overlay = self.network.as_ref().map(|network| network.overlay.clone());
        let Some(overlay) = overlay.filter(|_| !self.revocations.watched.contains_key(&link.remote)) else {
            self.linked(link).await;
            return;
        };
        let inbox = self.shared.inbox.clone();
        tokio::spawn(async move {
            let location = overlay.location();
            let found = timeout(ASKING_TIME, look_up(&*location, &link.remote)).await;
            let _ = inbox.send(Input::Revoked(found.unwrap_or_default()));
            let _ = inbox.send(Input::Linked { link, called: false });
        });
    }

    /// Certificates are not to be used any more.
    pub(super) async fn revoked(&mut self, revocations: Vec<Revocation>) {
        let (own, others): (Vec<_>, Vec<_>) = revocations
            .into_iter()
            .partition(|revocation| self.credentials.contains_key(revocation.address()));
        if !others.is_empty() {
            self.feed(Event::Revoked(others));
        }
        for revocation in own {
            self.own_revoked(revocation).await;
        }
    }

    /// Somebody revoked a certificate of the user's: another device, or the authority. If it is in use, it is no more.
    async fn own_revoked(&mut self, revocation: Revocation) {
        let address = revocation.address().clone();
        let Some(credential) = self.credentials.get(&address).cloned() else {
            return;
        };
        let certificate = credential.certificate();
        let extent = revocation.extent(&self.settings.anchors, Some(certificate), time::now());
        if !revocation.covers(certificate, extent) {
            return;
        }
        self.remember_own(Revoked { revocation, extent });
        tracing::warn!("a certificate of the user's was revoked; its address goes off line");
        self.credentials.remove(&address);
        self.revocations.lose(credential.clone());
        self.renewals.remove(&address);
        self.stop_enrolment(&address);
        self.links.close_all_of(&address);
        if let Err(error) = self.give_up_roaming(&address) {
            tracing::error!("what is kept for other devices was not given up: {}", error.message);
        }
        if let Some(overlay) = self.network.as_ref().map(|network| network.overlay.clone()) {
            let address = address.clone();
            self.errands.spawn(async move { overlay.withdraw(&address).await });
        }
        self.tell_identity(&address);
        if self.online {
            self.tell_status().await;
        }
    }

    fn remember_own(&mut self, revoked: Revoked) {
        self.roster.save_revoked(revoked.clone());
        self.roster.commit();
        self.revocations.own.push(revoked);
    }

    /// Revokes the credential in use for an address, and goes on with a new one, for which a certificate is sought.
    pub(super) async fn revoke(&mut self, address: &AddressOfRecord) -> Result<Value, RpcError> {
        let broken = |error: String| RpcError::new(ErrorName::Store, error);
        let now = time::now();
        match self.credentials.get(address).cloned() {
            Some(credential) => {
                let record = Record::revoke(&credential, now).map_err(|error| broken(error.to_string()))?;
                let extent = corella_identity::revocation::Extent::Key;
                if let Some(revocation) = record.revocation() {
                    self.remember_own(Revoked { revocation, extent });
                }
                self.roster.save_statement(record.clone());
                self.roster.commit();
                self.keep_statement(record);
            }
            // Somebody else has revoked it.
            None if self.revocations.lost.contains_key(address) => {}
            None => return Err(RpcError::new(ErrorName::NoIdentity, "no own address of that name")),
        }
        let credential = Credential::self_signed(address, now).map_err(|error| broken(error.to_string()))?;
        self.stop_enrolment(address);
        // Whoever has the lost device knows where that lies and what opens it: the new key must not get there.
        self.give_up_roaming(address)?;
        self.take_into_use(credential.clone()).await?;
        self.ask_to_revoke_others(&credential)?;
        self.seek_certificate(address);
        json(self.identity(&credential))
    }

    /// Whoever is asked for the credential's certificate is asked to revoke the address's others.
    pub(super) fn ask_to_revoke_others(&mut self, credential: &Credential) -> Result<(), RpcError> {
        if self.authority.is_none() {
            return Ok(());
        }
        self.stop_enrolment(credential.address());
        let pending = Pending::new(NewKey::of(credential), true);
        let saved = self.keystore.save_request(&pending);
        saved.map_err(|error| RpcError::new(ErrorName::Store, error.to_string()))
    }

    /// Puts what the user has revoked into the overlay.
    pub(super) fn keep_statements(&mut self) {
        for record in std::mem::take(&mut self.revocations.statements) {
            let record = self.anew(&record).unwrap_or(record);
            self.keep_statement(record);
        }
    }

    /// The same signed anew, if it is time and the key is still here.
    fn anew(&mut self, record: &Record) -> Option<Record> {
        let now = time::now();
        if now < record.sequence() + ANEW {
            return None;
        }
        let former = self
            .keystore
            .former(record.key().address(), record.signer().fingerprint());
        let credential = former.ok().flatten()?;
        let record = Record::revoke(&credential, now).ok()?;
        self.roster.save_statement(record.clone());
        self.roster.commit();
        Some(record)
    }

    /// Puts one until nodes keep it, and again from time to time.
    fn keep_statement(&mut self, record: Record) {
        let Some(overlay) = self.network.as_ref().map(|network| network.overlay.clone()) else {
            self.revocations.statements.push(record);
            return;
        };
        let (location, this) = (overlay.location(), overlay.peer_id());
        drop(overlay);
        tokio::spawn(async move {
            while time::now() < record.expires() {
                let pause = match location.put(&record).await {
                    Ok(report) if report.stored.iter().any(|peer| *peer != this) => REFRESH,
                    Err(LocationError::Stopped) => return,
                    _ => RETRY,
                };
                sleep(pause).await;
            }
        });
    }
}

/// Which of a person's certificates are revoked, as far as the overlay says.
pub(super) async fn look_up(location: &dyn LocationService, address: &AddressOfRecord) -> Vec<Revocation> {
    let found = location.get(&Key::Revoked(address.clone())).await;
    let records = found.unwrap_or_default();
    records.iter().filter_map(Record::revocation).collect()
}
