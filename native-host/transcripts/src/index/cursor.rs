//! The cursor of a search: everything the next page needs to go on where this one ended, whatever has come or was merged in the
//! meantime. It pins the last message that counts and the frequencies from which scores are made, so the order stays the same.

use super::ranking::Rank;
use crate::query::QueryError;
use std::collections::HashMap;
use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

/// What scores are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statistics {
    documents: u64,
    tokens: u64,
    frequencies: HashMap<Term, u64>,
}

impl Statistics {
    /// Those of the index as it is, for the terms of a query in their order.
    pub(crate) fn read(searcher: &Searcher, text: Field, terms: &[Term]) -> tantivy::Result<Statistics> {
        let frequencies = terms.iter().map(|term| Ok((term.clone(), searcher.doc_freq(term)?)));
        Ok(Statistics {
            documents: searcher.total_num_docs()?,
            tokens: searcher.total_num_tokens(text)?,
            frequencies: frequencies.collect::<tantivy::Result<_>>()?,
        })
    }
}

impl Bm25StatisticsProvider for Statistics {
    fn total_num_tokens(&self, _: Field) -> tantivy::Result<u64> {
        Ok(self.tokens)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.documents)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        // tantivy takes a term in more documents than there are for a defect.
        Ok(self
            .frequencies
            .get(term)
            .copied()
            .unwrap_or_default()
            .min(self.documents))
    }
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) statistics: Statistics,
    /// Only messages up to this row count.
    pub(crate) last_row: i64,
    /// The last hit.
    pub(crate) after: Rank,
}

impl Cursor {
    /// As text, for a query of this text and these terms.
    pub(crate) fn write(&self, query: &str, terms: &[Term]) -> String {
        let Cursor {
            statistics,
            last_row,
            after,
        } = self;
        let frequencies: Vec<String> = terms
            .iter()
            .map(|term| {
                statistics
                    .frequencies
                    .get(term)
                    .copied()
                    .unwrap_or_default()
                    .to_string()
            })
            .collect();
        format!(
            "{:x}.{}.{}.{}.{}.{}.{last_row}.{}",
            fingerprint(query),
            after.score,
            after.at,
            after.row,
            statistics.documents,
            statistics.tokens,
            frequencies.join("_")
        )
    }

    /// Understands what [`Cursor::write`] wrote for the same query.
    pub(crate) fn read(text: &str, query: &str, terms: &[Term]) -> Result<Cursor, QueryError> {
        let parts: Vec<&str> = text.split('.').collect();
        let [of, score, at, row, documents, tokens, last_row, frequencies] = parts[..] else {
            return Err(QueryError::BadCursor);
        };
        if of != format!("{:x}", fingerprint(query)) {
            return Err(QueryError::BadCursor);
        }
        let signed = |part: &str| part.parse::<i64>().map_err(|_| QueryError::BadCursor);
        let unsigned = |part: &str| part.parse::<u64>().map_err(|_| QueryError::BadCursor);
        let frequencies: Vec<u64> = frequencies
            .split('_')
            .filter(|part| !part.is_empty())
            .map(unsigned)
            .collect::<Result<_, _>>()?;
        if frequencies.len() != terms.len() {
            return Err(QueryError::BadCursor);
        }
        Ok(Cursor {
            statistics: Statistics {
                documents: unsigned(documents)?,
                tokens: unsigned(tokens)?,
                frequencies: terms.iter().cloned().zip(frequencies).collect(),
            },
            last_row: signed(last_row)?,
            after: Rank {
                score: signed(score)?,
                at: signed(at)?,
                row: signed(row)?,
            },
        })
    }
}

/// FNV-1a: enough to tell a query from another one by accident.
fn fingerprint(query: &str) -> u64 {
    query.trim().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms() -> Vec<Term> {
        ["one", "two"]
            .iter()
            .map(|word| Term::from_field_text(Field::from_field_id(0), word))
            .collect()
    }

    fn cursor() -> Cursor {
        let frequencies = terms().into_iter().zip([7, 9]).collect();
        Cursor {
            statistics: Statistics {
                documents: 100,
                tokens: 900,
                frequencies,
            },
            last_row: 88,
            after: Rank {
                score: 2048,
                at: -5,
                row: 3,
            },
        }
    }

    #[test]
    fn it_reads_what_it_wrote_and_only_for_the_same_query() {
        let text = cursor().write("one two", &terms());
        assert_eq!(Cursor::read(&text, " one two ", &terms()), Ok(cursor()));
        assert_eq!(Cursor::read(&text, "two one", &terms()), Err(QueryError::BadCursor));
        assert_eq!(
            Cursor::read(&text, "one two", &terms()[..1]),
            Err(QueryError::BadCursor)
        );
    }

    proptest! {
        #[test]
        fn anything_else_is_refused(text in "\\PC{0,40}|[0-9a-f._-]{0,60}") {
            prop_assert_eq!(Cursor::read(&text, "one two", &terms()), Err(QueryError::BadCursor));
        }
    }
}
