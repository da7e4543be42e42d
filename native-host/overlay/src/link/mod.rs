//! Links: streams to persons, proven on both ends.

mod preface;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use corella_identity::{AddressOfRecord, Certificate};
use libp2p::PeerId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

pub use preface::{Accepted, Decline, PrefaceError, accept, decline_stream, dial};

use crate::record::Record;
use crate::sip_stream::OpenStream;

/// How long the preface of a stream may take.
pub const PREFACE_TIME: Duration = Duration::from_secs(5);

/// A byte stream both ways, as links carry it.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A stream between an own address and another person's device. Each end has shown a contact record that names the
/// device and is signed by the person's credential; whether that credential is trusted is decided elsewhere.
pub struct Link {
    /// The own address.
    pub local: AddressOfRecord,
    /// The other person's address.
    pub remote: AddressOfRecord,
    /// The other person's device.
    pub peer: PeerId,
    /// The certificate that signed the contact record which the peer presented.
    pub certificate: Certificate,
    /// Whether the connection went through a relay when the link was made.
    pub relayed: bool,
    /// What is said on it. Reading ends or fails when the connection has ended; dropping it closes it.
    pub stream: Box<dyn Duplex>,
}

impl Link {
    pub(crate) fn new(local: AddressOfRecord, record: &Record, open: Opened) -> Self {
        Self {
            local,
            remote: record.key().address().clone(),
            peer: open.peer,
            certificate: record.signer().clone(),
            relayed: open.relayed,
            stream: Box::new(open.stream),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("relayed", &self.relayed)
            .finish_non_exhaustive()
    }
}

/// An open stream that is not proven yet.
pub(crate) struct Opened {
    pub(crate) peer: PeerId,
    pub(crate) relayed: bool,
    pub(crate) stream: LinkStream,
}

impl From<OpenStream> for Opened {
    fn from(open: OpenStream) -> Self {
        Self {
            peer: open.peer,
            relayed: open.relayed,
            stream: LinkStream {
                stream: open.stream.compat(),
                ended: ended(open.ended),
            },
        }
    }
}

/// Turns a stream away. It takes no longer than a preface may.
pub(crate) async fn decline(mut opened: Opened, why: Decline) {
    // A peer that does not listen has been told all the same.
    let _ = timeout(PREFACE_TIME, decline_stream(&mut opened.stream, why)).await;
}

fn ended(token: CancellationToken) -> Pin<Box<WaitForCancellationFutureOwned>> {
    Box::pin(token.cancelled_owned())
}

/// A libp2p stream that ends with its connection. A multiplexer alone does not promise that to a reader that waits.
pub(crate) struct LinkStream {
    stream: Compat<libp2p::Stream>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AsyncRead for LinkStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // What arrived before the end is still read.
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending if self.ended.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for LinkStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
