//! Getting a certificate by mail: what the person's side and the authority's side have in common.
//!
//! ```text
//! person    ── request (PKCS #10) ─────────────────────────> authority
//! person    <─ RequestId ───────────────────────────────────  authority
//! mailbox   <─ letter: Tag and Token of the request ────────  authority
//! person    ── Token, signed with the requested key ────────> authority
//! person    <─ certificate and chain ───────────────────────  authority
//! ```
//!
//! That is the idea of RFC 8823: who reads the mailbox and holds the key is the person. What is proven is proven in two
//! channels: the id of the request went to whoever asked, the token to the mailbox, and the signature binds both to the key.

mod block;
mod pending;
mod request;

use std::fmt;
use std::str::FromStr;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkey::{PKey, Public};
use openssl::rand::rand_bytes;
use openssl::sha::Sha256;
use openssl::sign::Signer;
use thiserror::Error;

pub use block::{BLOCK_LIMIT, read_block, write_block};
pub use pending::Pending;
pub use request::{NewKey, RequestError};

use crate::{AddressOfRecord, Fingerprint, Millis};

/// How long a mailed token is good: 24 hours. An old mail in an archive is worth nothing.
pub const TOKEN_LIFETIME: Millis = 24 * 60 * 60 * 1000;

/// The text is not of so many hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an id, tag or token is a fixed number of lower-case hexadecimal digits")]
pub struct FormError;

/// Names a request. Only the authority and whoever made the request know it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; 16]);

/// Names a request in a letter, to whoever knows its id, and tells others nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag([u8; 8]);

/// What a letter proves: whoever has it reads the mailbox. Secret.
#[derive(Clone, Copy)]
pub struct Token([u8; 32]);

impl RequestId {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn new() -> Result<Self, ErrorStack> {
        let mut bytes = [0; 16];
        rand_bytes(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Its 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The tag that letters call it by.
    pub fn tag(&self) -> Tag {
        let mut hash = Sha256::new();
        hash.update(b"corella request tag 1 ");
        hash.update(&self.0);
        let [a, b, c, d, e, f, g, h, ..] = hash.finish();
        Tag([a, b, c, d, e, f, g, h])
    }
}

impl From<[u8; 16]> for RequestId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Token {
    /// The token of a request, which follows from the authority's token key: it has not to be kept, and a letter that is sent
    /// twice says the same.
    ///
    /// # Errors
    /// Only if OpenSSL fails.
    pub fn derive(key: &[u8; 32], id: &RequestId) -> Result<Self, ErrorStack> {
        let key = PKey::hmac(key)?;
        let mut mac = Signer::new(MessageDigest::sha256(), &key)?;
        let mut token = [0; 32];
        mac.sign_oneshot(&mut token, &[b"corella token 1 ".as_slice(), &id.0].concat())?;
        Ok(Self(token))
    }

    /// Whether both are the same, in a time that tells nothing.
    pub fn is(&self, other: &Self) -> bool {
        memcmp::eq(&self.0, &other.0)
    }
}

/// What the requested key signs to have its certificate: the one answer to the one letter.
///
/// `revoke_others`: whether the address's earlier certificates under this authority are to be revoked, as when a device
/// with its key was lost.
pub fn answer_statement(
    authority: &Fingerprint,
    address: &AddressOfRecord,
    id: &RequestId,
    token: &Token,
    revoke_others: bool,
) -> Vec<u8> {
    let others = if revoke_others { "revoke" } else { "keep" };
    format!("corella certificate answer 1\n{authority}\n{address}\n{id}\n{token}\n{others}\n").into_bytes()
}

/// Whether this key signed `data` with SHA-256: raw r‖s for P-256, PKCS #1 v1.5 for RSA. False for other keys.
pub fn is_signed(key: &PKey<Public>, data: &[u8], signature: &[u8]) -> bool {
    crate::certificate::verify(key, data, signature)
}

macro_rules! hexadecimal {
    ($name:ident, $length:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = FormError;

            fn from_str(text: &str) -> Result<Self, FormError> {
                let mut bytes = [0; $length];
                if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(FormError);
                }
                hex::decode_to_slice(text, &mut bytes).map_err(|_| FormError)?;
                Ok(Self(bytes))
            }
        }
    };
}

hexadecimal!(RequestId, 16);
hexadecimal!(Tag, 8);
hexadecimal!(Token, 32);

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
    }
}

impl Eq for Token {}

// Both are secrets.
impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId(tag {})", self.tag())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, aor};
    use crate::{Credential, Fingerprint};

    const ID: &str = "000102030405060708090a0b0c0d0e0f";

    #[test]
    fn tokens_are_of_one_request_and_one_authority() {
        let (one, other): (RequestId, RequestId) = (ID.parse().unwrap(), RequestId::new().unwrap());
        let derive = |key: u8, id: &RequestId| Token::derive(&[key; 32], id).unwrap();
        let token = derive(7, &one);
        assert!(token.is(&derive(7, &one)));
        assert!(!token.is(&derive(7, &other)));
        assert!(!token.is(&derive(8, &one)));
        assert!(token.is(&token.to_string().parse().unwrap()));
        assert_ne!(one.tag(), other.tag());
    }

    #[test]
    fn the_answer_is_to_one_letter() {
        let address = aor("alice@example.net");
        let authority: Fingerprint = "ab".repeat(32).parse().unwrap();
        let id: RequestId = ID.parse().unwrap();
        let token = Token::derive(&[7; 32], &id).unwrap();
        let said = |revoke| answer_statement(&authority, &address, &id, &token, revoke);
        let text = String::from_utf8(said(false)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let authority = authority.to_string();
        let token = token.to_string();
        assert_eq!(
            lines,
            [
                "corella certificate answer 1",
                &authority,
                "alice@example.net",
                ID,
                &token,
                "keep"
            ]
        );
        let credential = Credential::self_signed(&address, NOW).unwrap();
        let signature = credential.sign(&said(true)).unwrap();
        assert!(credential.certificate().verify(&said(true), &signature));
        assert!(!credential.certificate().verify(&said(false), &signature));
    }

    #[test]
    fn forms_are_strict_and_secrets_are_not_shown() {
        for wrong in [
            "",
            "00",
            &ID.to_uppercase(),
            &format!("{ID}0"),
            &ID.replace('0', "g"),
            &format!(" {ID}"),
        ] {
            assert!(wrong.parse::<RequestId>().is_err(), "{wrong}");
        }
        let id: RequestId = ID.parse().unwrap();
        assert_eq!(id.to_string(), ID);
        let token = Token::derive(&[7; 32], &id).unwrap();
        assert!(!format!("{id:?}").contains(ID) && !format!("{token:?}").contains(&token.to_string()));
    }
}
