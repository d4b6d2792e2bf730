-- What a session is bound to, as JSON (cnf, RFC 7800); empty for a bearer session, as all before this migration are.
ALTER TABLE authmodule_sessions ADD COLUMN confirmation TEXT NOT NULL DEFAULT '';
