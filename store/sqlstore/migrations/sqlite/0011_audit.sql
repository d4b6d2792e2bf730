-- The audit journal: events that wait, the chain of those that were written, and the chain's ends.
-- payload is JSON, kept byte for byte: hash covers it. The columns beside it are for looking things up.
CREATE TABLE authmodule_audit_waiting (
    position   INTEGER NOT NULL PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    tenant     TEXT    NOT NULL,
    subject_id TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    payload    BLOB    NOT NULL
) STRICT;

CREATE TABLE authmodule_audit (
    seq        INTEGER NOT NULL PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    tenant     TEXT    NOT NULL,
    subject_id TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    payload    BLOB    NOT NULL,
    key_id     TEXT    NOT NULL,
    prev       BLOB    NOT NULL,
    hash       BLOB    NOT NULL
) STRICT;

CREATE INDEX authmodule_audit_tenant ON authmodule_audit (tenant, seq);

CREATE INDEX authmodule_audit_subject ON authmodule_audit (tenant, subject_id, seq);

CREATE TABLE authmodule_audit_head (
    id           INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq          INTEGER NOT NULL,
    hash         BLOB    NOT NULL,
    dropped_seq  INTEGER NOT NULL,
    dropped_hash BLOB    NOT NULL,
    key_id       TEXT    NOT NULL,
    mac          BLOB    NOT NULL
) STRICT;
