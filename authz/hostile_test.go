package authz_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// forms are patterns with stars in different places, no two of them in the same ones.
func forms(n int) []string {
	list := make([]string, n)
	for i := range list {
		segments := make([]string, 9)
		for at := range segments {
			segments[at] = map[bool]string{true: "*", false: "a"}[i>>at&1 == 1]
		}
		list[i] = strings.Join(segments, ".")
	}
	return list
}

// A decision looks up each form of pattern, of which there are so many and no more.
func TestTooManyForms(t *testing.T) {
	t.Parallel()
	all := forms(129)
	cfg := roles(map[string]authz.RoleConfig{"wide": holding(all[:127]...)})
	b := setup(t, cfg)
	for _, text := range all[:127] {
		asked := strings.ReplaceAll(text, "*", "b")
		require.True(t, b.service.Can(t.Context(), user("wide"), asked, none), asked)
		require.False(t, b.service.Can(t.Context(), user("wide"), asked[:len(asked)-1]+"c", none), asked)
	}
	define := func(permissions ...string) error {
		return b.service.DefineRole(t.Context(), operator, "acme", authz.Role{Name: "more", Permissions: permissions})
	}
	require.NoError(t, define(all[127], "a.a.a.a.a.a.a.b.a", all[1]), "the 128th form, and two that are there")
	require.True(t, b.service.Can(t.Context(), userOf("acme", "more"), strings.ReplaceAll(all[127], "*", "b"), none))
	for _, one := range []string{all[128], "!" + all[0], "a.**", "**"} {
		require.ErrorIs(t, define(all[127], one), authz.ErrTooManyForms, one)
	}
	require.NoError(t, define(all[128]), "it is counted what is left, not what was")
	cfg.Roles["more"] = holding(all[127], "!**")
	require.ErrorIs(t, authz.ValidateRoles(cfg, nil), authz.ErrTooManyForms)
}

// What one tenant stores is bounded, to the last role and permission, and a refused change changes nothing.
func TestStoredRulesAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	stored := make([]authz.Role, authz.MaxStoredRoles)
	for i := range stored {
		stored[i].Name = fmt.Sprintf("s%d", i)
		for range authz.MaxStoredPermissions / authz.MaxStoredRoles {
			stored[i].Permissions = append(stored[i].Permissions, "a.b")
			stored[i].Inherits = append(stored[i].Inherits, "viewer")
		}
	}
	b.store.seed("acme", stored...)
	require.NoError(t, b.service.Reload(t.Context(), "acme"), "as much as there may be")
	define := func(r authz.Role) error { return b.service.DefineRole(t.Context(), operator, "acme", r) }
	full := func(change func(*authz.Role)) authz.Role {
		r := authz.Role{Name: "s7", Permissions: stored[7].Permissions, Inherits: stored[7].Inherits}
		change(&r)
		return r
	}
	require.ErrorIs(t, define(authz.Role{Name: "more"}), authz.ErrTooManyRules)
	require.ErrorIs(t, define(full(func(r *authz.Role) { r.Permissions = append(r.Permissions, "a.c") })), authz.ErrTooManyRules)
	require.ErrorIs(t, define(full(func(r *authz.Role) { r.Inherits = append(r.Inherits, "editor") })), authz.ErrTooManyRules)
	require.NoError(t, define(full(func(r *authz.Role) { r.Description = strings.Repeat("x", authz.MaxDescription) })))
	require.ErrorIs(t, define(full(func(r *authz.Role) { r.Description = strings.Repeat("x", authz.MaxDescription+1) })), authz.ErrTooManyRules)
	assert.True(t, b.service.Can(t.Context(), userOf("acme", "s7"), "a.b", none))
	assert.False(t, b.service.Can(t.Context(), userOf("acme", "s7", "more"), "a.c", none))
	require.NoError(t, b.service.DefineRole(t.Context(), operator, "other", authz.Role{Name: "more"}), "another tenant's is its own")

	b.store.seed("flooded", append(stored, authz.Role{Name: "more", Permissions: []string{"a.c"}})...)
	_, err := b.service.Authorize(t.Context(), userOf("flooded", "s7"), "a.b", none)
	require.ErrorIs(t, err, authz.ErrStoredRules, "whoever stored it")
}

// chain is of so many roles, each of which inherits the one before; the first one holds end.reached.
func chain(length, permissions int) []authz.Role {
	list := make([]authz.Role, length)
	for i := range list {
		list[i].Name = fmt.Sprintf("c%d", i)
		for n := range permissions {
			list[i].Permissions = append(list[i].Permissions, fmt.Sprintf("link%d.n%d", i, n))
		}
		if i > 0 {
			list[i].Inherits = []string{list[i-1].Name}
		}
	}
	list[0].Permissions = append(list[0].Permissions, "end.reached")
	return list
}

// A long chain is compiled and decided without trouble, and one that would take a gigabyte is refused.
func TestLongChain(t *testing.T) {
	t.Parallel()
	const length = 1000
	b := setup(t, authz.Config{}, chain(length, 0)...)
	d, err := b.service.Authorize(t.Context(), authn.Principal{
		Kind: authn.KindService, Subject: authn.Subject{ID: "job"}, Roles: []string{fmt.Sprintf("c%d", length-1)},
	}, "end.reached", none)
	require.NoError(t, err)
	require.True(t, d.Allowed)
	require.Len(t, d.Path, length)

	b.store.seed("deep", chain(1000, 1)...)
	require.True(t, b.service.Can(t.Context(), userOf("deep", "c999"), "end.reached", none))
	b.store.seed("deeper", chain(authz.MaxStoredRoles, 25)[:authz.MaxStoredRoles-1]...)
	_, err = b.service.Authorize(t.Context(), userOf("deeper", "c1998"), "end.reached", none)
	require.ErrorIs(t, err, authz.ErrStoredRules)
	require.ErrorContains(t, err, "inherit less deeply")
	err = b.service.DefineRole(t.Context(), operator, "deeper", authz.Role{Name: "more"})
	require.ErrorIs(t, err, authz.ErrTooManyRules)
}

// However long a chain is, it is checked, and a circle of it is found; the error can be read.
func TestChainIsCheckedAtAnyLength(t *testing.T) {
	t.Parallel()
	const length = 100_000
	list := chain(length, 0)
	require.NoError(t, authz.ValidateRoles(authz.Config{}, list))
	list[0].Inherits = []string{list[length-1].Name}
	err := authz.ValidateRoles(authz.Config{}, list)
	require.ErrorIs(t, err, authz.ErrRoleCycle)
	assert.Less(t, len(err.Error()), 2000)
}

// Two parents on each of sixty levels are 2 to the 60th ways up, and sixty times two roles.
func TestManyWaysUp(t *testing.T) {
	t.Parallel()
	const levels = 60
	list := []authz.Role{{Name: "l0-a", Permissions: []string{"end.reached"}}, {Name: "l0-b", Permissions: []string{"!end.barred"}}}
	for i := 1; i < levels; i++ {
		up := []string{list[len(list)-2].Name, list[len(list)-1].Name}
		list = append(list, authz.Role{Name: fmt.Sprintf("l%d-a", i), Inherits: up}, authz.Role{Name: fmt.Sprintf("l%d-b", i), Inherits: up})
	}
	start := time.Now()
	b := setup(t, authz.Config{SuperuserRole: "root", DefaultRole: list[len(list)-1].Name}, list...)
	p := userOf("acme", list[len(list)-1].Name)
	require.NoError(t, b.service.DefineRole(t.Context(), operator, "acme", authz.Role{Name: "l0-a", Permissions: []string{"end.*"}}))
	for action, reason := range map[string]string{"end.reached": authz.ReasonGranted, "end.barred": authz.ReasonDenied} {
		e, err := b.service.Explain(t.Context(), p, action, none)
		require.NoError(t, err)
		assert.Equal(t, reason, e.Decision.Reason)
		assert.Len(t, e.Decision.Path, levels)
	}
	held, err := b.service.Permissions(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, []string{"!end.barred", "end.*"}, held)
	err = b.service.DefineRole(t.Context(), operator, "acme", authz.Role{Name: "l0-b", Inherits: []string{"l59-a"}})
	require.ErrorIs(t, err, authz.ErrRoleCycle)
	assert.Less(t, time.Since(start), 10*time.Second)
}

// A circle that is closed in many places at once is reported in an error that can be read.
func TestManyCirclesAreAShortError(t *testing.T) {
	t.Parallel()
	store, list := newFakeStore(), []authz.Role(nil)
	for i := range 900 {
		r := authz.Role{Name: fmt.Sprintf("%s%04d", strings.Repeat("x", 60), 9999-i)} // the last heir is the first by name
		if i > 0 {
			r.Inherits = []string{list[i-1].Name}
		}
		list = append(list, r)
	}
	store.seed("acme", list...)
	b, last := setupOn(t, store, authz.Config{}), list[0]
	for range authz.MaxStoredPermissions - authz.MaxStoredRoles {
		last.Inherits = append(last.Inherits, list[len(list)-1].Name)
	}
	err := b.service.DefineRole(t.Context(), operator, "acme", last)
	require.ErrorIs(t, err, authz.ErrRoleCycle)
	assert.Less(t, len(err.Error()), 200_000)
	require.NoError(t, b.service.DefineRole(t.Context(), operator, "acme", list[0]))
}

// Names come from tokens and stores, and may hold any bytes and be of any length: a name that no role can have is nobody's.
func TestOddNames(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	odd := []string{
		"", " ", "editor ", " editor", "Editor", "editor\x00", "\x00editor", "editor\n", "edit\u00adr", "\xff\xfe", "e\u0301ditor", "editor,owner", "!editor", "*", "**",
		"role editor", strings.Repeat("editor", 1<<16), "articles.read", "6:editor",
	}
	for _, name := range odd {
		p := user(name)
		require.False(t, b.service.Can(t.Context(), p, "articles.read", none), "%.40q", name)
		d, err := b.service.AuthorizeRoles(t.Context(), p, "editor", "viewer")
		require.NoError(t, err)
		require.False(t, d.Allowed)
		held, err := b.service.Holds(t.Context(), "", []string{name, "viewer"}, name)
		require.NoError(t, err)
		require.False(t, held)
		require.ErrorIs(t, b.service.DefineRole(t.Context(), operator, "", authz.Role{Name: name}), authz.ErrRoleName, "%.40q", name)
		if name != "*" && name != "**" {
			p = user("owner")
			p.Scopes = []string{name}
			require.Equal(t, name == "articles.read", b.service.Can(t.Context(), p, "articles.read", none), "%.40q", name)
		}
		_, err = b.service.AuthorizeRoles(t.Context(), user("owner"), name)
		require.ErrorIs(t, err, authz.ErrRoleName)
		require.Less(t, len(err.Error()), 1000)
	}
	require.True(t, b.service.Can(t.Context(), user(append(odd, "viewer")...), "articles.read", none), "it spoils nothing beside it")
}

// Of 150,000 roles and as many permissions some have the same 32 bits of hash: two among 80,000 more often than not.
// Each role holds what is its own, and nothing of the others.
func TestManyRolesAreToldApart(t *testing.T) {
	t.Parallel()
	const n = 150_000
	names, own := make([]string, n), make([]string, n)
	list := make([]authz.Role, n)
	for i := range list {
		names[i], own[i] = fmt.Sprintf("r%d", i), fmt.Sprintf("things%d.x", i)
		list[i] = authz.Role{Name: names[i], Permissions: []string{fmt.Sprintf("things%d.*", i)}}
	}
	b, w := setup(t, authz.Config{}, list...), rand.New(rand.NewPCG(4, 2))
	for i := range n {
		if other := w.IntN(n); !b.service.Can(t.Context(), user(names[i]), own[i], none) ||
			other != i && b.service.Can(t.Context(), user(names[i]), own[other], none) {
			t.Fatalf("%s and %s are mixed up", names[i], names[other])
		}
	}
}
