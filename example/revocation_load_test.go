package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/peer"
)

// ending is a way to end a session: mine ends it, other is another session of the account.
type ending struct {
	name string
	end  func(n *nodes, id string, mine, other tokens) reply
	code int
}

func endings() []ending {
	return []ending{
		{"logout", func(n *nodes, _ string, mine, _ tokens) reply {
			return n.ask(0, "POST", "/auth/logout", "", mine.access)
		}, http.StatusNoContent},
		{"logout everywhere", func(n *nodes, _ string, _, other tokens) reply {
			return n.ask(0, "POST", "/auth/logout", `{"everywhere":true}`, other.access)
		}, http.StatusNoContent},
		{"one session", func(n *nodes, _ string, mine, other tokens) reply {
			return n.ask(0, "DELETE", "/auth/sessions/"+mine.session, "", other.access)
		}, http.StatusNoContent},
		{"all other sessions", func(n *nodes, _ string, _, other tokens) reply {
			return n.ask(0, "DELETE", "/auth/sessions", "", other.access)
		}, http.StatusNoContent},
		{"by the administrator", func(n *nodes, id string, _, _ tokens) reply {
			return n.ask(0, "DELETE", "/auth/users/"+id+"/sessions", "", n.admin)
		}, http.StatusNoContent},
		{"token revocation", func(n *nodes, _ string, mine, _ tokens) reply {
			return n.send(0, "POST", "/auth/revoke", "application/x-www-form-urlencoded", url.Values{"token": {mine.access}}.Encode(), mine.access)
		}, http.StatusOK},
		{"reuse of a refresh token", func(n *nodes, _ string, mine, _ tokens) reply {
			n.ask(0, "POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, mine.refresh), "")
			return n.ask(0, "POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, mine.refresh), "")
		}, http.StatusUnauthorized},
	}
}

// used is a token that every node is shown all the time.
type used struct {
	token string
	// ackedAt is when its end was acknowledged, in nanoseconds since began; 0 is not yet.
	ackedAt atomic.Int64
	// late is how long after it a request was sent that was accepted.
	late     atomic.Int64
	requests *atomic.Int64
	began    time.Time
}

// show shows the token to a node until a second and a half after its end.
func (u *used) show(n *nodes, node int) error {
	for {
		sent := time.Since(u.began)
		r := n.ask(node, "GET", "/auth/me", "", u.token)
		u.requests.Add(1)
		acked := time.Duration(u.ackedAt.Load())
		switch {
		case r.err != nil || r.status != http.StatusOK && r.status != http.StatusUnauthorized:
			return fmt.Errorf("node %d: %v", node, r)
		case r.status == http.StatusOK && acked > 0:
			u.lateBy(int64(sent - acked))
		}
		if acked > 0 && sent > acked+1500*time.Millisecond {
			return nil
		}
		<-time.After(2 * time.Millisecond)
	}
}

func (u *used) lateBy(late int64) {
	for before := u.late.Load(); late > before && !u.late.CompareAndSwap(before, late); before = u.late.Load() {
	}
}

// revokedUnderLoad ends sessions on the first node, each kind once a round, while all tokens are used on all nodes.
func revokedUnderLoad(t *testing.T, n *nodes, rounds int) {
	t.Helper()
	var requests atomic.Int64
	worst, began := map[string]time.Duration{}, time.Now()
	bystander := n.login(t, 0, "viewer@example.com")
	for round := range rounds {
		var all sync.WaitGroup
		over := make(chan struct{})
		var watching sync.WaitGroup
		for node := range n.programs {
			watching.Go(func() { n.stays(t, node, bystander.access, over, &requests) })
		}
		late := make([]*used, len(endings()))
		for i, e := range endings() {
			email := fmt.Sprintf("ends-%d-%d@example.com", round, i)
			id := n.account(t, email)
			mine, other := n.login(t, 0, email), n.login(t, 1, email)
			late[i] = &used{token: mine.access, requests: &requests, began: time.Now()}
			for node := range n.programs {
				require.Equal(t, http.StatusOK, n.ask(node, "GET", "/auth/me", "", mine.access).status)
				all.Go(func() { assert.NoError(t, late[i].show(n, node), e.name) })
			}
			all.Go(func() {
				<-time.After(100 * time.Millisecond) // in use by then
				r := e.end(n, id, mine, other)
				late[i].ackedAt.Store(int64(time.Since(late[i].began)))
				assert.Equal(t, e.code, r.status, "%s: %v", e.name, r)
			})
		}
		all.Wait()
		close(over)
		watching.Wait()
		for i, e := range endings() {
			worst[e.name] = max(worst[e.name], time.Duration(late[i].late.Load()).Round(time.Millisecond))
		}
	}
	t.Logf("%d rounds, %.0f requests in a second; accepted after the acknowledgement, at most: %v", rounds, float64(requests.Load())/time.Since(began).Seconds(), worst)
	for name, took := range worst {
		assert.LessOrEqual(t, took, time.Second, name)
	}
}

// stays requires that a token which nobody revoked is accepted all the time.
func (n *nodes) stays(t *testing.T, node int, token string, over chan struct{}, requests *atomic.Int64) {
	for {
		r := n.ask(node, "GET", "/auth/me", "", token)
		requests.Add(1)
		if !assert.Equal(t, http.StatusOK, r.status, "a token that nobody revoked: %v", r) {
			return
		}
		select {
		case <-over:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// REL-04 in a form that every run has time for.
func TestREL04RevocationOverPrograms(t *testing.T) {
	onNodes(t, nil, func(t *testing.T, n *nodes) { revokedUnderLoad(t, n, 1) })
}

// REL-04: every way to end a session, 20 times over three programs under load.
func TestSoakREL04RevocationOverPrograms(t *testing.T) {
	peer.Soak(t)
	onNodes(t, nil, func(t *testing.T, n *nodes) { revokedUnderLoad(t, n, 20) })
}
