//! Why a request failed.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use hyper_util::client::legacy;
use thiserror::Error;

/// Why a request failed; whose it was, and what for, is said by who asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WebError {
    /// No connection.
    #[error("it cannot be reached: {0}; check its address, and whether it runs")]
    Connect(String),
    /// No answer in time.
    #[error("it did not answer within {} s; try again later", .0.as_secs())]
    Time(Duration),
    /// The connection broke before the answer was whole.
    #[error("the connection broke: {0}; try again later")]
    Broken(String),
    /// The answer is over the limit, in bytes.
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
    /// The system has no certificates to know an https server by.
    #[error("the system's certificates cannot be read: {0}; install them, or use an http address")]
    Certificates(#[source] io::Error),
}

impl WebError {
    pub(crate) fn from_pool(error: &legacy::Error) -> Self {
        if error.is_connect() {
            Self::Connect(innermost(error))
        } else {
            Self::Broken(innermost(error))
        }
    }

    pub(crate) fn broken(error: &(dyn StdError + 'static)) -> Self {
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
