//! `dhtRecords`: what the getters answer with (section 3).

use super::{DEPTH_LIMIT, DocumentError};
use crate::xml::{Cursor, DHT, Space, Token, XmlError};

/// Most records of one answer.
pub const RECORDS_LIMIT: usize = 256;

/// Writes `dhtRecords` around records as they are: each is a `dhtRecord` that declares its namespace itself, as signed
/// records and [`super::RecordRequest::write`] do.
pub fn write_records<'r>(records: impl IntoIterator<Item = &'r str>) -> String {
    let records: String = records.into_iter().collect();
    format!("<dhtRecords xmlns=\"{DHT}\">{records}</dhtRecords>")
}

/// Reads `dhtRecords` and gives each `dhtRecord` as it stands there, byte for byte, so that a signature over it stays
/// good. What the records say is neither read nor checked; they are only well-formed. The document's length is the
/// caller's to bound.
///
/// # Errors
/// Each kind of [`DocumentError`] that `dhtRecords` can have.
pub fn read_records(document: &str) -> Result<Vec<&str>, DocumentError> {
    let mut cursor = Cursor::new(document.as_bytes(), DEPTH_LIMIT)?;
    cursor.need(Space::Dht, "dhtRecords", &["Id"])?;
    let mut records = Vec::new();
    while !cursor.closes()? {
        if records.len() == RECORDS_LIMIT {
            return Err(DocumentError::ManyRecords);
        }
        let record = cursor.need(Space::Dht, "dhtRecord", &["Id"])?;
        if record.own_namespace.as_deref() != Some(DHT) {
            return Err(DocumentError::Namespace);
        }
        let end = skip(&mut cursor)?;
        let text = cursor.document().get(record.start..end);
        records.push(text.ok_or(XmlError::NotWellFormed)?);
    }
    cursor.end()?;
    Ok(records)
}

/// To the end of the element that was opened; gives where the byte after it is.
fn skip(cursor: &mut Cursor<'_>) -> Result<usize, XmlError> {
    let mut open = 1;
    loop {
        match cursor.next()? {
            Token::Open(_) => open += 1,
            Token::Close(after) => {
                open -= 1;
                if open == 0 {
                    return Ok(after);
                }
            }
            Token::Text(_) => {}
            Token::End => return Err(XmlError::NotWellFormed),
        }
    }
}
