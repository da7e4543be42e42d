//! Agents and what they do in these tests.

use std::path::Path;
use std::time::Duration;

use corella_identity::{AddressOfRecord, Credential, DeviceKey};
use corella_overlay::{Clock, Key, Link, Overlay, OverlayConfig, OverlayEvent, Record};
use libp2p::Multiaddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// The longest that anything may take here. A test that needs it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Enough for connections to be given up.
const LONG_PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

/// A person with one device in the overlay.
pub(crate) struct Agent {
    pub(crate) overlay: Overlay,
    pub(crate) events: mpsc::Receiver<OverlayEvent>,
    pub(crate) credential: Credential,
    pub(crate) device: DeviceKey,
}

pub(crate) fn address(text: &str) -> AddressOfRecord {
    text.parse().unwrap()
}

pub(crate) fn credential(name: &str) -> Credential {
    Credential::self_signed(&address(&format!("{name}@example.net")), Clock::system().now()).unwrap()
}

/// A device that listens on one loopback address and knows these others.
pub(crate) fn config(device: DeviceKey, listen: &str, bootstrap: Vec<Multiaddr>) -> OverlayConfig {
    OverlayConfig {
        listen: vec![listen.parse().unwrap()],
        bootstrap,
        mdns: false,
        ..OverlayConfig::new(device)
    }
}

impl Agent {
    /// An agent that is on line and has published.
    pub(crate) async fn start(name: &str, listen: &str, bootstrap: Vec<Multiaddr>) -> Self {
        Self::start_as(credential(name), DeviceKey::generate(), listen, bootstrap).await
    }

    pub(crate) async fn start_as(
        credential: Credential,
        device: DeviceKey,
        listen: &str,
        bootstrap: Vec<Multiaddr>,
    ) -> Self {
        Self::start_with(credential, config(device, listen, bootstrap)).await
    }

    pub(crate) async fn start_with(credential: Credential, config: OverlayConfig) -> Self {
        let device = config.device.clone();
        let (overlay, events) = Overlay::start(config).await.unwrap();
        let mut agent = Self {
            overlay,
            events,
            credential,
            device,
        };
        agent.on_line().await;
        agent.overlay.publish(agent.credential.clone()).await.unwrap();
        agent
    }

    pub(crate) async fn on_line(&mut self) {
        loop {
            if let OverlayEvent::OnLine = self.event().await {
                return;
            }
        }
    }

    pub(crate) async fn event(&mut self) -> OverlayEvent {
        timeout(PATIENCE, self.events.recv())
            .await
            .expect("no event")
            .expect("the overlay ended")
    }

    /// The next link that somebody opens.
    pub(crate) async fn incoming(&mut self) -> Link {
        loop {
            if let OverlayEvent::Incoming(link) = self.event().await {
                return link;
            }
        }
    }

    pub(crate) fn address(&self) -> &AddressOfRecord {
        self.credential.address()
    }

    pub(crate) fn contacts_key(&self) -> Key {
        Key::Contacts(self.address().clone())
    }

    /// Where others can join.
    pub(crate) async fn listen(&self) -> Vec<Multiaddr> {
        self.overlay.status().await.listen
    }

    /// Waits for a contact record of somebody that satisfies a condition.
    pub(crate) async fn find(&self, whom: &AddressOfRecord, condition: impl Fn(&Record) -> bool) -> Record {
        let key = Key::Contacts(whom.clone());
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(record) = self
                .overlay
                .location()
                .get(&key)
                .await
                .unwrap()
                .into_iter()
                .find(&condition)
            {
                return record;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{whom} was not found");
    }

    pub(crate) async fn find_on_line(&self, whom: &AddressOfRecord) -> Record {
        self.find(whom, |record| !record.contacts().unwrap().addresses.is_empty())
            .await
    }

    pub(crate) async fn wait_for_peers(&self, count: usize) {
        let begin = Instant::now();
        while self.overlay.status().await.peers != count {
            assert!(
                begin.elapsed() < PATIENCE,
                "peers: {:?}",
                self.overlay.status().await.peers
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn connect(&self, whom: &Agent) -> Link {
        let record = self.find_on_line(whom.address()).await;
        self.overlay
            .connect(self.address(), whom.address(), &record)
            .await
            .unwrap()
    }
}

/// Sends a line each way on the two ends of a link.
pub(crate) async fn talk(one: &mut Link, other: &mut Link) {
    for (from, to) in [(0, 1), (1, 0)] {
        let ends = [&mut *one, &mut *other];
        let [first, second] = ends;
        let (sender, receiver) = if from < to { (first, second) } else { (second, first) };
        let said = format!("from {from} to {to}");
        sender.stream.write_all(said.as_bytes()).await.unwrap();
        sender.stream.flush().await.unwrap();
        let mut heard = vec![0; said.len()];
        timeout(PATIENCE, receiver.stream.read_exact(&mut heard))
            .await
            .expect("silence")
            .unwrap();
        assert_eq!(heard, said.as_bytes());
    }
}

/// Waits until a link's stream has ended, with or without an error; gives how long it took.
pub(crate) async fn end_of(link: &mut Link) -> Duration {
    let begin = Instant::now();
    let mut rest = [0; 64];
    loop {
        match timeout(LONG_PATIENCE, link.stream.read(&mut rest))
            .await
            .expect("the link stays")
        {
            Ok(0) | Err(_) => return begin.elapsed(),
            Ok(_) => {}
        }
    }
}

/// A folder as `XDG_RUNTIME_DIR` has them: the user's alone.
pub(crate) fn runtime_folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn files_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, |entries| entries.count())
}
