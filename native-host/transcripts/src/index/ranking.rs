//! Which hits are best, and how many there are.
//!
//! Better is the higher BM25 score; among equals, which short messages often are, the newer one. Scores are rounded, so that the
//! order does not hang on the order in which floating-point numbers were added up.

use super::fields::{AT, ROW};
use std::ops::Range;
use std::sync::Arc;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::ColumnValues;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

/// The place of a hit: the greatest comes first. No two hits have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// The score in 1/1024.
    pub(crate) score: i64,
    /// When the author sent it, in milliseconds since 1970 UTC.
    pub(crate) at: i64,
    pub(crate) row: i64,
}

/// Collects the best hits and counts all of them.
pub(crate) struct Best {
    /// How many to collect; at least one.
    pub(crate) limit: usize,
    /// Only hits of this time count.
    pub(crate) times: Range<i64>,
    /// Only hits up to this row count.
    pub(crate) last_row: i64,
    /// Collect only hits behind this one.
    pub(crate) after: Option<Rank>,
}

/// What was collected.
#[derive(Debug, Default)]
pub(crate) struct Ranked {
    pub(crate) total: u64,
    /// Best first.
    pub(crate) best: Vec<Rank>,
}

pub(crate) struct SegmentBest {
    limit: usize,
    times: Option<Range<i64>>,
    last_row: i64,
    below: Rank,
    at: Arc<dyn ColumnValues<i64>>,
    row: Arc<dyn ColumnValues<i64>>,
    total: u64,
    /// Unordered, up to twice as many as wanted; then the lesser half goes.
    kept: Vec<Rank>,
    /// What is not above this is not wanted.
    least: Rank,
}

const LEAST: Rank = Rank {
    score: i64::MIN,
    at: i64::MIN,
    row: i64::MIN,
};
const GREATEST: Rank = Rank {
    score: i64::MAX,
    at: i64::MAX,
    row: i64::MAX,
};

impl Collector for Best {
    type Fruit = Ranked;
    type Child = SegmentBest;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentBest> {
        let column = |name| Ok::<_, tantivy::TantivyError>(segment.fast_fields().i64(name)?.first_or_default_col(0));
        Ok(SegmentBest {
            limit: self.limit,
            times: (self.times != (i64::MIN..i64::MAX)).then(|| self.times.clone()),
            last_row: self.last_row,
            below: self.after.unwrap_or(GREATEST),
            at: column(AT)?,
            row: column(ROW)?,
            total: 0,
            kept: Vec::new(),
            least: LEAST,
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<Ranked>) -> tantivy::Result<Ranked> {
        let mut all = Ranked::default();
        for segment in segments {
            all.total += segment.total;
            all.best.extend(segment.best);
        }
        all.best.sort_unstable_by(|a, b| b.cmp(a));
        all.best.truncate(self.limit);
        Ok(all)
    }
}

impl SegmentCollector for SegmentBest {
    type Fruit = Ranked;

    fn collect(&mut self, doc: DocId, score: Score) {
        if self
            .times
            .as_ref()
            .is_some_and(|times| !times.contains(&self.at.get_val(doc)))
        {
            return;
        }
        if self.last_row != i64::MAX && self.row.get_val(doc) > self.last_row {
            return;
        }
        self.total += 1;
        // Finite and far from the limits of either type.
        #[expect(clippy::cast_possible_truncation)]
        let score = (score * 1024.0).round() as i64;
        if score < self.least.score || score > self.below.score {
            return;
        }
        let rank = Rank {
            score,
            at: self.at.get_val(doc),
            row: self.row.get_val(doc),
        };
        if rank <= self.least || rank >= self.below {
            return;
        }
        self.kept.push(rank);
        if self.kept.len() >= 2 * self.limit.max(64) {
            self.drop_lesser();
        }
    }

    fn harvest(mut self) -> Ranked {
        self.drop_lesser();
        Ranked {
            total: self.total,
            best: self.kept,
        }
    }
}

impl SegmentBest {
    fn drop_lesser(&mut self) {
        if self.kept.len() > self.limit {
            let (_, least, _) = self.kept.select_nth_unstable_by(self.limit - 1, |a, b| b.cmp(a));
            self.least = *least;
            self.kept.truncate(self.limit);
        }
    }
}
