//! What a program's log may hold: neither messages nor addresses.

use std::io::Write;
use std::sync::{Arc, Mutex};

use corella_sip::LOG_DIRECTIVE;
use corella_sip::guard::Rate;
use corella_sip::ua::LinkId;
use tracing_subscriber::EnvFilter;

use super::common::{Agent, alice_and_bob, request, text};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Messages, refusals, broken streams, a lost link: all that is logged under a filter.
async fn log_of_a_busy_day(filter: &str) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let (alice, mut bob) = alice_and_bob().await;
    let (answer, ()) = tokio::join!(alice.agent.message(LinkId(1), text("top secret")), async {
        bob.message().await.responder.answer(200, None);
    });
    answer.unwrap();
    let other = Agent::new("bob");
    let mut raw = other.raw_link(7, Rate::KNOWN).await;
    for bad in [
        request("MESSAGE", 1, "top secret").replace("alice@", "mallory@"),
        request("MESSAGE", 2, "top secret").replace("SIP/2.0/TLS", "SIP/2.0/PIGEON"),
        request("BREW", 3, "top secret"),
        request("MESSAGE", 4, "top secret").replace("text/plain", "text/html"),
    ] {
        raw.send(bad).await;
        raw.message().await;
    }
    raw.send("\0top secret alice@example.org").await;
    assert!(raw.ends().await);
    let (lost, ()) = tokio::join!(alice.agent.message(LinkId(1), text("top secret")), async {
        let message = bob.message().await;
        bob.agent.detach(LinkId(1));
        bob.event().await;
        drop(message);
    });
    assert!(lost.is_err());
    alice.agent.shutdown().await;
    drop(guard);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn the_log_holds_no_messages_and_no_addresses() {
    let log = log_of_a_busy_day(&format!("debug,{LOG_DIRECTIVE}")).await;
    assert!(log.contains("refused") && log.contains("link closed"), "{log}");
    for private in ["secret", "alice", "bob", "mallory", "example."] {
        assert!(!log.contains(private), "{private} in {log}");
    }
    // The directive is what keeps rsipstack quiet.
    assert!(!log.contains("rsipstack"), "{log}");
    assert!(log_of_a_busy_day("trace").await.contains("rsipstack"));
}
