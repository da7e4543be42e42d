//! Reading XML that strangers wrote, one expected thing after the other.
//!
//! A generic reader would do what a document says: declare entities, fetch what it names, run through a stack. Here a
//! document can only have what a grammar asks for, or be refused. What no grammar of the gateway has is refused before
//! it reaches one: document type declarations, processing instructions, comments, entities beside the five that XML
//! predefines, characters that XML does not allow, and depth.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};
use thiserror::Error;

/// The namespace of the draft's elements (draft-singh-p2p-sip section 3).
pub(crate) const DHT: &str = "urn:ietf:params:xml:ns:dht";
/// The namespace of XML Signature.
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// Why a document is refused, whatever it was meant to be. Fixed texts: nothing of the document is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum XmlError {
    /// Not UTF-8.
    #[error("it is no UTF-8 text")]
    NotText,
    /// The XML declaration names another encoding, or another version of XML.
    #[error("its XML declaration is for something else than XML 1.0 in UTF-8")]
    Encoding,
    /// A control character, or a reference to one.
    #[error("it has a character that XML does not allow")]
    Character,
    /// Not well-formed XML.
    #[error("it is no well-formed XML")]
    NotWellFormed,
    /// Markup that has no place here: a document type declaration, a comment, a processing instruction, …
    #[error("it has a {0}, which is not taken")]
    Markup(&'static str),
    /// A reference to something else than a character or one of the five predefined entities.
    #[error("it refers to an entity that XML does not predefine")]
    Entity,
    /// More elements in each other than any document of the gateway has.
    #[error("its elements are nested too deep")]
    TooDeep,
    /// Another element, or none, stands where this one must.
    #[error("the element {0} is missing, or another stands in its place")]
    Expected(&'static str),
    /// The element has an attribute that it cannot have.
    #[error("the element {0} has an attribute that it cannot have")]
    Attribute(&'static str),
    /// Text where only elements may stand, or the other way round.
    #[error("it has text where only elements may stand, or elements where only text may")]
    Mixed,
}

/// The namespaces that the grammars tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    None,
    Dht,
    Dsig,
    Other,
}

/// The start of an element.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) space: Space,
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// What `xmlns` says on this very element.
    pub(crate) own_namespace: Option<String>,
    /// Where its first byte is in the document.
    pub(crate) start: usize,
    declares: bool,
}

impl Element {
    /// An attribute's value.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
pub(crate) enum Token {
    Open(Element),
    Text(String),
    /// The end of an element, and where the byte after it is.
    Close(usize),
    End,
}

/// Goes through a document from front to back.
pub(crate) struct Cursor<'x> {
    xml: &'x str,
    reader: NsReader<&'x [u8]>,
    ahead: Option<Token>,
    depth: usize,
    deepest: usize,
}

impl<'x> Cursor<'x> {
    /// Stands before the root element of a document whose elements are nested at most `deepest` deep.
    pub(crate) fn new(document: &'x [u8], deepest: usize) -> Result<Self, XmlError> {
        let text = std::str::from_utf8(document).map_err(|_| XmlError::NotText)?;
        let xml = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !xml.chars().all(is_allowed) {
            return Err(XmlError::Character);
        }
        let mut reader = NsReader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        let mut cursor = Self {
            xml,
            reader,
            ahead: None,
            depth: 0,
            deepest,
        };
        if xml.starts_with("<?xml") {
            cursor.declaration()?;
        }
        Ok(cursor)
    }

    /// The XML declaration. Old clients declare ISO-8859-1 and write ASCII: that is the same in UTF-8.
    fn declaration(&mut self) -> Result<(), XmlError> {
        let declaration = match self.reader.read_event() {
            Ok(Event::Decl(declaration)) => declaration,
            Ok(Event::PI(_)) => return Err(XmlError::Markup("processing instruction")),
            _ => return Err(XmlError::NotWellFormed),
        };
        let version = declaration.version().map_err(|_| XmlError::NotWellFormed)?;
        let known = match declaration.encoding() {
            None => true,
            Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => true,
            Some(Ok(name))
                if ["us-ascii", "iso-8859-1"]
                    .iter()
                    .any(|ascii| name.eq_ignore_ascii_case(ascii)) =>
            {
                self.xml.is_ascii()
            }
            Some(_) => false,
        };
        if known && version == "1.0" {
            Ok(())
        } else {
            Err(XmlError::Encoding)
        }
    }

    /// The document, without its byte order mark.
    pub(crate) fn document(&self) -> &'x str {
        self.xml
    }

    /// The next token.
    pub(crate) fn next(&mut self) -> Result<Token, XmlError> {
        if let Some(token) = self.ahead.take() {
            return Ok(token);
        }
        let start = self.position();
        let (namespace, event) = self.reader.read_resolved_event().map_err(|_| XmlError::NotWellFormed)?;
        match event {
            Event::Start(tag) => {
                let space = space(&namespace);
                if self.depth == self.deepest {
                    return Err(XmlError::TooDeep);
                }
                self.depth += 1;
                Ok(Token::Open(element(&tag, space, start)?))
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(Token::Close(self.position()))
            }
            Event::Text(text) => Ok(Token::Text(text.xml10_content().into_owned())),
            Event::CData(text) => Ok(Token::Text(text.xml10_content().into_owned())),
            Event::GeneralRef(reference) => {
                if let Some(character) = reference.resolve_char_ref().map_err(|_| XmlError::Character)? {
                    if !is_allowed(character) {
                        return Err(XmlError::Character);
                    }
                    return Ok(Token::Text(character.to_string()));
                }
                let text = quick_xml::escape::resolve_predefined_entity(&reference).ok_or(XmlError::Entity)?;
                Ok(Token::Text(text.to_owned()))
            }
            Event::Eof => Ok(Token::End),
            // Expanded into start and end.
            Event::Empty(_) => Err(XmlError::NotWellFormed),
            Event::Comment(_) => Err(XmlError::Markup("comment")),
            Event::Decl(_) => Err(XmlError::Markup("XML declaration in its middle")),
            Event::PI(_) => Err(XmlError::Markup("processing instruction")),
            Event::DocType(_) => Err(XmlError::Markup("document type declaration")),
        }
    }

    /// The next token that is not white space.
    pub(crate) fn markup(&mut self) -> Result<Token, XmlError> {
        loop {
            match self.next()? {
                Token::Text(text) if is_blank(&text) => {}
                Token::Text(_) => return Err(XmlError::Mixed),
                token => return Ok(token),
            }
        }
    }

    /// The element of this name if it comes next, with no other attributes than these.
    pub(crate) fn take(
        &mut self,
        space: Space,
        name: &'static str,
        attributes: &[&str],
    ) -> Result<Option<Element>, XmlError> {
        match self.markup()? {
            Token::Open(element) if element.space == space && element.name == name => {
                let known = element
                    .attributes
                    .iter()
                    .all(|(key, _)| attributes.contains(&key.as_str()));
                // Without a namespace there is nothing to declare.
                if known && !(space == Space::None && element.declares) {
                    Ok(Some(element))
                } else {
                    Err(XmlError::Attribute(name))
                }
            }
            other => {
                self.put_back(other);
                Ok(None)
            }
        }
    }

    /// The element of this name, which must come next.
    pub(crate) fn need(&mut self, space: Space, name: &'static str, attributes: &[&str]) -> Result<Element, XmlError> {
        self.take(space, name, attributes)?.ok_or(XmlError::Expected(name))
    }

    /// Has this token come next again.
    pub(crate) fn put_back(&mut self, token: Token) {
        self.ahead = Some(token);
    }

    /// The text of an element that has nothing else in it, and its end.
    pub(crate) fn text(&mut self) -> Result<String, XmlError> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Token::Text(more) => text.push_str(&more),
                Token::Close(_) => return Ok(text),
                Token::Open(_) => return Err(XmlError::Mixed),
                Token::End => return Err(XmlError::NotWellFormed),
            }
        }
    }

    /// The end of the element; gives where the byte after it is.
    pub(crate) fn close(&mut self) -> Result<usize, XmlError> {
        match self.markup()? {
            Token::Close(after) => Ok(after),
            _ => Err(XmlError::Expected("that should have ended")),
        }
    }

    /// Whether the element ends here; its end is then taken.
    pub(crate) fn closes(&mut self) -> Result<bool, XmlError> {
        match self.markup()? {
            Token::Close(_) => Ok(true),
            other => {
                self.put_back(other);
                Ok(false)
            }
        }
    }

    /// The end of the document.
    pub(crate) fn end(&mut self) -> Result<(), XmlError> {
        match self.markup()? {
            Token::End => Ok(()),
            _ => Err(XmlError::Expected("after which nothing comes")),
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }
}

fn space(namespace: &ResolveResult<'_>) -> Space {
    match namespace {
        ResolveResult::Unbound => Space::None,
        ResolveResult::Bound(Namespace(uri)) if *uri == DHT => Space::Dht,
        ResolveResult::Bound(Namespace(uri)) if *uri == DSIG => Space::Dsig,
        ResolveResult::Bound(_) | ResolveResult::Unknown(_) => Space::Other,
    }
}

fn element(tag: &BytesStart<'_>, space: Space, start: usize) -> Result<Element, XmlError> {
    let mut element = Element {
        space,
        name: tag.local_name().into_inner().to_owned(),
        attributes: Vec::new(),
        own_namespace: None,
        start,
        declares: false,
    };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| XmlError::NotWellFormed)?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| XmlError::Entity)?
            .into_owned();
        if !value.chars().all(is_allowed) {
            return Err(XmlError::Character);
        }
        let name = attribute.key.into_inner();
        if name == "xmlns" {
            element.declares = true;
            element.own_namespace = Some(value);
        } else if name.starts_with("xmlns:") {
            element.declares = true;
        } else {
            element.attributes.push((name.to_owned(), value));
        }
    }
    Ok(element)
}

/// A character of XML 1.0 (section 2.2).
pub(crate) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// White space as XML has it.
pub(crate) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Text as it stands in an element or a quoted attribute. A carriage return would be read back as a line feed, and what
/// XML does not allow would make the whole document unreadable.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            character if is_allowed(character) => escaped.push(character),
            _ => escaped.push(char::REPLACEMENT_CHARACTER),
        }
    }
    escaped
}
