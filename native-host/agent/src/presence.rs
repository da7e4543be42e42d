//! Statuses: the user's own, told to buddies, and the peers', as their devices told them on links that stand.
//!
//! A peer is on line because its device said so over an authenticated link, and only while such a link stands: a status
//! dies with its link, so a killed peer is never shown as present.

use corella_identity::{AddressOfRecord, Millis};

use crate::{Agent, LinkId, Pair, action::Action, event::Content};

/// A status, in the words of the bridge. Ordered by how reachable it makes somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Status {
    /// Not there, or not saying so.
    #[default]
    Offline,
    /// There, and not to be disturbed.
    Busy,
    /// Somewhere near.
    Away,
    /// There.
    Online,
}

impl Status {
    /// The word for it on the bridge.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Busy => "busy",
            Self::Away => "away",
            Self::Online => "online",
        }
    }

    /// The status that this word stands for.
    pub fn parse(word: &str) -> Option<Status> {
        [Self::Offline, Self::Busy, Self::Away, Self::Online]
            .into_iter()
            .find(|s| s.as_str() == word)
    }
}

/// A status and the words beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Presence {
    /// The status.
    pub status: Status,
    /// The person's own words, at most [`Presence::NOTE_CHARS`] characters.
    pub note: Option<String>,
}

impl Presence {
    /// The longest note, in characters.
    pub const NOTE_CHARS: usize = 200;

    /// Not there.
    pub fn offline() -> Presence {
        Presence {
            status: Status::Offline,
            note: None,
        }
    }
}

impl Default for Presence {
    /// What the user's own status is until another is chosen.
    fn default() -> Presence {
        Presence {
            status: Status::Online,
            note: None,
        }
    }
}

impl Agent {
    /// What the devices of a buddy say that bear the key in use; the most reachable one counts.
    pub(crate) fn presence_of(&self, address: &AddressOfRecord) -> Presence {
        let Some((key, _)) = self.usable_key(address).filter(|_| self.is_buddy(address)) else {
            return Presence::offline();
        };
        self.peers
            .iter()
            .filter(|(pair, _)| pair.with == *address)
            .flat_map(|(_, peer)| peer.links.values())
            .filter(|link| link.certificate.same_key(&key))
            .filter_map(|link| link.presence.clone())
            .max_by_key(|p| p.status)
            .unwrap_or_else(Presence::offline)
    }

    /// Tells the add-on what is to be seen of `address` if it was not told that last. What a device said may count only later, when
    /// the user consents or its key is settled.
    pub(crate) fn show_presence(&mut self, address: &AddressOfRecord, out: &mut Vec<Action>) {
        let presence = self.presence_of(address);
        let shown = if presence == Presence::offline() {
            self.shown.remove(address)
        } else {
            self.shown.insert(address.clone(), presence.clone())
        };
        if shown.unwrap_or_else(Presence::offline) != presence {
            let address = address.clone();
            out.push(Action::PresenceChanged { address, presence });
        }
    }

    /// Tells one link the user's status, if its peer is a buddy.
    pub(crate) fn tell_presence(&mut self, link: LinkId, pair: &Pair, out: &mut Vec<Action>) {
        let Some((certificate, _)) = self.usable_key(&pair.with) else {
            return;
        };
        if !self.is_buddy(&pair.with) {
            return;
        }
        out.push(Action::SendContent {
            link,
            pair: pair.clone(),
            certificate,
            content: Content::Presence(self.presence.clone()),
        });
    }

    /// What a buddy gets on a link that stands: the user's status, and a pass.
    pub(crate) fn greet(&mut self, now: Millis, link: LinkId, pair: &Pair, out: &mut Vec<Action>) {
        self.tell_presence(link, pair, out);
        self.give_pass(now, link, pair, out);
    }

    /// Greets every buddy on a link.
    pub(crate) fn greet_all(&mut self, now: Millis, out: &mut Vec<Action>) {
        let links: Vec<(LinkId, Pair)> = self.links.iter().map(|(l, p)| (*l, p.clone())).collect();
        for (link, pair) in links {
            self.greet(now, link, &pair, out);
        }
    }
}
