//! Nodes that lie: they take part in routing, say that they store whatever they are given, and answer falsely.

use std::collections::HashMap;

use corella_identity::DeviceKey;
use corella_overlay::store_protocol::{self, Request, Response};
use corella_overlay::{ROUTING_PROTOCOL, Record};
use futures::StreamExt;
use libp2p::request_response::{Event, Message};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, kad, noise, ping, tcp, yamux};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::LabError;
use crate::node::PATIENCE;
use crate::records::now;

/// What a lying node answers when it is asked for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// That there is nothing.
    Empty,
    /// The first record that it was ever given, however many newer ones came.
    Stale,
    /// The records that it was given with other addresses in them, and with a later sequence.
    Forged,
    /// Something that is no record.
    Garbage,
}

impl Lie {
    /// Each kind.
    pub const ALL: [Self; 4] = [Self::Empty, Self::Stale, Self::Forged, Self::Garbage];
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    routing: kad::Behaviour<kad::store::MemoryStore>,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    store: store_protocol::Behaviour,
}

/// A running liar. It ends when this is dropped.
pub struct Liar {
    peer: PeerId,
    listen: Multiaddr,
    acquaintances: mpsc::Sender<Acquaintances>,
    task: JoinHandle<()>,
}

struct Acquaintances {
    fellows: Vec<(PeerId, Multiaddr)>,
    doors: Vec<Multiaddr>,
}

impl Liar {
    /// Starts a liar that listens and knows nobody yet. `honest_routing`: it tells others of everybody it meets, otherwise
    /// only of its fellows.
    ///
    /// # Errors
    /// It cannot listen.
    pub async fn start(key: &DeviceKey, listen: Multiaddr, lie: Lie, honest_routing: bool) -> Result<Self, LabError> {
        let mut swarm = swarm(key, honest_routing)?;
        let refused = |error: &dyn std::fmt::Display| LabError::needed(format!("a liar cannot listen: {error}"));
        swarm.listen_on(listen).map_err(|error| refused(&error))?;
        let bound = async {
            loop {
                if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                    return address;
                }
            }
        };
        let listen = tokio::time::timeout(PATIENCE, bound)
            .await
            .map_err(|error| refused(&error))?;
        let (acquaintances, news) = mpsc::channel(1);
        Ok(Self {
            peer: *swarm.local_peer_id(),
            listen,
            acquaintances,
            task: tokio::spawn(live(swarm, lie, honest_routing, news)),
        })
    }

    /// Its name in the overlay.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// Where it listens.
    pub fn listen(&self) -> &Multiaddr {
        &self.listen
    }

    /// Makes it known to the nodes at these doors, and its fellows known to it.
    pub async fn meet(&self, fellows: Vec<(PeerId, Multiaddr)>, doors: Vec<Multiaddr>) {
        // It lives as long as this handle does.
        let _ = self.acquaintances.send(Acquaintances { fellows, doors }).await;
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn swarm(key: &DeviceKey, honest_routing: bool) -> Result<Swarm<Behaviour>, LabError> {
    let refused = |error: &dyn std::fmt::Display| LabError::needed(format!("a liar has no swarm: {error}"));
    let builder = libp2p::SwarmBuilder::with_existing_identity(key.keypair()).with_tokio();
    let builder = builder
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .map_err(|error| refused(&error))?
        .with_quic();
    let builder = builder.with_behaviour(|key| {
        let peer = key.public().to_peer_id();
        let mut config = kad::Config::new(ROUTING_PROTOCOL);
        if !honest_routing {
            config.set_kbucket_inserts(kad::BucketInserts::Manual);
            config.set_periodic_bootstrap_interval(None);
        }
        let mut routing = kad::Behaviour::with_config(peer, kad::store::MemoryStore::new(peer), config);
        routing.set_mode(Some(kad::Mode::Server));
        Behaviour {
            routing,
            identify: identify::Behaviour::new(identify::Config::new("corella/1".into(), key.public())),
            ping: ping::Behaviour::default(),
            store: store_protocol::behaviour(true),
        }
    });
    let swarm = builder.map_err(|error| refused(&error))?;
    Ok(swarm
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build())
}

async fn live(mut swarm: Swarm<Behaviour>, lie: Lie, honest_routing: bool, mut news: mpsc::Receiver<Acquaintances>) {
    let mut given = Given::default();
    loop {
        tokio::select! {
            event = swarm.select_next_some() => match event {
                SwarmEvent::Behaviour(BehaviourEvent::Store(Event::Message {
                    message: Message::Request { request, channel, .. },
                    ..
                })) => {
                    let response = given.answer(lie, request);
                    // Whoever asked may be gone.
                    let _ = swarm.behaviour_mut().store.send_response(channel, response);
                }
                SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }))
                    if honest_routing =>
                {
                    for address in info.listen_addrs {
                        swarm.behaviour_mut().routing.add_address(&peer_id, address);
                    }
                }
                _ => {}
            },
            met = news.recv() => {
                let Some(Acquaintances { fellows, doors }) = met else { return };
                for (peer, address) in fellows {
                    swarm.behaviour_mut().routing.add_address(&peer, address);
                }
                for door in doors {
                    // A door that is shut is somebody who does not hear of this liar.
                    let _ = swarm.dial(door);
                }
            }
        }
    }
}

/// What a liar was given to store, by clear key: the first record in each slot, and the latest.
#[derive(Default)]
struct Given(HashMap<String, Vec<(Record, Record)>>);

impl Given {
    fn answer(&mut self, lie: Lie, request: Request) -> Response {
        match request {
            Request::Put { record } => {
                if let Ok(record) = Record::from_xml(record.as_bytes(), now()) {
                    let slots = self.0.entry(record.key().text()).or_default();
                    match slots.iter_mut().find(|(first, _)| first.nonce() == record.nonce()) {
                        Some((_, latest)) => *latest = record,
                        None => slots.push((record.clone(), record)),
                    }
                }
                Response::Stored
            }
            Request::Get { key, .. } => {
                let slots = self.0.get(&key).map(Vec::as_slice).unwrap_or_default();
                let records = match lie {
                    Lie::Empty => Vec::new(),
                    Lie::Stale => slots.iter().map(|(first, _)| first.to_xml().to_string()).collect(),
                    Lie::Forged => slots.iter().flat_map(|(_, latest)| forgeries(latest)).collect(),
                    Lie::Garbage => vec![String::new(), "<".repeat(4000), key],
                };
                Response::Records { records, more: false }
            }
            _ => Response::Stored,
        }
    }
}

fn forgeries(record: &Record) -> [String; 2] {
    let xml = record.to_xml();
    let later = xml.replace(
        &format!("\"{}\"", record.sequence()),
        &format!("\"{}\"", record.sequence() + 1000),
    );
    // Another content: the first character of it.
    let content = xml.find("<CipherValue>").map_or(0, |at| at + "<CipherValue>".len());
    let (before, after) = xml.split_at(content);
    let other = if after.starts_with('A') { "B" } else { "A" };
    [format!("{before}{other}{}", after.get(1..).unwrap_or_default()), later]
}
