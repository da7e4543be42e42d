//! Finding and linking, over TCP and over QUIC.

use corella_identity::DeviceKey;
use corella_overlay::link::Decline;
use corella_overlay::record::Value;
use corella_overlay::{Clock, ConnectError, ContactSet, Link, Overlay, OverlayEvent, Record, StartError};
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use crate::world::{Agent, QUIC, TCP, address, config, credential, end_of, talk};

async fn two_find_each_other_and_talk(listen: &str) {
    let mut alice = Agent::start("alice", listen, vec![]).await;
    let mut bob = Agent::start("bob", listen, alice.listen().await).await;
    let mut here = bob.connect(&alice).await;
    let mut there = alice.incoming().await;
    assert!(!here.relayed);
    assert_eq!((&here.local, &here.remote), (bob.address(), alice.address()));
    assert_eq!((&there.local, &there.remote), (alice.address(), bob.address()));
    assert_eq!(here.certificate, *alice.credential.certificate());
    assert_eq!(there.certificate, *bob.credential.certificate());
    assert_eq!(
        (here.peer, there.peer),
        (alice.overlay.peer_id(), bob.overlay.peer_id())
    );
    talk(&mut here, &mut there).await;

    // The other way round, beside the first.
    let mut back = alice.connect(&bob).await;
    let mut forth = bob.incoming().await;
    talk(&mut back, &mut forth).await;
    talk(&mut here, &mut there).await;

    drop(here);
    end_of(&mut there).await;
    talk(&mut back, &mut forth).await;
}

#[tokio::test]
async fn two_agents_find_each_other_and_talk_over_tcp() {
    two_find_each_other_and_talk(TCP).await;
}

#[tokio::test]
async fn two_agents_find_each_other_and_talk_over_quic() {
    two_find_each_other_and_talk(QUIC).await;
}

#[tokio::test]
async fn ten_agents_find_and_reach_each_other() {
    let first = Agent::start("agent0", TCP, vec![]).await;
    let door = first.listen().await;
    let mut agents = vec![first];
    for number in 1..10 {
        let listen = if number % 2 == 0 { TCP } else { QUIC };
        // Each transport needs a door of its own kind; both lead into one network.
        let bootstrap = door.clone();
        let config = {
            let mut config = config(DeviceKey::generate(), TCP, bootstrap);
            config.listen.push(listen.parse().unwrap());
            config
        };
        agents.push(Agent::start_with(credential(&format!("agent{number}")), config).await);
    }
    for agent in &agents {
        agent.wait_for_peers(9).await;
    }
    for (one, other) in [(0, 9), (9, 0), (3, 7), (8, 2)] {
        let mut here = agents[one].connect(&agents[other]).await;
        let mut there = agents[other].incoming().await;
        talk(&mut here, &mut there).await;
    }
    // Everybody finds everybody.
    for one in &agents {
        for other in &agents {
            let record = one.find_on_line(other.address()).await;
            assert_eq!(record.signer(), other.credential.certificate());
            assert_eq!(record.contacts().unwrap().peer, other.overlay.peer_id());
        }
    }
}

/// One address of the record has been taken over by somebody else, another has been given up.
#[tokio::test]
async fn wrong_addresses_beside_the_right_one_do_no_harm() {
    for listen in [TCP, QUIC] {
        let alice = Agent::start("alice", listen, vec![]).await;
        let carol = Agent::start("carol", listen, alice.listen().await).await;
        let mut bob = Agent::start_as(credential("bob"), DeviceKey::generate(), listen, vec![]).await;
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let place = async |agent: &Agent| agent.listen().await[0].iter().take(2).collect::<Multiaddr>();
        let quic = |mut address: Multiaddr| {
            if listen == QUIC {
                address.push(Protocol::QuicV1);
            }
            address
        };
        let addresses = vec![
            quic(place(&carol).await),
            format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap(),
            quic(place(&alice).await),
            quic(place(&bob).await),
        ];
        let now = Clock::system().now();
        let value = Value::Contacts(ContactSet {
            peer: bob.overlay.peer_id(),
            addresses,
        });
        let record = Record::sign(&bob.credential, bob.contacts_key(), value, now, now + 60_000).unwrap();
        let mut here = alice
            .overlay
            .connect(alice.address(), bob.address(), &record)
            .await
            .unwrap();
        let mut there = bob.incoming().await;
        talk(&mut here, &mut there).await;
    }
}

/// Bob cannot be reached but through a relay, which is all that his record names. Nor can Alice: the link would be a direct one as
/// soon as either can be.
#[tokio::test]
async fn a_device_behind_a_relay_is_reached() {
    let mut node = config(DeviceKey::generate(), TCP, vec![]);
    node.relay_server = true;
    let node = Agent::start_with(credential("node"), node).await;
    let door = node.listen().await[0].clone();
    let circuit = door.clone().with(Protocol::P2pCircuit).to_string();
    let mut bob = Agent::start("bob", &circuit, vec![door.clone()]).await;
    let alice = Agent::start("alice", &circuit, vec![door]).await;
    let record = alice.find_on_line(bob.address()).await;
    let addresses = &record.contacts().unwrap().addresses;
    assert!(
        addresses
            .iter()
            .all(|address| address.to_string().ends_with("/p2p-circuit")),
        "{addresses:?}"
    );
    let mut here = alice
        .overlay
        .connect(alice.address(), bob.address(), &record)
        .await
        .unwrap();
    let mut there = bob.incoming().await;
    assert!(here.relayed && there.relayed);
    talk(&mut here, &mut there).await;
    node.overlay.shutdown().await;
    end_of(&mut here).await;
}

#[tokio::test]
async fn one_device_serves_several_addresses() {
    let mut alice = Agent::start("alice", TCP, vec![]).await;
    let second = credential("alice.smith");
    alice.overlay.publish(second.clone()).await.unwrap();
    let bob = Agent::start("bob", TCP, alice.listen().await).await;
    let record = bob.find_on_line(second.address()).await;
    let _link = bob
        .overlay
        .connect(bob.address(), second.address(), &record)
        .await
        .unwrap();
    assert_eq!(alice.incoming().await.local, *second.address());
    let _other = bob.connect(&alice).await;
    assert_eq!(alice.incoming().await.local, *alice.address());
    // One goes off line, the other stays.
    alice.overlay.withdraw(second.address()).await;
    bob.find(second.address(), |record| {
        record.contacts().unwrap().addresses.is_empty()
    })
    .await;
    bob.find_on_line(alice.address()).await;
}

/// Links asked for at once, as many as a device takes at a time, come over one dial.
#[tokio::test]
async fn many_links_to_one_device_share_a_connection() {
    let mut alice = Agent::start("alice", TCP, vec![]).await;
    let bob = Agent::start("bob", TCP, vec![]).await;
    let now = Clock::system().now();
    let own = alice.listen().await[0].iter().take(2).collect();
    let value = Value::Contacts(ContactSet {
        peer: alice.overlay.peer_id(),
        addresses: vec![own],
    });
    let record = Record::sign(&alice.credential, alice.contacts_key(), value, now, now + 60_000).unwrap();
    let connect = || bob.overlay.connect(bob.address(), alice.address(), &record);
    let links = futures::future::join_all((0..8).map(|_| connect())).await;
    let mut links: Vec<Link> = links.into_iter().map(Result::unwrap).collect();
    let mut accepted = Vec::new();
    for _ in 0..8 {
        accepted.push(alice.incoming().await);
    }
    // The connection they share ends every one of them.
    bob.overlay.shutdown().await;
    for link in links.iter_mut().chain(&mut accepted) {
        end_of(link).await;
    }
}

/// Listening everywhere includes the loopback interface, known when the start has returned.
#[tokio::test]
async fn listening_on_all_interfaces_includes_loopback() {
    for (listen, loopback) in [
        ("/ip4/0.0.0.0/tcp/0", "/ip4/127.0.0.1/tcp/"),
        ("/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/127.0.0.1/udp/"),
    ] {
        let (overlay, _events) = Overlay::start(config(DeviceKey::generate(), listen, vec![]))
            .await
            .unwrap();
        let status = overlay.status().await;
        let own = format!("/p2p/{}", overlay.peer_id());
        let listen: Vec<String> = status.listen.iter().map(ToString::to_string).collect();
        assert!(listen.iter().any(|address| address.starts_with(loopback)), "{listen:?}");
        assert!(listen.iter().all(|address| address.ends_with(&own)), "{listen:?}");
        assert!(
            listen.iter().all(|address| !address.contains("/0.0.0.0/")),
            "{listen:?}"
        );
    }
}

#[tokio::test]
async fn connecting_fails_by_name() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let bob = Agent::start("bob", TCP, alice.listen().await).await;
    let record = bob.find_on_line(alice.address()).await;
    let connect = async |local: &str, remote: &str, record| {
        bob.overlay
            .connect(&address(local), &address(remote), record)
            .await
            .unwrap_err()
    };
    let bobs = bob.find_on_line(bob.address()).await;
    let (own, other) = ("bob@example.net", "alice@example.net");
    assert!(matches!(
        connect("carol@example.net", other, &record).await,
        ConnectError::NotPublished
    ));
    assert!(matches!(
        connect(own, "carol@example.net", &record).await,
        ConnectError::WrongRecord
    ));
    assert!(matches!(connect(own, own, &bobs).await, ConnectError::Ourselves));

    // Alice is not there for this address any more, though the old record still names her device.
    alice.overlay.withdraw(alice.address()).await;
    let error = connect(own, other, &record).await;
    assert!(
        matches!(error, ConnectError::Declined(Decline::UnknownAddress)),
        "{error}"
    );
    let withdrawn = bob.find(alice.address(), |record| record.sequence() > 0).await;
    assert!(withdrawn.contacts().unwrap().addresses.is_empty());
    assert!(matches!(connect(own, other, &withdrawn).await, ConnectError::OffLine));

    alice.overlay.shutdown().await;
    let error = connect(own, other, &record).await;
    assert!(matches!(error, ConnectError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_and_another_listener_is_enough() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().unwrap().port());
    let refused = Overlay::start(config(DeviceKey::generate(), &listen, vec![])).await;
    assert!(matches!(refused, Err(StartError::Listen(_))));
    let mut both = config(DeviceKey::generate(), &listen, vec![]);
    both.listen.push(TCP.parse().unwrap());
    let (overlay, _events) = Overlay::start(both).await.unwrap();
    assert_eq!(overlay.status().await.listen.len(), 1);
}

#[tokio::test]
async fn an_agent_is_on_line_when_its_bootstrap_peer_has_answered() {
    // Nobody listens there yet.
    let place = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let listen = format!("/ip4/127.0.0.1/tcp/{}", place.port());
    let (waiting, mut events) = Overlay::start(config(DeviceKey::generate(), TCP, vec![listen.parse().unwrap()]))
        .await
        .unwrap();
    assert!(!waiting.status().await.on_line);
    let node = Agent::start("node", &listen, vec![]).await;
    assert!(node.overlay.status().await.on_line);
    let mut seen = Vec::new();
    while seen.last() != Some(&"on line") {
        seen.push(match events.recv().await.unwrap() {
            OverlayEvent::OnLine => "on line",
            OverlayEvent::PeersChanged(1) => "one peer",
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(seen, ["one peer", "on line"]);
    assert_eq!(waiting.status().await.peers, 1);
}
