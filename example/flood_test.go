package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/peer"
)

const limit = 5

// sampler asks all the time how many sessions an account has.
type sampler struct {
	samples, most atomic.Int64
	fault         atomic.Pointer[string]
}

func (s *sampler) note(live int, err error) {
	if err != nil {
		text := err.Error()
		s.fault.CompareAndSwap(nil, &text)
		return
	}
	s.samples.Add(1)
	for most := s.most.Load(); int64(live) > most && !s.most.CompareAndSwap(most, int64(live)); most = s.most.Load() {
	}
}

// watch asks the store, and each node as the administrator, until over is closed.
func (s *sampler) watch(n *nodes, id string, over chan struct{}) *sync.WaitGroup {
	asks := []func() (int, error){func() (int, error) { return n.live(id) }}
	for node := range n.programs {
		asks = append(asks, func() (int, error) {
			var list struct {
				Sessions []struct{} `json:"sessions"`
			}
			r := n.ask(node, "GET", "/auth/users/"+id+"/sessions", "", n.admin)
			if r.err != nil || r.status != http.StatusOK {
				return 0, fmt.Errorf("list sessions: %v", r)
			}
			return len(list.Sessions), json.Unmarshal(r.body, &list)
		})
	}
	var all sync.WaitGroup
	for _, ask := range asks {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					s.note(ask())
				}
			}
		})
	}
	return &all
}

// floods has one account log in that often at once, over all nodes.
func floods(t *testing.T, n *nodes, policy string, logins int) {
	t.Helper()
	id := n.account(t, "flood@example.com")
	over, s := make(chan struct{}), &sampler{}
	watching := s.watch(n, id, over)
	began := time.Now()
	outcomes := map[string]int{}
	for _, r := range together(logins, func(i int) reply {
		return n.ask(i, "POST", "/auth/login", credentials("flood@example.com", "token"), "")
	}) {
		outcome := r.text("code")
		if r.status == http.StatusOK {
			outcome = "200"
		}
		outcomes[outcome]++
	}
	took := time.Since(began)
	close(over)
	watching.Wait()
	live, err := n.live(id)
	require.NoError(t, err)
	t.Logf("%s, limit %d: %d logins in %v: %v; at most %d live in %d samples, %d at the end",
		policy, limit, logins, took.Round(time.Millisecond), outcomes, s.most.Load(), s.samples.Load(), live)
	assert.Nil(t, s.fault.Load())
	assert.Positive(t, s.samples.Load())
	assert.LessOrEqual(t, s.most.Load(), int64(limit))
	assert.Equal(t, limit, live)
	expected := map[string]int{"200": logins}
	if policy == "refuse" {
		expected = map[string]int{"200": limit, "session_limit": logins - limit}
	}
	assert.Equal(t, expected, outcomes)
}

func floodNodes(t *testing.T, logins int) {
	t.Helper()
	for _, policy := range []string{"evict_oldest", "refuse"} {
		t.Run(policy, func(t *testing.T) {
			env := []string{fmt.Sprint("LEX_AUTH__SESSION__MAX_PER_USER=", limit), "LEX_AUTH__SESSION__ON_LIMIT=" + policy, "LEX_AUTH__THROTTLE__INSECURE_DISABLED=true"}
			onNodes(t, env, func(t *testing.T, n *nodes) { floods(t, n, policy, logins) })
		})
	}
}

// REL-06 in a form that every run has time for.
func TestREL06LoginFloodOverPrograms(t *testing.T) {
	t.Parallel()
	floodNodes(t, 60)
}

// REL-06: 1,000 concurrent logins of one account over three programs.
func TestSoakREL06LoginFloodOverPrograms(t *testing.T) {
	peer.Soak(t)
	floodNodes(t, 1000)
}

// refreshRace has that many callers use one refresh token at once, over all nodes.
func refreshRace(t *testing.T, n *nodes, callers, rounds int) {
	t.Helper()
	id := n.account(t, "refresh@example.com")
	outcomes := map[string]int{}
	for range rounds {
		in := n.login(t, 0, "refresh@example.com")
		var won []reply
		for _, r := range together(callers, func(i int) reply {
			return n.ask(i, "POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, in.refresh), "")
		}) {
			if outcomes[fmt.Sprint(r.status, r.text("code"))]++; r.status == http.StatusOK {
				won = append(won, r)
			} else {
				require.Equal(t, http.StatusUnauthorized, r.status, "%v", r)
			}
		}
		require.Len(t, won, 1, "one winner")
		live, err := n.live(id)
		require.NoError(t, err)
		require.Zero(t, live, "no session is left")
		for node := range n.programs {
			child := n.ask(node, "POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, won[0].text("refresh_token")), "")
			require.Equal(t, http.StatusUnauthorized, child.status, "%v", child)
			for _, access := range []string{in.access, won[0].text("access_token")} {
				require.Eventually(t, func() bool { return n.ask(node, "GET", "/auth/me", "", access).status == http.StatusUnauthorized }, time.Second, 10*time.Millisecond)
			}
		}
	}
	t.Logf("%d callers, %d times: %v, 0 live descendants", callers, rounds, outcomes)
}

// REL-01 in a form that every run has time for.
func TestREL01RefreshRaceOverPrograms(t *testing.T) {
	t.Parallel()
	onNodes(t, nil, func(t *testing.T, n *nodes) { refreshRace(t, n, 60, 1) })
}

// REL-01: 1,000 callers use one refresh token over three programs, ten times.
func TestSoakREL01RefreshRaceOverPrograms(t *testing.T) {
	peer.Soak(t)
	// Those who lose would be refused by their network after a hundred.
	env := []string{"LEX_AUTH__THROTTLE__INSECURE_DISABLED=true"}
	onNodes(t, env, func(t *testing.T, n *nodes) { refreshRace(t, n, 1000, 10) })
}
