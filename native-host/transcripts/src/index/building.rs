//! Builds segments in the indexing thread. tantivy's own worker threads begin each segment with tables for fifteen megabytes, which
//! is most of what committing a few messages costs, in time and in memory that stays with the allocator.

use tantivy::indexer::{AddOperation, SegmentWriter};
use tantivy::{IndexWriter, Segment, TantivyDocument};

/// How much the tables of a segment begin with, in bytes. They grow.
const BEGIN: usize = 1_000_000;
/// A segment with this much in memory is written, in bytes.
const ENOUGH: usize = 12_000_000;

/// Segments that go to a writer, whose next commit shows them.
pub(crate) struct Building<'a> {
    writer: &'a IndexWriter,
    open: Option<(Segment, SegmentWriter)>,
}

impl<'a> Building<'a> {
    pub(crate) fn new(writer: &'a IndexWriter) -> Building<'a> {
        Building { writer, open: None }
    }

    /// Adds a document.
    pub(crate) fn add(&mut self, document: TantivyDocument) -> tantivy::Result<()> {
        let (segment, mut building) = match self.open.take() {
            Some(open) => open,
            None => {
                let segment = self.writer.new_segment();
                let building = SegmentWriter::for_segment(BEGIN, segment.clone())?;
                (segment, building)
            }
        };
        // The stamp orders documents and deletions of one segment; a segment that is being built has no deletions.
        building.add_document(AddOperation { opstamp: 0, document })?;
        let full = building.mem_usage() >= ENOUGH;
        self.open = Some((segment, building));
        if full { self.finish() } else { Ok(()) }
    }

    /// Writes what is open.
    pub(crate) fn finish(&mut self) -> tantivy::Result<()> {
        let Some((segment, building)) = self.open.take() else {
            return Ok(());
        };
        let documents = building.max_doc();
        building.finalize()?;
        self.writer.add_segment(segment.with_max_doc(documents).meta().clone())
    }
}
