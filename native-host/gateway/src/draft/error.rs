//! Why a document is refused.

use thiserror::Error;

use super::{DOCUMENT_LIMIT, HOSTS_LIMIT, RECORDS_LIMIT, TEXT_LIMIT};
use crate::xml::XmlError;
use crate::xmlrpc::{Fault, fault};

/// Why a document is none of the draft's. Fixed texts: nothing of the document is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Over [`DOCUMENT_LIMIT`].
    #[error("it is longer than {DOCUMENT_LIMIT} bytes")]
    TooLarge,
    /// No XML that is taken, or not the elements that the draft has.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A text over [`TEXT_LIMIT`].
    #[error("the text of the element {0} is longer than {TEXT_LIMIT} bytes")]
    LongText(&'static str),
    /// Nothing where something must be.
    #[error("the element {0} is empty")]
    Empty(&'static str),
    /// Base64, a digest or a time that is not of its form.
    #[error("the {0} is not of its form")]
    Field(&'static str),
    /// A digest algorithm other than SHA-1 and SHA-256.
    #[error("the DigestMethod is neither SHA-1 nor SHA-256")]
    Algorithm,
    /// More hosts than [`HOSTS_LIMIT`].
    #[error("it has more than {HOSTS_LIMIT} hosts")]
    ManyHosts,
    /// More records than [`RECORDS_LIMIT`].
    #[error("it has more than {RECORDS_LIMIT} records")]
    ManyRecords,
    /// A record within `dhtRecords` that does not declare its namespace itself, and so cannot stand alone.
    #[error("a dhtRecord does not declare the namespace urn:ietf:params:xml:ns:dht itself")]
    Namespace,
    /// A `dhtRecord` with other parts than the method takes.
    #[error("the dhtRecord has not exactly the parts that the method takes: {0}")]
    Parts(&'static str),
}

impl From<DocumentError> for Fault {
    fn from(error: DocumentError) -> Self {
        Self::new(fault::PARAMS, format!("the document is refused: {error}"))
    }
}
