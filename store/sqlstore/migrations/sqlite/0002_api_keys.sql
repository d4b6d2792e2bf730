-- expires_at 0 is a key that never expires.

CREATE TABLE authmodule_api_keys (
    tenant         TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    subject_id     TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    scopes         TEXT    NOT NULL,
    allowed_ips    TEXT    NOT NULL,
    secret_hash    BLOB    NOT NULL,
    previous_hash  BLOB    NOT NULL,
    previous_until INTEGER NOT NULL,
    generation     INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    rotated_at     INTEGER NOT NULL,
    last_used_at   INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX authmodule_api_keys_owner ON authmodule_api_keys (tenant, subject_id, created_at, id);
CREATE INDEX authmodule_api_keys_expires ON authmodule_api_keys (expires_at) WHERE expires_at <> 0;
