//! The values of From, To, Contact and Via.

use super::grammar::{self, Param};
use super::uri;

/// A `name-addr` or `addr-spec` with its header parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub(super) uri: &'a str,
    pub(super) params: Vec<Param<'a>>,
}

impl<'a> Address<'a> {
    /// Reads the value of a From or To, or one value of a Contact. The display name is checked and left out:
    /// nothing may rely on it, anyone can write anything there.
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let value = grammar::trim(value);
        let (bracket, quoted) = match grammar::quoted_length(value) {
            Some(end) => (
                Some(end + value[end..].len() - value[end..].trim_start_matches([' ', '\t']).len()),
                true,
            ),
            None => (value.find('<'), false),
        };
        let (uri, rest) = match bracket {
            Some(at) => {
                let (name, rest) = value.split_at(at);
                let name_is_good = quoted
                    || name
                        .split([' ', '\t'])
                        .all(|word| word.is_empty() || grammar::is_token(word));
                let rest = rest.strip_prefix('<')?;
                let end = rest.find('>').filter(|_| name_is_good)?;
                (&rest[..end], &rest[end + 1..])
            }
            None => {
                // Without brackets a semicolon starts the header's parameters, and the URI may hold neither
                // comma nor question mark (RFC 3261 section 20.10).
                let end = value.find(';').unwrap_or(value.len());
                let uri = value[..end].trim_end_matches([' ', '\t']);
                (Some(uri).filter(|uri| !uri.contains([',', '?']))?, &value[end..])
            }
        };
        uri::parse(uri)?;
        Some(Self {
            uri,
            params: grammar::params(rest)?,
        })
    }

    /// The tag, if there is one with a value.
    pub(super) fn tag(&self) -> Option<&'a str> {
        grammar::find(&self.params, "tag").flatten()
    }
}

/// `*` or a list of addresses.
pub(super) fn is_contact(value: &str) -> bool {
    grammar::trim(value) == "*"
        || grammar::split(value, b',').is_some_and(|list| list.into_iter().all(|one| Address::parse(one).is_some()))
}

/// The values of one Via line, first to last: each with its parameters. `None` if one is malformed.
pub(super) fn vias(value: &str) -> Option<Vec<Vec<Param<'_>>>> {
    grammar::split(value, b',')?.into_iter().map(via).collect()
}

/// `sent-protocol LWS sent-by *( SEMI via-params )`. The protocol version is judged with the start line's.
fn via(value: &str) -> Option<Vec<Param<'_>>> {
    let value = grammar::trim(value);
    let (name, rest) = value.split_once('/')?;
    let (version, rest) = rest.split_once('/')?;
    let rest = rest.trim_start_matches([' ', '\t']);
    let (transport, rest) = rest.split_once([' ', '\t'])?;
    let protocol_is_good = grammar::trim(name).eq_ignore_ascii_case("SIP")
        && grammar::is_token(grammar::trim(version))
        && grammar::is_token(transport);
    let (sent_by, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
    if !protocol_is_good || !grammar::is_host_and_port(grammar::trim(sent_by)) {
        return None;
    }
    grammar::params(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(value: &str) -> Option<&str> {
        Address::parse(value).map(|address| address.uri)
    }

    #[test]
    fn every_way_to_write_an_address() {
        for good in [
            "sip:a@h",
            "sip:a@h;tag=1",
            "<sip:a@h>",
            "<sip:a@h>;tag=1",
            "name<sip:a@h>",
            "two names <sip:a@h> ; tag = 1",
            r#""quoted, <odd> \"name\"" <sip:a@h>;tag=1"#,
            r#""quoted"<sip:a@h>"#,
            "\t<sip:a@h>  ",
        ] {
            assert_eq!(uri(good), Some("sip:a@h"), "{good}");
        }
        assert_eq!(uri("<sip:a@h;lr?x=y>"), Some("sip:a@h;lr?x=y"));
        assert_eq!(Address::parse("sip:a@h ;   tag    = 19n").unwrap().tag(), Some("19n"));
        assert_eq!(
            Address::parse("<sip:a@h;tag=2>").unwrap().tag(),
            None,
            "a URI parameter is no tag"
        );
        assert_eq!(Address::parse(r#""x;tag=2" <sip:a@h>;tag=3"#).unwrap().tag(), Some("3"));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for bad in [
            "",
            "<>",
            "< sip:a@h >",
            "<sip:a@h",
            r#""open <sip:a@h>"#,
            "Bell, Alexander <sip:a@h>",
            "<sip:a@h>;;",
            "sip:a@h?x=y",
            "sip:a@h,sip:b@h",
            r#""name" sip:a@h"#,
            "<sip:a@h> junk",
            "a@h",
            "<<sip:a@h>>",
            r#""n" x <sip:a@h>"#,
        ] {
            assert_eq!(uri(bad), None, "{bad}");
        }
        assert!(is_contact("*") && is_contact("<sip:a@h>, sip:b@h;q=0.5"));
        assert!(!is_contact("sip:a@h?Route=%3Csip:x%3E") && !is_contact(""));
    }

    #[test]
    fn vias_with_all_the_white_space_there_may_be() {
        let value =
            "SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8  , SIP/2.0/UDP [::1]:5060;rport";
        let list = vias(value).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(grammar::find(&list[0], "branch"), Some(Some("z9hG4bK9ikj8")));
        assert_eq!(grammar::find(&list[1], "rport"), Some(None));
        for bad in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/2.0 host",
            "HTTP/2.0/TCP h",
            "SIP/2.0/UDP h h2",
        ] {
            assert_eq!(vias(bad), None, "{bad}");
        }
    }
}
