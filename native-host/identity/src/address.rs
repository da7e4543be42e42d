//! The address of record: who a person is, in the one form on which everything matches.

mod link;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::sync::Arc;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Longest local part in bytes (RFC 5321 section 4.5.3.1.1).
const LOCAL_LIMIT: usize = 64;
/// Longest address in bytes (RFC 5321 section 4.5.3.1.3: a path of 256 with its angle brackets).
const ADDRESS_LIMIT: usize = 254;
/// Longest text that is looked at; links carry parameters and headers, which are dropped.
const INPUT_LIMIT: usize = 2048;

/// Why a text is no address. The text itself is not repeated, so that no address reaches a log through an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// The text is longer than any address or link can be.
    #[error("the address is longer than {INPUT_LIMIT} bytes")]
    InputTooLong,
    /// There is not exactly one `@`.
    #[error("an address has exactly one @, such as alice@example.net")]
    NotOneAt,
    /// Nothing stands before the `@`.
    #[error("the part before the @ is missing")]
    EmptyLocal,
    /// The local part is over 64 bytes.
    #[error("the part before the @ is longer than {LOCAL_LIMIT} bytes")]
    LocalTooLong,
    /// The local part has a character that no plain mail address has: only RFC 5322 atext and single dots are taken.
    #[error("the part before the @ may hold letters, digits and !#$%&'*+-/=?^_`{{|}}~ with single dots between")]
    LocalCharacter,
    /// The domain is no host name, also not after IDNA.
    #[error("the part after the @ is no valid domain name")]
    Domain,
    /// The address is over 254 bytes in its canonical form.
    #[error("the address is longer than {ADDRESS_LIMIT} bytes")]
    TooLong,
    /// The link's scheme is not one that names a person.
    #[error("only sip:, sips:, im: and mailto: links name a person")]
    Scheme,
    /// The link has an escape that is not `%` and two hexadecimal digits, or that does not make UTF-8.
    #[error("the link has a broken %-escape")]
    Escape,
    /// What follows the host in a SIP link is no port, parameter or header.
    #[error("the link's port is no number")]
    Port,
}

/// A person's address, the key under which everything about the person is kept.
///
/// Equality, order and hash are those of the canonical text. Further kinds of address (telephone numbers) may follow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AddressOfRecord {
    /// A mail address, which is also the SIP address `sip:` + itself.
    Mail(MailAddress),
}

/// A mail address in canonical form: ASCII, lower case, the domain as A-labels.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailAddress {
    text: Arc<str>,
}

impl MailAddress {
    /// The whole canonical address, such as `alice@example.net`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the `@`, lower-cased.
    pub fn local(&self) -> &str {
        self.text.split_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`: a domain name of lower-case A-labels.
    pub fn domain(&self) -> &str {
        self.text.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// Canonical form of `local` and `domain`, which are free of escapes.
    fn canonical(local: &str, domain: &str) -> Result<Self, AddressError> {
        let local = canonical_local(local)?;
        let domain = canonical_domain(domain)?;
        let text = format!("{local}@{domain}");
        if text.len() > ADDRESS_LIMIT {
            return Err(AddressError::TooLong);
        }
        Ok(Self { text: text.into() })
    }
}

impl AddressOfRecord {
    /// The canonical text, such as `alice@example.net`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Mail(mail) => mail.as_str(),
        }
    }

    /// The address as a SIP URI, such as `sip:alice@example.net`; characters that RFC 3261's `user` does not allow are
    /// %-escaped.
    pub fn sip_uri(&self) -> String {
        match self {
            Self::Mail(mail) => link::sip_uri(mail),
        }
    }

    /// The address that a `sip:` or `sips:` URI names. Port, parameters and headers are dropped.
    ///
    /// # Errors
    /// Another scheme, a broken escape, or no valid address in it.
    pub fn from_sip_uri(uri: &str) -> Result<Self, AddressError> {
        link::from_sip_uri(bounded(uri)?)
    }

    /// The address that a link from an address book or a page names: `sip:`, `sips:`, `im:`, `mailto:`, or the bare
    /// address. In links %-escapes are decoded; parameters and headers are dropped.
    ///
    /// # Errors
    /// Another scheme, a broken escape, or no valid address in it; also a `mailto:` to several people.
    pub fn parse_link(link: &str) -> Result<Self, AddressError> {
        link::parse(bounded(link)?)
    }
}

impl FromStr for AddressOfRecord {
    type Err = AddressError;

    /// Takes the bare mail address only, with white space around it and in any case; gives the canonical form.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (local, domain) = split_at_sign(bounded(text)?)?;
        MailAddress::canonical(local, domain).map(Self::Mail)
    }
}

impl fmt::Display for AddressOfRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AddressOfRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for AddressOfRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AddressOfRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

fn bounded(text: &str) -> Result<&str, AddressError> {
    let text = text.trim();
    if text.len() > INPUT_LIMIT {
        Err(AddressError::InputTooLong)
    } else {
        Ok(text)
    }
}

fn split_at_sign(text: &str) -> Result<(&str, &str), AddressError> {
    match text.split_once('@') {
        Some((local, domain)) if !domain.contains('@') => Ok((local, domain)),
        _ => Err(AddressError::NotOneAt),
    }
}

/// Lower-cased dot-atom of RFC 5322. Mail systems may tell cases apart; people do not, and two identities that differ
/// in case alone would be a trap.
fn canonical_local(local: &str) -> Result<String, AddressError> {
    if local.is_empty() {
        return Err(AddressError::EmptyLocal);
    }
    if local.len() > LOCAL_LIMIT {
        return Err(AddressError::LocalTooLong);
    }
    let atoms_are_fine = local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.bytes().all(is_atext));
    if !atoms_are_fine {
        return Err(AddressError::LocalCharacter);
    }
    Ok(local.to_ascii_lowercase())
}

fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Lower-case A-labels by UTS 46 (non-transitional), with the host name rules of STD 3 and the lengths of the DNS. What ends in a
/// number is read as an IPv4 address wherever hosts are looked up, so it must be one in its usual form.
fn canonical_domain(domain: &str) -> Result<String, AddressError> {
    let uts46 = Uts46::new();
    let domain = uts46
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| AddressError::Domain)?;
    let last = domain.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").unwrap_or("-");
    let number = last.bytes().all(|b| b.is_ascii_digit()) || hexadecimal.bytes().all(|b| b.is_ascii_hexdigit());
    if number && domain.parse::<Ipv4Addr>().is_err() {
        return Err(AddressError::Domain);
    }
    Ok(domain.into_owned())
}
