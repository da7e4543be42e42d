use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn aor(text: &str) -> AddressOfRecord {
    text.parse().unwrap_or_else(|e| panic!("{text:?}: {e}"))
}

fn refused(text: &str) -> AddressError {
    text.parse::<AddressOfRecord>().expect_err(text)
}

#[test]
fn every_spelling_has_one_canonical_form() {
    for spelling in [
        "alice@example.net",
        " Alice@Example.NET\n",
        "ALICE@EXAMPLE.NET",
        "\talice@example.net ",
    ] {
        assert_eq!(aor(spelling).as_str(), "alice@example.net", "{spelling:?}");
    }
    assert_eq!(
        aor("Zoë@example.net".replace('ë', "e").as_str()).to_string(),
        "zoe@example.net"
    );
    assert_eq!(aor("a@B\u{fc}cher.example").as_str(), "a@xn--bcher-kva.example");
    assert_eq!(
        aor("a@BU\u{308}CHER.example").as_str(),
        "a@xn--bcher-kva.example",
        "decomposed"
    );
    assert_eq!(aor("a@XN--BCHER-KVA.example").as_str(), "a@xn--bcher-kva.example");
    assert_eq!(
        aor("a@\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}").as_str(),
        "a@xn--r8jz45g.xn--zckzah"
    );
    assert_eq!(
        aor("a@fa\u{df}.example").as_str(),
        "a@xn--fa-hia.example",
        "\u{df} is a letter of its own"
    );
    assert_eq!(
        aor("a@example\u{3002}net").as_str(),
        "a@example.net",
        "ideographic full stop"
    );
}

#[test]
fn all_of_atext_is_kept() {
    let all = "!#$%&'*+-/=?^_`{|}~";
    assert_eq!(
        aor(&format!("{all}@example.net")).as_str(),
        format!("{all}@example.net")
    );
    assert_eq!(aor("alice+lists@example.net").as_str(), "alice+lists@example.net");
    assert_eq!(aor("a.b.c@example.net").as_str(), "a.b.c@example.net");
    let AddressOfRecord::Mail(mail) = aor("A.B@mail.Example.net");
    assert_eq!((mail.local(), mail.domain()), ("a.b", "mail.example.net"));
}

#[test]
fn what_is_no_plain_address_is_refused() {
    use AddressError::*;
    let long_local = "a".repeat(65);
    let long_label = "a".repeat(64);
    let long_domain = ["a".repeat(63), "b".repeat(63), "c".repeat(63)].join(".");
    let cases = [
        ("", NotOneAt),
        ("alice", NotOneAt),
        ("alice@bob@example.net", NotOneAt),
        ("@example.net", EmptyLocal),
        (&format!("{long_local}@example.net"), LocalTooLong),
        ("\"alice\"@example.net", LocalCharacter),
        ("al ice@example.net", LocalCharacter),
        ("al\u{0}ice@example.net", LocalCharacter),
        ("alice\r\nx@example.net", LocalCharacter),
        ("alice\u{7f}@example.net", LocalCharacter),
        ("Zo\u{eb}@example.net", LocalCharacter),
        ("\u{ff41}lice@example.net", LocalCharacter),
        ("alice,bob@example.net", LocalCharacter),
        ("<alice>@example.net", LocalCharacter),
        ("alice\\@example.net", LocalCharacter),
        (".alice@example.net", LocalCharacter),
        ("alice.@example.net", LocalCharacter),
        ("a..b@example.net", LocalCharacter),
        ("sip:alice@example.net", LocalCharacter),
        ("alice@", Domain),
        ("alice@.", Domain),
        ("alice@example..net", Domain),
        ("alice@.example.net", Domain),
        ("alice@example.net.", Domain),
        ("alice@exam ple.net", Domain),
        ("alice@example.net\u{0}", Domain),
        ("alice@example\r\n.net", Domain),
        ("alice@exam_ple.net", Domain),
        ("alice@-example.net", Domain),
        ("alice@[192.0.2.1]", Domain),
        ("alice@example.net:5060", Domain),
        ("alice@example.net;x", Domain),
        ("alice@example.net/x", Domain),
        ("alice@xn--a.example", Domain),
        (&format!("alice@{long_label}.net"), Domain),
        (&format!("{}@{long_domain}", "d".repeat(63)), TooLong),
        (&"a".repeat(INPUT_LIMIT + 1), InputTooLong),
    ];
    for (text, error) in cases {
        assert_eq!(refused(text), error, "{text:?}");
    }
}

#[test]
fn the_longest_address_is_still_one() {
    let domain = ["a".repeat(63), "b".repeat(63), "c".repeat(61)].join(".");
    let text = format!("{}@{domain}", "d".repeat(64));
    assert_eq!(text.len(), ADDRESS_LIMIT);
    assert_eq!(aor(&text).as_str(), text);
}

#[test]
fn errors_do_not_repeat_the_address() {
    for text in [
        "s\u{eb}cret@example.net",
        "secret@exa mple",
        "secret@secret@x",
        "sip:secret%@x",
    ] {
        let message = AddressOfRecord::parse_link(text).expect_err(text).to_string();
        assert!(!message.contains("cret"), "{message}");
    }
}

#[test]
fn links_name_the_address_without_their_trimmings() {
    for link in [
        "alice@example.net",
        " alice@example.net ",
        "sip:alice@example.net",
        "SIP:Alice@Example.Net",
        "sips:alice@example.net",
        "sip:alice@example.net;transport=tls?subject=x",
        "sip:alice@example.net:5061;transport=tls",
        "sip:alice@example.net?subject=a%40b",
        "sip:%61lice@example.net",
        "im:alice@example.net",
        "im:alice@example.net?subject=x",
        "mailto:alice@example.net",
        "mailto:alice@example.net?subject=Hi%20there&body=x",
        "mailto:al%69ce@example%2Enet",
    ] {
        let got = AddressOfRecord::parse_link(link).unwrap_or_else(|e| panic!("{link:?}: {e}"));
        assert_eq!(got.as_str(), "alice@example.net", "{link:?}");
    }
    let links = [
        ("mailto:a@b%C3%BCcher.example", "a@xn--bcher-kva.example"),
        ("sip:a@b\u{fc}cher.example", "a@xn--bcher-kva.example"),
        ("sip:alice%2Blists@example.net", "alice+lists@example.net"),
        ("sip:a;b?c@example.net;x", "a;b?c@example.net"),
        ("100%25@example.net", "100%25@example.net"),
    ];
    for (link, address) in links {
        match AddressOfRecord::parse_link(link) {
            Ok(got) => assert_eq!(got.as_str(), address, "{link:?}"),
            // `;` is allowed in a SIP user and not in a mail address.
            Err(e) => assert_eq!((link, e), ("sip:a;b?c@example.net;x", AddressError::LocalCharacter)),
        }
    }
}

/// The add-on reads the same table: what it takes, the host takes, and as the same person.
#[test]
fn texts_are_read_as_the_table_says() {
    let table: BTreeMap<String, Option<String>> = serde_json::from_str(include_str!("readings.json")).unwrap();
    for (text, address) in table {
        let read = AddressOfRecord::parse_link(&text).ok();
        assert_eq!(
            read.as_ref().map(AddressOfRecord::as_str),
            address.as_deref(),
            "{text:?}"
        );
    }
}

#[test]
fn links_that_name_nobody_are_refused() {
    use AddressError::*;
    for (link, error) in [
        ("tel:+4930123456", Scheme),
        ("https://alice@example.net/", Scheme),
        ("javascript:alice@example.net", Scheme),
        ("sip:example.net", NotOneAt),
        ("sip:alice:secret@example.net", LocalCharacter),
        ("sip://alice@example.net", LocalCharacter),
        ("sip:alice@example.net:", Port),
        ("sip:alice@example.net:x", Port),
        ("sip:alice@[2001:db8::1]", Port),
        ("sip:al%ice@example.net", Escape),
        ("sip:alice%@example.net", Escape),
        ("sip:alice%4@example.net", Escape),
        ("sip:%ff@example.net", Escape),
        ("sip:a%40b@example.net", LocalCharacter),
        ("sip:a%0d%0ab@example.net", LocalCharacter),
        ("sip:alice@evil.example%3b.example.net", Domain),
        ("mailto:alice@example.net,bob@example.net", NotOneAt),
        ("mailto:alice@example.net%2cx", Domain),
        ("mailto:?to=alice@example.net", NotOneAt),
    ] {
        assert_eq!(AddressOfRecord::parse_link(link), Err(error), "{link:?}");
    }
    assert_eq!(AddressOfRecord::from_sip_uri("im:alice@example.net"), Err(Scheme));
    assert_eq!(AddressOfRecord::from_sip_uri("alice@example.net"), Err(Scheme));
}

#[test]
fn the_sip_uri_escapes_what_rfc_3261_does_not_allow() {
    assert_eq!(aor("alice+x@example.net").sip_uri(), "sip:alice+x@example.net");
    assert_eq!(
        aor("a#b%c^d`{|}@example.net").sip_uri(),
        "sip:a%23b%25c%5Ed%60%7B%7C%7D@example.net"
    );
    assert_eq!(
        aor("//a!$&'*-=?_~b@example.net").sip_uri(),
        "sip:%2F%2Fa!$&'*-=?_~b@example.net"
    );
}

proptest! {
    #[test]
    fn parsing_never_panics_and_is_idempotent(text in "\\PC{0,60}|[a-zA-Z0-9.@%:;?\u{fc}+ ]{0,60}") {
        for parsed in [text.parse::<AddressOfRecord>(), AddressOfRecord::parse_link(&text), AddressOfRecord::from_sip_uri(&text)] {
            let Ok(address) = parsed else { continue };
            prop_assert!(address.as_str().is_ascii());
            prop_assert_eq!(address.as_str().to_ascii_lowercase(), address.as_str());
            prop_assert_eq!(address.as_str().parse::<AddressOfRecord>(), Ok(address.clone()));
        }
    }

    #[test]
    fn every_address_survives_its_sip_uri(
        local in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}){0,2}",
        domain in "([a-z0-9]{1,10}\\.){0,3}[a-z][a-z0-9]{0,9}",
    ) {
        let address = aor(&format!("{local}@{domain}"));
        prop_assert_eq!(AddressOfRecord::from_sip_uri(&address.sip_uri()), Ok(address.clone()));
        prop_assert_eq!(AddressOfRecord::parse_link(&address.sip_uri()), Ok(address));
    }
}
