-- Records of others, by the hash of their clear key. What is looked for is in columns of its own; all else is in the record.
-- `id` is the order of arrival: a record that replaces another keeps its place in the queue.
CREATE TABLE record (
    id        INTEGER PRIMARY KEY,
    place     BLOB    NOT NULL,
    signer    BLOB    NOT NULL,
    nonce     BLOB    NOT NULL,
    sequence  INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    class     INTEGER NOT NULL,
    network   BLOB    NOT NULL,
    recipient BLOB,
    removal   BLOB,
    content   BLOB    NOT NULL,
    cost      INTEGER NOT NULL,
    xml       TEXT    NOT NULL,
    UNIQUE (place, signer, nonce)
) STRICT;
CREATE INDEX record_expires ON record (expires);
-- What is there for one of the many who may bear a person's name.
CREATE INDEX record_recipient ON record (place, recipient) WHERE recipient IS NOT NULL;
-- With the cost, so that a node that starts counts what everybody uses without reading the records.
CREATE INDEX record_network ON record (class, network, id, cost);

-- Secrets that removed records: whatever comes back under one of these is refused until it would have expired.
CREATE TABLE spent (
    place   BLOB    NOT NULL,
    removal BLOB    NOT NULL,
    secret  BLOB    NOT NULL,
    key     TEXT    NOT NULL,
    expires INTEGER NOT NULL,
    -- Whether the record was here when the secret came.
    seen    INTEGER NOT NULL,
    PRIMARY KEY (place, removal)
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_expires ON spent (expires);

-- Immutable pieces of what is too large for a record, each with the record that pays for it.
CREATE TABLE fragment (
    id       INTEGER PRIMARY KEY,
    hash     BLOB    NOT NULL,
    place    BLOB    NOT NULL,
    signer   BLOB    NOT NULL,
    nonce    BLOB    NOT NULL,
    sequence INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    class    INTEGER NOT NULL,
    network  BLOB    NOT NULL,
    removal  BLOB,
    cost     INTEGER NOT NULL,
    bytes    BLOB    NOT NULL,
    -- Null: it came from a guest.
    parent   TEXT,
    UNIQUE (hash, place, signer, nonce)
) STRICT;
CREATE INDEX fragment_expires ON fragment (expires);
CREATE INDEX fragment_network ON fragment (class, network, id, cost);
CREATE INDEX fragment_signer ON fragment (signer, sequence);

-- OpenDHT's values: bytes under a key of at most 20 bytes, in a name space of their own. They have no signature; who holds the secret may
-- remove them.
CREATE TABLE opendht (
    id          INTEGER PRIMARY KEY,
    key         BLOB    NOT NULL,
    value       BLOB    NOT NULL,
    value_hash  BLOB    NOT NULL,
    secret_hash BLOB    NOT NULL,
    -- Not null: removed by this secret, and what comes back is refused until it would have expired.
    secret      BLOB,
    expires     INTEGER NOT NULL,
    class       INTEGER NOT NULL,
    network     BLOB    NOT NULL,
    cost        INTEGER NOT NULL,
    UNIQUE (key, value_hash, secret_hash)
) STRICT;
CREATE INDEX opendht_expires ON opendht (expires);
CREATE INDEX opendht_network ON opendht (class, network, id, cost);
