//! Keys and digests (section 3, `key` and `keyType`).

use data_encoding::BASE64;

use super::{DocumentError, TEXT_LIMIT};
use crate::xml::{Cursor, DSIG, Space, Token, XmlError, escaped, is_blank};
use crate::xmlrpc::base64;

const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// The name under which something is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Clear text, such as `sip:alice@example.net`: the node hashes it.
    Clear(String),
    /// Bytes: the node hashes them.
    Bytes(Vec<u8>),
    /// What the client hashed itself.
    Digest(Digest),
}

/// A hash value, and how it was made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Digest {
    /// By which algorithm.
    pub algorithm: DigestAlgorithm,
    /// As many bytes as it gives.
    pub value: Vec<u8>,
}

/// The hash algorithms that a document may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-1, the draft's default: what a document means that names none.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
}

impl DigestAlgorithm {
    fn uri(self) -> &'static str {
        match self {
            Self::Sha1 => SHA1,
            Self::Sha256 => SHA256,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

impl Key {
    /// Reads what stands in an element of `keyType` that was opened, and its end.
    pub(super) fn read(cursor: &mut Cursor<'_>, element: &'static str) -> Result<Self, DocumentError> {
        let mut text = String::new();
        loop {
            match cursor.next()? {
                Token::Text(more) => text.push_str(&more),
                Token::Close(_) => return Ok(Self::Clear(checked(text, element)?)),
                Token::Open(child) if is_blank(&text) => {
                    cursor.put_back(Token::Open(child));
                    break;
                }
                Token::Open(_) => return Err(XmlError::Mixed.into()),
                Token::End => return Err(XmlError::NotWellFormed.into()),
            }
        }
        let key = if cursor.take(Space::Dht, "base64", &[])?.is_some() {
            let bytes = base64(&cursor.text()?).ok_or(DocumentError::Field("base64 of a key"))?;
            match bytes.len() {
                0 => return Err(DocumentError::Empty("base64")),
                length if length > TEXT_LIMIT => return Err(DocumentError::LongText("base64")),
                _ => Self::Bytes(bytes),
            }
        } else {
            Self::Digest(Digest::read(cursor)?)
        };
        cursor.close()?;
        Ok(key)
    }

    /// The element, within one whose default namespace is the draft's.
    pub(super) fn write(&self, element: &str) -> String {
        let content = match self {
            Self::Clear(text) => escaped(text),
            Self::Bytes(bytes) => format!("<base64>{}</base64>", BASE64.encode(bytes)),
            Self::Digest(digest) => digest.write(),
        };
        format!("<{element}>{content}</{element}>")
    }
}

impl Digest {
    /// A digest by this algorithm. None if it has not as many bytes as that gives.
    pub fn new(algorithm: DigestAlgorithm, value: Vec<u8>) -> Option<Self> {
        (value.len() == algorithm.length()).then_some(Self { algorithm, value })
    }

    /// Reads DigestMethod, which may be left out, and DigestValue.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, DocumentError> {
        let algorithm = match cursor.take(Space::Dsig, "DigestMethod", &["Algorithm"])? {
            None => DigestAlgorithm::default(),
            Some(method) => {
                cursor.close()?;
                match method.attribute("Algorithm") {
                    Some(SHA1) => DigestAlgorithm::Sha1,
                    Some(SHA256) => DigestAlgorithm::Sha256,
                    _ => return Err(DocumentError::Algorithm),
                }
            }
        };
        cursor.need(Space::Dsig, "DigestValue", &[])?;
        base64(&cursor.text()?)
            .and_then(|value| Self::new(algorithm, value))
            .ok_or(DocumentError::Field("DigestValue"))
    }

    pub(super) fn write(&self) -> String {
        let method = match self.algorithm {
            DigestAlgorithm::Sha1 => String::new(),
            other => format!("<DigestMethod xmlns=\"{DSIG}\" Algorithm=\"{}\"/>", other.uri()),
        };
        let value = BASE64.encode(&self.value);
        format!("{method}<DigestValue xmlns=\"{DSIG}\">{value}</DigestValue>")
    }
}

/// Text that is there, and not too long.
pub(super) fn checked(text: String, element: &'static str) -> Result<String, DocumentError> {
    match text.len() {
        0 => Err(DocumentError::Empty(element)),
        length if length > TEXT_LIMIT => Err(DocumentError::LongText(element)),
        _ => Ok(text),
    }
}
