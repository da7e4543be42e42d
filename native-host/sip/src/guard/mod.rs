//! The guard: everything a peer sends passes through here before any other code of ours or of the stack's
//! looks at it. A core without clock or I/O.
//!
//! [`Framer`] cuts the stream into messages. [`Guard::judge`] checks one message on its raw bytes and gives a
//! [`Verdict`]: pass, answer (with the bytes of the answer), or drop. [`TokenBucket`] says how fast a peer may
//! be read.
//!
//! What it covers and the stack behind it does not (rsipstack 0.7.14):
//!
//! | rsipstack | the guard |
//! |---|---|
//! | adds up Content-Length near `usize::MAX` and overflows | caps every length before use: 513 |
//! | does not parse unknown methods, and stays silent; takes `message` for `MESSAGE` | 501, or 405 with Allow |
//! | drops all headers after a line that is not UTF-8 | 400 |
//! | cuts bodies short, takes a bad Content-Length for 0 | 400 and closes the link |
//! | answers SIP/7.0 in kind | 505 |
//! | takes CSeq of another method, repeated and missing headers | 400 with the reason in words |
//! | ignores Require | 420 with Unsupported |
//! | closes the stream on any malformed message | answers, and closes only where the next message cannot be found |
//! | stops at 64 KiB with an error | 513 |
//!
//! Refusals of content follow RFC 3428 section 7 and RFC 3261 section 8.2.3: 415 with Accept and Accept-Encoding.
//! An ACK is never answered, nor is a response. What has no Via cannot be answered and is dropped.

mod address;
mod answer;
mod checks;
mod framer;
mod grammar;
mod head;
mod rate;
mod refusal;
mod uri;

#[cfg(test)]
mod tests;

pub use answer::AnswerForm;
pub(crate) use checks::media_type;
pub use framer::{Frame, Framer, MAX_MESSAGE};
pub use head::MAX_HEAD;
pub use rate::{Rate, TokenBucket};
pub use refusal::{Field, Refusal};

use head::Head;

/// What is served and accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Methods that pass, as they stand in the Request-Line (methods are case-sensitive).
    pub methods: Vec<String>,
    /// Media types that bodies may have, without parameters: `text/plain`.
    pub accept: Vec<String>,
    /// Option tags that Require may name.
    pub extensions: Vec<String>,
    /// The value of Server in refusals.
    pub product: String,
}

impl Policy {
    /// The header fields that say what is served: Allow, Accept, Accept-Encoding, Supported, Server.
    pub fn capabilities(&self) -> Vec<(&'static str, String)> {
        let fields = [
            ("Allow", self.methods.join(", ")),
            ("Accept", self.accept.join(", ")),
            ("Accept-Encoding", "identity".to_owned()),
            ("Supported", self.extensions.join(", ")),
            ("Server", self.product.clone()),
        ];
        fields.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// What is known of a request that passed. URIs are as they stand on the wire, escapes kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    /// One of the policy's methods.
    pub method: String,
    /// The Request-URI, a `sip:` or `sips:` URI.
    pub uri: String,
    /// The URI of From.
    pub from: String,
    /// The tag of From.
    pub from_tag: String,
    /// The URI of To.
    pub to: String,
    /// The tag of To: the request belongs to a dialog.
    pub to_tag: Option<String>,
    /// The value of Call-ID.
    pub call_id: String,
    /// The number in CSeq.
    pub cseq: u32,
    /// The value of Content-Type; empty if there is none.
    pub content_type: String,
    /// Length of the body in bytes.
    pub body: usize,
}

/// What is known of a response that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseFacts {
    /// 100 to 699.
    pub status: u16,
    /// The reason phrase, possibly empty.
    pub reason: String,
    /// The value of Call-ID.
    pub call_id: String,
    /// The number in CSeq.
    pub cseq: u32,
    /// The method in CSeq.
    pub method: String,
}

/// A message that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// A request.
    Request(RequestFacts),
    /// A response.
    Response(ResponseFacts),
}

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The stack may have it.
    Pass(Passed),
    /// The request is refused with these bytes.
    Answer {
        /// Why.
        refusal: Refusal,
        /// The whole answer.
        bytes: Vec<u8>,
    },
    /// The message is dropped without a word.
    Drop(Refusal),
}

impl Verdict {
    /// Whether the link must be closed, after the answer if there is one.
    pub fn closes(&self) -> bool {
        match self {
            Verdict::Pass(_) => false,
            Verdict::Answer { refusal, .. } | Verdict::Drop(refusal) => refusal.closes(),
        }
    }
}

/// Judges messages by a policy.
#[derive(Debug, Clone)]
pub struct Guard {
    policy: Policy,
}

impl Guard {
    /// A guard for that policy.
    pub fn new(policy: Policy) -> Self {
        Self { policy }
    }

    /// The policy it was made for.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Judges one whole message, as the framer cut it.
    pub fn judge(&self, message: &[u8]) -> Verdict {
        match self.inspect(message) {
            Ok(passed) => Verdict::Pass(passed),
            Err(refusal) => self.refuse(message, refusal),
        }
    }

    fn inspect(&self, message: &[u8]) -> Result<Passed, Refusal> {
        let head_end = message
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .ok_or(Refusal::HeaderLine)?
            + 4;
        if message.len() > MAX_MESSAGE || head_end > MAX_HEAD {
            return Err(if head_end > MAX_HEAD {
                Refusal::HeadTooLarge
            } else {
                Refusal::TooLarge
            });
        }
        let (head, complaint) = Head::read(&message[..head_end]);
        // A start line that is none is the graver fault: it may be the rest of some other message.
        if head.start.is_empty() {
            return Err(Refusal::StartLine);
        }
        if let Some(complaint) = complaint {
            return Err(complaint);
        }
        let body = message.len() - head_end;
        if head::content_length(&message[..head_end])? != body {
            return Err(Refusal::BodyLength);
        }
        checks::inspect(&self.policy, &head, body)
    }

    /// Refuses a message, or the header part of one, for a reason that was found elsewhere: by the framer, or
    /// by whoever knows which addresses a link may speak for. Responses and ACKs are dropped, and so is what
    /// has no Via.
    pub fn refuse(&self, message: &[u8], refusal: Refusal) -> Verdict {
        let (head, _) = Head::read(message);
        let answerable = !head.is_response() && head.first_word() != "ACK" && !head.first_word().is_empty();
        let Some(form) = AnswerForm::of(&head).filter(|_| answerable) else {
            return Verdict::Drop(refusal);
        };
        let mut extra = Vec::new();
        let unsupported;
        let capabilities = self.policy.capabilities();
        for (name, value) in &capabilities {
            let wanted = match *name {
                "Allow" => matches!(refusal, Refusal::MethodNotAllowed | Refusal::UnknownMethod),
                "Accept" | "Accept-Encoding" => matches!(refusal, Refusal::MediaType | Refusal::Encoding),
                "Server" => true,
                _ => false,
            };
            if wanted {
                extra.push((*name, value.as_str()));
            }
        }
        if let Refusal::Extension(tags) = &refusal {
            unsupported = tags.join(", ");
            extra.push(("Unsupported", unsupported.as_str()));
        }
        let bytes = form.fill(refusal.status(), &refusal.to_string(), &extra);
        Verdict::Answer { refusal, bytes }
    }

    /// The form for answering a request that passed. `None` for what has no Via, which never passes.
    pub fn answer_form(&self, message: &[u8]) -> Option<AnswerForm> {
        AnswerForm::of(&Head::read(message).0)
    }
}
