package authz_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

var mayRead = authz.RequirePermissions("articles.read")

// passing returns a remembered caller who has passed the guard once.
func passing(t *testing.T, s *authz.Service, p authn.Principal) authn.Principal {
	t.Helper()
	p = p.Remembering()
	d, err := s.Decide(t.Context(), &p, mayRead)
	require.NoError(t, err)
	require.True(t, d.Allowed)
	require.True(t, s.Passes(&p, mayRead))
	return p
}

// V8.3.2, item 18: what is remembered ends with the rules that decided it.
func TestRememberedEndsWithTheRules(t *testing.T) {
	t.Parallel()
	for _, tenant := range []authn.Tenant{"", "acme"} {
		b := setup(t, roles(map[string]authz.RoleConfig{"reader": holding("articles.read")}))
		ctx, p := t.Context(), passing(t, b.service, userOf(tenant, "reader"))
		define := func(permissions ...string) {
			require.NoError(t, b.service.DefineRole(ctx, operator, tenant, authz.Role{Name: "reader", Permissions: permissions}))
		}
		passes := func() bool {
			d, err := b.service.Decide(ctx, &p, mayRead)
			require.NoError(t, err)
			require.Equal(t, d.Allowed, b.service.Passes(&p, mayRead))
			return d.Allowed
		}
		define()
		assert.False(t, passes())
		define("articles.**")
		assert.True(t, passes())
		define("articles.**", "!*.read")
		assert.False(t, passes())
		require.NoError(t, b.service.DeleteRole(ctx, operator, tenant, "reader"))
		assert.True(t, passes(), "the configured role applies again")
		b.store.seed(tenant, authz.Role{Name: "reader"})
		assert.True(t, passes(), "nobody has told this node")
		require.NoError(t, b.service.Reload(ctx, tenant))
		assert.False(t, passes())
	}
}

// POL-04: what was decided for one principal, tenant, credential or service says nothing about another.
func TestRememberedIsForTheSamePrincipalAlone(t *testing.T) {
	t.Parallel()
	cfg := roles(map[string]authz.RoleConfig{"reader": holding("articles.read"), "writer": holding("articles.write")})
	b, other := setup(t, cfg), setup(t, authz.Config{})
	p := passing(t, b.service, userOf("acme", "reader"))
	require.NoError(t, b.service.DefineRole(t.Context(), operator, "globex", authz.Role{Name: "reader"}))

	changed := func(change func(*authn.Principal)) bool {
		q := p
		change(&q)
		return b.service.Passes(&q, mayRead)
	}
	assert.True(t, changed(func(*authn.Principal) {}))
	assert.False(t, changed(func(q *authn.Principal) { q.Roles = nil }))
	assert.False(t, changed(func(q *authn.Principal) { q.Roles = []string{"writer"} }))
	assert.False(t, changed(func(q *authn.Principal) { q.Roles = q.Roles[:0] }))
	assert.False(t, changed(func(q *authn.Principal) { q.Scopes = []string{} }))
	assert.False(t, changed(func(q *authn.Principal) { q.Scopes = []string{"articles.write"} }))
	assert.False(t, changed(func(q *authn.Principal) { q.Kind = authn.KindAnonymous }))
	assert.False(t, changed(func(q *authn.Principal) { q.Subject.ID = "" }))
	assert.False(t, changed(func(q *authn.Principal) { q.Subject.Tenant = "globex" }))
	assert.False(t, other.service.Passes(&p, mayRead))
	assert.False(t, b.service.Passes(&p, authz.RequirePermissions("articles.write")))
	assert.True(t, b.service.Passes(&p, mayRead))
}

// Names of roles may come from elsewhere, and hold anything.
func TestRememberedTellsListsApart(t *testing.T) {
	t.Parallel()
	b := setup(t, roles(map[string]authz.RoleConfig{"a": holding("articles.read"), "b": holding("articles.read")}))
	passing(t, b.service, user("a", "b"))
	passing(t, b.service, user("a"))
	for _, list := range [][]string{{"a b"}, {"a\nb"}, {"1:a1:b"}, {"", "x"}, {"1:a"}} {
		p := user(list...).Remembering()
		assert.False(t, b.service.Passes(&p, mayRead), "%q", list)
	}
}

// Guards that are made after a principal was first remembered are remembered as well.
func TestRememberedWithManyGuards(t *testing.T) {
	t.Parallel()
	b := setup(t, roles(map[string]authz.RoleConfig{"reader": holding("articles.**")}))
	p := passing(t, b.service, user("reader"))
	for i := range 300 {
		allowed, denied := authz.RequirePermissions(fmt.Sprintf("articles.a%d", i)), authz.RequirePermissions(fmt.Sprintf("bills.a%d", i))
		for range 2 {
			require.True(t, b.service.Passes(&p, allowed))
			require.False(t, b.service.Passes(&p, denied))
		}
	}
}

// No change is overtaken by what is remembered meanwhile.
func TestRememberedWhileRulesChange(t *testing.T) {
	t.Parallel()
	b := setup(t, roles(map[string]authz.RoleConfig{"reader": holding("articles.read")}))
	ctx, p := t.Context(), passing(t, b.service, user("reader"))
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					b.service.Passes(&p, mayRead)
					_, _ = b.service.Decide(ctx, &p, mayRead)
				}
			}
		})
	}
	for i := range 200 {
		r := authz.Role{Name: "reader"}
		if i%2 == 1 {
			r.Permissions = []string{"articles.read"}
		}
		require.NoError(t, b.service.DefineRole(ctx, operator, "", r))
		require.Equal(t, i%2 == 1, b.service.Can(ctx, p, "articles.read", none))
		if i%2 == 0 {
			require.False(t, b.service.Passes(&p, mayRead))
		}
	}
	close(done)
	readers.Wait()
}
