//! Why a call failed.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use hyper_util::client::legacy;
use thiserror::Error;

use super::{GatewayUrl, RESPONSE_LIMIT};
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
    /// No connection.
    #[error("it cannot be reached: {0}; check its address, and whether it runs")]
    Connect(String),
    /// No answer in time.
    #[error("it did not answer within {} s; try again later, or choose another gateway", .0.as_secs())]
    Time(Duration),
    /// The connection broke before the answer was whole.
    #[error("the connection broke: {0}; try again later, or choose another gateway")]
    Broken(String),
    /// HTTP, but no XML-RPC.
    #[error("it answered with HTTP status {0}; check that the address is that of a gateway, path included")]
    Status(u16),
    /// Over [`RESPONSE_LIMIT`].
    #[error("its answer is longer than {RESPONSE_LIMIT} bytes; choose another gateway")]
    TooLong,
    /// No methodResponse of XML-RPC.
    #[error("its answer cannot be read: {0}; choose another gateway")]
    Unreadable(#[source] ReadError),
    /// The system has no certificates to know an https gateway by.
    #[error("the system's certificates cannot be read: {0}; install them, or use an http address")]
    Certificates(#[source] io::Error),
}

impl Reason {
    pub(super) fn from_pool(error: &legacy::Error) -> Self {
        if error.is_connect() {
            Self::Connect(innermost(error))
        } else {
            Self::Broken(innermost(error))
        }
    }

    pub(super) fn broken(error: &(dyn StdError + 'static)) -> Self {
        Self::Broken(innermost(error))
    }
}

/// The innermost error says what happened; those around it say only where.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
