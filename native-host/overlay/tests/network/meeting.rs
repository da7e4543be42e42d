//! Agents of one machine meet through a folder.

use std::time::Duration;

use corella_identity::DeviceKey;
use libp2p::PeerId;
use tokio::time::{Instant, sleep};

use crate::world::{Agent, PATIENCE, TCP, config, credential, files_in, runtime_folder};

async fn start(name: &str, folder: &std::path::Path) -> Agent {
    let mut config = config(DeviceKey::generate(), TCP, vec![]);
    config.meeting_place = Some(folder.join("corella"));
    Agent::start_with(credential(name), config).await
}

#[tokio::test]
async fn three_agents_meet_without_configuration() {
    let folder = runtime_folder();
    let alice = start("alice", folder.path()).await;
    let bob = start("bob", folder.path()).await;
    let carol = start("carol", folder.path()).await;
    for (one, other) in [
        (&alice, &carol),
        (&carol, &alice),
        (&bob, &alice),
        (&alice, &bob),
        (&carol, &bob),
    ] {
        one.find_on_line(other.address()).await;
    }
    for agent in [&alice, &bob, &carol] {
        agent.wait_for_peers(2).await;
    }
    let place = folder.path().join("corella");
    assert_eq!(files_in(&place), 3);
    carol.overlay.shutdown().await;
    assert_eq!(files_in(&place), 2);
    alice.wait_for_peers(1).await;
}

#[tokio::test]
async fn what_a_killed_process_left_is_cleaned_up() {
    let folder = runtime_folder();
    let place = folder.path().join("corella");
    let alice = start("alice", folder.path()).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let stale = place.join(format!("{}.json", PeerId::random()));
    std::fs::write(&stale, format!(r#"{{"addresses":["/ip4/127.0.0.1/tcp/{port}"]}}"#)).unwrap();
    // An address that somebody else has taken meanwhile.
    let taken = place.join(format!("{}.json", PeerId::random()));
    let other = alice.listen().await[0].iter().take(2).collect::<libp2p::Multiaddr>();
    std::fs::write(&taken, format!(r#"{{"addresses":["{other}"]}}"#)).unwrap();
    let bob = start("bob", folder.path()).await;
    bob.wait_for_peers(1).await;
    let begin = Instant::now();
    while stale.exists() || taken.exists() {
        assert!(begin.elapsed() < PATIENCE, "the stale files are still there");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(files_in(&place), 2);
}
