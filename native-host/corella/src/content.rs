//! What sealed envelopes carry, as bytes with a content type.
//!
//! - A person's words: `text/plain;charset=utf-8`.
//! - Delivery notices: `application/vnd.corella.notice`, lines of `delivered SP message-id LF`. RFC 5438's `message/imdn+xml` names one
//!   message each; a burst of messages would cost a signature each way for every one of them.
//! - A pass: `application/vnd.corella.pass`, one line of `until SP signature LF`, Unix milliseconds and base64; whose it is and for whom
//!   say the envelope's author and recipient.
//! - A status: `application/pidf+xml` (RFC 3863, with RPID activities), as any SIP presence agent reads it.

use corella_agent::{Content, Device, Presence};
use corella_identity::{
    Certificate,
    pass::{Pass, SIGNATURE_LIMIT},
};
use corella_sip::pidf;
use libp2p::PeerId;

/// What devices of one user pass to each other, outside of envelopes: a record that waits for the user in the overlay.
pub(crate) const RECORD: &str = "application/vnd.corella.record+xml";
/// What they tell each other of the others: lines of `peer-id SP last-seen LF`, the time in Unix milliseconds.
pub(crate) const DEVICES: &str = "application/vnd.corella.devices";
const TEXT: &str = "text/plain;charset=utf-8";
const NOTICE: &str = "application/vnd.corella.notice";
const PASS: &str = "application/vnd.corella.pass";
/// The longest Message-ID.
const ID_BYTES: usize = 64;
/// A notice names at most so many messages.
const NOTICES: usize = 1000;
/// A device names at most so many others: as many as can have contact records.
const NAMED: usize = 16;

/// Writes `content` as its author, `entity` (a `sip:` URI).
pub(crate) fn encode(content: &Content, entity: &str) -> (&'static str, Vec<u8>) {
    match content {
        Content::Text(text) => (TEXT, text.clone().into_bytes()),
        Content::Delivered(ids) => (
            NOTICE,
            ids.iter()
                .map(|id| format!("delivered {id}\n"))
                .collect::<String>()
                .into(),
        ),
        Content::Pass(pass) => {
            let signature = openssl::base64::encode_block(pass.signature());
            (PASS, format!("{} {signature}\n", pass.until()).into_bytes())
        }
        Content::Presence(presence) => (pidf::CONTENT_TYPE, pidf::write(&to_pidf(presence, entity)).into_bytes()),
    }
}

/// Reads what a peer wrote, who holds the certificate `author`; the error says what is wrong with it. What it says of itself is not
/// verified.
pub(crate) fn decode(content_type: &str, body: &[u8], author: &Certificate) -> Result<Content, &'static str> {
    let media_type = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8")?;
    match media_type.as_str() {
        "text/plain" => Ok(Content::Text(text.to_owned())),
        NOTICE => notices(text),
        PASS => pass(text, author).ok_or("not a pass"),
        pidf::CONTENT_TYPE => pidf::read(text).map(from_pidf).map_err(|_| "not a presence document"),
        _ => Err("a content type that is not known"),
    }
}

fn notices(text: &str) -> Result<Content, &'static str> {
    let ids = text
        .lines()
        .map(|line| {
            line.strip_prefix("delivered ")
                .filter(|id| (1..=ID_BYTES).contains(&id.len()))
                .map(str::to_owned)
        })
        .collect::<Option<Vec<_>>>()
        .ok_or("not a notice")?;
    if ids.is_empty() || ids.len() > NOTICES {
        Err("not a notice")
    } else {
        Ok(Content::Delivered(ids))
    }
}

fn pass(text: &str, author: &Certificate) -> Option<Content> {
    let (until, signature) = text.strip_suffix('\n')?.split_once(' ')?;
    let signature = openssl::base64::decode_block(signature).ok()?;
    let until = until.parse().ok().filter(|until| *until >= 0)?;
    let pass = (signature.len() <= SIGNATURE_LIMIT).then(|| Pass::claimed(author.clone(), until, signature))?;
    Some(Content::Pass(pass))
}

/// Writes which other devices of the user there are.
pub(crate) fn encode_devices(devices: &[Device]) -> Vec<u8> {
    let latest_first = || {
        let mut devices: Vec<&Device> = devices.iter().collect();
        devices.sort_by_key(|device| std::cmp::Reverse(device.seen));
        devices.into_iter().take(NAMED)
    };
    let lines = latest_first().map(|Device { name, seen }| format!("{name} {seen}\n"));
    lines.collect::<String>().into_bytes()
}

/// Reads which other devices of the user there are.
pub(crate) fn decode_devices(body: &[u8]) -> Option<Vec<Device>> {
    let line = |line: &str| {
        let (name, seen) = line.split_once(' ')?;
        let name = name.parse::<PeerId>().ok()?.to_string();
        let seen = seen.parse().ok().filter(|seen| *seen >= 0)?;
        Some(Device { name, seen })
    };
    let text = std::str::from_utf8(body).ok()?;
    let devices: Vec<Device> = text.lines().map(line).collect::<Option<_>>()?;
    (1..=NAMED).contains(&devices.len()).then_some(devices)
}

fn to_pidf(presence: &Presence, entity: &str) -> pidf::Document {
    use corella_agent::Status;
    pidf::Document {
        entity: entity.to_owned(),
        open: presence.status != Status::Offline,
        activity: match presence.status {
            Status::Away => Some(pidf::Activity::Away),
            Status::Busy => Some(pidf::Activity::Busy),
            Status::Online | Status::Offline => None,
        },
        note: presence.note.clone(),
    }
}

fn from_pidf(document: pidf::Document) -> Content {
    use corella_agent::Status;
    let status = match (document.open, document.activity) {
        (false, _) => Status::Offline,
        (true, Some(pidf::Activity::Away)) => Status::Away,
        (true, Some(pidf::Activity::Busy)) => Status::Busy,
        (true, None) => Status::Online,
    };
    let note = document
        .note
        .map(|n| n.chars().take(Presence::NOTE_CHARS).collect::<String>());
    Content::Presence(Presence {
        status,
        note: note.filter(|n| !n.trim().is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use corella_agent::Status;
    use corella_identity::Credential;
    use proptest::prelude::*;
    use std::sync::OnceLock;

    static ALICE: OnceLock<Credential> = OnceLock::new();

    fn alice() -> Credential {
        Credential::self_signed(&"alice@example.net".parse().unwrap(), 1_800_000_000_000).unwrap()
    }

    fn round_trip(content: Content, author: &Certificate) {
        let (content_type, body) = encode(&content, "sip:alice@example.net");
        assert_eq!(decode(content_type, &body, author), Ok(content));
    }

    #[test]
    fn everything_survives_the_way() {
        let alice = alice();
        let round_trip = |content| round_trip(content, alice.certificate());
        round_trip(Content::Text("Grüße, 世界 & <b>".into()));
        round_trip(Content::Delivered(vec!["a1".into(), "b2".into()]));
        let pass = Pass::give(&alice, &alice.certificate().fingerprint(), 1_800_000_000_000).unwrap();
        round_trip(Content::Pass(pass));
        for status in [Status::Online, Status::Away, Status::Busy, Status::Offline] {
            round_trip(Content::Presence(Presence {
                status,
                note: Some("at <lunch> & \"back\" soon".into()),
            }));
        }
    }

    #[test]
    fn devices_survive_the_way_and_nothing_else_is_one() {
        let device = |seen| Device {
            name: PeerId::random().to_string(),
            seen,
        };
        let devices: Vec<Device> = (0..20).rev().map(device).collect();
        assert_eq!(
            decode_devices(&encode_devices(&devices)).unwrap(),
            devices[..NAMED],
            "those seen last"
        );
        let name = &devices[0].name;
        for wrong in [
            "",
            "x 1\n",
            &format!("{name}\n"),
            &format!("{name} -1\n"),
            &format!("{name} x\n"),
        ] {
            assert_eq!(decode_devices(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(decode_devices(format!("{name} 1\n").repeat(NAMED + 1).as_bytes()), None);
        assert_eq!(decode_devices(b"\xff"), None);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let alice = alice();
        let decode = |content_type: &str, body: &[u8]| decode(content_type, body, alice.certificate());
        assert!(decode("image/png", b"x").is_err());
        assert!(decode("text/plain", b"\xff").is_err());
        assert!(decode(NOTICE, b"").is_err());
        assert!(decode(NOTICE, b"read x\n").is_err());
        assert!(decode(NOTICE, format!("delivered {}\n", "x".repeat(65)).as_bytes()).is_err());
        assert!(decode(pidf::CONTENT_TYPE, b"<presence/>").is_err());
        for wrong in [
            "",
            "1\n",
            "1 ?\n",
            "x AAAA\n",
            "-1 AAAA\n",
            "1 AAAA",
            &format!("1 {}\n", "AAAA".repeat(172)),
        ] {
            assert!(decode(PASS, wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..4) {
            let alice = ALICE.get_or_init(alice);
            let _ = decode([TEXT, NOTICE, PASS, pidf::CONTENT_TYPE][kind as usize], &body, alice.certificate());
        }
    }
}
