//! The names of everything the guard refuses.

use std::fmt;

/// A header field that the guard knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// `Via`, `v`
    Via,
    /// `From`, `f`
    From,
    /// `To`, `t`
    To,
    /// `Call-ID`, `i`
    CallId,
    /// `CSeq`
    CSeq,
    /// `Max-Forwards`
    MaxForwards,
    /// `Contact`, `m`
    Contact,
    /// `Require`
    Require,
    /// `Content-Length`, `l`
    ContentLength,
    /// `Content-Type`, `c`
    ContentType,
    /// `Content-Encoding`, `e`
    ContentEncoding,
    /// Any other.
    Other,
}

impl Field {
    /// The field of that name, long or compact, in any case (RFC 3261 section 7.3.3).
    pub(super) fn named(name: &str) -> Self {
        const NAMES: [(&str, &str, Field); 11] = [
            ("Via", "v", Field::Via),
            ("From", "f", Field::From),
            ("To", "t", Field::To),
            ("Call-ID", "i", Field::CallId),
            ("CSeq", "", Field::CSeq),
            ("Max-Forwards", "", Field::MaxForwards),
            ("Contact", "m", Field::Contact),
            ("Require", "", Field::Require),
            ("Content-Length", "l", Field::ContentLength),
            ("Content-Type", "c", Field::ContentType),
            ("Content-Encoding", "e", Field::ContentEncoding),
        ];
        NAMES
            .iter()
            .find(|(long, compact, _)| name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(compact))
            .map_or(Field::Other, |(_, _, field)| *field)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Via => "Via",
            Field::From => "From",
            Field::To => "To",
            Field::CallId => "Call-ID",
            Field::CSeq => "CSeq",
            Field::MaxForwards => "Max-Forwards",
            Field::Contact => "Contact",
            Field::Require => "Require",
            Field::ContentLength => "Content-Length",
            Field::ContentType => "Content-Type",
            Field::ContentEncoding => "Content-Encoding",
            Field::Other => "Header",
        })
    }
}

/// Why a message is refused. `Display` is the reason phrase of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Neither a SIP message nor a keep-alive stands where one must begin.
    #[error("Not A SIP Message")]
    Garbage,
    /// A line of the header part ends with a bare line feed.
    #[error("Line Not Ended By CRLF")]
    LineEnd,
    /// The header part is longer than [`MAX_HEAD`](super::MAX_HEAD).
    #[error("Header Part Too Large")]
    HeadTooLarge,
    /// The whole message is, or says it is, longer than [`MAX_MESSAGE`](super::MAX_MESSAGE).
    #[error("Message Too Large")]
    TooLarge,
    /// The body is shorter or longer than Content-Length says (possible only where a message comes whole).
    #[error("Body Does Not Match Content-Length")]
    BodyLength,
    /// The header part is not UTF-8 throughout.
    #[error("Header Not UTF-8")]
    NotUtf8,
    /// A control character stands in the header part, other than in a quoted pair.
    #[error("Control Character In Header")]
    ControlCharacter,
    /// A line that is no header field.
    #[error("Malformed Header Line")]
    HeaderLine,
    /// The Request-Line or Status-Line breaks the grammar.
    #[error("Malformed Start Line")]
    StartLine,
    /// A version other than SIP/2.0.
    #[error("Version Not Supported")]
    Version,
    /// A mandatory header field is missing.
    #[error("Missing {0}")]
    Missing(Field),
    /// A header field that may stand once stands several times.
    #[error("More Than One {0}")]
    Repeated(Field),
    /// A header field's value breaks its grammar or range.
    #[error("Malformed {0}")]
    Malformed(Field),
    /// From has no tag.
    #[error("Missing From Tag")]
    NoFromTag,
    /// The top Via has no branch that begins with `z9hG4bK` and goes on after it.
    #[error("Via Branch Is Not RFC 3261's")]
    Branch,
    /// CSeq names another method than the Request-Line.
    #[error("CSeq Method Does Not Match")]
    CSeqMethod,
    /// The Request-URI breaks the grammar, or holds headers.
    #[error("Malformed Request-URI")]
    RequestUri,
    /// The Request-URI's scheme is not `sip` or `sips`.
    #[error("Unsupported URI Scheme")]
    UriScheme,
    /// A method that no RFC known here defines.
    #[error("Not Implemented")]
    UnknownMethod,
    /// A method that is known and not served.
    #[error("Method Not Allowed")]
    MethodNotAllowed,
    /// An ACK or CANCEL that no transaction here waits for.
    #[error("Call/Transaction Does Not Exist")]
    NoTransaction,
    /// Require names extensions that are not supported: these.
    #[error("Bad Extension")]
    Extension(Vec<String>),
    /// The body's media type is not accepted.
    #[error("Unsupported Media Type")]
    MediaType,
    /// The body is encoded (compressed, for instance) in a way that is not accepted.
    #[error("Unsupported Content-Encoding")]
    Encoding,
    /// A response with more than one Via went astray (RFC 3261 section 8.1.3.3).
    #[error("Response With Several Vias")]
    SeveralVias,
    /// The parser behind the guard reads the message differently. Never let through.
    #[error("Message Not Understood")]
    NotUnderstood,
    /// From is not the address that the peer proved to be.
    #[error("From Is Not The Peer's Address")]
    WrongSender,
    /// To or the Request-URI is not the address that the link was made for.
    #[error("No Such User Here")]
    WrongRecipient,
    /// A request inside a dialog that does not exist.
    #[error("Dialog Does Not Exist")]
    NoDialog,
}

impl Refusal {
    /// The status code of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Refusal::WrongSender => 403,
            Refusal::WrongRecipient => 404,
            Refusal::MethodNotAllowed => 405,
            Refusal::MediaType | Refusal::Encoding => 415,
            Refusal::UriScheme => 416,
            Refusal::Extension(_) => 420,
            Refusal::NoTransaction | Refusal::NoDialog => 481,
            Refusal::UnknownMethod => 501,
            Refusal::Version => 505,
            Refusal::TooLarge | Refusal::HeadTooLarge => 513,
            _ => 400,
        }
    }

    /// Whether the link must be closed: after these, nobody knows for sure where the next message begins, or
    /// the other side does not speak SIP at all.
    pub fn closes(&self) -> bool {
        matches!(
            self,
            Refusal::Garbage
                | Refusal::LineEnd
                | Refusal::HeadTooLarge
                | Refusal::TooLarge
                | Refusal::StartLine
                | Refusal::HeaderLine
                | Refusal::Missing(Field::ContentLength)
                | Refusal::Repeated(Field::ContentLength)
                | Refusal::Malformed(Field::ContentLength)
        )
    }
}
