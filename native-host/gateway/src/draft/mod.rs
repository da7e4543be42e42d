//! The draft's nine methods (draft-singh-p2p-sip-01 sections 2 to 4).
//!
//! Each takes one document, as a string or as base64, and answers with a boolean or with a document. Signed records pass
//! as text: whoever stores them reads and verifies them. The documents that are not signed are read and written here.
//!
//! | Method | Takes | Answers with |
//! |---|---|---|
//! | `put-auth` | a signed `dhtRecord` | a boolean |
//! | `remove-auth` | a signed `dhtRecord`, or one of a key and the secret that removes what is there | a boolean |
//! | `get-auth` | a `dhtRecord` of a key and the hash of the writer's public key | `dhtRecords` |
//! | `get`, `get-immut` | a `dhtRecord` of a key; `get` a signed one too, for what only its signer may read | `dhtRecords` |
//! | `put-immut` | a `dhtRecord` of a value | a boolean |
//! | `join`, `lookup` | a `dhtService` | a `dhtService` |
//! | `leave` | a `dhtService` | a boolean |

mod call;
mod error;
mod key;
mod records;
mod request;
mod service;
#[cfg(test)]
mod tests;
mod time;

pub use call::{DraftAnswer, DraftCall, DraftMethod};
pub use error::DocumentError;
pub use key::{Digest, DigestAlgorithm, Key};
pub use records::{RECORDS_LIMIT, read_records, write_records};
pub use request::{Content, Immutable, RecordRequest};
pub use service::{Service, ServiceHost};

/// Longest document of a call in bytes.
pub const DOCUMENT_LIMIT: usize = 16 * 1024;
/// Longest text of a key, a name or an address in bytes.
pub const TEXT_LIMIT: usize = 1024;
/// Most hosts of one service.
pub const HOSTS_LIMIT: usize = 8;
/// How deep the elements of a document are nested at most: a signed record within `dhtRecords` has seven.
const DEPTH_LIMIT: usize = 16;
