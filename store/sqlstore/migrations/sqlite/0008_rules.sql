-- What a tenant defines at run time changes as a whole: its version is the guard. A tenant without a row is at version 0.
CREATE TABLE authmodule_rule_versions (
    tenant  TEXT    NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

INSERT INTO authmodule_rule_versions (tenant, version) SELECT DISTINCT tenant, 1 FROM authmodule_roles;

CREATE TABLE authmodule_policies (
    tenant TEXT NOT NULL,
    name   TEXT NOT NULL,
    format TEXT NOT NULL,
    text   TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT;

-- source is who says that an account has a role, empty for what was assigned by hand; ends_at 0 is never. What was
-- assigned before this migration was assigned by hand and never ends.
CREATE TABLE authmodule_assignments_next (
    tenant     TEXT    NOT NULL,
    subject_id TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    source     TEXT    NOT NULL DEFAULT '',
    ends_at    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, subject_id, role, source)
) STRICT, WITHOUT ROWID;

INSERT INTO authmodule_assignments_next (tenant, subject_id, role) SELECT tenant, subject_id, role FROM authmodule_assignments;

DROP TABLE authmodule_assignments;
ALTER TABLE authmodule_assignments_next RENAME TO authmodule_assignments;

CREATE INDEX authmodule_assignments_holders ON authmodule_assignments (tenant, role, subject_id, ends_at);
CREATE INDEX authmodule_assignments_ends ON authmodule_assignments (ends_at) WHERE ends_at <> 0;
