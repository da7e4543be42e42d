//! Keys: the names under which records are found.

use std::fmt;

use corella_identity::AddressOfRecord;
use data_encoding::HEXLOWER;
use openssl::sha::sha256;
use thiserror::Error;

/// Longest clear key in bytes: the longest escaped address (64 × 3 + 1 + 189) with the longest prefix and a label.
pub const KEY_LIMIT: usize = 480;

const CONTACTS: &str = "sip:";
const CERTIFICATE: &str = "certificate:";
const WATCHERS: &str = "subscribe:presence:";
const OFFLINE: &str = "offline:";
const PRIVATE: &str = "private:";
const REVOKED: &str = "revoked:";
/// What is hashed before a key's first place to find the second.
const SECOND_PLACE: &[u8] = b"corella second place";

/// What is looked up (draft-singh-p2p-sip, location data): one kind of record of one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Key {
    /// Where the person's devices are: `sip:bob@example.net`.
    Contacts(AddressOfRecord),
    /// The person's certificates: `certificate:bob@example.net`.
    Certificate(AddressOfRecord),
    /// Who wants to see the person's presence: `subscribe:presence:bob@example.net`.
    Watchers(AddressOfRecord),
    /// What was written to the person while they were off line: `offline:bob@example.net`.
    Offline(AddressOfRecord),
    /// What the person keeps for their own devices: `private:bob@example.net:` and 64 hexadecimal digits.
    Private(AddressOfRecord, Label),
    /// Which of the person's certificates are not to be used any more: `revoked:bob@example.net`.
    Revoked(AddressOfRecord),
}

/// The last part of a `private:` key. It follows from the person's secret (the draft has the secret itself there), so
/// nobody else knows where to look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub [u8; 32]);

impl fmt::Debug for Label {
    /// Whoever knows it can look up the person's private data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Label")
    }
}

/// The text is no key of a known kind in its one canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no clear key of a known kind, such as sip:alice@example.net, in canonical form")]
pub struct KeyError;

impl Key {
    /// The clear key as the draft writes it. The address is escaped as in a SIP URI, so that the text is a URI.
    pub fn text(&self) -> String {
        let uri = self.address().sip_uri();
        let address = uri.strip_prefix(CONTACTS).unwrap_or(&uri);
        match self {
            Self::Contacts(_) => uri,
            Self::Certificate(_) => format!("{CERTIFICATE}{address}"),
            Self::Watchers(_) => format!("{WATCHERS}{address}"),
            Self::Offline(_) => format!("{OFFLINE}{address}"),
            Self::Private(_, label) => format!("{PRIVATE}{address}:{}", HEXLOWER.encode(&label.0)),
            Self::Revoked(_) => format!("{REVOKED}{address}"),
        }
    }

    /// Reads a clear key. There is one text for each key: other spellings are refused.
    ///
    /// # Errors
    /// Unknown kind, no address, or another spelling than [`Key::text`] gives.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        if text.len() > KEY_LIMIT {
            return Err(KeyError);
        }
        let key = if text.starts_with(CONTACTS) {
            Self::Contacts(AddressOfRecord::from_sip_uri(text).map_err(|_| KeyError)?)
        } else if let Some(rest) = text.strip_prefix(CERTIFICATE) {
            Self::Certificate(address(rest)?)
        } else if let Some(rest) = text.strip_prefix(WATCHERS) {
            Self::Watchers(address(rest)?)
        } else if let Some(rest) = text.strip_prefix(OFFLINE) {
            Self::Offline(address(rest)?)
        } else if let Some(rest) = text.strip_prefix(PRIVATE) {
            let (rest, label) = rest.rsplit_once(':').ok_or(KeyError)?;
            Self::Private(address(rest)?, label_of(label)?)
        } else if let Some(rest) = text.strip_prefix(REVOKED) {
            Self::Revoked(address(rest)?)
        } else {
            return Err(KeyError);
        };
        if key.text() == text { Ok(key) } else { Err(KeyError) }
    }

    /// What the overlay calls it: SHA-256 of the clear key. Where its records are follows from that ([`Key::places`]).
    pub fn id(&self) -> [u8; 32] {
        sha256(self.text().as_bytes())
    }

    /// The two places of its records: each is kept by the nodes closest to either. Whoever wants to surround a person's
    /// records with nodes of theirs has to do it twice, at places that have nothing to do with each other.
    pub fn places(&self) -> [[u8; 32]; 2] {
        places(&self.id())
    }

    /// Whose records these are.
    pub fn address(&self) -> &AddressOfRecord {
        match self {
            Self::Contacts(address)
            | Self::Certificate(address)
            | Self::Watchers(address)
            | Self::Offline(address)
            | Self::Private(address, _)
            | Self::Revoked(address) => address,
        }
    }

    /// Whether only the devices of the person that the key names may read what is under it.
    pub fn is_read_by_its_person_only(&self) -> bool {
        matches!(self, Self::Watchers(_) | Self::Offline(_))
    }

    /// What kind of records these are, as a word for logs and tables.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Contacts(_) => "contacts",
            Self::Certificate(_) => "certificate",
            Self::Watchers(_) => "watchers",
            Self::Offline(_) => "offline",
            Self::Private(..) => "private",
            Self::Revoked(_) => "revoked",
        }
    }
}

/// The two places of whatever is found by a hash.
pub fn places(id: &[u8; 32]) -> [[u8; 32]; 2] {
    [*id, sha256(&[SECOND_PLACE, id].concat())]
}

fn address(escaped: &str) -> Result<AddressOfRecord, KeyError> {
    AddressOfRecord::from_sip_uri(&format!("{CONTACTS}{escaped}")).map_err(|_| KeyError)
}

fn label_of(text: &str) -> Result<Label, KeyError> {
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| KeyError)?;
    Ok(Label(bytes.try_into().map_err(|_| KeyError)?))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bob() -> AddressOfRecord {
        "bob@example.net".parse().unwrap()
    }

    fn all(address: &AddressOfRecord) -> [Key; 6] {
        [
            Key::Contacts(address.clone()),
            Key::Certificate(address.clone()),
            Key::Watchers(address.clone()),
            Key::Offline(address.clone()),
            Key::Private(address.clone(), Label([0xab; 32])),
            Key::Revoked(address.clone()),
        ]
    }

    #[test]
    fn keys_are_written_as_in_the_draft() {
        let texts = all(&bob()).map(|key| key.text());
        let private = format!("private:bob@example.net:{}", "ab".repeat(32));
        assert_eq!(
            texts,
            [
                "sip:bob@example.net",
                "certificate:bob@example.net",
                "subscribe:presence:bob@example.net",
                "offline:bob@example.net",
                &private,
                "revoked:bob@example.net"
            ]
        );
        let id = Key::Contacts(bob()).id();
        assert_eq!(id, sha256(b"sip:bob@example.net"));
        let places = Key::Contacts(bob()).places();
        assert_eq!(places, [id, sha256(&[b"corella second place", &id[..]].concat())]);
    }

    #[test]
    fn other_spellings_are_refused() {
        let upper = format!("private:bob@example.net:{}", "AB".repeat(32));
        let short = format!("private:bob@example.net:{}", "ab".repeat(31));
        for text in [
            "sip:Bob@example.net",
            "sip:bob@example.net;transport=tls",
            "sip:bob@EXAMPLE.net",
            "sip:b%6fb@example.net",
            "sips:bob@example.net",
            "certificate:sip:bob@example.net",
            "subscribe:bob@example.net",
            "subscribe:dialog:bob@example.net",
            "offline:sip:bob@example.net",
            "private:bob@example.net",
            "private:bob@example.net:secret",
            &upper,
            &short,
            "revoked:sip:bob@example.net",
            "revoked:BOB@example.net",
            "bob@example.net",
            " sip:bob@example.net",
            "",
        ] {
            assert_eq!(Key::from_text(text), Err(KeyError), "{text}");
        }
    }

    #[test]
    fn a_private_key_is_not_shown() {
        let key = Key::Private(bob(), Label([7; 32]));
        assert!(!format!("{key:?}").contains("0707"));
    }

    proptest! {
        #[test]
        fn every_key_survives_its_text(local in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}", domain in "[a-z]{1,20}\\.[a-z]{2,5}") {
            prop_assume!(!local.starts_with("//"));
            let address: AddressOfRecord = format!("{local}@{domain}").parse().unwrap();
            for key in all(&address) {
                prop_assert_eq!(Key::from_text(&key.text()).unwrap(), key);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*|(sip|offline|private|subscribe:presence):\\PC*") {
            let _ = Key::from_text(&text);
        }
    }
}
