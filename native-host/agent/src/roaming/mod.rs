//! Buddy list, status and settings roam: what is changed on one of the user's devices is so on the others.
//!
//! A document per own address holds each entry with the time of its last change. What the user changes here goes into it; what
//! comes from other devices is merged into it, and what is newer there is done here as if the user had done it. What is known of a
//! person here that came from elsewhere is not taken for a change of this device's, so nothing goes to and fro.

mod document;

use std::collections::BTreeMap;

use corella_identity::{
    AddressOfRecord, Millis,
    trust::{Known, Trust},
};

pub use document::{Entry, Expected, Roaming, Standing};

use crate::{Action, Agent, Buddy, Consent, How, Presence};

/// Most settings that are kept.
const SETTINGS: usize = 64;

/// What roams of one own address.
#[derive(Debug, Default)]
pub(crate) struct Roams {
    document: Roaming,
    /// How everybody stood here when the document was last brought up to date.
    here: BTreeMap<AddressOfRecord, Standing>,
    presence: Option<Presence>,
}

impl Agent {
    /// What was kept here for the other devices; the roster and this were written together, so neither has news for the other.
    pub(crate) fn remember_roaming(&mut self, documents: Vec<(AddressOfRecord, Roaming)>) {
        for (own, document) in documents {
            let here = self.standings(&own);
            let here = here.into_iter().filter(|(who, _)| document.people.contains_key(who));
            let presence = document.presence.is_some().then(|| self.presence.clone());
            let roams = Roams {
                here: here.collect(),
                presence,
                document,
            };
            self.roaming.insert(own, roams);
        }
    }

    /// What is kept for the user's other devices of an own address, if anything is.
    pub fn roaming(&self, own: &AddressOfRecord) -> Option<&Roaming> {
        self.roaming.get(own).map(|roams| &roams.document)
    }

    /// All that would be kept if what others kept came to what is here, at the time `now`.
    pub fn roaming_with(&self, now: Millis, own: &AddressOfRecord, others: &Roaming) -> Roaming {
        let mut all = self.roaming(own).cloned().unwrap_or_default();
        all.merge(others);
        for (who, standing) in self.standings(own) {
            let is = Some(standing);
            all.people.entry(who).or_insert(Entry { at: now, is });
        }
        all
    }

    /// Another device kept this, or the user begins to.
    pub(crate) fn roamed(&mut self, now: Millis, own: &AddressOfRecord, other: &Roaming, out: &mut Vec<Action>) {
        let begins = !self.roaming.contains_key(own);
        let roams = self.roaming.entry(own.clone()).or_default();
        let before = roams.document.clone();
        roams.document.merge(other);
        roams.document.forget_old(now);
        let document = roams.document.clone();
        let news = document
            .people
            .iter()
            .filter(|(who, entry)| before.people.get(*who) != Some(*entry));
        for (who, entry) in news {
            // Two lists become one: what one device removed long ago is not taken from who has just joined.
            let stands_here = || {
                self.buddies
                    .get(who)
                    .and_then(|buddy| standing_of(own, buddy))
                    .is_some()
            };
            if !(begins && entry.is.is_none() && stands_here()) {
                self.stand(now, own, who, entry.is.as_ref(), begins, out);
            }
        }
        if let Some(entry) = document
            .presence
            .filter(|entry| before.presence.as_ref() != Some(entry))
        {
            self.set_presence(now, entry.is.clone(), out);
            if let Some(roams) = self.roaming.get_mut(own) {
                roams.presence = Some(entry.is);
            }
        }
        let news = document.settings.iter();
        for (name, entry) in news.filter(|(name, entry)| before.settings.get(*name) != Some(*entry)) {
            out.push(Action::SettingChanged {
                name: name.clone(),
                value: entry.is.clone(),
            });
        }
        // When the user begins it is kept even where nothing is new.
        let before = (!begins).then_some(before);
        self.keep_roaming(now, own, before, out);
    }

    /// The settings that are kept for the user's other devices, the latest of each.
    pub fn settings(&self) -> BTreeMap<&str, &str> {
        let all = self.roaming.values().flat_map(|roams| &roams.document.settings);
        let mut latest: BTreeMap<&str, &Entry<String>> = BTreeMap::new();
        for (name, entry) in all {
            let known = latest.entry(name).or_insert(entry);
            *known = (*known).max(entry);
        }
        latest
            .into_iter()
            .map(|(name, entry)| (name, entry.is.as_str()))
            .collect()
    }

    /// The user has changed a setting; where nothing is kept for other devices it is nobody's business.
    pub(crate) fn set(&mut self, now: Millis, name: &str, value: &str, out: &mut Vec<Action>) {
        for (own, Roams { document, .. }) in &mut self.roaming {
            let known = document.settings.get(name);
            let has_room = known.is_some() || document.settings.len() < SETTINGS;
            if has_room && known.is_none_or(|entry| entry.is != value) {
                let is = value.to_owned();
                let at = after(now, known);
                document.settings.insert(name.to_owned(), Entry { at, is });
                out.push(Action::KeepRoaming(own.clone(), document.clone()));
            }
        }
    }

    /// This device takes no more part.
    pub(crate) fn roams_no_more(&mut self, own: &AddressOfRecord) {
        self.roaming.remove(own);
    }

    /// The user may have changed something.
    pub(crate) fn roaming_due(&mut self, now: Millis, out: &mut Vec<Action>) {
        if !std::mem::take(&mut self.is_changed) {
            return;
        }
        let owns: Vec<AddressOfRecord> = self.roaming.keys().cloned().collect();
        for own in owns {
            let before = self.roaming.get(&own).map(|roams| roams.document.clone());
            self.keep_roaming(now, &own, before, out);
        }
    }

    /// Brings the document up to date with what is so here, and keeps it if it is another than before.
    fn keep_roaming(&mut self, now: Millis, own: &AddressOfRecord, before: Option<Roaming>, out: &mut Vec<Action>) {
        let standings = self.standings(own);
        let Some(Roams {
            document,
            here,
            presence,
        }) = self.roaming.get_mut(own)
        else {
            return;
        };
        for (who, standing) in &standings {
            // Documents of before do not say of a key what outlives its certificate. That is no change.
            if let Some(Some(kept)) = document.people.get_mut(who).map(|entry| &mut entry.is)
                && let (Some(kept), Some(known)) = (&mut kept.key, standing.key)
                && kept.fingerprint == known.fingerprint
            {
                kept.public_key = kept.public_key.or(known.public_key);
            }
            if here.get(who) != Some(standing) {
                let is = Some(standing.clone());
                // What another device said last is no change, nor what is known of a key here alone.
                let known = document.people.get(who);
                if known.is_none_or(|entry| entry.is != is) {
                    let at = after(now, known);
                    document.people.insert(who.clone(), Entry { at, is });
                }
            }
        }
        for who in here.keys().filter(|who| !standings.contains_key(*who)) {
            let known = document.people.get(who);
            if known.is_none_or(|entry| entry.is.is_some()) {
                let at = after(now, known);
                document.people.insert(who.clone(), Entry { at, is: None });
            }
        }
        *here = standings;
        if presence.as_ref() != Some(&self.presence) {
            if document.presence.as_ref().is_none_or(|entry| entry.is != self.presence) {
                let is = self.presence.clone();
                let at = after(now, document.presence.as_ref());
                document.presence = Some(Entry { at, is });
            }
            *presence = Some(self.presence.clone());
        }
        if before.is_none_or(|before| before != *document) {
            out.push(Action::KeepRoaming(own.clone(), document.clone()));
        }
    }

    /// Does here what the user did elsewhere.
    fn stand(
        &mut self,
        now: Millis,
        own: &AddressOfRecord,
        who: &AddressOfRecord,
        standing: Option<&Standing>,
        begins: bool,
        out: &mut Vec<Action>,
    ) {
        let consent = self.buddies.get(who).map(|buddy| buddy.consent);
        match standing {
            None if matches!(consent, Some(Consent::Buddy | Consent::Blocked)) => {
                let _ = self.remove(now, who.clone(), out);
            }
            None => {}
            Some(Standing {
                consent: Consent::Blocked,
                ..
            }) if consent == Some(Consent::Blocked) => {}
            Some(Standing {
                consent: Consent::Blocked,
                ..
            }) => drop(self.block(now, who.clone(), out)),
            Some(Standing { name, key, .. }) => {
                // It fails for an own address, which is nobody's to consent to.
                if self.consent(now, who, name.clone(), Some(own.clone()), out).is_err() {
                    return;
                }
                self.know_as_elsewhere(now, who, *key, out);
            }
        }
        // Whoever has just joined keeps the names that only they have given.
        let renamed = |buddy: &&mut Buddy| {
            standing.is_some_and(|standing| standing.name != buddy.name && !(begins && standing.name.is_none()))
        };
        if let Some(buddy) = self.buddies.get_mut(who).filter(renamed) {
            buddy.name = standing.and_then(|standing| standing.name.clone());
            self.buddy_changed(who, out);
        }
        let is = self.buddies.get(who).and_then(|buddy| standing_of(own, buddy));
        if let Some(roams) = self.roaming.get_mut(own) {
            match is {
                // The name is news for the others.
                Some(is) if begins && standing.is_some_and(|standing| standing.name != is.name) => {}
                Some(is) => drop(roams.here.insert(who.clone(), is)),
                None => drop(roams.here.remove(who)),
            }
        }
    }

    /// Takes over by which key another device knows somebody. The same key is worth here what it is worth there; another one
    /// that the user has confirmed there, or an authority vouches for, is expected from now on, and whoever has the key that was
    /// only the first one seen here is asked about.
    fn know_as_elsewhere(&mut self, now: Millis, who: &AddressOfRecord, key: Option<Expected>, out: &mut Vec<Action>) {
        let (Some(key), Some(buddy)) = (key, self.buddies.get_mut(who)) else {
            return;
        };
        let Some(known) = &buddy.known else {
            buddy.expected = Some(key);
            return self.buddy_changed(who, out);
        };
        if known.trust != Trust::Unverified {
            return;
        }
        if key.is_key_of(&known.certificate) {
            if key.trust == Trust::Pinned {
                let known = Known {
                    trust: Trust::Pinned,
                    ..known.clone()
                };
                buddy.know(now, known, How::Device);
                self.buddy_changed(who, out);
            }
        } else if key.trust != Trust::Unverified {
            (buddy.known, buddy.known_by) = (None, None);
            buddy.expected = Some(key);
            self.close_links(who, out);
            self.buddy_changed(who, out);
        }
    }

    fn standings(&self, own: &AddressOfRecord) -> BTreeMap<AddressOfRecord, Standing> {
        let buddies = self.buddies.values();
        let standing = buddies.filter_map(|buddy| Some((buddy.address.clone(), standing_of(own, buddy)?)));
        standing.collect()
    }
}

/// When a change counts that is made now: later than what it changes, whatever the clock of the device that wrote that.
fn after<T>(now: Millis, known: Option<&Entry<T>>) -> Millis {
    known.map_or(now, |entry| now.max(entry.at + 1))
}

/// How a person stands who knows the user by this own address.
fn standing_of(own: &AddressOfRecord, buddy: &Buddy) -> Option<Standing> {
    if buddy.own.as_ref().is_some_and(|by| by != own) || buddy.consent == Consent::Request {
        return None;
    }
    let known = buddy.known.as_ref().map(Expected::of);
    Some(Standing {
        consent: buddy.consent,
        name: buddy.name.clone(),
        key: known.or(buddy.expected),
    })
}
