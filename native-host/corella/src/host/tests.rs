//! A real host, and a peer on a real link who does not keep to the rules: refused by name, and nothing of it is shown.

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use corella_identity::{
    AddressOfRecord, Certificate, Credential, DeviceKey,
    seal::{self, Envelope, SEALED_CONTENT_TYPE},
    trust::TrustAnchors,
};
use corella_overlay::{Key, Overlay, OverlayConfig, OverlayEvent, Record, peer_host};
use corella_sip::{
    guard::Rate,
    ua::{LinkId, LinkInfo, OutgoingMessage, UserAgent, UserAgentConfig},
};
use libp2p::Multiaddr;
use serde_json::json;
use tempfile::TempDir;

use super::{Call, Host, HostSettings};
use crate::{config::NetworkSettings, time};

const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";
const PATIENCE: Duration = Duration::from_secs(20);

fn address(text: &str) -> AddressOfRecord {
    text.parse().unwrap()
}

fn bob() -> AddressOfRecord {
    address("bob@example.org")
}

fn mallory() -> AddressOfRecord {
    address("mallory@example.net")
}

/// Bob's host, on line.
struct Bob {
    host: Arc<Host>,
    listen: Vec<Multiaddr>,
    _home: TempDir,
}

impl Bob {
    async fn start() -> Bob {
        let home = tempfile::tempdir().unwrap();
        let settings = HostSettings {
            network: NetworkSettings {
                listen: vec![LOOPBACK.parse().unwrap()],
                bootstrap: Vec::new(),
                mdns: false,
                meeting_place: None,
                storing: Default::default(),
            },
            anchors: TrustAnchors::none(),
            gateway: None,
            authority: None,
            accept_everyone: false,
        };
        let host = Host::open(&home.path().join("data"), settings).unwrap();
        host.submit(Call::Enrol {
            address: bob(),
            revoke_others: false,
        })
        .await
        .unwrap();
        let status = host.call("status", json!({})).await.unwrap();
        let listen = status["listen"].as_array().unwrap().iter();
        Bob {
            host,
            listen: listen.map(|one| one.as_str().unwrap().parse().unwrap()).collect(),
            _home: home,
        }
    }

    /// The texts of all conversations.
    async fn shown(&self) -> Vec<String> {
        let mut texts = Vec::new();
        let conversations = self.host.call("messages/conversations", json!({})).await.unwrap();
        for conversation in conversations["conversations"].as_array().unwrap() {
            let params = json!({ "with": conversation["with"], "limit": 100 });
            let page = self.host.call("messages/list", params).await.unwrap();
            let messages = page["messages"].as_array().unwrap().iter();
            texts.extend(messages.map(|message| message["text"].as_str().unwrap().to_owned()));
        }
        texts
    }
}

/// Somebody who is properly in the overlay as Mallory, and says on the link whatever the test wants.
struct Mallory {
    credential: Credential,
    bob: Certificate,
    sip: UserAgent,
    _overlay: Overlay,
}

impl Mallory {
    /// `says_to_be` is who the SIP requests are from.
    async fn call(bob_there: &Bob, credential: Credential, says_to_be: AddressOfRecord) -> Mallory {
        let device = DeviceKey::generate();
        let host = peer_host::host_of(&device.peer_id());
        let config = OverlayConfig {
            listen: vec![LOOPBACK.parse().unwrap()],
            bootstrap: bob_there.listen.clone(),
            mdns: false,
            ..OverlayConfig::new(device)
        };
        let (overlay, mut events) = Overlay::start(config).await.unwrap();
        while !matches!(events.recv().await.unwrap(), OverlayEvent::OnLine) {}
        overlay.publish(credential.clone()).await.unwrap();
        let record = bobs_record(&overlay).await;
        let link = overlay.connect(&mallory(), &bob(), &record).await.unwrap();
        let (sip, _events) = UserAgent::start(UserAgentConfig::new(host, "Mallory/1")).unwrap();
        let info = LinkInfo {
            id: LinkId(1),
            peer_host: peer_host::host_of(&link.peer),
            local: says_to_be,
            remote: bob(),
            rate: Rate::KNOWN,
        };
        let bob = link.certificate.clone();
        sip.attach(info, link.stream).await.unwrap();
        Mallory {
            credential,
            bob,
            sip,
            _overlay: overlay,
        }
    }

    fn envelope(&self, id: &str, text: &str) -> Envelope {
        Envelope {
            from: mallory(),
            to: bob(),
            at: time::now(),
            id: id.to_owned(),
            sequence: 1,
            returns: None,
            content_type: "text/plain;charset=utf-8".to_owned(),
            body: text.into(),
        }
    }

    fn sealed(&self, id: &str, text: &str) -> Vec<u8> {
        seal::seal(&self.envelope(id, text), &self.credential, &self.bob).unwrap()
    }

    /// The status that Bob's host answers.
    async fn says(&self, content_type: &str, body: Vec<u8>) -> u16 {
        let message = OutgoingMessage {
            content_type: content_type.to_owned(),
            body,
        };
        let answer = tokio::time::timeout(PATIENCE, self.sip.message(LinkId(1), message)).await;
        answer.expect("no answer").unwrap().status
    }
}

async fn bobs_record(overlay: &Overlay) -> Record {
    let found = async {
        loop {
            let records = overlay.location().get(&Key::Contacts(bob())).await.unwrap();
            let on_line = |record: &Record| record.contacts().is_some_and(|device| !device.addresses.is_empty());
            if let Some(record) = records.into_iter().find(on_line) {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("Bob is not found")
}

/// A certificate for two addresses, as an authority may issue it.
fn for_two(one: &AddressOfRecord, other: &AddressOfRecord, folder: &Path) -> Credential {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let names = format!("subjectAltName=email:{one},email:{other}");
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args(["-days", "30", "-subj", "/CN=two", "-addext", &names])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("the program openssl cannot be started");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |path| std::fs::read(path).unwrap();
    Credential::from_pem(&read(certificate), &read(key), one).unwrap()
}

fn self_signed(address: &AddressOfRecord) -> Credential {
    Credential::self_signed(address, time::now()).unwrap()
}

#[tokio::test]
async fn what_is_wrongly_sealed_is_refused_by_name_and_not_shown() {
    let bob = Bob::start().await;
    let mallory = Mallory::call(&bob, self_signed(&mallory()), mallory()).await;

    assert_eq!(mallory.says("text/plain", b"in the clear".to_vec()).await, 415);
    assert_eq!(mallory.says(SEALED_CONTENT_TYPE, b"no CMS at all".to_vec()).await, 400);

    let mut tampered = mallory.sealed("tampered", "tampered with");
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    assert_eq!(mallory.says(SEALED_CONTENT_TYPE, tampered).await, 493);

    let envelope = mallory.envelope("stolen", "signed by another key of the same name");
    let other_key = seal::seal(&envelope, &self_signed(&address("mallory@example.net")), &mallory.bob).unwrap();
    assert_eq!(mallory.says(SEALED_CONTENT_TYPE, other_key).await, 403);

    let alice = self_signed(&address("alice@example.net"));
    let to_alice = Envelope {
        to: alice.address().clone(),
        ..mallory.envelope("elsewhere", "sealed to somebody else")
    };
    let elsewhere = seal::seal(&to_alice, &mallory.credential, alice.certificate()).unwrap();
    assert_eq!(mallory.says(SEALED_CONTENT_TYPE, elsewhere).await, 493);

    let long_ago = Envelope {
        at: time::now() - 30 * 86_400_000,
        ..mallory.envelope("stale", "older than anybody remembers")
    };
    let long_ago = seal::seal(&long_ago, &mallory.credential, &mallory.bob).unwrap();
    assert_eq!(mallory.says(SEALED_CONTENT_TYPE, long_ago).await, 403);

    // The same peer in good order is heard, as a stranger's request: so it was not the link.
    let right = mallory.sealed("right", "hello");
    assert_eq!(mallory.says(SEALED_CONTENT_TYPE, right.clone()).await, 202);
    assert_eq!(
        mallory.says(SEALED_CONTENT_TYPE, right).await,
        202,
        "a replay is known already"
    );
    assert_eq!(bob.shown().await, ["hello"]);
    bob.host.shutdown().await;
}

#[tokio::test]
async fn nobody_speaks_for_another_address_of_the_same_certificate() {
    let bob = Bob::start().await;
    let folder = tempfile::tempdir().unwrap();
    let alice = address("alice@example.net");
    let mallory = Mallory::call(&bob, for_two(&mallory(), &alice, folder.path()), mallory()).await;
    let in_her_name = Envelope {
        from: alice.clone(),
        ..mallory.envelope("hers", "I am Alice")
    };
    let hers = std::fs::read(folder.path().join("certificate.pem")).unwrap();
    let key = std::fs::read(folder.path().join("key.pem")).unwrap();
    let as_alice = Credential::from_pem(&hers, &key, &alice).unwrap();
    let sealed = seal::seal(&in_her_name, &as_alice, &mallory.bob).unwrap();
    assert_eq!(mallory.says(SEALED_CONTENT_TYPE, sealed).await, 403);
    assert!(bob.shown().await.is_empty());
    bob.host.shutdown().await;
}

#[tokio::test]
async fn a_from_that_is_not_the_links_is_refused_and_not_shown() {
    let bob = Bob::start().await;
    let mallory = Mallory::call(&bob, self_signed(&mallory()), address("alice@example.net")).await;
    let sealed = mallory.sealed("from", "as if from Alice");
    assert_eq!(mallory.says(SEALED_CONTENT_TYPE, sealed).await, 403);
    assert!(bob.shown().await.is_empty());
    bob.host.shutdown().await;
}
