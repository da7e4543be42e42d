//! Answers a query from a view of the index.

use super::cursor::{Cursor, Statistics};
use super::indexer::View;
use super::plan::plan;
use super::ranking::Best;
use crate::error::Error;
use crate::query::{Date, Phrase, Query};

/// What the index found.
pub(crate) struct Found {
    /// How many messages match in all.
    pub(crate) total: u64,
    /// The rows of this page's messages, best first.
    pub(crate) rows: Vec<i64>,
    /// What each of them contains, for its snippet.
    pub(crate) phrases: Vec<Phrase>,
    /// Asks for the next page.
    pub(crate) cursor: Option<String>,
}

/// Which part of the result is wanted.
pub(crate) struct Wanted<'a> {
    /// The query as it was written: the cursor belongs to it.
    pub(crate) text: &'a str,
    /// How many hits, at least 1.
    pub(crate) limit: usize,
    /// From where on.
    pub(crate) cursor: Option<&'a str>,
}

/// Searches; `begin` tells when a day begins (milliseconds since 1970 UTC).
pub(crate) fn search(
    view: &View,
    query: Query,
    begin: &dyn Fn(Date) -> i64,
    wanted: &Wanted<'_>,
) -> Result<Found, Error> {
    let searcher = &view.searcher;
    let plan = plan(query, searcher, view.fields, begin)?;
    let &Wanted { text, limit, cursor } = wanted;
    let cursor = cursor
        .map(|cursor| Cursor::read(cursor, text, &plan.terms))
        .transpose()?;
    let wrong = |error: tantivy::TantivyError| Error::Index(error.to_string());
    let (statistics, last_row, after) = match cursor {
        Some(cursor) => (cursor.statistics, cursor.last_row, Some(cursor.after)),
        None => (
            Statistics::read(searcher, view.fields.text, &plan.terms).map_err(wrong)?,
            i64::MAX,
            None,
        ),
    };
    // One more than wanted shows whether there is a next page.
    let best = Best {
        limit: limit + 1,
        times: plan.times,
        last_row,
        after,
    };
    let mut ranked = searcher
        .search_with_statistics_provider(&plan.query, &best, &statistics)
        .map_err(wrong)?;
    let more = ranked.best.len() > limit;
    ranked.best.truncate(limit);
    let cursor = match ranked.best.last() {
        Some(&after) if more => {
            let last_row = if last_row == i64::MAX { view.last_row } else { last_row };
            Some(
                Cursor {
                    statistics,
                    last_row,
                    after,
                }
                .write(text, &plan.terms),
            )
        }
        _ => None,
    };
    Ok(Found {
        total: ranked.total,
        rows: ranked.best.iter().map(|rank| rank.row).collect(),
        phrases: plan.phrases,
        cursor,
    })
}
