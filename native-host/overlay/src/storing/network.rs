//! Networks: whoever has one address has its neighbours too, so room is shared out by network and not by address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p::Multiaddr;

use crate::scope::ip_of;

/// The network from which something came: an IPv4 /24, an IPv6 /48, or this device itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network([u8; 7]);

impl Network {
    /// This device itself.
    pub const OWN: Self = Self([0; 7]);
    /// Somewhere: the other end of a connection that has no IP address.
    pub const UNKNOWN: Self = Self([1, 0, 0, 0, 0, 0, 0]);

    /// The network of an address. An IPv4 address in IPv6 form counts as what it is.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Self([4, a, b, c, 0, 0, 0])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, ..] = ip.octets();
                Self([6, a, b, c, d, e, f])
            }
        }
    }

    /// The network at the other end of a connection; of a relayed one, the relay's.
    pub fn of_address(address: &Multiaddr) -> Self {
        ip_of(address).map_or(Self::UNKNOWN, Self::of)
    }

    /// The network, unless it is this machine: everybody there has one address, `127.0.0.1` or `::1`, without being one.
    pub(crate) fn unless_local(self) -> Option<Self> {
        let local = [
            Self::of(Ipv4Addr::LOCALHOST.into()),
            Self::of(Ipv6Addr::LOCALHOST.into()),
        ];
        (self != Self::OWN && self != Self::UNKNOWN && !local.contains(&self)).then_some(self)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Network {
    /// Addresses reach no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(ip: &str) -> Network {
        Network::of(ip.parse().unwrap())
    }

    #[test]
    fn neighbours_are_one_network() {
        assert_eq!(network("192.0.2.1"), network("192.0.2.200"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.9"));
        assert_ne!(network("192.0.2.1"), network("192.0.3.1"));
        assert_eq!(network("2001:db8:7::1"), network("2001:db8:7:ffff::2"));
        assert_ne!(network("2001:db8:7::1"), network("2001:db8:8::1"));
        let relayed: Multiaddr = "/ip4/192.0.2.1/tcp/1/p2p-circuit".parse().unwrap();
        assert_eq!(Network::of_address(&relayed), network("192.0.2.1"));
        assert_eq!(Network::of_address(&Multiaddr::empty()), Network::UNKNOWN);
        assert_eq!(network("127.0.0.1").unless_local(), None);
        assert_eq!(network("::1").unless_local(), None);
        assert_eq!(Network::OWN.unless_local(), None);
        assert!(network("127.0.1.1").unless_local().is_some());
        assert!(network("192.168.1.1").unless_local().is_some());
    }
}
