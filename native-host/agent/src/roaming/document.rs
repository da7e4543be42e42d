//! What one device keeps for the user's others.

use std::collections::BTreeMap;

use corella_identity::{
    AddressOfRecord, Certificate, Fingerprint, Millis,
    trust::{Known, Trust},
};

use crate::{Consent, Presence};

/// How long it is remembered that somebody was removed: as long as what other devices keep may lie in the overlay.
const REMOVED: Millis = 180 * 24 * 3_600_000;

/// The buddy list and the status of an own address, each entry with the time of its last change. Documents of several
/// devices are merged entry by entry: the later change counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roaming {
    /// The people.
    pub people: BTreeMap<AddressOfRecord, Entry<Option<Standing>>>,
    /// The user's own status.
    pub presence: Option<Entry<Presence>>,
    /// Settings of the add-on, by name; to the core they are words.
    pub settings: BTreeMap<String, Entry<String>>,
}

/// Something with the time at which it was changed last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry<T> {
    /// When, in milliseconds since the Unix epoch.
    pub at: Millis,
    /// To what. Nothing: it was removed.
    pub is: T,
}

/// How somebody stands with the user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// A buddy, or blocked. Requests do not roam.
    pub consent: Consent,
    /// The name that the user gave.
    pub name: Option<String>,
    /// The key in use.
    pub key: Option<Expected>,
}

/// A key of which a device knows fingerprints and not yet a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Of its certificate there.
    pub fingerprint: Fingerprint,
    /// Of the key itself, whatever its certificate; devices of before did not say it.
    pub public_key: Option<Fingerprint>,
    /// How another device knows it.
    pub trust: Trust,
}

impl PartialOrd for Expected {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Expected {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |one: &Self| (one.fingerprint, one.public_key, one.trust.as_str());
        rank(self).cmp(&rank(other))
    }
}

impl Expected {
    /// The key of a certificate that is known here.
    pub(crate) fn of(known: &Known) -> Self {
        Self {
            fingerprint: known.certificate.fingerprint(),
            public_key: Some(known.certificate.key_fingerprint()),
            trust: known.trust,
        }
    }

    /// Whether the certificate is for this key: it may have been certified anew meanwhile.
    pub(crate) fn is_key_of(&self, certificate: &Certificate) -> bool {
        certificate.fingerprint() == self.fingerprint || self.public_key == Some(certificate.key_fingerprint())
    }
}

impl Roaming {
    /// Takes in what another device kept. In whatever order documents are merged, the same comes of it.
    pub fn merge(&mut self, other: &Roaming) {
        merge_each(&mut self.people, &other.people);
        merge_each(&mut self.settings, &other.settings);
        self.presence = self.presence.take().max(other.presence.clone());
    }

    /// Forgets who was removed long ago.
    pub(crate) fn forget_old(&mut self, now: Millis) {
        self.people
            .retain(|_, entry| entry.is.is_some() || now.saturating_sub(entry.at) < REMOVED);
    }
}

fn merge_each<K: Ord + Clone, T: Ord + Clone>(mine: &mut BTreeMap<K, Entry<T>>, theirs: &BTreeMap<K, Entry<T>>) {
    for (key, theirs) in theirs {
        match mine.get_mut(key) {
            Some(mine) if *mine >= *theirs => {}
            Some(mine) => *mine = theirs.clone(),
            None => drop(mine.insert(key.clone(), theirs.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document() -> impl Strategy<Value = Roaming> {
        let standing = (any::<bool>(), prop::option::of("[ab]")).prop_map(|(is_buddy, name)| Standing {
            consent: if is_buddy { Consent::Buddy } else { Consent::Blocked },
            name,
            key: None,
        });
        let entry = (0..4_i64, prop::option::of(standing)).prop_map(|(at, is)| Entry { at, is });
        let people = prop::collection::btree_map("[a-c]", entry, 0..4);
        let presence = prop::option::of((0..4_i64, "[ab]"));
        let setting = (0..4_i64, "[ab]").prop_map(|(at, is)| Entry { at, is });
        let settings = prop::collection::btree_map("[ab]", setting, 0..3);
        (people, presence, settings).prop_map(|(people, presence, settings)| Roaming {
            settings,
            people: people
                .into_iter()
                .map(|(name, entry)| (format!("{name}@example.net").parse().unwrap(), entry))
                .collect(),
            presence: presence.map(|(at, note)| Entry {
                at,
                is: Presence {
                    note: Some(note),
                    ..Presence::default()
                },
            }),
        })
    }

    fn merged(a: &Roaming, b: &Roaming) -> Roaming {
        let mut a = a.clone();
        a.merge(b);
        a
    }

    proptest! {
        /// Devices meet in any order, and more than once.
        #[test]
        fn merging_is_the_same_in_any_order(a in document(), b in document(), c in document()) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &a), a.clone());
            prop_assert_eq!(merged(&merged(&a, &b), &b), merged(&a, &b));
        }

        #[test]
        fn the_later_change_counts(a in document(), b in document()) {
            let both = merged(&a, &b);
            for (address, entry) in &both.people {
                let times = [&a, &b].into_iter().filter_map(|one| Some(one.people.get(address)?.at));
                prop_assert_eq!(Some(entry.at), times.max());
            }
        }
    }
}
