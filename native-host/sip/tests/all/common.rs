//! User agents in pairs, and a peer made of bytes.

use std::time::Duration;

use corella_sip::guard::{Frame, Framer, Rate};
use corella_sip::ua::{Event, IncomingMessage, LinkId, LinkInfo, OutgoingMessage, UserAgent, UserAgentConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

pub(crate) const ALICE: &str = "alice@example.org";
pub(crate) const BOB: &str = "bob@example.net";

/// Long enough for anything that should happen at once, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(5);

pub(crate) struct Agent {
    pub(crate) agent: UserAgent,
    pub(crate) events: Receiver<Event>,
    pub(crate) host: String,
}

impl Agent {
    pub(crate) fn new(name: &str) -> Self {
        let host = format!("b{name}.peer.invalid");
        let (agent, events) = UserAgent::start(UserAgentConfig::new(host.as_str(), "Test/1")).unwrap();
        Self { agent, events, host }
    }

    pub(crate) async fn event(&mut self) -> Event {
        timeout(SOON, self.events.recv())
            .await
            .expect("an event in time")
            .expect("a running agent")
    }

    pub(crate) async fn message(&mut self) -> IncomingMessage {
        match self.event().await {
            Event::Message(message) => message,
            other => panic!("a message, not {other:?}"),
        }
    }

    /// Answers every message 200 from now on.
    pub(crate) fn answers_all(mut self) -> UserAgent {
        let agent = self.agent.clone();
        tokio::spawn(async move {
            while let Some(event) = self.events.recv().await {
                if let Event::Message(message) = event {
                    message.responder.answer(200, None);
                }
            }
        });
        agent
    }

    /// A link to a peer made of bytes: this agent is bob, the peer is alice.
    pub(crate) async fn raw_link(&self, id: u64, rate: Rate) -> Raw {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let info = LinkInfo {
            id: LinkId(id),
            peer_host: "balice.peer.invalid".into(),
            local: BOB.parse().unwrap(),
            remote: ALICE.parse().unwrap(),
            rate,
        };
        self.agent.attach(info, ours).await.unwrap();
        Raw {
            stream: theirs,
            framer: Framer::new(),
        }
    }
}

/// Joins two agents by a stream in memory: `a` speaks for the first address, `b` for the second.
pub(crate) async fn join(a: &Agent, b: &Agent, id: u64, addresses: (&str, &str)) {
    let (to_a, to_b) = tokio::io::duplex(64 * 1024);
    let (first, second) = (addresses.0.parse().unwrap(), addresses.1.parse().unwrap());
    let info = |peer_host: &str, local, remote| LinkInfo {
        id: LinkId(id),
        peer_host: peer_host.into(),
        local,
        remote,
        rate: Rate::KNOWN,
    };
    let (one, other): (corella_identity::AddressOfRecord, corella_identity::AddressOfRecord) = (first, second);
    a.agent
        .attach(info(&b.host, one.clone(), other.clone()), to_a)
        .await
        .unwrap();
    b.agent.attach(info(&a.host, other, one), to_b).await.unwrap();
}

/// Alice and Bob on link 1.
pub(crate) async fn alice_and_bob() -> (Agent, Agent) {
    let (alice, bob) = (Agent::new("alice"), Agent::new("bob"));
    join(&alice, &bob, 1, (ALICE, BOB)).await;
    (alice, bob)
}

pub(crate) fn text(body: &str) -> OutgoingMessage {
    OutgoingMessage {
        content_type: "text/plain".into(),
        body: body.into(),
    }
}

/// The other end of a link, byte by byte.
pub(crate) struct Raw {
    pub(crate) stream: DuplexStream,
    framer: Framer,
}

impl Raw {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(SOON, self.stream.write_all(bytes.as_ref()))
            .await
            .expect("room to write")
            .expect("an open link");
    }

    /// The next frame that is not a lone CRLF; `None` at the end of the stream.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            match self.framer.next_frame() {
                None => {}
                frame => return frame,
            }
            let mut piece = [0; 4096];
            let length = timeout(SOON, self.stream.read(&mut piece))
                .await
                .expect("bytes in time")
                .unwrap_or(0);
            if length == 0 {
                return None;
            }
            self.framer.push(&piece[..length]);
        }
    }

    /// Answers keep-alives, and says nothing else, until the link ends. How many there were.
    pub(crate) async fn keeps_alive(&mut self) -> usize {
        let mut asked = 0;
        while let Some(frame) = self.frame().await {
            asked += usize::from(frame == Frame::Ping);
            self.send("\r\n").await;
        }
        asked
    }

    /// The next message; panics if the link ends instead.
    pub(crate) async fn message(&mut self) -> String {
        match self.frame().await {
            Some(Frame::Message(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            other => panic!("a message, not {other:?}"),
        }
    }

    /// Whether the stream ends without another message.
    pub(crate) async fn ends(&mut self) -> bool {
        self.frame().await.is_none()
    }
}

/// A request from Alice to Bob. The number makes it one of its own.
pub(crate) fn request(method: &str, number: usize, body: &str) -> String {
    format!(
        "{method} sip:bob@bbob.peer.invalid;transport=tls SIP/2.0\r\n\
         Via: SIP/2.0/TLS balice.peer.invalid;branch=z9hG4bK{number}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:{ALICE}>;tag=from{number}\r\n\
         To: <sip:{BOB}>\r\n\
         Call-ID: call{number}\r\n\
         CSeq: 1 {method}\r\n\
         Content-Type: text/plain\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A response to a request that came over the wire.
pub(crate) fn response(request: &str, status: &str) -> String {
    let copied: String = request
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| {
            ["Via:", "From:", "To:", "Call-ID:", "CSeq:"]
                .iter()
                .any(|name| line.starts_with(name))
        })
        .map(|line| format!("{line}\r\n"))
        .collect();
    format!("SIP/2.0 {status}\r\n{copied}Content-Length: 0\r\n\r\n")
        .replace("To: <sip:alice@example.org>", "To: <sip:alice@example.org>;tag=t")
}
