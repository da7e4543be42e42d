-- Times are Unix milliseconds.
CREATE TABLE requests (
    id BLOB PRIMARY KEY,              -- 16 bytes; known to the authority and to whoever asked
    address TEXT NOT NULL,            -- canonical
    request BLOB NOT NULL,            -- PKCS #10, DER
    key_hash BLOB NOT NULL,           -- SHA-256 of the key
    network BLOB NOT NULL,            -- where it came from
    at INTEGER NOT NULL,
    expires INTEGER NOT NULL,         -- when it is no longer waited for
    state INTEGER NOT NULL,           -- see State
    serial BLOB                       -- the certificate, once there is one
) STRICT;
CREATE INDEX requests_by_address ON requests (address, expires);
CREATE INDEX requests_by_network ON requests (network, at);
CREATE INDEX requests_by_time ON requests (at);

CREATE TABLE certificates (
    serial BLOB PRIMARY KEY,
    address TEXT NOT NULL,
    certificate BLOB NOT NULL,        -- DER
    at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER                   -- since when
) STRICT;
CREATE INDEX certificates_by_address ON certificates (address);

-- Letters to be sent: at most one with tokens for an address, and one for each certificate.
CREATE TABLE letters (
    number INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    serial BLOB,                      -- with this certificate; else with tokens
    due INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX letters_of_tokens ON letters (address) WHERE serial IS NULL;
CREATE INDEX letters_by_due ON letters (due);

-- How often an address was written to without an answer.
CREATE TABLE unanswered (
    address TEXT PRIMARY KEY,
    letters INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;

CREATE TABLE numbers (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO numbers VALUES ('list', 0);

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    address TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
