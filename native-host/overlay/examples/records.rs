//! Writes one record of each form into a folder, with the certificates of their signers: `records FOLDER`.
//!
//! The files are current for as long as such records live. They are what other tools are tested with, and what the
//! examples of `RECORDS.md` were made with.
//!
//! Into `untimely` below it come records that are well made and well signed, and of another time than now: each file is named
//! as the refusal that it meets, or, in a pair, as the one that comes before or after the other.

use std::error::Error;
use std::path::{Path, PathBuf};

use corella_identity::pass::{PASS_LIFE, Pass};
use corella_identity::seal::{Envelope, seal, seal_to_store};
use corella_identity::vault::Vault;
use corella_identity::{AddressOfRecord, Credential, DeviceKey, Millis};
use corella_overlay::fragment::Fragments;
use corella_overlay::key::Label;
use corella_overlay::record::{CLOCK_TOLERANCE, Sealed, Value};
use corella_overlay::{Clock, ContactSet, Key, Record, Ticket};
use openssl::sha::sha256;

const MINUTE: Millis = 60 * 1000;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;
const YEAR: Millis = 365 * DAY;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("usage: records FOLDER")?;
    std::fs::create_dir_all(&folder)?;
    let now = Clock::system().now();
    let bob: AddressOfRecord = "bob@example.net".parse()?;
    let alice: AddressOfRecord = "alice@example.org".parse()?;
    let people = [
        Credential::self_signed(&alice, now)?,
        Credential::self_signed(&bob, now)?,
    ];
    let [alice, bob] = &people;
    for (name, person) in [("alice", alice), ("bob", bob)] {
        std::fs::write(folder.join(format!("{name}.pem")), person.certificate_pem())?;
    }
    let write = |name: &str, signer: &str, xml: &str| write(&folder, name, signer, xml);

    let contacts = Value::Contacts(ContactSet {
        peer: DeviceKey::generate().peer_id(),
        addresses: vec![
            "/ip4/192.0.2.17/tcp/4001".parse()?,
            "/ip4/192.0.2.17/udp/4001/quic-v1".parse()?,
        ],
    });
    let sign = |by: &Credential, key: Key, value: Value| Record::sign(by, key, value, now, now + HOUR);
    let contacts = sign(bob, Key::Contacts(bob.address().clone()), contacts)?;
    write("contacts", "bob", contacts.to_xml())?;
    let certificate = Value::Certificate(vec![bob.certificate().clone()]);
    let certificate = sign(bob, Key::Certificate(bob.address().clone()), certificate)?;
    write("certificate", "bob", certificate.to_xml())?;

    let watchers = "<watchers xmlns=\"urn:ietf:params:xml:ns:p2p-sip\"><watcher event=\"presence\" \
                    entity=\"sip:alice@example.org\">sip:bob@example.net</watcher></watchers>";
    let watcher = envelope(alice, bob, now, "application/xml", watchers.as_bytes());
    let watcher = Value::Watcher {
        recipient: bob.certificate().fingerprint(),
        sealed: Sealed::Inline(seal(&watcher, alice, bob.certificate())?),
        pass: None,
    };
    let watcher = sign(alice, Key::Watchers(bob.address().clone()), watcher)?;
    write("watchers", "alice", watcher.to_xml())?;

    let text = envelope(alice, bob, now, "text/plain; charset=utf-8", b"See you at eight.");
    let message = offline(alice, bob, &text)?;
    let message = sign(alice, Key::Offline(bob.address().clone()), message)?;
    write("offline", "alice", message.to_xml())?;
    let pass = Pass::give(bob, &alice.certificate().fingerprint(), now + PASS_LIFE)?;
    let welcome = with_pass(offline(alice, bob, &text)?, pass);
    let welcome = sign(alice, Key::Offline(bob.address().clone()), welcome)?;
    write("offline-with-pass", "alice", welcome.to_xml())?;
    let novel = envelope(
        alice,
        bob,
        now,
        "text/plain; charset=utf-8",
        "See you! ".repeat(1000).as_bytes(),
    );
    let novel = sign(alice, Key::Offline(bob.address().clone()), offline(alice, bob, &novel)?)?;
    write("offline-in-fragments", "alice", novel.to_xml())?;
    write("removal", "alice", message.sign_removal(alice, now)?.to_xml())?;

    let vault = Vault::derive(bob.address(), "correct horse battery")?;
    let private = Value::Private {
        nonce: rand::random(),
        sealed: Sealed::Inline(vault.seal(br#"{"version":1,"entries":{}}"#)?),
    };
    let label = Label(*vault.label());
    let private = sign(bob, Key::Private(bob.address().clone(), label), private)?;
    write("private", "bob", private.to_xml())?;
    write("revoked", "bob", Record::revoke(bob, now)?.to_xml())?;
    let ticket = Ticket::sign(bob, Key::Offline(bob.address().clone()), now)?;
    write("ticket", "bob", ticket.to_xml())?;
    untimely(&folder.join("untimely"), bob, now)
}

/// Records of one person, as a clock that is wrong or somebody who repeats old ones would put them.
fn untimely(folder: &Path, bob: &Credential, now: Millis) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let peer = DeviceKey::generate().peer_id();
    let write = |name: &str, record: Record| -> Result<(), Box<dyn Error>> {
        Ok(std::fs::write(folder.join(format!("{name}.xml")), &**record.to_xml())?)
    };
    let contacts = |sequence: Millis, expires: Millis| -> Result<Record, Box<dyn Error>> {
        let addresses = vec!["/ip4/192.0.2.17/tcp/4001".parse()?];
        let value = Value::Contacts(ContactSet { peer, addresses });
        let key = Key::Contacts(bob.address().clone());
        Ok(Record::sign(bob, key, value, sequence, expires)?)
    };
    let certificate = |by: &Credential, sequence: Millis, expires: Millis| {
        let value = Value::Certificate(vec![by.certificate().clone()]);
        Record::sign(by, Key::Certificate(by.address().clone()), value, sequence, expires)
    };
    write("older", contacts(now - 1000, now + HOUR)?)?;
    write("newer", contacts(now, now + HOUR)?)?;
    write("from-the-future", contacts(now + DAY, now + DAY + HOUR)?)?;
    write("expired", contacts(now - DAY, now - DAY + HOUR)?)?;
    // A clock that is not quite wrong enough to be seen, and a life that is measured by it.
    let ahead = now + CLOCK_TOLERANCE - MINUTE;
    write("lives-too-long", contacts(ahead, ahead + DAY + CLOCK_TOLERANCE)?)?;
    // Of a day ago, and meant to live.
    write("yesterday", certificate(bob, now - DAY, now + DAY)?)?;
    // A certificate of ten years that ended some days ago, and signed until its end.
    let gone = Credential::self_signed(bob.address(), now - 10 * YEAR - 3 * DAY)?;
    let end = gone.certificate().not_after();
    write("bad-certificate", certificate(&gone, end - MINUTE, now + HOUR)?)
}

fn envelope(from: &Credential, to: &Credential, at: Millis, content_type: &str, body: &[u8]) -> Envelope {
    Envelope {
        from: from.address().clone(),
        to: to.address().clone(),
        at,
        id: "34jk324j".to_owned(),
        sequence: 1,
        returns: None,
        content_type: content_type.to_owned(),
        body: body.to_vec(),
    }
}

fn offline(from: &Credential, to: &Credential, envelope: &Envelope) -> Result<Value, Box<dyn Error>> {
    let (content, secret) = seal_to_store(envelope, from, to.certificate())?;
    let sealed = match Fragments::cut(&content) {
        Ok((fragments, _)) => Sealed::Fragments(fragments),
        Err(_) => Sealed::Inline(content),
    };
    Ok(Value::Offline {
        nonce: rand::random(),
        recipient: to.certificate().fingerprint(),
        removal: sha256(&secret),
        sealed,
        pass: None,
    })
}

fn with_pass(mut value: Value, given: Pass) -> Value {
    if let Value::Offline { pass, .. } = &mut value {
        *pass = Some(given);
    }
    value
}

/// A record is written as it is; who signed it is in the name of its file.
fn write(folder: &Path, name: &str, signer: &str, xml: &str) -> Result<(), Box<dyn Error>> {
    std::fs::write(folder.join(format!("{name}.{signer}.xml")), xml)?;
    Ok(())
}
