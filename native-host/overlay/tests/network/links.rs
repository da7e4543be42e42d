//! Finding and linking, over TCP and over QUIC.

use corella_identity::DeviceKey;
use corella_overlay::link::Decline;
use corella_overlay::{ConnectError, Overlay, OverlayEvent, StartError};

use crate::world::{Agent, QUIC, TCP, address, config, end_of, talk};

async fn two_find_each_other_and_talk(listen: &str) {
    let mut alice = Agent::start("alice", listen, vec![]).await;
    let mut bob = Agent::start("bob", listen, alice.listen().await).await;
    let mut here = bob.connect(&alice).await;
    let mut there = alice.incoming().await;
    assert!(here.outbound && !there.outbound && !here.relayed);
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
        let credential = crate::world::credential(&format!("agent{number}"));
        agents.push(Agent::start_with(credential, config).await);
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
