//! The store protocol `/corella/store/1`: how nodes hand records to the nodes closest to their keys and ask for them.
//!
//! One request and one answer on each stream, in CBOR as serde writes enums: the variant's name, then its fields.
//!
//! | Request | Answer |
//! |---|---|
//! | `Put {record}`: a record as XML | `Stored`, or `Refused {name, held}` with a name of [`Refusal`] |
//! | `Get {key}`: a clear key | `Records`, as XML, best first; or `Refused` |
//!
//! Whatever arrives is checked by who receives it: a record by the node before it is stored, and again by the reader.

use std::collections::HashMap;
use std::time::Duration;

use corella_identity::Millis;
use corella_identity::trust::TrustAnchors;
use libp2p::request_response::{Config, ProtocolSupport, cbor};
use libp2p::{PeerId, StreamProtocol};
use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::record::Record;
use crate::storing::{Class, Refusal, StoringNode};

/// The protocol's name in the overlay.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/corella/store/1");
/// Largest request in bytes: a record and what is around it.
pub const REQUEST_LIMIT: u64 = 10 * 1024;
/// Largest answer in bytes.
pub const RESPONSE_LIMIT: u64 = 256 * 1024;
/// How long a request may take, from the moment there is a connection.
const REQUEST_TIME: Duration = Duration::from_secs(2);
/// Most requests of one connection at a time.
const STREAMS: usize = 32;

/// What is asked of a storing node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Request {
    /// Keep this record.
    Put {
        /// The record as XML.
        record: String,
    },
    /// Which records are there under this key?
    Get {
        /// The clear key.
        key: String,
    },
}

/// What a storing node answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Response {
    /// The record is kept, or was there already.
    Stored,
    /// The request was refused.
    Refused {
        /// A name of [`Refusal`].
        name: String,
        /// With `not-newer`: the sequence of the record that is kept.
        held: Option<Millis>,
    },
    /// The records under the key as XML.
    Records(Vec<String>),
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let held = match refusal {
            Refusal::NotNewer { held } => Some(held),
            _ => None,
        };
        Self::Refused {
            name: refusal.name().to_owned(),
            held,
        }
    }
}

/// The protocol as a part of a libp2p swarm.
pub type Behaviour = cbor::Behaviour<Request, Response>;

/// The behaviour with this protocol's limits.
pub fn behaviour() -> Behaviour {
    let codec = cbor::codec::Codec::default()
        .set_request_size_maximum(REQUEST_LIMIT)
        .set_response_size_maximum(RESPONSE_LIMIT);
    let config = Config::default()
        .with_request_timeout(REQUEST_TIME)
        .with_max_concurrent_streams(STREAMS);
    Behaviour::with_codec(codec, [(PROTOCOL, ProtocolSupport::Full)], config)
}

/// Answers one request from a storing node's records.
pub fn serve(node: &mut StoringNode, anchors: &TrustAnchors, request: &Request, now: Millis) -> Response {
    match request {
        Request::Put { record } => match put(node, anchors, record, now) {
            Ok(()) => Response::Stored,
            Err(refusal) => refusal.into(),
        },
        Request::Get { key } => match Key::from_text(key) {
            Ok(key) => Response::Records(node.get(&key, now).iter().map(|xml| xml.to_string()).collect()),
            Err(_) => Refusal::Malformed.into(),
        },
    }
}

fn put(node: &mut StoringNode, anchors: &TrustAnchors, xml: &str, now: Millis) -> Result<(), Refusal> {
    let record = Record::from_xml(xml.as_bytes(), now).map_err(|error| Refusal::from(&error))?;
    let class = Class::of(&record, anchors, now);
    node.put(&record, class, now).map(|_| ())
}

/// Requests that one peer may make in one go.
const BURST: u32 = 256;
/// Time after which a peer may make one more, in milliseconds.
const REFILL: Millis = 20;
/// Most peers remembered. A peer that is forgotten begins anew.
const PEERS: usize = 4096;

/// How many requests each peer may make: a bucket of 256 that refills at 50 a second.
#[derive(Debug, Default)]
pub struct RateLimit {
    /// For each peer, the moment at which its bucket will be full again.
    full_at: HashMap<PeerId, Millis>,
}

impl RateLimit {
    /// Whether this peer may make a request now. Counts it if so.
    pub fn admit(&mut self, peer: PeerId, now: Millis) -> bool {
        if self.full_at.len() >= PEERS && !self.full_at.contains_key(&peer) {
            self.full_at.retain(|_, full_at| *full_at > now);
            if self.full_at.len() >= PEERS {
                self.full_at.clear();
            }
        }
        let full_at = self.full_at.entry(peer).or_insert(now);
        // A clock that was set back would otherwise lock the peer out.
        *full_at = (*full_at).clamp(now, now + Millis::from(BURST) * REFILL);
        if *full_at + REFILL > now + Millis::from(BURST) * REFILL {
            return false;
        }
        *full_at += REFILL;
        true
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;
    use proptest::prelude::*;

    use super::*;
    use crate::storing::Limits;
    use crate::testing::{NOW, aor, contact_record, device, person};

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
    fn a_record_is_kept_and_found() {
        let mut node = StoringNode::new(Limits::default());
        let record = contact_record(&person("bob@example.net"), device(), NOW);
        let xml = record.to_xml().to_string();
        let mut ask = |request| serve(&mut node, &TrustAnchors::none(), &request, NOW);
        assert_eq!(ask(Request::Put { record: xml.clone() }), Response::Stored);
        assert_eq!(ask(Request::Put { record: xml.clone() }), Response::Stored);
        let key = Key::Contacts(aor("bob@example.net")).text();
        assert_eq!(ask(Request::Get { key }), Response::Records(vec![xml]));
        let key = Key::Contacts(aor("alice@example.net")).text();
        assert_eq!(ask(Request::Get { key }), Response::Records(vec![]));
    }

    #[test]
    fn refusals_have_names() {
        let mut node = StoringNode::new(Limits::default());
        let (bob, peer) = (person("bob@example.net"), device());
        let record = |sequence| contact_record(&bob, peer, sequence).to_xml().to_string();
        let mut put = |record: String| serve(&mut node, &TrustAnchors::none(), &Request::Put { record }, NOW);
        let refused = |name: &str, held| Response::Refused {
            name: name.to_owned(),
            held,
        };
        assert_eq!(put(record(NOW)), Response::Stored);
        assert_eq!(put(record(NOW - 1)), refused("not-newer", Some(NOW)));
        assert_eq!(put(record(NOW + 1_000_000)), refused("from-the-future", None));
        assert_eq!(put(record(NOW - 3_600_000)), refused("expired", None));
        assert_eq!(
            put(record(NOW + 1).replace("4001", "4002")),
            refused("bad-signature", None)
        );
        assert_eq!(put(format!("<!-- -->{}", record(NOW + 1))), refused("malformed", None));
        assert_eq!(put("x".repeat(9000)), refused("too-large", None));
        let get = serve(
            &mut node,
            &TrustAnchors::none(),
            &Request::Get {
                key: "file:///etc".into(),
            },
            NOW,
        );
        assert_eq!(get, refused("malformed", None));
    }

    #[test]
    fn sizes_are_bounded_and_the_largest_record_fits() {
        let record = "x".repeat(crate::record::RECORD_LIMIT);
        let request = Request::Put { record };
        assert_eq!(read_request(&written(request.clone())).unwrap(), request);
        let over = Request::Put {
            record: "x".repeat(11_000),
        };
        assert!(read_request(&written(over)).is_err());
        // Three full classes under one key (see `storing`) and the lengths around their records.
        let most = 3 * crate::storing::KEY_SHARE + 3 * 5 * crate::storing::KEY_SHARE / 1000;
        assert!(u64::try_from(most).unwrap() < RESPONSE_LIMIT);
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

    #[test]
    fn a_peer_has_its_rate_and_no_more() {
        let mut limit = RateLimit::default();
        let (peer, other) = (device(), device());
        let admitted = (0..1000).filter(|_| limit.admit(peer, NOW)).count();
        assert_eq!(admitted, BURST as usize);
        assert!(limit.admit(other, NOW));
        assert!(!limit.admit(peer, NOW + REFILL - 1));
        assert!(limit.admit(peer, NOW + REFILL));
        assert!(!limit.admit(peer, NOW + REFILL));
        let second_later = (0..1000).filter(|_| limit.admit(peer, NOW + REFILL + 1000)).count();
        assert_eq!(second_later, 50);
        let set_back = NOW - 3_600_000;
        limit.admit(peer, set_back);
        assert!(limit.admit(peer, set_back + REFILL));
        for _ in 0..PEERS + 10 {
            limit.admit(PeerId::random(), NOW);
        }
        assert!(limit.full_at.len() <= PEERS);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_request(&bytes);
            let _ = read_response(&bytes);
        }

        #[test]
        fn no_change_of_a_request_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0..30_usize) {
            let mut bytes = written(Request::Get { key: "sip:bob@example.net".into() });
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut.min(bytes.len()));
            let mut node = StoringNode::new(Limits::default());
            if let Ok(request) = read_request(&bytes) {
                serve(&mut node, &TrustAnchors::none(), &request, NOW);
            }
        }
    }
}
