//! One node of the overlay, and where its parts of this process live.

use std::sync::Arc;
use std::time::Duration;

use corella_identity::{Credential, DeviceKey};
use corella_overlay::storing::Limits;
use corella_overlay::{Effort, Key, LocationService, Overlay, OverlayConfig, PutReport, Record};
use libp2p::{Multiaddr, PeerId};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{Instant, sleep};

use crate::LabError;

/// The longest that anything may take to come about. An experiment that needs it has failed.
pub const PATIENCE: Duration = Duration::from_secs(900);
/// How often it is looked whether something has come about.
const LOOK: Duration = Duration::from_millis(5);
/// Room for all records of an experiment: what is measured is the network, not what a full node does.
const ROOM: Limits = Limits { bytes: 4 << 30 };

/// A node that routes and stores.
pub struct Node {
    overlay: Overlay,
    location: Arc<dyn LocationService>,
    peer: PeerId,
    listen: Vec<Multiaddr>,
}

impl Node {
    /// Starts a node and waits until it has joined. Its tasks live on `home`.
    ///
    /// # Errors
    /// It does not start, or nobody answers it.
    pub async fn start(home: &Handle, listen: Multiaddr, bootstrap: Vec<Multiaddr>) -> Result<Self, LabError> {
        let config = OverlayConfig {
            listen: vec![listen],
            bootstrap,
            mdns: false,
            relay_server: true,
            storing: ROOM,
            ..OverlayConfig::new(DeviceKey::generate())
        };
        let started = home.spawn(Overlay::start(config)).await;
        // Nobody listens to the events: the laboratory looks at the status, and opens no links.
        let (overlay, _) = started.map_err(|error| LabError::needed(error.to_string()))??;
        let begin = Instant::now();
        while !overlay.status().await.on_line {
            if begin.elapsed() > PATIENCE {
                return Err(LabError::needed("a node found nobody"));
            }
            sleep(LOOK).await;
        }
        Ok(Self {
            location: overlay.location(),
            peer: overlay.peer_id(),
            listen: overlay.status().await.listen,
            overlay,
        })
    }

    /// Its name in the overlay.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// Where others can join.
    pub fn listen(&self) -> &[Multiaddr] {
        &self.listen
    }

    /// How many others it is connected to.
    pub async fn peers(&self) -> usize {
        self.overlay.status().await.peers
    }

    /// Whether it has looked up nodes at all distances.
    pub async fn knows_the_overlay(&self) -> bool {
        self.overlay.status().await.knows_the_overlay
    }

    /// Waits until it has.
    ///
    /// # Errors
    /// It does not come about.
    pub async fn knowing(&self) -> Result<(), LabError> {
        let begin = Instant::now();
        while !self.knows_the_overlay().await {
            if begin.elapsed() > PATIENCE {
                return Err(LabError::needed("a node does not come to know the overlay"));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// The nodes closest to a key, as a look-up from here finds them.
    ///
    /// # Errors
    /// The node has ended.
    pub async fn closest(&self, key: &Key) -> Result<Vec<PeerId>, LabError> {
        Ok(self.overlay.closest(key).await?)
    }

    /// What it has asked of others so far.
    pub fn effort(&self) -> Effort {
        self.overlay.effort()
    }

    /// Puts a record.
    ///
    /// # Errors
    /// The node has ended.
    pub async fn put(&self, record: &Record) -> Result<PutReport, LabError> {
        Ok(self.location.put(record).await?)
    }

    /// The records under a key.
    ///
    /// # Errors
    /// The node has ended.
    pub async fn get(&self, key: &Key) -> Result<Vec<Record>, LabError> {
        Ok(self.location.get(key).await?)
    }

    /// Makes the node's own contact findable, and keeps it so.
    ///
    /// # Errors
    /// The node has ended, or the credential makes no record.
    pub async fn publish(&self, credential: Credential) -> Result<PutReport, LabError> {
        Ok(self.overlay.publish(credential).await?)
    }

    /// Leaves with a goodbye.
    pub async fn leave(self) {
        self.overlay.shutdown().await;
    }
}

/// A place for nodes that will end without a goodbye: a runtime of its own, with one thread.
pub struct Doomed {
    runtime: Option<Runtime>,
    thaw: Option<std::sync::mpsc::Sender<()>>,
}

impl Doomed {
    /// An empty place.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new() -> Result<Self, LabError> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self {
            runtime: Some(runtime),
            thaw: None,
        })
    }

    /// Where to start a node so that it lives there.
    ///
    /// # Errors
    /// It was killed already.
    pub fn home(&self) -> Result<Handle, LabError> {
        let runtime = self
            .runtime
            .as_ref()
            .ok_or_else(|| LabError::needed("a place that is not dead"))?;
        Ok(runtime.handle().clone())
    }

    /// Ends all nodes that live there as a killed process ends: no goodbye, and the system closes what was open.
    pub fn kill(&mut self) {
        self.thaw = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Stops all nodes that live there as a machine without power stops: what was open stays open, and nobody answers.
    pub fn freeze(&mut self) {
        if let Some(runtime) = &self.runtime {
            let (thaw, frozen) = std::sync::mpsc::channel::<()>();
            // The place's only thread waits here until the sender is gone.
            runtime.spawn(async move {
                let _ = frozen.recv();
            });
            self.thaw = Some(thaw);
        }
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        self.kill();
    }
}
