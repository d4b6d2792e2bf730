-- When a session's secret was last replaced; 0 in the first generation and for rotations before this migration.
ALTER TABLE authmodule_sessions ADD COLUMN rotated_at INTEGER NOT NULL DEFAULT 0;
