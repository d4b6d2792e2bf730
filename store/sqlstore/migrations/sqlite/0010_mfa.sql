-- The second factors of accounts: authenticator apps, sets of recovery codes, trusted devices, and what is being enrolled.
-- data is sealed with auth.secret_key, or hashed; times are 0 for "not yet" and "never".
CREATE TABLE authmodule_factors (
    tenant       TEXT    NOT NULL,
    subject_id   TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    data         BLOB    NOT NULL,
    counter      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX authmodule_factors_expires ON authmodule_factors (expires_at) WHERE expires_at <> 0;
