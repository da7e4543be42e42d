//! A world for agents to live in: it carries their actions out in virtual time, loses what it is told to lose, and remembers
//! what a disk would.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use corella_identity::{AddressOfRecord, Credential, Millis, invitation::Nonce, pass::Pass};

use crate::*;

mod carrying;
mod starting;

pub(crate) fn address(name: &str) -> AddressOfRecord {
    format!("{name}@example.net").parse().unwrap()
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) text: String,
    pub(crate) state: Option<MessageState>,
    pub(crate) reason: Option<Reason>,
    pub(crate) request: bool,
    pub(crate) sequence: u64,
    pub(crate) at: Millis,
}

/// What survives a crash.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) rows: BTreeMap<(Pair, Side, String), Row>,
    pub(crate) buddies: BTreeMap<AddressOfRecord, Buddy>,
    presence: Presence,
    pub(super) devices: BTreeMap<(AddressOfRecord, String), Device>,
    devices_since: BTreeMap<AddressOfRecord, Millis>,
    pub(crate) roaming: BTreeMap<AddressOfRecord, Roaming>,
    pub(super) declined: BTreeMap<String, Millis>,
    pub(super) revoked: Vec<Revoked>,
}

pub(crate) struct Node {
    pub(crate) address: AddressOfRecord,
    pub(crate) credential: Credential,
    pub(crate) agent: Option<Agent>,
    pub(crate) disk: Disk,
    pub(crate) replies: HashMap<CallId, Result<Reply, CommandError>>,
    pub(crate) shown: Vec<Action>,
    /// The statuses it was told.
    pub(crate) told: HashMap<AddressOfRecord, Status>,
    /// How many passes it has given.
    pub(crate) passes_given: usize,
    /// When it ended, if it is not running.
    pub(crate) ended: Option<Millis>,
}

struct Wire {
    ends: [(usize, LinkId); 2],
}

/// Something on its way.
enum Parcel {
    Event(usize, Event),
    Answer { from: usize, token: Token, status: u16 },
}

/// What a sealed envelope holds.
struct Sealed {
    id: String,
    at: Millis,
    sequence: u64,
    content: Content,
}

pub(crate) struct World {
    pub(crate) now: Millis,
    pub(crate) nodes: Vec<Node>,
    queue: VecDeque<(Millis, Parcel)>,
    wires: Vec<Wire>,
    tokens: HashMap<(usize, Token), (usize, LinkId, String)>,
    next: u64,
    /// Every n-th message over a wire cuts the wire instead of arriving.
    pub(crate) cut_every: Option<u64>,
    carried: u64,
    /// Keys that claim addresses in the overlay besides their live owners'.
    pub(crate) claims: Vec<(AddressOfRecord, Credential)>,
    pub(crate) accept_everyone: bool,
    /// Nobody can be asked who claims an address.
    pub(crate) is_alone: bool,
    /// Nobody can be asked for other devices.
    pub(crate) is_silent: bool,
    /// Nodes keep what is for those who are off line, and the certificates of everybody.
    pub(crate) is_stored: bool,
    /// What they keep.
    pub(crate) waiting: Vec<Waiting>,
    fetched: HashMap<(usize, Token), Waiting>,
    /// What devices pass to one another: who passed it, over which link, as what.
    passed: HashMap<(usize, Token), (usize, LinkId, Token)>,
    /// Who has left a watcher for whom, and which node did.
    pub(crate) watchers: BTreeSet<(Pair, usize)>,
    /// The pass in the watcher that was left last.
    pub(crate) watcher_pass: Option<Pass>,
    /// Who is told by no node of what waits.
    pub(crate) is_deaf: BTreeSet<usize>,
}

/// Something that waits in the overlay.
#[derive(Clone)]
pub(crate) struct Waiting {
    token: Token,
    from: usize,
    pub(crate) to: AddressOfRecord,
    id: String,
    at: Millis,
    sequence: u64,
    returns: Option<Nonce>,
    pub(crate) content: Content,
    pub(crate) pass: Option<Pass>,
}

impl World {
    pub(crate) fn of(names: &[&str]) -> World {
        let mut world = World {
            now: 1_800_000_000_000,
            nodes: Vec::new(),
            queue: VecDeque::new(),
            wires: Vec::new(),
            tokens: HashMap::new(),
            next: 0,
            cut_every: None,
            carried: 0,
            claims: Vec::new(),
            accept_everyone: false,
            is_alone: false,
            is_silent: false,
            is_stored: false,
            waiting: Vec::new(),
            fetched: HashMap::new(),
            passed: HashMap::new(),
            is_deaf: BTreeSet::new(),
            watchers: BTreeSet::new(),
            watcher_pass: None,
        };
        for name in names {
            let address = address(name);
            let credential = Credential::self_signed(&address, world.now).unwrap();
            world.add(address, credential);
        }
        world
    }

    pub(crate) fn add(&mut self, address: AddressOfRecord, credential: Credential) -> usize {
        let (disk, replies, shown, told) = (Disk::default(), HashMap::new(), Vec::new(), HashMap::new());
        self.nodes.push(Node {
            address,
            credential,
            agent: None,
            disk,
            replies,
            shown,
            told,
            passes_given: 0,
            ended: None,
        });
        self.start(self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The program dies; its links break.
    pub(crate) fn kill(&mut self, n: usize) {
        self.nodes[n].agent = None;
        self.nodes[n].ended = Some(self.now);
        let links: Vec<LinkId> = self
            .wires
            .iter()
            .flat_map(|w| w.ends)
            .filter(|e| e.0 == n)
            .map(|e| e.1)
            .collect();
        for link in links {
            self.cut(n, link);
        }
        self.queue
            .retain(|(_, parcel)| !matches!(parcel, Parcel::Event(to, _) if *to == n));
    }

    pub(crate) fn cut(&mut self, n: usize, link: LinkId) {
        if let Some(at) = self.wires.iter().position(|w| w.ends.contains(&(n, link))) {
            for (node, link) in self.wires.remove(at).ends {
                self.event(node, Event::LinkDown { link });
            }
        }
    }

    /// Something happens to `n`.
    pub(crate) fn happens(&mut self, n: usize, event: Event) {
        self.event(n, event);
    }

    fn event(&mut self, n: usize, event: Event) {
        self.queue.push_back((self.now, Parcel::Event(n, event)));
    }

    pub(crate) fn command(&mut self, n: usize, command: Command) -> CallId {
        let call = self.fresh();
        self.event(n, Event::Command { call, command });
        call
    }

    pub(crate) fn send(&mut self, from: usize, to: usize, text: &str) -> String {
        let id = format!("m{}", self.fresh());
        let to = self.nodes[to].address.clone();
        self.command(
            from,
            Command::Send {
                from: None,
                at: self.now,
                to,
                id: id.clone(),
                text: text.into(),
            },
        );
        id
    }

    /// The user sends once more what failed.
    pub(crate) fn retry(&mut self, from: usize, to: usize, id: &str, fresh: &str) {
        let row = self.row(from, to, Side::Out, id).unwrap().clone();
        let (pair, fresh) = (self.pair(from, to), fresh.to_owned());
        let outgoing = Outgoing {
            id: id.to_owned(),
            text: row.text,
            at: row.at,
            sequence: row.sequence,
            state: row.state.unwrap(),
            reason: row.reason,
        };
        self.command(
            from,
            Command::Retry {
                pair,
                outgoing,
                fresh,
                at: self.now,
            },
        );
    }

    pub(crate) fn befriend(&mut self, a: usize, b: usize) {
        for (x, y) in [(a, b), (b, a)] {
            let address = self.nodes[y].address.clone();
            self.command(x, Command::Add(address, None));
        }
    }

    pub(crate) fn agent(&self, n: usize) -> &Agent {
        self.nodes[n].agent.as_ref().unwrap()
    }

    /// What `n` sees of `other`, and was told so.
    pub(crate) fn sees(&self, n: usize, other: usize) -> Status {
        let address = &self.nodes[other].address;
        let sees = self
            .agent(n)
            .buddy(address)
            .map_or(Status::Offline, |b| b.presence.status);
        let told = self.nodes[n].told.get(address).copied().unwrap_or_default();
        assert_eq!(told, sees, "what {n} was told of {other}");
        sees
    }

    pub(crate) fn pair(&self, own: usize, with: usize) -> Pair {
        Pair {
            own: self.nodes[own].address.clone(),
            with: self.nodes[with].address.clone(),
        }
    }

    pub(crate) fn row(&self, n: usize, other: usize, side: Side, id: &str) -> Option<&Row> {
        self.nodes[n].disk.rows.get(&(self.pair(n, other), side, id.to_owned()))
    }

    /// The texts that `n` got from `from`, in the order of its conversation.
    pub(crate) fn inbox(&self, n: usize, from: usize) -> Vec<String> {
        let pair = self.pair(n, from);
        let rows = self.nodes[n]
            .disk
            .rows
            .iter()
            .filter(|((p, side, _), _)| *p == pair && *side == Side::In);
        let mut rows: Vec<&Row> = rows.map(|(_, row)| row).collect();
        rows.sort_by_key(|row| row.sequence);
        rows.into_iter().map(|row| row.text.clone()).collect()
    }

    /// Lets `millis` pass.
    pub(crate) fn run(&mut self, millis: Millis) {
        let end = self.now + millis;
        for _ in 0..2_000_000 {
            if let Some((_, parcel)) = self.queue.pop_front() {
                self.deliver(parcel);
                continue;
            }
            let wake = self.nodes.iter().filter_map(|n| n.agent.as_ref()?.next_wakeup()).min();
            match wake.filter(|at| *at <= end) {
                Some(at) => {
                    self.now = self.now.max(at);
                    for n in 0..self.nodes.len() {
                        let due = self.nodes[n].agent.as_ref().and_then(Agent::next_wakeup);
                        if due.is_some_and(|t| t <= self.now) {
                            self.event(n, Event::Wake);
                        }
                    }
                }
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the agents never come to rest");
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Event(n, event) => {
                let now = self.now;
                let Some(agent) = self.nodes[n].agent.as_mut() else {
                    return;
                };
                let actions = agent.handle(now, event);
                for action in actions {
                    self.carry_out(n, action);
                }
            }
            Parcel::Answer { from, token, status } => {
                if let Some((to, link, token)) = self.passed.remove(&(from, token)) {
                    let is_taken = matches!(status, 200 | 403 | 415);
                    return self.event(to, Event::PassedOn { link, token, is_taken });
                }
                let Some((to, link, id)) = self.tokens.remove(&(from, token)) else {
                    return;
                };
                if !id.is_empty() && self.wires.iter().any(|w| w.ends.contains(&(to, link))) {
                    self.event(to, Event::Answered { link, id, status });
                }
            }
        }
    }

    fn connect(&mut self, n: usize, pair: Pair, key: corella_identity::Certificate) {
        let there: BTreeSet<usize> = (0..self.nodes.len())
            .filter(|m| {
                let node = &self.nodes[*m];
                let bears = node.credential.certificate().same_key(&key);
                *m != n && node.agent.is_some() && node.address == pair.with && bears
            })
            .collect();
        if there.is_empty() {
            self.event(n, Event::Unreachable { pair });
            return;
        }
        for m in there {
            self.link(n, m);
        }
    }

    /// A connection that `n` opens to `m`.
    pub(crate) fn link(&mut self, n: usize, m: usize) {
        self.link_from(n, m, &format!("device{n}"));
    }

    /// A connection that `n` opens to `m` from this device.
    pub(crate) fn link_from(&mut self, n: usize, m: usize, device: &str) {
        let (here, there) = (self.fresh(), self.fresh());
        self.wires.push(Wire {
            ends: [(n, here), (m, there)],
        });
        let other = format!("device{m}");
        for (x, y, link, device) in [(n, m, here, &*other), (m, n, there, device)] {
            let certificate = self.nodes[y].credential.certificate().clone();
            let pair = self.pair(x, y);
            self.event(
                x,
                Event::LinkUp(LinkUp {
                    link,
                    pair,
                    device: device.to_owned(),
                    certificate,
                }),
            );
        }
    }
}
