//! The strict reader.

use chrono::DateTime;

use super::{CORELLA, Envelope, IMDN, is_id};
use crate::{AddressOfRecord, Millis, invitation::Nonce, mime};

/// Most name spaces that a message may declare.
const NAMESPACES_LIMIT: usize = 16;

/// Reads a CPIM message (without the MIME header that says `message/cpim`).
///
/// # Errors
/// What is wrong with it, as the end of the sentence "the message is malformed: …".
pub fn parse(message: &[u8]) -> Result<Envelope, &'static str> {
    let (lines, content) = mime::header(message)?;
    let mut headers = Headers::default();
    for line in lines {
        headers.read(line)?;
    }
    let (fields, body) = mime::split(content)?;
    let content_type = mime::only(&fields, "Content-Type").ok_or("its content has not exactly one Content-Type")?;
    if !mime::is_content_type(content_type) {
        return Err("its Content-Type is none");
    }
    if !mime::is_unencoded(&fields) {
        return Err("its content is encoded");
    }
    Ok(Envelope {
        from: headers.from.ok_or("it has no From")?,
        to: headers.to.ok_or("it has no To")?,
        at: headers.at.ok_or("it has no DateTime")?,
        id: headers.id.ok_or("it has no Message-ID")?,
        sequence: headers.sequence.ok_or("it has no Sequence")?,
        returns: headers.returns,
        content_type: content_type.to_owned(),
        body: body.to_vec(),
    })
}

/// What was read of the message headers so far.
#[derive(Default)]
struct Headers<'a> {
    /// Prefixes and the name spaces they stand for.
    namespaces: Vec<(&'a str, &'a str)>,
    from: Option<AddressOfRecord>,
    to: Option<AddressOfRecord>,
    at: Option<Millis>,
    id: Option<String>,
    sequence: Option<u64>,
    returns: Option<Nonce>,
}

impl<'a> Headers<'a> {
    /// One line: `Name: value` or `prefix.Name: value`, where a parameter may follow the colon (RFC 3862 section 3).
    fn read(&mut self, line: &'a str) -> Result<(), &'static str> {
        let (name, value) = line.split_once(':').ok_or("a header has no colon")?;
        let (namespace, local) = self.resolve(name)?;
        if !is_known(namespace, local) {
            return Ok(());
        }
        let value = value.strip_prefix(' ').filter(|value| !value.starts_with(' '));
        let value = value.ok_or("a header has not one space after its colon")?;
        match (namespace, local) {
            ("", "From") => once(&mut self.from, person(value), "its From is bad or there twice"),
            ("", "To") => once(&mut self.to, person(value), "its To is bad or there twice"),
            ("", "DateTime") => once(&mut self.at, millis(value), "its DateTime is bad or there twice"),
            ("", "NS") => self.declare(value),
            ("", "Require") => self.require(value),
            (IMDN, "Message-ID") => {
                let id = is_id(value).then(|| value.to_owned());
                once(&mut self.id, id, "its Message-ID is bad or there twice")
            }
            (CORELLA, "Returns") => once(
                &mut self.returns,
                value.parse().ok(),
                "its Returns is bad or there twice",
            ),
            _ => once(&mut self.sequence, number(value), "its Sequence is bad or there twice"),
        }
    }

    /// The name space (empty: CPIM's own) and the local part of a header's name.
    fn resolve(&self, name: &'a str) -> Result<(&'a str, &'a str), &'static str> {
        let Some((prefix, local)) = name.split_once('.') else {
            return if is_name(name) {
                Ok(("", name))
            } else {
                Err("a header has a bad name")
            };
        };
        if !is_name(prefix) || !is_name(local) {
            return Err("a header has a bad name");
        }
        let declared = self.namespaces.iter().find(|(declared, _)| *declared == prefix);
        declared
            .map(|(_, namespace)| (*namespace, local))
            .ok_or("a header has an undeclared prefix")
    }

    /// `NS: prefix <uri>`. A prefix keeps its meaning to the end, and CPIM's own names keep theirs.
    fn declare(&mut self, value: &'a str) -> Result<(), &'static str> {
        let (prefix, uri) = value.split_once(' ').ok_or("a name space has no prefix")?;
        let uri = uri
            .strip_prefix('<')
            .and_then(|uri| uri.strip_suffix('>'))
            .ok_or("a name space has no <URI>")?;
        if !is_name(prefix) || uri.is_empty() || uri.contains(['<', '>', ' ']) {
            return Err("a name space is bad");
        }
        if self.namespaces.iter().any(|(declared, _)| *declared == prefix) {
            return Err("a prefix is declared twice");
        }
        if self.namespaces.len() == NAMESPACES_LIMIT {
            return Err("it declares too many name spaces");
        }
        self.namespaces.push((prefix, uri));
        Ok(())
    }

    /// `Require: name[,name…]`: the sender insists that these headers are understood.
    fn require(&self, value: &'a str) -> Result<(), &'static str> {
        for name in value.split(',') {
            let (namespace, local) = self.resolve(name.trim())?;
            if !is_known(namespace, local) {
                return Err("it requires a header that is not known here");
            }
        }
        Ok(())
    }
}

fn is_known(namespace: &str, local: &str) -> bool {
    matches!(
        (namespace, local),
        ("", "From" | "To" | "DateTime" | "NS" | "Require") | (IMDN, "Message-ID") | (CORELLA, "Sequence" | "Returns")
    )
}

fn once<T>(slot: &mut Option<T>, value: Option<T>, wrong: &'static str) -> Result<(), &'static str> {
    if slot.is_some() || value.is_none() {
        return Err(wrong);
    }
    *slot = value;
    Ok(())
}

/// NAMECHAR of RFC 3862 section 3.6.
fn is_name(name: &str) -> bool {
    let is_name_char = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_name_char)
}

/// `[name ]<uri>` with a sip:, sips: or im: URI; the name is not used.
fn person(value: &str) -> Option<AddressOfRecord> {
    let (name, uri) = value.strip_suffix('>')?.rsplit_once('<')?;
    if !(name.is_empty() || name.ends_with(' ')) || uri.contains('>') {
        return None;
    }
    let (scheme, _) = uri.split_once(':')?;
    let is_person = ["sip", "sips", "im"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    if is_person {
        AddressOfRecord::parse_link(uri).ok()
    } else {
        None
    }
}

/// RFC 3339, any offset, cut to milliseconds.
fn millis(value: &str) -> Option<Millis> {
    let bytes = value.as_bytes();
    let is_strict = bytes.get(10) == Some(&b'T') && value.len() <= 35 && value.is_ascii();
    if !is_strict {
        return None;
    }
    DateTime::parse_from_rfc3339(value)
        .ok()
        .map(|time| time.timestamp_millis())
}

/// Decimal digits without a leading zero.
fn number(value: &str) -> Option<u64> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit()) && (value == "0" || !value.starts_with('0'));
    if plain { value.parse().ok() } else { None }
}
