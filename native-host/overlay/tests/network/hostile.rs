//! Peers that misbehave on the stream protocol.

use std::time::Duration;

use corella_identity::DeviceKey;
use corella_overlay::sip_stream::{self, OpenStream};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{Multiaddr, PeerId, noise, tcp, yamux};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use crate::world::{Agent, PATIENCE, TCP, talk};

/// The statuses of a preface.
const BAD_RECORD: u8 = 2;
const BUSY: u8 = 4;

/// Somebody with the stream protocol and nothing else, who opens as many streams as wanted.
struct Stranger(mpsc::UnboundedSender<oneshot::Sender<OpenStream>>);

impl Stranger {
    fn new(peer: PeerId, door: Multiaddr) -> Self {
        let (sender, mut wishes) = mpsc::unbounded_channel::<oneshot::Sender<OpenStream>>();
        let mut swarm = libp2p::SwarmBuilder::with_existing_identity(DeviceKey::generate().keypair())
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| sip_stream::Behaviour::default())
            .unwrap()
            .build();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = swarm.select_next_some() => {}
                    wish = wishes.recv() => {
                        let Some(wish) = wish else { return };
                        let (reply, answer) = oneshot::channel();
                        swarm.behaviour_mut().open(peer, vec![door.clone()], reply);
                        tokio::spawn(async move {
                            let _ = wish.send(answer.await.unwrap().unwrap());
                        });
                    }
                }
            }
        });
        Self(sender)
    }

    async fn open(&self) -> OpenStream {
        let (reply, answer) = oneshot::channel();
        self.0.send(reply).unwrap();
        timeout(PATIENCE, answer).await.unwrap().unwrap()
    }
}

/// What comes back on a stream until it ends.
async fn answer_on(stream: &mut OpenStream) -> Vec<u8> {
    let mut answer = Vec::new();
    // An end by an error is an end.
    let _ = timeout(PATIENCE, stream.stream.read_to_end(&mut answer))
        .await
        .expect("the stream stays");
    answer
}

#[tokio::test]
async fn strangers_are_turned_away_and_keep_nobody_out() {
    let mut alice = Agent::start("alice", TCP, vec![]).await;
    let door = alice.listen().await[0].clone();
    let stranger = Stranger::new(alice.overlay.peer_id(), door.clone());

    // Garbage, an end in the middle, lengths over the limits.
    for (sent, answer) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], &b""[..]),
        (&[0, 0, 0, 3, b'<', b'a', b'>'], &[BAD_RECORD]),
        (&[0, 0, 0xff, 0xff], &[]),
        (&[0, 17, b'a'], &[]),
        (&[], &[]),
    ] {
        let mut stream = stranger.open().await;
        stream.stream.write_all(sent).await.unwrap();
        stream.stream.close().await.unwrap();
        assert_eq!(answer_on(&mut stream).await, answer, "{sent:?}");
    }

    // Streams on which nothing is said: a few may wait, the others are told to come later.
    let begin = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(stranger.open().await);
    }
    let mut busy = stranger.open().await;
    assert_eq!(answer_on(&mut busy).await, [BUSY]);

    // Others are not kept out meanwhile.
    let bob = Agent::start("bob", TCP, vec![door]).await;
    let mut here = bob.connect(&alice).await;
    let mut there = alice.incoming().await;
    talk(&mut here, &mut there).await;

    // And who says nothing is not waited for.
    for stream in &mut silent {
        assert!(answer_on(stream).await.is_empty());
    }
    let waited = begin.elapsed();
    assert!((Duration::from_secs(4)..PATIENCE).contains(&waited), "{waited:?}");
}
