-- Hashes of passwords that accounts had before, where auth.password.history keeps them. The greatest position was pushed last.
CREATE TABLE authmodule_password_history (
    tenant     TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    hash       TEXT COLLATE "C" NOT NULL,
    position   BIGINT NOT NULL,
    PRIMARY KEY (tenant, subject_id, hash)
);
