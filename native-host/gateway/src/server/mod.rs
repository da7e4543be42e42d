//! The server: XML-RPC by POST to `/RPC2`, or to `/` as OpenDHT's clients do, over HTTP/1.
//!
//! Anybody may call, so everything is bounded: connections in all and of each client, calls of each client at once, the
//! length of a call, and the time for each step. What is over a bound gets a short answer or none, and costs little.
//!
//! | What comes | Answer |
//! |---|---|
//! | another path, another method | 404; 405 with Allow |
//! | a request with `Origin`: a web page's | 403 |
//! | a compressed body | 415 |
//! | a call over the limit | its rest is read and thrown away, then the fault -32001; far over it 413 |
//! | a body that does not come in time | 408 |
//! | more connections than there may be | 503, and the connection is closed |
//! | all else | 200 with a methodResponse |

mod doors;
mod http;
mod limits;
mod patience;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use limits::Limits;

use crate::backend::Backend;
use doors::{Doors, Place};
use patience::Patient;

/// How long calls may still run when the server ends.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait when no connection can be taken, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(100);
/// Room for the head of a request.
const HEAD_LIMIT: usize = 16 * 1024;
/// Most header fields of a request.
const FIELDS_LIMIT: usize = 64;
/// What a connection gets for which there is no place.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The gateway cannot listen.
#[derive(Debug, Error)]
#[error("the gateway cannot listen on {address}: {source}; choose an address of this machine and a port that is free")]
pub struct StartError {
    /// Where it should.
    pub address: SocketAddr,
    /// Why it cannot.
    #[source]
    pub source: io::Error,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// What all connections share.
struct House {
    backend: Arc<dyn Backend>,
    limits: Limits,
    doors: Doors,
}

impl Server {
    /// Listens on `address`, and serves until `stop`: then calls that run have a second to end.
    ///
    /// # Errors
    /// The address is not this machine's, or is in use.
    pub async fn start(
        address: SocketAddr,
        backend: Arc<dyn Backend>,
        limits: Limits,
        stop: CancellationToken,
    ) -> Result<Self, StartError> {
        let failed = |source| StartError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let house = Arc::new(House {
            backend,
            doors: Doors::new(&limits),
            limits,
        });
        let task = tokio::spawn(accept(listener, house, stop));
        Ok(Self { address, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has ended and all its connections are closed.
    pub async fn ended(self) {
        if self.task.await.is_err() {
            tracing::error!("the gateway's server ended by a panic");
        }
    }
}

async fn accept(listener: TcpListener, house: Arc<House>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match house.doors.enter(peer.ip()) {
                Some(place) => {
                    connections.spawn(serve(stream, place, house.clone(), stop.clone()));
                }
                None => turn_away(stream),
            },
            Err(error) => {
                tracing::debug!(%error, "the gateway cannot take a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// As much as can be said at once: nobody waits for a client that has no place.
fn turn_away(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(NO_PLACE);
    }
}

async fn serve(stream: TcpStream, place: Place, house: Arc<House>, stop: CancellationToken) {
    // Answers are written whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Patient::new(stream, house.limits.answer_time));
    let (house, place) = (&house, &place);
    let service = service_fn(move |request| http::answer(house, place, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(house.limits.idle_time)
        .max_buf_size(HEAD_LIMIT)
        .max_headers(FIELDS_LIMIT)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the gateway broke");
    }
}
