//! The writing half of a link.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rsipstack::transport::TransportEvent;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::event::{Closed, Reply};

/// How long a peer may take nothing while something waits for it, before its link is closed. As long as it may
/// leave a request unanswered.
pub const STALLED: Duration = Duration::from_secs(32);

/// What is put together before it is written, in bytes.
const BATCH: usize = 64 * 1024;

/// Writes requests and answers to the peer's stream.
///
/// [`run`](Self::run) may be dropped at any point and [`finish`](Self::finish) goes on where it was: what was
/// taken from the queues stays in the buffer until it is written.
pub(super) struct Writer<W> {
    sink: W,
    buffer: BytesMut,
    requests: mpsc::Receiver<TransportEvent>,
    replies: mpsc::UnboundedReceiver<Reply>,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(super) fn new(
        sink: W,
        requests: mpsc::Receiver<TransportEvent>,
        replies: mpsc::UnboundedReceiver<Reply>,
    ) -> Self {
        Self {
            sink,
            buffer: BytesMut::new(),
            requests,
            replies,
        }
    }

    /// Writes until the stream fails or the peer stalls.
    pub(super) async fn run(&mut self) -> Closed {
        loop {
            tokio::select! {
                Some(reply) = self.replies.recv() => self.reply(reply),
                Some(request) = self.requests.recv() => self.request(request),
                else => return Closed::ShutDown,
            }
            while self.buffer.len() < BATCH && self.gather() {}
            if let Err(why) = self.write().await {
                return why;
            }
        }
    }

    /// Writes the answers that still wait, and closes the stream. The caller limits the time. Requests that were
    /// not written yet are not written any more: their senders were told that the link is lost.
    pub(super) async fn finish(&mut self) {
        while let Ok(reply) = self.replies.try_recv() {
            self.reply(reply);
        }
        if self.write().await.is_ok() {
            // The link is over either way.
            let _ = self.sink.shutdown().await;
        }
    }

    /// Takes one thing that waits; false if nothing does.
    fn gather(&mut self) -> bool {
        if let Ok(reply) = self.replies.try_recv() {
            self.reply(reply);
        } else if let Ok(request) = self.requests.try_recv() {
            self.request(request);
        } else {
            return false;
        }
        true
    }

    /// The buffer stays below a batch and one message, so what is in it no longer counts in the window.
    fn reply(&mut self, Reply { bytes, room }: Reply) {
        self.buffer.extend_from_slice(&bytes);
        drop(room);
    }

    fn request(&mut self, event: TransportEvent) {
        if let TransportEvent::Incoming(message, _, _) = event {
            self.buffer.extend_from_slice(&message.to_bytes());
        }
    }

    /// Writes the buffer. The peer has [`STALLED`] for each step forward.
    async fn write(&mut self) -> Result<(), Closed> {
        while self.buffer.has_remaining() {
            let written = in_time(self.sink.write_buf(&mut self.buffer)).await?;
            if written == 0 {
                return Err(Closed::Broken(io::ErrorKind::WriteZero));
            }
        }
        in_time(self.sink.flush()).await?;
        // A large buffer is not kept for a link that went quiet.
        self.buffer = BytesMut::new();
        Ok(())
    }
}

async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> Result<T, Closed> {
    match timeout(STALLED, step).await {
        Ok(done) => done.map_err(|error| Closed::Broken(error.kind())),
        Err(_) => Err(Closed::Stalled),
    }
}
