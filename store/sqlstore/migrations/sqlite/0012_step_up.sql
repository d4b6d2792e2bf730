-- When a second factor was last proved in a session, and who acts in it as somebody else, in which session of their own.
ALTER TABLE authmodule_sessions ADD COLUMN mfa_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE authmodule_sessions ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE authmodule_sessions ADD COLUMN actor_session TEXT NOT NULL DEFAULT '';

-- Until now a second factor was proved at login, and only there.
UPDATE authmodule_sessions SET mfa_time = auth_time WHERE methods LIKE '%"mfa"%';
