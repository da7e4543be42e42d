//! The closed grammar: reads exactly the elements, attributes and algorithms of the profile and names whatever else it
//! meets. It digests and verifies nothing; it only takes the record apart.
//!
//! A generic XML signature engine would follow what the record says: transforms, references, key locations. Here the
//! record can only say what is expected, or be refused.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};

use super::RecordError;
use super::form::{DHT, DSIG, EXCLUSIVE, P2P_SIP, SHA256, XMLENC};
use crate::contacts::ADDRESS_LIMIT;
use crate::fragment::{CONTENT_LIMIT, FRAGMENT_SIZE};

/// A record taken apart: texts with the three entities resolved, nothing interpreted.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) key: String,
    pub(super) expires: String,
    pub(super) nonce: String,
    pub(super) sequence: String,
    pub(super) signer: String,
    pub(super) recipient: Option<String>,
    pub(super) removal: Option<String>,
    pub(super) value: ValueParts,
    pub(super) pass: Option<PassParts>,
    pub(super) method: String,
    pub(super) digests: [String; 2],
    pub(super) signature: String,
    pub(super) certificate: String,
}

/// A pass beside sealed content.
#[derive(Debug)]
pub(super) struct PassParts {
    pub(super) until: String,
    pub(super) certificate: String,
    pub(super) signature: String,
}

#[derive(Debug)]
pub(super) enum ValueParts {
    Contacts(Vec<String>),
    Certificates(Vec<String>),
    /// A certificate that is revoked.
    Revoked(String),
    /// A CipherValue.
    Sealed(String),
    Fragments {
        digest: String,
        size: String,
        list: Vec<String>,
    },
    /// A DigestValue.
    Digest(String),
    /// A `string`.
    Text(String),
}

impl Default for ValueParts {
    fn default() -> Self {
        Self::Contacts(Vec::new())
    }
}

/// Takes a record apart.
pub(super) fn parse(xml: &str) -> Result<Parts, RecordError> {
    let mut cursor = Cursor::new(xml);
    let mut parts = Parts::default();
    cursor.open(DHT, "dhtRecord", [])?;
    let [] = cursor.known(DHT, "key", [("Id", "One")], [])?;
    parts.key = cursor.text()?;
    value_attributes(&mut cursor, &mut parts)?;
    parts.value = value(&mut cursor)?;
    parts.pass = pass(&mut cursor)?;
    cursor.close()?;
    signature(&mut cursor, &mut parts)?;
    cursor.close()?;
    cursor.end()?;
    Ok(parts)
}

fn value_attributes(cursor: &mut Cursor<'_>, parts: &mut Parts) -> Result<(), RecordError> {
    let wrong = RecordError::Attribute("value");
    let mut attributes = cursor.any(DHT, "value")?.into_iter().peekable();
    let mut next = |name: &str| attributes.next_if(|(have, _)| have == name).map(|(_, value)| value);
    let read = (
        next("Id"),
        next("expires"),
        next("nonce"),
        next("recipient"),
        next("removal"),
        next("sequence"),
        next("signer"),
    );
    let (Some(id), Some(expires), Some(nonce), recipient, removal, Some(sequence), Some(signer)) = read else {
        return Err(wrong);
    };
    if id != "Two" || attributes.next().is_some() {
        return Err(wrong);
    }
    parts.expires = expires;
    parts.nonce = nonce;
    parts.recipient = recipient;
    parts.removal = removal;
    parts.sequence = sequence;
    parts.signer = signer;
    Ok(())
}

fn value(cursor: &mut Cursor<'_>) -> Result<ValueParts, RecordError> {
    if cursor.stands_at(P2P_SIP, "contacts")? {
        cursor.open(P2P_SIP, "contacts", [])?;
        let contacts = cursor.list(P2P_SIP, "contact", ADDRESS_LIMIT)?;
        Ok(ValueParts::Contacts(contacts))
    } else if cursor.stands_at(P2P_SIP, "fragments")? {
        let [digest, size] = cursor.open(P2P_SIP, "fragments", ["digest", "size"])?;
        let list = cursor.list(P2P_SIP, "fragment", CONTENT_LIMIT / FRAGMENT_SIZE)?;
        Ok(ValueParts::Fragments { digest, size, list })
    } else if cursor.stands_at(P2P_SIP, "revoked")? {
        cursor.open(P2P_SIP, "revoked", [])?;
        cursor.open(DSIG, "X509Certificate", [])?;
        let certificate = cursor.text()?;
        cursor.close()?;
        Ok(ValueParts::Revoked(certificate))
    } else if cursor.stands_at(XMLENC, "EncryptedData")? {
        cursor.open(XMLENC, "EncryptedData", ["MimeType", "Type"])?;
        cursor.open(XMLENC, "CipherData", [])?;
        cursor.open(XMLENC, "CipherValue", [])?;
        let cipher = cursor.text()?;
        cursor.close()?;
        cursor.close()?;
        Ok(ValueParts::Sealed(cipher))
    } else if cursor.stands_at(DSIG, "DigestMethod")? {
        cursor.algorithm("DigestMethod", SHA256)?;
        cursor.open(DSIG, "DigestValue", [])?;
        Ok(ValueParts::Digest(cursor.text()?))
    } else if cursor.stands_at(DHT, "string")? {
        cursor.open(DHT, "string", [])?;
        Ok(ValueParts::Text(cursor.text()?))
    } else {
        cursor.open(DSIG, "KeyInfo", [])?;
        cursor.open(DSIG, "X509Data", [])?;
        let certificates = cursor.list(DSIG, "X509Certificate", super::CHAIN_LIMIT + 1)?;
        cursor.close()?;
        Ok(ValueParts::Certificates(certificates))
    }
}

fn pass(cursor: &mut Cursor<'_>) -> Result<Option<PassParts>, RecordError> {
    if !cursor.stands_at(P2P_SIP, "pass")? {
        return Ok(None);
    }
    let [until] = cursor.open(P2P_SIP, "pass", ["until"])?;
    cursor.open(DSIG, "X509Certificate", [])?;
    let certificate = cursor.text()?;
    cursor.open(DSIG, "SignatureValue", [])?;
    let signature = cursor.text()?;
    cursor.close()?;
    Ok(Some(PassParts {
        until,
        certificate,
        signature,
    }))
}

fn signature(cursor: &mut Cursor<'_>, parts: &mut Parts) -> Result<(), RecordError> {
    cursor.open(DSIG, "Signature", [])?;
    cursor.open(DSIG, "SignedInfo", [])?;
    cursor.algorithm("CanonicalizationMethod", EXCLUSIVE)?;
    [parts.method] = cursor.open(DSIG, "SignatureMethod", ["Algorithm"])?;
    cursor.close()?;
    for (reference, digest) in ["#One", "#Two"].into_iter().zip(&mut parts.digests) {
        let [] = cursor.known(DSIG, "Reference", [("URI", reference)], [])?;
        cursor.open(DSIG, "Transforms", [])?;
        cursor.algorithm("Transform", EXCLUSIVE)?;
        cursor.close()?;
        cursor.algorithm("DigestMethod", SHA256)?;
        cursor.open(DSIG, "DigestValue", [])?;
        *digest = cursor.text()?;
        cursor.close()?;
    }
    cursor.close()?;
    cursor.open(DSIG, "SignatureValue", [])?;
    parts.signature = cursor.text()?;
    cursor.open(DSIG, "KeyInfo", [])?;
    cursor.open(DSIG, "X509Data", [])?;
    cursor.open(DSIG, "X509Certificate", [])?;
    parts.certificate = cursor.text()?;
    cursor.close()?;
    cursor.close()?;
    cursor.close()
}

/// Reads one expected thing after the other.
struct Cursor<'x> {
    reader: NsReader<&'x [u8]>,
    ahead: Option<Token>,
}

enum Token {
    Open {
        namespace: Option<String>,
        name: String,
        attributes: Vec<(String, String)>,
    },
    Text(String),
    Close,
    End,
}

impl<'x> Cursor<'x> {
    fn new(xml: &'x str) -> Self {
        Self {
            reader: NsReader::from_str(xml),
            ahead: None,
        }
    }

    fn next(&mut self) -> Result<Token, RecordError> {
        if let Some(token) = self.ahead.take() {
            return Ok(token);
        }
        let (namespace, event) = self
            .reader
            .read_resolved_event()
            .map_err(|_| RecordError::NotWellFormed)?;
        Ok(match event {
            Event::Start(start) => Token::Open {
                namespace: bound(&namespace),
                name: start.name().into_inner().to_owned(),
                attributes: attributes(&start)?,
            },
            Event::End(_) => Token::Close,
            Event::Text(text) => Token::Text(text.into_inner().into_owned()),
            Event::GeneralRef(entity) => Token::Text(
                match &*entity.into_inner() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    _ => return Err(RecordError::Entity),
                }
                .to_owned(),
            ),
            Event::Eof => Token::End,
            Event::Empty(_) => return Err(RecordError::Markup("tag of an empty element")),
            Event::CData(_) => return Err(RecordError::Markup("CDATA section")),
            Event::Comment(_) => return Err(RecordError::Markup("comment")),
            Event::Decl(_) => return Err(RecordError::Markup("XML declaration")),
            Event::PI(_) => return Err(RecordError::Markup("processing instruction")),
            Event::DocType(_) => return Err(RecordError::Markup("document type declaration")),
        })
    }

    /// An element with whatever attributes.
    fn any(&mut self, space: &str, element: &'static str) -> Result<Vec<(String, String)>, RecordError> {
        match self.next()? {
            Token::Open {
                namespace,
                name,
                attributes,
            } if name == element && namespace.as_deref() == Some(space) => Ok(attributes),
            _ => Err(RecordError::Element(element)),
        }
    }

    /// An element with exactly these attributes, of any value.
    fn open<const N: usize>(
        &mut self,
        space: &str,
        element: &'static str,
        names: [&str; N],
    ) -> Result<[String; N], RecordError> {
        self.known(space, element, [], names)
    }

    /// An element with attributes of known value, then others of any value; gives the latter.
    fn known<const K: usize, const N: usize>(
        &mut self,
        space: &str,
        element: &'static str,
        fixed: [(&str, &str); K],
        names: [&str; N],
    ) -> Result<[String; N], RecordError> {
        let attributes = self.any(space, element)?;
        let wrong = RecordError::Attribute(element);
        let Some((first, rest)) = attributes.split_at_checked(K) else {
            return Err(wrong);
        };
        let fixed_are_right = fixed
            .iter()
            .zip(first)
            .all(|(want, have)| want.0 == have.0 && want.1 == have.1);
        let names_are_right = names.len() == rest.len() && names.iter().zip(rest).all(|(want, have)| *want == have.0);
        if !fixed_are_right || !names_are_right {
            return Err(wrong);
        }
        let mut values = rest.iter().map(|(_, value)| value.clone());
        Ok(std::array::from_fn(|_| values.next().unwrap_or_default()))
    }

    /// An element that only names an algorithm, which must be this one.
    fn algorithm(&mut self, element: &'static str, algorithm: &str) -> Result<(), RecordError> {
        let [named] = self.open(DSIG, element, ["Algorithm"])?;
        if named != algorithm {
            return Err(RecordError::Algorithm(element));
        }
        self.close()
    }

    /// The text of an element that has nothing else in it, and its end.
    fn text(&mut self) -> Result<String, RecordError> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Token::Text(more) => text.push_str(&more),
                Token::Close => return Ok(text),
                Token::Open { .. } | Token::End => return Err(RecordError::Element("of text only")),
            }
        }
    }

    /// Elements of text one after the other, to the end of the element around them.
    fn list(&mut self, space: &str, element: &'static str, limit: usize) -> Result<Vec<String>, RecordError> {
        let mut texts = Vec::new();
        while !self.closes()? {
            if texts.len() == limit {
                return Err(RecordError::TooLarge);
            }
            self.open(space, element, [])?;
            texts.push(self.text()?);
        }
        Ok(texts)
    }

    fn closes(&mut self) -> Result<bool, RecordError> {
        let token = self.next()?;
        let closes = matches!(token, Token::Close);
        if !closes {
            self.ahead = Some(token);
        }
        Ok(closes)
    }

    fn stands_at(&mut self, space: &str, element: &str) -> Result<bool, RecordError> {
        let token = self.next()?;
        let is_it = matches!(&token, Token::Open { namespace, name, .. }
            if name == element && namespace.as_deref() == Some(space));
        self.ahead = Some(token);
        Ok(is_it)
    }

    fn close(&mut self) -> Result<(), RecordError> {
        match self.next()? {
            Token::Close => Ok(()),
            Token::Text(_) => Err(RecordError::Text),
            Token::Open { .. } | Token::End => Err(RecordError::Element("that should have ended")),
        }
    }

    fn end(&mut self) -> Result<(), RecordError> {
        match self.next()? {
            Token::End => Ok(()),
            Token::Text(_) => Err(RecordError::Text),
            Token::Open { .. } | Token::Close => Err(RecordError::Element("after which nothing comes")),
        }
    }
}

fn bound(namespace: &ResolveResult<'_>) -> Option<String> {
    match namespace {
        ResolveResult::Bound(Namespace(uri)) => Some((*uri).to_owned()),
        ResolveResult::Unbound | ResolveResult::Unknown(_) => None,
    }
}

/// All attributes but the declaration of the default namespace, raw: no attribute value of the profile needs escapes.
fn attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, RecordError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| RecordError::NotWellFormed)?;
        let name = attribute.key.into_inner();
        if attribute.value.contains('&') {
            return Err(RecordError::Entity);
        }
        if name != "xmlns" {
            attributes.push((name.to_owned(), attribute.value.into_owned()));
        }
    }
    Ok(attributes)
}
