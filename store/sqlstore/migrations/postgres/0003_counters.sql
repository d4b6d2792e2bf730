-- Failed attempts, counted. Times are 0 for "not yet"; expires_at 0 is never.
CREATE TABLE authmodule_failures (
    tenant       TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    failures     BIGINT NOT NULL,
    pending      BIGINT NOT NULL,
    window_start BIGINT NOT NULL,
    consecutive  BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    locks        BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);

CREATE INDEX authmodule_failures_expires ON authmodule_failures (expires_at) WHERE expires_at <> 0;
