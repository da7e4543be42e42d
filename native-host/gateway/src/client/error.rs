//! Why a call failed.

use corella_web::WebError;
use thiserror::Error;

use super::GatewayUrl;
use crate::xmlrpc::{Fault, ReadError};

/// A call failed: of which method, at which gateway, and why.
#[derive(Debug, Error)]
#[error("the call {method} to the gateway {gateway} failed: {reason}")]
pub struct CallError {
    /// The gateway.
    pub gateway: GatewayUrl,
    /// The method.
    pub method: String,
    /// Why.
    pub reason: Reason,
}

impl CallError {
    pub(super) fn new(gateway: &GatewayUrl, method: &str, reason: Reason) -> Self {
        Self {
            gateway: gateway.clone(),
            method: method.to_owned(),
            reason,
        }
    }
}

/// Why a call failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Reason {
    /// The gateway answered with a fault. Its text is the gateway's own, at most 300 characters on one line.
    #[error("it answered with a fault: {0}")]
    Fault(Fault),
    /// There was no whole answer.
    #[error(transparent)]
    Web(#[from] WebError),
    /// HTTP, but no XML-RPC.
    #[error("it answered with HTTP status {0}; check that the address is that of a gateway, path included")]
    Status(u16),
    /// An answer of XML-RPC, but of another type than the method has.
    #[error("it answers with another type than the method has; choose another gateway")]
    OtherType,
    /// No methodResponse of XML-RPC.
    #[error("its answer cannot be read: {0}; choose another gateway")]
    Unreadable(#[source] ReadError),
}
