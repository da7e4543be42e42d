//! The query language: text to a list of conditions. A pure function; it knows neither index nor clock.
//!
//! Conditions are separated by spaces and all must hold: `word`, `prefix*`, `"a phrase"`, `from:word`, `to:word`, `with:word` (a
//! word of an address, or a whole address), `before:2026-01-31`, `after:2026-01-31`; `-` before any of them turns it round.
//! A phrase that is not closed reaches to the end, so that a search works while it is typed. Marks such as `!` or `://` separate
//! words: `e-mail` means the same as `"e mail"`.

use crate::tokens::{Purpose, tokenize};

/// The longest query in characters.
pub const LONGEST_QUERY: usize = 1000;
/// The most conditions in a query.
pub const MOST_CONDITIONS: usize = 32;
/// The most words in a query, in all its conditions.
pub const MOST_WORDS: usize = 128;

/// Why a query cannot be answered; the texts name the part that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Nothing in it can be looked for.
    #[error("there is no word to look for")]
    Empty,
    /// It has too many characters.
    #[error("the query is longer than {LONGEST_QUERY} characters")]
    TooLong,
    /// It has too many conditions or words.
    #[error("the query has more than {MOST_CONDITIONS} parts or {MOST_WORDS} words, from '{part}' on")]
    TooMany {
        /// The first part that is too many.
        part: String,
    },
    /// A date is not of the form YYYY-MM-DD, or not in the calendar.
    #[error("'{part}' has no date: write it as 2026-01-31")]
    BadDate {
        /// The part.
        part: String,
    },
    /// `from:` and the like without anything behind.
    #[error("'{part}' has nothing behind the colon")]
    EmptyField {
        /// The part.
        part: String,
    },
    /// A `*` that is not at the end of a word.
    #[error("in '{part}' a * does not stand at the end of a word")]
    MisplacedStar {
        /// The part.
        part: String,
    },
    /// The prefix at the end of a phrase stands for too many words.
    #[error("in '{part}' too many words begin like the last one: give more of its letters")]
    ShortPrefix {
        /// The phrase, folded.
        part: String,
    },
    /// The cursor is of another query, or none of ours.
    #[error("the cursor does not belong to this query")]
    BadCursor,
}

/// A day of the Gregorian calendar. When it begins depends on the user's time zone, which is the caller's to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    /// 1 to 9999.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31, no more than the month has.
    pub day: u8,
}

/// A query that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// All must hold; at least one.
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// It must not hold.
    pub(crate) negated: bool,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Text(Phrase),
    Address(Side, AddressMatch),
    /// The message is older than this day.
    Before(Date),
    /// The message is of this day or newer.
    After(Date),
}

/// Words that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    /// Each word and how far behind the first it stands; at least one. Offsets rise.
    pub(crate) words: Vec<(usize, String)>,
    /// The last word may go on.
    pub(crate) prefix: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Who wrote it.
    From,
    /// To whom it was written.
    To,
    /// The other side, whoever wrote.
    With,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AddressMatch {
    /// This address, lower-case.
    Whole(String),
    /// All of these words occur in it, and one that begins with `prefix`.
    Words { words: Vec<String>, prefix: Option<String> },
}

/// Understands a query. Never panics, whatever the text.
pub(crate) fn parse(text: &str) -> Result<Query, QueryError> {
    if text.chars().nth(LONGEST_QUERY).is_some() {
        return Err(QueryError::TooLong);
    }
    let mut conditions: Vec<Condition> = Vec::new();
    let mut words = 0;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let part = Part::next(rest)?;
        rest = rest[part.raw.len()..].trim_start();
        let Some(condition) = part.condition()? else { continue };
        words += match &condition.what {
            What::Text(phrase) => phrase.words.len(),
            What::Address(_, AddressMatch::Words { words, .. }) => words.len() + 1,
            What::Address(..) | What::Before(_) | What::After(_) => 1,
        };
        if conditions.contains(&condition) {
            continue;
        }
        if conditions.len() == MOST_CONDITIONS || words > MOST_WORDS {
            return Err(QueryError::TooMany {
                part: part.raw.to_owned(),
            });
        }
        conditions.push(condition);
    }
    if conditions.is_empty() {
        Err(QueryError::Empty)
    } else {
        Ok(Query { conditions })
    }
}

/// A part of a query as it was written.
struct Part<'a> {
    raw: &'a str,
    negated: bool,
    field: Option<Field>,
    value: &'a str,
    quoted: bool,
}

#[derive(Clone, Copy)]
enum Field {
    Address(Side),
    Before,
    After,
}

const FIELDS: [(&str, Field); 5] = [
    ("from:", Field::Address(Side::From)),
    ("to:", Field::Address(Side::To)),
    ("with:", Field::Address(Side::With)),
    ("before:", Field::Before),
    ("after:", Field::After),
];

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}')
}

impl<'a> Part<'a> {
    /// Takes the next part from `text`, which begins with it.
    fn next(text: &'a str) -> Result<Part<'a>, QueryError> {
        let mut value = text;
        let negated = value
            .strip_prefix('-')
            .is_some_and(|after| after.starts_with(|c: char| !c.is_whitespace()));
        if negated {
            value = &value[1..];
        }
        let field = FIELDS.iter().find(|(name, _)| {
            value
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        });
        if let Some((name, _)) = field {
            value = &value[name.len()..];
        }
        let quoted = value.starts_with(is_quote);
        let (value, after) = if quoted {
            let inside = &value[value.chars().next().map_or(0, char::len_utf8)..];
            match inside.split_once(is_quote) {
                Some((inside, after)) => (inside, after),
                None => (inside, ""),
            }
        } else {
            value.split_at(
                value
                    .find(|c: char| c.is_whitespace() || is_quote(c))
                    .unwrap_or(value.len()),
            )
        };
        let raw = &text[..text.len() - after.len()];
        if field.is_some() && value.trim().is_empty() {
            return Err(QueryError::EmptyField { part: raw.to_owned() });
        }
        Ok(Part {
            raw,
            negated,
            field: field.map(|(_, field)| *field),
            value,
            quoted,
        })
    }

    /// What the part asks for; nothing when it has no word.
    fn condition(&self) -> Result<Option<Condition>, QueryError> {
        let what = match self.field {
            None => self.phrase()?.map(What::Text),
            Some(Field::Address(side)) => Some(What::Address(side, self.address()?)),
            Some(Field::Before) => Some(What::Before(self.date()?)),
            Some(Field::After) => Some(What::After(self.date()?)),
        };
        Ok(what.map(|what| Condition {
            negated: self.negated,
            what,
        }))
    }

    /// The value without the `*` at its end, and whether there was one.
    fn starred(&self) -> Result<(&'a str, bool), QueryError> {
        let bare = self.value.trim_end_matches('*');
        let starred = bare.len() < self.value.len() && bare.ends_with(|c: char| !c.is_whitespace());
        // Between quotes a star is a mark like any other; outside, it looks like a wish that is not granted.
        if !self.quoted && bare.contains('*') {
            return Err(QueryError::MisplacedStar {
                part: self.raw.to_owned(),
            });
        }
        Ok((bare, starred))
    }

    fn phrase(&self) -> Result<Option<Phrase>, QueryError> {
        let (text, starred) = self.starred()?;
        let tokens = tokenize(text, Purpose::Query);
        let Some((first, last)) = tokens.first().zip(tokens.last()) else {
            return Ok(None);
        };
        // A star behind a mark ("c++*") or behind a script that is looked up by pairs anyway adds nothing.
        let prefix = starred && last.word && last.end == text.len();
        let start = first.position;
        Ok(Some(Phrase {
            prefix,
            words: tokens.into_iter().map(|t| (t.position - start, t.text)).collect(),
        }))
    }

    fn address(&self) -> Result<AddressMatch, QueryError> {
        let (text, starred) = self.starred()?;
        let text = text.trim();
        let whole = text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if whole && !starred {
            return Ok(AddressMatch::Whole(text.to_lowercase()));
        }
        let mut words: Vec<String> = tokenize(text, Purpose::Query)
            .into_iter()
            .map(|token| token.text)
            .collect();
        let prefix = if starred { words.pop() } else { None };
        if words.is_empty() && prefix.is_none() {
            return Err(QueryError::EmptyField {
                part: self.raw.to_owned(),
            });
        }
        Ok(AddressMatch::Words { words, prefix })
    }

    fn date(&self) -> Result<Date, QueryError> {
        read_date(self.value.trim()).ok_or_else(|| QueryError::BadDate {
            part: self.raw.to_owned(),
        })
    }
}

fn read_date(text: &str) -> Option<Date> {
    let mut numbers = text.split('-').zip([4, 2, 2]).map(|(digits, length)| {
        let right = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
        if right { digits.parse::<u16>().ok() } else { None }
    });
    let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
    if text.len() != "2026-01-31".len() || year == 0 {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    (1..=days).contains(&day).then_some(Date {
        year: i32::from(year),
        month,
        day,
    })
}

#[cfg(test)]
mod tests;
