//! Where one message ends and the next begins on a byte stream (RFC 3261 section 18.3, RFC 5626 section 3.5.1).

use super::head::{self, MAX_HEAD};
use super::refusal::Refusal;

/// The longest message, header part and body together, in bytes.
pub const MAX_MESSAGE: usize = 65_535;

/// What stands next on the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// One whole message.
    Message(Vec<u8>),
    /// A keep-alive that asks for an answer (a double CRLF); the answer is one CRLF.
    Ping,
    /// One CRLF: the answer to a keep-alive, or white space before a message.
    Pong,
    /// Nothing after this can be trusted. `head` is the header part as far as it is known, so that a request
    /// can be refused in words.
    Broken {
        /// The header part, or its first [`MAX_HEAD`] bytes.
        head: Vec<u8>,
        /// What is wrong.
        refusal: Refusal,
    },
}

/// Cuts a byte stream into frames. It has no clock and does no I/O; it never holds more than one message and
/// what was pushed since. Where the stream was cut into pieces on its way makes no difference.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Bytes of the buffer that are used up.
    taken: usize,
    /// Bytes after `taken` in which the end of the header part was looked for in vain.
    searched: usize,
    /// Length of the message after `taken`, once its header part is complete.
    length: Option<usize>,
    /// Keep-alives that were sent to the peer and not answered yet.
    asked: usize,
    broken: bool,
}

impl Framer {
    /// An empty framer for a new stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was read from the stream. Call [`next_frame`](Self::next_frame) until it says `None` before
    /// the next push, or the buffer grows.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// A keep-alive was sent to the peer: the next CRLF is its answer. (Else two answers would look like a question.)
    pub fn asked(&mut self) {
        self.asked += 1;
    }

    /// Whether the stream may end here: nothing of a message is waiting for its rest.
    pub fn is_between_messages(&self) -> bool {
        self.buffer[self.taken..].iter().all(|byte| b"\r\n".contains(byte))
    }

    /// The next frame, if enough was pushed. After [`Frame::Broken`] there is never another.
    pub fn next_frame(&mut self) -> Option<Frame> {
        if self.broken {
            return None;
        }
        let bytes = &self.buffer[self.taken..];
        let length = match self.length {
            Some(length) => length,
            None => {
                let first = *bytes.first()?;
                if first == b'\r' {
                    return self.line_ends();
                }
                if !super::grammar::is_token_byte(first) {
                    return Some(self.fail(0, Refusal::Garbage));
                }
                let end = match head_end(bytes, &mut self.searched) {
                    Some(end) if end <= MAX_HEAD => end,
                    None if bytes.len() < MAX_HEAD => return None,
                    _ => return Some(self.fail(MAX_HEAD, Refusal::HeadTooLarge)),
                };
                match message_length(&bytes[..end]) {
                    Ok(length) => *self.length.insert(length),
                    Err(refusal) => return Some(self.fail(end, refusal)),
                }
            }
        };
        let message = bytes.get(..length)?.to_vec();
        self.take(length);
        Some(Frame::Message(message))
    }

    /// CRLF before a start line: a pair of them is a ping. What follows a lone CRLF decides, so two more bytes
    /// are waited for, unless it is an answer.
    ///
    /// Where a ping of the peer's comes before its answer, its two halves and the answer are taken for the answer and a ping: the
    /// same in all. (With a message in between that ping goes unanswered; but the message's answer is as good a sign of life.)
    fn line_ends(&mut self) -> Option<Frame> {
        let bytes = &self.buffer[self.taken..];
        if self.asked > 0 && bytes.starts_with(b"\r\n") {
            self.asked -= 1;
            self.take(2);
            return Some(Frame::Pong);
        }
        let (frame, length) = match bytes.get(..4.min(bytes.len()))? {
            b"\r\n\r\n" => (Frame::Ping, 4),
            b"\r" | b"\r\n" | b"\r\n\r" => return None,
            [b'\r', b'\n', ..] => (Frame::Pong, 2),
            _ => return Some(self.fail(0, Refusal::Garbage)),
        };
        self.take(length);
        Some(frame)
    }

    fn take(&mut self, length: usize) {
        self.taken += length;
        self.searched = 0;
        self.length = None;
        // A large buffer is not kept for a link that went quiet.
        if self.taken == self.buffer.len() {
            self.taken = 0;
            self.buffer.clear();
            self.buffer.shrink_to(MAX_HEAD);
        }
    }

    fn fail(&mut self, head: usize, refusal: Refusal) -> Frame {
        let head = self.buffer[self.taken..][..head].to_vec();
        self.broken = true;
        self.buffer = Vec::new();
        self.taken = 0;
        Frame::Broken { head, refusal }
    }
}

/// The length of the header part, empty line included. A line feed without a carriage return ends a line here
/// as well: the message is refused for it at once instead of waited for in vain.
fn head_end(bytes: &[u8], searched: &mut usize) -> Option<usize> {
    while let Some(found) = bytes[*searched..].iter().position(|byte| *byte == b'\n') {
        let at = *searched + found;
        match &bytes[at + 1..] {
            [b'\r', b'\n', ..] => return Some(at + 3),
            [b'\n', ..] => return Some(at + 2),
            // The next bytes decide; look at this line feed again when they are there.
            [] | [b'\r'] => {
                *searched = at;
                return None;
            }
            _ => *searched = at + 1,
        }
    }
    *searched = bytes.len();
    None
}

fn message_length(head: &[u8]) -> Result<usize, Refusal> {
    if head
        .iter()
        .zip(std::iter::once(&0).chain(head))
        .any(|(byte, before)| *byte == b'\n' && *before != b'\r')
    {
        return Err(Refusal::LineEnd);
    }
    let length = head.len().saturating_add(head::content_length(head)?);
    if length > MAX_MESSAGE {
        Err(Refusal::TooLarge)
    } else {
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::super::refusal::Field;
    use super::*;

    fn frames(bytes: &[u8]) -> Vec<Frame> {
        let mut framer = Framer::new();
        framer.push(bytes);
        std::iter::from_fn(|| framer.next_frame()).collect()
    }

    fn refusal(bytes: &[u8]) -> Option<Refusal> {
        frames(bytes).into_iter().find_map(|frame| match frame {
            Frame::Broken { refusal, .. } => Some(refusal),
            _ => None,
        })
    }

    #[test]
    fn messages_and_keep_alives_in_a_row() {
        let one = b"A b c\r\nl: 3\r\n\r\n\r\n\n".as_slice();
        let two = b"B b c\r\nContent-Length:0\r\n\r\n".as_slice();
        let stream = [one, b"\r\n\r\n", two, b"\r\n", one, b"\r\n"].concat();
        let expected = [
            Frame::Message(one.to_vec()),
            Frame::Ping,
            Frame::Message(two.to_vec()),
            Frame::Pong,
            Frame::Message(one.to_vec()),
        ];
        assert_eq!(frames(&stream), expected);
    }

    /// However answers and the peer's own questions mingle, each question is one, and each answer.
    #[test]
    fn answers_to_keep_alives_are_no_keep_alives() {
        for stream in [&b"\r\n\r\n\r\n\r\n"[..], b"\r\n\r\n\r\n\r\nA b c\r\nl: 0\r\n\r\n"] {
            let mut framer = Framer::new();
            framer.asked();
            framer.asked();
            let mut frames = Vec::new();
            for byte in stream {
                framer.push(&[*byte]);
                frames.extend(std::iter::from_fn(|| framer.next_frame()));
            }
            assert_eq!(frames[..3], [Frame::Pong, Frame::Pong, Frame::Ping]);
            assert_eq!(frames.len(), if stream.ends_with(b"l: 0\r\n\r\n") { 4 } else { 3 });
        }
    }

    #[test]
    fn a_message_waits_for_its_last_byte() {
        let message = b"A b c\r\nl: 5\r\n\r\nabcde";
        let mut framer = Framer::new();
        assert!(framer.is_between_messages());
        for byte in &message[..message.len() - 1] {
            framer.push(&[*byte]);
            assert_eq!(framer.next_frame(), None);
            assert!(!framer.is_between_messages());
        }
        framer.push(b"e");
        assert_eq!(framer.next_frame(), Some(Frame::Message(message.to_vec())));
        assert!(framer.is_between_messages());
    }

    #[test]
    fn content_length_that_cannot_be_is_refused() {
        for (length, expected) in [
            ("l: 18446744073709551615", Refusal::TooLarge),
            ("l: 18446744073709551614", Refusal::TooLarge),
            ("l: 9223372036854775807", Refusal::TooLarge),
            ("l: 4294967295", Refusal::TooLarge),
            ("l: 65535", Refusal::TooLarge),
            ("l: -1", Refusal::Malformed(Field::ContentLength)),
            ("l: 5\r\nContent-Length: 5", Refusal::Repeated(Field::ContentLength)),
            ("Subject: none", Refusal::Missing(Field::ContentLength)),
        ] {
            assert_eq!(
                refusal(format!("A b c\r\n{length}\r\n\r\n").as_bytes()),
                Some(expected),
                "{length}"
            );
        }
    }

    #[test]
    fn the_largest_message_passes_and_one_byte_more_does_not() {
        let message = |total: usize| {
            let head = "A b c\r\nContent-Length: 65000\r\n\r\n".len();
            format!(
                "A b c\r\nContent-Length: {}\r\n\r\n{}",
                total - head,
                "x".repeat(total - head)
            )
            .into_bytes()
        };
        assert_eq!(frames(&message(MAX_MESSAGE)), [Frame::Message(message(MAX_MESSAGE))]);
        assert_eq!(refusal(&message(MAX_MESSAGE + 1)), Some(Refusal::TooLarge));
    }

    #[test]
    fn the_largest_head_passes_and_one_byte_more_does_not() {
        let message = |head: usize| {
            let rest = "A b c\r\nx: \r\nl: 0\r\n\r\n".len();
            format!("A b c\r\nx: {}\r\nl: 0\r\n\r\n", "x".repeat(head - rest)).into_bytes()
        };
        assert_eq!(frames(&message(MAX_HEAD)).len(), 1);
        assert_eq!(refusal(&message(MAX_HEAD)), None);
        assert_eq!(refusal(&message(MAX_HEAD + 1)), Some(Refusal::HeadTooLarge));
        assert_eq!(refusal(&vec![b'x'; MAX_HEAD]), Some(Refusal::HeadTooLarge));
        assert_eq!(refusal(&vec![b'x'; MAX_HEAD - 1]), None);
    }

    #[test]
    fn what_cannot_begin_a_message_breaks_the_stream_at_once() {
        for bytes in [
            b" A".as_slice(),
            b"\0",
            b"\nA",
            b"\rA",
            b"<xml>",
            b"\xff",
            b"\r\n\rA",
            b"{\"json\":1}",
        ] {
            assert_eq!(refusal(bytes), Some(Refusal::Garbage), "{bytes:?}");
        }
        for bytes in [
            b"A b c\nl: 0\n\n".as_slice(),
            b"A b c\r\nl: 0\n\r\n",
            b"A b c\nl: 0\r\n\r\n",
        ] {
            assert_eq!(refusal(bytes), Some(Refusal::LineEnd), "{bytes:?}");
        }
        let mut framer = Framer::new();
        framer.push(b"\0");
        assert!(matches!(framer.next_frame(), Some(Frame::Broken { .. })));
        framer.push(b"A b c\r\nl: 0\r\n\r\n");
        assert_eq!(framer.next_frame(), None, "a broken stream stays broken");
    }
}
