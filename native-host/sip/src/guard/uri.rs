//! URIs (RFC 3261 section 19.1): enough to tell a well-formed one, and to take a SIP URI apart.

use super::grammar;

/// A URI whose form is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uri<'a> {
    /// `sip:` or `sips:`
    Sip(SipUri<'a>),
    /// Any other scheme, taken as it is.
    Other,
}

/// The parts of a SIP URI as they stand, escapes kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SipUri<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) host: &'a str,
    pub(super) has_headers: bool,
}

/// Reads a URI; `None` if its form is bad.
pub(super) fn parse(text: &str) -> Option<Uri<'_>> {
    let (scheme, rest) = text.split_once(':')?;
    let scheme_is_good = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !scheme_is_good {
        return None;
    }
    if scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips") {
        return sip(rest).map(Uri::Sip);
    }
    let rest_is_good = !rest.is_empty() && escaped(rest, b"-_.!~*'();/?:@&=+$,#[]");
    rest_is_good.then_some(Uri::Other)
}

fn sip(rest: &str) -> Option<SipUri<'_>> {
    // An @ is allowed nowhere but after the user part, so the first one divides.
    let (user, rest) = match rest.split_once('@') {
        Some((userinfo, rest)) => (Some(user(userinfo)?), rest),
        None => (None, rest),
    };
    let (rest, headers) = match rest.split_once('?') {
        Some((rest, headers)) => (rest, Some(headers)),
        None => (rest, None),
    };
    let (host_and_port, params) = match rest.split_once(';') {
        Some((host_and_port, params)) => (host_and_port, Some(params)),
        None => (rest, None),
    };
    let spaceless = !host_and_port.contains([' ', '\t']);
    if !spaceless || !grammar::is_host_and_port(host_and_port) {
        return None;
    }
    if params.is_some_and(|params| !params.split(';').all(is_param)) {
        return None;
    }
    if headers.is_some_and(|headers| !headers.split('&').all(is_header)) {
        return None;
    }
    let host_end = if host_and_port.starts_with('[') {
        host_and_port.find(']').map(|at| at + 1)
    } else {
        None
    };
    let host = match host_end {
        Some(end) => &host_and_port[..end],
        None => host_and_port.split(':').next().unwrap_or(host_and_port),
    };
    Some(SipUri {
        user,
        host,
        has_headers: headers.is_some(),
    })
}

/// The user of `user [ ":" password ]`.
fn user(userinfo: &str) -> Option<&str> {
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, password),
        None => (userinfo, ""),
    };
    let good = !user.is_empty() && escaped(user, b"-_.!~*'()&=+$,;?/") && escaped(password, b"-_.!~*'()&=+$,");
    good.then_some(user)
}

fn is_param(text: &str) -> bool {
    let (name, value) = text.split_once('=').unwrap_or((text, "-"));
    let good = |part: &str| !part.is_empty() && escaped(part, b"-_.!~*'()[]/:&+$");
    good(name) && good(value)
}

fn is_header(text: &str) -> bool {
    let allowed = b"-_.!~*'()[]/?:+$";
    text.split_once('=')
        .is_some_and(|(name, value)| !name.is_empty() && escaped(name, allowed) && escaped(value, allowed))
}

/// Letters, digits, the `allowed` characters and well-formed `%` escapes only.
fn escaped(text: &str, allowed: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        at += match bytes[at] {
            b'%' if bytes.len() > at + 2 && bytes[at + 1..at + 3].iter().all(u8::is_ascii_hexdigit) => 3,
            byte if byte.is_ascii_alphanumeric() || allowed.contains(&byte) => 1,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(Option<&str>, &str, bool)> {
        match parse(text)? {
            Uri::Sip(uri) => Some((uri.user, uri.host, uri.has_headers)),
            Uri::Other => None,
        }
    }

    #[test]
    fn sip_uris_are_taken_apart() {
        assert_eq!(parts("sip:bob@example.net"), Some((Some("bob"), "example.net", false)));
        assert_eq!(parts("SIPS:example.net:5061;lr"), Some((None, "example.net", false)));
        assert_eq!(
            parts("sip:a%23b@[2001:db8::1]:5060;transport=tls"),
            Some((Some("a%23b"), "[2001:db8::1]", false))
        );
        assert_eq!(
            parts("sip:o'brien+x?y;z/@h:5060?Subject=a&b=c"),
            Some((Some("o'brien+x?y;z/"), "h", true))
        );
        assert_eq!(parts("sip:u:secret@h"), Some((Some("u"), "h", false)));
    }

    #[test]
    fn bad_sip_uris_are_refused() {
        for bad in [
            "",
            "sip:",
            "sip:@h",
            "sip:a@",
            "sip:a b@h",
            "sip:a@h; lr",
            "sip:a@h;",
            "sip:a@h;=x",
            "sip:a%2@h",
            "sip:a%zz@h",
            "<sip:a@h>",
            "sip:a@b@c",
            "sip:a@h:70000",
            "sip:a@h:",
            "sip:a#b@h",
            "sip:a@h?",
            "sip:a@h?x",
            "sip:a@h:50 60",
            "1sip:a",
            "sip",
            "sip:\u{e9}@h",
            "sip:a@h\u{0}",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn other_schemes_are_known_as_such() {
        for other in [
            "tel:+1-201",
            "soap.beep://192.0.2.103:3002",
            "isbn:2983792873",
            "nobodyKnowsThisScheme:x",
        ] {
            assert_eq!(parse(other), Some(Uri::Other), "{other}");
        }
    }
}
