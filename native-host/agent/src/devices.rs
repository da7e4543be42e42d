//! The user's other devices under one own address: what is taken out of the overlay here is passed to them first.
//!
//! Each device fetches what waits for the user and could remove it. It does so only when every other device has it too: one that
//! is in reach gets it over a link, one that is not finds it in the overlay when it comes back. A device that has not been seen for
//! as long as anything waits in the overlay is waited for no more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use corella_identity::{AddressOfRecord, Millis, seal::OFFLINE_LIFETIME};

use crate::{Action, Agent, Fetched, LinkId, Token, reach::Reach};

/// What is remembered of what waits; some of it is left to expire when there is more.
const HELD: usize = 1024;
/// What was removed is remembered, so that it does not go from device to device for ever.
const SETTLED: usize = 4096;
/// What a device did not take is passed to it again after this time.
const AGAIN: Millis = 60_000;
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
    links: BTreeMap<LinkId, String>,
    /// What was fetched here or there, and not by all.
    held: BTreeMap<Token, Held>,
    /// What every device has had, in the order in which that was so.
    settled: VecDeque<Token>,
    /// What is on its way to a device.
    passing: BTreeSet<(LinkId, Token)>,
    /// When what was not taken is passed once more.
    again: Option<Millis>,
}

/// Something that waits in the overlay.
#[derive(Debug, Default)]
struct Held {
    /// It is not needed here any more.
    is_done: bool,
    /// The devices that have it.
    by: BTreeSet<String>,
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
        self.seen.retain(|_, seen| now - *seen < OFFLINE_LIFETIME);
    }
}

impl Agent {
    pub(crate) fn know_devices(&mut self, devices: Vec<(AddressOfRecord, Device)>) {
        for (own, Device { name, seen }) in devices {
            self.devices.entry(own).or_default().seen.insert(name, seen);
        }
    }

    pub(crate) fn devices_wakeup(&self) -> Option<Millis> {
        let mine = self.devices.iter().filter(|(own, _)| self.own.contains(*own));
        mine.filter_map(|(_, devices)| devices.next_wakeup()).min()
    }

    /// Something came that waits in the overlay. Whether nothing is left to do with it but to let the others have it.
    pub(crate) fn is_done(&mut self, fetched: &Fetched, out: &mut Vec<Action>) -> bool {
        let (own, token) = (&fetched.pair.own, fetched.token);
        let devices = self.devices.entry(own.clone()).or_default();
        if let Some((link, waits)) = fetched.passed {
            self.passed.entry(token).or_default().push(waits);
            let held = devices.held.entry(token).or_default();
            held.by.extend(devices.links.get(&link).cloned());
        }
        if devices.settled.contains(&token) {
            // A node has missed that it was removed.
            self.answer_device(token, 200, out);
            out.push(Action::RemoveStored { token });
            return true;
        }
        let is_done = devices.held.get(&token).is_some_and(|held| held.is_done);
        if is_done {
            let own = own.clone();
            self.let_go(&own, token, out);
        }
        is_done
    }

    /// What was fetched from the overlay is where it belongs; it stays there until the other devices have it too.
    pub(crate) fn let_go(&mut self, own: &AddressOfRecord, token: Token, out: &mut Vec<Action>) {
        self.answer_device(token, 200, out);
        let devices = self.devices.entry(own.clone()).or_default();
        if devices.settled.contains(&token) {
            return;
        }
        devices.held.entry(token).or_default().is_done = true;
        if devices.held.len() > HELD
            && let Some((token, held)) = devices.held.pop_first()
            && held.is_done
        {
            out.push(Action::LeaveStored { token });
        }
        self.pass_on(own, out);
    }

    /// Other devices that passed something on hear what became of it here.
    pub(crate) fn answer_device(&mut self, token: Token, status: u16, out: &mut Vec<Action>) {
        for token in self.passed.remove(&token).unwrap_or_default() {
            out.push(Action::Answer { token, status });
        }
    }

    /// Removes what everybody has, and passes on what somebody in reach lacks.
    fn pass_on(&mut self, own: &AddressOfRecord, out: &mut Vec<Action>) {
        let Some(devices) = self.devices.get_mut(own).filter(|devices| devices.looked) else {
            return;
        };
        let Devices {
            seen, held, settled, ..
        } = devices;
        held.retain(|token, held| {
            let needed = !held.is_done || seen.keys().any(|name| !held.by.contains(name));
            if !needed {
                settled.push_back(*token);
                out.push(Action::RemoveStored { token: *token });
            }
            needed
        });
        let excess = settled.len().saturating_sub(SETTLED);
        settled.drain(..excess);
        if devices.again.is_some() {
            return;
        }
        for (token, held) in devices.held.iter().filter(|(_, held)| held.is_done) {
            for (link, _) in devices.links.iter().filter(|(_, name)| !held.by.contains(*name)) {
                if devices.passing.insert((*link, *token)) {
                    let (link, token) = (*link, *token);
                    out.push(Action::PassOn { link, token });
                }
            }
        }
    }

    /// What became of something on its way to another device.
    pub(crate) fn passed_on(&mut self, now: Millis, link: LinkId, token: Token, is_taken: bool, out: &mut Vec<Action>) {
        let Some((own, devices)) = self.devices.iter_mut().find(|(_, d)| d.links.contains_key(&link)) else {
            return;
        };
        devices.passing.remove(&(link, token));
        let name = devices.links.get(&link).cloned();
        match devices.held.get_mut(&token) {
            Some(held) if is_taken => held.by.extend(name),
            Some(_) => devices.again = devices.again.or(Some(now + AGAIN)),
            None => {}
        }
        let own = own.clone();
        self.pass_on(&own, out);
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
            Self::saw(devices, own, device, out);
        }
        devices.forget_old(now);
        devices.looked = true;
        if devices.wants_links() {
            devices.reach.failed(now);
        } else {
            devices.reach.succeeded(now);
        }
        self.pass_on(own, out);
    }

    /// A device was there; that is written down now and then.
    fn saw(devices: &mut Devices, own: &AddressOfRecord, device: Device, out: &mut Vec<Action>) {
        let known = devices.seen.get(&device.name).copied();
        if known.is_none_or(|known| device.seen >= known + SEEN) {
            devices.seen.insert(device.name.clone(), device.seen);
            out.push(Action::SaveDevice(own.clone(), device));
        }
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
        Self::saw(devices, own, Device { name, seen: now }, out);
        self.pass_on(own, out);
    }

    /// Whether it was a link to another device that is gone.
    pub(crate) fn device_down(&mut self, now: Millis, link: LinkId) -> bool {
        let Some(devices) = self.devices.values_mut().find(|d| d.links.contains_key(&link)) else {
            return false;
        };
        devices.links.remove(&link);
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
