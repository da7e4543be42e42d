//! The location service: where records are put and found, whichever engine does it.

use std::fmt;

use async_trait::async_trait;
use libp2p::PeerId;
use thiserror::Error;

use crate::fragment::{FragmentError, FragmentId};
use crate::key::Key;
use crate::record::{Record, Sealed, Ticket};
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

/// Why the engine does nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LocationError {
    /// The overlay was shut down.
    #[error("the overlay was shut down")]
    Stopped,
    /// A service elsewhere does not answer, or not as it should.
    #[error("the location service cannot be used: {0}")]
    Unreachable(String),
}

/// Why a record's content could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ContentError {
    /// The record is of a kind that has no sealed content.
    #[error("the record has no sealed content")]
    None,
    /// A fragment was not found.
    #[error("a part of the content was not found at the nodes that should keep it")]
    Missing,
    /// The parts are not what was signed.
    #[error(transparent)]
    Fragments(#[from] FragmentError),
    /// The engine has stopped.
    #[error(transparent)]
    Location(#[from] LocationError),
}

/// Where records are put and found. Engines are interchangeable: a node of the overlay is one ([`crate::Kademlia`]), a
/// gateway to somebody else's node can be another.
#[async_trait]
pub trait LocationService: fmt::Debug + Send + Sync {
    /// Whether it can be used now.
    async fn is_reachable(&self) -> bool;

    /// Hands a record to the nodes that are to keep it. Takes a few seconds at most.
    ///
    /// # Errors
    /// The engine has stopped or cannot be used; refusals are in the report.
    async fn put(&self, record: &Record) -> Result<PutReport, LocationError>;

    /// The current records under a key that anybody reads, of all signers: what several nodes returned, verified again, of
    /// each signer and nonce the newest, newest first. A contact record without addresses says that the device went off
    /// line. Takes a few milliseconds if the nodes are well, a few seconds at most.
    ///
    /// # Errors
    /// The engine has stopped or cannot be used; nothing found is an empty list.
    async fn get(&self, key: &Key) -> Result<Vec<Record>, LocationError>;

    /// The current records under a key that only its person reads, as far as they are sealed to the credential that signed
    /// the ticket.
    ///
    /// # Errors
    /// As [`LocationService::get`].
    async fn read(&self, ticket: &Ticket) -> Result<Vec<Record>, LocationError>;

    /// Asks to be told of records that are new under a key, for the next two minutes. Whether they come by themselves now; if
    /// not, only looking again shows them.
    ///
    /// # Errors
    /// The engine has stopped or cannot be used.
    async fn watch(&self, key: &Key, ticket: Option<&Ticket>) -> Result<bool, LocationError>;

    /// Removes the records under a key that these secrets remove. Says how many nodes have heard of it.
    ///
    /// # Errors
    /// The engine has stopped or cannot be used.
    async fn remove(&self, key: &Key, secrets: &[[u8; 32]]) -> Result<usize, LocationError>;

    /// Hands a fragment that a record lists to the nodes that are to keep it. Says how many do.
    ///
    /// # Errors
    /// The engine has stopped or cannot be used.
    async fn put_fragment(&self, parent: &Record, bytes: &[u8]) -> Result<usize, LocationError>;

    /// The fragment with this hash, if a node has it.
    ///
    /// # Errors
    /// The engine has stopped or cannot be used.
    async fn get_fragment(&self, hash: &FragmentId) -> Result<Option<Vec<u8>>, LocationError>;

    /// Removes a fragment whose record is removed by this secret.
    ///
    /// # Errors
    /// The engine has stopped or cannot be used.
    async fn remove_fragment(&self, hash: &FragmentId, secret: &[u8; 32]) -> Result<(), LocationError>;
}

/// The sealed content of a record, from wherever it stands.
///
/// # Errors
/// There is none, or parts of it cannot be had.
pub async fn content(location: &dyn LocationService, record: &Record) -> Result<Vec<u8>, ContentError> {
    match record.value().sealed().ok_or(ContentError::None)? {
        Sealed::Inline(bytes) => Ok(bytes.clone()),
        Sealed::Fragments(fragments) => {
            let pieces = fragments.list().iter().map(|hash| location.get_fragment(hash));
            let mut found = Vec::with_capacity(pieces.len());
            for piece in futures::future::join_all(pieces).await {
                found.push(piece?.ok_or(ContentError::Missing)?);
            }
            Ok(fragments.join(&found)?)
        }
    }
}
