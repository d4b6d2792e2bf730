-- The ring of managed signing keys changes as a whole: its version is the guard. There is one ring.

CREATE TABLE authmodule_signing_rings (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO authmodule_signing_rings (id, version) VALUES (1, 0);

-- sealed is the private key, sealed with auth.secret_key; times are 0 for "not yet".
CREATE TABLE authmodule_signing_keys (
    ring       INTEGER NOT NULL,
    id         TEXT    NOT NULL,
    algorithm  TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    signs_at   INTEGER NOT NULL,
    retired_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (ring, id)
) STRICT;
