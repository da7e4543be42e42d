//! Links that name a person: SIP URIs (RFC 3261 section 19.1), im: (RFC 3860), mailto: (RFC 6068).

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{AddressError, AddressOfRecord, MailAddress, split_at_sign};

/// `sip:` + the address; escapes what `user` of RFC 3261 section 25.1 does not allow as it is, and the slash, which it
/// does: `sip://` is read as a mistake.
pub(super) fn sip_uri(mail: &MailAddress) -> String {
    let mut uri = String::from("sip:");
    for byte in mail.local().bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push('@');
    uri.push_str(mail.domain());
    uri
}

pub(super) fn from_sip_uri(uri: &str) -> Result<AddressOfRecord, AddressError> {
    match scheme(uri) {
        Some((scheme, rest)) if is_sip(scheme) => sip(rest),
        _ => Err(AddressError::Scheme),
    }
}

pub(super) fn parse(link: &str) -> Result<AddressOfRecord, AddressError> {
    match scheme(link) {
        None => link.parse(),
        Some((scheme, rest)) if is_sip(scheme) => sip(rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("im") || scheme.eq_ignore_ascii_case("mailto") => {
            mail_like(rest)
        }
        Some(_) => Err(AddressError::Scheme),
    }
}

/// The scheme and what follows its colon. A bare address has no colon: it is neither atext nor part of a host name.
fn scheme(link: &str) -> Option<(&str, &str)> {
    link.split_once(':')
}

fn is_sip(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips")
}

/// `user@host[:port][;parameters][?headers]`. The user part may hold `;` and `?`, so the `@` is looked for first; it
/// cannot stand unescaped anywhere else.
fn sip(rest: &str) -> Result<AddressOfRecord, AddressError> {
    let (user, after) = split_at_sign(rest)?;
    let host_port = after.split([';', '?']).next().unwrap_or(after);
    let host = match host_port.split_once(':') {
        None => host_port,
        Some((host, port)) => {
            let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
            if !is_port {
                return Err(AddressError::Port);
            }
            host
        }
    };
    decoded(user, host)
}

/// `local@domain[?headers]`; the local part may hold an escaped `?` only.
fn mail_like(rest: &str) -> Result<AddressOfRecord, AddressError> {
    let address = rest.split('?').next().unwrap_or(rest);
    let (local, domain) = split_at_sign(address)?;
    decoded(local, domain)
}

fn decoded(local: &str, domain: &str) -> Result<AddressOfRecord, AddressError> {
    // `sip://alice@…` is a common mistake, and "//alice" would be a valid local part.
    if local.starts_with("//") {
        return Err(AddressError::LocalCharacter);
    }
    MailAddress::canonical(&unescape(local)?, &unescape(domain)?).map(AddressOfRecord::Mail)
}

fn unescape(text: &str) -> Result<Cow<'_, str>, AddressError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let (digits, after) = after.split_at_checked(2).ok_or(AddressError::Escape)?;
            let mut decoded = [0];
            hex::decode_to_slice(digits, &mut decoded).map_err(|_| AddressError::Escape)?;
            bytes.push(decoded[0]);
            rest = after;
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| AddressError::Escape)
}
