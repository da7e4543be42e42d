//! The `dhtRecord`s that are not signed: what the getters ask with, and immutable values (sections 2 and 3).

use data_encoding::BASE64;

use super::{DEPTH_LIMIT, DOCUMENT_LIMIT, Digest, DocumentError, Key, time};
use crate::xml::{Cursor, DHT, DSIG, Space, escaped};
use crate::xmlrpc::base64;

/// An unsigned `dhtRecord`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordRequest {
    /// `get` and `get-immut`: a key.
    Key(Key),
    /// `get-auth`: a key, and the hash of the writer's public key.
    OfWriter(Key, Digest),
    /// `remove-auth` by whoever knows the secret that removes what is there: a key, and that secret as the value.
    Removal(Key, Vec<u8>),
    /// `put-immut`, and what `get-immut` gives: a value.
    Immutable(Immutable),
}

/// A value that is stored under its own hash and cannot be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Immutable {
    /// The value.
    pub content: Content,
    /// When it ends, in Unix milliseconds; as late as the node allows if not said.
    pub expires: Option<i64>,
}

/// What a `value` has in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// `string`.
    Text(String),
    /// `base64`.
    Bytes(Vec<u8>),
}

impl Content {
    /// The bytes that are stored and hashed.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl RecordRequest {
    /// Reads an unsigned `dhtRecord`.
    ///
    /// # Errors
    /// Each kind of [`DocumentError`] but those of `dhtService` and `dhtRecords`.
    pub fn read(document: &str) -> Result<Self, DocumentError> {
        if document.len() > DOCUMENT_LIMIT {
            return Err(DocumentError::TooLarge);
        }
        let mut cursor = Cursor::new(document.as_bytes(), DEPTH_LIMIT)?;
        cursor.need(Space::Dht, "dhtRecord", &["Id"])?;
        let request = if cursor.take(Space::Dht, "key", &["Id", "reference"])?.is_some() {
            let key = Key::read(&mut cursor, "key")?;
            if cursor.take(Space::Dsig, "KeyInfo", &[])?.is_some() {
                cursor.need(Space::Dsig, "KeyValue", &[])?;
                let writer = Digest::read(&mut cursor)?;
                cursor.close()?;
                cursor.close()?;
                Self::OfWriter(key, writer)
            } else if cursor.take(Space::Dht, "value", &["Id", "reference"])?.is_some() {
                cursor.need(Space::Dht, "base64", &[])?;
                let secret = base64(&cursor.text()?).ok_or(DocumentError::Field("base64 of a value"))?;
                cursor.close()?;
                Self::Removal(key, secret)
            } else {
                Self::Key(key)
            }
        } else {
            Self::Immutable(Immutable::read(&mut cursor)?)
        };
        cursor.close()?;
        cursor.end()?;
        Ok(request)
    }

    /// Writes it.
    pub fn write(&self) -> String {
        let parts = match self {
            Self::Key(key) => key.write("key"),
            Self::OfWriter(key, writer) => format!(
                "{}<KeyInfo xmlns=\"{DSIG}\"><KeyValue>{}</KeyValue></KeyInfo>",
                key.write("key"),
                writer.write()
            ),
            Self::Removal(key, secret) => {
                let secret = BASE64.encode(secret);
                format!("{}<value><base64>{secret}</base64></value>", key.write("key"))
            }
            Self::Immutable(value) => value.write(),
        };
        format!("<dhtRecord xmlns=\"{DHT}\">{parts}</dhtRecord>")
    }
}

impl Immutable {
    /// No `nonce`: it would say that the value can be removed, which it cannot.
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, DocumentError> {
        let element = cursor.need(Space::Dht, "value", &["Id", "reference", "expires"])?;
        let expires = match element.attribute("expires") {
            Some(text) => Some(time::parse(text).ok_or(DocumentError::Field("attribute expires"))?),
            None => None,
        };
        let content = if cursor.take(Space::Dht, "string", &[])?.is_some() {
            Content::Text(cursor.text()?)
        } else {
            cursor.need(Space::Dht, "base64", &[])?;
            Content::Bytes(base64(&cursor.text()?).ok_or(DocumentError::Field("base64 of a value"))?)
        };
        if content.as_bytes().is_empty() {
            return Err(DocumentError::Empty("value"));
        }
        cursor.close()?;
        Ok(Self { content, expires })
    }

    fn write(&self) -> String {
        let expires = self.expires.map(|at| format!(" expires=\"{}\"", time::format(at)));
        let content = match &self.content {
            Content::Text(text) => format!("<string>{}</string>", escaped(text)),
            Content::Bytes(bytes) => format!("<base64>{}</base64>", BASE64.encode(bytes)),
        };
        format!("<value{}>{content}</value>", expires.unwrap_or_default())
    }
}
