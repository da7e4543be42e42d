//! A backend that keeps everything in memory and believes everybody.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use corella_gateway::Backend;
use corella_gateway::draft::{Digest, DigestAlgorithm, Immutable, Key, Service};
use corella_gateway::opendht::{self, Get, Outcome, Page, Put, Remove, Stored};
use corella_gateway::xmlrpc::{Fault, fault};
use openssl::sha::sha1;

/// What is stored. A put is known by the hashes of its value and of its secret.
#[derive(Default)]
pub(crate) struct Memory {
    shelves: Mutex<Shelves>,
    /// How long each call takes.
    delay: Duration,
    running: AtomicUsize,
}

/// The hashes of value and secret, and the value and its end.
type Shelf = BTreeMap<([u8; 20], Vec<u8>), (Vec<u8>, Instant)>;

#[derive(Default)]
struct Shelves {
    values: HashMap<opendht::Key, Shelf>,
    records: Vec<String>,
    immutable: HashMap<Vec<u8>, Immutable>,
    hosts: Service,
    callers: Vec<IpAddr>,
}

impl Memory {
    /// A memory that takes so long for each call.
    pub(crate) fn with(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }

    /// Who called, in order.
    pub(crate) fn callers(&self) -> Vec<IpAddr> {
        self.lock().callers.clone()
    }

    /// How many calls run.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn shelves(&self, client: IpAddr) -> MutexGuard<'_, Shelves> {
        let _running = Running::new(&self.running);
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let mut shelves = self.lock();
        shelves.callers.push(client);
        shelves
    }
}

/// Counts a call while it runs, however it ends.
struct Running<'c>(&'c AtomicUsize);

impl<'c> Running<'c> {
    fn new(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Backend for Memory {
    async fn put_auth(&self, client: IpAddr, record: String) -> Result<bool, Fault> {
        if !record.starts_with("<dhtRecord ") {
            return Err(Fault::new(fault::REFUSED, "malformed"));
        }
        self.shelves(client).await.records.push(record);
        Ok(true)
    }

    async fn remove_auth(&self, client: IpAddr, record: String) -> Result<bool, Fault> {
        let records = &mut self.shelves(client).await.records;
        let before = records.len();
        records.retain(|held| *held != record);
        Ok(records.len() < before)
    }

    async fn remove_by_secret(&self, client: IpAddr, _: Key, secret: Vec<u8>) -> Result<bool, Fault> {
        drop(self.shelves(client).await);
        Ok(secret == b"secret")
    }

    async fn read(&self, client: IpAddr, ticket: String) -> Result<Vec<String>, Fault> {
        let shelves = self.shelves(client).await;
        let matching = shelves.records.iter().filter(|record| ticket.contains(&record[..20]));
        Ok(matching.cloned().collect())
    }

    async fn get_auth(&self, client: IpAddr, key: Key, _writer: Digest) -> Result<Vec<String>, Fault> {
        self.get(client, key).await
    }

    async fn get(&self, client: IpAddr, key: Key) -> Result<Vec<String>, Fault> {
        let Key::Clear(key) = key else {
            return Ok(Vec::new());
        };
        let shelves = self.shelves(client).await;
        let matching = shelves.records.iter().filter(|record| record.contains(&key));
        Ok(matching.cloned().collect())
    }

    async fn put_immut(&self, client: IpAddr, value: Immutable) -> Result<bool, Fault> {
        let key = sha1(value.content.as_bytes()).to_vec();
        self.shelves(client).await.immutable.insert(key, value);
        Ok(true)
    }

    async fn get_immut(&self, client: IpAddr, key: Key) -> Result<Option<Immutable>, Fault> {
        match key {
            Key::Digest(digest) if digest.algorithm == DigestAlgorithm::Sha1 => {
                Ok(self.shelves(client).await.immutable.get(&digest.value).cloned())
            }
            _ => Ok(None),
        }
    }

    async fn join(&self, client: IpAddr, service: Service) -> Result<Service, Fault> {
        let mut shelves = self.shelves(client).await;
        shelves.hosts = service;
        shelves.hosts.host_identifier = Some(Key::Bytes(vec![1; 20]));
        Ok(shelves.hosts.clone())
    }

    async fn lookup(&self, client: IpAddr, _service: Service) -> Result<Service, Fault> {
        Ok(self.shelves(client).await.hosts.clone())
    }

    async fn leave(&self, client: IpAddr, _service: Service) -> Result<bool, Fault> {
        self.shelves(client).await.hosts = Service::default();
        Ok(true)
    }

    async fn opendht_put(&self, client: IpAddr, put: Put) -> Result<Outcome, Fault> {
        let mut shelves = self.shelves(client).await;
        let end = Instant::now() + Duration::from_secs(put.ttl.into());
        let name = (sha1(&put.value), put.secret_hash.unwrap_or_default());
        shelves
            .values
            .entry(put.key)
            .or_default()
            .insert(name, (put.value, end));
        Ok(Outcome::Success)
    }

    /// The placemark is how many were listed before.
    async fn opendht_get(&self, client: IpAddr, get: Get) -> Result<Page, Fault> {
        let Ok(placemark) = get
            .placemark
            .try_into()
            .or_else(|old: Vec<u8>| if old.is_empty() { Ok([0; 4]) } else { Err(()) })
        else {
            return Err(Fault::new(fault::PARAMS, "placemark is none of ours"));
        };
        let before = u32::from_be_bytes(placemark) as usize;
        let shelves = self.shelves(client).await;
        let now = Instant::now();
        let held = shelves.values.get(&get.key).into_iter().flatten();
        let live: Vec<_> = held.filter(|(_, (_, end))| *end > now).collect();
        let listed = live.iter().skip(before).take(get.maxvals.into());
        let values: Vec<_> = listed
            .map(|((_, secret_hash), (value, end))| Stored {
                value: value.clone(),
                ttl: u32::try_from((*end - now).as_secs()).unwrap_or(u32::MAX),
                secret_hash: Some(secret_hash.clone()).filter(|hash| !hash.is_empty()),
            })
            .collect();
        let next = before + values.len();
        let more = next < live.len();
        let placemark = u32::try_from(next).unwrap_or(u32::MAX).to_be_bytes();
        Ok(Page {
            values,
            placemark: if more { placemark.to_vec() } else { Vec::new() },
        })
    }

    async fn opendht_remove(&self, client: IpAddr, remove: Remove) -> Result<Outcome, Fault> {
        let secret_hash = sha1(&remove.secret).to_vec();
        let mut shelves = self.shelves(client).await;
        if let Some(held) = shelves.values.get_mut(&remove.key) {
            held.retain(|(value, secret), _| value.as_slice() != remove.value_hash || *secret != secret_hash);
        }
        Ok(Outcome::Success)
    }
}
