//! The store protocol `/corella/store/1`: how nodes hand records to the nodes closest to their keys and ask for them.
//!
//! One request and one answer on each stream, in CBOR as serde writes enums: the variant's name, then its fields. Hashes,
//! secrets and contents are byte strings; records and tickets are text, as XML.
//!
//! | Request | Answer |
//! |---|---|
//! | `Put {record}` | `Stored` |
//! | `Get {key, ticket, skip}`: a clear key; with keys that only their person reads, a ticket; how many to pass over | `Records {records, more}`, best first |
//! | `Find {digest, skip}`: the same by SHA-256 of a clear key, of what anybody reads | `Records {records, more}` |
//! | `Remove {key, secrets}`: what removes records under a key | `Removed {count}` |
//! | `Watch {key, ticket}`: tell me of changes, for two minutes and a half | `Stored` |
//! | `Changed {record}`, to who watches | `Stored` |
//! | `PutFragment {parent, bytes}`: the record that lists it, and the fragment | `Stored` |
//! | `PutImmutable {bytes, expires}`: the same for a guest of a gateway, whom no record pays for | `Stored` |
//! | `GetFragment {hash}` | `Fragment {bytes}` |
//! | `RemoveFragment {hash, secret}` | `Removed {count}` |
//! | `PutValue`, `RemoveValue`, `GetValues`: OpenDHT's values | `Stored`, `Stored`, `Values {values}` |
//! | `Join {namespace, host, service}`, `Leave {namespace, identifier}`, `LookUp {namespace, place}` | `Joined {identifier}`, `Removed {count}`, `Hosts {hosts}` |
//!
//! Any request may be answered by `Refused {name, held}` with a name of [`crate::storing::Refusal`]. Whatever arrives is checked by who receives
//! it: a record by the node before it is stored, and again by the reader.

mod message;

use std::time::Duration;

use libp2p::StreamProtocol;
use libp2p::request_response::{Config, ProtocolSupport, cbor};

pub use message::{HostAt, Request, Response, ValueAt};

/// The protocol's name in the overlay.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/corella/store/1");
/// Largest request in bytes: a record with a fragment, and what is around them.
pub const REQUEST_LIMIT: u64 = 20 * 1024;
/// Largest answer in bytes.
pub const RESPONSE_LIMIT: u64 = 256 * 1024;
/// Most secrets of one request.
pub const SECRETS: usize = 64;
/// How long a request may take, from the moment there is a connection.
const REQUEST_TIME: Duration = Duration::from_secs(2);
/// Most requests of one connection at a time.
const STREAMS: usize = 64;

/// The protocol as a part of a libp2p swarm.
pub type Behaviour = cbor::Behaviour<Request, Response>;

/// The behaviour with this protocol's limits. Who keeps nothing does not offer it.
pub fn behaviour(keeps: bool) -> Behaviour {
    let codec = cbor::codec::Codec::default()
        .set_request_size_maximum(REQUEST_LIMIT)
        .set_response_size_maximum(RESPONSE_LIMIT);
    let config = Config::default()
        .with_request_timeout(REQUEST_TIME)
        .with_max_concurrent_streams(STREAMS);
    let support = if keeps {
        ProtocolSupport::Full
    } else {
        ProtocolSupport::Outbound
    };
    Behaviour::with_codec(codec, [(PROTOCOL, support)], config)
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;
    use proptest::prelude::*;

    use super::*;

    fn codec() -> cbor::codec::Codec<Request, Response> {
        cbor::codec::Codec::default()
            .set_request_size_maximum(REQUEST_LIMIT)
            .set_response_size_maximum(RESPONSE_LIMIT)
    }

    fn read_request(bytes: &[u8]) -> std::io::Result<Request> {
        block_on(codec().read_request(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    fn read_response(bytes: &[u8]) -> std::io::Result<Response> {
        block_on(codec().read_response(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    fn written(request: Request) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        block_on(codec().write_request(&PROTOCOL, &mut bytes, request)).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn sizes_are_bounded_and_the_largest_record_fits() {
        let request = Request::PutFragment {
            parent: "x".repeat(crate::record::RECORD_LIMIT),
            bytes: vec![0xff; crate::fragment::FRAGMENT_SIZE].into(),
        };
        assert_eq!(read_request(&written(request.clone())).unwrap(), request);
        let record = "x".repeat(usize::try_from(REQUEST_LIMIT).unwrap());
        assert!(read_request(&written(Request::Put { record })).is_err());
    }

    #[test]
    fn nesting_does_not_exhaust_the_stack() {
        for byte in [0x81, 0xa1, 0xc1, 0x9f, 0xbf, 0xd8] {
            assert!(read_request(&vec![byte; REQUEST_LIMIT as usize]).is_err());
            assert!(read_response(&vec![byte; RESPONSE_LIMIT as usize]).is_err());
        }
        let mut inside = vec![0xa1, 0x63];
        inside.extend(b"Get");
        inside.extend(vec![0x81; 10_000]);
        assert!(read_request(&inside).is_err());
        // An array that claims 2^60 records must not be allocated.
        let mut long = vec![0xa1, 0x67];
        long.extend(b"Records");
        long.extend([0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0]);
        assert!(read_response(&long).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_request(&bytes);
            let _ = read_response(&bytes);
        }

        #[test]
        fn no_change_of_a_request_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0..30_usize) {
            let key = "sip:bob@example.net".to_owned();
            let mut bytes = written(Request::Get { key, ticket: None, skip: 0 });
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut.min(bytes.len()));
            let _ = read_request(&bytes);
        }
    }
}
