//! Who may come in: counts of connections and calls.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Limits;

/// Counts connections in all, and connections and calls of each client.
#[derive(Clone)]
pub(super) struct Doors {
    counts: Arc<Mutex<Counts>>,
    connections: usize,
    connections_per_client: usize,
    calls_per_client: usize,
}

#[derive(Default)]
struct Counts {
    connections: usize,
    clients: HashMap<Network, Client>,
}

#[derive(Default)]
struct Client {
    connections: usize,
    calls: usize,
}

/// What is counted as one client.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

/// A connection's place; leaving it undoes the count.
pub(super) struct Place {
    doors: Doors,
    network: Network,
    address: IpAddr,
}

/// A call's place.
pub(super) struct CallPlace<'p>(&'p Place);

impl Doors {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            counts: Arc::default(),
            connections: limits.connections,
            connections_per_client: limits.connections_per_client,
            calls_per_client: limits.calls_per_client,
        }
    }

    /// A place for a connection from this address, if there is one.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let network = Network::of(address);
        let mut counts = self.counts();
        let held = counts.clients.get(&network).map_or(0, |client| client.connections);
        if counts.connections >= self.connections || held >= self.connections_per_client {
            return None;
        }
        counts.connections += 1;
        counts.clients.entry(network).or_default().connections += 1;
        Some(Place {
            doors: self.clone(),
            network,
            address,
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // The counts are whole whenever the lock is free: nothing panics between their changes.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Where the client is.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    /// A place for a call, if there is one.
    pub(super) fn call(&self) -> Option<CallPlace<'_>> {
        let mut counts = self.doors.counts();
        let client = counts.clients.entry(self.network).or_default();
        if client.calls >= self.doors.calls_per_client {
            return None;
        }
        client.calls += 1;
        Some(CallPlace(self))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.doors.counts();
        counts.connections = counts.connections.saturating_sub(1);
        if let Some(client) = counts.clients.get_mut(&self.network) {
            client.connections = client.connections.saturating_sub(1);
            if client.connections == 0 {
                counts.clients.remove(&self.network);
            }
        }
    }
}

impl Drop for CallPlace<'_> {
    fn drop(&mut self) {
        let mut counts = self.0.doors.counts();
        if let Some(client) = counts.clients.get_mut(&self.0.network) {
            client.calls = client.calls.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(connections: usize, connections_per_client: usize, calls_per_client: usize) -> Doors {
        Doors::new(&Limits {
            connections,
            connections_per_client,
            calls_per_client,
            ..Limits::default()
        })
    }

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_client_has_so_many_places_and_gets_them_back() {
        let doors = doors(10, 2, 1);
        let first = doors.enter(at("192.0.2.1")).unwrap();
        let second = doors.enter(at("::ffff:192.0.2.1")).unwrap();
        assert_eq!(second.address(), at("192.0.2.1"));
        assert!(doors.enter(at("192.0.2.1")).is_none());
        assert!(doors.enter(at("192.0.2.2")).is_some());
        drop(first);
        assert!(doors.enter(at("192.0.2.1")).is_some());
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let doors = doors(10, 1, 1);
        let _place = doors.enter(at("2001:db8::1")).unwrap();
        assert!(doors.enter(at("2001:db8::ffff:2")).is_none());
        assert!(doors.enter(at("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn all_clients_together_have_so_many_places() {
        let doors = doors(2, 2, 1);
        let places: Vec<_> = (1..=2)
            .map(|last| doors.enter(at(&format!("192.0.2.{last}"))).unwrap())
            .collect();
        assert!(doors.enter(at("192.0.2.3")).is_none());
        drop(places);
        assert!(doors.counts().clients.is_empty());
        assert_eq!(doors.counts().connections, 0);
    }

    #[test]
    fn calls_are_counted_over_all_connections_of_a_client() {
        let doors = doors(10, 2, 1);
        let (first, second) = (
            doors.enter(at("192.0.2.1")).unwrap(),
            doors.enter(at("192.0.2.1")).unwrap(),
        );
        let call = first.call().unwrap();
        assert!(second.call().is_none());
        drop(call);
        assert!(second.call().is_some());
    }
}
