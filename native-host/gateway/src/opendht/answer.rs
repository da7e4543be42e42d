//! Answers, written as values.

use super::HASH_ALGORITHM;
use crate::xmlrpc::Value;

/// How a put or removal went (`bamboo_stat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 0, `BAMBOO_OK`: done.
    Success,
    /// 1, `BAMBOO_CAP`: no room for more of this client's.
    Capacity,
    /// 2, `BAMBOO_AGAIN`: not now; later it may go well.
    Again,
}

impl Outcome {
    /// The number on the wire.
    pub fn code(self) -> i32 {
        match self {
            Self::Success => 0,
            Self::Capacity => 1,
            Self::Again => 2,
        }
    }
}

/// A value that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The value.
    pub value: Vec<u8>,
    /// How many seconds it has left.
    pub ttl: u32,
    /// SHA-1 of the secret with which it can be removed, if it can.
    pub secret_hash: Option<Vec<u8>>,
}

/// Values that were found, and where the next ones begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// At most as many as were asked for.
    pub values: Vec<Stored>,
    /// What to ask with for more; empty when these were the last.
    pub placemark: Vec<u8>,
}

/// What one of the five methods is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenDhtAnswer {
    /// To `put`, `put_removable` and `rm`.
    Outcome(Outcome),
    /// To `get`.
    Values(Page),
    /// To `get_details`.
    Details(Page),
}

impl From<OpenDhtAnswer> for Value {
    fn from(answer: OpenDhtAnswer) -> Self {
        match answer {
            OpenDhtAnswer::Outcome(outcome) => Self::Int(outcome.code()),
            OpenDhtAnswer::Values(page) => listing(page, |stored| Self::Base64(stored.value)),
            OpenDhtAnswer::Details(page) => listing(page, details),
        }
    }
}

fn listing(page: Page, written: impl Fn(Stored) -> Value) -> Value {
    let values: Vec<Value> = page.values.into_iter().map(written).collect();
    Value::Array(vec![values.into(), page.placemark.into()])
}

fn details(stored: Stored) -> Value {
    let algorithm = if stored.secret_hash.is_some() {
        HASH_ALGORITHM
    } else {
        ""
    };
    Value::Array(vec![
        stored.value.into(),
        i32::try_from(stored.ttl).unwrap_or(i32::MAX).into(),
        algorithm.to_owned().into(),
        stored.secret_hash.unwrap_or_default().into(),
    ])
}
