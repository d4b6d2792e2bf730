package authmodule_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/setting"
)

// ledger keeps what the nodes acknowledged. What was asked and not answered is in none of its lists.
type ledger struct {
	mu    sync.Mutex
	users []string
	// live are sessions that nobody tried to end.
	live []pair
	// refused are access tokens that were revoked, alone or with their session.
	refused []string
	// ended are refresh tokens of sessions that ended, and those that were exchanged.
	ended []string
	// children has, for each refresh token and each continuation, what was handed out for it.
	children map[string]map[string]bool
	// acknowledged counts entries, unanswered the requests that were refused with 503.
	acknowledged, unanswered atomic.Int64
	faults                   []string
	// copied is how long the lists were when they were looked at.
	copied  [4]int
	slowest time.Duration
}

func (l *ledger) note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	l.acknowledged.Add(1)
}

// fault notes an answer that nobody may get, or that comes too late.
func (l *ledger) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.faults) < 10 {
		l.faults = append(l.faults, fmt.Sprintf(format, args...))
	}
}

// answer is what came of a request.
type answer struct {
	pair
	Continuation string `json:"continuation"`
	Code         int    `json:"-"`
}

// ask sends a request, and returns whether the answer is one of those codes. Any
// other must be a 503 that says when to come again.
func (l *ledger) ask(n *realNode, method, path, body, token string, expected ...int) (answer, bool) {
	began := time.Now()
	w := do(n.App, method, path, body, token)
	took := time.Since(began)
	a := answer{Code: w.Code}
	if w.Code < http.StatusBadRequest && w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			l.fault("%s %s: %v", method, path, err)
		}
	}
	switch {
	case slices.Contains(expected, w.Code):
	case w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != "":
		l.unanswered.Add(1)
	default:
		l.fault("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, took)
	return a, slices.Contains(expected, w.Code)
}

func (l *ledger) login(n *realNode, email string) (answer, bool) {
	return l.ask(n, http.MethodPost, "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password), "", http.StatusOK)
}

// refresh exchanges a token. The child is noted.
func (l *ledger) refresh(n *realNode, token string, expected ...int) (answer, bool) {
	a, ok := l.ask(n, http.MethodPost, "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, token), "", append(expected, http.StatusOK)...)
	if ok = ok && a.Code == http.StatusOK; ok {
		l.note(func() { l.child(token, a.Refresh) })
	}
	return a, ok
}

// proceed goes on with a login at the limit, and ends a session for it.
func (l *ledger) proceed(n *realNode, continuation, end string) (answer, bool) {
	body := fmt.Sprintf(`{"continuation":%q,"end":[%q]}`, continuation, end)
	a, ok := l.ask(n, http.MethodPost, "/auth/login/continue", body, "", http.StatusOK, http.StatusUnauthorized)
	if ok = ok && a.Code == http.StatusOK; ok {
		l.note(func() { l.child(continuation, a.Refresh) })
	}
	return a, ok
}

func (l *ledger) child(parent, child string) {
	if l.children[parent] == nil {
		l.children[parent] = map[string]bool{}
	}
	l.children[parent][child] = true
}

// ends notes that a session has ended.
func (l *ledger) ends(p pair) {
	l.note(func() { l.refused, l.ended = append(l.refused, p.Access), append(l.ended, p.Refresh) })
}

func (l *ledger) keep(p pair) { l.note(func() { l.live = append(l.live, p) }) }

// entries is a copy of what came since the last one, or of all.
func (l *ledger) entries(all bool) *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all {
		l.copied = [4]int{}
	}
	e := &ledger{
		users: slices.Clone(l.users[l.copied[0]:]), live: slices.Clone(l.live[l.copied[1]:]),
		refused: slices.Clone(l.refused[l.copied[2]:]), ended: slices.Clone(l.ended[l.copied[3]:]), children: maps.Clone(l.children),
	}
	l.copied = [4]int{len(l.users), len(l.live), len(l.refused), len(l.ended)}
	return e
}

// requireKept requires that every node knows what was acknowledged, since the last time or ever.
func (l *ledger) requireKept(t *testing.T, nodes []*realNode, ever bool) {
	t.Helper()
	l.mu.Lock()
	require.Empty(t, l.faults)
	l.mu.Unlock()
	e := l.entries(ever)
	for i, n := range nodes {
		for _, p := range e.live {
			w := do(n.App, http.MethodGet, "/auth/me", "", p.Access)
			require.Equal(t, http.StatusOK, w.Code, "a session is lost at node %d: %s", i, w.Body)
			kept, err := n.Users.Inspect(t.Context(), setting.Secret(p.Refresh))
			require.NoError(t, err)
			require.True(t, kept.Active, "a refresh token is lost at node %d", i)
		}
		e.requireRefused(t, n)
	}
	for _, email := range e.users {
		_, err := nodes[0].Users.UserByEmail(t.Context(), "", email)
		require.NoError(t, err, email)
	}
	for parent, children := range e.children {
		require.Len(t, children, 1, "%.8s… was used twice", parent)
	}
}

// requireRefused requires that a node refuses what was revoked: within a second, and from then on.
func (l *ledger) requireRefused(t *testing.T, n *realNode) {
	t.Helper()
	for _, wait := range []time.Duration{time.Second, time.Nanosecond} {
		for _, token := range l.refused {
			refused := func() bool { return do(n.App, http.MethodGet, "/auth/me", "", token).Code == http.StatusUnauthorized }
			if !refused() {
				assert.Eventually(t, refused, wait, 20*time.Millisecond, "a revoked token is accepted")
			}
		}
	}
	for _, token := range l.ended {
		kept, err := n.Users.Inspect(t.Context(), setting.Secret(token))
		require.NoError(t, err)
		require.False(t, kept.Active, "a refresh token that was used or ended is good")
	}
}

// requireUsedUp presents everything that is good once and was used: nobody gets anything for it.
func (l *ledger) requireUsedUp(t *testing.T, nodes []*realNode) {
	t.Helper()
	e := l.entries(true)
	for i, parent := range slices.Collect(maps.Keys(e.children)) {
		path, name := "/auth/refresh", "refresh_token"
		if len(parent) > 3 && parent[:3] == "cl_" {
			path, name = "/auth/login/continue", "continuation"
		}
		w := do(nodes[i%len(nodes)].App, http.MethodPost, path, fmt.Sprintf(`{%q:%q}`, name, parent), "")
		require.Equal(t, http.StatusUnauthorized, w.Code, "%s: %s", path, w.Body)
	}
}
