-- The devices on which an account has signed in, with the names that their owners gave them.
CREATE TABLE authmodule_devices (
    tenant        TEXT    NOT NULL,
    subject_id    TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX authmodule_devices_seen ON authmodule_devices (last_seen_at);

-- The device that a session was opened on, and whether its user asked to be remembered.
ALTER TABLE authmodule_sessions ADD COLUMN device_id TEXT NOT NULL DEFAULT '';
ALTER TABLE authmodule_sessions ADD COLUMN remember INTEGER NOT NULL DEFAULT 0;
