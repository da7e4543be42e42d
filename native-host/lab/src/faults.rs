//! Networks in which nodes die, lie, come and go; and what is found in them all the same.

use std::time::Duration;

use corella_identity::{Certificate, DeviceKey};
use corella_overlay::{Key, Record};
use libp2p::{Multiaddr, PeerId};
use rand::RngExt;
use tokio::time::Instant;

use crate::LabError;
use crate::figures::Times;
use crate::liar::{Liar, Lie};
use crate::network::{Network, Plan, Transport, address};
use crate::node::{Doomed, Node};
use crate::records::{Person, Shape, now};
use crate::workload::{Measured, Truth, fill};

/// Networks beyond those of honest nodes.
const LIARS: u16 = 60_000;

/// What reads gave.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// How many keys were read.
    pub asked: usize,
    /// How many reads gave every current record.
    pub found: usize,
    /// Old records that were taken for current ones.
    pub stale: usize,
    /// Records that their owner never signed.
    pub forged: usize,
    /// How long the reads took.
    pub times: Times,
    /// How long the first read took, in milliseconds.
    pub first: f64,
}

impl Reading {
    /// Reads each key once, from a random node.
    ///
    /// # Errors
    /// A node that ought to work has ended.
    pub async fn of(network: &Network, truths: &[Truth], old: &[Truth]) -> Result<Self, LabError> {
        let mut reading = Self::default();
        for truth in truths {
            reading.read(network.any()?, truth, old).await?;
        }
        Ok(reading)
    }

    /// One more read.
    pub(crate) async fn read(&mut self, node: &Node, truth: &Truth, old: &[Truth]) -> Result<(), LabError> {
        let begin = Instant::now();
        let found = node.get(&truth.key).await?;
        let time = begin.elapsed();
        let is_old = |record: &Record| old.iter().any(|old| old.records.contains(record));
        let all = truth.records.iter().all(|record| found.contains(record));
        let others = || found.iter().filter(|record| !truth.records.contains(record));
        let stale = others().filter(|record| is_old(record)).count();
        self.add(time, all, stale, others().count() - stale);
        Ok(())
    }

    fn add(&mut self, time: Duration, found: bool, stale: usize, forged: usize) {
        if self.asked == 0 {
            self.first = time.as_secs_f64() * 1000.0;
        }
        self.asked += 1;
        self.found += usize::from(found);
        self.stale += stale;
        self.forged += forged;
        self.times.add(time);
    }
}

/// How nodes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As killed processes: the system closes what was open.
    Killed,
    /// As machines without power: nobody hears of it.
    Frozen,
}

/// Puts records into a network of so many nodes, ends a share of them all at once, and reads every record.
///
/// # Errors
/// The network does not form, or one of the nodes that are left has ended.
pub async fn dying(
    nodes: usize,
    percent: usize,
    end: End,
    keys: usize,
    transport: Transport,
) -> Result<Reading, LabError> {
    let doomed = nodes * percent / 100;
    let plan = Plan {
        nodes: nodes - doomed,
        doomed,
        transport,
    };
    let mut network = Network::start(plan).await?;
    let (shape, _) = Shape::of_size(2048)?;
    let truths = fill(
        &network,
        "d",
        keys,
        1,
        &shape,
        &mut Measured::default(),
        &mut Times::default(),
    )
    .await?;
    match end {
        End::Killed => network.kill_doomed(),
        End::Frozen => network.freeze_doomed(),
    }
    let reading = Reading::of(&network, &truths, &[]).await?;
    network.stop().await;
    Ok(reading)
}

/// A network of so many nodes of which a share lies, in all ways in turn. Every record is put twice; then each is read.
///
/// # Errors
/// The network does not form, or an honest node has ended.
pub async fn lying(nodes: usize, percent: usize, keys: usize, transport: Transport) -> Result<Reading, LabError> {
    let count = nodes * percent / 100;
    let network = Network::start(Plan {
        transport,
        ..Plan::of(nodes - count)
    })
    .await?;
    let mut liars = Vec::new();
    for (number, lie) in (0..count).zip(Lie::ALL.into_iter().cycle()) {
        let listen = transport.listen(address(LIARS + u16::try_from(number).unwrap_or_default(), 1))?;
        let liar = Liar::start(&DeviceKey::generate(), listen, lie, true).await?;
        liar.meet(Vec::new(), doors(&network)).await;
        liars.push(liar);
    }
    let peers: Vec<PeerId> = liars.iter().map(Liar::peer).collect();
    network.formed(&peers).await?;

    let (shape, _) = Shape::of_size(2048)?;
    let (mut old, mut truths) = (Vec::new(), Vec::new());
    for number in 0..keys {
        let person = Person::new(&format!("l{number:05}"), 1)?;
        for (age, list) in [(1000, &mut old), (0, &mut truths)] {
            let records = person.records(&shape, now() - age)?;
            for record in &records {
                network.any()?.put(record).await?;
            }
            list.push(Truth {
                key: person.key(),
                records,
            });
        }
    }
    let reading = Reading::of(&network, &truths, &old).await?;
    network.stop().await;
    Ok(reading)
}

/// Where all nodes of a network listen.
pub(crate) fn doors(network: &Network) -> Vec<Multiaddr> {
    let all = network.nodes.iter().chain(&network.doomed);
    all.filter_map(|node| node.listen().first().cloned()).collect()
}

/// What happened in a network with nodes that come and go.
#[derive(Clone, Debug)]
pub struct Churn {
    /// What was read meanwhile.
    pub reading: Reading,
    /// How many nodes were replaced.
    pub replaced: usize,
    /// How long it lasted.
    pub lasted: Duration,
}

/// A network of so many nodes of which a third is replaced, one after the other, every other one without a goodbye, while
/// the contacts of those that stay are read.
///
/// # Errors
/// The network does not form, or a node that stays has ended.
pub async fn churning(nodes: usize, a_second: f64, replacements: usize) -> Result<Churn, LabError> {
    let churners = nodes / 3;
    let mut network = Network::start(Plan::of(nodes - churners)).await?;
    let mut passing = Vec::new();
    for _ in 0..churners {
        passing.push(Passing::start(&mut network).await?);
    }
    let mut people = Vec::new();
    for (number, node) in network.nodes.iter().enumerate() {
        let person = Person::new(&format!("c{number:05}"), 1)?;
        node.publish(person.credential().clone()).await?;
        people.push((
            node.peer(),
            person.contacts_key(),
            person.credential().certificate().clone(),
        ));
    }
    let mut reading = Reading::default();
    let (begin, mut replaced) = (Instant::now(), 0);
    while replaced < replacements {
        if begin.elapsed().as_secs_f64() * a_second > replaced as f64 {
            let gone = passing.swap_remove(rand::rng().random_range(0..passing.len()));
            gone.end(replaced.is_multiple_of(2)).await;
            passing.push(Passing::start(&mut network).await?);
            replaced += 1;
        }
        read_contact(&network, &people, &mut reading).await?;
    }
    let lasted = begin.elapsed();
    for node in passing {
        node.end(true).await;
    }
    network.stop().await;
    Ok(Churn {
        reading,
        replaced,
        lasted,
    })
}

/// Reads the contact of one of the people from any node. It changes whenever its owner puts it anew, so what is known of
/// it is who signed it and which device it names.
async fn read_contact(
    network: &Network,
    people: &[(PeerId, Key, Certificate)],
    reading: &mut Reading,
) -> Result<(), LabError> {
    let (peer, key, certificate) = &people[rand::rng().random_range(0..people.len())];
    let begin = Instant::now();
    let found = network.any()?.get(key).await?;
    let is_theirs = |record: &&Record| {
        let names_device = record.contacts().is_some_and(|contacts| contacts.peer == *peer);
        names_device && record.signer() == certificate
    };
    let theirs = found.iter().filter(is_theirs).count();
    reading.add(begin.elapsed(), theirs == 1, 0, found.len() - theirs);
    Ok(())
}

/// A node that will be gone soon.
struct Passing {
    node: Node,
    place: Doomed,
}

impl Passing {
    async fn start(network: &mut Network) -> Result<Self, LabError> {
        let place = Doomed::new()?;
        let node = network.one_more(&place.home()?).await?;
        Ok(Self { node, place })
    }

    async fn end(mut self, goodbye: bool) {
        if goodbye {
            self.node.leave().await;
        }
        self.place.kill();
    }
}
