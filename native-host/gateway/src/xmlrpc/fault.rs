//! Faults: how a call that fails is answered.

use std::borrow::Cow;
use std::fmt;

use super::ReadError;
use crate::xml::XmlError;

/// The call is no XML that is taken.
pub const PARSE: i32 = -32700;
/// The call declares another encoding than UTF-8.
pub const ENCODING: i32 = -32701;
/// The call is not UTF-8, or has a character that XML does not allow.
pub const CHARACTER: i32 = -32702;
/// The call is XML, but no XML-RPC.
pub const NO_CALL: i32 = -32600;
/// There is no such method.
pub const METHOD: i32 = -32601;
/// The parameters are not those of the method.
pub const PARAMS: i32 = -32602;
/// The gateway failed.
pub const INTERNAL: i32 = -32603;
/// The call is understood and refused.
pub const REFUSED: i32 = -32000;
/// The call is too long.
pub const TOO_LARGE: i32 = -32001;
/// Too many calls at once from one address.
pub const BUSY: i32 = -32002;
/// The overlay does not answer.
pub const UNAVAILABLE: i32 = -32003;

/// An XML-RPC fault: a code of the table in [`super`], and words for whoever reads it. Faults of this gateway never
/// repeat anything of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `faultCode`.
    pub code: i32,
    /// `faultString`.
    pub text: Cow<'static, str>,
}

impl Fault {
    /// A fault of this code, in these words.
    pub fn new(code: i32, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

impl std::error::Error for Fault {}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        let code = match error {
            ReadError::Xml(XmlError::Encoding) => ENCODING,
            ReadError::Xml(XmlError::NotText | XmlError::Character) => CHARACTER,
            ReadError::Xml(XmlError::NotWellFormed | XmlError::Markup(_) | XmlError::Entity | XmlError::TooDeep) => {
                PARSE
            }
            ReadError::Xml(XmlError::Expected(_) | XmlError::Attribute(_) | XmlError::Mixed)
            | ReadError::Type
            | ReadError::Nil
            | ReadError::Form(_)
            | ReadError::TooDeep
            | ReadError::Twice
            | ReadError::Fault => NO_CALL,
        };
        Self::new(code, format!("the call is refused: {error}"))
    }
}
