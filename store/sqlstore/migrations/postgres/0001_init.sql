-- Times are microseconds since 1970 in UTC; 0 means none. Lists are JSON text. Texts are in the order of their bytes.
-- A text that PostgreSQL could not hold is escaped: what follows U+0001 in it is in hexadecimal digits.

CREATE TABLE authmodule_users (
    tenant             TEXT COLLATE "C" NOT NULL,
    id                 TEXT COLLATE "C" NOT NULL,
    email              TEXT COLLATE "C" NOT NULL,
    created_at         BIGINT NOT NULL,
    disabled_at        BIGINT NOT NULL,
    last_login_at      BIGINT NOT NULL,
    credential_version BIGINT NOT NULL,
    version            BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE UNIQUE INDEX authmodule_users_email ON authmodule_users (tenant, email);

CREATE TABLE authmodule_passwords (
    tenant     TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    hash       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, subject_id)
);

CREATE TABLE authmodule_onetimes (
    tenant      TEXT COLLATE "C" NOT NULL,
    purpose     TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL,
    value       TEXT COLLATE "C" NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant, purpose, id)
);

CREATE INDEX authmodule_onetimes_expires ON authmodule_onetimes (expires_at);

-- epoch is the position of the revocation log when the session was opened, confirmation what it is bound to
-- (cnf, RFC 7800; empty for a bearer session), and remember 1 if its user asked for the longer lifetime.
CREATE TABLE authmodule_sessions (
    tenant        TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    subject_id    TEXT COLLATE "C" NOT NULL,
    carrier       TEXT COLLATE "C" NOT NULL,
    secret_hash   BYTEA NOT NULL,
    previous_hash BYTEA NOT NULL,
    generation    BIGINT NOT NULL,
    methods       TEXT COLLATE "C" NOT NULL,
    auth_time     BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT NOT NULL,
    rotated_at    BIGINT NOT NULL,
    idle_at       BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    ended_at      BIGINT NOT NULL,
    end_reason    TEXT COLLATE "C" NOT NULL,
    ip            TEXT COLLATE "C" NOT NULL,
    user_agent    TEXT COLLATE "C" NOT NULL,
    device        TEXT COLLATE "C" NOT NULL,
    epoch         BIGINT NOT NULL,
    confirmation  TEXT COLLATE "C" NOT NULL,
    device_id     TEXT COLLATE "C" NOT NULL,
    remember      BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- It begins with the account and has no condition: else it looks as good as the primary key to a server without statistics, which
-- then walks through all of a tenant to find one session.
CREATE INDEX authmodule_sessions_subject ON authmodule_sessions (subject_id, tenant, ended_at);
CREATE INDEX authmodule_sessions_idle ON authmodule_sessions (idle_at);
CREATE INDEX authmodule_sessions_ends ON authmodule_sessions (ends_at);
CREATE INDEX authmodule_sessions_ended ON authmodule_sessions (ended_at) WHERE ended_at <> 0;

-- The devices on which an account has signed in, with the names that their owners gave them.
CREATE TABLE authmodule_devices (
    tenant        TEXT COLLATE "C" NOT NULL,
    subject_id    TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant, subject_id, id)
);

CREATE INDEX authmodule_devices_seen ON authmodule_devices (last_seen_at);

CREATE TABLE authmodule_roles (
    tenant      TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    permissions TEXT COLLATE "C" NOT NULL,
    inherits    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE authmodule_assignments (
    tenant     TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, subject_id, role)
);

CREATE INDEX authmodule_assignments_holders ON authmodule_assignments (tenant, role, subject_id);

-- expires_at 0 is a key that never expires.
CREATE TABLE authmodule_api_keys (
    tenant         TEXT COLLATE "C" NOT NULL,
    id             TEXT COLLATE "C" NOT NULL,
    subject_id     TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    scopes         TEXT COLLATE "C" NOT NULL,
    allowed_ips    TEXT COLLATE "C" NOT NULL,
    secret_hash    BYTEA NOT NULL,
    previous_hash  BYTEA NOT NULL,
    previous_until BIGINT NOT NULL,
    generation     BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    rotated_at     BIGINT NOT NULL,
    last_used_at   BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX authmodule_api_keys_owner ON authmodule_api_keys (tenant, subject_id, created_at, id);
CREATE INDEX authmodule_api_keys_expires ON authmodule_api_keys (expires_at) WHERE expires_at <> 0;

-- The revocation log: what was revoked and changed, in one order. Its positions come from a counter,
-- so that they are never used again.
CREATE TABLE authmodule_counters (
    name  TEXT COLLATE "C" NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE authmodule_revocation_log (
    position   BIGINT NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    tenant     TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (position)
);

CREATE INDEX authmodule_revocation_log_expires ON authmodule_revocation_log (expires_at);

INSERT INTO authmodule_counters (name, value) VALUES ('revocations', 0);

-- The ring of managed signing keys changes as a whole: its version is the guard. There is one ring.
CREATE TABLE authmodule_signing_rings (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);

INSERT INTO authmodule_signing_rings (id, version) VALUES (1, 0);

-- sealed is the private key, sealed with auth.secret_key; times are 0 for "not yet".
CREATE TABLE authmodule_signing_keys (
    ring       BIGINT NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    algorithm  TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    sealed     BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    signs_at   BIGINT NOT NULL,
    retired_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (ring, id)
);
