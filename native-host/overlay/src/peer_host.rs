//! Peer ids as host names, so that a device can stand in a SIP URI: `b<base32 of the CIDv1>.peer.invalid`.
//!
//! `.invalid` (RFC 2606) says that no DNS knows the name. The label is the peer id's CIDv1 in multibase base32
//! (libp2p specification, peer ids): 59 characters for the P-256 keys of this network, within the 63 of a DNS label,
//! and, unlike base58, indifferent to case, as host names are.

use data_encoding::BASE32_NOPAD;
use libp2p::PeerId;
use libp2p::multihash::Multihash;

const SUFFIX: &str = ".peer.invalid";
/// CID version 1, content type libp2p-key.
const PREFIX: [u8; 2] = [0x01, 0x72];
/// Multihash code of SHA-256.
const SHA2_256: u64 = 0x12;
/// The multibase letter and 36 bytes in base32.
const LABEL_LENGTH: usize = 59;

/// The host name of a device, in lower case.
pub fn host_of(peer: &PeerId) -> String {
    let cid = [&PREFIX[..], &peer.to_bytes()].concat();
    format!("b{}{SUFFIX}", BASE32_NOPAD.encode(&cid).to_ascii_lowercase())
}

/// The device that a host name stands for, in any case; `None` for every other name. Only peer ids that are a SHA-256
/// hash are taken, as those of P-256 and RSA keys are.
pub fn peer_of(host: &str) -> Option<PeerId> {
    let host = host.to_ascii_uppercase();
    let label = host.strip_suffix(&SUFFIX.to_ascii_uppercase())?;
    if label.len() != LABEL_LENGTH {
        return None;
    }
    let cid = BASE32_NOPAD.decode(label.strip_prefix('B')?.as_bytes()).ok()?;
    let hash = Multihash::<64>::from_bytes(cid.strip_prefix(&PREFIX)?).ok()?;
    if hash.code() != SHA2_256 {
        return None;
    }
    PeerId::from_multihash(hash).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use corella_identity::DeviceKey;
    use proptest::prelude::*;

    #[test]
    fn a_host_names_its_device_in_any_case() {
        let peer = DeviceKey::generate().peer_id();
        let host = host_of(&peer);
        assert_eq!(host.len(), 59 + SUFFIX.len());
        assert!(
            host.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.')
        );
        assert_eq!(peer_of(&host), Some(peer));
        assert_eq!(peer_of(&host.to_ascii_uppercase()), Some(peer));
    }

    #[test]
    fn the_form_is_that_of_the_libp2p_specification() {
        // The two forms of one peer id that the specification gives in its section on string representation.
        let base58: PeerId = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N".parse().unwrap();
        assert_eq!(peer_of(&host_of(&base58)), Some(base58));
        let expected = "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe.peer.invalid";
        assert_eq!(host_of(&base58), expected);
    }

    #[test]
    fn other_hosts_name_no_device() {
        let host = host_of(&DeviceKey::generate().peer_id());
        for other in [
            "example.net",
            "peer.invalid",
            ".peer.invalid",
            "",
            &host.replace(".peer.invalid", ".peer.example"),
            &format!("x{host}"),
            &host[1..],
            &host.replacen('b', "z", 1),
            &format!("{host}."),
        ] {
            assert_eq!(peer_of(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_host_makes_it_panic_and_there_is_one_spelling(host in "[bB][a-zA-Z2-7]{58}\\.peer\\.invalid|\\PC{0,80}") {
            if let Some(peer) = peer_of(&host) {
                prop_assert_eq!(host_of(&peer), host.to_ascii_lowercase());
            }
        }
    }
}
