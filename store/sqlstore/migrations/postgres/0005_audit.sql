-- The audit journal: events that wait, the chain of those that were written, and the chain's ends.
-- payload is JSON, kept byte for byte: hash covers it. The columns beside it are for looking things up.
CREATE TABLE authmodule_audit_waiting (
    position   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         TEXT COLLATE "C" NOT NULL UNIQUE,
    tenant     TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    payload    BYTEA  NOT NULL
);

CREATE TABLE authmodule_audit (
    seq        BIGINT NOT NULL PRIMARY KEY,
    id         TEXT COLLATE "C" NOT NULL UNIQUE,
    tenant     TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    type       TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    payload    BYTEA  NOT NULL,
    key_id     TEXT COLLATE "C" NOT NULL,
    prev       BYTEA  NOT NULL,
    hash       BYTEA  NOT NULL
);

CREATE INDEX authmodule_audit_tenant ON authmodule_audit (tenant, seq);

CREATE INDEX authmodule_audit_subject ON authmodule_audit (tenant, subject_id, seq);

CREATE TABLE authmodule_audit_head (
    id           BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq          BIGINT NOT NULL,
    hash         BYTEA  NOT NULL,
    dropped_seq  BIGINT NOT NULL,
    dropped_hash BYTEA  NOT NULL,
    key_id       TEXT COLLATE "C" NOT NULL,
    mac          BYTEA  NOT NULL
);
