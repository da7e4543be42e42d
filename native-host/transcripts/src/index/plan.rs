//! From the conditions of a query to what the index can answer.

use super::fields::Fields;
use super::steady::Steady;
use crate::error::Error;
use crate::query::{AddressMatch, Condition, Date, Phrase, Query, QueryError, Side, What};
use std::ops::{Bound, Range};
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, InvertedIndexRangeQuery, Occur, PhrasePrefixQuery, PhraseQuery,
    Query as IndexQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

/// How many words the prefix at the end of a phrase may stand for: each of them takes some kilobytes while the search runs.
const MOST_ENDINGS: u32 = 4096;

/// What to ask the index for.
pub(crate) struct Plan {
    pub(crate) query: Box<dyn IndexQuery>,
    /// Only messages whose author sent them then (milliseconds since 1970 UTC).
    pub(crate) times: Range<i64>,
    /// The terms whose frequencies decide how good a hit is.
    pub(crate) terms: Vec<Term>,
    /// What a hit's text contains.
    pub(crate) phrases: Vec<Phrase>,
}

/// Makes the plan; `begin` tells when a day begins.
pub(crate) fn plan(
    query: Query,
    searcher: &Searcher,
    fields: Fields,
    begin: &dyn Fn(Date) -> i64,
) -> Result<Plan, Error> {
    let mut plan = Plan {
        query: Box::new(AllQuery),
        times: i64::MIN..i64::MAX,
        terms: Vec::new(),
        phrases: Vec::new(),
    };
    let mut parts: Vec<(Occur, Box<dyn IndexQuery>)> = Vec::new();
    for Condition { negated, what } in query.conditions {
        let occur = if negated { Occur::MustNot } else { Occur::Must };
        match what {
            What::Text(phrase) => {
                let query = text(searcher, fields.text, &phrase)?;
                parts.push((occur, if negated { Box::new(Steady(query)) } else { query }));
                if !negated {
                    plan.terms.extend(
                        phrase
                            .words
                            .iter()
                            .map(|(_, word)| Term::from_field_text(fields.text, word)),
                    );
                    plan.phrases.push(phrase);
                }
            }
            What::Address(side, address) => {
                let field = match side {
                    Side::From => fields.from,
                    Side::To => fields.to,
                    Side::With => fields.with,
                };
                // An address says which messages are meant, not how good they are.
                let query = self::address(field, &address);
                let query: Box<dyn IndexQuery> = if negated {
                    Box::new(Steady(query))
                } else {
                    Box::new(ConstScoreQuery::new(query, 0.0))
                };
                parts.push((occur, query));
            }
            What::Before(date) | What::After(date) => {
                if matches!(what, What::Before(_)) != negated {
                    plan.times.end = plan.times.end.min(begin(date));
                } else {
                    plan.times.start = plan.times.start.max(begin(date));
                }
            }
        }
    }
    plan.terms.sort_unstable();
    plan.terms.dedup();
    if parts.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        parts.push((Occur::Must, Box::new(AllQuery)));
    }
    plan.query = match parts.pop() {
        Some((Occur::Must, only)) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            Box::new(BooleanQuery::new(parts))
        }
    };
    Ok(plan)
}

fn text(searcher: &Searcher, field: Field, phrase: &Phrase) -> Result<Box<dyn IndexQuery>, Error> {
    let term = |word: &str| Term::from_field_text(field, word);
    Ok(match (&phrase.words[..], phrase.prefix) {
        ([(_, word)], true) => prefix(field, word),
        ([(_, word)], false) => Box::new(TermQuery::new(term(word), IndexRecordOption::WithFreqs)),
        (words, prefix) => {
            let terms = words.iter().map(|(offset, word)| (*offset, term(word))).collect();
            if prefix {
                let mut query = PhrasePrefixQuery::new_with_offset(terms);
                query.set_max_expansions(endings(searcher, field, phrase)?);
                // As good as any other prefix; its own score would follow the index and not the cursor.
                Box::new(ConstScoreQuery::new(Box::new(query), 1.0))
            } else {
                Box::new(PhraseQuery::new_with_offset(terms))
            }
        }
    })
}

/// How many words the prefix at the end of a phrase stands for, in the segment where they are most.
fn endings(searcher: &Searcher, field: Field, phrase: &Phrase) -> Result<u32, Error> {
    let wrong = |error: std::io::Error| Error::Index(error.to_string());
    let start = phrase.words.last().map(|(_, word)| word.as_str()).unwrap_or_default();
    let mut most = 0;
    for segment in searcher.segment_readers() {
        let words = segment
            .inverted_index(field)
            .map_err(|error| Error::Index(error.to_string()))?;
        let mut stream = words.terms().range().ge(start).into_stream().map_err(wrong)?;
        let mut count = 0;
        while stream.advance() && stream.key().starts_with(start.as_bytes()) {
            count += 1;
            if count > MOST_ENDINGS {
                let words: Vec<&str> = phrase.words.iter().map(|(_, word)| word.as_str()).collect();
                return Err(QueryError::ShortPrefix {
                    part: format!("{}*", words.join(" ")),
                }
                .into());
            }
        }
        most = most.max(count);
    }
    Ok(most)
}

/// All terms that begin with `start`.
fn prefix(field: Field, start: &str) -> Box<dyn IndexQuery> {
    let end = format!("{start}{}", char::MAX);
    Box::new(InvertedIndexRangeQuery::new(
        Bound::Included(Term::from_field_text(field, start)),
        Bound::Included(Term::from_field_text(field, &end)),
    ))
}

fn address(field: Field, address: &AddressMatch) -> Box<dyn IndexQuery> {
    let word = |word: &str| -> Box<dyn IndexQuery> {
        Box::new(TermQuery::new(
            Term::from_field_text(field, word),
            IndexRecordOption::Basic,
        ))
    };
    match address {
        AddressMatch::Whole(whole) => word(whole),
        AddressMatch::Words { words, prefix: start } => {
            let mut parts: Vec<_> = words.iter().map(|text| word(text)).collect();
            parts.extend(start.iter().map(|start| prefix(field, start)));
            Box::new(BooleanQuery::intersection(parts))
        }
    }
}
