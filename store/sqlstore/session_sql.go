package sqlstore

import "github.com/authmodule/authmodule/session"

const (
	sessionColumns = `tenant, id, subject_id, carrier, secret_hash, previous_hash, generation, methods,
		auth_time, created_at, last_used_at, idle_at, ends_at, ended_at, end_reason, ip, user_agent, device, rotated_at, epoch, confirmation, device_id, remember,
		mfa_time, actor, actor_session`

	insertSession = `INSERT INTO authmodule_sessions (` + sessionColumns + `)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	sessionByID = `SELECT ` + sessionColumns + ` FROM authmodule_sessions WHERE tenant = ? AND id = ?`

	// isLive is what [session.Record.Live] says, for a time that is given twice.
	isLive = `ended_at = 0 AND idle_at > ? AND ends_at > ?`

	// ofSubject selects a subject's live sessions.
	ofSubject = `tenant = ? AND subject_id = ? AND ` + isLive

	// counts selects the sessions that count to a limit.
	counts = ofSubject + ` AND actor = ''`

	countLive = `SELECT count(*) FROM authmodule_sessions WHERE ` + counts

	liveSessions = `SELECT ` + sessionColumns + ` FROM authmodule_sessions WHERE ` + ofSubject + ` ORDER BY last_used_at DESC, id DESC`

	oldestLive = `SELECT ` + sessionColumns + ` FROM authmodule_sessions WHERE ` + counts + ` ORDER BY last_used_at, id LIMIT ?` + forUpdate

	tenantSessions = `SELECT ` + sessionColumns + ` FROM authmodule_sessions WHERE tenant = ? AND id > ? AND ` + isLive + ` ORDER BY id LIMIT ?`

	endSession = `UPDATE authmodule_sessions SET ended_at = ?, end_reason = ? WHERE tenant = ? AND id = ? AND ended_at = 0`

	endSessions = `UPDATE authmodule_sessions SET ended_at = ?, end_reason = ?
		WHERE ` + ofSubject + ` AND (? = '' OR id = ?) AND (? = '' OR id <> ?)
		RETURNING ` + sessionColumns

	// recordUse moves no time backwards, and a use that is reported late
	// leaves the description of the later client. See useArgs.
	recordUse = `ip = CASE WHEN ? >= last_used_at THEN ? ELSE ip END,
		user_agent = CASE WHEN ? >= last_used_at THEN ? ELSE user_agent END,
		device = CASE WHEN ? >= last_used_at THEN ? ELSE device END,
		last_used_at = max(last_used_at, ?), idle_at = max(idle_at, ?)`

	touchSession = `UPDATE authmodule_sessions SET ` + recordUse + `
		WHERE tenant = ? AND id = ? AND ` + isLive

	rotateSession = `UPDATE authmodule_sessions SET previous_hash = secret_hash, secret_hash = ?, rotated_at = ?,
		generation = generation + 1, ` + recordUse + `
		WHERE tenant = ? AND id = ? AND ` + isLive + ` AND generation = ? AND secret_hash = ?`

	sessionToProve = sessionByID + ` AND ` + isLive + forUpdate

	proveSession = `UPDATE authmodule_sessions SET methods = ?, auth_time = ?, mfa_time = ? WHERE tenant = ? AND id = ?`
)

var deadSessions = dead{"authmodule_sessions", "tenant, id", `(idle_at < ? OR ends_at < ? OR (ended_at <> 0 AND ended_at < ?))`}

// useArgs are the arguments of recordUse.
func useArgs(u session.Use) []any {
	at := micros(u.At)
	return []any{at, u.IP, at, u.UserAgent, at, u.Device, at, micros(u.IdleAt)}
}

// sessionRow are the arguments of insertSession.
func sessionRow(r session.Record) ([]any, error) {
	methods, err := words(r.Methods)
	if err != nil {
		return nil, err
	}
	return []any{
		r.Subject.Tenant, r.ID, r.Subject.ID, r.Carrier, blob(r.SecretHash), blob(r.PreviousHash), r.Generation, methods,
		micros(r.AuthTime), micros(r.CreatedAt), micros(r.LastUsedAt), micros(r.IdleAt), micros(r.EndsAt),
		micros(r.EndedAt), r.EndReason, r.IP, r.UserAgent, r.Device, micros(r.RotatedAt), r.Epoch, r.Confirmation.Text(),
		r.DeviceID, flag(r.Remember), micros(r.MFATime), r.Actor, r.ActorSession,
	}, nil
}

func scanSession(row scanner) (r session.Record, err error) {
	err = row.Scan(
		&r.Subject.Tenant, &r.ID, &r.Subject.ID, &r.Carrier, &r.SecretHash, &r.PreviousHash, &r.Generation, wordList{&r.Methods},
		instant{&r.AuthTime}, instant{&r.CreatedAt}, instant{&r.LastUsedAt}, instant{&r.IdleAt}, instant{&r.EndsAt},
		instant{&r.EndedAt}, &r.EndReason, &r.IP, &r.UserAgent, &r.Device, instant{&r.RotatedAt}, &r.Epoch, confirmation{&r.Confirmation},
		&r.DeviceID, boolean{&r.Remember}, instant{&r.MFATime}, &r.Actor, &r.ActorSession,
	)
	return r, err
}
