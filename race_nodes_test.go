package authmodule_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// appsOverStore are applications that share keys and one store, each with its own graph, clock and, for a database, pool.
type appsOverStore []*fxtest.App

func newAppsOverStore(t *testing.T, driver string, change func(*authmodule.Config)) appsOverStore {
	t.Helper()
	shared, place := fx.Options(), storeOf(t, driver)
	if driver == "memory" {
		store := memstore.New()
		use := func() *memstore.Store { return store }
		shared = fx.Options(
			authmodule.UseUserStore(use), authmodule.UsePasswordStore(use), authmodule.UseRevocationStore(use), authmodule.UseOneTimeStore(use), authmodule.UseCounterStore(use),
			authmodule.UseAPIKeyStore(use), authmodule.UseSessionStore(use), authmodule.UseRuleStore(use), authmodule.UseAssignmentStore(use),
		)
	}
	var nodes appsOverStore
	for range 3 {
		nodes = append(nodes, fxtest.NewConfigured(t, func(c *authmodule.Config) {
			c.JWT.SecretKey = "one secret for all nodes of this test"
			c.Store = place
			change(c)
		}, shared))
	}
	nodes.sameTime()
	return nodes
}

// login opens a session at the first node.
func (c appsOverStore) login(t *testing.T) authn.Grant {
	t.Helper()
	return c[0].Grant(authn.Principal{Subject: c[0].User().Subject})
}

type redemption struct {
	grant authn.Grant
	err   error
}

// refresh uses one token uses times at once, in turn at each node. A
// goroutine makes more than one call where fewer may live.
func (c appsOverStore) refresh(t *testing.T, token setting.Secret, uses int) []redemption {
	t.Helper()
	results := make([]redemption, uses)
	callers := min(uses, atOnce)
	race(callers, func(caller int) struct{} {
		for use := caller; use < uses; use += callers {
			results[use].grant, results[use].err = c[use%len(c)].Users.Refresh(t.Context(), token, authn.Client{})
		}
		return struct{}{}
	})
	return results
}

// raceWithoutGrace requires exactly one success, a reuse that was reported, and that nothing of the session lives at any node.
func (c appsOverStore) raceWithoutGrace(t *testing.T, uses int) {
	t.Helper()
	grant := c.login(t)
	var winners []authn.Grant
	for _, r := range c.refresh(t, grant.RefreshToken, uses) {
		if r.err == nil {
			winners = append(winners, r.grant)
			continue
		}
		require.True(t, errors.Is(r.err, authn.ErrRefreshReused) || errors.Is(r.err, authn.ErrRefreshInvalid), "%v", r.err)
	}
	require.Len(t, winners, 1, "exactly one success")
	for _, node := range c {
		for _, g := range []authn.Grant{grant, winners[0]} {
			_, err := node.Users.Refresh(t.Context(), g.RefreshToken, authn.Client{})
			require.ErrorIs(t, err, authn.ErrRefreshInvalid)
			_, err = node.Users.AuthenticateToken(t.Context(), g.AccessToken, authn.Client{})
			require.ErrorIs(t, err, authn.ErrSessionEnded)
		}
		live, err := node.SessionManager.List(t.Context(), grant.Session.Subject)
		require.NoError(t, err)
		require.Empty(t, live)
	}
	require.Positive(t, c.reuses(grant.Session.ID))
}

// reuses counts how often a node told of a reuse of the session.
func (c appsOverStore) reuses(session string) int {
	count := 0
	for _, node := range c {
		for _, e := range node.Events(audit.RefreshReused) {
			if e.SessionID == session {
				count++
			}
		}
	}
	return count
}

// raceInGrace requires that all get one and the same child, which every node takes, and that no session ends.
func (c appsOverStore) raceInGrace(t *testing.T, uses int) {
	t.Helper()
	grant := c.login(t)
	children := map[setting.Secret]int{}
	for _, r := range c.refresh(t, grant.RefreshToken, uses) {
		require.NoError(t, r.err)
		children[r.grant.RefreshToken]++
	}
	require.Len(t, children, 1, "one distinct child")
	require.NotContains(t, children, grant.RefreshToken)
	for child := range children {
		require.Equal(t, uses, children[child])
		for _, node := range c {
			kept, err := node.Users.Inspect(t.Context(), child)
			require.NoError(t, err)
			require.True(t, kept.Active)
		}
		_, err := c[1].Users.Refresh(t.Context(), child, authn.Client{})
		require.NoError(t, err)
	}
	for _, node := range c {
		require.Empty(t, node.Events(audit.RefreshReused, audit.SessionEnded))
		live, err := node.SessionManager.List(t.Context(), grant.Session.Subject)
		require.NoError(t, err)
		require.Len(t, live, 1, "0 forks")
	}
}

// onClusters runs a race on memory and on each database, that many uses each.
func onClusters(t *testing.T, change func(*authmodule.Config), memory, database, rounds int, run func(appsOverStore, *testing.T, int)) {
	t.Helper()
	for driver, uses := range map[string]int{"memory": memory, "sqlite": database, "postgres": database, "postgres, serializable": database} {
		t.Run(driver, func(t *testing.T) {
			nodes := newAppsOverStore(t, driver, change)
			began := time.Now()
			for range rounds {
				run(nodes, t, uses)
			}
			t.Logf("%d uses over %d nodes, %d times: %v", uses, len(nodes), rounds, time.Since(began))
		})
	}
}

// REL-01 over three nodes of one store, in a form that every run has time for.
func TestREL01RefreshRaceOverNodes(t *testing.T) {
	t.Parallel()
	onClusters(t, unchanged, 10_000, 500, 1, appsOverStore.raceWithoutGrace)
}

// REL-02 over three nodes of one store, in a form that every run has time for.
func TestREL02RefreshRaceOverNodesInGrace(t *testing.T) {
	t.Parallel()
	onClusters(t, withGrace, 2000, 500, 1, appsOverStore.raceInGrace)
}

// REL-01: 10,000 concurrent uses of one refresh token over three nodes, 20 times on memory and on each database.
func TestSoakREL01RefreshRaceOverNodes(t *testing.T) {
	peer.Soak(t)
	onClusters(t, unchanged, 10_000, 10_000, 20, appsOverStore.raceWithoutGrace)
}

// REL-02: the same with a grace of 10 s.
func TestSoakREL02RefreshRaceOverNodesInGrace(t *testing.T) {
	peer.Soak(t)
	onClusters(t, withGrace, 10_000, 10_000, 20, appsOverStore.raceInGrace)
}

// REL-32: no legitimate double refresh logs anybody out, in 10,000 trials of each kind, over three nodes.
func TestSoakREL32DoubleRefreshLogsNobodyOut(t *testing.T) {
	peer.Soak(t)
	for driver, trials := range map[string]int{"memory": 10_000, "sqlite": 10_000, "postgres": 10_000} {
		nodes := newAppsOverStore(t, driver, withGrace)
		doubleRefreshes(t, driver, nodes, trials)
	}
}

// REL-32 in a form that every run has time for.
func TestREL32DoubleRefreshLogsNobodyOut(t *testing.T) {
	t.Parallel()
	for driver, trials := range map[string]int{"memory": 500, "sqlite": 100, "postgres": 100} {
		doubleRefreshes(t, driver, newAppsOverStore(t, driver, withGrace), trials)
	}
}

// habits are what a client that refreshes twice does: it calls these nodes
// one after another, or together.
func habits() map[string]func(t *testing.T, c appsOverStore, token setting.Secret) []redemption {
	return map[string]func(*testing.T, appsOverStore, setting.Secret) []redemption{
		"two tabs": func(t *testing.T, c appsOverStore, token setting.Secret) []redemption { return c.refresh(t, token, 2) },
		"lost answer": func(t *testing.T, c appsOverStore, token setting.Secret) []redemption {
			first := c[:1].refresh(t, token, 1)
			c.advance(9 * time.Second)
			return append(first, c[1:2].refresh(t, token, 1)...)
		},
		"retry storm": func(t *testing.T, c appsOverStore, token setting.Secret) []redemption {
			var all []redemption
			for _, callers := range []int{1, 4, 1, 2} {
				all = append(all, c.refresh(t, token, callers)...)
				c.advance(2 * time.Second)
			}
			return all
		},
	}
}

// sameTime makes the clocks agree: each stands still at the moment that its node was started, and on a busy machine those are seconds apart.
func (c appsOverStore) sameTime() {
	latest := c[0].Now()
	for _, node := range c {
		if at := node.Now(); at.After(latest) {
			latest = at
		}
	}
	for _, node := range c {
		node.Advance(latest.Sub(node.Now()))
	}
}

func (c appsOverStore) advance(d time.Duration) {
	for _, node := range c {
		node.Advance(d)
	}
}

// doubleRefreshes has sessions refresh twice, each trial with what the one before got, a new session long before the old one ends.
func doubleRefreshes(t *testing.T, driver string, nodes appsOverStore, trials int) {
	t.Helper()
	for name, habit := range habits() {
		t.Run(driver+"/"+name, func(t *testing.T) {
			logouts, token, age := 0, setting.Secret(""), 0
			for trial := range trials {
				if token == "" || age == 1000 {
					token, age = nodes.login(t).RefreshToken, 0
				}
				age++
				children := map[setting.Secret]bool{}
				for _, r := range habit(t, nodes, token) {
					if r.err != nil {
						logouts++
						t.Logf("trial %d: %v", trial, r.err)
					}
					children[r.grant.RefreshToken] = true
				}
				require.Len(t, children, 1, "trial %d: one distinct child", trial)
				require.NotContains(t, children, token)
				for token = range children {
				}
				nodes.advance(15 * time.Minute)
			}
			assert.Zero(t, logouts, "unwanted logouts in %d trials", trials)
			for _, node := range nodes {
				assert.Empty(t, node.Events(audit.RefreshReused, audit.SessionEnded))
			}
		})
	}
}
