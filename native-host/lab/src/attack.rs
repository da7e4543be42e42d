//! A crowd of nodes beside one person's key: their ids are ground until they are the closest, and all of them lie.

use std::time::Duration;

use corella_identity::DeviceKey;
use corella_overlay::Key;
use libp2p::PeerId;
use libp2p::kad::{KBucketDistance, KBucketKey};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::LabError;
use crate::faults::{Reading, doors};
use crate::liar::{Liar, Lie};
use crate::network::{Network, Plan, address, closest};
use crate::node::Node;
use crate::records::{Person, Shape, now};
use crate::workload::Truth;

/// The crowd's networks: beyond those of honest nodes.
const CROWD: u16 = 61_000;

/// From where the crowd comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// All addresses are in one /24.
    OneNetwork,
    /// Each address is in a /24 of its own.
    ManyNetworks,
}

/// Keys that were made until enough of them were close to a place.
pub struct Ground {
    /// The keys that are.
    pub keys: Vec<DeviceKey>,
    /// How many were made.
    pub tried: usize,
    /// How long that took.
    pub took: Duration,
}

/// Makes keys until so many are closer to the key's place than any of the peers.
pub fn grind(key: &Key, count: usize, peers: &[PeerId]) -> Ground {
    let begin = Instant::now();
    let place = KBucketKey::new(key.id().to_vec());
    let distance = |peer: PeerId| -> KBucketDistance { KBucketKey::from(peer).distance(&place) };
    let closest = peers.iter().map(|peer| distance(*peer)).min();
    let (mut keys, mut tried) = (Vec::new(), 0);
    while keys.len() < count {
        let key = DeviceKey::generate();
        tried += 1;
        if closest.is_none_or(|closest| distance(key.peer_id()) < closest) {
            keys.push(key);
        }
    }
    Ground {
        keys,
        tried,
        took: begin.elapsed(),
    }
}

/// What an attack did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many keys the crowd had to make.
    pub tried: usize,
    /// How long that took.
    pub took: Duration,
    /// Of the nodes that look-ups take for the closest, how many are of the crowd, on average; and how many there are.
    pub taken: (f64, usize),
    /// Reads of the victim's record that was there before the crowd came, one from each honest node.
    pub before: Reading,
    /// How many honest nodes the victim's next record reached, and how many nodes said that they store it.
    pub stored: (usize, usize),
    /// Reads of that record.
    pub after: Reading,
}

/// Attacks one person in a network of so many honest nodes.
///
/// # Errors
/// The network does not form, or an honest node has ended.
pub async fn crowd(nodes: usize, count: usize, origin: Origin) -> Result<Outcome, LabError> {
    let network = Network::start(Plan::of(nodes)).await?;
    let (shape, _) = Shape::of_size(2048)?;
    let victim = Person::new("victim", 1)?;
    let key = victim.key();
    let old = victim.records(&shape, now() - 1000)?;
    let owner = network.any()?;
    for record in &old {
        owner.put(record).await?;
    }

    let honest: Vec<PeerId> = network.nodes.iter().map(Node::peer).collect();
    let (place, peers) = (key.clone(), honest.clone());
    let ground = spawn_blocking(move || grind(&place, count, &peers)).await;
    let ground = ground.map_err(|error| LabError::needed(error.to_string()))?;
    let crowd = gather(&network, &ground.keys, origin).await?;
    let everybody: Vec<PeerId> = honest.iter().copied().chain(crowd.iter().map(Liar::peer)).collect();
    known(&network, &key, &crowd, &closest(&everybody, &key)).await?;

    let mut taken = Vec::new();
    for node in &network.nodes {
        let found = node.closest(&key).await?;
        taken.push(found.iter().filter(|peer| !honest.contains(peer)).count());
    }
    let before = read_everywhere(
        &network,
        &Truth {
            key: key.clone(),
            records: old.clone(),
        },
        &[],
    )
    .await?;
    let new = victim.records(&shape, now())?;
    let mut stored = Vec::new();
    for record in &new {
        stored.extend(owner.put(record).await?.stored);
    }
    let at_honest = stored.iter().filter(|peer| honest.contains(peer)).count();
    let old = [Truth {
        key: key.clone(),
        records: old,
    }];
    let after = read_everywhere(
        &network,
        &Truth {
            key: key.clone(),
            records: new,
        },
        &old,
    )
    .await?;
    network.stop().await;
    Ok(Outcome {
        tried: ground.tried,
        took: ground.took,
        taken: (
            taken.iter().sum::<usize>() as f64 / nodes as f64,
            closest(&everybody, &key).len(),
        ),
        before,
        stored: (at_honest, stored.len()),
        after,
    })
}

/// Starts the crowd. Each of them knows the others, tells of nobody else, and makes itself known to every honest node.
async fn gather(network: &Network, keys: &[DeviceKey], origin: Origin) -> Result<Vec<Liar>, LabError> {
    let mut crowd = Vec::new();
    for (number, key) in (0..).zip(keys) {
        let from = match origin {
            Origin::OneNetwork => address(CROWD, number + 1),
            Origin::ManyNetworks => address(CROWD + 1 + u16::from(number), 1),
        };
        crowd.push(Liar::start(key, network.transport().listen(from)?, Lie::Empty, false).await?);
    }
    let fellows: Vec<_> = crowd.iter().map(|liar| (liar.peer(), liar.listen().clone())).collect();
    for liar in &crowd {
        let others = fellows.iter().filter(|(peer, _)| *peer != liar.peer()).cloned();
        liar.meet(others.collect(), doors(network)).await;
    }
    Ok(crowd)
}

/// Waits until the crowd has done what it can: every honest node is connected to all of it, or look-ups find nothing new
/// any more.
async fn known(network: &Network, key: &Key, crowd: &[Liar], wanted: &[PeerId]) -> Result<(), LabError> {
    const LOOKS: usize = 50;
    const PAUSE: Duration = Duration::from_millis(100);
    for _ in 0..LOOKS {
        let mut complete = true;
        for node in &network.nodes {
            complete &= node.peers().await >= crowd.len() && node.closest(key).await? == wanted;
        }
        if complete {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    // An overlay that keeps the crowd out never finds all of it: then what it found by now is the result.
    Ok(())
}

/// One read from each honest node.
async fn read_everywhere(network: &Network, truth: &Truth, old: &[Truth]) -> Result<Reading, LabError> {
    let mut reading = Reading::default();
    for node in &network.nodes {
        reading.read(node, truth, old).await?;
    }
    Ok(reading)
}
