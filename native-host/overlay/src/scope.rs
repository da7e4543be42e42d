//! How far an address reaches: only within the machine, within the local network, or everywhere.

use std::net::IpAddr;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// From where an address can be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// From the same machine.
    Loopback,
    /// From the same local network.
    Private,
    /// From everywhere, through a relay.
    Relayed,
    /// From everywhere.
    Public,
}

impl Scope {
    /// The scope of an address; names count as public.
    pub(crate) fn of(address: &Multiaddr) -> Self {
        if address.iter().any(|part| part == Protocol::P2pCircuit) {
            return Self::Relayed;
        }
        match ip_of(address) {
            Some(ip) if ip.is_loopback() => Self::Loopback,
            Some(ip) if is_private(ip) => Self::Private,
            _ => Self::Public,
        }
    }

    /// Whether an address of this scope, told by a peer, makes sense to us, who reached that peer at an address of scope
    /// `reached`. Another machine's loopback address would lead back to ourselves.
    pub(crate) fn makes_sense_at(self, reached: Self) -> bool {
        match self {
            Self::Loopback => reached == Self::Loopback,
            Self::Private => matches!(reached, Self::Loopback | Self::Private),
            Self::Relayed | Self::Public => true,
        }
    }
}

/// The IP address that a multiaddr begins with.
pub(crate) fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        // 100.64.0.0/10 is what carriers use behind their own NATs (RFC 6598).
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            ip.is_private() || ip.is_link_local() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Of the addresses in another device's contact record, those worth dialling from here. Loopback addresses are, if the
/// record shows that the device is on this machine: it shares another address with us, or has none but loopback ones.
pub(crate) fn worth_dialling(addresses: &[Multiaddr], own: &[Multiaddr]) -> Vec<Multiaddr> {
    let own_ips: Vec<IpAddr> = own
        .iter()
        .filter(|address| Scope::of(address) != Scope::Loopback)
        .filter_map(ip_of)
        .collect();
    let is_loopback = |address: &&Multiaddr| Scope::of(address) == Scope::Loopback;
    let shares_an_address = addresses
        .iter()
        .filter(|address| Scope::of(address) != Scope::Relayed)
        .filter_map(ip_of)
        .any(|ip| own_ips.contains(&ip));
    let on_this_machine = shares_an_address || addresses.iter().all(|address| is_loopback(&address));
    addresses
        .iter()
        .filter(|address| on_this_machine || !is_loopback(address))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(texts: &[&str]) -> Vec<Multiaddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn addresses_reach_as_far_as_they_do() {
        let relay = "/ip4/10.0.0.1/tcp/1/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N/p2p-circuit";
        for (text, scope) in [
            ("/ip4/127.0.0.1/tcp/1", Scope::Loopback),
            ("/ip4/127.8.0.1/udp/1/quic-v1", Scope::Loopback),
            ("/ip6/::1/tcp/1", Scope::Loopback),
            ("/ip4/10.0.0.1/tcp/1", Scope::Private),
            ("/ip4/172.17.0.2/tcp/1", Scope::Private),
            ("/ip4/192.168.0.1/tcp/1", Scope::Private),
            ("/ip4/169.254.0.1/tcp/1", Scope::Private),
            ("/ip4/100.64.0.1/tcp/1", Scope::Private),
            ("/ip6/fd00::1/tcp/1", Scope::Private),
            ("/ip6/fe80::1/tcp/1", Scope::Private),
            ("/ip4/100.128.0.1/tcp/1", Scope::Public),
            ("/ip4/192.0.2.1/tcp/1", Scope::Public),
            ("/ip6/2001:db8::1/tcp/1", Scope::Public),
            ("/dns4/example.net/tcp/1", Scope::Public),
            (relay, Scope::Relayed),
        ] {
            assert_eq!(Scope::of(&text.parse().unwrap()), scope, "{text}");
        }
    }

    #[test]
    fn another_machines_loopback_is_not_dialled() {
        let record = all(&["/ip4/192.0.2.1/tcp/1", "/ip4/10.0.0.7/tcp/1", "/ip4/127.0.0.1/tcp/1"]);
        let elsewhere = all(&["/ip4/127.0.0.1/tcp/2", "/ip4/10.0.0.8/tcp/2"]);
        assert_eq!(worth_dialling(&record, &elsewhere), record[..2]);
        let same_machine = all(&["/ip4/127.0.0.1/tcp/2", "/ip4/10.0.0.7/tcp/2"]);
        assert_eq!(worth_dialling(&record, &same_machine), record);
        let only_loopback = all(&["/ip4/127.0.0.1/tcp/1"]);
        assert_eq!(worth_dialling(&only_loopback, &elsewhere), only_loopback);
        // A shared relay does not make one machine of two.
        let relay = "/ip4/10.0.0.8/tcp/1/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N/p2p-circuit";
        let record = all(&[relay, "/ip4/127.0.0.1/tcp/1"]);
        assert_eq!(worth_dialling(&record, &elsewhere), record[..1]);
    }
}
