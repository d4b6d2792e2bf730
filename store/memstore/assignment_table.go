package memstore

import (
	"slices"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

type roleKey struct {
	tenant authn.Tenant
	role   string
}

type assignmentKey struct {
	subject      authn.Subject
	role, source string
}

// assignments are kept in ascending lists by account, and who has any of a role, ended or not, by role.
type assignments struct {
	mu      sync.RWMutex
	of      map[authn.Subject][]authz.Assignment
	holders map[roleKey][]string
	// n counts the assignments.
	n int
	// expiry has those that end.
	expiry expiry[assignmentKey]
}

func newAssignments() assignments {
	return assignments{
		of:      map[authn.Subject][]authz.Assignment{},
		holders: map[roleKey][]string{},
	}
}

func (t *assignments) find(sub authn.Subject, role, source string) (authz.Assignment, bool) {
	i, found := sortedAt(t.of[sub], role, source)
	if !found {
		return authz.Assignment{}, false
	}
	return t.of[sub][i], true
}

// from counts what the subject has from the source.
func (t *assignments) from(sub authn.Subject, source string) int {
	n := 0
	for _, a := range t.of[sub] {
		if a.Source == source {
			n++
		}
	}
	return n
}

// holds reports whether the subject has an assignment of the role that has not ended.
func (t *assignments) holds(sub authn.Subject, role string, at time.Time) bool {
	list := t.of[sub]
	i, _ := sortedAt(list, role, "")
	for ; i < len(list) && list[i].Role == role; i++ {
		if list[i].Until.IsZero() || list[i].Until.After(at) {
			return true
		}
	}
	return false
}

// put stores the assignment and reports whether that changed anything.
func (t *assignments) put(sub authn.Subject, a authz.Assignment) bool {
	if !a.Until.IsZero() {
		a.Until = stamp(a.Until)
	}
	list := t.of[sub]
	i, found := sortedAt(list, a.Role, a.Source)
	if found && list[i].Until.Equal(a.Until) {
		return false
	}
	if found {
		list[i] = a
	} else {
		t.n++
		t.of[sub] = slices.Insert(list, i, a)
		k := roleKey{sub.Tenant, a.Role}
		t.holders[k] = insertSorted(t.holders[k], sub.ID)
	}
	if !a.Until.IsZero() {
		t.expiry.add(a.Until, assignmentKey{sub, a.Role, a.Source}, t.n, t.end)
	}
	return true
}

// end is when the assignment ends; one that never does is in no expiry.
func (t *assignments) end(k assignmentKey) (time.Time, bool) {
	a, found := t.find(k.subject, k.role, k.source)
	return a.Until, found && !a.Until.IsZero()
}

func (t *assignments) drop(k assignmentKey) {
	t.dropAll(k.subject, func(a authz.Assignment) bool { return a.Role == k.role && a.Source == k.source })
}

// dropAll drops what the subject has and which says, and returns how many that were.
func (t *assignments) dropAll(sub authn.Subject, which func(authz.Assignment) bool) int {
	var gone []authz.Assignment
	kept := slices.DeleteFunc(t.of[sub], func(a authz.Assignment) bool {
		drop := which(a)
		if drop {
			gone = append(gone, a)
		}
		return drop
	})
	if t.of[sub] = kept; len(kept) == 0 {
		delete(t.of, sub)
	}
	for _, a := range gone {
		t.forgetHolder(sub, a.Role)
	}
	t.n -= len(gone)
	return len(gone)
}

// forgetHolder takes the subject off the role's holders unless it has the role from another source.
func (t *assignments) forgetHolder(sub authn.Subject, role string) {
	list := t.of[sub]
	if i, _ := sortedAt(list, role, ""); i < len(list) && list[i].Role == role {
		return
	}
	k := roleKey{sub.Tenant, role}
	if t.holders[k] = removeSorted(t.holders[k], sub.ID); len(t.holders[k]) == 0 {
		delete(t.holders, k)
	}
}
