//! What stands behind the gateway.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::draft::{Digest, Immutable, Key, Service};
use crate::opendht::{Get, Outcome, Page, Put, Remove};
use crate::xmlrpc::Fault;

/// Carries out the calls that a gateway takes. Each comes with the client's address, to be charged to it; what they carry
/// is within the limits of [`crate::draft`] and [`crate::opendht`].
///
/// A fault reaches the client as it is. Its code is one of the table in [`crate::xmlrpc`]; its text repeats nothing of the
/// call. A call is dropped when its client hangs up or its time is over.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// `put-auth`: stores a signed `dhtRecord`, which is not read yet.
    async fn put_auth(&self, client: IpAddr, record: String) -> Result<bool, Fault>;
    /// `remove-auth`: removes what a signed `dhtRecord`, which is not read yet, names.
    async fn remove_auth(&self, client: IpAddr, record: String) -> Result<bool, Fault>;
    /// `remove-auth` without a signature: removes what this secret removes under a key.
    async fn remove_by_secret(&self, client: IpAddr, key: Key, secret: Vec<u8>) -> Result<bool, Fault>;
    /// `get-auth`: the records under a key that the owner of a public key signed. Each `dhtRecord` declares its namespace
    /// itself.
    async fn get_auth(&self, client: IpAddr, key: Key, writer: Digest) -> Result<Vec<String>, Fault>;
    /// `get`: the records under a key, as above.
    async fn get(&self, client: IpAddr, key: Key) -> Result<Vec<String>, Fault>;
    /// `get` with a signed `dhtRecord`, which is not read yet: the records under its key that only its signer may read.
    async fn read(&self, client: IpAddr, ticket: String) -> Result<Vec<String>, Fault>;
    /// `put-immut`: stores a value under its hash.
    async fn put_immut(&self, client: IpAddr, value: Immutable) -> Result<bool, Fault>;
    /// `get-immut`: the value of which the key is the hash.
    async fn get_immut(&self, client: IpAddr, key: Key) -> Result<Option<Immutable>, Fault>;
    /// `join`: has hosts provide a service.
    async fn join(&self, client: IpAddr, service: Service) -> Result<Service, Fault>;
    /// `lookup`: who provides a service for a key.
    async fn lookup(&self, client: IpAddr, service: Service) -> Result<Service, Fault>;
    /// `leave`: has a host provide it no longer.
    async fn leave(&self, client: IpAddr, service: Service) -> Result<bool, Fault>;

    /// OpenDHT's `put` and `put_removable`.
    async fn opendht_put(&self, client: IpAddr, put: Put) -> Result<Outcome, Fault>;
    /// OpenDHT's `get` and `get_details`.
    async fn opendht_get(&self, client: IpAddr, get: Get) -> Result<Page, Fault>;
    /// OpenDHT's `rm`.
    async fn opendht_remove(&self, client: IpAddr, remove: Remove) -> Result<Outcome, Fault>;
}
