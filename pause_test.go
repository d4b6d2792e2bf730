package authmodule_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/setting"
)

// pause is a server that hangs, and what is asked meanwhile.
type pause struct {
	nodes    []*realNode
	began    time.Time
	lasts    time.Duration
	maxStale time.Duration

	mu sync.Mutex
	// answered counts answers by what was asked and their code, slowest is the longest wait for one.
	answered map[string]int
	slowest  map[string]time.Duration
	lastWarm time.Duration
}

// question is one kind of request.
type question struct {
	name, method, path, body string
	// token is presented; warm says that the nodes remember its caller.
	token string
	warm  bool
	// deadlines is how many the answer may take: a second one to find out what became of a write.
	deadlines int
}

const storeDeadline = 2 * time.Second

// margin is for a busy machine.
const margin = time.Second

// questions are asked at one node, each with an account of its own.
func questions(t *testing.T, n *realNode, node int) []question {
	t.Helper()
	var grants []authn.Grant
	for i := range 6 {
		address := fmt.Sprintf("asks-%d-%d@example.com", node, i)
		_, err := n.Users.Register(t.Context(), authn.RegisterRequest{Email: address, Password: password})
		require.NoError(t, err)
		grant, err := n.Users.Login(t.Context(), authn.LoginRequest{Email: address, Password: password})
		require.NoError(t, err)
		grants = append(grants, grant)
	}
	access := func(i int) string { return grants[i].AccessToken.Reveal() }
	for i := range 4 {
		require.Equal(t, http.StatusOK, do(n.App, http.MethodGet, "/auth/me", "", access(i)).Code)
	}
	return []question{
		{name: "login", method: "POST", path: "/auth/login", body: fmt.Sprintf(`{"email":%q,"password":%q}`, email, password), deadlines: 2},
		{name: "register", method: "POST", path: "/auth/register", body: `{"email":"new@example.com","password":"correct horse battery staple"}`, deadlines: 2},
		{name: "refresh", method: "POST", path: "/auth/refresh", body: fmt.Sprintf(`{"refresh_token":%q}`, grants[4].RefreshToken.Reveal()), deadlines: 2},
		{name: "warm", method: "GET", path: "/auth/me", token: access(0), warm: true, deadlines: 1},
		{name: "sessions", method: "GET", path: "/auth/sessions", token: access(1), deadlines: 1},
		{name: "logout", method: "POST", path: "/auth/logout", token: access(2), deadlines: 2},
		{name: "end the others", method: "DELETE", path: "/auth/sessions", token: access(3), deadlines: 2},
		{name: "cold", method: "GET", path: "/auth/me", token: access(5), deadlines: 1},
	}
}

// ask asks until the pause is over, each time when the answer before has come.
func (p *pause) ask(t *testing.T, n *realNode, v victim, q question) {
	for time.Since(p.began) < p.lasts {
		asked := time.Since(p.began)
		w := do(n.App, q.method, q.path, q.body, q.token)
		took := time.Since(p.began) - asked
		p.note(q, asked, took, w)
		assert.Less(t, took, time.Duration(q.deadlines)*storeDeadline+margin, q.name)
		switch {
		case w.Code == http.StatusServiceUnavailable:
			assert.NotEmpty(t, w.Header().Get("Retry-After"), q.name)
		case slices.Contains(v.works[q.name], w.Code):
		case q.warm && w.Code == http.StatusOK:
			assert.Less(t, asked, p.maxStale+margin, "a token was accepted for too long")
		default:
			assert.Fail(t, "an answer without a store", "%s: %d %s", q.name, w.Code, w.Body)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func (p *pause) note(q question, asked, took time.Duration, w *httptest.ResponseRecorder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered[fmt.Sprint(q.name, " ", w.Code)]++
	p.slowest[q.name] = max(p.slowest[q.name], took)
	if q.warm && w.Code == http.StatusOK {
		p.lastWarm = max(p.lastWarm, asked)
	}
}

// readiness is the answer of /readyz.
type readiness struct {
	Status  string `json:"status"`
	Failing []struct {
		Port   string `json:"port"`
		Driver string `json:"driver"`
		Class  string `json:"class"`
	} `json:"failing"`
}

func (r readiness) ports() (names []string) {
	for _, row := range r.Failing {
		if row.Driver != "node" {
			names = append(names, row.Port)
		}
	}
	return names
}

func readyz(t *testing.T, n *realNode) (int, readiness) {
	t.Helper()
	began := time.Now()
	w := do(n.App, http.MethodGet, "/auth/readyz", "", "")
	assert.Less(t, time.Since(began), storeDeadline+margin, "readyz")
	var r readiness
	assert.NoError(t, json.Unmarshal(w.Body.Bytes(), &r))
	return w.Code, r
}

// paused has the server hang, and looks at what it does to the nodes.
func paused(t *testing.T, s *realServers, v victim, lasts time.Duration, maxStale int) {
	t.Helper()
	nodes := s.nodes(t, 2, func(c *authmodule.Config) { c.Revocation.MaxStaleSeconds = setting.Count(maxStale) })
	_, err := nodes[0].Users.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
	require.NoError(t, err)
	p := &pause{nodes: nodes, lasts: lasts, maxStale: time.Duration(maxStale) * time.Second, answered: map[string]int{}, slowest: map[string]time.Duration{}}
	asked := make([][]question, len(nodes))
	for i, n := range nodes {
		asked[i] = questions(t, n, i)
		code, r := readyz(t, n)
		require.Equal(t, http.StatusOK, code, "%+v", r)
	}
	v.pause()
	p.began = time.Now()
	p.during(t, v, asked)
	v.resume()
	p.requireWell(t)
}

func (p *pause) during(t *testing.T, v victim, asked [][]question) {
	t.Helper()
	var all sync.WaitGroup
	for i, n := range p.nodes {
		for _, q := range asked[i] {
			all.Go(func() { p.ask(t, n, v, q) })
		}
		all.Go(func() {
			assert.Equal(t, http.StatusOK, do(n.App, http.MethodGet, "/auth/livez", "", "").Code)
			var r readiness
			assert.Eventually(t, func() bool {
				var code int
				code, r = readyz(t, n)
				return code == http.StatusServiceUnavailable && p.names(v.ports, r.ports())
			}, p.lasts+storeDeadline, 50*time.Millisecond, "readyz does not name %v: %+v", v.ports, &r)
		})
	}
	all.Wait()
}

// names reports whether those are the ports that are down. One that is only written to is written to every five seconds.
func (p *pause) names(down, named []string) bool {
	if !slices.Contains(named, "one_time") && p.lasts < 5*time.Second {
		named = append(named, "one_time")
	}
	return slices.Equal(slices.Sorted(slices.Values(down)), slices.Sorted(slices.Values(named)))
}

// requireWell requires that everything works again, at every node, within five seconds and without a restart.
func (p *pause) requireWell(t *testing.T) {
	t.Helper()
	began := time.Now()
	for i, n := range p.nodes {
		require.Eventually(t, func() bool { return loginReal(n, email).Code == http.StatusOK }, 5*time.Second, 10*time.Millisecond, "node %d", i)
		grant, err := n.Users.Login(t.Context(), authn.LoginRequest{Email: email, Password: password})
		require.NoError(t, err)
		_, err = n.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			return do(n.App, http.MethodGet, "/auth/me", "", grant.AccessToken.Reveal()).Code == http.StatusOK
		}, 5*time.Second, 10*time.Millisecond)
	}
	took := time.Since(began)
	var last readiness
	for _, n := range p.nodes {
		require.Eventually(t, func() bool {
			var code int
			code, last = readyz(t, n)
			return code == http.StatusOK
		}, 5*time.Second, 50*time.Millisecond, "%+v", &last)
	}
	assert.Less(t, took, 5*time.Second)
	t.Logf("paused for %v: answers %v; slowest %v; a warm token was accepted until %v; well after %v, ready after %v", p.lasts, p.answered, p.slowest,
		p.lastWarm.Round(time.Millisecond), took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

// REL-11 in a form that every run has time for.
func TestREL11PausedServers(t *testing.T) {
	onRealServers(t, shortTroubles(), func(t *testing.T, s *realServers, v victim) { paused(t, s, v, 3*time.Second, 1) })
}

// REL-11: SIGSTOP for ten seconds.
func TestSoakREL11PausedServers(t *testing.T) {
	peer.Soak(t)
	onRealServers(t, allTroubles(), func(t *testing.T, s *realServers, v victim) { paused(t, s, v, 10*time.Second, 5) })
}
