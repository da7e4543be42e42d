//! The application core: buddies, conversations, delivery, presence.
//!
//! **It decides and does nothing.** [`Agent::handle`] takes an [`Event`] and `now` (milliseconds since the Unix epoch) and
//! returns the [`Action`]s to carry out; their outcomes come back as events. There is no clock, no socket, no file and no
//! randomness in here, so every rule is tested in virtual time.
//!
//! The invariants that everything else leans on:
//!
//! - A message is acknowledged (a call answered, a peer told 200) only after the store said that it is on disk.
//! - A message stays in the outbox until the recipient's own notice for it came, or the user or the peer refused it. Sending it
//!   again is harmless: its Message-ID makes it one.
//! - A peer's key changes only by [`corella_identity::trust::choose`] or by the user's answer to a question.

mod action;
mod buddy;
mod commands;
mod devices;
pub mod enrolment;
mod event;
mod incoming;
mod invitations;
mod known;
mod notices;
mod outbox;
mod passes;
mod peer;
mod presence;
mod reach;
mod requests;
mod revoked;
mod roaming;
mod sending;
mod state;
mod storing;
mod watchers;

use std::collections::{BTreeMap, BTreeSet};

use corella_identity::{AddressOfRecord, Certificate, Millis, trust::TrustAnchors};

pub use action::{Action, BuddyView, NewMessage, Notice, Reply, Side};
pub use buddy::{Buddy, Consent};
pub use devices::Device;
pub use event::{Claim, Command, CommandError, Content, Event, Fetched, LinkUp, Received, StoreOutcome};
pub use invitations::{
    InvitationMail, InvitationOutcome, InvitationRefusal, InvitationState, Invitations, Mailed, Offer,
};
pub use known::{How, KnownBy};
pub use outbox::Outgoing;
pub use presence::{Presence, Status};
pub use revoked::Revoked;
pub use roaming::{Entry, Expected, Roaming, Standing};
pub use state::{MessageState, Reason};
pub use watchers::WATCHER_LIFE;

use devices::Devices;
use peer::Peer;
use requests::Requests;
use revoked::RevokedKeys;
use roaming::Roams;

/// Names one of the runtime's links: an authenticated stream to one device of a peer.
pub type LinkId = u64;
/// Names a call of the add-on that waits for its answer.
pub type CallId = u64;
/// Names a request of a peer that waits for its SIP answer.
pub type Token = u64;

/// One of the user's own addresses and one peer: the two ends of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The user's own address.
    pub own: AddressOfRecord,
    /// The peer's address.
    pub with: AddressOfRecord,
}

/// How an agent is set up.
#[derive(Debug)]
pub struct Settings {
    /// The authorities whose certificates make a peer `verified`.
    pub anchors: TrustAnchors,
    /// Consent to whoever writes first. For services such as the echo; people are asked.
    pub accept_everyone: bool,
}

/// What the agent remembered on disk, given back to it at the start.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Everyone it knows; those who wait for the user's answer in the order in which they came.
    pub buddies: Vec<Buddy>,
    /// Messages written here whose notice has not come yet.
    pub undelivered: Vec<(Pair, Outgoing)>,
    /// Who wrote what waits in the store for the user's consent.
    pub strangers: Vec<AddressOfRecord>,
    /// The next sequence of each conversation.
    pub sequences: Vec<(Pair, u64)>,
    /// The status the user last chose.
    pub presence: Presence,
    /// The user's other devices under each own address.
    pub devices: Vec<(AddressOfRecord, Device)>,
    /// Since when others than those are news to the user.
    pub devices_since: Vec<(AddressOfRecord, Millis)>,
    /// What is kept for them.
    pub roaming: Vec<(AddressOfRecord, Roaming)>,
    /// The invitations that the user does not want, and how long they are worth something.
    pub declined: Vec<(String, Millis)>,
    /// Which keys of people are not to be used any more.
    pub revoked: Vec<Revoked>,
}

/// A message of a peer on its way to the disk.
#[derive(Debug, Default)]
struct Arriving {
    /// The ways on which it came, each of which waits for an answer.
    waiting: Vec<Via>,
    /// It came without the user's consent.
    request: bool,
    /// What its author had written was dropped meanwhile.
    dropped: bool,
}

/// The way on which a message came.
#[derive(Debug, Clone)]
enum Via {
    /// A peer's device sent it.
    Link(LinkId, Token),
    /// It waited in the overlay, signed with this key.
    Overlay(Token, Certificate),
}

/// The core. See the crate's documentation.
#[derive(Debug)]
pub struct Agent {
    settings: Settings,
    own: BTreeSet<AddressOfRecord>,
    presence: Presence,
    buddies: BTreeMap<AddressOfRecord, Buddy>,
    peers: BTreeMap<Pair, Peer>,
    links: BTreeMap<LinkId, Pair>,
    /// What the add-on was last told of those who are not off line.
    shown: BTreeMap<AddressOfRecord, Presence>,
    /// Calls of `messages/send` whose message is on its way to the disk.
    sending: BTreeMap<(Pair, String), (CallId, Outgoing)>,
    /// Messages of peers on their way to the disk.
    arriving: BTreeMap<(Pair, String), Arriving>,
    /// The user's other devices, by own address.
    devices: BTreeMap<AddressOfRecord, Devices>,
    /// What other devices passed on, and the requests that wait for an answer about it.
    passed: BTreeMap<Token, Vec<Token>>,
    requests: Requests,
    /// Which keys of people are not to be used any more.
    revoked: RevokedKeys,
    /// What is kept for the user's other devices, by own address.
    roaming: BTreeMap<AddressOfRecord, Roams>,
    /// The invitations that the user does not want, by their names, and how long they are worth something.
    declined: BTreeMap<String, Millis>,
    /// Somebody's standing or the own status may be another than what is kept.
    is_changed: bool,
    /// Nothing has happened since the start.
    is_fresh: bool,
    /// What the store and the roster do not agree on since the program ended between the two.
    repairs: Vec<Action>,
}

impl Agent {
    /// An agent with what it remembered. It has no own address until [`Event::OwnAddress`].
    pub fn new(settings: Settings, snapshot: Snapshot) -> Agent {
        let strangers = snapshot.buddies.iter().filter(|b| b.consent == Consent::Request);
        let strangers: Vec<AddressOfRecord> = strangers.map(|b| b.address.clone()).collect();
        let mut agent = Agent {
            settings,
            own: BTreeSet::new(),
            presence: snapshot.presence,
            buddies: snapshot.buddies.into_iter().map(|b| (b.address.clone(), b)).collect(),
            peers: BTreeMap::new(),
            links: BTreeMap::new(),
            shown: BTreeMap::new(),
            sending: BTreeMap::new(),
            arriving: BTreeMap::new(),
            devices: BTreeMap::new(),
            passed: BTreeMap::new(),
            requests: Requests::default(),
            revoked: RevokedKeys::new(snapshot.revoked),
            roaming: BTreeMap::new(),
            declined: snapshot.declined.into_iter().collect(),
            is_changed: false,
            is_fresh: true,
            repairs: Vec::new(),
        };
        let unknown = snapshot
            .strangers
            .into_iter()
            .filter(|s| !agent.buddies.contains_key(s));
        agent.repairs = unknown.map(Action::DropRequests).collect();
        agent.know_devices(snapshot.devices, snapshot.devices_since);
        agent.remember_roaming(snapshot.roaming);
        // Whoever is worth less than the roster says is news for the other devices, and waits as everybody else does.
        agent.doubt_everybody();
        agent.remember_requests(strangers);
        for (pair, next) in snapshot.sequences {
            agent.peers.entry(pair).or_default().next_sequence = next;
        }
        for (pair, outgoing) in snapshot.undelivered {
            // What was sent to somebody whom the user has removed or blocked since is nobody's to have again.
            let (buddy, blocked) = (agent.is_buddy(&pair.with), agent.is_blocked(&pair.with));
            let peer = agent.peers.entry(pair.clone()).or_default();
            peer.next_sequence = peer.next_sequence.max(outgoing.sequence + 1);
            if buddy {
                peer.outbox.insert(outgoing);
            } else if outgoing.state == MessageState::Pending {
                agent.repairs.push(Action::SetState {
                    pair,
                    id: outgoing.id,
                    state: MessageState::Failed,
                    reason: blocked.then_some(Reason::Blocked),
                });
            }
        }
        agent
    }

    /// Takes one event in and says what to do now, in order.
    pub fn handle(&mut self, now: Millis, event: Event) -> Vec<Action> {
        let mut out = std::mem::take(&mut self.repairs);
        if std::mem::take(&mut self.is_fresh) {
            // The settings may name an authority that they did not name when these were heard of.
            self.weigh_revocations(now, &mut out);
        }
        match event {
            Event::OwnAddress(address) => self.own_address(now, address, &mut out),
            Event::Command { call, command } => self.command(now, call, command, &mut out),
            Event::Stored {
                pair,
                side,
                id,
                outcome,
            } => match side {
                Side::Out => self.stored_out(now, pair, id, outcome, &mut out),
                Side::In => self.stored_in(now, pair, id, outcome, &mut out),
            },
            Event::RequestsAccepted { pair, ids } => self.owe(now, &pair, ids, &mut out),
            Event::Located { pair, claims, asked } => self.located(now, &pair, claims, asked, &mut out),
            Event::Revoked(revocations) => self.revoke(now, revocations, &mut out),
            Event::Unreachable { pair } => self.unreachable(now, &pair, &mut out),
            Event::LinkUp(link) => self.link_up(now, link, &mut out),
            Event::LinkDown { link } => self.link_down(now, link, &mut out),
            Event::Answered { link, id, status } => self.answered(now, link, &id, status, &mut out),
            Event::NotAnswered { link, id } => self.not_answered(now, link, &id, &mut out),
            Event::Received(received) => self.received(now, received, &mut out),
            Event::Fetched(fetched) => self.fetched(now, fetched, &mut out),
            Event::StoredAway { pair, id, is_stored } => self.stored_away(now, &pair, &id, is_stored, &mut out),
            Event::NoticesStoredAway { pair, ids, is_stored } => {
                self.notices_stored_away(now, &pair, ids, is_stored, &mut out);
            }
            Event::Authorities(anchors) => self.trust_authorities(now, anchors, &mut out),
            Event::Ending => {
                let pairs: Vec<Pair> = self.peers.keys().cloned().collect();
                for pair in pairs {
                    self.store_notices_away(now, &pair, &mut out);
                }
                return out;
            }
            Event::Roamed { own, document } => self.roamed(now, &own, &document, &mut out),
            Event::RoamsNoMore(own) => self.roams_no_more(&own),
            Event::WatcherLeft { pair, is_stored } => self.watcher_left(now, &pair, is_stored),
            Event::Watched { pair, certificate } => self.watched(now, &pair, &certificate),
            Event::DevicesCalled { own, found } => self.devices_called(now, &own, found, &mut out),
            Event::FirstDevice(own) => self.first_device(now, &own, &mut out),
            Event::DeviceSeen { own, device } => self.device_seen(now, &own, device, &mut out),
            Event::DevicesTold { link, devices } => self.devices_told(now, link, devices, &mut out),
            Event::PassedOn { link, token, is_taken } => self.passed_on(now, link, token, is_taken, &mut out),
            Event::NetworkChanged => {
                self.network_changed(now);
                self.devices_soon(now);
            }
            Event::Wake => {}
        }
        self.due(now, &mut out);
        self.devices_due(now, &mut out);
        self.roaming_due(now, &mut out);
        out
    }

    /// When [`Event::Wake`] is wanted next, if ever.
    pub fn next_wakeup(&self) -> Option<Millis> {
        self.peers
            .iter()
            .filter_map(|(pair, peer)| self.wakeup_of(pair, peer))
            .chain(self.devices_wakeup())
            .min()
    }

    /// Everyone the user knows, as the add-on sees them.
    pub fn buddies(&self) -> Vec<BuddyView> {
        self.buddies.values().map(|b| self.view(b)).collect()
    }

    /// One of them.
    pub fn buddy(&self, address: &AddressOfRecord) -> Option<BuddyView> {
        self.buddies.get(address).map(|b| self.view(b))
    }

    /// The user's own status and words.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    fn view(&self, buddy: &Buddy) -> BuddyView {
        let presence = self.presence_of(&buddy.address);
        BuddyView {
            address: buddy.address.clone(),
            name: buddy.name.clone(),
            consent: buddy.consent,
            presence,
            known: buddy.known.clone().filter(|_| !self.is_known_revoked(&buddy.address)),
            known_by: buddy
                .known_by
                .clone()
                .filter(|_| !self.is_known_revoked(&buddy.address)),
            invitations: buddy.invitations.clone(),
            question: buddy.question.clone(),
        }
    }

    fn own_address(&mut self, now: Millis, address: AddressOfRecord, out: &mut Vec<Action>) {
        self.own.insert(address.clone());
        self.devices.entry(address.clone()).or_default();
        for buddy in self.buddies.values_mut() {
            if buddy.own.is_none() {
                buddy.own = Some(address.clone());
                out.push(Action::SaveBuddy(Box::new(buddy.clone())));
            }
            if buddy.own.as_ref() == Some(&address) {
                let pair = Pair {
                    own: address.clone(),
                    with: buddy.address.clone(),
                };
                self.peers.entry(pair).or_default().reach.at_once(now);
            }
        }
    }
}

#[cfg(test)]
mod tests;
