//! Networks: whoever has one address has its neighbours too, so limits are by network.

use std::fmt;
use std::net::IpAddr;

/// An IPv4 /24 or an IPv6 /48.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network([u8; 7]);

impl Network {
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

    /// Its form in the register.
    pub fn bytes(&self) -> &[u8] {
        &self.0
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

    #[test]
    fn neighbours_are_one_network_and_others_are_not() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        for (one, other, is_same) in [
            ("198.51.100.0", "198.51.100.255", true),
            ("198.51.100.7", "198.51.101.7", false),
            ("2001:db8:1::1", "2001:db8:1:ffff:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1::1", "2001:db8:2::1", false),
            // An IPv4 address as a socket for both says it.
            ("::ffff:198.51.100.7", "198.51.100.200", true),
            ("::ffff:198.51.100.7", "::ffff:198.51.101.7", false),
            // The same bytes, and not the same network.
            ("1.2.3.4", "102:300::", false),
        ] {
            assert_eq!(network(one) == network(other), is_same, "{one} and {other}");
        }
        assert_eq!(format!("{:?}", network("198.51.100.7")), "Network");
    }
}
