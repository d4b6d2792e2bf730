-- Hashes of passwords that accounts had before, where auth.password.history keeps them. The greatest position was pushed last.
CREATE TABLE authmodule_password_history (
    tenant     TEXT    NOT NULL,
    subject_id TEXT    NOT NULL,
    hash       TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject_id, hash)
) STRICT, WITHOUT ROWID;
