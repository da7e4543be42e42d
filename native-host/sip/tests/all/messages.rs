//! Messages between two user agents.

use std::time::Instant;

use corella_sip::guard::Rate;
use corella_sip::ua::{Answer, AttachError, Closed, Event, LinkId, LinkInfo, MAX_BODY, OutgoingMessage, SendError};
use futures::StreamExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::common::{ALICE, Agent, BOB, SOON, alice_and_bob, join, text};

#[tokio::test]
async fn a_message_each_way() {
    let (mut alice, mut bob) = alice_and_bob().await;
    let (sender, receiver) = (alice.agent.clone(), bob.agent.clone());

    let sent = tokio::spawn(async move { sender.message(LinkId(1), text("hello Bob")).await });
    let got = bob.message().await;
    assert_eq!((got.from.as_str(), got.to.as_str(), got.link), (ALICE, BOB, LinkId(1)));
    assert_eq!(
        (got.content_type.as_str(), got.body.as_slice()),
        ("text/plain", b"hello Bob".as_slice())
    );
    got.responder.answer(202, None);
    assert_eq!(
        sent.await.unwrap(),
        Ok(Answer {
            status: 202,
            reason: "Accepted".into()
        })
    );

    let sent = tokio::spawn(async move { receiver.message(LinkId(1), text("hello Alice")).await });
    let got = alice.message().await;
    assert_eq!((got.from.as_str(), got.to.as_str()), (BOB, ALICE));
    got.responder.answer(200, Some("On Disk"));
    assert_eq!(sent.await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn every_answer_arrives_with_its_reason() {
    let (alice, mut bob) = alice_and_bob().await;
    for status in [200, 202, 400, 403, 413, 480, 486, 493, 500, 503, 603, 299, 699] {
        let (answer, ()) = tokio::join!(alice.agent.message(LinkId(1), text("x")), async {
            bob.message().await.responder.answer(status, Some("In Other Words"));
        });
        assert_eq!(
            answer,
            Ok(Answer {
                status,
                reason: "In Other Words".into()
            })
        );
    }
    // Not a final answer, or none at all: 500.
    for status in [0, 100, 199, 700, u16::MAX] {
        let (answer, ()) = tokio::join!(alice.agent.message(LinkId(1), text("x")), async {
            bob.message().await.responder.answer(status, None);
        });
        assert_eq!(answer.unwrap().status, 500, "{status}");
    }
    let (answer, ()) = tokio::join!(alice.agent.message(LinkId(1), text("x")), async {
        drop(bob.message().await)
    });
    assert_eq!(
        answer,
        Ok(Answer {
            status: 500,
            reason: "Server Internal Error".into()
        })
    );
}

#[tokio::test]
async fn bodies_pass_byte_for_byte() {
    let (alice, mut bob) = alice_and_bob().await;
    let all_bytes: Vec<u8> = (0..=255).collect();
    let largest: Vec<u8> = (0..MAX_BODY).map(|at| (at * 7 % 256) as u8).collect();
    let looks_like_sip = b"\r\n\r\nMESSAGE sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n".to_vec();
    for body in [
        all_bytes,
        largest,
        looks_like_sip,
        Vec::new(),
        vec![0; 4096],
        vec![0xff; 17],
    ] {
        let content_type = "application/pkcs7-mime; smime-type=\"authEnveloped-data\"; name=\"a;b\"".to_owned();
        let message = OutgoingMessage {
            content_type: content_type.clone(),
            body: body.clone(),
        };
        let (answer, ()) = tokio::join!(alice.agent.message(LinkId(1), message), async {
            let got = bob.message().await;
            assert!(got.body == body, "{} bytes came as {}", body.len(), got.body.len());
            assert_eq!(got.content_type, content_type);
            got.responder.answer(200, None);
        });
        assert_eq!(answer.unwrap().status, 200);
    }
    let message = |content_type: &str, length| OutgoingMessage {
        content_type: content_type.into(),
        body: vec![0; length],
    };
    assert_eq!(
        alice
            .agent
            .message(LinkId(1), message("text/plain", MAX_BODY + 1))
            .await,
        Err(SendError::TooLarge)
    );
    for bad in ["", "text", "text/plain\r\nX: y", "text/plain;;", "text/plain\0"] {
        assert_eq!(
            alice.agent.message(LinkId(1), message(bad, 1)).await,
            Err(SendError::ContentType),
            "{bad}"
        );
    }
    let (refused, ()) = tokio::join!(alice.agent.message(LinkId(1), message("text/html", 1)), async {});
    assert_eq!(refused.unwrap().status, 415);
}

#[tokio::test]
async fn odd_local_parts_survive_in_both_directions() {
    let odd = [
        "o'brien", "a+b", "#", "a%20b", "%", "?", "?x", "a/b", "{x}|~`^", "=$&", "!*_-", "x.y",
    ];
    for (number, pair) in odd.iter().zip(odd.iter().cycle().skip(1)).enumerate() {
        let (mut alice, mut bob) = (Agent::new("alice"), Agent::new("bob"));
        let (left, right) = (
            format!("{}@example.org", pair.0),
            format!("{}@xn--bcher-kva.example", pair.1),
        );
        join(&alice, &bob, number as u64, (&left, &right)).await;
        let senders = (alice.agent.clone(), bob.agent.clone());
        for (from, to, sender, receiver) in [
            (&left, &right, senders.0, &mut bob),
            (&right, &left, senders.1, &mut alice),
        ] {
            let sent = tokio::spawn(async move { sender.message(LinkId(number as u64), text("x")).await });
            let got = receiver.message().await;
            assert_eq!((got.from.as_str(), got.to.as_str()), (from.as_str(), to.as_str()));
            got.responder.answer(200, None);
            assert_eq!(sent.await.unwrap().unwrap().status, 200, "{from} to {to}");
        }
    }
}

/// 1,000 messages, 64 in flight, in order, all answered. Over a stream in memory and over TCP on loopback.
async fn thousand(alice: &Agent, mut bob: Agent) {
    let receiver = tokio::spawn(async move {
        for number in 0..1000 {
            let message = bob.message().await;
            assert_eq!(message.body, format!("message {number}").into_bytes());
            message.responder.answer(200, None);
        }
        bob
    });
    let answers: Vec<_> = futures::stream::iter(0..1000)
        .map(|number| {
            let agent = &alice.agent;
            async move { agent.message(LinkId(1), text(&format!("message {number}"))).await }
        })
        .buffered(64)
        .collect()
        .await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200))
    );
    receiver.await.unwrap();
}

#[tokio::test]
async fn a_thousand_messages_in_order() {
    let (alice, bob) = alice_and_bob().await;
    thousand(&alice, bob).await;
}

#[tokio::test]
async fn a_thousand_messages_over_tcp() {
    let (alice, bob) = (Agent::new("alice"), Agent::new("bob"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, server) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let info = |peer: &str, local: &str, remote: &str| LinkInfo {
        id: LinkId(1),
        peer_host: format!("b{peer}.peer.invalid"),
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
        rate: Rate::KNOWN,
    };
    alice
        .agent
        .attach(info("bob", ALICE, BOB), client.unwrap())
        .await
        .unwrap();
    bob.agent
        .attach(info("alice", BOB, ALICE), server.unwrap().0)
        .await
        .unwrap();
    thousand(&alice, bob).await;
}

#[tokio::test]
async fn two_sides_that_flood_each_other_do_not_lock_up() {
    let (alice, bob) = alice_and_bob().await;
    let (alice, bob) = (alice.answers_all(), bob.answers_all());
    let flood = |agent: corella_sip::ua::UserAgent| async move {
        let messages = (0..500).map(|number| {
            let body = vec![b'x'; if number % 3 == 0 { 50_000 } else { 10 }];
            agent.message(
                LinkId(1),
                OutgoingMessage {
                    content_type: "text/plain".into(),
                    body,
                },
            )
        });
        futures::future::join_all(messages).await
    };
    let (one, other) = timeout(SOON * 4, async { tokio::join!(flood(alice), flood(bob)) })
        .await
        .expect("no lock-up");
    assert!(
        one.iter()
            .chain(&other)
            .all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200))
    );
}

#[tokio::test]
async fn a_lost_link_fails_what_waits_at_once_on_both_sides() {
    let (mut alice, mut bob) = alice_and_bob().await;
    let sender = alice.agent.clone();
    let sent = tokio::spawn(async move {
        let start = Instant::now();
        (
            sender.message(LinkId(1), text("will you answer?")).await,
            start.elapsed(),
        )
    });
    let unanswered = bob.message().await;
    bob.agent.detach(LinkId(1));
    let (answer, took) = sent.await.unwrap();
    assert_eq!(answer, Err(SendError::LinkLost));
    assert!(took < SOON, "{took:?}");
    for (agent, expected) in [(&mut alice, Closed::ByPeer), (&mut bob, Closed::Detached)] {
        match agent.event().await {
            Event::LinkClosed { link: LinkId(1), why } => assert_eq!(why, expected),
            other => panic!("{other:?}"),
        }
    }
    unanswered.responder.answer(200, None);
    assert_eq!(
        alice.agent.message(LinkId(1), text("x")).await,
        Err(SendError::LinkLost)
    );
    // The id is free again.
    join(&alice, &bob, 1, (ALICE, BOB)).await;
    let (answer, ()) = tokio::join!(alice.agent.message(LinkId(1), text("again")), async {
        bob.message().await.responder.answer(200, None)
    });
    assert_eq!(answer.unwrap().status, 200);
}

#[tokio::test]
async fn several_links_to_the_same_peer_are_kept_apart() {
    let (alice, mut bob) = alice_and_bob().await;
    join(&alice, &bob, 2, (ALICE, BOB)).await;
    join(&alice, &bob, 3, ("alice@work.example", BOB)).await;
    let sends = [3, 1, 2].map(|id| alice.agent.message(LinkId(id), text(&id.to_string())));
    let (answers, ()) = tokio::join!(futures::future::join_all(sends), async {
        for _ in 0..3 {
            let got = bob.message().await;
            assert_eq!(got.body, got.link.to_string().into_bytes());
            assert_eq!(
                got.from.as_str(),
                if got.link == LinkId(3) {
                    "alice@work.example"
                } else {
                    ALICE
                }
            );
            let status = 200 + got.link.0 as u16;
            got.responder.answer(status, None);
        }
    });
    let statuses: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().status).collect();
    assert_eq!(statuses, [203, 201, 202]);
    bob.agent.detach(LinkId(1));
    assert!(matches!(bob.event().await, Event::LinkClosed { link: LinkId(1), .. }));
    let (answer, ()) = tokio::join!(alice.agent.message(LinkId(2), text("x")), async {
        bob.message().await.responder.answer(200, None)
    });
    assert_eq!(answer.unwrap().status, 200);
}

#[tokio::test]
async fn shutting_down_ends_links_and_waiting_calls() {
    let (mut alice, mut bob) = alice_and_bob().await;
    let sender = alice.agent.clone();
    let sent = tokio::spawn(async move { sender.message(LinkId(1), text("x")).await });
    let answered = bob.message().await;
    answered.responder.answer(200, None);
    assert_eq!(sent.await.unwrap().unwrap().status, 200);
    let sender = alice.agent.clone();
    let sent = tokio::spawn(async move { sender.message(LinkId(1), text("y")).await });
    let unanswered = bob.message().await;
    timeout(SOON, alice.agent.shutdown()).await.expect("a quick end");
    assert_eq!(sent.await.unwrap(), Err(SendError::LinkLost));
    assert!(matches!(
        alice.event().await,
        Event::LinkClosed {
            why: Closed::ShutDown,
            ..
        }
    ));
    assert!(matches!(
        bob.event().await,
        Event::LinkClosed {
            why: Closed::ByPeer,
            ..
        }
    ));
    drop(unanswered);
    let info = LinkInfo {
        id: LinkId(9),
        peer_host: "b.peer.invalid".into(),
        local: ALICE.parse().unwrap(),
        remote: BOB.parse().unwrap(),
        rate: Rate::KNOWN,
    };
    assert_eq!(
        alice.agent.attach(info.clone(), tokio::io::duplex(64).0).await,
        Err(AttachError::ShutDown)
    );
    let (stream, _other_end) = tokio::io::duplex(64);
    bob.agent.attach(info.clone(), stream).await.unwrap();
    assert_eq!(
        bob.agent.attach(info, tokio::io::duplex(64).0).await,
        Err(AttachError::InUse)
    );
}

#[tokio::test]
async fn dropping_the_last_handle_ends_everything() {
    let (alice, mut bob) = alice_and_bob().await;
    let Agent { agent, mut events, .. } = alice;
    let clone = agent.clone();
    drop(agent);
    let (answer, ()) = tokio::join!(clone.message(LinkId(1), text("x")), async {
        bob.message().await.responder.answer(200, None)
    });
    assert_eq!(answer.unwrap().status, 200);
    drop(clone);
    assert!(matches!(
        bob.event().await,
        Event::LinkClosed {
            why: Closed::ByPeer,
            ..
        }
    ));
    while timeout(SOON, events.recv()).await.expect("an end").is_some() {}
}
