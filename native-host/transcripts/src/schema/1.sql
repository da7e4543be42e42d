-- Format 1.

-- `row` is the order of arrival and is never used twice: the search index follows it.
-- `direction` is 0 for in, 1 for out; `position` is explained in order.rs.
CREATE TABLE message (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL CHECK (id <> ''),
  own TEXT NOT NULL,
  peer TEXT NOT NULL CHECK (peer <> ''),
  direction INTEGER NOT NULL CHECK (direction IN (0, 1)),
  text TEXT NOT NULL,
  at INTEGER NOT NULL,
  received INTEGER NOT NULL,
  position INTEGER NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence >= 0),
  state TEXT NOT NULL,
  reason TEXT,
  trust TEXT NOT NULL,
  sealed INTEGER NOT NULL CHECK (sealed IN (0, 1)),
  request INTEGER NOT NULL CHECK (request IN (0, 1))
) STRICT;

-- Exactly once; and where in a conversation an id stands.
CREATE UNIQUE INDEX message_identity ON message (peer, id, own, direction);
-- The order of display.
CREATE INDEX message_display ON message (peer, position, sequence, id);
-- The neighbours that decide a position, and the highest number used.
CREATE INDEX message_sequence ON message (own, peer, direction, sequence, position);
CREATE INDEX message_unread ON message (peer, position) WHERE direction = 0 AND state <> 'read';
CREATE INDEX message_outgoing ON message (state) WHERE direction = 1;
CREATE INDEX message_request ON message (peer) WHERE request = 1;

-- The rows of messages that were deleted: the search index follows `number` as it follows `row`.
CREATE TABLE deletion (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  row INTEGER NOT NULL
) STRICT;

-- Tells this store from any other, so that an index made for another one is not used.
CREATE TABLE store (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO store VALUES ('mark', lower(hex(randomblob(16))));
