package sqlstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// touchSessions is touchSession for one use of each of many sessions, in one statement of PostgreSQL.
const touchSessions = `UPDATE authmodule_sessions s SET
		ip = CASE WHEN u.at >= s.last_used_at THEN u.ip ELSE s.ip END,
		user_agent = CASE WHEN u.at >= s.last_used_at THEN u.user_agent ELSE s.user_agent END,
		device = CASE WHEN u.at >= s.last_used_at THEN u.device ELSE s.device END,
		last_used_at = max(s.last_used_at, u.at), idle_at = max(s.idle_at, u.idle_at)
	FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::text[])
		AS u(tenant, id, at, idle_at, ip, user_agent, device)
	WHERE s.tenant = u.tenant AND s.id = u.id AND s.ended_at = 0 AND s.idle_at > u.at AND s.ends_at > u.at`

// touchBatch is how many sessions one statement touches at most, so that it locks none for long.
const touchBatch = 500

// TouchSessions implements [session.Store]: in SQLite in one transaction, in
// PostgreSQL in one for each use of a session and for each 500 sessions.
func (s *Store) TouchSessions(ctx context.Context, touches ...session.Touch) error {
	if s.dialect == Postgres {
		return s.touchEach(ctx, touches)
	}
	return s.write(ctx, "touch sessions", func(t txn) error {
		for _, touch := range touches {
			if _, err := t.exec(ctx, touchSession, touchArgs(touch)...); err != nil {
				return err
			}
		}
		return nil
	}, touchSession)
}

func touchArgs(t session.Touch) []any {
	at := micros(t.Use.At)
	return append(useArgs(t.Use), t.Tenant, t.ID, at, at)
}

func (s *Store) touchEach(ctx context.Context, touches []session.Touch) error {
	const op = "touch sessions"
	if len(touches) == 1 {
		_, err := s.exec(ctx, op, touchSession, touchArgs(touches[0])...)
		return err
	}
	for _, round := range rounds(touches) {
		for batch := range slices.Chunk(round, touchBatch) {
			if _, err := s.exec(ctx, op, touchSessions, columns(batch)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// rounds parts the uses so that none has two of one session and each session's
// keep their order. Each round is in the order of the sessions, so that two nodes lock
// them in the same order.
func rounds(touches []session.Touch) [][]session.Touch {
	type key struct {
		tenant authn.Tenant
		id     string
	}
	var out [][]session.Touch
	seen := map[key]int{}
	for _, t := range touches {
		k := key{t.Tenant, t.ID}
		if seen[k] == len(out) {
			out = append(out, nil)
		}
		out[seen[k]] = append(out[seen[k]], t)
		seen[k]++
	}
	for _, round := range out {
		slices.SortFunc(round, func(a, b session.Touch) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
		})
	}
	return out
}

// columns are the arguments of touchSessions.
func columns(touches []session.Touch) []any {
	var tenants, ids, ips, agents, devices []string
	var at, idle []int64
	for _, t := range touches {
		tenants, ids = append(tenants, string(t.Tenant)), append(ids, t.ID)
		at, idle = append(at, micros(t.Use.At)), append(idle, micros(t.Use.IdleAt))
		ips, agents, devices = append(ips, t.Use.IP), append(agents, t.Use.UserAgent), append(devices, t.Use.Device)
	}
	return []any{tenants, ids, at, idle, ips, agents, devices}
}
