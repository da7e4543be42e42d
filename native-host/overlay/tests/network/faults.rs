//! Peers that die, and peers that leave.

use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use crate::child::ChildAgent;
use crate::world::{Agent, QUIC, TCP, address, end_of, talk};

/// Within which a killed peer must be noticed where the system closes its connections.
const CLOSED: Duration = Duration::from_secs(2);
/// Within which one must be that says nothing more. (A link's own keep-alive is quicker; here nobody speaks on it.)
const SILENT: Duration = Duration::from_secs(50);

async fn a_dead_peer_ends_its_links(listen: &'static str, within: Duration, kill: impl FnOnce(&mut ChildAgent)) {
    let alice = Agent::start("alice", listen, vec![]).await;
    let door = alice.listen().await[0].clone();
    let mut child = spawn_blocking(move || ChildAgent::start(listen, &door)).await.unwrap();
    let whom = address("child@example.net");
    let record = alice.find_on_line(&whom).await;
    let mut link = alice.overlay.connect(alice.address(), &whom, &record).await.unwrap();
    kill(&mut child);
    let after = end_of(&mut link).await;
    assert!(after < within, "{after:?}");
    alice.wait_for_peers(0).await;
}

#[tokio::test]
async fn a_killed_peer_is_noticed_over_tcp() {
    a_dead_peer_ends_its_links(TCP, CLOSED, ChildAgent::kill).await;
}

#[tokio::test]
async fn a_killed_peer_is_noticed_over_quic() {
    a_dead_peer_ends_its_links(QUIC, SILENT, ChildAgent::kill).await;
}

/// Its sockets are still open, so only that it does not answer gives it away.
#[tokio::test]
async fn a_frozen_peer_is_noticed_over_tcp() {
    a_dead_peer_ends_its_links(TCP, SILENT, |child| child.freeze()).await;
}

#[tokio::test]
async fn a_frozen_peer_is_noticed_over_quic() {
    a_dead_peer_ends_its_links(QUIC, SILENT, |child| child.freeze()).await;
}

/// Long before its silence is noticed.
#[tokio::test]
async fn a_frozen_peer_can_be_given_up() {
    for listen in [TCP, QUIC] {
        let alice = Agent::start("alice", listen, vec![]).await;
        let door = alice.listen().await[0].clone();
        let child = spawn_blocking(move || ChildAgent::start(listen, &door)).await.unwrap();
        let whom = address("child@example.net");
        let record = alice.find_on_line(&whom).await;
        let mut link = alice.overlay.connect(alice.address(), &whom, &record).await.unwrap();
        child.freeze();
        alice.overlay.give_up(link.peer).await;
        assert!(end_of(&mut link).await < Duration::from_secs(2));
        alice.wait_for_peers(0).await;
    }
}

#[tokio::test]
async fn a_clean_end_is_noticed_at_once() {
    for listen in [TCP, QUIC] {
        let mut alice = Agent::start("alice", listen, vec![]).await;
        let bob = Agent::start("bob", listen, alice.listen().await).await;
        let mut here = alice.connect(&bob).await;
        let begin = Instant::now();
        bob.overlay.shutdown().await;
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        assert!(end_of(&mut here).await < Duration::from_secs(1));
        let record = alice.overlay.location().get(&bob.contacts_key()).await.unwrap();
        assert!(record[0].contacts().unwrap().addresses.is_empty());
        alice.wait_for_peers(0).await;
        // After the end every call says so, and a second goodbye does no harm.
        assert!(bob.overlay.location().get(&alice.contacts_key()).await.is_err());
        bob.overlay.shutdown().await;
        // Who is left alone is still there for others.
        let mut carol = Agent::start("carol", listen, alice.listen().await).await;
        let mut here = alice.connect(&carol).await;
        let mut there = carol.incoming().await;
        talk(&mut here, &mut there).await;
        drop(alice.events.try_recv());
    }
}

/// One node of six is dead and does not know it: what the others have is found without waiting for it.
#[tokio::test]
async fn a_frozen_node_stalls_nobody() {
    let alice = Agent::start("alice", TCP, vec![]).await;
    let door = alice.listen().await[0].clone();
    let mut others = Vec::new();
    for name in ["bob", "carol", "dave", "erin"] {
        others.push(Agent::start(name, TCP, vec![door.clone()]).await);
    }
    let child = spawn_blocking(move || ChildAgent::start(TCP, &door)).await.unwrap();
    alice.wait_for_peers(5).await;
    child.freeze();
    let begin = Instant::now();
    let found = alice.overlay.location().get(&others[2].contacts_key()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(begin.elapsed() < Duration::from_millis(1400), "{:?}", begin.elapsed());
}
