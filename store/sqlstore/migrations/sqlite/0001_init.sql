-- Times are microseconds since 1970 in UTC; 0 means none. Lists are JSON text.

CREATE TABLE authmodule_users (
    tenant        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER NOT NULL,
    last_login_at INTEGER NOT NULL,
    credential_version INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX authmodule_users_email ON authmodule_users (tenant, email);

CREATE TABLE authmodule_passwords (
    tenant     TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    hash       TEXT NOT NULL,
    PRIMARY KEY (tenant, subject_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE authmodule_revocations (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX authmodule_revocations_expires ON authmodule_revocations (expires_at);

CREATE TABLE authmodule_onetimes (
    tenant      TEXT    NOT NULL,
    purpose     TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    secret_hash BLOB    NOT NULL,
    value       TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, purpose, id)
) STRICT;

CREATE INDEX authmodule_onetimes_expires ON authmodule_onetimes (expires_at);

CREATE TABLE authmodule_sessions (
    tenant       TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    subject_id   TEXT    NOT NULL,
    carrier      TEXT    NOT NULL,
    secret_hash  BLOB    NOT NULL,
    previous_hash BLOB   NOT NULL,
    generation   INTEGER NOT NULL,
    methods      TEXT    NOT NULL,
    auth_time    INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    idle_at      INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    end_reason   TEXT    NOT NULL,
    ip           TEXT    NOT NULL,
    user_agent   TEXT    NOT NULL,
    device       TEXT    NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX authmodule_sessions_open ON authmodule_sessions (tenant, subject_id, last_used_at, id) WHERE ended_at = 0;
CREATE INDEX authmodule_sessions_idle ON authmodule_sessions (idle_at);
CREATE INDEX authmodule_sessions_ends ON authmodule_sessions (ends_at);
CREATE INDEX authmodule_sessions_ended ON authmodule_sessions (ended_at) WHERE ended_at <> 0;

CREATE TABLE authmodule_roles (
    tenant      TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    inherits    TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT;

CREATE TABLE authmodule_assignments (
    tenant     TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    role       TEXT NOT NULL,
    PRIMARY KEY (tenant, subject_id, role)
) STRICT, WITHOUT ROWID;

CREATE INDEX authmodule_assignments_holders ON authmodule_assignments (tenant, role, subject_id);
