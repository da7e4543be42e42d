//! One conversation with a client: requests in, answers and notifications out, `hello` first.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    frame::{Frame, Reader, Writer},
    rpc::{self, Incoming, Request},
};
use crate::{
    host::Host,
    protocol::{ErrorName, HelloParams, HelloResult, Notification, PROTOCOL, RpcError, VERSION},
};

/// Documents that wait for a slow client.
const QUEUE: usize = 1024;
/// How long the last answers may take to be read.
const FLUSHING: Duration = Duration::from_millis(500);

/// Opens the host for a profile, once `hello` named it.
pub(crate) type Opener = Box<dyn Fn(String) -> BoxFuture<'static, Result<Arc<Host>, RpcError>> + Send>;

/// Whose host it is.
pub(crate) enum Session {
    /// Not known before `hello`.
    Closed(Opener),
    /// Running; `hello` may be left out.
    Open(Arc<Host>),
}

/// The host that a session opened, for whoever has to end it.
pub(crate) type Opened = Arc<Mutex<Option<Arc<Host>>>>;

/// Serves one client until it is gone.
pub(crate) async fn serve<R, W>(mut session: Session, mut reader: Reader<R>, writer: Writer<W>, opened: Opened)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (out, queue) = mpsc::channel::<String>(QUEUE);
    let writing = tokio::spawn(write_all(writer, queue));
    let told = Told {
        opened,
        fell_behind: CancellationToken::new(),
    };
    if let Session::Open(host) = &session {
        told.begin(host, &out);
    }
    loop {
        let frame = tokio::select! {
            frame = reader.next() => frame,
            () = told.fell_behind.cancelled() => {
                tracing::error!("the client does not read what it is told; ending");
                break;
            }
        };
        match frame {
            Frame::End => break,
            Frame::Bad(what) => {
                let error = RpcError::new(ErrorName::BadFrame, format!("{what} cannot be skipped; ending"));
                let _ = out.send(rpc::response(&Value::Null, Err(error))).await;
                break;
            }
            Frame::Text(text) => match rpc::parse(&text) {
                Incoming::Ignored => {}
                Incoming::Invalid(id, error) => {
                    let _ = out.send(rpc::response(&id, Err(error))).await;
                }
                Incoming::Request(request) => take(&mut session, request, &out, &told).await,
            },
        }
        if out.is_closed() {
            break;
        }
    }
    // The forwarder of notifications holds the queue open, so what was answered is flushed, and then the writer is let go. A
    // client that does not read is not waited for.
    let flushed = async {
        let _ = out.send(String::new()).await;
        drop(out);
        let _ = writing.await;
    };
    let _ = tokio::time::timeout(FLUSHING, flushed).await;
}

/// What becomes of a session's host: somebody has to end it, and the client is told its news.
struct Told {
    opened: Opened,
    /// Cancelled when the client did not keep up with the news.
    fell_behind: CancellationToken,
}

impl Told {
    fn begin(&self, host: &Arc<Host>, out: &mpsc::Sender<String>) {
        tokio::spawn(tell(host.subscribe(), out.clone(), self.fell_behind.clone()));
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(host.clone());
    }
}

async fn take(session: &mut Session, request: Request, out: &mpsc::Sender<String>, told: &Told) {
    let Request { id, method, params } = request;
    if method == "hello" {
        let result = hello(session, params, out, told).await;
        let _ = out.send(rpc::response(&id, result)).await;
        return;
    }
    match session {
        Session::Closed(_) => {
            let error = RpcError::new(ErrorName::HelloFirst, "the first call is hello");
            let _ = out.send(rpc::response(&id, Err(error))).await;
        }
        Session::Open(host) => {
            // Handed over here, in the order of arrival; only the waiting for the outcome is done beside.
            let outcome = host.call(&method, params);
            let out = out.clone();
            tokio::spawn(async move {
                let _ = out.send(rpc::response(&id, outcome.await)).await;
            });
        }
    }
}

async fn hello(
    session: &mut Session,
    params: Value,
    out: &mpsc::Sender<String>,
    told: &Told,
) -> Result<Value, RpcError> {
    let params: HelloParams =
        serde_json::from_value(params).map_err(|error| RpcError::new(ErrorName::InvalidParams, error.to_string()))?;
    check_version(&params.version)?;
    tracing::debug!(client_chars = params.client.len(), "hello");
    if let Session::Closed(opener) = session {
        let profile = params.profile.unwrap_or_default();
        let named = (1..=64).contains(&profile.len())
            && profile
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !named {
            return Err(RpcError::new(
                ErrorName::InvalidParams,
                "profile must match [a-z0-9-]{1,64}",
            ));
        }
        let host = opener(profile).await?;
        told.begin(&host, out);
        *session = Session::Open(host);
    }
    let Session::Open(host) = session else {
        return Err(RpcError::new(ErrorName::Internal, "no host"));
    };
    let addresses = host.own_addresses();
    serde_json::to_value(HelloResult {
        version: VERSION.to_owned(),
        protocol: PROTOCOL,
        addresses,
    })
    .map_err(|error| RpcError::new(ErrorName::Internal, error.to_string()))
}

/// Unequal major.minor: the side with the lower version is the one to update.
fn check_version(theirs: &str) -> Result<(), RpcError> {
    let part = |version: &str| -> Option<(u64, u64)> {
        let mut numbers = version.split('.').map(|n| n.parse().ok());
        let minor = (numbers.next()??, numbers.next()??);
        let patch: Option<u64> = numbers.next()?;
        patch.filter(|_| numbers.next().is_none()).map(|_| minor)
    };
    let Some(addon) = part(theirs) else {
        return Err(RpcError::new(
            ErrorName::InvalidParams,
            "version must be major.minor.patch",
        ));
    };
    let host = part(VERSION);
    if Some(addon) == host {
        return Ok(());
    }
    let side = if Some(addon) < host { "addon" } else { "host" };
    let message = format!("the add-on is {theirs}, the host {VERSION}; update the {side}");
    Err(RpcError::new(ErrorName::VersionMismatch, message)
        .with("side", side)
        .with("addon", theirs)
        .with("host", VERSION))
}

/// Passes notifications on until the client is gone, or does not keep up with them.
async fn tell(
    mut notifications: mpsc::Receiver<Notification>,
    out: mpsc::Sender<String>,
    fell_behind: CancellationToken,
) {
    loop {
        tokio::select! {
            notification = notifications.recv() => {
                let Some(notification) = notification else {
                    fell_behind.cancel();
                    return;
                };
                if out.send(rpc::notification(&notification)).await.is_err() {
                    return;
                }
            }
            () = out.closed() => return,
        }
    }
}

/// Writes what is queued; an empty document is the end.
async fn write_all<W: AsyncWrite + Unpin>(mut writer: Writer<W>, mut queue: mpsc::Receiver<String>) {
    while let Some(document) = queue.recv().await {
        let mut alive = !document.is_empty() && writer.feed(document).await;
        while let (true, Ok(document)) = (alive, queue.try_recv()) {
            alive = !document.is_empty() && writer.feed(document).await;
        }
        if !writer.flush().await || !alive {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_rule_names_the_side_to_update() {
        assert!(check_version(VERSION).is_ok());
        assert!(check_version("0.1.999").is_ok());
        let side = |version: &str| check_version(version).unwrap_err().more["side"].clone();
        assert_eq!(side("0.0.9"), "addon");
        assert_eq!(side("0.2.0"), "host");
        assert_eq!(side("1.1.0"), "host");
        for wrong in ["", "1", "0.1", "0.1.0.0", "a.b.c", "0.1.x", "-1.0.0"] {
            assert_eq!(
                check_version(wrong).unwrap_err().name,
                ErrorName::InvalidParams,
                "{wrong}"
            );
        }
    }
}
