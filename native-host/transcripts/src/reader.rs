//! What is read. Readers have their own connections, so they never wait for the writing thread, nor it for them.

use crate::error::{Error, sqlite};
use crate::message::{Conversation, Direction, Message, Page, Place};
use crate::schema;
use rusqlite::{Connection, OptionalExtension, Row};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How many connections are kept for the next readers; more may be open while more read at once.
const KEPT: usize = 2;

/// The columns that [`read_message`] takes, in its order.
pub(crate) const COLUMNS: &str =
    "id, own, peer, direction, text, at, received, sequence, state, reason, trust, sealed, request";

/// Newest first, by the index on the display order.
const NEWEST_FIRST: &str = "ORDER BY position DESC, sequence DESC, id DESC, row DESC";

/// Makes a message of a row with [`COLUMNS`].
pub(crate) fn read_message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        own: row.get(1)?,
        with: row.get(2)?,
        direction: Direction::from_number(row.get(3)?),
        text: row.get(4)?,
        at: row.get(5)?,
        received: row.get(6)?,
        sequence: row.get::<_, i64>(7)?.unsigned_abs(),
        state: row.get(8)?,
        reason: row.get(9)?,
        trust: row.get(10)?,
        sealed: row.get(11)?,
        request: row.get(12)?,
    })
}

/// Where a message stands in its conversation.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) position: i64,
    pub(crate) sequence: i64,
    pub(crate) id: String,
    pub(crate) row: i64,
}

/// Where the message with this id stands in the conversation. When several have the id (both directions, or several own
/// addresses), the one displayed first.
pub(crate) fn anchor(
    connection: &Connection,
    with: &str,
    id: &str,
    direction: Option<Direction>,
) -> Result<Option<Standing>, Error> {
    connection
        .prepare_cached(
            "SELECT position, sequence, id, row FROM message WHERE peer = ?1 AND id = ?2 AND direction = coalesce(?3, direction)
             ORDER BY position, sequence, row LIMIT 1",
        )
        .and_then(|mut statement| {
            let read = |row: &Row<'_>| {
                Ok(Standing { position: row.get(0)?, sequence: row.get(1)?, id: row.get(2)?, row: row.get(3)? })
            };
            statement.query_row((with, id, direction.map(Direction::number)), read).optional()
        })
        .map_err(sqlite("find a message"))
}

/// The connections that read.
pub(crate) struct Reader {
    dir: PathBuf,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Reader {
    /// Opens the first connection, which shows that the store can be read.
    pub(crate) fn open(dir: &Path) -> Result<Reader, Error> {
        let first = schema::open_reading(dir)?;
        Ok(Reader {
            dir: dir.to_owned(),
            idle: Mutex::new(Some(vec![first])),
        })
    }

    /// Closes the connections that nobody uses; those in use are closed by their users.
    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Runs `read` with a connection.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let kept = match &mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(idle) => idle.pop(),
            None => return Err(Error::Closed),
        };
        let connection = match kept {
            Some(connection) => connection,
            None => schema::open_reading(&self.dir)?,
        };
        let result = read(&connection);
        if let Some(idle) = &mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner)
            && idle.len() < KEPT
        {
            idle.push(connection);
        }
        result
    }

    /// A page of the conversation with `with`.
    pub(crate) fn list(&self, with: &str, place: Place<'_>, limit: usize) -> Result<Page, Error> {
        let limit = limit.max(1);
        self.with(|connection| {
            // All reads of a page see the same moment.
            let moment = connection
                .unchecked_transaction()
                .map_err(sqlite("read a conversation"))?;
            let find = |id| anchor(&moment, with, id, None)?.ok_or(Error::UnknownMessage);
            match place {
                Place::Latest => older_page(&moment, with, None, limit),
                Place::Before(id) => older_page(&moment, with, Some(&find(id)?), limit),
                Place::Around(id) => around_page(&moment, with, &find(id)?, limit),
            }
        })
    }

    /// All conversations, the one with the latest message first.
    pub(crate) fn conversations(&self) -> Result<Vec<Conversation>, Error> {
        self.with(|connection| {
            let wrong = sqlite("list the conversations");
            let moment = connection.unchecked_transaction().map_err(&wrong)?;
            // Leaps from one peer to the next in the index instead of walking through all messages.
            let mut peers = moment
                .prepare_cached(
                    "WITH RECURSIVE peers (peer) AS (
                       SELECT min(peer) FROM message
                       UNION ALL SELECT (SELECT min(peer) FROM message WHERE peer > peers.peer) FROM peers WHERE peer IS NOT NULL
                     )
                     SELECT peer, (SELECT count(*) FROM message WHERE peer = peers.peer AND direction = 0 AND state <> 'read')
                     FROM peers WHERE peer IS NOT NULL",
                )
                .map_err(&wrong)?;
            let peers: Vec<(String, i64)> = peers
                .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))
                .and_then(Iterator::collect)
                .map_err(&wrong)?;
            let mut last = moment
                .prepare_cached(&format!("SELECT {COLUMNS}, position FROM message WHERE peer = ?1 {NEWEST_FIRST} LIMIT 1"))
                .map_err(&wrong)?;
            let mut conversations = Vec::with_capacity(peers.len());
            for (with, unread) in peers {
                let (message, position): (_, i64) =
                    last.query_row([&with], |row| Ok((read_message(row)?, row.get(13)?))).map_err(&wrong)?;
                conversations.push((position, Conversation { with, last: message, unread: unread.unsigned_abs() }));
            }
            conversations.sort_by(|(a, _), (b, _)| b.cmp(a));
            Ok(conversations.into_iter().map(|(_, conversation)| conversation).collect())
        })
    }

    /// How many incoming messages of `with` are not read.
    pub(crate) fn unread(&self, with: &str) -> Result<u64, Error> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT count(*) FROM message WHERE peer = ?1 AND direction = 0 AND state <> 'read'")
                .and_then(|mut statement| statement.query_row([with], |row| row.get::<_, i64>(0)))
                .map(i64::unsigned_abs)
                .map_err(sqlite("count unread messages"))
        })
    }

    /// The messages with this id in the conversation with `with`, as they are displayed.
    pub(crate) fn find(&self, with: &str, id: &str) -> Result<Vec<Message>, Error> {
        self.with(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM message WHERE peer = ?1 AND id = ?2 ORDER BY position, sequence, row"
                ))
                .and_then(|mut statement| statement.query_map((with, id), read_message)?.collect())
                .map_err(sqlite("read a message"))
        })
    }

    /// The messages of these row numbers; a row that is gone is left out.
    pub(crate) fn rows(&self, rows: &[i64]) -> Result<Vec<Message>, Error> {
        self.with(|connection| {
            let wrong = sqlite("read the messages found");
            let mut one = connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM message WHERE row = ?1"))
                .map_err(&wrong)?;
            let mut messages = Vec::with_capacity(rows.len());
            for row in rows {
                messages.extend(one.query_row([row], read_message).optional().map_err(&wrong)?);
            }
            Ok(messages)
        })
    }

    /// The user's own messages in one of these states, in the order they were stored.
    pub(crate) fn outgoing_in(&self, states: &[&str]) -> Result<Vec<Message>, Error> {
        self.with(|connection| {
            let places = vec!["?"; states.len()].join(", ");
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM message WHERE direction = 1 AND state IN ({places}) ORDER BY row"
                ))
                .and_then(|mut statement| {
                    statement
                        .query_map(rusqlite::params_from_iter(states), read_message)?
                        .collect()
                })
                .map_err(sqlite("read the messages that are on their way"))
        })
    }

    /// Whose messages wait for the user's consent.
    pub(crate) fn requesters(&self) -> Result<Vec<String>, Error> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT DISTINCT peer FROM message WHERE request = 1")
                .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
                .map_err(sqlite("read who waits for consent"))
        })
    }

    /// For each conversation of an own address: the first sequence number above the user's.
    pub(crate) fn sequences(&self) -> Result<Vec<(String, String, u64)>, Error> {
        self.with(|connection| {
            connection
                .prepare_cached("SELECT own, peer, max(sequence) FROM message WHERE direction = 1 GROUP BY own, peer")
                .and_then(|mut statement| {
                    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs() + 1));
                    statement.query_map([], row)?.collect()
                })
                .map_err(sqlite("count the messages of conversations"))
        })
    }
}

/// Reads up to `limit` messages before `before` (or the newest), newest first, each with its standing.
fn older(
    connection: &Connection,
    with: &str,
    before: Option<&Standing>,
    limit: usize,
) -> rusqlite::Result<Vec<(Message, Standing)>> {
    let end = if before.is_some() {
        "AND (position, sequence, id, row) < (?3, ?4, ?5, ?6)"
    } else {
        ""
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, position, sequence, id, row FROM message WHERE peer = ?1 {end} {NEWEST_FIRST} LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    match before {
        None => statement.query_map((with, limit), read_standing)?.collect(),
        Some(s) => statement
            .query_map((with, limit, s.position, s.sequence, &s.id, s.row), read_standing)?
            .collect(),
    }
}

/// Reads up to `limit` messages from `from` on (with it), oldest first.
fn newer(connection: &Connection, with: &str, from: &Standing, limit: usize) -> rusqlite::Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM message WHERE peer = ?1 AND (position, sequence, id, row) >= (?3, ?4, ?5, ?6)
         ORDER BY position, sequence, id, row LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement
        .query_map(
            (with, limit, from.position, from.sequence, &from.id, from.row),
            read_message,
        )?
        .collect()
}

fn read_standing(row: &Row<'_>) -> rusqlite::Result<(Message, Standing)> {
    let standing = Standing {
        position: row.get(13)?,
        sequence: row.get(14)?,
        id: row.get(15)?,
        row: row.get(16)?,
    };
    Ok((read_message(row)?, standing))
}

fn older_page(connection: &Connection, with: &str, before: Option<&Standing>, limit: usize) -> Result<Page, Error> {
    let mut found = older(connection, with, before, limit.saturating_add(1)).map_err(sqlite("read a conversation"))?;
    let more = found.len() > limit;
    found.truncate(limit);
    // The page's oldest id names the next page. Where an id is used twice its first use is meant, so a page that has older ones
    // does not end on a second use.
    while more && found.len() > 1 {
        let Some((_, oldest)) = found.last() else { break };
        let first_use = anchor(connection, with, &oldest.id, None)?;
        if first_use.is_none_or(|first| first.row == oldest.row) {
            break;
        }
        found.pop();
    }
    let messages = found.into_iter().rev().map(|(message, _)| message).collect();
    Ok(Page { messages, more })
}

fn around_page(connection: &Connection, with: &str, center: &Standing, limit: usize) -> Result<Page, Error> {
    let wrong = sqlite("read a conversation");
    let mut after = newer(connection, with, center, limit).map_err(&wrong)?;
    // Half of the page is older, more where there is not enough that is newer.
    let wanted = (limit / 2).max(limit - after.len());
    let mut page = if wanted == 0 {
        let more = !older(connection, with, Some(center), 1).map_err(&wrong)?.is_empty();
        Page {
            messages: Vec::new(),
            more,
        }
    } else {
        older_page(connection, with, Some(center), wanted)?
    };
    after.truncate(limit - page.messages.len());
    page.messages.append(&mut after);
    Ok(page)
}
