package authz_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// oracle decides by plain recursion over the definitions.
type oracle struct {
	superuser string
	roles     map[string]authz.Role
}

func (o oracle) has(role, wanted string) bool {
	r, defined := o.roles[role]
	return defined && (role == wanted || slices.ContainsFunc(r.Inherits, func(parent string) bool { return o.has(parent, wanted) }))
}

func (o oracle) grants(role, permission string) bool {
	r, defined := o.roles[role]
	return defined && (slices.ContainsFunc(r.Permissions, func(held string) bool { return matches(held, permission) }) ||
		slices.ContainsFunc(r.Inherits, func(parent string) bool { return o.grants(parent, permission) }))
}

func (o oracle) isSuperuser(assigned []string) bool {
	return o.superuser != "" && slices.ContainsFunc(assigned, func(r string) bool { return o.has(r, o.superuser) })
}

func (o oracle) authorize(assigned []string, permission string) bool {
	return o.isSuperuser(assigned) || slices.ContainsFunc(assigned, func(r string) bool { return o.grants(r, permission) })
}

func (o oracle) authorizeRoles(assigned, anyOf []string) bool {
	return o.isSuperuser(assigned) || slices.ContainsFunc(assigned, func(r string) bool {
		return slices.ContainsFunc(anyOf, func(wanted string) bool { return o.has(r, wanted) })
	})
}

// nearest is the first role that grants the permission, and how far from it the role is that holds it: by name, or
// else by the most exact pattern.
func (o oracle) nearest(assigned []string, permission string) string {
	resource, action, _ := strings.Cut(permission, ".")
	for _, role := range assigned {
		for _, held := range []string{permission, resource + ".*", "*." + action, "*.*"} {
			if d := o.distance(role, held); d >= 0 {
				return fmt.Sprint(role, " ", d)
			}
		}
	}
	return "nobody"
}

// distance is how many steps of inheritance lead to who holds exactly this, or -1.
func (o oracle) distance(role, held string) int {
	level := []string{role}
	for d := 0; len(level) > 0; d++ {
		var next []string
		for _, name := range level {
			if slices.Contains(o.roles[name].Permissions, held) {
				return d
			}
			next = append(next, o.roles[name].Inherits...)
		}
		slices.Sort(next)
		level = slices.Compact(next)
	}
	return -1
}

func matches(held, permission string) bool {
	h, p := strings.Split(held, "."), strings.Split(permission, ".")
	return (h[0] == "*" || h[0] == p[0]) && (h[1] == "*" || h[1] == p[1])
}

// world makes up roles, and whom to ask about.
type world struct{ *rand.Rand }

func (w world) oneOf(list ...string) string { return list[w.IntN(len(list))] }

func (w world) segment() string {
	return w.oneOf("a", "b", "c", "A", "aa", "a_b", "a-b", "users", "user")
}

func (w world) permission() string { return w.segment() + "." + w.segment() }

func (w world) pattern() string {
	switch w.IntN(24) {
	case 0:
		return "*.*"
	case 1, 2, 3:
		return w.segment() + ".*"
	case 4, 5, 6:
		return "*." + w.segment()
	default:
		return w.permission()
	}
}

// some returns up to n names, unknown ones and repeated ones among them.
func (w world) some(n, of int) []string {
	list := make([]string, w.IntN(n+1))
	for i := range list {
		list[i] = fmt.Sprintf("r%d", w.IntN(of))
	}
	return list
}

// role i inherits only roles with a lower number.
func (w world) role(i int) authz.Role {
	r := authz.Role{Name: fmt.Sprintf("r%d", i)}
	for range w.IntN(4) {
		r.Permissions = append(r.Permissions, w.pattern())
	}
	if i > 0 {
		r.Inherits = w.some(2, i)
	}
	return r
}

// REL-31, in small: the service agrees with the oracle, whichever source a role comes from.
func TestOracleAgrees(t *testing.T) {
	t.Parallel()
	const worlds, questions = 60, 1000
	w := world{rand.New(rand.NewPCG(20261123, 7))}
	allowed, denied := 0, 0
	for range worlds {
		b, o, count := w.build(t)
		for n := range questions {
			assigned, permission, anyOf := w.some(3, count+2), w.permission(), append(w.some(2, count+2), "r0")
			p := userOf("acme", assigned...)
			d, err := b.service.Authorize(t.Context(), p, permission, none)
			require.NoError(t, err)
			require.Equal(t, o.authorize(assigned, permission), d.Allowed, "%v asks for %s of %v", assigned, permission, o.roles)
			o.checkPath(t, assigned, d)
			if d.Reason == authz.ReasonGranted {
				require.Equal(t, o.nearest(assigned, permission), d.Path[0]+" "+fmt.Sprint(len(d.Path)-1))
				require.True(t, slices.ContainsFunc(o.roles[d.Role].Permissions, func(h string) bool { return matches(h, permission) }))
			}
			byRole, err := b.service.AuthorizeRoles(t.Context(), p, anyOf...)
			require.NoError(t, err)
			require.Equal(t, o.authorizeRoles(assigned, anyOf), byRole.Allowed, "%v asks for role %v of %v", assigned, anyOf, o.roles)
			o.checkPath(t, assigned, byRole)
			if n%4 == 0 {
				w.checkPrepared(t, b.service, p, authz.RequirePermissions(permission), answer{d, err})
				w.checkPrepared(t, b.service, p, authz.RequireRoles(anyOf...), answer{byRole, err})
				w.checkScoped(t, b.service, p, permission)
			}
			if d.Allowed {
				allowed++
			} else {
				denied++
			}
		}
	}
	require.Greater(t, min(allowed, denied), worlds*questions/10, "the questions are not one-sided")
}

type answer struct {
	authz.Decision
	err error
}

// same compares all but the IDs, of which each denial has its own.
func (a answer) same(t *testing.T, b answer) {
	t.Helper()
	require.Equal(t, a.ID == "", b.ID == "")
	a.ID, b.ID = "", ""
	require.Equal(t, a, b)
}

// checkPrepared holds a prepared requirement to what the names decide.
func (w world) checkPrepared(t *testing.T, s *authz.Service, p authn.Principal, r authz.Requirement, expected answer) {
	t.Helper()
	d, err := s.Decide(t.Context(), &p, r)
	expected.same(t, answer{d, err})
	require.Equal(t, expected.Allowed, s.Passes(&p, r))
}

// checkScoped asks for two permissions with scopes, some of which are malformed, and holds the answer to those about each alone.
func (w world) checkScoped(t *testing.T, s *authz.Service, p authn.Principal, permission string) {
	t.Helper()
	p.Scopes = []string{w.oneOf(w.pattern(), "", "a", "*"), w.pattern()}
	other := w.permission()
	covered := func(permission string) bool {
		return slices.ContainsFunc(p.Scopes, func(s string) bool { return strings.Count(s, ".") == 1 && matches(s, permission) })
	}
	unlimited := p
	unlimited.Scopes = nil
	both := covered(permission) && covered(other)
	d, err := s.AuthorizeScopes(t.Context(), p, permission, other)
	require.NoError(t, err)
	require.Equal(t, both, d.Allowed, "%v covers %s and %s", p.Scopes, permission, other)
	w.checkPrepared(t, s, p, authz.RequireScopes(permission, other), answer{d, err})

	d, err = every(t.Context(), s, p, permission, other)
	require.NoError(t, err)
	require.Equal(t, both && s.Can(t.Context(), unlimited, permission, none) && s.Can(t.Context(), unlimited, other, none), d.Allowed)
	w.checkPrepared(t, s, p, authz.RequirePermissions(permission, other), answer{d, err})
}

// build puts each role in one of the sources, some of them over another definition.
func (w world) build(t *testing.T) (bundle, oracle, int) {
	t.Helper()
	count := 1 + w.IntN(30)
	o := oracle{roles: map[string]authz.Role{}}
	if w.IntN(3) == 0 {
		o.superuser = fmt.Sprintf("r%d", w.IntN(count))
	}
	cfg := authz.Config{SuperuserRole: o.superuser, Roles: map[string]authz.RoleConfig{}}
	store, extra := newFakeStore(), []authz.Role(nil)
	for i := range count {
		hidden, r := w.role(i), w.role(i)
		o.roles[r.Name] = r
		switch w.IntN(4) {
		case 0:
			extra = append(extra, r)
		case 1:
			extra = append(extra, hidden)
			cfg.Roles[r.Name] = authz.RoleConfig{Permissions: r.Permissions, Inherits: r.Inherits}
		default:
			// What inherits from a stored role must be found without the store as well.
			cfg.Roles[r.Name] = authz.RoleConfig{Permissions: hidden.Permissions, Inherits: hidden.Inherits}
			store.seed("acme", r)
		}
	}
	return setupOn(t, store, cfg, extra...), o, count
}

// checkPath holds a grant to a way that exists, from an assigned role to the one named.
func (o oracle) checkPath(t *testing.T, assigned []string, d authz.Decision) {
	t.Helper()
	if !d.Allowed {
		require.Nil(t, d.Path)
		return
	}
	require.Contains(t, assigned, d.Path[0])
	require.Equal(t, d.Role, d.Path[len(d.Path)-1])
	for i := 1; i < len(d.Path); i++ {
		require.Contains(t, o.roles[d.Path[i-1]].Inherits, d.Path[i])
	}
	require.Equal(t, d.Reason == authz.ReasonSuperuser, o.superuser != "" && d.Role == o.superuser && o.isSuperuser(assigned))
}

// A long chain is compiled and decided without trouble.
func TestLongChain(t *testing.T) {
	t.Parallel()
	const length = 400
	cfg := authz.Config{Roles: map[string]authz.RoleConfig{"c0": holding("end.reached")}}
	for i := 1; i < length; i++ {
		cfg.Roles[fmt.Sprintf("c%d", i)] = inheriting(fmt.Sprintf("c%d", i-1))
	}
	b := setup(t, cfg)
	d, err := b.service.Authorize(t.Context(), authn.Principal{
		Kind: authn.KindService, Subject: authn.Subject{ID: "job"}, Roles: []string{fmt.Sprintf("c%d", length-1)},
	}, "end.reached", none)
	require.NoError(t, err)
	require.True(t, d.Allowed)
	require.Len(t, d.Path, length)
}
