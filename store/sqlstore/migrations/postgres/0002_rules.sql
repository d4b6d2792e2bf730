-- What a tenant defines at run time changes as a whole: its version is the guard. A tenant without a row is at version 0.
CREATE TABLE authmodule_rule_versions (
    tenant  TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant)
);

INSERT INTO authmodule_rule_versions (tenant, version) SELECT DISTINCT tenant, 1 FROM authmodule_roles;

CREATE TABLE authmodule_policies (
    tenant TEXT COLLATE "C" NOT NULL,
    name   TEXT COLLATE "C" NOT NULL,
    format TEXT COLLATE "C" NOT NULL,
    text   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- source is who says that an account has a role, empty for what was assigned by hand; ends_at 0 is never. What was
-- assigned before this migration was assigned by hand and never ends.
ALTER TABLE authmodule_assignments ADD COLUMN source TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE authmodule_assignments ADD COLUMN ends_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE authmodule_assignments DROP CONSTRAINT authmodule_assignments_pkey;
ALTER TABLE authmodule_assignments ADD PRIMARY KEY (tenant, subject_id, role, source);

DROP INDEX authmodule_assignments_holders;
CREATE INDEX authmodule_assignments_holders ON authmodule_assignments (tenant, role, subject_id, ends_at);
CREATE INDEX authmodule_assignments_ends ON authmodule_assignments (ends_at) WHERE ends_at <> 0;
