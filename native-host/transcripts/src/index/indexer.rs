//! Follows the truth: brings the index up to the last committed message. The commit's payload says how far the index is, so
//! that after a crash it goes on from there.

use super::building::Building;
use super::directory::Folder;
use super::fields::{self, Entry, Fields};
use crate::error::{Error, sqlite};
use crate::message::Direction;
use crate::schema;
use rusqlite::{Connection, OptionalExtension};
use std::path::{Path, PathBuf};
use tantivy::directory::error::LockError;
use tantivy::directory::{Directory, INDEX_WRITER_LOCK};
use tantivy::index::SegmentComponent;
use tantivy::indexer::IndexWriterOptions;
use tantivy::{Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, TantivyError, Term};

/// How many rows are read at a time.
const CHUNK: usize = 1000;
/// About the most rows in one commit, so that a crash amid a long catch-up does not lose all of it.
const COMMIT_ROWS: usize = 50_000;
/// What tantivy's worker may keep in memory: the least it takes. It is given nothing to do.
const HEAP: usize = 15_000_000;

/// Why the index could not be brought up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Another process is writing the index; it will be done soon.
    Busy,
    /// Something failed; the words are for the user.
    Failed(String),
}

impl From<TantivyError> for Trouble {
    fn from(error: TantivyError) -> Trouble {
        match error {
            TantivyError::LockFailure(LockError::LockBusy, _) => Trouble::Busy,
            other => Trouble::Failed(other.to_string()),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Failed(error.to_string())
    }
}

/// How far the index has followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    /// The last message's row.
    row: i64,
    /// The last deletion's number.
    deletion: i64,
}

/// A moment of the index that searches can look at.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) searcher: Searcher,
    pub(crate) fields: Fields,
    /// The last row in it.
    pub(crate) last_row: i64,
}

struct Opened {
    index: Index,
    fields: Fields,
    reader: IndexReader,
    progress: Progress,
    writer: Option<IndexWriter>,
}

impl Opened {
    fn view(&self) -> View {
        View {
            searcher: self.reader.searcher(),
            fields: self.fields,
            last_row: self.progress.row,
        }
    }
}

/// Writes the index. There may be several, in several processes: a lock lets one write at a time.
pub(crate) struct Indexer {
    folder: PathBuf,
    truth: Connection,
    opened: Option<Opened>,
    /// The files have been checked by this indexer, or written by it.
    checked: bool,
}

impl Indexer {
    /// Prepares to index the store in `dir`; nothing is opened yet.
    pub(crate) fn new(dir: &Path) -> Result<Indexer, Error> {
        let folder = schema::index_folder(dir);
        Ok(Indexer {
            folder,
            truth: schema::open_reading(dir)?,
            opened: None,
            checked: false,
        })
    }

    /// Indexes everything that is committed, and shows it. After trouble the files are opened again, and checked if anything failed.
    pub(crate) fn catch_up(&mut self) -> Result<View, Trouble> {
        let result = self.try_catch_up();
        match result {
            Ok(_) => {}
            Err(Trouble::Busy) => self.opened = None,
            Err(Trouble::Failed(_)) => self.give_up(),
        }
        result
    }

    /// Closes everything; the next attempt begins by checking the files.
    pub(crate) fn give_up(&mut self) {
        self.opened = None;
        self.checked = false;
    }

    /// Gives back the memory that writing needs, once unfinished merges are done, and shows the merged index.
    pub(crate) fn rest(&mut self) -> Option<View> {
        let mut opened = self.opened.take()?;
        let finished = opened.writer.take().map_or(Ok(()), IndexWriter::wait_merging_threads);
        if let Err(error) = finished.and_then(|()| opened.reader.reload()) {
            tracing::warn!("the search index could not be tidied up: {error}");
        }
        Some(opened.view())
    }

    /// Whether [`Indexer::rest`] would free anything.
    pub(crate) fn is_awake(&self) -> bool {
        self.opened.as_ref().is_some_and(|opened| opened.writer.is_some())
    }

    fn try_catch_up(&mut self) -> Result<View, Trouble> {
        let opened = match self.opened.take() {
            Some(opened) if !misses_deletions(&self.truth, opened.progress)? => opened,
            behind => {
                drop(behind);
                open(&self.folder, &self.truth, self.checked)?
            }
        };
        self.checked = true;
        let opened = self.opened.insert(opened);
        while follow(opened, &self.truth)? {}
        Ok(opened.view())
    }
}

/// Commits one batch of what the index has not seen; whether there may be more.
fn follow(opened: &mut Opened, truth: &Connection) -> Result<bool, Trouble> {
    // One moment of the truth for messages and deletions, so that neither runs ahead of the other.
    let moment = truth.unchecked_transaction().map_err(sqlite("read new messages"))?;
    let behind = Behind::read(&moment, opened.progress)?;
    if behind.is_empty() {
        return Ok(false);
    }
    let Some(writer) = &mut opened.writer else {
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(HEAP)
            .num_merge_threads(1)
            .build();
        opened.writer = Some(opened.index.writer_with_options(options)?);
        // While nobody held the lock, another process may have gone on.
        opened.progress = read_progress(&opened.index, &moment)?
            .ok_or_else(|| Trouble::Failed("another process has replaced the search index".to_owned()))?;
        opened.reader.reload()?;
        return Ok(true);
    };
    let before = opened.progress;
    let progress = write(writer, opened.fields, &moment, before, behind)?;
    let mut commit = writer.prepare_commit()?;
    commit.set_payload(&payload(&moment, progress)?);
    commit.commit()?;
    opened.progress = progress;
    opened.reader.reload()?;
    Ok(progress.row - before.row >= COMMIT_ROWS as i64)
}

/// What the index has not seen.
struct Behind {
    entries: Vec<Entry>,
    deletions: Vec<(i64, i64)>,
}

impl Behind {
    fn read(truth: &Connection, progress: Progress) -> Result<Behind, Trouble> {
        if misses_deletions(truth, progress)? {
            return Err(Trouble::Failed("the search index is too far behind".to_owned()));
        }
        let wrong = sqlite("read deleted messages");
        let deletions = truth
            .prepare_cached("SELECT number, row FROM deletion WHERE number > ?1 ORDER BY number")
            .and_then(|mut s| {
                s.query_map([progress.deletion], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .map_err(wrong)?;
        Ok(Behind {
            entries: read_entries(truth, progress.row)?,
            deletions,
        })
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.deletions.is_empty()
    }
}

fn read_entries(truth: &Connection, after: i64) -> Result<Vec<Entry>, Error> {
    truth
        .prepare_cached("SELECT row, own, peer, direction, text, at FROM message WHERE row > ?1 ORDER BY row LIMIT ?2")
        .and_then(|mut statement| {
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Entry {
                    row: row.get(0)?,
                    own: row.get(1)?,
                    with: row.get(2)?,
                    direction: Direction::from_number(row.get(3)?),
                    text: row.get(4)?,
                    at: row.get(5)?,
                })
            };
            statement.query_map((after, CHUNK as i64), read)?.collect()
        })
        .map_err(sqlite("read new messages"))
}

/// Hands what is behind to the writer, chunk by chunk; the result is how far it came.
fn write(
    writer: &IndexWriter,
    fields: Fields,
    truth: &Connection,
    mut progress: Progress,
    behind: Behind,
) -> Result<Progress, Trouble> {
    for (number, row) in behind.deletions {
        writer.delete_term(Term::from_field_i64(fields.row, row));
        progress.deletion = number;
    }
    let mut building = Building::new(writer);
    let mut entries = behind.entries;
    let end = progress.row + COMMIT_ROWS as i64;
    while let Some(last) = entries.last() {
        progress.row = last.row;
        for entry in &entries {
            building.add(fields.document(entry))?;
        }
        if progress.row >= end {
            break;
        }
        entries = read_entries(truth, progress.row)?;
    }
    building.finish()?;
    Ok(progress)
}

/// Opens the index, or makes it anew when it is missing, damaged, or of another version or store.
fn open(path: &Path, truth: &Connection, checked: bool) -> Result<Opened, Trouble> {
    schema::private_directory(path)?;
    let folder = Folder::open(path)?;
    match open_existing(&folder, truth, checked) {
        Ok(Some(opened)) => return Ok(opened),
        Ok(None) => tracing::debug!("a search index is made"),
        Err(reason) => tracing::info!("the search index is made anew: {reason}"),
    }
    let lock = folder
        .acquire_lock(&INDEX_WRITER_LOCK)
        .map_err(|error| TantivyError::LockFailure(error, None))?;
    // Whoever held the lock before may have done the work.
    if let Ok(Some(opened)) = open_existing(&folder, truth, false) {
        return Ok(opened);
    }
    folder
        .clear()
        .map_err(|error| Trouble::Failed(format!("the old search index cannot be removed: {error}")))?;
    // Nothing is kept in the store of documents.
    let settings = IndexSettings {
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    };
    let index = Index::create(folder, Fields::schema().0, settings)?;
    drop(lock);
    ready(index, Progress::default())
}

fn ready(index: Index, progress: Progress) -> Result<Opened, Trouble> {
    fields::register(index.tokenizers());
    let reader = index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .doc_store_cache_num_blocks(0)
        .try_into()?;
    Ok(Opened {
        index,
        fields: Fields::schema().1,
        reader,
        progress,
        writer: None,
    })
}

/// Opens the index if there is one; the error says why it cannot be used.
fn open_existing(folder: &Folder, truth: &Connection, checked: bool) -> Result<Option<Opened>, String> {
    if !Index::exists(folder).map_err(|error| error.to_string())? {
        return Ok(None);
    }
    let index = Index::open(folder.clone()).map_err(|error| error.to_string())?;
    if index.schema() != Fields::schema().0 {
        return Err("it has other fields".to_owned());
    }
    let progress = read_progress(&index, truth).map_err(|error| format!("{error:?}"))?;
    let progress = progress.ok_or("it is of another version or another store")?;
    if !checked {
        check_files(&index)?;
    }
    let opened = ready(index, progress).map_err(|error| format!("{error:?}"))?;
    Ok(Some(opened))
}

/// Compares the checksums of all files that the index needs.
fn check_files(index: &Index) -> Result<(), String> {
    use SegmentComponent::{Delete, FastFields, FieldNorms, Positions, Postings, Store, Terms};
    for segment in index.searchable_segment_metas().map_err(|error| error.to_string())? {
        let mut parts = vec![Postings, Positions, FastFields, FieldNorms, Terms, Store];
        if segment.has_deletes() {
            parts.push(Delete);
        }
        for part in parts {
            let right = index.directory().validate_checksum(&segment.relative_path(part));
            if !right.map_err(|error| error.to_string())? {
                return Err("one of its files is damaged".to_owned());
            }
        }
    }
    Ok(())
}

/// How far the index has followed this store; `None` when it is none of this store and version.
fn read_progress(index: &Index, truth: &Connection) -> Result<Option<Progress>, Trouble> {
    let metas = index.load_metas()?;
    let Some(text) = metas.payload else {
        return Ok(metas.segments.is_empty().then(Progress::default));
    };
    let mut parts = text.split(' ');
    let ours = parts.next() == Some(format!("corella-{}", fields::VERSION).as_str())
        && parts.next() == Some(mark(truth)?.as_str());
    let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
    let (Some(row), Some(deletion), true) = (number(), number(), ours) else {
        return Ok(None);
    };
    // An index ahead of its store was made before the store was replaced by an older copy of itself.
    let behind = row <= highest(truth, "message")? && deletion <= highest(truth, "deletion")?;
    let progress = Progress { row, deletion };
    Ok((behind && !misses_deletions(truth, progress)?).then_some(progress))
}

/// Whether deletions that concern the index are remembered no more.
fn misses_deletions(truth: &Connection, progress: Progress) -> Result<bool, Error> {
    let oldest: Option<i64> = truth
        .prepare_cached("SELECT min(number) FROM deletion")
        .and_then(|mut statement| statement.query_row((), |row| row.get(0)))
        .map_err(sqlite("read deleted messages"))?;
    Ok(progress.row > 0 && oldest.is_some_and(|oldest| oldest > progress.deletion + 1))
}

fn payload(truth: &Connection, progress: Progress) -> Result<String, Error> {
    Ok(format!(
        "corella-{} {} {} {}",
        fields::VERSION,
        mark(truth)?,
        progress.row,
        progress.deletion
    ))
}

fn mark(truth: &Connection) -> Result<String, Error> {
    truth
        .prepare_cached("SELECT value FROM store WHERE name = 'mark'")
        .and_then(|mut statement| statement.query_row((), |row| row.get(0)))
        .map_err(sqlite("read the mark of the store"))
}

/// The highest number a table has ever given to a row.
fn highest(truth: &Connection, table: &str) -> Result<i64, Error> {
    truth
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = ?1")
        .and_then(|mut statement| statement.query_row([table], |row| row.get(0)).optional())
        .map(Option::unwrap_or_default)
        .map_err(sqlite("read the last row number"))
}
