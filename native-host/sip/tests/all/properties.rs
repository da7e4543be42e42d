//! Whatever comes on a stream, in whatever pieces: no panic, no hang, one verdict. And whatever passes, the parsers
//! behind the guard read as the guard does.

use corella_sip::guard::{Frame, Framer, Guard, MAX_MESSAGE, Passed, Policy, Verdict};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use rsipstack::sip::SipMessage;
use rsipstack::sip::prelude::HeadersExt;

/// No file of failures is kept: a failure prints its seed, and becomes a test of its own.
pub(crate) fn config(cases: u32) -> Config {
    Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    }
}

fn guard() -> Guard {
    Guard::new(Policy {
        methods: ["MESSAGE", "OPTIONS", "INVITE"].map(str::to_owned).to_vec(),
        accept: vec!["text/plain".into(), "application/pkcs7-mime".into()],
        extensions: Vec::new(),
        product: "Test/1".into(),
    })
}

/// Pushes the pieces one by one and says all there is to say about the stream.
fn outcome(pieces: &[&[u8]]) -> (Vec<Result<Frame, Verdict>>, bool) {
    let (guard, mut framer, mut said) = (guard(), Framer::new(), Vec::new());
    for piece in pieces {
        framer.push(piece);
        while let Some(frame) = framer.next_frame() {
            match frame {
                Frame::Message(message) => {
                    assert!(message.len() <= MAX_MESSAGE);
                    said.push(Err(guard.judge(&message)));
                }
                Frame::Broken { head, refusal } => said.push(Err(guard.refuse(&head, refusal))),
                quiet => said.push(Ok(quiet)),
            }
        }
    }
    (said, framer.is_between_messages())
}

/// A well-formed message, written in one of many ways.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let start = select(vec![
        "MESSAGE sip:bob@example.net SIP/2.0",
        "MESSAGE sips:o'brien+x%23@[2001:db8::1]:5061;transport=tls SIP/2.0",
        "OPTIONS sip:b.peer.invalid SIP/2.0",
        "INVITE sip:bob;x=y@192.0.2.1 SIP/2.0",
        "MESSAGE sip:bob@b.peer.invalid;transport=tls SIP/2.0",
        "SIP/2.0 200 OK",
        "SIP/2.0 493 \u{43d}\u{435}\u{442}",
    ]);
    let via = select(vec![
        "Via: SIP/2.0/TLS a.peer.invalid;branch=z9hG4bK",
        "v: SIP/2.0/UDP [::1]:5060 ;rport; branch = z9hG4bK",
    ]);
    let from = select(vec![
        "From: <sip:alice@example.org>;tag=",
        "f: \"A, \\\"B\\\"; <C>\" <sip:a%20b@h>;x=\"y;z\";tag=",
        "From: sip:a@h ; tag = ",
    ]);
    let to = select(vec![
        "To: <sip:bob@example.net>",
        "t:\r\n Bob <sip:bob@example.net;x=y?z=w>;tag=1",
        "TO :sip:[::1]",
    ]);
    let extra = select(vec![
        "",
        "Subject: \u{1f600} ;,\"\r\n",
        "X-Long:\r\n a\r\n\tb\r\n",
        "Contact: *\r\n",
        "Date: now\r\nDate: then\r\n",
    ]);
    let body = prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 0..200),
        Just(b"\r\n\r\nMESSAGE x SIP/2.0\r\n\r\n".to_vec())
    ];
    let length = select(vec!["l", "Content-Length", "CONTENT-LENGTH", "L "]);
    (start, via, from, to, (extra, length), body, 0..u32::MAX / 2, "[a-zA-Z0-9.!%*_+`'~-]{1,12}").prop_map(
        |(start, via, from, to, (extra, length), body, number, token)| {
            let method = if start.starts_with("SIP/") { "MESSAGE" } else { start.split(' ').next().unwrap() };
            let mut bytes = format!(
                "{start}\r\n{via}{token}\r\n{from}{token}\r\n{to}\r\n{extra}Call-ID: {token}@{token}\r\nCSeq: {number} {method}\r\n\
                 Max-Forwards: 70\r\nc: text/plain\r\n{length}: {}\r\n\r\n",
                body.len()
            )
            .into_bytes();
            bytes.extend(body);
            bytes
        },
    )
}

#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let interesting = prop_oneof![any::<u8>(), select(b"\r\n\t \0:;,=<>\"\\@%/?&[]\x7f\xff".to_vec()),];
    let words = select(vec![
        "\r\n",
        "\r\n\r\n",
        "\n\n",
        "Content-Length: 5\r\n",
        "l: 18446744073709551615\r\n",
        "l: -1\r\n",
        ";tag=x",
        "%00",
        "%",
        "<",
        "\"",
        " ",
        "SIP/2.0",
        "SIP/7.0",
        ";branch=z9hG4bK",
        "Via: ",
        "\u{e9}",
        ",",
        "?a=b",
        "99999999999999999999",
    ]);
    prop_oneof![
        (any::<Index>(), interesting).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), words).prop_map(|(at, word)| Change::Insert(at, word.as_bytes().to_vec())),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (any::<Index>(), 1..80_usize).prop_map(|(at, count)| Change::Repeat(at, count)),
        any::<Index>().prop_map(Change::Cut),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let at = |index: &Index| index.index(bytes.len() + 1);
        match change {
            Change::Set(index, byte) => {
                let at = at(index);
                if let Some(place) = bytes.get_mut(at) {
                    *place = *byte;
                }
            }
            Change::Insert(index, word) => {
                let at = at(index);
                bytes.splice(at..at, word.iter().copied());
            }
            Change::Remove(index, count) => {
                let at = at(index);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Change::Repeat(index, count) => {
                let at = at(index);
                let again = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
            Change::Cut(index) => {
                let at = at(index);
                bytes.truncate(at);
            }
        }
    }
    bytes
}

/// A stream of messages, whole and broken, keep-alives and noise.
pub(crate) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => message(),
        4 => (message(), proptest::collection::vec(change(), 1..4)).prop_map(|(bytes, changes)| changed(bytes, &changes)),
        1 => select(vec![b"\r\n".to_vec(), b"\r\n\r\n".to_vec(), b"\r\n\r\n\r\n".to_vec()]),
        1 => proptest::collection::vec(any::<u8>(), 0..60),
        1 => (1..40_000_usize).prop_map(|length| vec![b'x'; length]),
    ];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn random_bytes_harm_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = outcome(&[&bytes]);
        let _ = guard().judge(&bytes);
    }

    #[test]
    fn the_pieces_of_a_stream_make_no_difference(bytes in stream(), cuts in proptest::collection::vec(any::<Index>(), 0..20)) {
        let whole = outcome(&[&bytes]);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(&outcome(&pieces), &whole);
        if bytes.len() < 3000 {
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&outcome(&single), &whole);
        }
    }

    #[test]
    fn answers_are_well_formed_whatever_was_asked(bytes in (message(), proptest::collection::vec(change(), 0..4)).prop_map(|(bytes, changes)| changed(bytes, &changes))) {
        if let Verdict::Answer { bytes, refusal } = guard().judge(&bytes) {
            let start = format!("SIP/2.0 {} {refusal}\r\n", refusal.status());
            prop_assert!(bytes.starts_with(start.as_bytes()));
            let mut framer = Framer::new();
            framer.push(&bytes);
            prop_assert_eq!(framer.next_frame(), Some(Frame::Message(bytes)));
            prop_assert!(framer.is_between_messages());
        }
    }
}

/// What every reader of a message must agree on.
#[derive(Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) method: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) body: usize,
}

fn of_the_guard(passed: Passed, body: usize) -> Reading {
    match passed {
        Passed::Request(facts) => Reading {
            method: Some(facts.method),
            status: None,
            call_id: facts.call_id,
            cseq: facts.cseq,
            body: facts.body,
        },
        Passed::Response(facts) => Reading {
            method: None,
            status: Some(facts.status),
            call_id: facts.call_id,
            cseq: facts.cseq,
            body,
        },
    }
}

fn of_rsipstack(bytes: &[u8]) -> Option<Reading> {
    let message = SipMessage::try_from(bytes).ok()?;
    let call_id = message.call_id_header().ok()?.value().trim().to_owned();
    let cseq = message.cseq_header().ok()?.seq().ok()?;
    Some(match message {
        SipMessage::Request(request) => Reading {
            method: Some(request.method.to_string()),
            status: None,
            call_id,
            cseq,
            body: request.body.len(),
        },
        SipMessage::Response(response) => Reading {
            method: None,
            status: Some(response.status_code.code()),
            call_id,
            cseq,
            body: response.body.len(),
        },
    })
}

/// Feeds a second parser everything that passes, and counts how often it reads it.
pub(crate) fn compare(second: impl Fn(&[u8]) -> Option<Reading>, cases: u32) -> (u32, u32) {
    let (passed, read) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let messages =
        (message(), proptest::collection::vec(change(), 0..3)).prop_map(|(bytes, changes)| changed(bytes, &changes));
    TestRunner::new(config(cases))
        .run(&messages, |bytes| {
            let Verdict::Pass(facts) = guard().judge(&bytes) else {
                return Ok(());
            };
            passed.set(passed.get() + 1);
            let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            if let Some(reading) = second(&bytes) {
                read.set(read.get() + 1);
                prop_assert_eq!(reading, of_the_guard(facts, bytes.len() - head));
            }
            Ok(())
        })
        .unwrap();
    (passed.get(), read.get())
}

#[test]
fn what_passes_means_the_same_to_rsipstack() {
    let (passed, read) = compare(of_rsipstack, 3000);
    println!("rsipstack read {read} of {passed} messages that passed");
    assert!(passed > 800 && read * 10 > passed * 9, "{read} of {passed}");
}
