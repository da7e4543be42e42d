//! Bytes no honest peer sends: each gets its named refusal or a clean close, and the other links live on.

use corella_sip::guard::Rate;
use corella_sip::ua::{Closed, Event, LinkId};
use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tokio::io::AsyncWriteExt;

use super::common::{Agent, Raw, SOON, request};
use super::properties::{config, stream};

/// Sends one good request on a link that lives, and expects its answer.
async fn still_works(bob: &mut Agent, peer: &mut Raw, number: usize) {
    peer.send(request("MESSAGE", number, "well?")).await;
    bob.message().await.responder.answer(200, None);
    assert!(peer.message().await.starts_with("SIP/2.0 200 "));
}

#[tokio::test]
async fn refused_in_words_and_the_link_stays() {
    let mut bob = Agent::new("bob");
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    let good = request("MESSAGE", 1, "hello");
    let cases = [
        ("CSeq: 1 MESSAGE", "CSeq: 1 INVITE", "400 CSeq Method Does Not Match"),
        ("Max-Forwards: 70\r\n", "", "400 Missing Max-Forwards"),
        ("Call-ID: call1\r\n", "", "400 Missing Call-ID"),
        ("From: ", "X-From: ", "400 Missing From"),
        ("To: ", "X-To: ", "400 Missing To"),
        ("tag=from1", "x=y", "400 Missing From Tag"),
        (
            "Max-Forwards: 70",
            "Max-Forwards: 70\r\nMax-Forwards: 69",
            "400 More Than One Max-Forwards",
        ),
        (
            "Max-Forwards: 70",
            "Subject: \u{7}\r\nMax-Forwards: 70",
            "400 Control Character In Header",
        ),
        (
            "Max-Forwards: 70",
            "Require: time-travel\r\nMax-Forwards: 70",
            "420 Bad Extension",
        ),
        ("SIP/2.0\r\n", "SIP/7.0\r\n", "505 Version Not Supported"),
        ("text/plain", "text/html", "415 Unsupported Media Type"),
        (
            "Max-Forwards: 70",
            "Content-Encoding: gzip\r\nMax-Forwards: 70",
            "415 Unsupported Content-Encoding",
        ),
        ("branch=z9hG4bK1", "branch=1", "400 Via Branch Is Not RFC 3261's"),
        ("MESSAGE sip:", "MESSAGE tel:", "416 Unsupported URI Scheme"),
        // Grammar that the stack's parser does not follow: refused rather than left without an answer.
        ("SIP/2.0/TLS", "SIP/2.0/PIGEON", "400 Message Not Understood"),
    ];
    for (old, new, expected) in cases {
        assert!(good.contains(old), "{old}");
        let bad = good
            .replacen(old, new, 1)
            .replace("tel:bob@bbob.peer.invalid;transport=tls", "tel:+12015550123");
        alice.send(bad).await;
        let answer = alice.message().await;
        assert!(
            answer.starts_with(&format!("SIP/2.0 {expected}\r\n")),
            "{new}: {answer}"
        );
    }
    for (method, expected) in [
        ("INVITE", "405 Method Not Allowed"),
        ("SUBSCRIBE", "405 Method Not Allowed"),
        ("CANCEL", "481 Call/Transaction Does Not Exist"),
        ("message", "501 Not Implemented"),
        ("BREW", "501 Not Implemented"),
    ] {
        alice.send(request(method, 2, "")).await;
        let answer = alice.message().await;
        assert!(
            answer.starts_with(&format!("SIP/2.0 {expected}\r\n")),
            "{method}: {answer}"
        );
    }
    let mut not_utf8 = good.replace("Max-Forwards", "Subject: @@\r\nMax-Forwards").into_bytes();
    not_utf8
        .iter_mut()
        .filter(|byte| **byte == b'@')
        .skip(1)
        .take(2)
        .for_each(|byte| *byte = 0xfe);
    alice.send(not_utf8).await;
    assert!(alice.message().await.starts_with("SIP/2.0 400 "));
    // No answer at all to these, and none is missed.
    for silent in [
        request("ACK", 3, ""),
        good.replace("Via: ", "X-Via: "),
        good.replace(
            "MESSAGE sip:bob@bbob.peer.invalid;transport=tls SIP/2.0",
            "SIP/2.0 200 OK",
        ),
    ] {
        alice.send(silent).await;
    }
    still_works(&mut bob, &mut alice, 9).await;
}

#[tokio::test]
async fn refused_and_closed() {
    let mut bob = Agent::new("bob");
    let mut other = bob.raw_link(1000, Rate::KNOWN).await;
    let good = request("MESSAGE", 1, "hello");
    let length = |value: &str| good.replace("Content-Length: 5\r\n", value);
    let cases: Vec<(Vec<u8>, Option<&str>)> = vec![
        (
            length("Content-Length: 18446744073709551615\r\n").into(),
            Some("513 Message Too Large"),
        ),
        (
            length("Content-Length: 18446744073709551616\r\n").into(),
            Some("513 Message Too Large"),
        ),
        (
            length("Content-Length: 9223372036854775807\r\n").into(),
            Some("513 Message Too Large"),
        ),
        (length("l: 70000\r\n").into(), Some("513 Message Too Large")),
        (
            length("Content-Length: -5\r\n").into(),
            Some("400 Malformed Content-Length"),
        ),
        (
            length("Content-Length: 5\r\nl: 5\r\n").into(),
            Some("400 More Than One Content-Length"),
        ),
        (
            length("Content-Length: 5\r\nContent-Length: 50\r\n").into(),
            Some("400 More Than One Content-Length"),
        ),
        (length("").into(), Some("400 Missing Content-Length")),
        (
            good.replace("Max-Forwards: 70", "Max-Forwards 70").into(),
            Some("400 Malformed Header Line"),
        ),
        (
            good.replace("SIP/2.0\r\nVia", "HTTP/1.1\r\nVia").into(),
            Some("400 Malformed Start Line"),
        ),
        (good.replace("\r\n", "\n").into(), None),
        (
            format!(
                "{}X: {}",
                good.split("Content-Type").next().unwrap(),
                "x".repeat(20_000)
            )
            .into(),
            Some("513 Header Part Too Large"),
        ),
        (vec![b'a'; 20_000], None),
        (b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n".to_vec(), None),
        (vec![0; 10], None),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), None),
        ([good.as_bytes(), b" garbage after the body"].concat(), Some("")),
    ];
    for (number, (bytes, expected)) in cases.into_iter().enumerate() {
        let id = number as u64;
        let mut alice = bob.raw_link(id, Rate::KNOWN).await;
        // The link may close before all of it is written.
        let _ = alice.stream.write_all(&bytes).await;
        if expected == Some("") {
            // The message before the garbage is whole, and may be answered still.
            match bob.event().await {
                Event::Message(message) => message.responder.answer(200, None),
                other => panic!("{other:?}"),
            }
        } else if let Some(expected) = expected {
            let answer = alice.message().await;
            assert!(
                answer.starts_with(&format!("SIP/2.0 {expected}\r\n")),
                "{number}: {answer}"
            );
        }
        match bob.event().await {
            Event::LinkClosed {
                link,
                why: Closed::Refused(_),
            } if link == LinkId(id) => {}
            other => panic!("{number}: {other:?}"),
        }
        if expected != Some("") {
            assert!(alice.ends().await, "{number}");
        }
        still_works(&mut bob, &mut other, 100 + number).await;
    }
}

#[tokio::test]
async fn half_a_message_waits_and_harms_nobody() {
    let mut bob = Agent::new("bob");
    let (mut slow, mut other) = (bob.raw_link(1, Rate::KNOWN).await, bob.raw_link(2, Rate::KNOWN).await);
    let message = request("MESSAGE", 1, "slowly");
    for (number, byte) in message.as_bytes().iter().enumerate() {
        slow.send([*byte]).await;
        if number % 100 == 0 {
            still_works(&mut bob, &mut other, 1000 + number).await;
        }
    }
    let whole = bob.message().await;
    assert_eq!((whole.link, whole.body.as_slice()), (LinkId(1), b"slowly".as_slice()));
    slow.send(&message[..message.len() / 2]).await;
    drop(slow);
    assert!(matches!(
        bob.event().await,
        Event::LinkClosed {
            link: LinkId(1),
            why: Closed::ByPeer
        }
    ));
    still_works(&mut bob, &mut other, 2).await;
}

/// Generated streams, right messages of Alice's between them, cut at random.
#[tokio::test]
async fn whatever_comes_on_one_link_the_other_works() {
    let mut bob = Agent::new("bob");
    let mut other = bob.raw_link(1_000_000, Rate::KNOWN).await;
    let mut runner = TestRunner::new(config(1));
    for case in 0..150 {
        let mut noisy = bob.raw_link(case, Rate::KNOWN).await;
        let ids = 100_000 + 10 * case as usize;
        let mut bytes = request("MESSAGE", ids, "before").into_bytes();
        bytes.extend(stream().new_tree(&mut runner).unwrap().current());
        bytes.extend(request("OPTIONS", ids + 1, "").bytes());
        let piece = 1 + bytes.len() * case as usize / 200;
        let writing = tokio::spawn(async move {
            for piece in bytes.chunks(piece) {
                if noisy.stream.write_all(piece).await.is_err() {
                    break;
                }
            }
            // Whatever it is told goes by unread.
            noisy.stream.shutdown().await.ok();
            noisy
        });
        // The good message comes through, and some of the noise may be as good; then the link closes.
        let mut messages = 0;
        loop {
            match bob.event().await {
                Event::Message(message) => {
                    messages += 1;
                    message.responder.answer(200, None);
                }
                Event::LinkClosed { link, .. } if link == LinkId(case) => break,
                other => panic!("case {case}: {other:?}"),
            }
        }
        assert!(messages >= 1, "case {case}");
        tokio::time::timeout(SOON, writing).await.unwrap().unwrap();
        still_works(&mut bob, &mut other, ids + 2).await;
    }
}
