//! The gateway's calls, carried out by a node.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use corella_gateway::{
    Backend,
    draft::{Content, Digest, DigestAlgorithm, Immutable, Key as WireKey, Service, ServiceHost},
    opendht::{Get, Outcome, Page, Put, Remove, Stored},
    xmlrpc::{Fault, fault},
};
use corella_identity::Millis;
use corella_overlay::{
    Clock, Kademlia, Key, LocationError, LocationService, PutReport, Record, Ticket, ValueReport,
    rate::Rates,
    record::Sealed,
    storing::{After, Network, OpenDhtValue, Refusal, services::Host},
};
use openssl::sha::{sha1, sha256};

/// What one write takes of its network's time, and how much of that may be taken in one go: 500 writes, then 50 a second.
const WRITE: Millis = 20;
const BURST: Millis = 500 * WRITE;
/// Records with a list of fragments that came lately: whoever puts such a fragment next need not send them again.
const PARENTS: usize = 256;
/// How long unsigned bytes are kept if nobody says how long: a week, as long as they may be.
const LONGEST: Millis = 7 * 24 * 60 * 60 * 1000;

/// A node behind a gateway.
pub(super) struct NodeBackend {
    node: Kademlia,
    clock: Clock,
    /// Storing nodes see only the gateway, so it shares out what it may write among those who write through it.
    rates: Mutex<Rates<Network>>,
    parents: Mutex<Vec<Record>>,
}

impl NodeBackend {
    pub(super) fn new(node: Kademlia, clock: Clock) -> Self {
        Self {
            node,
            clock,
            rates: Mutex::new(Rates::new(BURST)),
            parents: Mutex::default(),
        }
    }

    fn may_write(&self, client: IpAddr) -> bool {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.admit(Network::of(client), WRITE, self.clock.now())
    }

    fn writes(&self, client: IpAddr) -> Result<(), Fault> {
        if self.may_write(client) {
            Ok(())
        } else {
            Err(Fault::new(
                fault::BUSY,
                "too many writes from this network; try again later",
            ))
        }
    }

    async fn put_record(&self, record: &Record) -> Result<bool, Fault> {
        if let Some(Sealed::Fragments(_)) = record.value().sealed() {
            let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
            parents.retain(|parent| parent.content() != record.content());
            if parents.len() == PARENTS {
                parents.remove(0);
            }
            parents.push(record.clone());
        }
        done(&self.node.put(record).await.map_err(unavailable)?)
    }

    /// The record that lists these bytes, if it came lately.
    fn parent_of(&self, bytes: &[u8]) -> Option<Record> {
        let parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        let lists = |record: &&Record| match record.value().sealed() {
            Some(Sealed::Fragments(fragments)) => fragments.check(bytes).is_ok(),
            _ => false,
        };
        parents.iter().rev().find(lists).cloned()
    }

    async fn records(&self, key: &WireKey) -> Result<Vec<Record>, Fault> {
        match key {
            WireKey::Clear(text) => self.node.get(&clear(text)?).await.map_err(unavailable),
            WireKey::Digest(digest) => self.node.find(&sha256_of(digest)?).await.map_err(unavailable),
            WireKey::Bytes(_) => Err(refused(Refusal::Malformed)),
        }
    }
}

/// A refusal by name, which reaches the writer; with `not-newer` the sequence of what is kept.
fn refused(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::NotNewer { held } => Fault::new(fault::REFUSED, format!("not-newer {held}")),
        other => Fault::new(fault::REFUSED, other.name()),
    }
}

fn unavailable(_: LocationError) -> Fault {
    Fault::new(fault::UNAVAILABLE, "the overlay does not answer")
}

/// Whether it is kept anywhere; if not, why.
fn done(report: &PutReport) -> Result<bool, Fault> {
    if !report.stored.is_empty() {
        return Ok(true);
    }
    match report.refused.first() {
        Some((_, refusal)) => Err(refused(*refusal)),
        None => Ok(false),
    }
}

fn clear(text: &str) -> Result<Key, Fault> {
    Key::from_text(text).map_err(|_| refused(Refusal::Malformed))
}

fn sha256_of(digest: &Digest) -> Result<[u8; 32], Fault> {
    match (digest.algorithm, <[u8; 32]>::try_from(digest.value.as_slice())) {
        (DigestAlgorithm::Sha256, Ok(hash)) => Ok(hash),
        _ => Err(Fault::new(fault::PARAMS, "keys are hashed with SHA-256 here")),
    }
}

fn texts(records: Vec<Record>) -> Vec<String> {
    records.iter().map(|record| record.to_xml().to_string()).collect()
}

fn is_by(record: &Record, writer: &Digest) -> bool {
    let key = record.signer().public_key_der().unwrap_or_default();
    match writer.algorithm {
        DigestAlgorithm::Sha1 => sha1(&key)[..] == writer.value,
        DigestAlgorithm::Sha256 => sha256(&key)[..] == writer.value,
    }
}

/// Namespace and the rest of a service, which every call needs.
fn namespace(service: &Service) -> Result<&str, Fault> {
    let missing = || Fault::new(fault::PARAMS, "the dhtService has no namespace");
    service.namespace.as_deref().ok_or_else(missing)
}

/// Where in the circle of identifiers a key is.
fn place(key: Option<&WireKey>) -> Result<[u8; 32], Fault> {
    match key {
        None => Ok([0; 32]),
        Some(WireKey::Clear(text)) => Ok(sha256(text.as_bytes())),
        Some(WireKey::Bytes(bytes)) => Ok(sha256(bytes)),
        Some(WireKey::Digest(digest)) => sha256_of(digest),
    }
}

fn identifier(bytes: [u8; 32]) -> Option<WireKey> {
    Digest::new(DigestAlgorithm::Sha256, bytes.to_vec()).map(WireKey::Digest)
}

#[async_trait]
impl Backend for NodeBackend {
    async fn put_auth(&self, client: IpAddr, record: String) -> Result<bool, Fault> {
        self.writes(client)?;
        let record = Record::from_xml(record.as_bytes(), self.clock.now());
        self.put_record(&record.map_err(|error| refused(Refusal::from(&error)))?)
            .await
    }

    async fn remove_auth(&self, client: IpAddr, record: String) -> Result<bool, Fault> {
        self.writes(client)?;
        let record = Record::from_xml(record.as_bytes(), self.clock.now());
        let record = record.map_err(|error| refused(Refusal::from(&error)))?;
        if !record.is_removal() {
            return Err(refused(Refusal::Malformed));
        }
        self.put_record(&record).await
    }

    async fn remove_by_secret(&self, client: IpAddr, key: WireKey, secret: Vec<u8>) -> Result<bool, Fault> {
        self.writes(client)?;
        let secret: [u8; 32] = secret.try_into().map_err(|_| refused(Refusal::Malformed))?;
        match key {
            WireKey::Clear(text) => {
                let heard = self.node.remove(&clear(&text)?, &[secret]).await;
                Ok(heard.map_err(unavailable)? > 0)
            }
            WireKey::Digest(digest) => {
                let hash = sha256_of(&digest)?;
                self.node.remove_fragment(&hash, &secret).await.map_err(unavailable)?;
                Ok(true)
            }
            WireKey::Bytes(_) => Err(refused(Refusal::Malformed)),
        }
    }

    async fn get_auth(&self, _: IpAddr, key: WireKey, writer: Digest) -> Result<Vec<String>, Fault> {
        let mut records = self.records(&key).await?;
        records.retain(|record| is_by(record, &writer));
        Ok(texts(records))
    }

    async fn get(&self, _: IpAddr, key: WireKey) -> Result<Vec<String>, Fault> {
        if let WireKey::Clear(text) = &key
            && clear(text)?.is_read_by_its_person_only()
        {
            return Err(refused(Refusal::NotYours));
        }
        Ok(texts(self.records(&key).await?))
    }

    async fn read(&self, _: IpAddr, ticket: String) -> Result<Vec<String>, Fault> {
        let ticket = Ticket::from_xml(ticket.as_bytes(), self.clock.now());
        let ticket = ticket.map_err(|error| refused(Refusal::from(&error)))?;
        Ok(texts(self.node.read(&ticket).await.map_err(unavailable)?))
    }

    async fn put_immut(&self, client: IpAddr, value: Immutable) -> Result<bool, Fault> {
        self.writes(client)?;
        let (bytes, now) = (value.content.as_bytes(), self.clock.now());
        if let Some(parent) = self.parent_of(bytes) {
            let kept = self.node.put_fragment(&parent, bytes).await;
            return Ok(kept.map_err(unavailable)? > 0);
        }
        let expires = value
            .expires
            .map_or(now + LONGEST, |expires| expires.min(now + LONGEST));
        done(&self.node.put_immutable(bytes, expires).await.map_err(unavailable)?)
    }

    async fn get_immut(&self, _: IpAddr, key: WireKey) -> Result<Option<Immutable>, Fault> {
        let WireKey::Digest(digest) = key else {
            return Err(Fault::new(fault::PARAMS, "an immutable value is found by its hash"));
        };
        let found = self
            .node
            .get_fragment(&sha256_of(&digest)?)
            .await
            .map_err(unavailable)?;
        Ok(found.map(|bytes| Immutable {
            content: Content::Bytes(bytes),
            expires: None,
        }))
    }

    async fn join(&self, client: IpAddr, service: Service) -> Result<Service, Fault> {
        self.writes(client)?;
        let name = namespace(&service)?;
        let [host] = &service.hosts[..] else {
            return Err(Fault::new(fault::PARAMS, "one serviceHost joins at a time"));
        };
        let host = Host {
            host: host.uri.clone(),
            service: host.service.clone().unwrap_or_default(),
        };
        let joined = self.node.join(name, &host).await.map_err(unavailable)?;
        let at = joined.ok_or_else(|| refused(Refusal::TooMany))?;
        Ok(Service {
            host_identifier: identifier(at),
            ..service
        })
    }

    async fn lookup(&self, _: IpAddr, service: Service) -> Result<Service, Fault> {
        let name = namespace(&service)?;
        let place = place(service.key.as_ref())?;
        let found = self.node.look_up(name, &place).await.map_err(unavailable)?;
        let wanted = service.hosts.first().and_then(|host| host.service.clone());
        let nearest = found
            .into_iter()
            .find(|(_, host)| wanted.as_ref().is_none_or(|wanted| *wanted == host.service));
        Ok(match nearest {
            Some((at, host)) => Service {
                namespace: service.namespace,
                key: service.key,
                host_identifier: identifier(at),
                hosts: vec![ServiceHost {
                    uri: host.host,
                    service: Some(host.service).filter(|service| !service.is_empty()),
                }],
            },
            None => Service {
                hosts: Vec::new(),
                ..service
            },
        })
    }

    async fn leave(&self, client: IpAddr, service: Service) -> Result<bool, Fault> {
        self.writes(client)?;
        let name = namespace(&service)?;
        let Some(WireKey::Digest(at)) = &service.host_identifier else {
            return Err(Fault::new(fault::PARAMS, "the dhtService has no hostIdentifier"));
        };
        self.node.leave(name, &sha256_of(at)?).await.map_err(unavailable)
    }

    async fn opendht_put(&self, client: IpAddr, put: Put) -> Result<Outcome, Fault> {
        if !self.may_write(client) {
            return Ok(Outcome::Again);
        }
        // OpenDHT took a life of no time at all, and kept nothing.
        if put.ttl == 0 {
            return Ok(Outcome::Success);
        }
        let value = OpenDhtValue {
            value: put.value,
            secret_hash: put.secret_hash.map(padded),
            expires: self.clock.now() + Millis::from(put.ttl) * 1000,
            secret: None,
        };
        let report = self.node.put_value(&put.key.0, &value).await;
        Ok(outcome(&report.map_err(unavailable)?))
    }

    async fn opendht_get(&self, _: IpAddr, get: Get) -> Result<Page, Fault> {
        let after = after(&get.placemark)?;
        let (mut found, mut next) = self
            .node
            .values(&get.key.0, after.as_ref())
            .await
            .map_err(unavailable)?;
        let limit = usize::from(get.maxvals);
        if found.len() > limit {
            found.truncate(limit);
            next = found.last().map(|(at, _)| at.clone());
        }
        let now = self.clock.now();
        let stored = found.into_iter().map(|(_, value)| Stored {
            ttl: u32::try_from((value.expires - now) / 1000).unwrap_or(0),
            value: value.value,
            secret_hash: value.secret_hash.map(|hash| hash.to_vec()),
        });
        Ok(Page {
            values: stored.collect(),
            placemark: next
                .map(|(value, secret)| [&value[..], &secret].concat())
                .unwrap_or_default(),
        })
    }

    async fn opendht_remove(&self, client: IpAddr, remove: Remove) -> Result<Outcome, Fault> {
        if !self.may_write(client) {
            return Ok(Outcome::Again);
        }
        if remove.ttl == 0 {
            return Ok(Outcome::Success);
        }
        let (hash, expires) = (
            padded(remove.value_hash),
            self.clock.now() + Millis::from(remove.ttl) * 1000,
        );
        let report = self
            .node
            .remove_value(&remove.key.0, &hash, &remove.secret, expires)
            .await;
        Ok(outcome(&report.map_err(unavailable)?))
    }
}

/// A hash of at most 20 bytes is a number, as OpenDHT saw it.
fn padded(hash: Vec<u8>) -> [u8; 20] {
    let mut padded = [0; 20];
    let start = padded.len().saturating_sub(hash.len());
    for (to, from) in padded[start..].iter_mut().zip(&hash) {
        *to = *from;
    }
    padded
}

fn outcome(report: &ValueReport) -> Outcome {
    let is_full = |refusal: &Refusal| matches!(refusal, Refusal::Full | Refusal::TooMany);
    if report.stored > 0 {
        Outcome::Success
    } else if report.refused.iter().any(is_full) {
        Outcome::Capacity
    } else {
        Outcome::Again
    }
}

/// A placemark is where the last page ended: the hash of the value, then that of its secret.
fn after(placemark: &[u8]) -> Result<Option<After>, Fault> {
    let Some((value, secret)) = placemark.split_first_chunk::<20>() else {
        return match placemark {
            [] => Ok(None),
            _ => Err(Fault::new(fault::PARAMS, "this placemark is none of ours")),
        };
    };
    match secret.len() {
        0 | 20 => Ok(Some((*value, secret.to_vec()))),
        _ => Err(Fault::new(fault::PARAMS, "this placemark is none of ours")),
    }
}
