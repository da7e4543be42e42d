//! A node's rules, each on a node in memory.

mod fragments;
mod keeper;
mod opendht;
mod records;
mod revoked;
mod room;
mod sealed;
mod surviving;

use corella_identity::trust::TrustAnchors;
use corella_identity::{Certificate, Millis};

use super::{Limits, Network, StoringNode};
use crate::key::Key;
use crate::record::Record;
use crate::testing::aor;

fn node() -> StoringNode {
    node_with(Limits::default(), TrustAnchors::none())
}

fn node_with(limits: Limits, anchors: TrustAnchors) -> StoringNode {
    StoringNode::open(None, limits, anchors).unwrap()
}

fn anchors(authority: &Certificate) -> TrustAnchors {
    TrustAnchors::from_pem(authority.to_pem().as_bytes()).unwrap()
}

/// The network of somebody.
fn network(number: u8) -> Network {
    Network::of([198, 18, number, 1].into())
}

fn bob_key() -> Key {
    Key::Contacts(aor("bob@example.net"))
}

/// The records under a key that anybody reads.
fn found(node: &StoringNode, key: &Key, now: Millis) -> Vec<Record> {
    let page = node.get(key, None, 0, now).unwrap();
    let read = |xml: &String| Record::from_xml(xml.as_bytes(), now).unwrap();
    page.records.iter().map(read).collect()
}
