package sqlstore

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

const (
	assignmentsOf = `SELECT role, source, ends_at FROM authmodule_assignments WHERE tenant = ? AND subject_id = ? ORDER BY role, source`

	assignmentsFrom = `SELECT role, source, ends_at FROM authmodule_assignments WHERE tenant = ? AND subject_id = ? AND source = ?`

	// lockAssignmentsFrom is assignmentsFrom for a transaction that then changes them.
	lockAssignmentsFrom = assignmentsFrom + forUpdate

	assign = `INSERT INTO authmodule_assignments (tenant, subject_id, role, source, ends_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant, subject_id, role, source) DO UPDATE SET ends_at = excluded.ends_at
		WHERE authmodule_assignments.ends_at <> excluded.ends_at`

	unassign = `DELETE FROM authmodule_assignments WHERE tenant = ? AND subject_id = ? AND role = ?`

	unassignFrom = `DELETE FROM authmodule_assignments WHERE tenant = ? AND subject_id = ? AND role = ? AND source = ?`

	holders = `SELECT DISTINCT subject_id FROM authmodule_assignments
		WHERE tenant = ? AND role = ? AND subject_id > ? AND (ends_at = 0 OR ends_at > ?) ORDER BY subject_id LIMIT ?`
)

var deadAssignments = dead{"authmodule_assignments", "tenant, subject_id, role, source", `ends_at <> 0 AND ends_at < ?`}

// Assignments implements [authz.AssignmentStore].
func (s *Store) Assignments(ctx context.Context, sub authn.Subject) ([]authz.Assignment, error) {
	return list(ctx, s, "assignments", scanAssignment, assignmentsOf, sub.Tenant, sub.ID)
}

// Assign implements [authz.AssignmentStore].
func (s *Store) Assign(ctx context.Context, sub authn.Subject, a authz.Assignment) (bool, error) {
	n, err := s.exec(ctx, "assign role", assign, sub.Tenant, sub.ID, a.Role, a.Source, end(a.Until))
	return n == 1, err
}

// Unassign implements [authz.AssignmentStore].
func (s *Store) Unassign(ctx context.Context, sub authn.Subject, role string) (bool, error) {
	n, err := s.exec(ctx, "unassign role", unassign, sub.Tenant, sub.ID, role)
	return n > 0, err
}

// ReplaceAssignments implements [authz.AssignmentStore]. Of two of one role the last counts. Where nothing changes it only reads.
func (s *Store) ReplaceAssignments(ctx context.Context, sub authn.Subject, source string, next []authz.Assignment) (bool, error) {
	const op = "replace assignments"
	stored, err := list(ctx, s, op, scanAssignment, assignmentsFrom, sub.Tenant, sub.ID, source)
	if err != nil || len(replaceSteps(sub, source, stored, next)) == 0 {
		return false, err
	}
	var changed bool
	err = s.write(ctx, op, func(t txn) error {
		if err := t.lockSubject(ctx, lockAssignments, sub); err != nil {
			return err
		}
		stored, err := allOf(ctx, t, scanAssignment, lockAssignmentsFrom, sub.Tenant, sub.ID, source)
		if err != nil {
			return err
		}
		steps := replaceSteps(sub, source, stored, next)
		changed = len(steps) > 0
		return t.run(ctx, steps)
	}, lockAssignmentsFrom, unassignFrom, assign)
	return changed && err == nil, err
}

// replaceSteps make next of what is stored.
func replaceSteps(sub authn.Subject, source string, stored, next []authz.Assignment) []step {
	ends := make(map[string]int64, len(next))
	for _, a := range next {
		ends[a.Role] = end(a.Until)
	}
	var steps []step
	for _, a := range stored {
		switch at, stays := ends[a.Role]; {
		case !stays:
			steps = append(steps, step{unassignFrom, []any{sub.Tenant, sub.ID, a.Role, source}})
		case at == end(a.Until):
			delete(ends, a.Role)
		}
	}
	for role, at := range ends {
		steps = append(steps, step{assign, []any{sub.Tenant, sub.ID, role, source, at}})
	}
	return steps
}

// Holders implements [authz.AssignmentStore].
func (s *Store) Holders(ctx context.Context, t authn.Tenant, role string, at time.Time, after string, limit int) ([]string, error) {
	return list(ctx, s, "holders of role", scanString, holders, t, role, after, micros(at), max(limit, 0))
}

// PruneAssignments implements [authz.AssignmentStore].
func (s *Store) PruneAssignments(ctx context.Context, before time.Time) (int, error) {
	return s.prune(ctx, "prune assignments", deadAssignments, micros(before))
}

// end is when an assignment ends as it is stored, 0 for never. The first instant of 1970 is moved, so that it is no never.
func end(until time.Time) int64 {
	at := micros(until)
	if at == 0 && !until.IsZero() {
		return -1
	}
	return at
}

func scanAssignment(row scanner) (a authz.Assignment, err error) {
	err = row.Scan(&a.Role, &a.Source, instant{&a.Until})
	return a, err
}
