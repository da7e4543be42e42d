//! The store protocol's requests, answered by a node.

use libp2p::PeerId;

use super::*;
use crate::record::Ticket;
use crate::store_protocol::{Request, Response, SECRETS};
use crate::storing::keeper::{Asker, Keeper};
use crate::testing::{NOW, contact_record, device, offline_record, person, removal_secret, watcher_record};

fn keeper() -> Keeper {
    Keeper::new(node())
}

fn asker() -> Asker {
    Asker {
        peer: PeerId::random(),
        network: network(1),
    }
}

fn refused(name: &str, held: Option<Millis>) -> Response {
    Response::Refused {
        name: name.to_owned(),
        held,
    }
}

fn put(record: &Record) -> Request {
    Request::Put {
        record: record.to_xml().to_string(),
    }
}

fn get(key: &Key, ticket: Option<&Ticket>) -> Request {
    Request::Get {
        key: key.text(),
        ticket: ticket.map(|ticket| ticket.to_xml().to_owned()),
        skip: 0,
    }
}

fn records(records: &[&Record]) -> Response {
    Response::Records {
        records: records.iter().map(|record| record.to_xml().to_string()).collect(),
        more: false,
    }
}

#[test]
fn a_record_is_kept_and_found() {
    let mut keeper = keeper();
    let record = contact_record(&person("bob@example.net"), device(), NOW);
    let mut ask = |request: &Request| keeper.answer(request, asker(), NOW).response;
    assert_eq!(ask(&put(&record)), Response::Stored);
    assert_eq!(ask(&put(&record)), Response::Stored);
    assert_eq!(ask(&get(record.key(), None)), records(&[&record]));
    assert_eq!(ask(&get(&Key::Contacts(aor("alice@example.net")), None)), records(&[]));
}

#[test]
fn refusals_have_names() {
    let mut keeper = keeper();
    let (bob, peer) = (person("bob@example.net"), device());
    let text = |sequence| contact_record(&bob, peer, sequence).to_xml().to_string();
    let mut put = |record: String| keeper.answer(&Request::Put { record }, asker(), NOW).response;
    assert_eq!(put(text(NOW)), Response::Stored);
    assert_eq!(put(text(NOW - 1)), refused("not-newer", Some(NOW)));
    assert_eq!(put(text(NOW + 1_000_000)), refused("from-the-future", None));
    assert_eq!(put(text(NOW - 3_600_000)), refused("expired", None));
    assert_eq!(
        put(text(NOW + 1).replace("4001", "4002")),
        refused("bad-signature", None)
    );
    assert_eq!(put(format!("<!-- -->{}", text(NOW + 1))), refused("malformed", None));
    assert_eq!(put("x".repeat(13_000)), refused("too-large", None));
    let mut ask = |request: &Request| keeper.answer(request, asker(), NOW).response;
    let file = Request::Get {
        key: "file:///etc".into(),
        ticket: None,
        skip: 0,
    };
    assert_eq!(ask(&file), refused("malformed", None));
    let many = Request::Remove {
        key: "offline:bob@example.net".into(),
        secrets: vec![[0; 32].into(); SECRETS + 1],
    };
    assert_eq!(ask(&many), refused("too-many", None));
}

#[test]
fn a_ticket_opens_what_only_its_person_reads() {
    let mut keeper = keeper();
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let message = offline_record(&alice, &bob, 1, NOW);
    let mut ask = |request: &Request| keeper.answer(request, asker(), NOW).response;
    assert_eq!(ask(&put(&message)), Response::Stored);
    let key = message.key();
    let ticket = |by: &corella_identity::Credential, key: &Key| Ticket::sign(by, key.clone(), NOW).unwrap();
    assert_eq!(ask(&get(key, None)), refused("not-yours", None));
    assert_eq!(ask(&get(key, Some(&ticket(&bob, key)))), records(&[&message]));
    assert_eq!(
        ask(&get(key, Some(&ticket(&person("bob@example.net"), key)))),
        records(&[])
    );
    let watchers = Key::Watchers(aor("bob@example.net"));
    assert_eq!(
        ask(&get(key, Some(&ticket(&bob, &watchers)))),
        refused("not-yours", None)
    );
    let record = Request::Get {
        key: key.text(),
        ticket: Some(message.to_xml().to_string()),
        skip: 0,
    };
    assert_eq!(ask(&record), refused("malformed", None));
    // A ticket is nothing that is kept.
    let kept = Request::Put {
        record: ticket(&bob, key).to_xml().to_owned(),
    };
    assert_eq!(ask(&kept), refused("malformed", None));
    let remove = Request::Remove {
        key: key.text(),
        secrets: vec![removal_secret(1).into()],
    };
    assert_eq!(ask(&remove), Response::Removed { count: 1 });
    assert_eq!(ask(&get(key, Some(&ticket(&bob, key)))), records(&[]));
}

#[test]
fn who_watches_is_told_of_what_is_new() {
    let mut keeper = keeper();
    let (alice, bob) = (person("alice@example.org"), person("bob@example.net"));
    let (watcher, writer) = (asker(), asker());
    let watch = |key: &Key, ticket: Option<&Ticket>| Request::Watch {
        key: key.text(),
        ticket: ticket.map(|ticket| ticket.to_xml().to_owned()),
    };
    let contact = contact_record(&bob, device(), NOW);
    let wish = watcher_record(&alice, &bob, NOW);
    let ticket = Ticket::sign(&bob, wish.key().clone(), NOW).unwrap();
    for request in [watch(contact.key(), None), watch(wish.key(), Some(&ticket))] {
        assert_eq!(keeper.answer(&request, watcher, NOW).response, Response::Stored);
    }
    let without = keeper.answer(&watch(wish.key(), None), watcher, NOW).response;
    assert_eq!(without, refused("not-yours", None));
    for record in [&contact, &wish] {
        let told = keeper.answer(&put(record), writer, NOW).tell;
        let changed = Request::Changed {
            record: record.to_xml().to_string(),
        };
        assert_eq!(told, [(watcher.peer, changed)]);
        assert_eq!(keeper.answer(&put(record), writer, NOW).tell, []);
    }
    // Nobody is told of what they wrote themselves.
    let own = contact_record(&bob, device(), NOW);
    assert_eq!(keeper.answer(&put(&own), watcher, NOW).tell, []);
}

#[test]
fn service_hosts_join_and_are_found() {
    let mut keeper = keeper();
    let (host, other) = (asker(), asker());
    let join = Request::Join {
        namespace: "urn:example".into(),
        host: "sip:relay.example.net".into(),
        service: "relay".into(),
    };
    let Response::Joined { identifier } = keeper.answer(&join, host, NOW).response else {
        panic!("not joined");
    };
    let look_up = Request::LookUp {
        namespace: "urn:example".into(),
        place: [0; 32].into(),
    };
    let Response::Hosts { hosts } = keeper.answer(&look_up, other, NOW).response else {
        panic!("no hosts");
    };
    assert_eq!(hosts[0].host, "sip:relay.example.net");
    let leave = Request::Leave {
        namespace: "urn:example".into(),
        identifier,
    };
    assert_eq!(
        keeper.answer(&leave, other, NOW).response,
        Response::Removed { count: 0 }
    );
    assert_eq!(
        keeper.answer(&leave, host, NOW).response,
        Response::Removed { count: 1 }
    );
}
