//! The location service: where records are put and found, whichever engine does it.

use std::fmt;

use async_trait::async_trait;
use libp2p::PeerId;
use thiserror::Error;

use crate::key::Key;
use crate::record::Record;
use crate::storing::Refusal;

/// What became of a record at the nodes that were asked to keep it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutReport {
    /// The nodes that keep it; this one may be among them.
    pub stored: Vec<PeerId>,
    /// The nodes that refused, and why.
    pub refused: Vec<(PeerId, Refusal)>,
    /// How many did not answer.
    pub silent: usize,
}

/// The engine does nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LocationError {
    /// The overlay was shut down.
    #[error("the overlay was shut down")]
    Stopped,
}

/// Where records are put and found. Engines are interchangeable: a node of the overlay is one ([`crate::Kademlia`]), a
/// gateway to somebody else's node can be another.
#[async_trait]
pub trait LocationService: fmt::Debug + Send + Sync {
    /// Hands a record to the nodes that are to keep it. Takes a few seconds at most.
    ///
    /// # Errors
    /// Only if the engine has stopped; refusals are in the report.
    async fn put(&self, record: &Record) -> Result<PutReport, LocationError>;

    /// The current records under a key, of all signers: what several nodes returned, verified again, of each signer and
    /// slot the newest, newest first. A contact record without addresses says that the device went off line. Takes a
    /// few milliseconds if the nodes are well, a few seconds at most.
    ///
    /// # Errors
    /// Only if the engine has stopped; nothing found is an empty list.
    async fn get(&self, key: &Key) -> Result<Vec<Record>, LocationError>;
}
