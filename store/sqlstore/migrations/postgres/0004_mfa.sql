-- The second factors of accounts: authenticator apps, sets of recovery codes, trusted devices, and what is being enrolled.
-- data is sealed with auth.secret_key, or hashed; times are 0 for "not yet" and "never".
CREATE TABLE authmodule_factors (
    tenant       TEXT COLLATE "C" NOT NULL,
    subject_id   TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    data         BYTEA NOT NULL,
    counter      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    PRIMARY KEY (tenant, subject_id, id)
);

CREATE INDEX authmodule_factors_expires ON authmodule_factors (expires_at) WHERE expires_at <> 0;
