package authmodule_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/session"
)

const mostSessions = 5

func limited(policy session.LimitPolicy) func(*authmodule.Config) {
	return func(c *authmodule.Config) { c.Session.MaxPerUser, c.Session.OnLimit = mostSessions, policy }
}

// raceToLimit has one account log in that often over all nodes, which never have more sessions than the limit, and end with as many.
func raceToLimit(policy session.LimitPolicy) func(appsOverStore, *testing.T, int) {
	return func(nodes appsOverStore, t *testing.T, logins int) {
		t.Helper()
		user := nodes[0].User()
		over := make(chan struct{})
		var watching sync.WaitGroup
		for _, node := range nodes {
			watching.Go(func() {
				for !ended(over) {
					live, err := node.SessionManager.List(t.Context(), user.Subject)
					assert.NoError(t, err)
					if !assert.LessOrEqual(t, len(live), mostSessions) {
						return
					}
				}
			})
		}
		succeeded := nodes.logins(t, user.Subject, logins)
		close(over)
		watching.Wait()
		live, err := nodes[0].SessionManager.List(t.Context(), user.Subject)
		require.NoError(t, err)
		require.Len(t, live, mostSessions)
		if policy == session.Refuse {
			require.Equal(t, mostSessions, succeeded)
		} else {
			require.Equal(t, logins, succeeded)
		}
	}
}

func ended(over chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}

// logins counts those that succeed; the others must have been refused for the limit.
func (c appsOverStore) logins(t *testing.T, s authn.Subject, logins int) (succeeded int) {
	t.Helper()
	callers := min(logins, atOnce)
	for _, n := range race(callers, func(caller int) (succeeded int) {
		for i := caller; i < logins; i += callers {
			node := c[i%len(c)]
			_, err := node.Users.Complete(t.Context(), authn.Proof{Subject: s, Methods: []string{authn.MethodPassword}, Time: node.Now()}, authn.Completion{})
			if err == nil {
				succeeded++
			} else {
				assert.ErrorIs(t, err, authn.ErrSessionLimit)
			}
		}
		return succeeded
	}) {
		succeeded += n
	}
	return succeeded
}

func onLimits(t *testing.T, memory, database, rounds int) {
	t.Helper()
	for _, policy := range []session.LimitPolicy{session.EvictOldest, session.Refuse} {
		t.Run(string(policy), func(t *testing.T) {
			onClusters(t, limited(policy), memory, database, rounds, raceToLimit(policy))
		})
	}
}

// REL-06 over three nodes of one store, PostgreSQL at read committed and serializable among them, in a form that every run has time for.
func TestREL06SessionLimitOverNodes(t *testing.T) {
	t.Parallel()
	onLimits(t, 300, 60, 1)
}

// REL-06: 1,000 logins of one account over three nodes.
func TestSoakREL06SessionLimitOverNodes(t *testing.T) {
	peer.Soak(t)
	onLimits(t, 1000, 1000, 1)
}
