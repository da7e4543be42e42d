//! One message for every point the guard decides.

mod faults;

use super::*;

const GOOD: &str = "MESSAGE sip:bob@example.net SIP/2.0\r\n\
    Via: SIP/2.0/TLS alice.peer.invalid;branch=z9hG4bK1\r\n\
    Max-Forwards: 70\r\n\
    From: <sip:alice@example.net>;tag=a\r\n\
    To: <sip:bob@example.net>\r\n\
    Call-ID: 1@alice\r\n\
    CSeq: 1 MESSAGE\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 5\r\n\
    \r\n\
    hello";

fn guard() -> Guard {
    Guard::new(Policy {
        methods: vec!["MESSAGE".into(), "OPTIONS".into()],
        accept: vec!["text/plain".into(), "message/cpim".into()],
        extensions: vec!["outbound".into()],
        product: "Test/1".into(),
    })
}

/// The good message with one thing changed.
fn with(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    GOOD.replacen(old, new, 1)
}

fn refusal(message: &[u8]) -> Option<Refusal> {
    match guard().judge(message) {
        Verdict::Pass(_) => None,
        Verdict::Answer { refusal, bytes } => {
            let text = String::from_utf8(bytes).unwrap();
            let expected = format!("SIP/2.0 {} {refusal}\r\n", refusal.status());
            assert!(text.starts_with(&expected), "{text}");
            assert!(
                text.contains("\r\nVia: ") && text.ends_with("Content-Length: 0\r\n\r\n"),
                "{text}"
            );
            Some(refusal)
        }
        Verdict::Drop(refusal) => Some(refusal),
    }
}

fn answer(message: &str) -> String {
    match guard().judge(message.as_bytes()) {
        Verdict::Answer { bytes, .. } => String::from_utf8(bytes).unwrap(),
        other => panic!("no answer but {other:?}"),
    }
}

#[test]
fn a_good_message_passes_with_its_facts() {
    let Verdict::Pass(Passed::Request(facts)) = guard().judge(GOOD.as_bytes()) else {
        panic!("refused")
    };
    let expected = RequestFacts {
        method: "MESSAGE".into(),
        uri: "sip:bob@example.net".into(),
        from: "sip:alice@example.net".into(),
        from_tag: "a".into(),
        to: "sip:bob@example.net".into(),
        to_tag: None,
        call_id: "1@alice".into(),
        cseq: 1,
        content_type: "text/plain".into(),
        body: 5,
    };
    assert_eq!(facts, expected);
}

#[test]
fn what_is_unusual_and_right_passes() {
    for (old, new) in [
        ("Max-Forwards: 70", "MAX-FORWARDS\t:\r\n 0"),
        ("Max-Forwards: 70", "Max-Forwards: 00255"),
        (
            "MESSAGE sip:bob@example.net",
            "MESSAGE sip:o'brien+a?b;c%23%25@[2001:db8::1]:5061;transport=tls",
        ),
        ("MESSAGE sip:bob@example.net", "MESSAGE sips:example.net"),
        ("SIP/2.0\r\n", "sip/2.0\r\n"),
        (
            "From: <sip:alice@example.net>;tag=a",
            "f: \"\u{442} <x>, \\\" \\\u{0}\" <sip:alice@example.net>;x=\"y;z\";tag=a'~",
        ),
        (
            "From: <sip:alice@example.net>;tag=a",
            "From: sip:alice@example.net ; tag = a",
        ),
        ("To: <sip:bob@example.net>", "To: <tel:+12015550123>;tag=b"),
        ("Call-ID: 1@alice", "i: a<b>:\"/[]?{}@word"),
        ("CSeq: 1 MESSAGE", "CSeq: 0002147483647\r\n   MESSAGE"),
        ("branch=z9hG4bK1", "branch=Z9HG4BK1;rport;received=[::1];x=\"y\""),
        (
            "Via:",
            "v: SIP / 2.0 / UNKNOWN h:1 ; branch = z9hG4bKx , SIP/2.0/UDP 192.0.2.1\r\nVia:",
        ),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nRequire: OUTBOUND\r\nProxy-Require: anything",
        ),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nX-Unknown: ;;,,\u{e9}\r\nm: *\r\nSubject:",
        ),
        ("Content-Type: text/plain", "c: Text / PLAIN ; charset=\"utf-8\""),
        (
            "Content-Type: text/plain",
            "Content-Encoding: identity\r\nContent-Type: message/cpim",
        ),
        ("Content-Length: 5", "l: 005"),
        ("hello", "\0\r\n\r\u{7f}"),
    ] {
        assert_eq!(refusal(with(old, new).as_bytes()), None, "{new}");
    }
    let empty = with("Content-Type: text/plain\r\n", "")
        .replace("h: 5", "h: 0")
        .replace("hello", "");
    assert_eq!(refusal(empty.as_bytes()), None, "a body of nothing needs no type");
    assert_eq!(refusal(GOOD.replace("MESSAGE", "OPTIONS").as_bytes()), None);
}

#[test]
fn answers_copy_what_matches_them_to_the_request() {
    let request = with("CSeq: 1", "Via: SIP/2.0/UDP second;x=y\r\nRequire: a, b\r\nCSeq: 1");
    let text = answer(&request);
    assert!(
        text.starts_with("SIP/2.0 420 Bad Extension\r\nVia: SIP/2.0/TLS alice.peer.invalid;branch=z9hG4bK1\r\n"),
        "{text}"
    );
    for line in [
        "Via: SIP/2.0/UDP second;x=y",
        "From: <sip:alice@example.net>;tag=a",
        "Call-ID: 1@alice",
        "CSeq: 1 MESSAGE",
        "Unsupported: a, b",
        "Server: Test/1",
    ] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{line} in {text}");
    }
    assert!(text.contains("\r\nTo: <sip:bob@example.net>;tag="), "{text}");
    assert_eq!(
        text,
        answer(&request),
        "the same request gets the same answer, tag included"
    );
    assert_ne!(
        answer(&with("CSeq: 1 M", "Require: a\r\nCSeq: 2 M")),
        answer(&with("CSeq: 1 M", "Require: a\r\nCSeq: 3 M"))
    );
    let tagged = answer(&with(
        "To: <sip:bob@example.net>",
        "Require: a\r\nTo: <sip:bob@example.net>;tag=mine",
    ));
    assert!(
        tagged.contains("\r\nTo: <sip:bob@example.net>;tag=mine\r\n"),
        "{tagged}"
    );
}

#[test]
fn answers_say_what_would_be_accepted() {
    assert!(answer(&GOOD.replace("MESSAGE", "INVITE")).contains("\r\nAllow: MESSAGE, OPTIONS\r\n"));
    assert!(answer(&GOOD.replace("MESSAGE", "FOO")).contains("\r\nAllow: MESSAGE, OPTIONS\r\n"));
    let text = answer(&with("text/plain", "text/html"));
    assert!(
        text.contains("\r\nAccept: text/plain, message/cpim\r\n") && text.contains("\r\nAccept-Encoding: identity\r\n")
    );
    assert!(!answer(&with("Max-Forwards: 70\r\n", "")).contains("Accept"));
}

#[test]
fn what_cannot_or_must_not_be_answered_is_dropped() {
    let dropped = |message: &str| matches!(guard().judge(message.as_bytes()), Verdict::Drop(_));
    assert!(dropped(&GOOD.replace("MESSAGE", "ACK")));
    assert!(dropped(
        &GOOD.replace("MESSAGE", "ACK").replace("Max-Forwards: 70\r\n", "")
    ));
    assert!(dropped(&with(
        "Via: SIP/2.0/TLS alice.peer.invalid;branch=z9hG4bK1\r\n",
        ""
    )));
    assert!(dropped("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    assert!(!dropped(&GOOD.replace("MESSAGE", "CANCEL")));
    let response = GOOD.replace("MESSAGE sip:bob@example.net SIP/2.0", "SIP/2.0 200 OK");
    assert!(!dropped(&response));
    for (old, new) in [
        ("SIP/2.0 200 OK", "SIP/3.0 200 OK"),
        ("SIP/2.0 200 OK", "SIP/2.0 200"),
        ("SIP/2.0 200 OK", "SIP/2.0 99 OK"),
        ("SIP/2.0 200 OK", "SIP/2.0 700 OK"),
        ("SIP/2.0 200 OK", "SIP/2.0 0200 OK"),
        ("SIP/2.0 200 OK", "SIP/2.0 4294967301 OK"),
        ("CSeq: 1 MESSAGE", "CSeq: 9292394834772304023312 MESSAGE"),
        ("Call-ID: 1@alice\r\n", ""),
        ("tag=a", "x=a"),
        ("Via: ", "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2\r\nVia: "),
        ("To: ", "To: \u{1}"),
    ] {
        assert!(response.contains(old));
        assert!(dropped(&response.replacen(old, new, 1)), "{new}");
    }
}

#[test]
fn responses_pass_with_their_facts() {
    for (line, status, reason) in [
        ("SIP/2.0 100 ", 100, ""),
        (
            "SIP/2.0 200 = 2**3 * 5**2 \u{43d}\u{43e}",
            200,
            "= 2**3 * 5**2 \u{43d}\u{43e}",
        ),
        ("SIP/2.0 699 Odd  One ", 699, "Odd  One"),
    ] {
        let response = GOOD.replace("MESSAGE sip:bob@example.net SIP/2.0", line);
        let Verdict::Pass(Passed::Response(facts)) = guard().judge(response.as_bytes()) else {
            panic!("dropped: {line}")
        };
        assert_eq!((facts.status, facts.reason.as_str()), (status, reason));
        assert_eq!(
            (facts.call_id.as_str(), facts.cseq, facts.method.as_str()),
            ("1@alice", 1, "MESSAGE")
        );
    }
}

#[test]
fn the_link_closes_only_where_the_next_message_cannot_be_found() {
    let closes = |message: &str| guard().judge(message.as_bytes()).closes();
    assert!(closes(&with("SIP/2.0\r\n", "HTTP/1.1\r\n")));
    assert!(closes(&with("Max-Forwards: 70", "Max-Forwards 70")));
    for stays in [
        with("Max-Forwards: 70\r\n", ""),
        with("SIP/2.0\r\n", "SIP/7.0\r\n"),
        GOOD.replace("MESSAGE", "FOO"),
        GOOD.into(),
    ] {
        assert!(!closes(&stays), "{stays}");
    }
    for refusal in [
        Refusal::Garbage,
        Refusal::TooLarge,
        Refusal::HeadTooLarge,
        Refusal::Missing(Field::ContentLength),
    ] {
        assert!(guard().refuse(GOOD.as_bytes(), refusal).closes());
    }
}

#[test]
fn nothing_a_peer_writes_breaks_out_of_an_answer() {
    let form = guard().answer_form(GOOD.as_bytes()).unwrap();
    let bytes = form.fill(200, "OK\r\nEvil: 1", &[("X\r\n", "a\r\nEvil: 2\0")]);
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("\r\nEvil").count(), 0, "{text}");
    assert_eq!(Head::read(text.as_bytes()).1, None);
}
