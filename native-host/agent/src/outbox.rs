//! Messages written here that the recipient has not acknowledged yet, in the order they were written.

use std::collections::{BTreeMap, BTreeSet};

use corella_identity::Millis;

use crate::{MessageState, Reason};

/// A message waits this long for its notice on a link that stands before it is sent again; then twice as long, and so on.
const PATIENCE: Millis = 30_000;
/// The longest of all waits.
const MOST_PATIENCE: Millis = 3_600_000;
/// A device that is busy or in trouble is left alone this long; then twice as long, and so on.
const BUSY_WAIT: Millis = 5_000;

/// What was stored in the overlay is stored once more after this long: nodes come and go.
const STORED_ANEW: Millis = 6 * 3_600_000;
/// So many messages of a conversation wait in the overlay at most: nodes keep no more of one author for one person.
const STORED_AT_ONCE: usize = 24;
/// A message that found nobody for seven days is given up: peers take none that is older.
const LIFETIME: Millis = 7 * 24 * 3_600_000;

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The Message-ID.
    pub id: String,
    /// Plain text.
    pub text: String,
    /// When it was written.
    pub at: Millis,
    /// The author's count in the conversation.
    pub sequence: u64,
    /// How far it got.
    pub state: MessageState,
    /// Why it waits.
    pub reason: Option<Reason>,
}

#[derive(Debug)]
struct Entry {
    message: Outgoing,
    again_at: Option<Millis>,
    patience: Millis,
    busy_wait: Millis,
    sealed_again: bool,
    /// The devices that said that they have it.
    taken_by: BTreeSet<String>,
    /// It is being put into the overlay.
    storing: bool,
    /// When it was last put there.
    stored_at: Option<Millis>,
}

/// The place of a message in the order of its conversation.
pub(crate) type Place = (u64, String);

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    entries: BTreeMap<Place, Entry>,
    places: BTreeMap<String, Place>,
    agains: BTreeSet<(Millis, Place)>,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether peers take a message of that time no more.
    pub(crate) fn is_too_old(now: Millis, at: Millis) -> bool {
        at + LIFETIME < now
    }

    pub(crate) fn insert(&mut self, message: Outgoing) -> Place {
        let place = (message.sequence, message.id.clone());
        self.places.insert(message.id.clone(), place.clone());
        self.entries.insert(
            place.clone(),
            Entry {
                message,
                again_at: None,
                patience: PATIENCE,
                busy_wait: BUSY_WAIT,
                sealed_again: false,
                taken_by: BTreeSet::new(),
                storing: false,
                stored_at: None,
            },
        );
        place
    }

    pub(crate) fn at(&self, place: &Place) -> Option<&Outgoing> {
        self.entries.get(place).map(|e| &e.message)
    }

    /// The first message behind `after`, in order.
    pub(crate) fn next(&self, after: Option<&Place>) -> Option<&Place> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        self.entries
            .range::<Place, _>((from, Unbounded))
            .next()
            .map(|(place, _)| place)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Outgoing> {
        let place = self.places.remove(id)?;
        let entry = self.entries.remove(&place)?;
        if let Some(at) = entry.again_at {
            self.agains.remove(&(at, place));
        }
        Some(entry.message)
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.places.keys().cloned().collect()
    }

    /// Sets state and reason; true if that changed anything.
    pub(crate) fn mark(&mut self, id: &str, state: MessageState, reason: Option<Reason>) -> bool {
        let Some(entry) = self.places.get(id).and_then(|p| self.entries.get_mut(p)) else {
            return false;
        };
        if entry.message.state != state && !entry.message.state.rises_to(state) {
            return false;
        }
        let changed = (entry.message.state, entry.message.reason) != (state, reason);
        entry.message.state = state;
        entry.message.reason = reason;
        changed
    }

    /// The messages that still wait for a first answer.
    pub(crate) fn pending(&self) -> Vec<String> {
        self.entries
            .values()
            .filter(|e| e.message.state == MessageState::Pending)
            .map(|e| e.message.id.clone())
            .collect()
    }

    /// The oldest messages that no device of the peer has, as far as they are to be put into the overlay now. They count as
    /// being put there until [`Outbox::stored`].
    pub(crate) fn take_to_store(&mut self, now: Millis) -> Vec<Outgoing> {
        let waits = |e: &&mut Entry| matches!(e.message.state, MessageState::Pending | MessageState::Stored);
        let mut taken = Vec::new();
        for entry in self.entries.values_mut().filter(waits).take(STORED_AT_ONCE) {
            let is_there = entry.stored_at.is_some_and(|at| now < at + STORED_ANEW);
            if !entry.storing && !is_there && !Outbox::is_too_old(now, entry.message.at) {
                entry.storing = true;
                taken.push(entry.message.clone());
            }
        }
        taken
    }

    /// A message is in the overlay, or no node took it.
    pub(crate) fn stored(&mut self, now: Millis, id: &str, is_stored: bool) {
        if let Some(entry) = self.places.get(id).and_then(|p| self.entries.get_mut(p)) {
            entry.storing = false;
            if is_stored {
                entry.stored_at = Some(now);
            }
        }
    }

    /// The messages that never arrived and are too old now.
    pub(crate) fn outlived(&self, now: Millis) -> Vec<String> {
        let never_came = |state| matches!(state, MessageState::Pending | MessageState::Stored);
        let old = self
            .entries
            .values()
            .filter(|e| never_came(e.message.state) && Outbox::is_too_old(now, e.message.at));
        old.map(|e| e.message.id.clone()).collect()
    }

    /// A device of the peer said that it has it.
    pub(crate) fn taken(&mut self, id: &str, device: &str) {
        if let Some(entry) = self.places.get(id).and_then(|p| self.entries.get_mut(p)) {
            entry.taken_by.insert(device.to_owned());
        }
    }

    /// Whether it fails if `device` refuses it: nobody has it, or only that device, and as a request.
    pub(crate) fn may_fail(&self, id: &str, device: &str) -> bool {
        let Some(Entry { message, taken_by, .. }) = self.places.get(id).and_then(|p| self.entries.get(p)) else {
            return false;
        };
        let asked = message.state == MessageState::Sent && message.reason == Some(Reason::Waiting);
        message.state == MessageState::Pending || (asked && taken_by.iter().all(|by| by == device))
    }

    /// The peer has it; its notice is expected. If none comes it is sent again, with growing patience.
    pub(crate) fn expect_notice(&mut self, now: Millis, id: &str) {
        self.again_after(now, id, |entry| &mut entry.patience);
    }

    /// The device was busy: the message is sent again later, with growing patience.
    pub(crate) fn put_off(&mut self, now: Millis, id: &str) {
        self.again_after(now, id, |entry| &mut entry.busy_wait);
    }

    /// Whether a message that could not be opened may be sealed once more; only the first time.
    pub(crate) fn may_seal_again(&mut self, id: &str) -> bool {
        let Some(entry) = self.places.get(id).and_then(|p| self.entries.get_mut(p)) else {
            return false;
        };
        !std::mem::replace(&mut entry.sealed_again, true)
    }

    /// The next message whose time to be sent again has come.
    pub(crate) fn take_again(&mut self, now: Millis) -> Option<Place> {
        let (at, place) = self.agains.first().filter(|(at, _)| *at <= now)?.clone();
        self.agains.remove(&(at, place.clone()));
        if let Some(entry) = self.entries.get_mut(&place) {
            entry.again_at = None;
        }
        Some(place)
    }

    pub(crate) fn next_again(&self) -> Option<Millis> {
        self.agains.first().map(|(at, _)| *at)
    }

    /// The message is sent again after this wait, which doubles for the next time.
    fn again_after(&mut self, now: Millis, id: &str, wait: impl FnOnce(&mut Entry) -> &mut Millis) {
        let Some(place) = self.places.get(id) else { return };
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let wait = wait(entry);
        let mut at = now + *wait;
        *wait = (*wait * 2).min(MOST_PATIENCE);
        if Outbox::is_too_old(at, entry.message.at) {
            if entry.message.state != MessageState::Pending || Outbox::is_too_old(now, entry.message.at) {
                return;
            }
            // Then it is given up.
            at = entry.message.at + LIFETIME + 1;
        }
        if let Some(old) = entry.again_at.replace(at) {
            self.agains.remove(&(old, place.clone()));
        }
        self.agains.insert((at, place.clone()));
    }
}
