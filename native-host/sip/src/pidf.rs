//! Presence documents: PIDF (RFC 3863) with the activities of RPID (RFC 4480) that chat knows.
//!
//! The reader trusts nothing: it follows namespaces, refuses DTDs and processing instructions, and caps size and depth. What it does not
//! know it skips, as RFC 3863 4.3.1 asks.

use quick_xml::{
    NsReader,
    escape::escape,
    events::Event,
    name::{Namespace, ResolveResult},
};

/// The content type.
pub const CONTENT_TYPE: &str = "application/pidf+xml";

const PIDF: &str = "urn:ietf:params:xml:ns:pidf";
const MODEL: &str = "urn:ietf:params:xml:ns:pidf:data-model";
const RPID: &str = "urn:ietf:params:xml:ns:pidf:rpid";
/// The largest document read, in bytes.
const MOST_BYTES: usize = 16 * 1024;
const MOST_DEPTH: usize = 16;

/// What somebody does, where it matters to those who would write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Not at the device.
    Away,
    /// Not to be disturbed.
    Busy,
}

/// A presence document, as far as chat needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Whose presence, a `sip:` or `pres:` URI.
    pub entity: String,
    /// Whether any tuple is open for messages.
    pub open: bool,
    /// The activity, if one is told.
    pub activity: Option<Activity>,
    /// The first note.
    pub note: Option<String>,
}

/// The document cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a presence document: {0}")]
pub struct PidfError(&'static str);

/// Writes a document with one tuple.
pub fn write(document: &Document) -> String {
    let basic = if document.open { "open" } else { "closed" };
    let entity = escape(&document.entity);
    let note = document
        .note
        .as_deref()
        .map(|n| format!("<note>{}</note>", escape(n)))
        .unwrap_or_default();
    let person = match document.activity {
        None => String::new(),
        Some(activity) => {
            let element = if activity == Activity::Away { "away" } else { "busy" };
            format!(r#"<dm:person id="p1"><rpid:activities><rpid:{element}/></rpid:activities></dm:person>"#)
        }
    };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><presence xmlns="{PIDF}" xmlns:dm="{MODEL}" xmlns:rpid="{RPID}" entity="{entity}"><tuple id="t1"><status><basic>{basic}</basic></status>{note}</tuple>{person}</presence>"#
    )
}

/// Reads a document.
///
/// # Errors
/// When it is no PIDF, too large or too deep, or holds what no presence document needs (a DTD, a processing instruction).
pub fn read(text: &str) -> Result<Document, PidfError> {
    if text.len() > MOST_BYTES {
        return Err(PidfError("too large"));
    }
    let mut reader = NsReader::from_str(text);
    let mut document = Document {
        entity: String::new(),
        open: false,
        activity: None,
        note: None,
    };
    let mut path: Vec<Element> = Vec::new();
    let mut words = String::new();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| PidfError("not well-formed"))?;
        match event {
            Event::Start(start) => {
                let element = Element::of(&namespace, start.local_name().as_ref());
                enter(&mut document, &path, element, &start)?;
                path.push(element);
                words.clear();
                if path.len() > MOST_DEPTH {
                    return Err(PidfError("too deep"));
                }
            }
            Event::Empty(start) => {
                let element = Element::of(&namespace, start.local_name().as_ref());
                enter(&mut document, &path, element, &start)?;
            }
            Event::Text(part) => words.push_str(&part),
            Event::GeneralRef(reference) => words.push(character(&reference)?),
            Event::End(_) => {
                leave(&mut document, &path, &words);
                path.pop();
                words.clear();
            }
            Event::Eof if path.is_empty() && !document.entity.is_empty() => return Ok(document),
            Event::Eof => return Err(PidfError("it ends early")),
            Event::Decl(_) | Event::Comment(_) => {}
            Event::CData(_) | Event::DocType(_) | Event::PI(_) => {
                return Err(PidfError("a construct that is not taken"));
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Presence,
    Tuple,
    Status,
    Basic,
    Note,
    Person,
    Activities,
    Away,
    Busy,
    Other,
}

impl Element {
    fn of(namespace: &ResolveResult<'_>, local: &str) -> Element {
        let ResolveResult::Bound(Namespace(namespace)) = namespace else {
            return Element::Other;
        };
        let is = |uri: &str| *namespace == uri;
        match local {
            "presence" if is(PIDF) => Element::Presence,
            "tuple" if is(PIDF) => Element::Tuple,
            "status" if is(PIDF) => Element::Status,
            "basic" if is(PIDF) => Element::Basic,
            "note" if is(PIDF) || is(MODEL) || is(RPID) => Element::Note,
            "person" if is(MODEL) => Element::Person,
            "activities" if is(RPID) => Element::Activities,
            "away" if is(RPID) => Element::Away,
            "busy" | "on-the-phone" | "meeting" if is(RPID) => Element::Busy,
            _ => Element::Other,
        }
    }
}

fn enter(
    document: &mut Document,
    path: &[Element],
    element: Element,
    start: &quick_xml::events::BytesStart<'_>,
) -> Result<(), PidfError> {
    match (path, element) {
        ([], Element::Presence) => {
            let entity = start
                .try_get_attribute("entity")
                .ok()
                .flatten()
                .ok_or(PidfError("no entity"))?;
            let entity = entity
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|_| PidfError("a bad entity"))?;
            document.entity = entity.into_owned();
        }
        ([], _) => return Err(PidfError("the root is not presence")),
        ([.., Element::Activities], Element::Away) => document.activity = Some(Activity::Away),
        ([.., Element::Activities], Element::Busy) => document.activity = Some(Activity::Busy),
        _ => {}
    }
    Ok(())
}

fn leave(document: &mut Document, path: &[Element], words: &str) {
    match path {
        [Element::Presence, Element::Tuple, Element::Status, Element::Basic] if words.trim() == "open" => {
            document.open = true
        }
        [Element::Presence, .., Element::Note] if document.note.is_none() && !words.trim().is_empty() => {
            document.note = Some(words.trim().to_owned());
        }
        _ => {}
    }
}

fn character(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, PidfError> {
    if let Some(c) = reference
        .resolve_char_ref()
        .map_err(|_| PidfError("a bad character reference"))?
    {
        return Ok(c);
    }
    match reference.as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(PidfError("an entity that is not known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIKE_BARESIP: &str = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n",
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"\r\n xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\"\r\n",
        " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"\r\n entity=\"sip:carol@example.net\">\r\n",
        "  <dm:person id=\"p4159\"><rpid:activities/></dm:person>\r\n  <tuple id=\"t4109\">\r\n",
        "    <status>\r\n      <basic>open</basic>\r\n    </status>\r\n    <contact>sip:carol@example.net</contact>\r\n  </tuple>\r\n</presence>\r\n"
    );

    #[test]
    fn what_is_written_is_read() {
        for (open, activity) in [
            (true, None),
            (true, Some(Activity::Away)),
            (true, Some(Activity::Busy)),
            (false, None),
        ] {
            let document = Document {
                entity: "sip:o'brien@example.net".into(),
                open,
                activity,
                note: Some("<lunch> & \"tea\"".into()),
            };
            assert_eq!(read(&write(&document)), Ok(document));
        }
    }

    #[test]
    fn documents_of_others_are_read() {
        let document = read(LIKE_BARESIP).unwrap();
        assert!(document.open && document.activity.is_none() && document.entity == "sip:carol@example.net");
    }

    #[test]
    fn the_wrong_namespace_and_hostile_constructs_are_refused() {
        let good = write(&Document {
            entity: "sip:a@b.c".into(),
            open: true,
            activity: None,
            note: None,
        });
        assert!(read(&good.replace("ns:pidf\"", "ns:other\"")).is_err());
        assert!(read(&good.replacen("?>", "?><!DOCTYPE presence [<!ENTITY x \"y\">]>", 1)).is_err());
        assert!(read(&good.replace("open", "&x;")).is_err());
        assert!(read(&good.replace("<tuple", "<?php x?><tuple")).is_err());
        assert!(
            read(&format!(
                "{}{}",
                "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"x\">",
                "<a>".repeat(100)
            ))
            .is_err()
        );
        assert!(read(&good[..good.len() - 3]).is_err());
        assert!(read(&" ".repeat(MOST_BYTES + 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(at in 0usize..400, junk in "[<>&;'\"/a-z=! \\-\\[\\]]{0,8}") {
            let good = write(&Document { entity: "sip:a@b.c".into(), open: true, activity: Some(Activity::Away), note: Some("n".into()) });
            let at = at.min(good.len());
            let _ = read(&format!("{}{junk}{}", &good[..at], &good[at..]));
        }
    }
}
