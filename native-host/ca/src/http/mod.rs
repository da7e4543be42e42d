//! The authority on the web.
//!
//! | Request | Answer |
//! |---|---|
//! | `POST /requests`, a PKCS #10 request in DER | 202, the request's state |
//! | `GET /requests/ID` | 200, the request's state |
//! | `POST /requests/ID/answer`, `{"token", "signature", "revokeOthers"?}` | 200, certificate and chain in PEM |
//! | `GET /chain.pem` | the issuing certificate and the root |
//! | `GET /revoked/KEY.crl` | the revocation list in DER that the issuing key of this identifier has signed |
//! | `GET /revoked.crl` | the one of the issuing key that signs now |
//! | `GET /` | a page for people |
//!
//! A state is `{"request": ID, "address", "state": "waiting" | "mailed" | "issued" | "undeliverable" | "expired", "expires",
//! "nextLetter"?, "delayed"?}` with times in Unix milliseconds. What is refused is `{"error": NAME, "message": WORDS}`.

mod answers;
mod page;
mod routes;
mod sending;
mod telling;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Handle, Server};
use corella_identity::Millis;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use crate::authority::{Authority, RevocationList};
use crate::config::Config;
use crate::letters::Mailer;
use crate::register::Register;

/// How long a client may take for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long requests may still run when the server ends.
const GRACE: Duration = Duration::from_secs(3);

/// Why the authority does not serve.
#[derive(Debug, Error)]
pub enum ServeError {
    /// It cannot listen there.
    #[error("cannot listen on {address}: {source}; choose an address of this machine and a port that is free")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The certificate or key for HTTPS.
    #[error("the certificate or key for HTTPS cannot be used: {0}")]
    Tls(#[source] io::Error),
    /// The server broke.
    #[error("the server ended: {0}")]
    Ended(#[source] io::Error),
}

/// What all requests share.
#[derive(Clone)]
struct Office(Arc<Inner>);

struct Inner {
    authority: Authority,
    register: Mutex<Register>,
    config: Config,
    /// The revocation lists, and since when they are good.
    lists: Mutex<Option<(Millis, Vec<RevocationList>)>>,
    /// There may be letters to send.
    letters: Notify,
    clock: fn() -> Millis,
}

impl Office {
    fn now(&self) -> Millis {
        (self.0.clock)()
    }

    /// Does something with the register where waiting for the disk holds up nobody.
    async fn with_register<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &mut Register, Millis) -> T + Send + 'static,
    ) -> Option<T> {
        let (office, now) = (self.0.clone(), self.now());
        let done = spawn_blocking(move || {
            // Each use is a transaction, which a panic rolled back.
            let mut register = office.register.lock().unwrap_or_else(PoisonError::into_inner);
            work(&office, &mut register, now)
        });
        done.await.ok()
    }
}

/// Serves until `stop`.
///
/// # Errors
/// It cannot listen, the files for HTTPS are no good, or the server breaks.
pub async fn serve(
    authority: Authority,
    register: Register,
    mailer: Mailer,
    config: Config,
    clock: fn() -> Millis,
    started: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = config.listen;
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    started(listener.local_addr().map_err(failed)?);
    let tls = config.tls.clone();
    let office = Office(Arc::new(Inner {
        authority,
        register: Mutex::new(register),
        config,
        lists: Mutex::new(None),
        letters: Notify::new(),
        clock,
    }));
    let sender = tokio::spawn(sending::send_letters(office.clone(), mailer));
    let gateway = office.0.config.gateway.clone();
    let teller = gateway.map(|gateway| tokio::spawn(telling::tell_overlay(office.clone(), gateway)));
    let handle = Handle::new();
    let closing = handle.clone();
    tokio::spawn(async move {
        stop.await;
        closing.graceful_shutdown(Some(GRACE));
    });
    let app = routes::router(office).into_make_service_with_connect_info::<SocketAddr>();
    let ended = match tls {
        Some(files) => {
            let tls = RustlsConfig::from_pem_file(files.certificate, files.key)
                .await
                .map_err(ServeError::Tls)?;
            let server = axum_server::from_tcp_rustls(listener, tls).map_err(ServeError::Ended)?;
            limited(server.handle(handle)).serve(app).await
        }
        None => {
            let server = axum_server::from_tcp(listener).map_err(ServeError::Ended)?;
            limited(server.handle(handle)).serve(app).await
        }
    };
    sender.abort();
    if let Some(teller) = teller {
        teller.abort();
    }
    ended.map_err(ServeError::Ended)
}

/// A server that does not wait longer than that for a request.
fn limited<A>(mut server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let requests = &mut server.http_builder().http1();
    requests
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(HEAD_TIME);
    server
}
