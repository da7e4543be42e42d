//! What the user agent keeps inside.

use super::*;

fn agent(host: &str) -> (UserAgent, mpsc::Receiver<Event>) {
    UserAgent::start(UserAgentConfig::new(host, "Test/1")).unwrap()
}

fn info(peer_host: &str, local: &str, remote: &str) -> LinkInfo {
    let (local, remote) = (local.parse().unwrap(), remote.parse().unwrap());
    LinkInfo {
        id: LinkId(1),
        peer_host: peer_host.to_owned(),
        local,
        remote,
        rate: Rate::KNOWN,
    }
}

#[tokio::test]
async fn an_answered_message_leaves_nothing_behind() {
    let (alice, _events) = agent("balice.peer.invalid");
    let (bob, mut events) = agent("bbob.peer.invalid");
    let (to_alice, to_bob) = tokio::io::duplex(64 * 1024);
    alice
        .attach(
            info("bbob.peer.invalid", "alice@example.org", "bob@example.net"),
            to_alice,
        )
        .await
        .unwrap();
    bob.attach(
        info("balice.peer.invalid", "bob@example.net", "alice@example.org"),
        to_bob,
    )
    .await
    .unwrap();
    let (client, server) = (&alice.shared.stack, &bob.shared.stack);
    for number in 0..200 {
        let message = OutgoingMessage {
            content_type: "text/plain".into(),
            body: b"hello".to_vec(),
        };
        let (answer, ()) = tokio::join!(alice.message(LinkId(1), message), async {
            let Some(Event::Message(message)) = events.recv().await else {
                panic!("a message")
            };
            assert_eq!((client.transactions(), server.transactions()), ((1, 0), (1, 0)));
            match number % 3 {
                0 => message.responder.answer(200, None),
                1 => message.responder.answer(486, None),
                _ => drop(message),
            }
        });
        answer.unwrap();
        assert_eq!(
            (client.transactions(), server.transactions()),
            ((0, 0), (0, 0)),
            "after message {number}"
        );
    }
    let link = alice.shared.link(LinkId(1)).unwrap();
    assert_eq!(link.window.available_permits(), OUTGOING_WINDOW);
}

#[tokio::test]
async fn a_call_given_up_leaves_nothing_behind() {
    let (alice, _events) = agent("balice.peer.invalid");
    let (stream, _silent) = tokio::io::duplex(64 * 1024);
    alice
        .attach(
            info("bbob.peer.invalid", "alice@example.org", "bob@example.net"),
            stream,
        )
        .await
        .unwrap();
    let link = alice.shared.link(LinkId(1)).unwrap();
    for _ in 0..20 {
        let message = OutgoingMessage {
            content_type: "text/plain".into(),
            body: b"hello".to_vec(),
        };
        assert!(
            timeout(Duration::from_millis(1), alice.message(LinkId(1), message))
                .await
                .is_err()
        );
    }
    assert_eq!(alice.shared.stack.transactions(), (0, 0));
    assert_eq!(link.window.available_permits(), OUTGOING_WINDOW);
}

#[tokio::test]
async fn the_stack_looks_nothing_up() {
    let stack = Stack::new("b.peer.invalid", "Test/1", CancellationToken::new()).unwrap();
    assert!(stack.refuses_to_look_up("sip:bob@example.net").await);
}
