package authz_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/store/memstore"
)

var errLog = errors.New("the log cannot answer")

// sharedLog is a revocation log that tells nobody of new entries, as a database does, and fails when told to.
type sharedLog struct {
	mu sync.Mutex
	of authn.RevocationStore
	// writes is how many more entries are taken, when it is not negative.
	writes  int
	noReads bool
}

func newSharedLog() *sharedLog { return &sharedLog{of: memstore.New(), writes: -1} }

func (l *sharedLog) set(change func(*sharedLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *sharedLog) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writes == 0 {
		return 0, errLog
	}
	l.writes--
	return l.of.Revoke(ctx, entries...)
}

func (l *sharedLog) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noReads {
		return nil, 0, errLog
	}
	return l.of.Revocations(ctx, after, limit)
}

func (l *sharedLog) PruneRevocations(ctx context.Context, before time.Time) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of.PruneRevocations(ctx, before)
}

// readStore calls a function once between a reading and its answer.
type readStore struct {
	*fakeStore
	mu    sync.Mutex
	after func()
}

func (s *readStore) Rules(ctx context.Context, t authn.Tenant) (authz.Rules, error) {
	rules, err := s.fakeStore.Rules(ctx, t)
	s.mu.Lock()
	after := s.after
	s.after = nil
	s.mu.Unlock()
	if after != nil {
		after()
	}
	return rules, err
}

// node is one service of several on a store and a log.
type node struct {
	*authz.Service
	view *authn.Revocations
}

func newNode(t *testing.T, store authz.RuleStore, log *sharedLog) node {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	view, err := authn.NewRevocations(authn.RevocationConfig{}, authn.RevocationDeps{Store: log, Log: quiet})
	require.NoError(t, err)
	service, err := authz.New(roles(map[string]authz.RoleConfig{"reader": holding("articles.read")}), authz.Deps{
		Rules: store, Assignments: newFakeStore(), Revocations: view, Log: quiet,
	})
	require.NoError(t, err)
	require.NoError(t, view.Ready(t.Context()))
	return node{service, view}
}

// follow has the node read the log until the function is called.
func (n node) follow(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = n.view.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// reads asks as guards do: for what is remembered, and then for a decision.
func (n node) reads(t *testing.T, p authn.Principal) bool {
	t.Helper()
	quick := n.Passes(&p, mayRead)
	d, err := n.Decide(t.Context(), &p, mayRead)
	require.NoError(t, err)
	require.False(t, quick && !d.Allowed, "what is remembered is not what is decided")
	return d.Allowed
}

// take is the change by which readers lose what they may do.
func (n node) take(t *testing.T, tenant authn.Tenant) error {
	t.Helper()
	return n.DefineRole(t.Context(), operator, tenant, authz.Role{Name: "reader"})
}

// elapse lets the time of a synctest bubble go on.
func elapse(d time.Duration) { <-time.After(d) }
