package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/pgtest"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// nodes are three running programs that share signing keys, a PostgreSQL and, where asked for, a Redis for sessions.
type nodes struct {
	programs []*program
	client   *http.Client
	// sessions is their store, asked without them.
	sessions session.Store
	// admin is an access token of the administrator.
	admin string
}

// cheap is a configuration with passwords that cost little, and roles for who watches.
const cheap = `
auth:
  password: {memory_kib: 64, iterations: 1, queue: 4096}
  store: {timeout_seconds: 60} # a thousand wait for one account
  http: {session_endpoints: true, revocation_endpoint: true}
  rbac:
    roles:
      admin: {inherits: [editor], permissions: [articles.delete, sessions.read, sessions.revoke]}
`

func startNodes(t *testing.T, withRedis bool, env ...string) *nodes {
	t.Helper()
	dsn := pgtest.Start(t, pgtest.Fast).Schema(t)
	env = append(env, "LEX_AUTH__JWT__SECRET_KEY=one secret for all nodes of this test")
	n := &nodes{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}, Timeout: 2 * time.Minute}}
	t.Cleanup(n.client.CloseIdleConnections)
	var redis *redistest.Server
	if withRedis {
		redis = redistest.Start(t, redistest.Options{Durable: true})
		env = append(env, "LEX_AUTH__STORE__SESSIONS=redis", "LEX_AUTH__STORE__REDIS__ADDR="+redis.Addr())
	}
	config := writeFile(t, "auth.yaml", cheap)
	for range 3 {
		n.programs = append(n.programs, start(t, setup{env: env, args: []string{"-dsn", dsn, "-config", config}, within: 10 * time.Minute}))
	}
	n.sessions = openSessions(t, dsn, redis)
	n.admin, _ = n.programs[0].tokens("admin@example.com")
	return n
}

func openSessions(t *testing.T, dsn string, redis *redistest.Server) session.Store {
	t.Helper()
	if redis != nil {
		store, err := redisstore.Open(t.Context(), redisstore.Options{Addrs: []string{redis.Addr()}, Timeout: time.Minute})
		require.NoError(t, err)
		t.Cleanup(func() { _ = store.Close() })
		return store
	}
	store, err := sqlstore.Open(t.Context(), sqlstore.Options{Dialect: sqlstore.Postgres, DSN: dsn, MaxConns: 2})
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// onNodes runs a test on PostgreSQL alone and with Redis beside it.
func onNodes(t *testing.T, env []string, run func(t *testing.T, n *nodes)) {
	t.Helper()
	for name, withRedis := range map[string]bool{"PostgreSQL": false, "PostgreSQL and Redis": true} {
		t.Run(name, func(t *testing.T) { run(t, startNodes(t, withRedis, env...)) })
	}
}

// reply is an answer, or why there is none.
type reply struct {
	status int
	body   []byte
	err    error
}

func (r reply) text(name string) string {
	var object map[string]any
	_ = json.Unmarshal(r.body, &object)
	text, _ := object[name].(string)
	return text
}

func (r reply) String() string { return fmt.Sprintf("%d %s %v", r.status, r.body, r.err) }

// ask sends a request to a node, from any goroutine.
func (n *nodes) ask(node int, method, path, body, token string) reply {
	return n.send(node, method, path, "application/json", body, token)
}

func (n *nodes) send(node int, method, path, contentType, body, token string) reply {
	r, err := http.NewRequestWithContext(context.Background(), method, n.programs[node%len(n.programs)].base+path, bytes.NewBufferString(body))
	if err != nil {
		return reply{err: err}
	}
	if body != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := n.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, text, err}
}

// tokens is a login, or what the test ends with.
type tokens struct{ access, refresh, session string }

func (n *nodes) login(t *testing.T, node int, email string) tokens {
	t.Helper()
	in := n.ask(node, "POST", "/auth/login", credentials(email, "token"), "")
	require.Equal(t, http.StatusOK, in.status, "%v", in)
	out := tokens{access: in.text("access_token"), refresh: in.text("refresh_token")}
	me := n.ask(node, "GET", "/auth/me", "", out.access)
	require.Equal(t, http.StatusOK, me.status, "%v", me)
	out.session = me.text("session_id")
	return out
}

// account registers an account and returns its ID.
func (n *nodes) account(t *testing.T, email string) string {
	t.Helper()
	made := n.ask(0, "POST", "/auth/register", credentials(email, ""), "")
	require.Equal(t, http.StatusCreated, made.status, "%v", made)
	return made.text("id")
}

// live counts the sessions of an account that the store has.
func (n *nodes) live(id string) (int, error) {
	records, err := n.sessions.Sessions(context.Background(), authn.Subject{ID: id}, time.Now())
	return len(records), err
}

// together runs do in that many goroutines that start at once.
func together[T any](callers int, do func(caller int) T) []T {
	results := make([]T, callers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			<-start
			results[caller] = do(caller)
		})
	}
	close(start)
	all.Wait()
	return results
}
