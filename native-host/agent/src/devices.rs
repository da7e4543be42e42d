//! The user's other devices under one own address: what is taken out of the overlay here is passed to them first.
//!
//! Each device fetches what waits for the user and could remove it. It does so only when every other device that it knows of has
//! it too: one that is in reach gets it over a link, one that is not finds it in the overlay when it comes back. Devices tell each
//! other which ones they know, so that none removes what another lacks that it has never met. A device that has
//! not been seen for as long as anything waits in the overlay is waited for no more, and none for more than a part of what an
//! author may leave there.
//!
//! The user is told of each device that was never seen before: whoever stole the credential is one.

mod passing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use corella_identity::{AddressOfRecord, Millis, seal::OFFLINE_LIFETIME};

use crate::{Action, Agent, LinkId, Notice, Token, reach::Reach};
use passing::Held;

/// Most devices that are remembered; the one that was not seen for longest gives way.
const DEVICES: usize = 32;
/// How often it is written down that a device was seen.
const SEEN: Millis = 3_600_000;

/// Another device of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its name: its peer id.
    pub name: String,
    /// When it was last known to be there.
    pub seen: Millis,
}

/// The other devices under one own address.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    reach: Reach,
    /// Whether they were looked for since the start.
    looked: bool,
    seen: BTreeMap<String, Millis>,
    /// All that were ever seen, as far as it is remembered.
    known: BTreeSet<String>,
    /// Since when a device that was never seen is news. Those that were there before this one are only learned.
    since: Option<Millis>,
    links: BTreeMap<LinkId, String>,
    /// What was fetched here or there, and not by all.
    held: BTreeMap<Token, Held>,
    /// What every device has had, in the order in which that was so.
    settled: VecDeque<Token>,
    /// What is on its way to a device.
    passing: BTreeSet<(LinkId, Token)>,
    /// When what was not taken is passed once more, and how long the pause is then.
    again: Option<Millis>,
    pause: Millis,
}

/// Whether a device that was there then may still come back for what waits.
fn is_recent(now: Millis, seen: Millis) -> bool {
    now - seen.min(now) < OFFLINE_LIFETIME
}

impl Devices {
    fn next_wakeup(&self) -> Option<Millis> {
        let search = if self.wants_links() { self.reach.due() } else { None };
        [search, self.again].into_iter().flatten().min()
    }

    /// They are sought once at the start, so that they are known; then whenever something is to be passed to one.
    fn wants_links(&self) -> bool {
        !self.looked
            || (self.held.values().any(|held| held.is_done) && self.seen.keys().any(|name| !self.is_linked(name)))
    }

    fn is_linked(&self, name: &str) -> bool {
        self.links.values().any(|linked| linked == name)
    }

    fn forget_old(&mut self, now: Millis) {
        let linked: BTreeSet<&String> = self.links.values().collect();
        self.seen.retain(|name, seen| {
            // A clock that was ahead keeps no device here for ever.
            *seen = (*seen).min(now);
            linked.contains(name) || is_recent(now, *seen)
        });
    }

    /// Remembers a device, and tells the user of one that is new: whoever has got hold of the credential is one. What another
    /// device tells of those that were there before this one is none of it. Whether it was never seen before.
    fn learn(
        &mut self,
        now: Millis,
        own: &AddressOfRecord,
        device: &Device,
        is_told: bool,
        out: &mut Vec<Action>,
    ) -> bool {
        if !self.known.insert(device.name.clone()) {
            return false;
        }
        if self.since.is_some_and(|since| !is_told || device.seen >= since) {
            out.push(Action::Notice(Notice::NewDevice {
                own: own.clone(),
                name: device.name.clone(),
                at: now,
            }));
        }
        true
    }

    /// From now on a device that was never seen is news, if that was not so before.
    fn all_learned(&mut self, now: Millis, own: &AddressOfRecord, out: &mut Vec<Action>) {
        if self.since.is_none() {
            self.since = Some(now);
            out.push(Action::SaveDevicesSince(own.clone(), now));
        }
    }

    /// A device was there, as somebody says (over `told`, if it was another device); that is written down now and then. Others are
    /// told of one that is new here.
    fn saw(&mut self, now: Millis, own: &AddressOfRecord, device: Device, told: Option<LinkId>, out: &mut Vec<Action>) {
        let is_told = told.is_some_and(|link| self.links.get(&link) != Some(&device.name));
        let is_new = self.learn(now, own, &device, is_told, out);
        let known = self.seen.get(&device.name).copied();
        // A device's own clock may be ahead.
        let Device { name, seen } = device;
        let seen = seen.min(now);
        if !is_recent(now, seen) || known.is_some_and(|known| seen < known + SEEN) {
            if is_new {
                out.push(Action::SaveDevice(own.clone(), Device { name, seen }));
            }
            return;
        }
        if known.is_none() && self.seen.len() >= DEVICES {
            let unlinked = self.seen.iter().filter(|(name, _)| !self.is_linked(name));
            let oldest = unlinked
                .min_by_key(|(_, seen)| **seen)
                .map(|(name, seen)| (name.clone(), *seen));
            match oldest.filter(|(_, oldest)| *oldest < seen) {
                Some((oldest, _)) => drop(self.seen.remove(&oldest)),
                None if is_new => return out.push(Action::SaveDevice(own.clone(), Device { name, seen })),
                None => return,
            }
        }
        self.seen.insert(name.clone(), seen);
        let device = Device { name, seen };
        if known.is_none() {
            let others = self
                .links
                .iter()
                .filter(|(link, name)| **name != device.name && Some(**link) != told);
            out.extend(others.map(|(link, _)| Action::TellDevices {
                link: *link,
                devices: vec![device.clone()],
            }));
        }
        out.push(Action::SaveDevice(own.clone(), device));
    }
}

impl Agent {
    pub(crate) fn know_devices(
        &mut self,
        devices: Vec<(AddressOfRecord, Device)>,
        since: Vec<(AddressOfRecord, Millis)>,
    ) {
        for (own, Device { name, seen }) in devices {
            let devices = self.devices.entry(own).or_default();
            devices.known.insert(name.clone());
            devices.seen.insert(name, seen);
        }
        for (own, since) in since {
            self.devices.entry(own).or_default().since = Some(since);
        }
    }

    /// The credential was made here: there is no other device.
    pub(crate) fn first_device(&mut self, now: Millis, own: &AddressOfRecord, out: &mut Vec<Action>) {
        let devices = self.devices.entry(own.clone()).or_default();
        devices.all_learned(now, own, out);
    }

    /// There is a contact record of another device.
    pub(crate) fn device_seen(&mut self, now: Millis, own: &AddressOfRecord, device: Device, out: &mut Vec<Action>) {
        let devices = self.devices.entry(own.clone()).or_default();
        devices.saw(now, own, device, None, out);
    }

    pub(crate) fn devices_wakeup(&self) -> Option<Millis> {
        let mine = self.devices.iter().filter(|(own, _)| self.own.contains(*own));
        mine.filter_map(|(_, devices)| devices.next_wakeup()).min()
    }

    /// The devices that have contact records were called.
    pub(crate) fn devices_called(
        &mut self,
        now: Millis,
        own: &AddressOfRecord,
        found: Option<Vec<Device>>,
        out: &mut Vec<Action>,
    ) {
        let devices = self.devices.entry(own.clone()).or_default();
        let Some(found) = found else {
            // Nobody could be asked.
            devices.reach.failed(now);
            return;
        };
        for device in found {
            devices.saw(now, own, device, None, out);
        }
        devices.all_learned(now, own, out);
        devices.forget_old(now);
        devices.looked = true;
        if devices.wants_links() {
            devices.reach.failed(now);
        } else {
            devices.reach.succeeded(now);
        }
        self.pass_on(own, out);
    }

    /// A link to another device stands; it bears the user's own credential, which the runtime has seen to.
    pub(crate) fn device_up(
        &mut self,
        now: Millis,
        own: &AddressOfRecord,
        link: LinkId,
        name: String,
        out: &mut Vec<Action>,
    ) {
        let devices = self.devices.entry(own.clone()).or_default();
        devices.links.insert(link, name.clone());
        let others = devices
            .seen
            .iter()
            .filter(|(other, seen)| **other != name && is_recent(now, **seen));
        let others: Vec<Device> = others
            .map(|(name, seen)| Device {
                name: name.clone(),
                seen: (*seen).min(now),
            })
            .collect();
        if !others.is_empty() {
            out.push(Action::TellDevices { link, devices: others });
        }
        devices.saw(now, own, Device { name, seen: now }, Some(link), out);
        self.pass_on(own, out);
    }

    /// Another device says whom it knows.
    pub(crate) fn devices_told(&mut self, now: Millis, link: LinkId, told: Vec<Device>, out: &mut Vec<Action>) {
        let Some((own, devices)) = self.devices.iter_mut().find(|(_, d)| d.links.contains_key(&link)) else {
            return;
        };
        let own = own.clone();
        for device in told {
            devices.saw(now, &own, device, Some(link), out);
        }
        devices.forget_old(now);
        self.pass_on(&own, out);
    }

    /// Whether it was a link to another device that is gone.
    pub(crate) fn device_down(&mut self, now: Millis, link: LinkId, out: &mut Vec<Action>) -> bool {
        let Some((own, devices)) = self.devices.iter_mut().find(|(_, d)| d.links.contains_key(&link)) else {
            return false;
        };
        if let Some(name) = devices.links.remove(&link) {
            // It was there until now.
            let own = own.clone();
            devices.saw(now, &own, Device { name, seen: now }, None, out);
        }
        devices.passing.retain(|(over, _)| *over != link);
        devices.reach.lost(now);
        true
    }

    pub(crate) fn devices_due(&mut self, now: Millis, out: &mut Vec<Action>) {
        let owns: Vec<AddressOfRecord> = self
            .devices
            .keys()
            .filter(|own| self.own.contains(*own))
            .cloned()
            .collect();
        for own in owns {
            let Some(devices) = self.devices.get_mut(&own) else {
                continue;
            };
            if devices.again.is_some_and(|at| at <= now) {
                devices.again = None;
                devices.give_up(now, out);
            }
            if devices.wants_links() && devices.reach.begin(now) {
                let linked = devices.links.values().cloned().collect();
                let own = own.clone();
                out.push(Action::CallDevices { own, linked });
            }
            self.pass_on(&own, out);
        }
    }

    pub(crate) fn devices_soon(&mut self, now: Millis) {
        for devices in self.devices.values_mut() {
            devices.reach.soon(now);
        }
    }
}
