package authz_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// change changes something, in the service and in what the reference knows, and holds the outcome of one to the other's.
func (w *world) change(t *testing.T) {
	t.Helper()
	tenant := worldTenants[w.IntN(len(worldTenants))]
	switch w.IntN(9) {
	case 0, 1, 2:
		w.defineRole(t, tenant)
	case 3:
		name := w.of(append(slices.Sorted(maps.Keys(w.stored[tenant])), w.name(), w.name())...)
		got, expected := w.service.DeleteRole(t.Context(), operator, tenant, name), w.remove(tenant, name)
		w.agree(t, expected, got, "delete %s", name)
		if expected == nil || errors.Is(expected, authz.ErrUnknownRole) {
			w.release(tenant, name)
		}
	case 4, 8:
		w.definePolicy(t, tenant)
	case 5:
		w.deletePolicy(t, tenant)
	case 6:
		w.assign(t, tenant)
	default:
		w.now = w.now.Add(time.Duration(w.IntN(90)) * time.Minute)
	}
	w.sameRoles(t, tenant)
	w.recall(t)
}

// release takes a role that is gone from everybody, unless configuration or code define it.
func (w *world) release(tenant authn.Tenant, name string) {
	if _, there := w.role(tenant, name); there {
		return
	}
	for subject, list := range w.assigned {
		if subject.Tenant == tenant {
			w.assigned[subject] = slices.DeleteFunc(slices.Clone(list), func(a authz.Assignment) bool { return a.Role == name })
		}
	}
}

func (w *world) agree(t *testing.T, expected, got error, format string, args ...any) {
	t.Helper()
	if expected == nil {
		require.NoError(t, got, format, args)
		return
	}
	w.refused[expected]++
	require.ErrorIs(t, got, expected, format, args)
}

// parents are the names that a role may inherit without a circle, if they are defined.
func (w *world) parents(name string) []string {
	var lower []string
	if w.superuser != "" && w.one(4) {
		lower = append(lower, w.superuser)
	}
	for i := range worldRoles {
		if other := fmt.Sprintf("r%d", i); other != name || w.one(10) {
			lower = append(lower, other)
		} else if !w.one(5) {
			break
		}
	}
	return lower
}

func (w *world) defineRole(t *testing.T, tenant authn.Tenant) {
	t.Helper()
	name := w.of(w.name(), w.name(), w.name(), w.defaultRole, cmp.Or(w.superuser, "r4"))
	role := w.newRole(name, w.parents(name))
	expected := w.define(tenant, role)
	if expected == nil && w.one(4) { // as another process does
		w.store.seed(tenant, role)
		require.NoError(t, w.service.Reload(t.Context(), tenant))
		return
	}
	w.agree(t, expected, w.service.DefineRole(t.Context(), operator, tenant, role), "define %v", role)
}

func (w *world) definePolicy(t *testing.T, tenant authn.Tenant) {
	t.Helper()
	name, text, all := w.of("one", "two", "three"), "", []saying(nil)
	for range 1 + w.IntN(5) {
		if s := w.newSaying(tenant, w.known(tenant)); s.id != "" && !slices.ContainsFunc(all, func(o saying) bool { o.id = s.id; return o == s }) {
			all, text = append(all, s), text+s.cedar()
		}
	}
	if len(all) == 0 {
		return
	}
	require.NoError(t, w.service.DefinePolicy(t.Context(), operator, tenant, authz.PolicyText{Name: name, Format: authz.FormatCedar, Text: text}))
	w.storedPolicies[tenant][name] = all
}

func (w *world) deletePolicy(t *testing.T, tenant authn.Tenant) {
	t.Helper()
	name, expected := w.of("one", "two", "three"), error(nil)
	if _, there := w.storedPolicies[tenant][name]; !there {
		expected = authz.ErrUnknownPolicy
	}
	w.agree(t, expected, w.service.DeletePolicy(t.Context(), operator, tenant, name), "delete policies")
	delete(w.storedPolicies[tenant], name)
}

// known are the names of all roles of the tenant, ascending.
func (w *world) known(tenant authn.Tenant) []string {
	var names []string
	for name := range w.stored[tenant] {
		names = append(names, name)
	}
	for _, source := range []map[string]authz.Role{w.config, w.code} {
		names = slices.AppendSeq(names, maps.Keys(source))
	}
	for _, name := range []string{w.defaultRole, w.admin, w.superuser} {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (w *world) sameRoles(t *testing.T, tenant authn.Tenant) {
	t.Helper()
	all, err := w.service.Roles(t.Context(), tenant)
	require.NoError(t, err)
	names := make([]string, len(all))
	for i, got := range all {
		names[i] = got.Name
		expected, _ := w.role(tenant, got.Name)
		require.Equal(t, expected, got)
	}
	require.Equal(t, w.known(tenant), names)
}

func subjectOf(tenant authn.Tenant, n int) authn.Subject {
	return authn.Subject{Tenant: tenant, ID: fmt.Sprintf("u%d", n)}
}

func (w *world) assign(t *testing.T, tenant authn.Tenant) {
	t.Helper()
	subject, a := subjectOf(tenant, w.IntN(worldSubjects)), authz.Assignment{Role: w.name()}
	if w.one(2) {
		a.Until = w.now.Add(time.Duration(w.IntN(240)-20) * time.Minute)
	}
	list := slices.DeleteFunc(slices.Clone(w.assigned[subject]), func(old authz.Assignment) bool { return old.Role == a.Role })
	if w.one(4) {
		require.NoError(t, w.service.Unassign(t.Context(), operator, subject, a.Role))
		w.assigned[subject] = list
		return
	}
	var expected error
	if _, defined := w.role(tenant, a.Role); !defined {
		expected = authz.ErrUnknownRole
	}
	if !a.Until.IsZero() && !a.Until.After(w.now) {
		expected = authz.ErrEnded
	}
	w.agree(t, expected, w.service.AssignUntil(t.Context(), operator, subject, a.Role, a.Until), "assign %v", a)
	if expected == nil {
		w.assigned[subject] = append(list, a)
	}
}

// recall makes callers of all accounts with what they are assigned now.
func (w *world) recall(t *testing.T) {
	t.Helper()
	for _, tenant := range worldTenants {
		for n := range worldSubjects {
			subject := subjectOf(tenant, n)
			roles, until, err := w.service.RolesOf(t.Context(), subject)
			require.NoError(t, err)
			expected, ends := w.rolesOf(subject)
			require.Equal(t, expected, roles)
			require.Equal(t, ends, until)
			if n := w.IntN(len(w.callers) + 1); n == len(w.callers) || w.one(3) {
				w.call(authn.Principal{Kind: authn.KindUser, Subject: subject, Roles: roles})
			}
		}
	}
	w.call(authn.Principal{Subject: authn.Subject{Tenant: worldTenants[w.IntN(3)], ID: w.of("u1", "u2", "")}, Roles: w.names(3)})
}

// call adds a caller, or puts it in the place of another one.
func (w *world) call(p authn.Principal) {
	switch w.IntN(12) {
	case 0:
		p.Kind = authn.KindAnonymous
	case 1, 2:
		p.Kind = authn.KindService
	default:
		p.Kind = authn.KindUser
	}
	if w.one(2) {
		p.Roles = append(w.names(4), w.of("", "R1", "r1 ", "no.role", "viewer", "admin", "root"))
	}
	if w.one(3) {
		p.Scopes = w.scopes()
	}
	if w.IntN(3) > 0 {
		p = p.Remembering()
	}
	if len(w.callers) < 40 {
		w.callers = append(w.callers, p)
		return
	}
	w.callers[w.IntN(len(w.callers))] = p
}
