//! Writes a signed record of a made-up person to a folder, for other tools to verify:
//! `make_record contacts|certificate FOLDER` makes `record.xml` and `certificate.pem` there.
//!
//! With xmlsec1:
//! `xmlsec1 --verify --id-attr:Id key --id-attr:Id value --trusted-pem certificate.pem record.xml`

use std::error::Error;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use corella_identity::{AddressOfRecord, Credential, DeviceKey};
use corella_overlay::record::Value;
use corella_overlay::{ContactSet, Key, Record};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, folder] = &arguments[..] else {
        return Err("usage: make_record contacts|certificate FOLDER".into());
    };
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let address: AddressOfRecord = "bob@example.net".parse()?;
    let bob = Credential::self_signed(&address, now)?;
    let (key, value) = match kind.as_str() {
        "contacts" => {
            let addresses = vec![
                "/ip4/192.0.2.17/tcp/4001".parse()?,
                "/ip4/192.0.2.17/udp/4001/quic-v1".parse()?,
            ];
            let peer = DeviceKey::generate().peer_id();
            (Key::Contacts(address), Value::Contacts(ContactSet { peer, addresses }))
        }
        "certificate" => (
            Key::Certificate(address),
            Value::Certificate(vec![bob.certificate().clone()]),
        ),
        other => return Err(format!("no kind of record: {other}; contacts or certificate").into()),
    };
    let record = Record::sign(&bob, key, value, now, now + 3_600_000)?;
    let folder = Path::new(folder);
    std::fs::write(folder.join("record.xml"), record.to_xml().as_bytes())?;
    std::fs::write(folder.join("certificate.pem"), bob.certificate_pem())?;
    Ok(())
}
