package memstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// Assignments implements [authz.AssignmentStore].
func (s *Store) Assignments(ctx context.Context, sub authn.Subject) ([]authz.Assignment, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.assignments.mu.RLock()
	defer s.assignments.mu.RUnlock()
	return append([]authz.Assignment{}, s.assignments.of[sub]...), nil
}

// Assign implements [authz.AssignmentStore].
func (s *Store) Assign(ctx context.Context, sub authn.Subject, a authz.Assignment) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	t := &s.assignments
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.find(sub, a.Role, a.Source); !known && t.n >= s.records {
		return false, ErrFull
	}
	return t.put(sub, a), nil
}

// Unassign implements [authz.AssignmentStore].
func (s *Store) Unassign(ctx context.Context, sub authn.Subject, role string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	t := &s.assignments
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dropAll(sub, func(a authz.Assignment) bool { return a.Role == role }) > 0, nil
}

// ReplaceAssignments implements [authz.AssignmentStore]. Of two of one role the last counts.
func (s *Store) ReplaceAssignments(ctx context.Context, sub authn.Subject, source string, list []authz.Assignment) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	next := make(map[string]authz.Assignment, len(list))
	for _, a := range list {
		a.Source = source
		next[a.Role] = a
	}
	t := &s.assignments
	t.mu.Lock()
	defer t.mu.Unlock()
	if growth := len(next) - t.from(sub, source); growth > 0 && t.n+growth > s.records {
		return false, ErrFull
	}
	changed := t.dropAll(sub, func(a authz.Assignment) bool {
		_, stays := next[a.Role]
		return a.Source == source && !stays
	}) > 0
	for _, a := range next {
		changed = t.put(sub, a) || changed
	}
	return changed, nil
}

// Holders implements [authz.AssignmentStore].
func (s *Store) Holders(ctx context.Context, t authn.Tenant, role string, at time.Time, after string, limit int) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.assignments.mu.RLock()
	defer s.assignments.mu.RUnlock()
	ids, all := []string{}, s.assignments.holders[roleKey{t, role}]
	for _, id := range page(all, after, len(all)) {
		if len(ids) >= limit {
			break
		}
		if s.assignments.holds(authn.Subject{Tenant: t, ID: id}, role, stamp(at)) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// PruneAssignments implements [authz.AssignmentStore].
func (s *Store) PruneAssignments(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	t := &s.assignments
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.expiry.prune(stamp(before), t.end, t.drop), nil
}

func compareAssignments(a, b authz.Assignment) int {
	return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Source, b.Source))
}

func sortedAt(list []authz.Assignment, role, source string) (int, bool) {
	return slices.BinarySearchFunc(list, authz.Assignment{Role: role, Source: source}, compareAssignments)
}
