//! Keys: the names under which records are found.

use std::fmt;

use corella_identity::AddressOfRecord;
use openssl::sha::sha256;
use thiserror::Error;

/// Longest clear key in bytes: the longest escaped address (64 × 3 + 1 + 189) with its prefix.
pub const KEY_LIMIT: usize = 400;

const CONTACTS: &str = "sip:";
const CERTIFICATE: &str = "certificate:";

/// What is looked up (draft-singh-p2p-sip, location data): one kind of record of one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Key {
    /// Where the person's devices are: `sip:bob@example.net`.
    Contacts(AddressOfRecord),
    /// The person's certificates: `certificate:bob@example.net`.
    Certificate(AddressOfRecord),
}

/// The text is no key of a known kind in its one canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no clear key of a known kind, such as sip:alice@example.net, in canonical form")]
pub struct KeyError;

impl Key {
    /// The clear key as the draft writes it. The address is escaped as in a SIP URI, so that the text is a URI.
    pub fn text(&self) -> String {
        match self {
            Self::Contacts(address) => address.sip_uri(),
            Self::Certificate(address) => {
                let uri = address.sip_uri();
                format!("{CERTIFICATE}{}", uri.strip_prefix(CONTACTS).unwrap_or(&uri))
            }
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
        let key = if let Some(rest) = text.strip_prefix(CERTIFICATE) {
            Self::Certificate(address(&format!("{CONTACTS}{rest}"))?)
        } else if text.starts_with(CONTACTS) {
            Self::Contacts(address(text)?)
        } else {
            return Err(KeyError);
        };
        if key.text() == text { Ok(key) } else { Err(KeyError) }
    }

    /// Where in the overlay the records are: SHA-256 of the clear key.
    pub fn id(&self) -> [u8; 32] {
        sha256(self.text().as_bytes())
    }

    /// Whose records these are.
    pub fn address(&self) -> &AddressOfRecord {
        match self {
            Self::Contacts(address) | Self::Certificate(address) => address,
        }
    }
}

fn address(uri: &str) -> Result<AddressOfRecord, KeyError> {
    AddressOfRecord::from_sip_uri(uri).map_err(|_| KeyError)
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

    #[test]
    fn keys_are_written_as_in_the_draft() {
        assert_eq!(Key::Contacts(bob()).text(), "sip:bob@example.net");
        assert_eq!(Key::Certificate(bob()).text(), "certificate:bob@example.net");
        let id = Key::Contacts(bob()).id();
        assert_eq!(id, sha256(b"sip:bob@example.net"));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "sip:Bob@example.net",
            "sip:bob@example.net;transport=tls",
            "sip:bob@EXAMPLE.net",
            "sip:b%6fb@example.net",
            "sips:bob@example.net",
            "certificate:sip:bob@example.net",
            "offline:bob@example.net",
            "bob@example.net",
            " sip:bob@example.net",
            "",
        ] {
            assert_eq!(Key::from_text(text), Err(KeyError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_key_survives_its_text(local in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}", domain in "[a-z]{1,20}\\.[a-z]{2,5}") {
            prop_assume!(!local.starts_with("//"));
            let address: AddressOfRecord = format!("{local}@{domain}").parse().unwrap();
            for key in [Key::Contacts(address.clone()), Key::Certificate(address.clone())] {
                prop_assert_eq!(Key::from_text(&key.text()).unwrap(), key);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Key::from_text(&text);
        }
    }
}
