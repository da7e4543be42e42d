//! Peers and users that are slow, and peers that are too fast.

use std::time::Duration;

use corella_sip::guard::Rate;
use corella_sip::ua::{Closed, Event, LinkId, OutgoingMessage, STALLED, SendError};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep, timeout};

use super::common::{Agent, Raw, alice_and_bob, join, request, text};

/// As much as a link reads at once, in bytes.
const PIECE: usize = 16 * 1024;

/// Writes requests until the link takes no more for a second, and says how many were written whole.
async fn flood(peer: &mut Raw, body: &str, most: usize) -> usize {
    for number in 0..most {
        let bytes = request("MESSAGE", number, body);
        if timeout(Duration::from_secs(1), peer.stream.write_all(bytes.as_bytes()))
            .await
            .is_err()
        {
            return number;
        }
    }
    most
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_read_at_the_strangers_rate() {
    let mut bob = Agent::new("bob");
    let mut stranger = bob
        .raw_link(
            1,
            Rate {
                burst: 10,
                per_second: 5,
            },
        )
        .await;
    let start = Instant::now();
    let sent = tokio::spawn(async move {
        for number in 0..60 {
            stranger
                .stream
                .write_all(request("MESSAGE", number, "x").as_bytes())
                .await
                .unwrap();
        }
        stranger
    });
    for _ in 0..60 {
        match bob.events.recv().await.unwrap() {
            Event::Message(message) => message.responder.answer(200, None),
            other => panic!("{other:?}"),
        }
    }
    let took = start.elapsed();
    assert!(
        (9.5..=10.5).contains(&took.as_secs_f64()),
        "60 messages at 10 and 5 a second took {took:?}"
    );
    let mut stranger = sent.await.unwrap();
    for _ in 0..60 {
        assert!(
            stranger.message().await.starts_with("SIP/2.0 200 "),
            "slowed down, not refused"
        );
    }
    // Consent lifts the limit.
    bob.agent.set_rate(LinkId(1), Rate::KNOWN);
    let start = Instant::now();
    for number in 0..60 {
        stranger.send(request("MESSAGE", number, "x")).await;
        bob.message().await.responder.answer(200, None);
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_other_things_is_read_at_the_rate_too() {
    let stray = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\n\
                 Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n";
    // Keep-alives that are read in one piece are paid for together; so it takes pieces to be a flood.
    let keep_alives = "\r\n".repeat(PIECE / 2);
    let others = ["BREW", "ACK", "OPTIONS"].map(|method| request(method, 1, ""));
    for bytes in [keep_alives.as_str(), stray]
        .into_iter()
        .chain(others.iter().map(String::as_str))
    {
        let bob = Agent::new("bob");
        let peer = bob
            .raw_link(
                1,
                Rate {
                    burst: 10,
                    per_second: 10,
                },
            )
            .await;
        let start = Instant::now();
        let bytes = bytes.repeat(40);
        let (mut heard, mut said) = tokio::io::split(peer.stream);
        let writing = async {
            said.write_all(bytes.as_bytes()).await.unwrap();
            said.write_all(request("MESSAGE", 2, "last").as_bytes()).await.unwrap();
        };
        let mut nobody = tokio::io::sink();
        let reading = tokio::io::copy(&mut heard, &mut nobody);
        let mut events = bob.events;
        let last = async {
            writing.await;
            match events.recv().await {
                Some(Event::Message(last)) => last,
                other => panic!("{other:?} instead of a message"),
            }
        };
        let last = tokio::select! {
            last = last => last,
            ended = reading => panic!("{ended:?}"),
        };
        assert_eq!(last.body, b"last");
        assert!(
            start.elapsed() >= Duration::from_secs(3),
            "{:?} for {bytes:.20}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn a_user_who_does_not_answer_stops_the_reading_of_that_link_alone() {
    let mut bob = Agent::new("bob");
    let (mut greedy, mut modest) = (bob.raw_link(1, Rate::KNOWN).await, bob.raw_link(2, Rate::KNOWN).await);
    let body = "x".repeat(60_000);
    let flooding = tokio::spawn(async move { (flood(&mut greedy, &body, 1000).await, greedy) });
    let mut unanswered = Vec::new();
    while let Ok(Some(Event::Message(message))) = timeout(Duration::from_millis(500), bob.events.recv()).await {
        unanswered.push(message);
    }
    let (written, mut greedy) = flooding.await.unwrap();
    let held: usize = unanswered.iter().map(|message| message.body.len()).sum();
    assert!(held <= 1024 * 1024 && held > 900_000, "{held} bytes are held");
    assert!(written < 25, "{written} messages were taken from the stream");
    modest.send(request("MESSAGE", 5000, "still there?")).await;
    bob.message().await.responder.answer(200, None);
    assert!(modest.message().await.starts_with("SIP/2.0 200 "));
    // Answers make room: the reading goes on.
    for message in unanswered {
        message.responder.answer(200, None);
    }
    assert!(greedy.message().await.starts_with("SIP/2.0 200 "));
    assert!(matches!(bob.event().await, Event::Message(_)));
}

#[tokio::test]
async fn a_user_who_waits_for_an_answer_while_messages_pour_in_gets_it() {
    let (alice, bob) = alice_and_bob().await;
    let alice = alice.answers_all();
    let flooding = tokio::spawn(async move {
        let messages = (0..600).map(|number| alice.message(LinkId(1), text(&number.to_string())));
        futures::future::join_all(messages).await
    });
    let mut events = bob.events;
    // Takes events one by one, and in between asks something of the very link they come from.
    for number in 0..600 {
        let Some(Event::Message(message)) = timeout(super::common::SOON, events.recv()).await.unwrap() else {
            panic!()
        };
        if number % 10 == 0 {
            assert_eq!(
                bob.agent.message(LinkId(1), text("and you?")).await.unwrap().status,
                200
            );
        }
        message.responder.answer(200, None);
    }
    assert!(
        flooding
            .await
            .unwrap()
            .iter()
            .all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200))
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_holds_up_nobody_and_is_let_go() {
    let mut bob = Agent::new("bob");
    let other = Agent::new("alice");
    join(&bob, &other, 2, ("bob@example.net", "carol@example.com")).await;
    let other = other.answers_all();
    // It reads nothing from now on, and says that it is there.
    let mut deaf = bob.raw_link(1, Rate::KNOWN).await;
    let deaf = tokio::spawn(async move {
        while deaf.stream.write_all(b"\r\n").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
        deaf
    });
    let start = Instant::now();
    let big = OutgoingMessage {
        content_type: "text/plain".into(),
        body: vec![b'x'; 60_000],
    };
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (agent, big) = (bob.agent.clone(), big.clone());
            tokio::spawn(async move { agent.message(LinkId(1), big).await })
        })
        .collect();
    for number in 0..10 {
        let answer = bob.agent.message(LinkId(2), text(&number.to_string())).await;
        assert_eq!(answer.unwrap().status, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(matches!(
        bob.events.recv().await,
        Some(Event::LinkClosed {
            link: LinkId(1),
            why: Closed::Stalled
        })
    ));
    assert_eq!(start.elapsed().as_secs(), STALLED.as_secs());
    for call in waiting {
        assert!(matches!(
            call.await.unwrap(),
            Err(SendError::LinkLost | SendError::Timeout)
        ));
    }
    assert_eq!(bob.agent.message(LinkId(2), text("x")).await.unwrap().status, 200);
    drop((deaf, other));
}
