//! A server on loopback, and a client that says exactly the bytes it is told.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use corella_gateway::xmlrpc::{Fault, read_response};
use corella_gateway::{Client, GatewayUrl, Limits, Server, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::memory::Memory;

/// For what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway.
pub(crate) struct World {
    pub(crate) memory: Arc<Memory>,
    pub(crate) server: Server,
    pub(crate) stop: CancellationToken,
    pub(crate) client: Client,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default(), Duration::ZERO).await
    }

    pub(crate) async fn with(limits: Limits, delay: Duration) -> Self {
        let memory = Arc::new(Memory::with(delay));
        let stop = CancellationToken::new();
        let address = "127.0.0.1:0".parse().unwrap();
        let server = Server::start(address, memory.clone(), limits, stop.clone())
            .await
            .unwrap();
        Self {
            memory,
            server,
            stop,
            client: Client::default(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn url(&self) -> GatewayUrl {
        format!("http://{}", self.address()).parse().unwrap()
    }

    pub(crate) async fn call(&self, method: &str, params: &[Value]) -> Value {
        self.client.call(&self.url(), method, params).await.unwrap()
    }

    /// Waits until so many calls run.
    pub(crate) async fn running(&self, calls: usize) {
        let come = async {
            while self.memory.running() != calls {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, come)
            .await
            .expect("so many calls in time");
    }

    pub(crate) async fn connect(&self) -> Raw {
        Raw::on(TcpStream::connect(self.address()).await.unwrap())
    }
}

/// A connection on which every byte is the test's own.
pub(crate) struct Raw(pub(crate) BufStream<TcpStream>);

/// An answer of HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn fault(&self) -> Fault {
        assert_eq!(self.status, 200, "{}", self.head);
        read_response(&self.body).unwrap().unwrap_err()
    }
}

impl Raw {
    pub(crate) fn on(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self(BufStream::new(stream))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    /// The other side may have hung up.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.write_all(bytes.as_ref()).await?;
        self.0.flush().await
    }

    pub(crate) async fn post(&mut self, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        self.send(post_head(body.len())).await;
        self.send(body).await;
        self.answer().await.expect("an answer")
    }

    /// The next answer; none if the connection is closed.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        tokio::time::timeout(PATIENCE, self.read_answer())
            .await
            .expect("an answer in time")
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return None,
            }
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        Some(Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body,
        })
    }

    /// Waits until the other side has closed the connection.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        // A reset is an end too.
        let _ = read.expect("the end of the connection in time");
    }
}

pub(crate) fn post_head(length: usize) -> String {
    format!("POST /RPC2 HTTP/1.1\r\nHost: gateway\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\r\n")
}

pub(crate) fn call(method: &str, params: &str) -> String {
    format!("<?xml version='1.0'?><methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>")
}

pub(crate) fn text(text: &str) -> Value {
    Value::String(text.into())
}

pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value::Base64(bytes.to_vec())
}
