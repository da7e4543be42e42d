//! Delivery notices: gathered for a moment, so that a burst of messages costs one signature and not one each.

use corella_identity::Millis;

/// How long a notice may wait for company, in milliseconds.
const GATHER: Millis = 20;
/// A notice names at most this many messages, so that it stays far below the size of a SIP message.
pub(crate) const MOST: usize = 200;

/// The notices owed to one peer.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    ids: Vec<String>,
    due: Option<Millis>,
}

impl Owed {
    pub(crate) fn add(&mut self, now: Millis, id: String) {
        self.ids.push(id);
        if self.ids.len() >= MOST {
            self.due = Some(now);
        } else {
            self.due.get_or_insert(now + GATHER);
        }
    }

    pub(crate) fn due(&self) -> Option<Millis> {
        self.due
    }

    /// What to tell now, if it is time.
    pub(crate) fn take(&mut self, now: Millis) -> Vec<String> {
        if self.due.is_none_or(|t| t > now) {
            return Vec::new();
        }
        let rest = self.ids.split_off(self.ids.len().min(MOST));
        self.due = (!rest.is_empty()).then_some(now);
        std::mem::replace(&mut self.ids, rest)
    }

    /// All of them, whether it is time or not, but not more than one notice takes.
    pub(crate) fn take_all(&mut self) -> Vec<String> {
        let due = self.due.unwrap_or(Millis::MAX);
        self.take(due)
    }

    /// No link stands. The peer sends such a message again, and the notice is owed again then.
    pub(crate) fn forget(&mut self) {
        *self = Owed::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_becomes_few_notices_and_none_is_lost() {
        let mut owed = Owed::default();
        for n in 0..450 {
            owed.add(0, n.to_string());
        }
        let mut told = Vec::new();
        let mut rounds = 0;
        while owed.due().is_some() {
            told.extend(owed.take(0));
            rounds += 1;
        }
        assert_eq!((told.len(), rounds), (450, 3));
    }

    #[test]
    fn a_single_one_waits_a_moment_only() {
        let mut owed = Owed::default();
        owed.add(100, "a".into());
        assert_eq!(owed.due(), Some(120));
        assert!(owed.take(119).is_empty());
        assert_eq!(owed.take(120), ["a"]);
        assert_eq!(owed.due(), None);
    }
}
