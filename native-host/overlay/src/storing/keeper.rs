//! Answers the requests of the store protocol from what a node keeps, and says whom to tell of it. A core.

use std::collections::HashSet;

use corella_identity::{Fingerprint, Millis, trust::TrustAnchors};
use libp2p::PeerId;
use serde_bytes::{ByteArray, ByteBuf};

use super::network::Network;
use super::node::{Stored, StoringNode};
use super::opendht::{OpenDhtValue, Sha1};
use super::refusal::Refusal;
use super::services::{Host, Services};
use super::watches::Watches;
use crate::key::Key;
use crate::record::{Record, Ticket};
use crate::store_protocol::{HostAt, Request, Response, SECRETS, ValueAt};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// Its device.
    pub peer: PeerId,
    /// From where.
    pub network: Network,
}

/// A request's answer, and what follows from it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the asker hears.
    pub response: Response,
    /// Who watches what has changed, and what they hear.
    pub tell: Vec<(PeerId, Request)>,
}

/// A node's records and what belongs to them: who watches, who offers services.
#[derive(Debug)]
pub struct Keeper {
    pub(super) node: StoringNode,
    watches: Watches,
    services: Services,
}

impl Keeper {
    /// A keeper of a node's records.
    pub fn new(node: StoringNode) -> Self {
        Self {
            node,
            watches: Watches::default(),
            services: Services::default(),
        }
    }

    /// Trusts these authorities from now on.
    pub fn trust(&mut self, anchors: TrustAnchors) {
        self.node.trust(anchors);
    }

    /// Whose certificates the node's own user knows, from now on.
    pub fn know(&mut self, known: HashSet<Fingerprint>) {
        self.node.know(known);
    }

    /// A certificate of the node's own user. See [`StoringNode::own`].
    pub fn own(&mut self, own: Fingerprint) {
        self.node.own(own);
    }

    /// Forgets what is over.
    pub fn expire(&mut self, now: Millis) {
        if let Err(refusal) = self.node.expire(now) {
            tracing::debug!(%refusal, "what has expired stays for now");
        }
        self.watches.expire(now);
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &Request, asker: Asker, now: Millis) -> Answer {
        let mut tell = Vec::new();
        let response = match self.respond(request, asker, now, &mut tell) {
            Ok(response) => response,
            Err(refusal) => refusal.into(),
        };
        Answer { response, tell }
    }

    fn respond(
        &mut self,
        request: &Request,
        asker: Asker,
        now: Millis,
        tell: &mut Vec<(PeerId, Request)>,
    ) -> Result<Response, Refusal> {
        match request {
            Request::Put { record } => {
                let record = read(record, now)?;
                if self.node.put(&record, asker.network, now)? == Stored::New {
                    let watchers = self.watches.watchers_of(&record, now);
                    tell.extend(watchers.into_iter().filter(|peer| *peer != asker.peer).map(|peer| {
                        let record = record.to_xml().to_string();
                        (peer, Request::Changed { record })
                    }));
                }
                Ok(Response::Stored)
            }
            Request::Get { key, ticket, skip } => {
                let key = key_of(key)?;
                let reader = reader(&key, ticket.as_deref(), now)?;
                let page = self.node.get(&key, reader, *skip, now)?;
                Ok(Response::Records {
                    records: page.records,
                    more: page.more,
                })
            }
            Request::Find { digest, skip } => {
                let page = self.node.find(digest, *skip, now)?;
                Ok(Response::Records {
                    records: page.records,
                    more: page.more,
                })
            }
            Request::Remove { key, secrets } => {
                if secrets.len() > SECRETS {
                    return Err(Refusal::TooMany);
                }
                let secrets: Vec<[u8; 32]> = secrets.iter().map(|secret| secret.into_array()).collect();
                removed(self.node.remove(&key_of(key)?, &secrets, now)?)
            }
            Request::Watch { key, ticket } => {
                let key = key_of(key)?;
                let reader = reader(&key, ticket.as_deref(), now)?;
                if key.is_read_by_its_person_only() && reader.is_none() {
                    return Err(Refusal::NotYours);
                }
                self.watches.watch(asker, key.id(), reader, now)?;
                Ok(Response::Stored)
            }
            // It goes to who watches, which a storing node as such does not.
            Request::Changed { .. } => Ok(Response::Stored),
            Request::PutFragment { parent, bytes } => {
                self.node.put_fragment(&read(parent, now)?, bytes, asker.network, now)?;
                Ok(Response::Stored)
            }
            Request::PutImmutable { bytes, expires } => {
                self.node.put_immutable(bytes, *expires, asker.network, now)?;
                Ok(Response::Stored)
            }
            Request::GetFragment { hash } => Ok(Response::Fragment {
                bytes: self.node.get_fragment(hash, now)?.map(ByteBuf::from),
            }),
            Request::RemoveFragment { hash, secret } => removed(usize::from(self.node.remove_fragment(hash, secret)?)),
            Request::PutValue { .. } | Request::RemoveValue { .. } | Request::GetValues { .. } => {
                self.opendht(request, asker, now)
            }
            Request::Join { .. } | Request::Leave { .. } | Request::LookUp { .. } => self.service(request, asker, now),
        }
    }

    fn opendht(&mut self, request: &Request, asker: Asker, now: Millis) -> Result<Response, Refusal> {
        match request {
            Request::PutValue {
                key,
                value,
                secret_hash,
                expires,
            } => {
                let value = OpenDhtValue {
                    value: value.to_vec(),
                    secret_hash: secret_hash.map(ByteArray::into_array),
                    expires: *expires,
                    secret: None,
                };
                self.node.put_value(key, &value, asker.network, now)?;
                Ok(Response::Stored)
            }
            Request::RemoveValue {
                key,
                value_hash,
                secret,
                expires,
            } => {
                self.node
                    .remove_value(key, value_hash, secret, *expires, asker.network, now)?;
                Ok(Response::Stored)
            }
            Request::GetValues { key, after } => {
                let after = after
                    .as_ref()
                    .map(|(value, secret)| (value.into_array(), secret.to_vec()));
                let values = self.node.values(key, after.as_ref(), now)?;
                Ok(Response::Values {
                    values: values.into_iter().map(value_at).collect(),
                })
            }
            _ => Err(Refusal::Malformed),
        }
    }

    fn service(&mut self, request: &Request, asker: Asker, now: Millis) -> Result<Response, Refusal> {
        match request {
            Request::Join {
                namespace,
                host,
                service,
            } => {
                let host = Host {
                    host: host.clone(),
                    service: service.clone(),
                };
                let identifier = self.services.join(namespace, host, asker.peer, asker.network, now)?;
                Ok(Response::Joined {
                    identifier: identifier.into(),
                })
            }
            Request::Leave { namespace, identifier } => {
                removed(usize::from(self.services.leave(namespace, identifier, &asker.peer)))
            }
            Request::LookUp { namespace, place } => {
                let hosts = self.services.look_up(namespace, place, now).into_iter();
                let hosts = hosts.map(|(identifier, host)| HostAt {
                    identifier: identifier.into(),
                    host: host.host,
                    service: host.service,
                });
                Ok(Response::Hosts { hosts: hosts.collect() })
            }
            _ => Err(Refusal::Malformed),
        }
    }
}

fn read(xml: &str, now: Millis) -> Result<Record, Refusal> {
    Record::from_xml(xml.as_bytes(), now).map_err(|error| Refusal::from(&error))
}

fn key_of(text: &str) -> Result<Key, Refusal> {
    Key::from_text(text).map_err(|_| Refusal::Malformed)
}

/// The credential that a ticket for this key was signed with.
fn reader(key: &Key, ticket: Option<&str>, now: Millis) -> Result<Option<Fingerprint>, Refusal> {
    let Some(ticket) = ticket.filter(|_| key.is_read_by_its_person_only()) else {
        return Ok(None);
    };
    let ticket = Ticket::from_xml(ticket.as_bytes(), now).map_err(|error| Refusal::from(&error))?;
    if ticket.key() == key {
        Ok(Some(ticket.reader()))
    } else {
        Err(Refusal::NotYours)
    }
}

fn removed(count: usize) -> Result<Response, Refusal> {
    Ok(Response::Removed {
        count: u32::try_from(count).unwrap_or(u32::MAX),
    })
}

fn value_at((hash, value): (Sha1, OpenDhtValue)) -> ValueAt {
    ValueAt {
        hash: hash.into(),
        value: value.value.into(),
        secret_hash: value.secret_hash.map(ByteArray::new),
        expires: value.expires,
        secret: value.secret.map(ByteBuf::from),
    }
}
