-- When the owner of an account last showed that they read its mail, and when it was deleted; 0 for "not yet".
ALTER TABLE authmodule_users ADD COLUMN verified_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE authmodule_users ADD COLUMN deleted_at BIGINT NOT NULL DEFAULT 0;
