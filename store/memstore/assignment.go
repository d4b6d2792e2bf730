package memstore

import (
	"context"
	"slices"
	"sync"

	"github.com/authmodule/authmodule/authn"
)

type roleKey struct {
	tenant authn.Tenant
	role   string
}

// assignments holds each pair twice, in ascending lists: by account and by role.
type assignments struct {
	mu      sync.RWMutex
	roles   map[authn.Subject][]string
	holders map[roleKey][]string
}

func newAssignments() assignments {
	return assignments{
		roles:   map[authn.Subject][]string{},
		holders: map[roleKey][]string{},
	}
}

func (a *assignments) has(sub authn.Subject, role string) bool {
	_, found := slices.BinarySearch(a.roles[sub], role)
	return found
}

// Assignments implements [authz.AssignmentStore].
func (s *Store) Assignments(ctx context.Context, sub authn.Subject) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.assignments.mu.RLock()
	defer s.assignments.mu.RUnlock()
	return append([]string{}, s.assignments.roles[sub]...), nil
}

// Assign implements [authz.AssignmentStore].
func (s *Store) Assign(ctx context.Context, sub authn.Subject, role string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	a := &s.assignments
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.has(sub, role) {
		return false, nil
	}
	k := roleKey{sub.Tenant, role}
	a.roles[sub] = insertSorted(a.roles[sub], role)
	a.holders[k] = insertSorted(a.holders[k], sub.ID)
	return true, nil
}

// Unassign implements [authz.AssignmentStore].
func (s *Store) Unassign(ctx context.Context, sub authn.Subject, role string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	a := &s.assignments
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.has(sub, role) {
		return false, nil
	}
	k := roleKey{sub.Tenant, role}
	a.roles[sub] = removeSorted(a.roles[sub], role)
	a.holders[k] = removeSorted(a.holders[k], sub.ID)
	if len(a.roles[sub]) == 0 {
		delete(a.roles, sub)
	}
	if len(a.holders[k]) == 0 {
		delete(a.holders, k)
	}
	return true, nil
}

// Holders implements [authz.AssignmentStore].
func (s *Store) Holders(ctx context.Context, t authn.Tenant, role, after string, limit int) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.assignments.mu.RLock()
	defer s.assignments.mu.RUnlock()
	list := page(s.assignments.holders[roleKey{t, role}], after, limit)
	return append([]string{}, list...), nil
}
