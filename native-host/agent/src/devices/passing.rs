//! What is taken out of the overlay here is passed to the user's other devices first, and removed when all of them have it.

use std::collections::BTreeSet;

use corella_identity::{AddressOfRecord, Millis, seal::OFFLINE_LIFETIME};

use super::Devices;
use crate::{Action, Agent, Fetched, LinkId, Token};

/// What is remembered of what waits; some of it is left to expire when there is more.
const HELD: usize = 1024;
/// What was removed is remembered, so that it does not go from device to device for ever.
const SETTLED: usize = 4096;
/// What a device did not take is passed to it again after this time, which doubles each time up to the longest.
const AGAIN: Millis = 60_000;
const LONGEST: Millis = 6 * 3_600_000;
/// What waits of one author for devices that are away. Nodes keep 32 of an author for a person: the rest is for what is new.
const OF_AUTHOR: usize = 16;

/// Something that waits in the overlay.
#[derive(Debug)]
pub(super) struct Held {
    author: AddressOfRecord,
    /// When it came here.
    since: Millis,
    /// It is not needed here any more.
    pub(super) is_done: bool,
    /// The devices that have it.
    by: BTreeSet<String>,
}

impl Devices {
    /// What has come to nothing: nodes keep it no longer, or it is the oldest of too many.
    pub(super) fn give_up(&mut self, now: Millis, out: &mut Vec<Action>) {
        let expired = |held: &Held| now - held.since >= OFFLINE_LIFETIME;
        let gone: Vec<Token> = self
            .held
            .iter()
            .filter(|(_, held)| expired(held))
            .map(|(token, _)| *token)
            .collect();
        for token in gone {
            self.held.remove(&token);
            out.push(Action::LeaveStored { token });
        }
        while self.held.len() > HELD
            && let Some(oldest) = self
                .held
                .iter()
                .min_by_key(|(_, held)| held.since)
                .map(|(token, _)| *token)
        {
            self.held.remove(&oldest);
            out.push(Action::LeaveStored { token: oldest });
        }
    }

    /// The oldest of what waits of one author, where that is too much: then those who are away go without it.
    fn too_many_of(&self, author: &AddressOfRecord) -> Option<Token> {
        let of_author = || {
            self.held
                .iter()
                .filter(|(_, held)| held.is_done && held.author == *author)
        };
        let oldest = || of_author().min_by_key(|(_, held)| held.since).map(|(token, _)| *token);
        (of_author().count() > OF_AUTHOR).then(oldest).flatten()
    }
}

impl Agent {
    /// Something came that waits in the overlay, and is remembered. Whether this device has done with it already: then it is
    /// only for the others to have.
    pub(crate) fn hold(&mut self, now: Millis, fetched: &Fetched, out: &mut Vec<Action>) -> bool {
        let (own, token) = (&fetched.pair.own, fetched.token);
        let devices = self.devices.entry(own.clone()).or_default();
        if let Some((_, waits)) = fetched.passed {
            self.passed.entry(token).or_default().push(waits);
        }
        if devices.settled.contains(&token) {
            // A node has missed that it was removed.
            self.answer_device(token, 200, out);
            out.push(Action::RemoveStored { token });
            return true;
        }
        let held = devices.held.entry(token).or_insert_with(|| Held {
            author: fetched.pair.with.clone(),
            since: now,
            is_done: false,
            by: BTreeSet::new(),
        });
        let by = fetched.passed.and_then(|(link, _)| devices.links.get(&link).cloned());
        held.by.extend(by);
        let is_done = held.is_done;
        devices.give_up(now, out);
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
        let Some(held) = devices.held.get_mut(&token) else {
            return;
        };
        held.is_done = true;
        let author = held.author.clone();
        if let Some(token) = devices.too_many_of(&author) {
            devices.held.remove(&token);
            devices.settled.push_back(token);
            out.push(Action::RemoveStored { token });
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
    pub(super) fn pass_on(&mut self, own: &AddressOfRecord, out: &mut Vec<Action>) {
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
            Some(held) if is_taken => {
                held.by.extend(name);
                devices.pause = AGAIN;
            }
            Some(_) if devices.again.is_none() => {
                devices.pause = devices.pause.max(AGAIN);
                devices.again = Some(now + devices.pause);
                devices.pause = (2 * devices.pause).min(LONGEST);
            }
            _ => {}
        }
        let own = own.clone();
        self.pass_on(&own, out);
    }
}
