//! What is written: the statements behind the jobs of the writing thread. Each runs inside the transaction of its batch.

use crate::error::{Error, sqlite};
use crate::message::{Appended, Change, Direction, Message, MessageKey, NewMessage, READ};
use crate::order;
use crate::reader::{COLUMNS, anchor, read_message};
use crate::writer::Batch;
use rusqlite::{OptionalExtension, named_params};

/// Stores a message unless its key is known.
pub(crate) fn append(batch: &Batch<'_>, new: NewMessage) -> Result<Appended, Error> {
    let wrong = sqlite("store a message");
    let sequence = i64::try_from(new.sequence).map_err(|_| Error::Invalid {
        what: "store a message".into(),
        detail: format!("its sequence number is above {}", i64::MAX),
    })?;
    let direction = new.direction.number();
    let key = (&new.with, &new.id, &new.own, direction);
    let known = batch
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM message WHERE peer = ?1 AND id = ?2 AND own = ?3 AND direction = ?4"
        ))
        .and_then(|mut statement| statement.query_row(key, read_message).optional())
        .map_err(&wrong)?;
    if let Some(known) = known {
        return Ok(Appended::Duplicate(known));
    }
    let neighbour =
        |condition: &str| {
            batch
            .prepare_cached(&format!(
                "SELECT position FROM message WHERE own = ?1 AND peer = ?2 AND direction = ?3 AND {condition} LIMIT 1"
            ))
            .and_then(|mut statement| {
                statement.query_row((&new.own, &new.with, direction, sequence), |row| row.get(0)).optional()
            })
            .map_err(&wrong)
        };
    let lower = neighbour("sequence < ?4 ORDER BY sequence DESC, position DESC")?;
    let higher = neighbour("sequence > ?4 ORDER BY sequence, position")?;
    let position = order::position(new.received, lower, higher);
    batch
        .prepare_cached(
            "INSERT INTO message (id, own, peer, direction, text, at, received, position, sequence, state, trust, sealed, request)
             VALUES (:id, :own, :peer, :direction, :text, :at, :received, :position, :sequence, :state, :trust, :sealed, :request)",
        )
        .and_then(|mut statement| {
            statement.execute(named_params! {
                ":id": new.id, ":own": new.own, ":peer": new.with, ":direction": direction, ":text": new.text, ":at": new.at,
                ":received": new.received, ":position": position, ":sequence": sequence, ":state": new.state,
                ":trust": new.trust, ":sealed": new.sealed, ":request": new.request,
            })
        })
        .map_err(&wrong)?;
    batch.added();
    Ok(Appended::Stored(Message {
        id: new.id,
        own: new.own,
        with: new.with,
        direction: new.direction,
        text: new.text,
        at: new.at,
        received: new.received,
        sequence: new.sequence,
        state: new.state,
        reason: None,
        trust: new.trust,
        sealed: new.sealed,
        request: new.request,
    }))
}

/// Changes a message; `None` when there is none by that key, or it is in another state than those asked for.
pub(crate) fn change(batch: &Batch<'_>, key: &MessageKey, change: &Change) -> Result<Option<Message>, Error> {
    let only_from = change
        .only_from
        .as_ref()
        .map(|states| format!("[\"{}\"]", states.join("\",\"")));
    batch
        .prepare_cached(&format!(
            "UPDATE message SET state = coalesce(:state, state), trust = coalesce(:trust, trust),
               sealed = coalesce(:sealed, sealed), request = coalesce(:request, request),
               reason = iif(:new_reason, :reason, reason)
             WHERE peer = :peer AND id = :id AND own = :own AND direction = :direction
               AND (:only_from IS NULL OR state IN (SELECT value FROM json_each(:only_from))) RETURNING {COLUMNS}"
        ))
        .and_then(|mut statement| {
            let parameters = named_params! {
                ":state": change.state, ":trust": change.trust, ":sealed": change.sealed, ":request": change.request,
                ":new_reason": change.reason.is_some(), ":reason": change.reason.as_ref().and_then(Option::as_ref),
                ":only_from": only_from, ":peer": key.with, ":id": key.id, ":own": key.own, ":direction": key.direction.number(),
            };
            statement.query_row(parameters, read_message).optional()
        })
        .map_err(sqlite("change a message"))
}

/// Marks all incoming messages up to and with `up_to` as read; the result is those that were not.
pub(crate) fn mark_read(batch: &Batch<'_>, with: &str, up_to: &str) -> Result<Vec<Message>, Error> {
    // Where an id is used twice, the incoming message is meant: the others are never unread.
    let last = anchor(batch, with, up_to, Some(Direction::In))?;
    let last = if let Some(last) = last {
        Some(last)
    } else {
        anchor(batch, with, up_to, None)?
    };
    let last = last.ok_or(Error::UnknownMessage)?;
    batch
        .prepare_cached(&format!(
            "UPDATE message SET state = '{READ}' WHERE peer = ?1 AND direction = 0 AND state <> '{READ}'
               AND position <= ?2 AND (position, sequence, id, row) <= (?2, ?3, ?4, ?5) RETURNING {COLUMNS}"
        ))
        .and_then(|mut statement| {
            let key = (with, last.position, last.sequence, last.id, last.row);
            statement.query_map(key, read_message)?.collect()
        })
        .map_err(sqlite("mark messages as read"))
}

/// Takes the mark of a request from all messages of a conversation; the result is those that had it.
pub(crate) fn clear_requests(batch: &Batch<'_>, with: &str) -> Result<Vec<Message>, Error> {
    batch
        .prepare_cached(&format!(
            "UPDATE message SET request = 0 WHERE peer = ?1 AND request = 1 RETURNING {COLUMNS}"
        ))
        .and_then(|mut statement| statement.query_map([with], read_message)?.collect())
        .map_err(sqlite("accept requests"))
}

/// As many deletions are remembered for the search index.
const KEPT_DELETIONS: i64 = 10_000;

/// Deletes what waits for consent in a conversation; how many there were.
pub(crate) fn drop_requests(batch: &Batch<'_>, with: &str) -> Result<usize, Error> {
    let wrong = sqlite("drop requests");
    let rows: Vec<i64> = batch
        .prepare_cached("DELETE FROM message WHERE peer = ?1 AND request = 1 RETURNING row")
        .and_then(|mut statement| statement.query_map([with], |row| row.get(0))?.collect())
        .map_err(&wrong)?;
    for row in &rows {
        batch
            .prepare_cached("INSERT INTO deletion (row) VALUES (?1)")
            .and_then(|mut statement| statement.execute([row]))
            .map_err(&wrong)?;
        batch.deleted();
    }
    // An index that is further behind is made anew.
    batch
        .prepare_cached("DELETE FROM deletion WHERE number <= (SELECT max(number) FROM deletion) - ?1")
        .and_then(|mut statement| statement.execute([KEPT_DELETIONS]))
        .map_err(&wrong)?;
    Ok(rows.len())
}
