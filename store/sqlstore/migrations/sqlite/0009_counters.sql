-- Failed attempts, counted. Times are 0 for "not yet"; expires_at 0 is never.
CREATE TABLE authmodule_failures (
    tenant       TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    failures     INTEGER NOT NULL,
    pending      INTEGER NOT NULL,
    window_start INTEGER NOT NULL,
    consecutive  INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    locks        INTEGER NOT NULL,
    last_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX authmodule_failures_expires ON authmodule_failures (expires_at) WHERE expires_at <> 0;
