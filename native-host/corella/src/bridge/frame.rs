//! Frames: 32-bit native-endian length and JSON for Thunderbird, one document a line elsewhere.

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::{
    bytes::Bytes,
    codec::{AnyDelimiterCodec, AnyDelimiterCodecError, FramedRead, FramedWrite, LengthDelimitedCodec, LinesCodec},
};

use crate::protocol::MAX_FRAME;

/// How documents are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Native messaging.
    Native,
    /// One a line.
    Lines,
}

/// What a read brought.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A document.
    Text(Vec<u8>),
    /// A frame that cannot be taken: empty, or over the limit. What follows cannot be told apart from it.
    Bad(&'static str),
    /// The other side is gone.
    End,
}

/// The reading half.
pub(crate) enum Reader<R> {
    /// Native messaging.
    Native(FramedRead<R, LengthDelimitedCodec>),
    /// One a line.
    Lines(FramedRead<R, AnyDelimiterCodec>),
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Frames from `inner`.
    pub(crate) fn new(framing: Framing, inner: R) -> Reader<R> {
        match framing {
            Framing::Native => Reader::Native(FramedRead::new(inner, native())),
            Framing::Lines => {
                // As bytes: a line that is no UTF-8 is answered like any other that is no JSON.
                let lines = AnyDelimiterCodec::new_with_max_length(b"\n".to_vec(), b"\n".to_vec(), MAX_FRAME);
                Reader::Lines(FramedRead::new(inner, lines))
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Frame {
        match self {
            Reader::Native(frames) => match frames.next().await {
                Some(Ok(frame)) if frame.is_empty() => Frame::Bad("a frame of length 0"),
                Some(Ok(frame)) => Frame::Text(frame.to_vec()),
                Some(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                    Frame::Bad("a frame over the limit")
                }
                Some(Err(_)) | None => Frame::End,
            },
            Reader::Lines(lines) => loop {
                match lines.next().await {
                    Some(Ok(line)) if line.trim_ascii().is_empty() => {}
                    Some(Ok(line)) => return Frame::Text(line.trim_ascii().to_vec()),
                    Some(Err(AnyDelimiterCodecError::MaxChunkLengthExceeded)) => {
                        return Frame::Bad("a line over the limit");
                    }
                    Some(Err(AnyDelimiterCodecError::Io(_))) | None => return Frame::End,
                }
            },
        }
    }
}

/// The writing half.
pub(crate) enum Writer<W> {
    /// Native messaging.
    Native(FramedWrite<W, LengthDelimitedCodec>),
    /// One a line.
    Lines(FramedWrite<W, LinesCodec>),
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Frames to `inner`.
    pub(crate) fn new(framing: Framing, inner: W) -> Writer<W> {
        match framing {
            Framing::Native => Writer::Native(FramedWrite::new(inner, native())),
            Framing::Lines => Writer::Lines(FramedWrite::new(inner, LinesCodec::new())),
        }
    }

    /// Queues one document; [`Writer::flush`] sends what is queued.
    pub(crate) async fn feed(&mut self, document: String) -> bool {
        match self {
            Writer::Native(frames) => frames.feed(Bytes::from(document)).await.is_ok(),
            Writer::Lines(lines) => lines.feed(document).await.is_ok(),
        }
    }

    pub(crate) async fn flush(&mut self) -> bool {
        match self {
            Writer::Native(frames) => SinkExt::<Bytes>::flush(frames).await.is_ok(),
            Writer::Lines(lines) => SinkExt::<String>::flush(lines).await.is_ok(),
        }
    }
}

fn native() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .length_field_length(4)
        .native_endian()
        .max_frame_length(MAX_FRAME)
        .new_codec()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(framing: Framing, bytes: &[u8]) -> Vec<Frame> {
        let mut reader = Reader::new(framing, bytes);
        let mut frames = Vec::new();
        loop {
            let frame = reader.next().await;
            let last = matches!(frame, Frame::End | Frame::Bad(_));
            frames.push(frame);
            if last {
                return frames;
            }
        }
    }

    fn framed(text: &[u8]) -> Vec<u8> {
        [&(text.len() as u32).to_ne_bytes(), text].concat()
    }

    #[tokio::test]
    async fn frames_are_told_apart() {
        let bytes = [framed(b"{}"), framed(b"[1]")].concat();
        let frames = read_all(Framing::Native, &bytes).await;
        assert!(matches!(&frames[..], [Frame::Text(a), Frame::Text(b), Frame::End] if a == b"{}" && b == b"[1]"));
    }

    #[tokio::test]
    async fn lengths_of_nothing_and_of_four_gigabytes_are_bad_and_a_cut_frame_is_the_end() {
        for length in [0, MAX_FRAME as u32 + 1, u32::MAX] {
            let frames = read_all(Framing::Native, &length.to_ne_bytes()).await;
            assert!(matches!(&frames[..], [Frame::Bad(_)]), "{length}: {frames:?}");
        }
        let frames = read_all(Framing::Native, &framed(b"{}")[..5]).await;
        assert!(matches!(&frames[..], [Frame::End]));
    }

    #[tokio::test]
    async fn the_largest_frame_passes() {
        let text = vec![b' '; MAX_FRAME];
        assert!(
            matches!(&read_all(Framing::Native, &framed(&text)).await[..], [Frame::Text(t), Frame::End] if t.len() == MAX_FRAME)
        );
    }

    #[tokio::test]
    async fn lines_skip_empty_ones_and_survive_what_is_no_text() {
        let frames = read_all(Framing::Lines, b"\n{}\r\n\xff\xfe\n[2]\n").await;
        assert!(
            matches!(&frames[..], [Frame::Text(a), Frame::Text(_), Frame::Text(b), Frame::End] if a == b"{}" && b == b"[2]"),
            "{frames:?}"
        );
    }
}
