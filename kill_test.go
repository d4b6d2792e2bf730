package authmodule_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

// storm is clients that log in, refresh, revoke and log out on all nodes, each with accounts of their own.
type storm struct {
	*ledger
	nodes []*realNode
	made  int
}

const stormClients = 6

// run has the clients work until ctx is done.
func (s *storm) run(ctx context.Context) *sync.WaitGroup {
	var all sync.WaitGroup
	for client := range stormClients {
		s.made++
		name := fmt.Sprint(s.made)
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if !s.life(client+i, fmt.Sprintf("%s-%d@example.com", name, i)) {
					<-time.After(5 * time.Millisecond)
				}
			}
		})
	}
	return &all
}

func (s *storm) node(i int) *realNode { return s.nodes[i%len(s.nodes)] }

// life is an account with two sessions, the first of which comes to one of the ends that there are.
func (s *storm) life(i int, email string) bool {
	if _, ok := s.ask(s.node(i), http.MethodPost, "/auth/register", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password), "", http.StatusCreated); !ok {
		return false
	}
	s.note(func() { s.users = append(s.users, email) })
	first, ok := s.login(s.node(i), email)
	if !ok {
		return false
	}
	second, ok := s.login(s.node(i+1), email)
	if !ok {
		s.keep(first.pair)
		return false
	}
	fates := []func(int, string, pair, pair) bool{s.refreshes, s.logsOut, s.isRevoked, s.isDoubled, s.isReplaced, s.isDisabled, s.losesToken}
	return fates[i%len(fates)](i, email, first.pair, second.pair)
}

func (s *storm) refreshes(i int, _ string, first, second pair) bool {
	s.keep(second)
	next, ok := s.refresh(s.node(i+2), first.Refresh)
	if ok {
		s.keep(next.pair)
	}
	return ok
}

func (s *storm) logsOut(i int, _ string, first, second pair) bool {
	s.keep(second)
	_, ok := s.ask(s.node(i+2), http.MethodPost, "/auth/logout", "", first.Access, http.StatusNoContent)
	if ok {
		s.ends(first)
	}
	return ok
}

// isRevoked ends the first session by the second one.
func (s *storm) isRevoked(i int, _ string, first, second pair) bool {
	s.keep(second)
	_, ok := s.ask(s.node(i), http.MethodDelete, "/auth/sessions", "", second.Access, http.StatusNoContent)
	if ok {
		s.ends(first)
	}
	return ok
}

// isDoubled presents one refresh token at two nodes at once.
func (s *storm) isDoubled(i int, _ string, first, second pair) bool {
	s.keep(second)
	won := race(2, func(caller int) answer {
		a, ok := s.refresh(s.node(i+caller), first.Refresh, http.StatusUnauthorized)
		if !ok && a.Code == http.StatusOK {
			a = answer{}
		}
		return a
	})
	for caller, a := range won {
		if a.Code == http.StatusOK && won[1-caller].Code == http.StatusUnauthorized {
			s.ends(a.pair)
		}
	}
	return won[0].Code != http.StatusServiceUnavailable
}

// isReplaced logs in beyond the limit, and goes on at two nodes at once in place of the first session.
func (s *storm) isReplaced(i int, email string, first, second pair) bool {
	s.keep(second)
	held, ok := s.login(s.node(i), email)
	if !ok {
		return false
	}
	if held.Continuation == "" {
		s.fault("a third session with a limit of two")
		return false
	}
	won := race(2, func(caller int) answer {
		a, _ := s.proceed(s.node(i+caller), held.Continuation, sessionIn(first.Access))
		return a
	})
	for _, a := range won {
		if a.Code == http.StatusOK {
			s.ends(first)
			s.keep(a.pair)
		}
	}
	return won[0].Code != http.StatusServiceUnavailable
}

func (s *storm) isDisabled(i int, email string, first, second pair) bool {
	n := s.node(i + 1)
	user, err := n.Users.UserByEmail(context.Background(), "", email)
	if err == nil {
		err = n.Users.Disable(context.Background(), authn.Principal{}, user.Subject)
	}
	if err != nil {
		s.unanswered.Add(1)
		return false
	}
	s.ends(first)
	s.ends(second)
	return true
}

// losesToken revokes an access token, and not its session.
func (s *storm) losesToken(i int, _ string, first, second pair) bool {
	s.keep(second)
	if err := s.node(i).TokenManager.Revoke(context.Background(), setting.Secret(first.Access)); err != nil {
		s.unanswered.Add(1)
		return false
	}
	s.note(func() { s.refused = append(s.refused, first.Access) })
	return true
}

// sessionIn reads the session's ID from an access token.
func sessionIn(token string) string {
	var claims struct {
		Session string `json:"sid"`
	}
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	return claims.Session
}

// killed kills the server during load, with that many entries before each time, and looks at what is left.
func killed(t *testing.T, s *realServers, v victim, kills, entries int) {
	t.Helper()
	before := s.held(t)
	t.Run("load", func(t *testing.T) {
		nodes := s.nodes(t, 3, func(c *authmodule.Config) { c.Session.MaxPerUser, c.Session.OnLimit = 2, session.Ask })
		load := &storm{ledger: &ledger{children: map[string]map[string]bool{}}, nodes: nodes}
		_, err := nodes[0].Users.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
		require.NoError(t, err)
		warm := load.calm(t, s, entries)
		var recovery time.Duration
		for range kills {
			recovery = max(recovery, load.killOnce(t, v, entries))
			load.requireKept(t, nodes, false)
		}
		load.requireKept(t, nodes, true)
		load.requireUsedUp(t, nodes)
		full := warm
		full.postgres = len(nodes) * poolSize // a pool fills up in its own time
		after := s.requireBack(t, full)
		t.Logf("%d kills: %d acknowledged, %d tokens revoked, 0 lost; %d requests answered 503; recovery %v, slowest answer %v; held before %+v, after %+v",
			kills, load.acknowledged.Load(), len(load.refused), load.unanswered.Load(),
			recovery.Round(time.Millisecond), load.slowest.Round(time.Millisecond), warm, after)
		assert.Less(t, recovery, 5*time.Second)
	})
	s.requireBack(t, before)
}

// calm runs the load without trouble, and returns what the nodes hold when it is over.
func (s *storm) calm(t *testing.T, servers *realServers, entries int) held {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	clients := s.run(ctx)
	s.requireEntries(t, entries)
	stop()
	clients.Wait()
	s.requireKept(t, s.nodes, false)
	runtime.GC()
	return servers.held(t)
}

func (s *storm) requireEntries(t *testing.T, entries int) {
	t.Helper()
	before := s.acknowledged.Load()
	require.Eventually(t, func() bool { return s.acknowledged.Load() >= before+int64(entries) }, time.Minute, 5*time.Millisecond)
}

// killOnce returns how long after the restart the last node took to answer.
func (s *storm) killOnce(t *testing.T, v victim, entries int) time.Duration {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	clients := s.run(ctx)
	defer clients.Wait()
	defer stop()
	s.requireEntries(t, entries)
	v.kill()
	unanswered := s.unanswered.Load()
	require.Eventually(t, func() bool { return s.unanswered.Load() > unanswered+clientsNoticed }, 20*time.Second, time.Millisecond)
	v.restart(t)
	began := time.Now()
	for _, n := range s.nodes {
		require.Eventually(t, func() bool { return loginReal(n, email).Code == http.StatusOK }, 20*time.Second, 10*time.Millisecond)
	}
	took := time.Since(began)
	s.requireEntries(t, entries)
	return took
}

// clientsNoticed is how many requests meet with the outage before it ends.
const clientsNoticed = 2 * stormClients

// REL-10 in a form that every run has time for.
func TestREL10KilledServers(t *testing.T) {
	onRealServers(t, shortTroubles(), func(t *testing.T, s *realServers, v victim) { killed(t, s, v, 2, 50) })
}

// REL-10: kill -9 ten times during load.
func TestSoakREL10KilledServers(t *testing.T) {
	peer.Soak(t)
	onRealServers(t, allTroubles(), func(t *testing.T, s *realServers, v victim) { killed(t, s, v, 10, 100) })
}
