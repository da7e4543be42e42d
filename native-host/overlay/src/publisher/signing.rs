//! Makes own records anew from a credential.

use corella_identity::{Credential, Millis};
use libp2p::{Multiaddr, PeerId};

use crate::contacts::{ADDRESS_LIMIT, ContactSet, is_dialled};
use crate::key::Key;
use crate::record::{CHAIN_LIMIT, Record, RecordError, Value, longest_life};
use crate::scope::Scope;

/// How long a contact record lives that says where a device is.
const CONTACTS_LIFE: Millis = 60 * 60 * 1000;

/// The contact record of this device: at most [`ADDRESS_LIMIT`] of its addresses, those that reach farthest first, and
/// fewer if the record would be too large. Without addresses it says that the device is off line.
pub(super) fn contact_record(
    credential: &Credential,
    peer: PeerId,
    addresses: &[Multiaddr],
    sequence: Millis,
) -> Result<Record, RecordError> {
    let mut addresses: Vec<Multiaddr> = addresses
        .iter()
        .filter(|address| is_dialled(address))
        .cloned()
        .collect();
    addresses.sort_by_key(|address| match Scope::of(address) {
        Scope::Public => 0,
        Scope::Private => 1,
        Scope::Relayed => 2,
        Scope::Loopback => 3,
    });
    addresses.truncate(ADDRESS_LIMIT);
    loop {
        let key = Key::Contacts(credential.address().clone());
        let value = Value::Contacts(ContactSet {
            peer,
            addresses: addresses.clone(),
        });
        // That a device left is known for long: the user's other devices wait for it with what was written to the user.
        let life = if addresses.is_empty() {
            longest_life(&key)
        } else {
            CONTACTS_LIFE
        };
        match Record::sign(credential, key, value, sequence, sequence + life) {
            Err(RecordError::TooLarge) if addresses.pop().is_some() => {}
            result => return result,
        }
    }
}

/// The certificate record: the certificate and as much of its chain as fits. It outlives the device's being on line, so
/// that others can still check and seal what they write.
pub(super) fn certificate_record(credential: &Credential, sequence: Millis) -> Result<Record, RecordError> {
    let key = Key::Certificate(credential.address().clone());
    let life = longest_life(&key);
    let mut certificates = vec![credential.certificate().clone()];
    certificates.extend(credential.chain().iter().take(CHAIN_LIMIT).cloned());
    loop {
        let value = Value::Certificate(certificates.clone());
        match Record::sign(credential, key.clone(), value, sequence, sequence + life) {
            Err(RecordError::TooLarge) if certificates.len() > 1 => certificates.truncate(certificates.len() - 1),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Authority, NOW, device, person};

    #[test]
    fn the_addresses_that_reach_farthest_come_first() {
        let relay = device();
        let listed: Vec<Multiaddr> = [
            "/ip4/127.0.0.1/tcp/4001".to_owned(),
            "/ip4/0.0.0.0/tcp/4001".to_owned(),
            format!("/ip4/192.0.2.1/tcp/4001/p2p/{relay}/p2p-circuit"),
            "/ip4/192.168.0.2/tcp/4001".to_owned(),
            "/ip6/fe80::1/tcp/4001".to_owned(),
            "/ip4/198.51.100.1/udp/4001/quic-v1".to_owned(),
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        let record = contact_record(&person("bob@example.net"), device(), &listed, NOW).unwrap();
        let contacts = record.contacts().unwrap();
        let expected = [5, 3, 2, 0].map(|index| listed[index].clone());
        assert_eq!(contacts.addresses, expected);
    }

    #[test]
    fn there_are_never_more_addresses_than_a_record_holds() {
        let many: Vec<Multiaddr> = (1..100_u8)
            .map(|number| format!("/ip4/192.0.2.{number}/udp/4001/quic-v1").parse().unwrap())
            .collect();
        let record = contact_record(&person("bob@example.net"), device(), &many, NOW).unwrap();
        assert_eq!(record.contacts().unwrap().addresses, many[..ADDRESS_LIMIT]);
        // Long ones under an RSA certificate do not all fit, and the record is made all the same.
        let long: Vec<Multiaddr> = (0..12)
            .map(|number| {
                format!("/dns4/{}{number}.example.net/tcp/4001", "a".repeat(150))
                    .parse()
                    .unwrap()
            })
            .collect();
        let rsa = Authority::new("Example CA").issue_rsa("a-rather-long-address-of-somebody@example.net", 2048);
        let record = contact_record(&rsa, device(), &long, NOW).unwrap();
        let count = record.contacts().unwrap().addresses.len();
        assert!((6..12).contains(&count), "{count}");
    }

    #[test]
    fn no_address_means_off_line() {
        let record = contact_record(&person("bob@example.net"), device(), &[], NOW).unwrap();
        assert!(record.contacts().unwrap().addresses.is_empty());
        assert_eq!(record.expires() - NOW, 24 * 60 * 60 * 1000);
    }

    #[test]
    fn a_certificate_record_is_made() {
        let bob = person("bob@example.net");
        let record = certificate_record(&bob, NOW).unwrap();
        assert_eq!(record.value(), &Value::Certificate(vec![bob.certificate().clone()]));
    }
}
