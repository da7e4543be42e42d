//! Who may speak for whom on a link.

use corella_identity::AddressOfRecord;

use super::LinkInfo;
use crate::guard::{Refusal, RequestFacts};

/// Compares a request's addresses with those the link was made for.
///
/// From must be the peer's address of record. To must be ours. The Request-URI must be ours too, either as the
/// address of record or as a contact: the same user at this device's host.
pub(super) fn check(link: &LinkInfo, own_host: &str, request: &RequestFacts) -> Result<(), Refusal> {
    let address = |uri: &str| AddressOfRecord::from_sip_uri(uri).ok();
    if address(&request.from).as_ref() != Some(&link.remote) {
        return Err(Refusal::WrongSender);
    }
    let asked = address(&request.uri).ok_or(Refusal::WrongRecipient)?;
    let at_this_device = |asked: &AddressOfRecord| {
        let parts = |address: &AddressOfRecord| {
            address
                .as_str()
                .rsplit_once('@')
                .map(|(user, host)| (user.to_owned(), host.to_owned()))
        };
        match (parts(asked), parts(&link.local)) {
            (Some((user, host)), Some((own_user, _))) => user == own_user && host.eq_ignore_ascii_case(own_host),
            _ => false,
        }
    };
    if address(&request.to).as_ref() != Some(&link.local) || !(asked == link.local || at_this_device(&asked)) {
        return Err(Refusal::WrongRecipient);
    }
    // No dialogs exist yet that a tag could name (RFC 3261 section 12.2.2).
    if request.to_tag.is_some() {
        Err(Refusal::NoDialog)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Rate;
    use crate::ua::LinkId;

    const OWN: &str = "bdevice.peer.invalid";

    fn link(local: &str, remote: &str) -> LinkInfo {
        LinkInfo {
            id: LinkId(1),
            peer_host: "bpeer.peer.invalid".to_owned(),
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            rate: Rate::KNOWN,
        }
    }

    fn request(uri: &str, from: &str, to: &str) -> RequestFacts {
        RequestFacts {
            method: "MESSAGE".into(),
            uri: uri.into(),
            from: from.into(),
            from_tag: "1".into(),
            to: to.into(),
            to_tag: None,
            call_id: "1".into(),
            cseq: 1,
            content_type: String::new(),
            body: 0,
        }
    }

    #[test]
    fn the_link_says_who_may_write_to_whom() {
        let link = link("bob@example.net", "alice@example.org");
        let (alice, bob) = ("sip:alice@example.org", "sip:bob@example.net");
        let cases = [
            (bob, alice, bob, Ok(())),
            ("sip:bob@bdevice.peer.invalid;transport=tls", alice, bob, Ok(())),
            (
                "sips:BOB@BDEVICE.peer.invalid",
                "sip:Alice@Example.ORG",
                "sip:b%6Fb@example.net:5060",
                Ok(()),
            ),
            (bob, "sip:mallory@example.org", bob, Err(Refusal::WrongSender)),
            (bob, "sip:alice@example.net", bob, Err(Refusal::WrongSender)),
            (bob, "tel:+12015550123", bob, Err(Refusal::WrongSender)),
            (bob, "sip:example.org", bob, Err(Refusal::WrongSender)),
            (bob, alice, alice, Err(Refusal::WrongRecipient)),
            (bob, alice, "sip:carol@example.net", Err(Refusal::WrongRecipient)),
            (
                "sip:carol@bdevice.peer.invalid",
                alice,
                bob,
                Err(Refusal::WrongRecipient),
            ),
            ("sip:bob@other.peer.invalid", alice, bob, Err(Refusal::WrongRecipient)),
            ("sip:bdevice.peer.invalid", alice, bob, Err(Refusal::WrongRecipient)),
        ];
        for (uri, from, to, expected) in cases {
            assert_eq!(
                check(&link, OWN, &request(uri, from, to)),
                expected,
                "{uri} {from} {to}"
            );
        }
        let inside = RequestFacts {
            to_tag: Some("x".into()),
            ..request(bob, alice, bob)
        };
        assert_eq!(check(&link, OWN, &inside), Err(Refusal::NoDialog));
    }

    #[test]
    fn odd_local_parts_are_compared_without_their_escapes() {
        let link = link("a#b%@example.net", "o'brien+x@example.org");
        let request = request(
            "sip:a%23b%25@bdevice.peer.invalid",
            "sip:o%27brien%2Bx@example.org",
            "sip:%61%23b%25@example.net",
        );
        assert_eq!(check(&link, OWN, &request), Ok(()));
    }
}
