//! Whether the peer is still there.

use std::time::Duration;

use corella_sip::guard::{Frame, Rate};
use corella_sip::ua::{Closed, Event, LinkId, SILENCE};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep, timeout};

use crate::common::{Agent, join, request, text};

const HOUR: Duration = Duration::from_secs(3600);

async fn closed(agent: &mut Agent) -> Closed {
    match agent.events.recv().await {
        Some(Event::LinkClosed { link: LinkId(1), why }) => why,
        other => panic!("the end of the link, not {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanished_is_let_go() {
    let mut bob = Agent::new("bob");
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    let begin = Instant::now();
    assert_eq!(closed(&mut bob).await, Closed::Silent);
    assert_eq!(begin.elapsed().as_secs(), SILENCE.as_secs());
    assert_eq!(alice.frame().await, Some(Frame::Ping));
    assert_eq!(alice.frame().await, Some(Frame::Ping));
    assert!(alice.ends().await);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_stays() {
    let mut bob = Agent::new("bob");
    let mut alice = bob.raw_link(1, Rate::STRANGER).await;
    assert!(timeout(HOUR, alice.keeps_alive()).await.is_err());
    // What answers the keep-alives is not taken for keep-alives.
    alice.send(request("OPTIONS", 1, "")).await;
    assert!(alice.message().await.starts_with("SIP/2.0 200 "));
    assert_eq!(closed(&mut bob).await, Closed::Silent);
}

#[tokio::test(start_paused = true)]
async fn a_sign_of_life_in_time_is_enough() {
    let mut bob = Agent::new("bob");
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    for _ in 0..20 {
        sleep(SILENCE - Duration::from_millis(1)).await;
        alice.send("\r\n").await;
    }
    let begin = Instant::now();
    assert_eq!(closed(&mut bob).await, Closed::Silent);
    assert_eq!(begin.elapsed().as_secs(), SILENCE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn two_that_have_nothing_to_say_stay_linked() {
    let alice = Agent::new("alice");
    let bob = Agent::new("bob");
    join(&alice, &bob, 1, ("alice@example.org", "bob@example.net")).await;
    let bob = bob.answers_all();
    sleep(24 * HOUR).await;
    assert_eq!(alice.agent.message(LinkId(1), text("x")).await.unwrap().status, 200);
    drop(bob);
}

/// Over a slow line a long message takes longer than anybody may be silent. Its sender's questions wait behind it.
#[tokio::test(start_paused = true)]
async fn who_sends_for_long_hears_that_somebody_is_there() {
    let bob = Agent::new("bob");
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    let message = request("OPTIONS", 1, &"x".repeat(20_000));
    let begin = Instant::now();
    let (mut silence, mut last) = (Duration::ZERO, begin);
    for piece in message.as_bytes().chunks(1_000) {
        alice.send(piece).await;
        let mut sign = [0; 64];
        if timeout(Duration::from_secs(1), alice.stream.read(&mut sign))
            .await
            .is_ok()
        {
            silence = silence.max(last.elapsed());
            last = Instant::now();
        }
    }
    assert!(
        begin.elapsed() > 2 * SILENCE && silence.max(last.elapsed()) < SILENCE,
        "{silence:?}"
    );
}

/// Whoever sent a burst of them and left is not waited for.
#[tokio::test(start_paused = true)]
async fn a_burst_of_keep_alives_hides_no_end() {
    let mut bob = Agent::new("bob");
    let mut alice = bob.raw_link(1, Rate::STRANGER).await;
    let begin = Instant::now();
    alice.send("\r\n".repeat(8_000)).await;
    alice.send(request("OPTIONS", 1, "")).await;
    while !matches!(alice.frame().await, Some(Frame::Message(_))) {}
    drop(alice);
    closed(&mut bob).await;
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

/// While nothing is read, because the user is busy, nothing can be heard.
#[tokio::test(start_paused = true)]
async fn a_busy_user_is_no_silence_of_the_peer() {
    let mut bob = Agent::new("bob");
    let mut alice = bob.raw_link(1, Rate::KNOWN).await;
    // As many as may be under way, and one more.
    const MANY: usize = 257;
    let (mut messages, mut answered) = (Vec::new(), 0);
    for number in 0..MANY {
        alice.send(request("MESSAGE", number, "x")).await;
        if number < MANY - 1 {
            messages.push(bob.message().await);
        }
    }
    sleep(10 * SILENCE).await;
    for message in messages {
        message.responder.answer(200, None);
    }
    bob.message().await.responder.answer(200, None);
    while answered < MANY {
        match alice.frame().await {
            Some(Frame::Message(_)) => answered += 1,
            Some(_) => {}
            None => panic!("the link ended"),
        }
    }
}
