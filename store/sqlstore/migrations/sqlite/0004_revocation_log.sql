-- The revocation log: what was revoked and changed, in one order. Its positions come from a counter,
-- so that they are never used again.
CREATE TABLE authmodule_counters (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE authmodule_revocation_log (
    position   INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX authmodule_revocation_log_expires ON authmodule_revocation_log (expires_at);

INSERT INTO authmodule_revocation_log (kind, tenant, id, expires_at)
    SELECT 'token', tenant, id, expires_at FROM authmodule_revocations;

INSERT INTO authmodule_counters (name, value)
    SELECT 'revocations', coalesce(max(position), 0) FROM authmodule_revocation_log;

DROP TABLE authmodule_revocations;

-- The position of the log when the session was opened; 0 for sessions from before it.
ALTER TABLE authmodule_sessions ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
