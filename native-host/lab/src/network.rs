//! Networks of nodes: started, waited for until they are formed, ended.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use corella_overlay::{COPIES, Key};
use futures::future::try_join_all;
use libp2p::kad::KBucketKey;
use libp2p::{Multiaddr, PeerId};
use rand::RngExt;
use rand::seq::IndexedRandom;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::LabError;
use crate::node::{Doomed, Node, PATIENCE};
use crate::records;

/// How many earlier nodes a new one is told of.
const DOORS: usize = 3;
/// How many nodes are started at a time.
const AT_A_TIME: usize = 8;
/// Pause between two looks at a network that is not formed yet.
const LOOK: Duration = Duration::from_millis(100);

/// How nodes talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, noise, yamux.
    Tcp,
    /// QUIC: one socket a node, however many others it talks to.
    Quic,
}

impl Transport {
    /// What a node listens on to have an address; the system chooses the port.
    pub fn listen(self, address: Ipv4Addr) -> Result<Multiaddr, LabError> {
        let text = match self {
            Self::Tcp => format!("/ip4/{address}/tcp/0"),
            Self::Quic => format!("/ip4/{address}/udp/0/quic-v1"),
        };
        text.parse()
            .map_err(|_| LabError::needed(format!("an address such as {text}")))
    }
}

/// The loopback address of a host in a network of its own: Linux answers at all of 127/8, and each 127.x.y/24 stands for
/// a network, as /24 does elsewhere.
pub fn address(network: u16, host: u8) -> Ipv4Addr {
    let [high, low] = network.to_be_bytes();
    Ipv4Addr::new(127, high, low, host)
}

/// The network of the n-th honest node. Each has its own, none is 127.0.0/24, and those from 200 on are others'.
fn honest_network(number: usize) -> u16 {
    u16::try_from(number % 50_000 + 1).unwrap_or(1)
}

/// What a network is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Nodes that stay.
    pub nodes: usize,
    /// Nodes beside them that can be killed or frozen all at once.
    pub doomed: usize,
    /// How they talk.
    pub transport: Transport,
}

impl Plan {
    /// A network of so many nodes that stay, over TCP.
    pub fn of(nodes: usize) -> Self {
        Self {
            nodes,
            doomed: 0,
            transport: Transport::Tcp,
        }
    }
}

/// Running nodes.
pub struct Network {
    /// Those that stay.
    pub nodes: Vec<Node>,
    /// Those that end at once.
    pub doomed: Vec<Node>,
    place: Doomed,
    transport: Transport,
    started: usize,
}

impl Network {
    /// Starts the nodes of a plan, each knowing a few earlier ones, and waits until the network is formed.
    ///
    /// # Errors
    /// A node does not start, or the network does not form.
    pub async fn start(plan: Plan) -> Result<Self, LabError> {
        let mut network = Self {
            nodes: Vec::new(),
            doomed: Vec::new(),
            place: Doomed::new()?,
            transport: plan.transport,
            started: 0,
        };
        let all = plan.nodes + plan.doomed;
        while network.started < all {
            let now = (all - network.started).min(AT_A_TIME).min(network.started.max(1));
            // Spread the doomed evenly over the age of the network.
            let homes: Result<Vec<(bool, Handle)>, LabError> = (network.started..network.started + now)
                .map(|number| {
                    let is_doomed = (number + 1) * plan.doomed / all > number * plan.doomed / all;
                    let home = if is_doomed {
                        network.place.home()?
                    } else {
                        Handle::current()
                    };
                    Ok((is_doomed, home))
                })
                .collect();
            let homes = homes?;
            let starts = homes.iter().enumerate().map(|(number, (_, home))| {
                let number = network.started + number;
                let doors = network.doors();
                async move {
                    let listen = plan.transport.listen(address(honest_network(number), 1))?;
                    Node::start(home, listen, doors).await
                }
            });
            let started = try_join_all(starts).await?;
            for (node, (is_doomed, _)) in started.into_iter().zip(&homes) {
                let group = if *is_doomed {
                    &mut network.doomed
                } else {
                    &mut network.nodes
                };
                group.push(node);
            }
            network.started += now;
            // One after the other, as people come: what hundreds do at once takes two cores so long that it fails, and is done again.
            // (Who is alone has nobody to know.)
            for node in network.all().filter(|_| network.started > 1) {
                node.knowing().await?;
            }
        }
        network.formed(&[]).await?;
        Ok(network)
    }

    /// Starts one more node on `home`.
    ///
    /// # Errors
    /// It does not start.
    pub async fn one_more(&mut self, home: &Handle) -> Result<Node, LabError> {
        let listen = self.transport.listen(address(honest_network(self.started), 1))?;
        self.started += 1;
        Node::start(home, listen, self.doors()).await
    }

    /// Addresses of a few of the nodes.
    pub fn doors(&self) -> Vec<Multiaddr> {
        let all: Vec<&Node> = self.all().collect();
        let some = all.sample(&mut rand::rng(), DOORS);
        some.filter_map(|node| node.listen().first().cloned()).collect()
    }

    /// How its nodes talk.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Any of the nodes that stay.
    pub fn any(&self) -> Result<&Node, LabError> {
        self.nodes
            .choose(&mut rand::rng())
            .ok_or_else(|| LabError::needed("a network with nodes"))
    }

    /// Any but the given one, if there is another.
    pub fn any_other(&self, than: &Node) -> Result<&Node, LabError> {
        loop {
            let node = self.any()?;
            if node.peer() != than.peer() || self.nodes.len() == 1 {
                return Ok(node);
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().chain(&self.doomed)
    }

    /// Waits until each node has looked up nodes at all distances, and a look-up from it, of a random key, finds the nodes that
    /// really are closest: the network's own and these others.
    ///
    /// # Errors
    /// It does not come about.
    pub async fn formed(&self, others: &[PeerId]) -> Result<(), LabError> {
        let peers: Vec<PeerId> = self.all().map(Node::peer).chain(others.iter().copied()).collect();
        let begin = Instant::now();
        let mut left: Vec<&Node> = self.all().collect();
        loop {
            let (mut wrong, mut unknowing) = (Vec::new(), 0);
            for node in left {
                if !node.knows_the_overlay().await {
                    unknowing += 1;
                    wrong.push(node);
                    continue;
                }
                let key = records::key(&format!("probe{}", rand::rng().random::<u32>()))?;
                let found: HashSet<PeerId> = node.closest(&key).await?.into_iter().collect();
                if found != closest(&peers, &key).into_iter().collect() {
                    wrong.push(node);
                }
            }
            if wrong.is_empty() {
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                let words = format!(
                    "the network is not formed: of {} nodes {unknowing} do not know it, and {} look up wrongly",
                    peers.len(),
                    wrong.len() - unknowing,
                );
                return Err(LabError::needed(words));
            }
            left = wrong;
            sleep(LOOK).await;
        }
    }

    /// Ends the doomed nodes as killed processes end.
    pub fn kill_doomed(&mut self) {
        self.place.kill();
        self.doomed.clear();
    }

    /// Stops the doomed nodes as machines without power stop.
    pub fn freeze_doomed(&mut self) {
        self.place.freeze();
        self.doomed.clear();
    }

    /// Ends all nodes.
    pub async fn stop(mut self) {
        self.place.kill();
        let leaving = self.nodes.drain(..).map(Node::leave);
        futures::future::join_all(leaving).await;
    }
}

/// The peers that keep the records of a key: those closest to either of its places.
pub fn keepers(peers: &[PeerId], key: &Key) -> HashSet<PeerId> {
    key.places().iter().flat_map(|place| closest_to(peers, place)).collect()
}

/// The peers that are closest to a key's first place, closest first.
pub fn closest(peers: &[PeerId], key: &Key) -> Vec<PeerId> {
    closest_to(peers, &key.id())
}

fn closest_to(peers: &[PeerId], place: &[u8; 32]) -> Vec<PeerId> {
    let place = KBucketKey::new(place.to_vec());
    let mut peers = peers.to_vec();
    peers.sort_by_key(|peer| KBucketKey::from(*peer).distance(&place));
    peers.truncate(COPIES);
    peers
}
