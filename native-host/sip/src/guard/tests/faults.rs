//! Every refusal, and a message that earns it.

use super::*;

#[test]
fn every_fault_has_its_name() {
    use Field::*;
    use Refusal::*;
    let cases: Vec<(&str, &str, Refusal)> = vec![
        // The start line.
        (
            "MESSAGE sip:bob@example.net SIP/2.0",
            "MESSAGE  sip:bob@example.net SIP/2.0",
            StartLine,
        ),
        (
            "MESSAGE sip:bob@example.net SIP/2.0",
            "MESSAGE sip:bob@example.net SIP/2.0 ",
            StartLine,
        ),
        (
            "MESSAGE sip:bob@example.net SIP/2.0",
            "MESSAGE sip:bob@example.net",
            StartLine,
        ),
        (
            "MESSAGE sip:bob@example.net SIP/2.0",
            "MESSAGE sip:bob@example.net; lr SIP/2.0",
            StartLine,
        ),
        (
            "MESSAGE sip:bob@example.net SIP/2.0",
            "MESS@GE sip:bob@example.net SIP/2.0",
            StartLine,
        ),
        (
            "MESSAGE sip:bob@example.net SIP/2.0",
            "MESSAGE sip:bob@example.net HTTP/1.1",
            StartLine,
        ),
        (
            "MESSAGE sip:bob@example.net SIP/2.0",
            "MESSAGE sip:bob@example.net SIP/2",
            StartLine,
        ),
        ("SIP/2.0\r\n", "SIP/7.0\r\n", Version),
        ("SIP/2.0\r\n", "SIP/2.1\r\n", Version),
        // Header lines.
        ("Max-Forwards: 70", "Max-Forwards 70", HeaderLine),
        ("Max-Forwards: 70", "Max Forwards: 70", HeaderLine),
        (
            "Max-Forwards: 70",
            "Subject: \u{1}\r\nMax-Forwards: 70",
            ControlCharacter,
        ),
        (
            "Max-Forwards: 70",
            "Subject: a\rb\r\nMax-Forwards: 70",
            ControlCharacter,
        ),
        ("Max-Forwards: 70", "Subject: a\nMax-Forwards: 70", ControlCharacter),
        // Mandatory fields, once each.
        ("To: <sip:bob@example.net>\r\n", "", Missing(To)),
        ("From: <sip:alice@example.net>;tag=a\r\n", "", Missing(From)),
        ("Call-ID: 1@alice\r\n", "", Missing(CallId)),
        ("CSeq: 1 MESSAGE\r\n", "", Missing(CSeq)),
        ("Max-Forwards: 70\r\n", "", Missing(MaxForwards)),
        (
            "Via: SIP/2.0/TLS alice.peer.invalid;branch=z9hG4bK1\r\n",
            "",
            Missing(Via),
        ),
        ("Content-Length: 5\r\n", "", Missing(ContentLength)),
        ("Content-Type: text/plain\r\n", "", Missing(ContentType)),
        (
            "To: <sip:bob@example.net>",
            "To: <sip:bob@example.net>\r\nt: <sip:bob@example.net>",
            Repeated(To),
        ),
        ("From:", "f: <sip:alice@example.net>;tag=a\r\nFrom:", Repeated(From)),
        ("Call-ID: 1@alice", "Call-ID: 1@alice\r\ni: 1@alice", Repeated(CallId)),
        ("CSeq: 1 MESSAGE", "CSeq: 1 MESSAGE\r\nCSeq: 2 MESSAGE", Repeated(CSeq)),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nMax-Forwards: 70",
            Repeated(MaxForwards),
        ),
        (
            "Content-Length: 5",
            "Content-Length: 5\r\nl: 5",
            Repeated(ContentLength),
        ),
        (
            "Content-Type: text/plain",
            "Content-Type: text/plain\r\nc: text/plain",
            Repeated(ContentType),
        ),
        // Their form.
        (
            "To: <sip:bob@example.net>",
            "To: \"Bob <sip:bob@example.net>",
            Malformed(To),
        ),
        (
            "To: <sip:bob@example.net>",
            "To: < sip:bob@example.net >",
            Malformed(To),
        ),
        (
            "To: <sip:bob@example.net>",
            "To: <sip:bob@example.net>;tag",
            Malformed(To),
        ),
        (
            "From: <sip:alice@example.net>;tag=a",
            "From: Alice, B <sip:alice@example.net>;tag=a",
            Malformed(From),
        ),
        (
            "From: <sip:alice@example.net>;tag=a",
            "From: <sip:alice@example.net>;tag=\"a\"",
            Malformed(From),
        ),
        (
            "From: <sip:alice@example.net>;tag=a",
            "From: <sip:alice@example.net;tag=a>",
            NoFromTag,
        ),
        ("Call-ID: 1@alice", "Call-ID: 1 2", Malformed(CallId)),
        ("Call-ID: 1@alice", "Call-ID:", Malformed(CallId)),
        ("CSeq: 1 MESSAGE", "CSeq: 2147483648 MESSAGE", Malformed(CSeq)),
        ("CSeq: 1 MESSAGE", "CSeq: 36893488147419103232 MESSAGE", Malformed(CSeq)),
        ("CSeq: 1 MESSAGE", "CSeq: -1 MESSAGE", Malformed(CSeq)),
        ("CSeq: 1 MESSAGE", "CSeq: 1", Malformed(CSeq)),
        ("Max-Forwards: 70", "Max-Forwards: 256", Malformed(MaxForwards)),
        ("Max-Forwards: 70", "Max-Forwards: -1", Malformed(MaxForwards)),
        (
            "Via: SIP/2.0/TLS alice.peer.invalid;branch=z9hG4bK1",
            "Via: SIP/2.0/UDP 192.0.2.15;;,;,,",
            Malformed(Via),
        ),
        ("branch=z9hG4bK1", "branch=z9hG4bK", Branch),
        ("branch=z9hG4bK1", "branch=1", Branch),
        (";branch=z9hG4bK1", "", Branch),
        ("Content-Length: 5", "Content-Length: -5", Malformed(ContentLength)),
        ("Content-Length: 5", "Content-Length: 5x", Malformed(ContentLength)),
        ("Content-Length: 5", "Content-Length: 4", BodyLength),
        ("Content-Length: 5", "Content-Length: 18446744073709551615", BodyLength),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nContact: sip:a@h?x=y",
            Malformed(Contact),
        ),
        // What the request asks for.
        ("CSeq: 1 MESSAGE", "CSeq: 1 OPTIONS", CSeqMethod),
        ("CSeq: 1 MESSAGE", "CSeq: 1 message", CSeqMethod),
        (
            "MESSAGE sip:bob@example.net",
            "MESSAGE <sip:bob@example.net>",
            RequestUri,
        ),
        ("MESSAGE sip:bob@example.net", "MESSAGE bob@example.net", RequestUri),
        (
            "MESSAGE sip:bob@example.net",
            "MESSAGE sip:bob@example.net?Route=x",
            RequestUri,
        ),
        ("MESSAGE sip:bob@example.net", "MESSAGE tel:+12015550123", UriScheme),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nRequire: 100rel, outbound",
            Extension(vec!["100rel".into()]),
        ),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nRequire: a\r\nRequire: b",
            Extension(vec!["a".into(), "b".into()]),
        ),
        ("Max-Forwards: 70", "Max-Forwards: 70\r\nRequire: ,", Malformed(Require)),
        ("Content-Type: text/plain", "Content-Type: text/html", MediaType),
        ("Content-Type: text/plain", "Content-Type: text", Malformed(ContentType)),
        (
            "Content-Type: text/plain",
            "Content-Type: text/plain;;",
            Malformed(ContentType),
        ),
        (
            "Content-Type: text/plain",
            "Content-Type: text/plain\r\nContent-Encoding: gzip",
            Encoding,
        ),
        (
            "Content-Type: text/plain",
            "Content-Type: text/plain\r\ne: identity, gzip",
            Encoding,
        ),
    ];
    for (old, new, expected) in cases {
        let message = with(old, new);
        assert_eq!(refusal(message.as_bytes()), Some(expected), "{new}");
    }
    for (method, expected) in [
        ("INVITE", MethodNotAllowed),
        ("REGISTER", MethodNotAllowed),
        ("message", UnknownMethod),
        ("NEWMETHOD", UnknownMethod),
        ("!odd'~", UnknownMethod),
        ("ACK", NoTransaction),
        ("CANCEL", NoTransaction),
    ] {
        assert_eq!(
            refusal(GOOD.replace("MESSAGE", method).as_bytes()),
            Some(expected),
            "{method}"
        );
    }
    let not_utf8 = with("Max-Forwards", "Subject: ?\r\nMax-Forwards")
        .replace('?', "\u{ff}")
        .into_bytes();
    let not_utf8: Vec<u8> = not_utf8.into_iter().filter(|byte| *byte != 0xc3).collect();
    assert_eq!(refusal(&not_utf8), Some(NotUtf8));
    assert_eq!(
        refusal(with("\r\n\r\n", "\r\n").as_bytes()),
        Some(HeaderLine),
        "no empty line"
    );
    assert_eq!(
        refusal(with("Max", &format!("x: {}\r\nMax", "x".repeat(MAX_HEAD))).as_bytes()),
        Some(HeadTooLarge)
    );
    assert_eq!(
        refusal(GOOD.replace("hello", &"x".repeat(MAX_MESSAGE)).as_bytes()),
        Some(TooLarge)
    );
    assert_eq!(refusal(b""), Some(HeaderLine));
    assert_eq!(refusal(b"\r\n\r\n"), Some(StartLine));
}
