package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

// logins opens n sessions a second apart, and returns how many are live then.
func (f *fixture) logins(t *testing.T, s authn.Subject, n int, roles ...string) int {
	t.Helper()
	for range n {
		f.now = f.now.Add(time.Second)
		_, _, err := f.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: s, Time: f.now}, Carrier: authn.CarrierToken, Roles: roles})
		require.NoError(t, err)
	}
	list, err := f.List(t.Context(), s)
	require.NoError(t, err)
	return len(list)
}

func TestLimitOfRolesAndTenants(t *testing.T) {
	t.Parallel()
	cfg := session.Config{
		MaxPerUser: 5,
		Roles:      map[string]session.LimitRule{"kiosk": {MaxPerUser: 1}, "admin": {MaxPerUser: 2}, "vip": {MaxPerUser: 50}, "any": {}},
		Tenants:    map[string]session.LimitRule{"acme": {MaxPerUser: 3}},
	}
	for _, c := range []struct {
		name     string
		tenant   authn.Tenant
		roles    []string
		expected int
	}{
		{"everybody", "", nil, 5},
		{"a role that adds nothing", "", []string{"any"}, 5},
		{"a higher limit does not raise", "", []string{"vip"}, 5},
		{"a role", "", []string{"admin"}, 2},
		{"the lowest of several", "", []string{"vip", "admin", "kiosk"}, 1},
		{"a tenant", "acme", []string{"vip"}, 3},
		{"a tenant and a role", "acme", []string{"admin"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, cfg)
			assert.Equal(t, c.expected, f.logins(t, authn.Subject{Tenant: c.tenant, ID: "ada"}, 8, c.roles...))
		})
	}
	unlimited := newFixture(t, session.Config{Roles: map[string]session.LimitRule{"admin": {MaxPerUser: 1}}})
	assert.Equal(t, 8, unlimited.logins(t, ada, 8))
}

// A lower limit takes effect with the next login: as many end as are too many.
func TestLoweringTheLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{MaxPerUser: 10})
	require.Equal(t, 10, f.logins(t, ada, 10))
	lower := newFixtureOf(t, session.Config{MaxPerUser: 3}, func(d *session.Deps) { d.Store = f.store })
	lower.now = f.now
	assert.Equal(t, 3, lower.logins(t, ada, 1))

	for policy, expected := range map[session.LimitPolicy]error{session.Refuse: authn.ErrSessionLimit, session.Ask: authn.ErrSessionChoice} {
		strict := newFixtureOf(t, session.Config{MaxPerUser: 2, OnLimit: policy}, func(d *session.Deps) { d.Store = f.store })
		strict.now = lower.now
		_, _, err := strict.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: strict.now}, Carrier: authn.CarrierToken})
		require.ErrorIs(t, err, expected)
		require.ErrorIs(t, err, authn.ErrSessionLimit)
		assert.Equal(t, 3, len(ids(t, strict)), "nothing ended")
	}
}

func ids(t *testing.T, f *fixture) []string {
	t.Helper()
	list, err := f.List(t.Context(), ada)
	require.NoError(t, err)
	var ids []string
	for _, info := range list {
		ids = append(ids, info.ID)
	}
	return ids
}

// The session that was used longest ago goes: where sessions are limited, a use is stored within two seconds.
func TestEvictionGoesByTheLastUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := node(t, memstore.New(), session.Config{MaxPerUser: 2})
		used := cookieOf(t, m)
		time.Sleep(time.Second)
		idle := cookieOf(t, m)
		time.Sleep(time.Minute)
		require.NoError(t, resume(t, m, used))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		cookieOf(t, m)
		require.NoError(t, resume(t, m, used))
		require.ErrorIs(t, resume(t, m, idle), authn.ErrSessionEnded)
	})
}

func TestSessionsOfATenant(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	expected := map[string]bool{}
	for _, id := range []string{"ada", "bob", "eve"} {
		for range 3 {
			opened, _ := f.open(t, authn.Subject{Tenant: "acme", ID: id}, authn.CarrierCookie)
			expected[opened.ID] = true
		}
	}
	f.open(t, ada, authn.CarrierCookie)
	after, got, pages := "", map[string]bool{}, 0
	for {
		page, next, err := f.InTenant(t.Context(), "acme", after, 4)
		require.NoError(t, err)
		for _, info := range page {
			got[info.ID] = true
			assert.Equal(t, authn.Tenant("acme"), info.Subject.Tenant)
		}
		pages++
		if after = next; next == "" {
			break
		}
	}
	assert.Equal(t, expected, got)
	assert.Equal(t, 3, pages)

	for id := range expected {
		require.ErrorIs(t, f.RevokeIn(t.Context(), "", id), authn.ErrNotFound, "another tenant's")
		require.NoError(t, f.RevokeIn(t.Context(), "acme", id))
		require.ErrorIs(t, f.RevokeIn(t.Context(), "acme", id), authn.ErrNotFound)
	}
	page, _, err := f.InTenant(t.Context(), "acme", "", 1000)
	require.NoError(t, err)
	assert.Empty(t, page)
	n, err := f.RevokeAll(t.Context(), ada)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

// A session of a revocation log that was lost keeps nobody out: it is dead, whatever the store says.
func TestSessionOfALostLogTakesNoPlace(t *testing.T) {
	t.Parallel()
	f := newFixtureOf(t, session.Config{MaxPerUser: 1, OnLimit: session.Refuse}, func(d *session.Deps) {
		view, err := authn.NewRevocations(authn.RevocationConfig{}, authn.RevocationDeps{Store: memstore.New()})
		require.NoError(t, err)
		d.Revocations = view
	})
	opening := authn.Opening{Proof: authn.Proof{Subject: ada, Time: f.now}, Carrier: authn.CarrierCookie, Epoch: 1000}
	_, lost, err := f.Open(t.Context(), opening)
	require.NoError(t, err)
	require.ErrorIs(t, f.resume(t, lost), authn.ErrSessionEnded)
	opening.Epoch = 0
	_, cookie, err := f.Open(t.Context(), opening)
	require.NoError(t, err)
	require.NoError(t, f.resume(t, cookie))
	_, _, err = f.Open(t.Context(), opening)
	require.ErrorIs(t, err, authn.ErrSessionLimit)
}
