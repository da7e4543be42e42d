//! Service hosts: who offers what to everybody (the draft's join, lookup, leave). A core in memory: hosts join anew every few
//! minutes, so nothing is lost for long.
//!
//! A host's identifier is SHA-256 of namespace and host: nobody chooses where in the namespace they stand.

use std::collections::{BTreeMap, HashMap};

use corella_identity::Millis;
use libp2p::PeerId;
use openssl::sha::sha256;

use super::network::Network;
use super::refusal::Refusal;

/// How long a host stays without joining again.
pub const LIFE: Millis = 30 * 60 * 1000;
/// Longest namespace, host and service name in bytes.
pub const TEXT_LIMIT: usize = 255;
/// Most hosts in a namespace, and of one network in it.
const HOSTS: usize = 512;
const HOSTS_OF_NETWORK: usize = 16;
/// Most namespaces.
const NAMESPACES: usize = 256;
/// Most hosts of one answer.
const ANSWER: usize = 8;

/// A host's place in its namespace.
pub type Identifier = [u8; 32];

/// Somebody who offers a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Where it is, as a URI.
    pub host: String,
    /// What it offers: `relay`, `stun`, `turn`, `presence`, …
    pub service: String,
}

#[derive(Debug)]
struct Joined {
    host: Host,
    peer: PeerId,
    network: Network,
    expires: Millis,
}

/// The hosts that one node knows of.
#[derive(Debug, Default)]
pub struct Services(HashMap<String, BTreeMap<Identifier, Joined>>);

/// Where in its namespace a host stands.
pub fn identifier(namespace: &str, host: &str) -> Identifier {
    sha256(&[namespace.as_bytes(), &[0], host.as_bytes()].concat())
}

/// The hash by which the hosts of a namespace are found.
pub fn namespace_id(namespace: &str) -> [u8; 32] {
    sha256(&[b"corella namespace ", namespace.as_bytes()].concat())
}

impl Services {
    /// Adds a host, or lets it stay longer. Gives its identifier.
    ///
    /// # Errors
    /// Texts over the limits; another peer's host; no room.
    pub fn join(
        &mut self,
        namespace: &str,
        host: Host,
        peer: PeerId,
        network: Network,
        now: Millis,
    ) -> Result<Identifier, Refusal> {
        let texts = [namespace, &host.host, &host.service];
        if texts
            .iter()
            .any(|text| text.len() > TEXT_LIMIT || text.chars().any(char::is_control))
        {
            return Err(Refusal::TooLarge);
        }
        self.expire(now);
        if self.0.len() >= NAMESPACES && !self.0.contains_key(namespace) {
            return Err(Refusal::Full);
        }
        let identifier = identifier(namespace, &host.host);
        let hosts = self.0.entry(namespace.to_owned()).or_default();
        match hosts.get(&identifier) {
            Some(there) if there.peer != peer => return Err(Refusal::NotYours),
            Some(_) => {}
            None => {
                let of_network = hosts.values().filter(|joined| joined.network == network).count();
                if hosts.len() >= HOSTS || of_network >= HOSTS_OF_NETWORK {
                    return Err(Refusal::TooMany);
                }
            }
        }
        let expires = now + LIFE;
        hosts.insert(
            identifier,
            Joined {
                host,
                peer,
                network,
                expires,
            },
        );
        Ok(identifier)
    }

    /// Takes a host away that this peer brought. Whether it was there.
    pub fn leave(&mut self, namespace: &str, identifier: &Identifier, peer: &PeerId) -> bool {
        let Some(hosts) = self.0.get_mut(namespace) else {
            return false;
        };
        let is_theirs = hosts.get(identifier).is_some_and(|joined| joined.peer == *peer);
        if is_theirs {
            hosts.remove(identifier);
        }
        is_theirs
    }

    /// The hosts whose identifiers follow a place most immediately, in a circle.
    pub fn look_up(&self, namespace: &str, place: &Identifier, now: Millis) -> Vec<(Identifier, Host)> {
        let Some(hosts) = self.0.get(namespace) else {
            return Vec::new();
        };
        let following = hosts.range(*place..).chain(hosts.range(..*place));
        following
            .filter(|(_, joined)| joined.expires > now)
            .map(|(identifier, joined)| (*identifier, joined.host.clone()))
            .take(ANSWER)
            .collect()
    }

    fn expire(&mut self, now: Millis) {
        self.0.retain(|_, hosts| {
            hosts.retain(|_, joined| joined.expires > now);
            !hosts.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    const RELAYS: &str = "urn:example:relays";

    fn host(number: usize) -> Host {
        Host {
            host: format!("sip:host{number}.example.net"),
            service: "relay".to_owned(),
        }
    }

    fn network(number: usize) -> Network {
        Network::of([10, 0, u8::try_from(number).unwrap(), 1].into())
    }

    #[test]
    fn the_host_that_follows_a_place_is_found() {
        let mut services = Services::default();
        let mut identifiers: Vec<Identifier> = (0..20)
            .map(|number| {
                services
                    .join(RELAYS, host(number), PeerId::random(), network(number), NOW)
                    .unwrap()
            })
            .collect();
        identifiers.sort_unstable();
        let found = |place: &Identifier| services.look_up(RELAYS, place, NOW)[0].0;
        assert_eq!(found(&identifiers[3]), identifiers[3]);
        let mut after = identifiers[3];
        after[31] = after[31].wrapping_add(1);
        assert_eq!(found(&after), identifiers[4]);
        assert_eq!(found(&[0xff; 32]), identifiers[0]);
        assert!(services.look_up("urn:example:other", &[0; 32], NOW).is_empty());
        assert!(services.look_up(RELAYS, &[0; 32], NOW + LIFE).is_empty());
    }

    #[test]
    fn only_who_came_with_a_host_takes_it_away() {
        let mut services = Services::default();
        let (peer, other) = (PeerId::random(), PeerId::random());
        let identifier = services.join(RELAYS, host(1), peer, network(1), NOW).unwrap();
        assert_eq!(
            services.join(RELAYS, host(1), other, network(1), NOW),
            Err(Refusal::NotYours)
        );
        assert!(!services.leave(RELAYS, &identifier, &other));
        assert!(services.leave(RELAYS, &identifier, &peer));
        assert!(!services.leave(RELAYS, &identifier, &peer));
    }

    #[test]
    fn one_network_does_not_fill_a_namespace() {
        let mut services = Services::default();
        let joined = (0..100)
            .filter(|number| {
                services
                    .join(RELAYS, host(*number), PeerId::random(), network(1), NOW)
                    .is_ok()
            })
            .count();
        assert_eq!(joined, HOSTS_OF_NETWORK);
        assert!(
            services
                .join(RELAYS, host(200), PeerId::random(), network(2), NOW)
                .is_ok()
        );
        let long = Host {
            host: "x".repeat(TEXT_LIMIT + 1),
            ..host(1)
        };
        assert_eq!(
            services.join(RELAYS, long, PeerId::random(), network(3), NOW),
            Err(Refusal::TooLarge)
        );
        for number in 0..NAMESPACES {
            let _ = services.join(&format!("urn:{number}"), host(1), PeerId::random(), network(4), NOW);
        }
        assert_eq!(
            services.join("urn:more", host(1), PeerId::random(), network(5), NOW),
            Err(Refusal::Full)
        );
        assert!(
            services
                .join("urn:more", host(1), PeerId::random(), network(5), NOW + LIFE)
                .is_ok()
        );
    }
}
