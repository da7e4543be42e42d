//! The small pieces of SIP grammar (RFC 3261 section 25.1) that several headers share.
//!
//! All functions work on one unfolded header value or a part of it, never on bytes with line ends. None of
//! them allocates more than it returns, and none of them recurses.

/// `token` characters.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// A non-empty `token`.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// A non-empty `word`, of which a Call-ID is made.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| is_token_byte(byte) || b"()<>:\\\"/[]?{}".contains(&byte))
}

/// Removes spaces and tabs at both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// `1*DIGIT` not above `limit`; leading zeros are allowed, signs and spaces are not.
pub(super) fn number(text: &str, limit: u64) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = text.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    digits.parse().ok().filter(|value| *value <= limit)
}

/// A `host`: a name, an IPv4 address or a bracketed IPv6 reference.
pub(super) fn is_host(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        return rest
            .strip_suffix(']')
            .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    text.len() <= 255
        && !name.is_empty()
        && name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// `hostport`, with the white space that `COLON` allows in a Via.
pub(super) fn is_host_and_port(text: &str) -> bool {
    let host_end = if text.starts_with('[') {
        text.find(']').map(|at| at + 1)
    } else {
        text.find(':')
    };
    let (host, rest) = text.split_at(host_end.unwrap_or(text.len()).min(text.len()));
    let rest = trim(rest);
    let port_is_good = match rest.strip_prefix(':') {
        Some(port) => number(trim(port), u64::from(u16::MAX)).is_some_and(|port| port > 0),
        None => rest.is_empty(),
    };
    port_is_good && is_host(trim(host))
}

/// Length of the quoted string at the start of `text`, both quotes included. `None` if there is none or it
/// does not end.
pub(super) fn quoted_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Some(at + 1),
            // A quoted pair escapes one ASCII character.
            b'\\' if bytes.get(at + 1).is_some_and(u8::is_ascii) => at += 2,
            b'\\' => return None,
            _ => at += 1,
        }
    }
    None
}

/// Splits at `separator` where it stands outside quoted strings and angle brackets. `None` if a quoted
/// string or a bracket does not end.
pub(super) fn split(text: &str, separator: u8) -> Option<Vec<&str>> {
    let bytes = text.as_bytes();
    let (mut parts, mut start, mut at, mut bracket) = (Vec::new(), 0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'"' if !bracket => {
                at += quoted_length(&text[at..])?;
                continue;
            }
            b'<' => bracket = true,
            b'>' => bracket = false,
            byte if byte == separator && !bracket => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&text[start..]);
    (!bracket).then_some(parts)
}

/// One `;name=value` of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Param<'a> {
    pub(super) name: &'a str,
    pub(super) value: Option<&'a str>,
}

/// Reads `*( SEMI generic-param )`; `text` starts with `;` or is empty.
pub(super) fn params(text: &str) -> Option<Vec<Param<'_>>> {
    let text = trim(text);
    let Some(text) = text.strip_prefix(';') else {
        return text.is_empty().then(Vec::new);
    };
    split(text, b';')?.into_iter().map(param).collect()
}

fn param(text: &str) -> Option<Param<'_>> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (trim(name), Some(trim(value))),
        None => (trim(text), None),
    };
    let value_is_good = match value {
        None => true,
        Some(value) if value.starts_with('"') => quoted_length(value) == Some(value.len()),
        Some(value) => is_token(value) || is_host_and_port(value),
    };
    (is_token(name) && value_is_good).then_some(Param { name, value })
}

/// The value of the parameter `name`. `Some(None)` if it stands there without a value.
pub(super) fn find<'a>(params: &[Param<'a>], name: &str) -> Option<Option<&'a str>> {
    params
        .iter()
        .find(|param| param.name.eq_ignore_ascii_case(name))
        .map(|param| param.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for good in [
            "example.net",
            "example.net.",
            "a-b.example",
            "192.0.2.1",
            "[2001:db8::1]",
            "localhost",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "a..b",
            "-a.example",
            "exa mple",
            "[2001:db8::1",
            "[zz]",
            "a_b",
            "a@b",
            "[]",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
        for good in ["example.net:5060", "[::1]:5060", "example.net : 5060", "[::1]"] {
            assert!(is_host_and_port(good), "{good}");
        }
        for bad in [
            "example.net:",
            "example.net:0",
            "example.net:65536",
            "[::1]x",
            ":5060",
            "[::1",
        ] {
            assert!(!is_host_and_port(bad), "{bad}");
        }
    }

    #[test]
    fn numbers_take_leading_zeros_and_nothing_else() {
        assert_eq!(number("0068", 255), Some(68));
        assert_eq!(number("000000000000000000000000000000000000001", 255), Some(1));
        for bad in ["", "-1", "+1", " 1", "1 ", "256", "18446744073709551616", "1e1"] {
            assert_eq!(number(bad, 255), None, "{bad}");
        }
    }

    #[test]
    fn quoted_strings_hide_separators() {
        assert_eq!(
            split(r#""a,b" <sip:x,y@z>, c"#, b','),
            Some(vec![r#""a,b" <sip:x,y@z>"#, " c"])
        );
        assert_eq!(split(r#""open, c"#, b','), None);
        assert_eq!(split("<open, c", b','), None);
        assert_eq!(quoted_length(r#""a\"b" rest"#), Some(6));
        assert_eq!(quoted_length("\"\\\u{e9}\""), None, "a quoted pair escapes ASCII only");
    }

    #[test]
    fn parameters() {
        let list = params(r#" ; tag = abc ;x;q="a;b";maddr=[::1]"#).unwrap();
        assert_eq!(find(&list, "TAG"), Some(Some("abc")));
        assert_eq!(find(&list, "x"), Some(None));
        assert_eq!(find(&list, "q"), Some(Some(r#""a;b""#)));
        assert_eq!(find(&list, "maddr"), Some(Some("[::1]")));
        for bad in [";", ";;a", ";a=", ";a b", "a", ";a=\"x\"y"] {
            assert_eq!(params(bad), None, "{bad}");
        }
    }
}
