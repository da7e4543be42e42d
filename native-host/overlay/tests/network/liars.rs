//! Storing nodes that lie: harmless, as long as one tells the truth.

use std::collections::VecDeque;
use std::time::Duration;

use corella_identity::{Credential, DeviceKey};
use corella_overlay::record::Value;
use corella_overlay::store_protocol::{self, Request, Response};
use corella_overlay::{Clock, ContactSet, Key, Record, Watched};
use futures::StreamExt;
use libp2p::request_response::{Event, Message, ResponseChannel};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, identify, kad, noise, tcp, yamux};
use tokio::time::{Instant, sleep_until, timeout};

use crate::world::{Agent, TCP, credential};

#[derive(NetworkBehaviour)]
struct LiarBehaviour {
    routing: kad::Behaviour<kad::store::MemoryStore>,
    identify: identify::Behaviour,
    store: store_protocol::Behaviour,
}

/// Starts a node that takes part in routing, says that it stores whatever it is given, and answers every question with
/// these records. `slow`: it takes its time.
async fn liar(door: &Multiaddr, records: Vec<String>, slow: Option<Duration>) -> PeerId {
    let mut swarm = libp2p::SwarmBuilder::with_existing_identity(DeviceKey::generate().keypair())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .unwrap()
        .with_behaviour(|key| {
            let peer = key.public().to_peer_id();
            let config = kad::Config::new(StreamProtocol::new("/corella/kad/1"));
            let mut routing = kad::Behaviour::with_config(peer, kad::store::MemoryStore::new(peer), config);
            routing.set_mode(Some(kad::Mode::Server));
            LiarBehaviour {
                routing,
                identify: identify::Behaviour::new(identify::Config::new("corella/1".into(), key.public())),
                store: store_protocol::behaviour(true),
            }
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build();
    let peer = *swarm.local_peer_id();
    swarm.listen_on(TCP.parse().unwrap()).unwrap();
    while !matches!(swarm.select_next_some().await, SwarmEvent::NewListenAddr { .. }) {}
    swarm.dial(door.clone()).unwrap();
    tokio::spawn(async move {
        let delay = slow.unwrap_or_default();
        let mut late: VecDeque<(Instant, Request, ResponseChannel<Response>)> = VecDeque::new();
        loop {
            let next = late
                .front()
                .map_or(Instant::now() + Duration::from_secs(60), |(at, ..)| *at);
            tokio::select! {
                event = swarm.select_next_some() => {
                    if let SwarmEvent::Behaviour(LiarBehaviourEvent::Store(Event::Message {
                        message: Message::Request { request, channel, .. },
                        ..
                    })) = event
                    {
                        late.push_back((Instant::now() + delay, request, channel));
                    }
                }
                () = sleep_until(next) => {
                    let Some((_, request, channel)) = late.pop_front() else { continue };
                    let response = match request {
                        Request::Get { .. } => Response::Records { records: records.clone(), more: false },
                        _ => Response::Stored,
                    };
                    let _ = swarm.behaviour_mut().store.send_response(channel, response);
                }
            }
        }
    });
    peer
}

fn contacts(credential: &Credential, sequence: i64) -> Record {
    let contacts = ContactSet {
        peer: DeviceKey::generate().peer_id(),
        addresses: vec!["/ip4/203.0.113.66/tcp/4001".parse().unwrap()],
    };
    let key = Key::Contacts(credential.address().clone());
    Record::sign(credential, key, Value::Contacts(contacts), sequence, sequence + 600_000).unwrap()
}

#[tokio::test]
async fn forged_stale_and_senseless_answers_change_nothing() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let door = alice.listen().await[0].clone();
    let bob = Agent::start("bob", TCP, vec![door.clone()]).await;
    let stale = alice.find_on_line(bob.address()).await;
    bob.overlay.publish(bob.credential.clone()).await.unwrap();
    let current = alice
        .find(bob.address(), |record| record.sequence() > stale.sequence())
        .await;

    let now = Clock::system().now();
    let device = current.contacts().unwrap().peer.to_string();
    let forged = current.to_xml().replace("/ip4/127.0.0.1/", "/ip4/203.0.113.66/");
    let newer = current
        .to_xml()
        .replace(&format!("\"{}\"", current.sequence()), &format!("\"{}\"", now + 1000));
    let for_another = contacts(&credential("mallory"), now).to_xml().to_string();
    let expired = contacts(&bob.credential, now - 3_600_000).to_xml().to_string();
    let from_the_future = contacts(&bob.credential, now + 3_600_000).to_xml().to_string();
    for lie in [
        vec![stale.to_xml().to_string()],
        vec![forged, newer, for_another, expired, from_the_future],
        vec!["garbage".into(), String::new(), "<".repeat(8000), device],
        vec!["x".repeat(1000); 200],
        vec![],
    ] {
        liar(&door, lie, None).await;
    }
    // The last one takes longer than anybody waits.
    liar(&door, vec![], Some(Duration::from_secs(3))).await;
    alice.wait_for_peers(7).await;
    bob.wait_for_peers(7).await;

    for reader in [&alice, &bob] {
        let found = reader.overlay.location().get(&bob.contacts_key()).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&current));
    }
    // Nor do they make a record appear where there is none, or vanish for who comes later.
    let carol = Agent::start("carol", TCP, vec![door]).await;
    assert_eq!(
        carol.overlay.location().get(&bob.contacts_key()).await.unwrap(),
        [current]
    );
    let nobody = Key::Contacts(crate::world::address("nobody@example.net"));
    assert_eq!(carol.overlay.location().get(&nobody).await.unwrap(), []);
}

/// The only node that has a record answers late, and all others say that there is none.
#[tokio::test]
async fn one_slow_node_cannot_hide_what_only_it_has() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let door = alice.listen().await[0].clone();
    let bob = Agent::start("bob", TCP, vec![door.clone()]).await;
    let dave = credential("dave");
    let record = contacts(&dave, Clock::system().now());
    liar(
        &door,
        vec![record.to_xml().to_string()],
        Some(Duration::from_millis(700)),
    )
    .await;
    alice.wait_for_peers(2).await;
    bob.wait_for_peers(2).await;
    let found = bob
        .overlay
        .location()
        .get(&Key::Contacts(dave.address().clone()))
        .await
        .unwrap();
    assert_eq!(found, [record]);
}

#[tokio::test]
async fn one_honest_node_is_enough_to_hear_of_a_revoked_key_within_a_minute() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let door = alice.listen().await[0].clone();
    let bob = Agent::start("bob", TCP, vec![door.clone()]).await;
    let carol = Agent::start("carol", TCP, vec![door.clone()]).await;
    // They say that they keep and tell, and do neither.
    for _ in 0..4 {
        liar(&door, Vec::new(), None).await;
    }
    bob.wait_for_peers(6).await;
    carol.wait_for_peers(6).await;
    let dave = credential("dave");
    let mut watching = bob
        .overlay
        .watch(Watched::Open(Key::Revoked(dave.address().clone())))
        .await;
    let record = Record::revoke(&dave, Clock::system().now()).unwrap();
    let report = carol.overlay.location().put(&record).await.unwrap();
    assert!(
        report.stored.len() >= 4,
        "the liars are among those that say they keep it"
    );
    let heard = timeout(Duration::from_secs(60), watching.next()).await;
    assert_eq!(heard.expect("within a minute"), Some(record));
}
