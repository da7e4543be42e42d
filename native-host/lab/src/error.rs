//! Why an experiment could not be made. That its result is bad is no error.

use std::io;

use corella_gateway::CallError;
use corella_identity::CredentialError;
use corella_overlay::record::RecordError;
use corella_overlay::{LocationError, PublishError, StartError};
use thiserror::Error;

/// Why an experiment could not be made.
#[derive(Debug, Error)]
pub enum LabError {
    /// A node did not start.
    #[error("a node did not start: {0}")]
    Start(#[from] StartError),
    /// A node that ought to work has ended.
    #[error("a node has ended: {0}")]
    Ended(#[from] LocationError),
    /// A person's certificate could not be made.
    #[error("no credential: {0}")]
    Credential(#[from] CredentialError),
    /// A record could not be signed.
    #[error("no record: {0}")]
    Record(#[from] RecordError),
    /// A node could not publish.
    #[error("not published: {0}")]
    Publish(#[from] PublishError),
    /// A gateway did not do what it was asked.
    #[error(transparent)]
    Call(Box<CallError>),
    /// The system refused something.
    #[error(transparent)]
    System(#[from] io::Error),
    /// Something else that was needed was not so.
    #[error("{0}")]
    Needed(String),
}

impl From<CallError> for LabError {
    fn from(error: CallError) -> Self {
        Self::Call(Box::new(error))
    }
}

impl LabError {
    /// Something that was needed was not so.
    pub fn needed(what: impl Into<String>) -> Self {
        Self::Needed(what.into())
    }
}
