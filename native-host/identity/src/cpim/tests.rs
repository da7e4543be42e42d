use proptest::prelude::*;

use super::*;
use crate::testing::{NOW, aor};

fn envelope() -> Envelope {
    Envelope {
        from: aor("alice@example.net"),
        to: aor("bob+x@example.org"),
        at: NOW + 789,
        id: "34jk.32-4j".to_owned(),
        sequence: 12,
        returns: None,
        content_type: "text/plain; charset=utf-8".to_owned(),
        body: "Hello \u{1f600}\r\n\r\nbye\0".as_bytes().to_vec(),
    }
}

const MESSAGE: &str = "From: <sip:alice@example.net>\r\n\
    To: <sip:bob+x@example.org>\r\n\
    DateTime: 2026-06-15T12:00:00.789Z\r\n\
    NS: imdn <urn:ietf:params:imdn>\r\n\
    imdn.Message-ID: 34jk.32-4j\r\n\
    NS: corella <urn:corella:cpim:1>\r\n\
    corella.Sequence: 12\r\n\
    \r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    \r\n\
    Hello \u{1f600}\r\n\r\nbye\0";

/// The message with one piece replaced, which must be in it.
fn with(piece: &str, other: &str) -> Result<Envelope, &'static str> {
    assert!(MESSAGE.contains(piece), "{piece:?}");
    parse(MESSAGE.replacen(piece, other, 1).as_bytes())
}

#[test]
fn the_form_is_that_of_rfc_3862() {
    assert_eq!(String::from_utf8(write(&envelope()).unwrap()).unwrap(), MESSAGE);
    assert_eq!(parse(MESSAGE.as_bytes()), Ok(envelope()));
}

#[test]
fn other_spellings_mean_the_same() {
    for (piece, other) in [
        ("<sip:alice@example.net>", "Alice <sip:alice@example.net>"),
        (
            "<sip:alice@example.net>",
            "\"Mallory <sip:mallory@example.net>\" <sip:alice@example.net>",
        ),
        ("<sip:alice@example.net>", "<im:Alice@Example.NET>"),
        ("<sip:alice@example.net>", "<sip:%61lice@example.net;transport=tls>"),
        (".789Z", ".789123+00:00"),
        ("12:00:00.789Z", "13:30:00.789+01:30"),
        ("NS: imdn", "Subject:;lang=en Hi\r\nNS: imdn"),
        ("NS: imdn", "cc: <sip:carol@example.net>\r\nNS: imdn"),
        ("corella.Sequence", "corella.Colour: blue\r\ncorella.Sequence"),
        (
            "\r\n\r\nContent",
            "\r\nRequire: imdn.Message-ID,corella.Sequence\r\n\r\nContent",
        ),
        ("Content-Type: text", "content-type:text"),
        (
            "Content-Type",
            "Content-ID: <1@x>\r\nContent-Transfer-Encoding: 8bit\r\nContent-Type",
        ),
        ("plain; charset", "plain;\r\n charset"),
    ] {
        assert_eq!(with(piece, other), Ok(envelope()), "{other:?}");
    }
    let renamed = MESSAGE
        .replace("imdn <", "i <")
        .replace("imdn.", "i.")
        .replace("corella <", "imdn <")
        .replace("corella.", "imdn.");
    assert_eq!(parse(renamed.as_bytes()), Ok(envelope()), "prefixes are only names");
}

#[test]
fn each_header_is_there_exactly_once() {
    for header in MESSAGE.split("\r\n").take(7).map(|line| format!("{line}\r\n")) {
        assert!(with(&header, "").is_err(), "without {header:?}");
        assert!(with(&header, &header.repeat(2)).is_err(), "twice {header:?}");
    }
    let content_type = "Content-Type: text/plain; charset=utf-8\r\n";
    assert!(with(content_type, "").is_err());
    assert!(with(content_type, &content_type.repeat(2)).is_err());
}

#[test]
fn what_is_not_strict_is_refused() {
    for (piece, other) in [
        ("From: ", "From:"),
        ("From: ", "From:  "),
        ("From: ", "from: "),
        ("From: ", "From : "),
        ("From: ", "From:;x=y "),
        ("From", "Fr om"),
        ("From", ""),
        ("<sip:alice@example.net>", "sip:alice@example.net"),
        ("<sip:alice@example.net>", "<alice@example.net>"),
        ("<sip:alice@example.net>", "<mailto:alice@example.net>"),
        ("<sip:alice@example.net>", "<sip:alice@example.net> x"),
        ("<sip:alice@example.net>", "<sip:alice@example.net"),
        ("<sip:alice@example.net>", "<sip:alice@example.net>>"),
        ("<sip:alice@example.net>", "x<sip:alice@example.net>"),
        ("<sip:alice@example.net>", "<sip:alice%0d%0aTo:x@example.net>"),
        ("<sip:alice@example.net>", "<>"),
        ("2026-06-15T", "2026-06-15 "),
        ("2026-06-15T", "2026-06-15t"),
        ("2026-06-15T", "2026-02-30T"),
        ("2026-06-15T", "+2026-06-15T"),
        ("2026-06-15T12:00:00.789Z", "1781524800"),
        ("2026-06-15T12:00:00.789Z", "2026-06-15T12:00:00.789"),
        ("2026-06-15T12:00:00.789Z", "2026-06-15T12:00:00.789123456789123456Z"),
        ("NS: imdn <urn:ietf:params:imdn>", "NS: imdn urn:ietf:params:imdn"),
        ("NS: imdn <urn:ietf:params:imdn>", "NS: <urn:ietf:params:imdn>"),
        ("NS: imdn <urn:ietf:params:imdn>", "NS: imdn <urn:ietf:params:other>"),
        ("NS: imdn", "NS: corella"),
        ("imdn.Message-ID", "imd.Message-ID"),
        ("imdn.Message-ID", "Message-ID"),
        ("imdn.Message-ID", "imdn.message-id"),
        ("imdn.Message-ID", "imdn.x.Message-ID"),
        ("34jk.32-4j", ""),
        ("34jk.32-4j", "34jk 324j"),
        ("34jk.32-4j", "<34jk324j>"),
        ("Sequence: 12", "Sequence: -12"),
        ("Sequence: 12", "Sequence: +12"),
        ("Sequence: 12", "Sequence: 012"),
        ("Sequence: 12", "Sequence: "),
        ("Sequence: 12", "Sequence: 18446744073709551616"),
        ("\r\n\r\nContent", "\r\nRequire: imdn.Colour\r\n\r\nContent"),
        ("\r\n\r\nContent", "\r\nRequire: Subject\r\n\r\nContent"),
        ("\r\n\r\nContent", "\r\nno header\r\n\r\nContent"),
        ("\r\nTo", "\nTo"),
        ("\r\nTo", "\rTo"),
        ("alice", "al\0ice"),
        ("alice", "al\u{85}ice"),
        ("text/plain", "text"),
        ("Content-Type", "Content-Transfer-Encoding: base64\r\nContent-Type"),
        ("Content-Type", " x\r\nContent-Type"),
    ] {
        assert!(with(piece, other).is_err(), "{other:?} for {piece:?}");
    }
    for cut in 0..MESSAGE.find("Hello").unwrap() {
        assert!(parse(&MESSAGE.as_bytes()[..cut]).is_err(), "cut at {cut}");
    }
    let many: String = (0..=16).map(|i| format!("NS: n{i} <urn:x>\r\n")).collect();
    assert!(parse((many + MESSAGE).as_bytes()).is_err());
}

#[test]
fn nothing_can_be_written_that_reads_as_something_else() {
    let with = |change: fn(&mut Envelope)| {
        let mut envelope = envelope();
        change(&mut envelope);
        write(&envelope)
    };
    assert_eq!(with(|e| e.id = String::new()), Err(EnvelopeError::Id));
    assert_eq!(with(|e| e.id = "x".repeat(65)), Err(EnvelopeError::Id));
    assert_eq!(
        with(|e| e.id = "x\r\nTo: <sip:mallory@example.net>".to_owned()),
        Err(EnvelopeError::Id)
    );
    assert_eq!(
        with(|e| e.content_type = "text/plain\r\nX: y".to_owned()),
        Err(EnvelopeError::ContentType)
    );
    assert_eq!(
        with(|e| e.content_type = "text/plain; x=\u{e4}".to_owned()),
        Err(EnvelopeError::ContentType)
    );
    assert_eq!(
        with(|e| e.content_type = String::new()),
        Err(EnvelopeError::ContentType)
    );
    assert_eq!(with(|e| e.at = Millis::MAX), Err(EnvelopeError::Time));
    assert_eq!(with(|e| e.at = Millis::MIN), Err(EnvelopeError::Time));
    assert_eq!(
        with(|e| e.at = 253_402_300_800_000),
        Err(EnvelopeError::Time),
        "the year 10000"
    );
    assert_eq!(
        with(|e| e.at = -62_167_219_200_001),
        Err(EnvelopeError::Time),
        "the year -1"
    );
}

#[test]
fn debug_shows_neither_people_nor_content() {
    let shown = format!("{:?}", envelope());
    assert!(
        shown.contains("34jk.32-4j") && !shown.contains("alice") && !shown.contains("Hello"),
        "{shown}"
    );
    assert!(!shown.contains("72, 101"), "{shown}");
}

prop_compose! {
    fn any_envelope()(
        from in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}", to in "[a-z0-9+-]{1,20}",
        at in -62_167_219_200_000..253_402_300_800_000_i64, id in "[A-Za-z0-9.-]{1,64}", sequence: u64,
        returns in prop::option::of("[0-9a-f]{64}"),
        content_type in "[a-z]{1,9}/[a-z+.-]{1,20}(; ?[a-z]{1,5}=\"?[ -~]{0,10}[!-~]){0,2}",
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) -> Envelope {
        let (from, to) = (format!("{from}@example.net"), format!("{to}@example.org"));
        let returns = returns.map(|nonce| nonce.parse().unwrap());
        Envelope { from: aor(&from), to: aor(&to), at, id, sequence, returns, content_type, body }
    }
}

proptest! {
    #[test]
    fn every_envelope_is_read_as_it_was_written(envelope in any_envelope()) {
        prop_assert_eq!(parse(&write(&envelope).unwrap()), Ok(envelope));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn mutants_are_refused_or_read_as_something_that_can_be_written(
        place in 0..MESSAGE.len(), gone in 0..4_usize, new in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = MESSAGE.as_bytes().to_vec();
        bytes.splice(place..(place + gone).min(MESSAGE.len()), new);
        if let Ok(envelope) = parse(&bytes) {
            prop_assert_eq!(parse(&write(&envelope).unwrap()), Ok(envelope));
        }
    }
}
