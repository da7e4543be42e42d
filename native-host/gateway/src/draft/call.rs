//! Calls and answers as XML-RPC carries them (section 4).

use super::{DOCUMENT_LIMIT, DocumentError};
use crate::xml::XmlError;
use crate::xmlrpc::{Fault, Value, fault};

/// The nine methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DraftMethod {
    /// `put-auth`: store a signed record.
    PutAuth,
    /// `remove-auth`: remove one.
    RemoveAuth,
    /// `get-auth`: the records under a key that one writer signed.
    GetAuth,
    /// `get`: all records under a key.
    Get,
    /// `put-immut`: store a value under its hash.
    PutImmut,
    /// `get-immut`: the value of a hash.
    GetImmut,
    /// `join`: provide a service.
    Join,
    /// `lookup`: who provides a service for a key.
    Lookup,
    /// `leave`: provide it no longer.
    Leave,
}

impl DraftMethod {
    /// All nine.
    pub const ALL: [Self; 9] = [
        Self::PutAuth,
        Self::RemoveAuth,
        Self::GetAuth,
        Self::Get,
        Self::PutImmut,
        Self::GetImmut,
        Self::Join,
        Self::Lookup,
        Self::Leave,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::PutAuth => "put-auth",
            Self::RemoveAuth => "remove-auth",
            Self::GetAuth => "get-auth",
            Self::Get => "get",
            Self::PutImmut => "put-immut",
            Self::GetImmut => "get-immut",
            Self::Join => "join",
            Self::Lookup => "lookup",
            Self::Leave => "leave",
        }
    }

    /// The method of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    fn answers_with_a_document(self) -> bool {
        !matches!(self, Self::PutAuth | Self::RemoveAuth | Self::PutImmut | Self::Leave)
    }
}

/// A call of one of the nine methods. The document is text of at most [`DOCUMENT_LIMIT`] bytes; nothing else is known of
/// it yet.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct DraftCall {
    /// Which.
    pub method: DraftMethod,
    /// Its one parameter.
    pub document: String,
}

impl DraftCall {
    /// Reads the parameters of a method.
    ///
    /// # Errors
    /// A fault of the code [`fault::PARAMS`]: not one parameter, or no text, or too much of it.
    pub fn read(method: DraftMethod, params: Vec<Value>) -> Result<Self, Fault> {
        document(params).map(|document| Self { method, document })
    }

    /// The parameters to call with: the document as a string.
    pub fn params(self) -> Vec<Value> {
        vec![Value::String(self.document)]
    }
}

fn document(params: Vec<Value>) -> Result<String, Fault> {
    let document = match <[Value; 1]>::try_from(params) {
        Ok([Value::String(text)]) => text,
        Ok([Value::Base64(bytes)]) => String::from_utf8(bytes).map_err(|_| DocumentError::Xml(XmlError::NotText))?,
        _ => {
            return Err(Fault::new(
                fault::PARAMS,
                "the method takes one parameter, an XML document as string or base64",
            ));
        }
    };
    if document.len() > DOCUMENT_LIMIT {
        return Err(DocumentError::TooLarge.into());
    }
    Ok(document)
}

/// What one of the nine methods is answered with.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum DraftAnswer {
    /// Whether it was done.
    Done(bool),
    /// `dhtRecords` or `dhtService`.
    Document(String),
}

impl DraftAnswer {
    /// Reads the answer to a method. None if it is of another kind than the method's.
    pub fn read(method: DraftMethod, answer: Value) -> Option<Self> {
        match (method.answers_with_a_document(), answer) {
            (false, Value::Bool(done)) => Some(Self::Done(done)),
            (true, Value::String(document)) => Some(Self::Document(document)),
            (true, Value::Base64(bytes)) => String::from_utf8(bytes).ok().map(Self::Document),
            _ => None,
        }
    }
}

impl From<DraftAnswer> for Value {
    fn from(answer: DraftAnswer) -> Self {
        match answer {
            DraftAnswer::Done(done) => Self::Bool(done),
            DraftAnswer::Document(document) => Self::String(document),
        }
    }
}
