//! What the other end of a link sees, byte by byte.

use std::time::Duration;

use corella_sip::guard::{Frame, Rate};
use corella_sip::ua::{Answer, Closed, Event, LinkId, REQUEST_TIMEOUT, SendError};
use tokio::time::{Instant, timeout};

use super::common::{ALICE, Agent, BOB, request, response, text};

async fn bob() -> Agent {
    Agent::new("bob")
}

fn status(message: &str) -> &str {
    message.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn a_message_on_the_wire() {
    let bob = bob().await;
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    let agent = bob.agent.clone();
    let sent = tokio::spawn(async move { agent.message(LinkId(1), text("hello")).await });
    let message = alice.message().await;
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "hello");
    assert!(
        head.starts_with("MESSAGE sip:alice@balice.peer.invalid;transport=TLS SIP/2.0\r\n"),
        "{head}"
    );
    for line in [
        "Max-Forwards: 70",
        &format!("To: <sip:{ALICE}>"),
        "CSeq: 1 MESSAGE",
        "User-Agent: Test/1",
        "Content-Type: text/plain",
        "Content-Length: 5",
    ] {
        assert!(head.contains(&format!("\r\n{line}")), "{line} in {head}");
    }
    assert!(
        head.contains("\r\nVia: SIP/2.0/TLS bbob.peer.invalid;branch=z9hG4bK"),
        "{head}"
    );
    assert!(head.contains(&format!("\r\nFrom: <sip:{BOB}>;tag=")), "{head}");
    // RFC 3428 section 4: no Contact in a MESSAGE.
    assert!(!head.contains("Contact"), "{head}");
    alice.send(response(&message, "100 Trying")).await;
    alice.send(response(&message, "200 Kept")).await;
    assert_eq!(
        sent.await.unwrap(),
        Ok(Answer {
            status: 200,
            reason: "Kept".into()
        })
    );
}

#[tokio::test]
async fn a_request_is_answered_on_the_wire() {
    let mut bob = bob().await;
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    alice.send(request("MESSAGE", 1, "hi")).await;
    bob.message().await.responder.answer(200, None);
    let answer = alice.message().await;
    assert!(
        answer.starts_with("SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS balice.peer.invalid;branch=z9hG4bK1\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("\r\nCall-ID: call1\r\n") && answer.contains("\r\nCSeq: 1 MESSAGE\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("\r\nTo: <sip:bob@example.net>;tag=") && !answer.contains("Contact"),
        "{answer}"
    );
}

#[tokio::test]
async fn options_says_what_is_served() {
    let bob = bob().await;
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    alice.send(request("OPTIONS", 1, "")).await;
    let answer = alice.message().await;
    assert_eq!(status(&answer), "200");
    for line in [
        "Allow: MESSAGE, OPTIONS",
        "Accept: application/pkcs7-mime, text/plain, message/cpim",
        "Server: Test/1",
    ] {
        assert!(answer.contains(&format!("\r\n{line}\r\n")), "{line} in {answer}");
    }
}

#[tokio::test]
async fn a_request_that_comes_twice_is_answered_once() {
    let mut bob = bob().await;
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    let first = request("MESSAGE", 1, "once");
    alice.send(format!("{first}{first}{first}")).await;
    let waiting = bob.message().await;
    alice.send(request("MESSAGE", 2, "another")).await;
    let other = bob.message().await;
    assert_eq!(other.body, b"another", "the repeats did not get through");
    waiting.responder.answer(200, None);
    assert!(alice.message().await.contains("Call-ID: call1"));
    other.responder.answer(200, None);
    assert!(
        alice.message().await.contains("Call-ID: call2"),
        "no second answer to the first"
    );
    // Once answered it is forgotten (timer J is zero on a stream): Message-IDs tell repeats apart from then on.
    alice.send(&first).await;
    assert_eq!(bob.message().await.body, b"once");
}

#[tokio::test]
async fn only_the_peer_asked_can_answer() {
    let bob = bob().await;
    let (mut alice, mut mallory) = (bob.raw_link(1, Rate::KNOWN).await, bob.raw_link(2, Rate::KNOWN).await);
    let agent = bob.agent.clone();
    let mut sent = tokio::spawn(async move { agent.message(LinkId(1), text("x")).await });
    let message = alice.message().await;
    mallory.send(response(&message, "200 Mine")).await;
    for (part, other) in [
        ("branch=z9hG4bK", "branch=z9hG4bKx"),
        ("Call-ID: ", "Call-ID: x"),
        (";tag=", ";tag=x"),
        ("CSeq: 1", "CSeq: 2"),
    ] {
        alice.send(response(&message, "200 OK").replacen(part, other, 1)).await;
    }
    alice
        .send(response(&message, "200 OK").replace("MESSAGE", "INVITE"))
        .await;
    // Both links have read all of that once they answer this.
    for peer in [&mut alice, &mut mallory] {
        peer.send(request("OPTIONS", 7, "")).await;
        assert_eq!(status(&peer.message().await), "200");
    }
    assert!(
        timeout(Duration::from_millis(20), &mut sent).await.is_err(),
        "nobody answered yet"
    );
    alice.send(response(&message, "408 Mine")).await;
    // A second final answer comes to nothing.
    alice.send(response(&message, "200 Late")).await;
    assert_eq!(
        sent.await.unwrap(),
        Ok(Answer {
            status: 408,
            reason: "Mine".into()
        })
    );
}

#[tokio::test]
async fn addresses_must_be_those_of_the_link() {
    let mut bob = bob().await;
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    let good = request("MESSAGE", 1, "x");
    for (old, new, expected) in [
        (
            format!("From: <sip:{ALICE}>"),
            "From: <sip:mallory@example.org>".to_owned(),
            "403",
        ),
        (
            format!("From: <sip:{ALICE}>"),
            format!("From: \"{ALICE}\" <sip:mallory@example.org>"),
            "403",
        ),
        (
            format!("From: <sip:{ALICE}>"),
            "From: <tel:+12015550123>".to_owned(),
            "403",
        ),
        (format!("To: <sip:{BOB}>"), format!("To: <sip:{ALICE}>"), "404"),
        (
            format!("To: <sip:{BOB}>"),
            format!("To: <sip:{BOB}>;tag=indialog"),
            "481",
        ),
        (
            "MESSAGE sip:bob@bbob".to_owned(),
            "MESSAGE sip:carol@bbob".to_owned(),
            "404",
        ),
        (
            "MESSAGE sip:bob@bbob".to_owned(),
            "MESSAGE sip:bob@belse".to_owned(),
            "404",
        ),
    ] {
        assert!(good.contains(&old));
        alice.send(good.replace(&old, &new)).await;
        assert_eq!(status(&alice.message().await), expected, "{new}");
    }
    alice
        .send(good.replace("sip:bob@bbob.peer.invalid;transport=tls", &format!("sip:{BOB}")))
        .await;
    bob.message().await.responder.answer(200, None);
    assert_eq!(
        status(&alice.message().await),
        "200",
        "none of the others reached the application"
    );
}

#[tokio::test]
async fn keep_alives_are_answered() {
    let bob = bob().await;
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    alice.send("\r\n\r\n\r\n\r\n").await;
    assert_eq!(
        alice.frame().await,
        Some(Frame::Ping),
        "two pongs in a row look like a ping"
    );
    alice.send(format!("\r\n{}", request("OPTIONS", 1, ""))).await;
    assert_eq!(status(&alice.message().await), "200");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_costs_32_seconds() {
    let bob = bob().await;
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    let start = Instant::now();
    // It is there, it says, and no more.
    let answer = tokio::select! {
        answer = bob.agent.message(LinkId(1), text("x")) => answer,
        _ = async { (alice.message().await, alice.keeps_alive().await) } => panic!("the link ends"),
    };
    assert_eq!(answer, Err(SendError::Timeout));
    assert_eq!(start.elapsed().as_secs(), REQUEST_TIMEOUT.as_secs());
    // The link is as good as before.
    alice.send(request("OPTIONS", 1, "")).await;
    assert_eq!(status(&alice.message().await), "200");
}

#[tokio::test]
async fn a_stream_that_breaks_is_told_with_its_reason() {
    let mut bob = bob().await;
    let alice = bob.raw_link(1, Rate::KNOWN).await;
    let agent = bob.agent.clone();
    let sent = tokio::spawn(async move { agent.message(LinkId(1), text("x")).await });
    tokio::task::yield_now().await;
    drop(alice);
    assert_eq!(sent.await.unwrap(), Err(SendError::LinkLost));
    match bob.event().await {
        Event::LinkClosed { link: LinkId(1), why } => {
            assert!(matches!(why, Closed::ByPeer | Closed::Broken(_)), "{why}")
        }
        other => panic!("{other:?}"),
    }
}
