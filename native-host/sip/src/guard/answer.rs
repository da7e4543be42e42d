//! Responses made straight from the bytes of a request, for requests the stack must not see as well as for
//! those it did.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::address::Address;
use super::head::Head;
use super::refusal::Field;

/// The fields that a response copies from its request (RFC 3261 section 8.2.6.2).
///
/// They are copied as they stand, so that whatever the peer wrote comes back to it unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerForm {
    copied: String,
}

impl AnswerForm {
    /// Reads the fields of a request. `None` if nobody could match an answer to it: no Via.
    ///
    /// Other missing fields are left out, repeated ones copied once. To gets a tag if it has none. The tag is
    /// computed from the request (RFC 3261 section 8.2.7), so a request that comes twice gets the same.
    pub(super) fn of(head: &Head<'_>) -> Option<Self> {
        let mut copied = String::new();
        for via in head.all(Field::Via) {
            push(&mut copied, Field::Via, via);
        }
        if copied.is_empty() {
            return None;
        }
        for field in [Field::From, Field::To, Field::CallId, Field::CSeq] {
            if let Some(value) = head.all(field).next() {
                push(&mut copied, field, value);
                if field == Field::To && Address::parse(value).is_none_or(|to| to.tag().is_none()) {
                    copied.truncate(copied.len() - 2);
                    let mut hasher = DefaultHasher::new();
                    (
                        head.start,
                        head.lines.iter().map(|line| &line.value).collect::<Vec<_>>(),
                    )
                        .hash(&mut hasher);
                    // Writing to a String cannot fail.
                    let _ = write!(copied, ";tag={:016x}\r\n", hasher.finish());
                }
            }
        }
        Some(Self { copied })
    }

    /// The bytes of a response without a body. `extra` holds more header fields.
    ///
    /// `reason`, names and values must be free of control characters; what is not is left out.
    pub fn fill(&self, status: u16, reason: &str, extra: &[(&str, &str)]) -> Vec<u8> {
        let clean = |text: &str| text.replace(|c: char| c.is_control(), "");
        let mut answer = format!("SIP/2.0 {status} {}\r\n{}", clean(reason), self.copied);
        for (name, value) in extra {
            let _ = write!(answer, "{}: {}\r\n", clean(name), clean(value));
        }
        answer.push_str("Content-Length: 0\r\n\r\n");
        answer.into_bytes()
    }
}

fn push(text: &mut String, field: Field, value: &str) {
    let _ = write!(text, "{field}: {value}\r\n");
}
