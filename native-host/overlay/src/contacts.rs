//! Contacts: where one device of a person can be reached (the draft's `contacts`, one `contact` for each address).
//!
//! A contact is a SIP URI whose host names the device ([`crate::peer_host`]); the parameter `multiaddr` says where its
//! libp2p listener is:
//!
//! ```text
//! sip:bob@b….peer.invalid;transport=tls;multiaddr=/ip4/192.0.2.1/tcp/4001
//! ```
//!
//! `/` and `:` may stand in a SIP URI parameter as they are (RFC 3261 section 25.1, `param-unreserved`), and nothing
//! else of a multiaddr needs escapes. A device that went off line says so with one contact without `multiaddr`.

use std::net::IpAddr;

use corella_identity::AddressOfRecord;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use thiserror::Error;

use crate::peer_host::{host_of, peer_of};

/// Most addresses of one device.
pub const ADDRESS_LIMIT: usize = 12;
/// Longest multiaddr as text, in bytes.
const ADDRESS_LENGTH_LIMIT: usize = 200;

const TRANSPORT: &str = ";transport=tls";
const MULTIADDR: &str = ";multiaddr=";

/// Where one device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactSet {
    /// The device.
    pub peer: PeerId,
    /// Its listeners, best first, without the device's own `/p2p/…`. Empty: it is off line.
    pub addresses: Vec<Multiaddr>,
}

/// What is wrong with a set of contacts. It does not repeat the contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ContactError {
    /// There is no contact at all.
    #[error("there is no contact")]
    None,
    /// More than [`ADDRESS_LIMIT`] addresses.
    #[error("a device has at most {ADDRESS_LIMIT} addresses")]
    TooMany,
    /// Not `sip:user@b….peer.invalid;transport=tls[;multiaddr=…]` with the user of the record's key.
    #[error("a contact is not of the form sip:user@b….peer.invalid;transport=tls;multiaddr=…")]
    Form,
    /// The contacts name several devices, or one of them several times without an address.
    #[error("the contacts are not those of one device")]
    SeveralDevices,
    /// An address that is no multiaddr, not in canonical form, or not of an allowed kind.
    #[error("a contact has an address of a kind that is not dialled")]
    Address,
}

impl ContactSet {
    /// The texts of the `contact` elements.
    ///
    /// # Errors
    /// [`ContactError::TooMany`], [`ContactError::Address`].
    pub fn contacts(&self, user: &AddressOfRecord) -> Result<Vec<String>, ContactError> {
        if self.addresses.len() > ADDRESS_LIMIT {
            return Err(ContactError::TooMany);
        }
        let device = device_uri(user, &self.peer);
        if self.addresses.is_empty() {
            return Ok(vec![device]);
        }
        self.addresses
            .iter()
            .map(|address| {
                if is_dialled(address) {
                    Ok(format!("{device}{MULTIADDR}{address}"))
                } else {
                    Err(ContactError::Address)
                }
            })
            .collect()
    }

    /// Reads the texts of the `contact` elements of one record. What it takes, [`ContactSet::contacts`] gives back byte
    /// for byte.
    ///
    /// # Errors
    /// Each kind of [`ContactError`].
    pub fn from_contacts(user: &AddressOfRecord, contacts: &[String]) -> Result<Self, ContactError> {
        let first = contacts.first().ok_or(ContactError::None)?;
        if contacts.len() > ADDRESS_LIMIT {
            return Err(ContactError::TooMany);
        }
        let peer = device_in(first)?;
        let device = device_uri(user, &peer);
        let mut addresses = Vec::new();
        for contact in contacts {
            if device_in(contact)? != peer {
                return Err(ContactError::SeveralDevices);
            }
            match contact.strip_prefix(&device).ok_or(ContactError::Form)? {
                "" if contacts.len() == 1 => {}
                "" => return Err(ContactError::SeveralDevices),
                rest => addresses.push(address(rest.strip_prefix(MULTIADDR).ok_or(ContactError::Form)?)?),
            }
        }
        Ok(Self { peer, addresses })
    }
}

/// `sip:user@b….peer.invalid;transport=tls`: a device as a SIP URI.
fn device_uri(user: &AddressOfRecord, peer: &PeerId) -> String {
    let uri = user.sip_uri();
    // A canonical SIP URI has one @, and everything before it is the user.
    let user = uri.split_once('@').map_or(uri.as_str(), |(user, _)| user);
    format!("{user}@{}{TRANSPORT}", host_of(peer))
}

fn device_in(contact: &str) -> Result<PeerId, ContactError> {
    let (_, after) = contact.split_once('@').ok_or(ContactError::Form)?;
    let (host, _) = after.split_once(';').ok_or(ContactError::Form)?;
    peer_of(host).ok_or(ContactError::Form)
}

fn address(text: &str) -> Result<Multiaddr, ContactError> {
    if text.len() > ADDRESS_LENGTH_LIMIT {
        return Err(ContactError::Address);
    }
    let address: Multiaddr = text.parse().map_err(|_| ContactError::Address)?;
    if address.to_string() == text && is_dialled(&address) {
        Ok(address)
    } else {
        Err(ContactError::Address)
    }
}

/// Whether an address is of a kind that is put into records and dialled from them: a host, then TCP or QUIC version 1,
/// then perhaps a circuit through one relay.
pub fn is_dialled(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let host = match parts.next() {
        Some(Protocol::Ip4(ip)) => is_host(ip.into()),
        Some(Protocol::Ip6(ip)) => is_host(ip.into()),
        Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name)) => is_name(&name),
        _ => false,
    };
    let transport = match parts.next() {
        Some(Protocol::Tcp(port)) => port != 0,
        Some(Protocol::Udp(port)) => port != 0 && parts.next() == Some(Protocol::QuicV1),
        _ => false,
    };
    let path = match (parts.next(), parts.next()) {
        (None, _) => true,
        (Some(Protocol::P2p(_)), Some(Protocol::P2pCircuit)) => parts.next().is_none(),
        _ => false,
    };
    host && transport && path && address.to_string().len() <= ADDRESS_LENGTH_LIMIT
}

/// No multicast, broadcast or unspecified address, and no IPv6 link-local one, which means nothing without its zone.
fn is_host(ip: IpAddr) -> bool {
    let one = match ip {
        IpAddr::V4(ip) => !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    };
    one && !ip.is_unspecified() && !ip.is_multicast()
}

fn is_name(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use corella_identity::DeviceKey;
    use proptest::prelude::*;

    fn bob() -> AddressOfRecord {
        "bob&co@example.net".parse().unwrap()
    }

    fn set(addresses: &[&str]) -> ContactSet {
        ContactSet {
            peer: DeviceKey::generate().peer_id(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn a_device_is_read_back() {
        let relay = DeviceKey::generate().peer_id();
        let circuit = format!("/ip6/2001:db8::1/udp/4001/quic-v1/p2p/{relay}/p2p-circuit");
        let device = set(&["/ip4/192.0.2.1/tcp/4001", "/dns4/relay.example/tcp/443", &circuit]);
        let contacts = device.contacts(&bob()).unwrap();
        assert_eq!(
            contacts[0],
            format!(
                "sip:bob&co@{};transport=tls;multiaddr=/ip4/192.0.2.1/tcp/4001",
                host_of(&device.peer)
            )
        );
        assert_eq!(ContactSet::from_contacts(&bob(), &contacts), Ok(device));
    }

    #[test]
    fn a_device_off_line_is_read_back() {
        let device = set(&[]);
        let contacts = device.contacts(&bob()).unwrap();
        assert_eq!(
            contacts,
            [format!("sip:bob&co@{};transport=tls", host_of(&device.peer))]
        );
        assert_eq!(ContactSet::from_contacts(&bob(), &contacts), Ok(device));
    }

    #[test]
    fn addresses_that_are_no_place_to_dial_are_refused() {
        let relay = DeviceKey::generate().peer_id();
        for text in [
            "/ip4/0.0.0.0/tcp/4001",
            "/ip4/224.0.0.1/udp/5353/quic-v1",
            "/ip4/255.255.255.255/tcp/1",
            "/ip6/fe80::1/tcp/4001",
            "/ip4/192.0.2.1/tcp/0",
            "/ip4/192.0.2.1",
            "/ip4/192.0.2.1/udp/4001",
            "/ip4/192.0.2.1/tcp/80/ws",
            "/dnsaddr/example.net",
            "/unix/%2Ftmp%2Fsocket",
            "/memory/1",
            "/ip4/192.0.2.1/tcp/4001/p2p-circuit",
            &format!("/ip4/192.0.2.1/tcp/4001/p2p/{relay}"),
            &format!("/ip4/192.0.2.1/tcp/4001/p2p/{relay}/p2p-circuit/p2p/{relay}"),
            &format!("/dns/{}/tcp/4001", "a".repeat(200)),
        ] {
            let device = set(&[text]);
            assert_eq!(device.contacts(&bob()), Err(ContactError::Address), "{text}");
            let contact = format!("{}{MULTIADDR}{text}", device_uri(&bob(), &device.peer));
            assert!(ContactSet::from_contacts(&bob(), &[contact]).is_err(), "{text}");
        }
    }

    #[test]
    fn other_people_other_devices_and_other_forms_are_refused() {
        let device = set(&["/ip4/192.0.2.1/tcp/4001"]);
        let other = set(&["/ip4/192.0.2.1/tcp/4001"]).contacts(&bob()).unwrap();
        let contacts = device.contacts(&bob()).unwrap();
        let read = |contacts: &[String]| ContactSet::from_contacts(&bob(), contacts).unwrap_err();
        assert_eq!(read(&[]), ContactError::None);
        assert_eq!(
            read(&[contacts[0].clone(), other[0].clone()]),
            ContactError::SeveralDevices
        );
        let alice = "alice@example.net".parse().unwrap();
        assert_eq!(ContactSet::from_contacts(&alice, &contacts), Err(ContactError::Form));
        assert_eq!(read(&vec![contacts[0].clone(); 13]), ContactError::TooMany);
        let bare = device_uri(&bob(), &device.peer);
        assert_eq!(read(&[bare.clone(), contacts[0].clone()]), ContactError::SeveralDevices);
        for form in [
            contacts[0].replace(TRANSPORT, ""),
            contacts[0].replace("tls", "TLS"),
            contacts[0].to_ascii_uppercase(),
            format!("{}/", contacts[0]),
            format!("{};x=y", contacts[0]),
            contacts[0].replace("/ip4/192.0.2.1", "/ip4/192.0.2.01"),
            format!("<{}>", contacts[0]),
        ] {
            assert!(matches!(read(&[form]), ContactError::Form | ContactError::Address));
        }
    }

    proptest! {
        #[test]
        fn no_contact_makes_it_panic(contacts in proptest::collection::vec("sip:bob&co@\\PC{0,90}|\\PC{0,40}", 0..4)) {
            if let Ok(set) = ContactSet::from_contacts(&bob(), &contacts) {
                prop_assert_eq!(set.contacts(&bob()).unwrap(), contacts);
            }
        }
    }
}
