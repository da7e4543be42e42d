//! The user's other devices under one own address: they are called, and given what waits in the overlay before it is removed
//! there.

use corella_agent::{Device, Event, LinkId, Token};
use corella_identity::{AddressOfRecord, Credential};
use corella_overlay::{Key, Overlay, Record, Watched};
use corella_sip::ua::Responder;

use super::{actor::Actor, inbox::Input, links::Job, waiting};

impl Actor {
    /// Looks for the user's other devices, and opens links to those that are not linked yet.
    pub(super) fn call_devices(&mut self, own: AddressOfRecord, linked: Vec<String>) {
        let inbox = self.shared.inbox.clone();
        let overlay = self.network.as_ref().map(|network| network.overlay.clone());
        let credential = self.credentials.get(&own).cloned();
        let online = self.online;
        tokio::spawn(async move {
            let found = match (overlay, credential) {
                (Some(overlay), Some(credential)) if online && overlay.asks_others().await => {
                    others(&overlay, &credential, &linked, |link| {
                        let _ = inbox.send(Input::Linked { link, called: false });
                    })
                    .await
                }
                _ => None,
            };
            let _ = inbox.send(Input::Event(Event::DevicesCalled { own, found }));
        });
    }

    /// Hears of contact records under an own address, now and as they come, for as long as the overlay is there: whoever has got
    /// hold of the credential need not call this device, and has to be found by peers.
    pub(super) fn watch_devices(&self, own: &AddressOfRecord) {
        let Some(overlay) = self.network.as_ref().map(|network| network.overlay.clone()) else {
            return;
        };
        let (inbox, own) = (self.shared.inbox.clone(), own.clone());
        tokio::spawn(async move {
            let mut watching = overlay.watch(Watched::Open(Key::Contacts(own))).await;
            // What watches must not keep the overlay alive.
            drop(overlay);
            while let Some(record) = watching.next().await {
                let _ = inbox.send(Input::OwnContact(Box::new(record)));
            }
        });
    }

    /// Somebody has a contact record under an own address. What another key has signed is not a device of the user's.
    pub(super) fn own_contact(&mut self, record: &Record) {
        let (Some(network), Some(set)) = (&self.network, record.contacts()) else {
            return;
        };
        let own = record.key().address().clone();
        let credential = self.credentials.get(&own);
        let is_ours = credential.is_some_and(|credential| record.signer().same_key(credential.certificate()));
        if is_ours && set.peer != network.overlay.peer_id() {
            let device = Device {
                name: set.peer.to_string(),
                seen: record.sequence(),
            };
            self.feed(Event::DeviceSeen { own, device });
        }
    }

    pub(super) fn pass_on(&mut self, link: LinkId, token: Token) {
        match self.stored.get(&token) {
            Some((record, _)) => {
                let xml = record.to_xml().clone();
                self.links.send(link, Job::Record { token, xml });
            }
            None => {
                let is_taken = false;
                let _ = self
                    .shared
                    .inbox
                    .send(Input::Event(Event::PassedOn { link, token, is_taken }));
            }
        }
    }

    /// Another device says which others there are.
    pub(super) fn devices_told(&mut self, link: LinkId, mut devices: Vec<Device>) {
        let Some(this) = self
            .network
            .as_ref()
            .map(|network| network.overlay.peer_id().to_string())
        else {
            return;
        };
        devices.retain(|device| device.name != this);
        self.feed(Event::DevicesTold { link, devices });
    }

    /// Another device passes on what waits in the overlay: it is as if it had been fetched there.
    pub(super) fn passed_here(&mut self, link: LinkId, record: Record, responder: Responder) {
        let overlay = self.network.as_ref().map(|network| network.overlay.clone());
        let credential = self.credentials.get(record.key().address()).cloned();
        let (Some(overlay), Some(credential)) = (overlay, credential) else {
            return responder.answer(480, None);
        };
        let inbox = self.shared.inbox.clone();
        tokio::spawn(async move {
            match waiting::open(&*overlay.location(), record, &credential).await {
                Ok(mut opened) => {
                    opened.passed = Some((link, responder));
                    let _ = inbox.send(Input::Fetched(Box::new(opened)));
                }
                Err(what) => {
                    tracing::debug!("what another device passed on was not opened: {what}");
                    responder.answer(480, None);
                }
            }
        });
    }
}

/// The devices beside this one that the credential has named, and links to those that answer.
async fn others(
    overlay: &Overlay,
    credential: &Credential,
    linked: &[String],
    came: impl Fn(corella_overlay::link::Link),
) -> Option<Vec<Device>> {
    let own = credential.address();
    let records = overlay.location().get(&Key::Contacts(own.clone())).await.ok()?;
    let this = overlay.peer_id();
    // Who does not find even this device has not asked well.
    let is_this = |record: &Record| record.contacts().is_some_and(|set| set.peer == this);
    records.iter().any(is_this).then_some(())?;
    let mut found = Vec::new();
    let mut called = Vec::new();
    for record in &records {
        let set = record.contacts().filter(|set| set.peer != this);
        let Some(set) = set.filter(|_| record.signer().same_key(credential.certificate())) else {
            continue;
        };
        let name = set.peer.to_string();
        if !set.addresses.is_empty() && !linked.contains(&name) {
            called.push(overlay.connect(own, own, record));
        }
        let seen = record.sequence();
        found.push(Device { name, seen });
    }
    for link in futures::future::join_all(called).await {
        match link {
            Ok(link) => came(link),
            Err(error) => tracing::debug!("another device of the user does not answer: {error}"),
        }
    }
    Some(found)
}
