package authmodule_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/store/memstore"
)

var writerWithout = authz.RuleChange{PutRoles: []authz.Role{{Name: "writer"}}}

// slowRules takes its time to write, so that other nodes hear of a change before it is made.
type slowRules struct{ *memstore.Store }

func (s slowRules) ChangeRules(ctx context.Context, t authn.Tenant, version int64, c authz.RuleChange) error {
	elapse(1500 * time.Millisecond)
	return s.Store.ChangeRules(ctx, t, version, c)
}

// quiet is a log that tells nobody of its entries.
type quiet struct{ authn.RevocationStore }

// inMemory is one store in memory for all nodes.
func inMemory(store *memstore.Store) fx.Option { return inMemoryBut(store, store, store) }

// inMemoryBut is inMemory with another revocation log and another way to the rules.
func inMemoryBut(store *memstore.Store, log authn.RevocationStore, rules authz.RuleStore) fx.Option {
	use := func() *memstore.Store { return store }
	return fx.Options(
		authmodule.UseUserStore(use), authmodule.UsePasswordStore(use), authmodule.UseOneTimeStore(use),
		authmodule.UseAPIKeyStore(use), authmodule.UseSessionStore(use), authmodule.UseAssignmentStore(use),
		authmodule.UseRevocationStore(func() authn.RevocationStore { return log }), authmodule.UseRuleStore(func() authz.RuleStore { return rules }),
	)
}

// fading is a log that tells nobody of its entries, and takes no more after some.
type fading struct {
	authn.RevocationStore
	bounded atomic.Bool
	left    atomic.Int64
}

// last bounds how many more entries are taken; a negative number is no bound.
func (l *fading) last(n int64) {
	l.left.Store(n)
	l.bounded.Store(n >= 0)
}

func (l *fading) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	if l.bounded.Load() && l.left.Add(-1) < 0 {
		return 0, errOutage
	}
	return l.RevocationStore.Revoke(ctx, entries...)
}

// newRuleOutage boots a node whose store fails when it is told to.
func newRuleOutage(t *testing.T) (*outage, *fxtest.App) {
	t.Helper()
	o := &outage{Store: memstore.New(), untils: map[string]time.Time{}, gone: map[authn.Subject]bool{}}
	use := func() *outage { return o }
	place := sharedPlace{options: fx.Options(
		authmodule.UseUserStore(use), authmodule.UsePasswordStore(use), authmodule.UseRevocationStore(use), authmodule.UseOneTimeStore(use),
		authmodule.UseAPIKeyStore(use), authmodule.UseSessionStore(use), authmodule.UseRuleStore(use), authmodule.UseAssignmentStore(use),
	)}
	return o, place.boot(t)
}

// elapse lets the time of a synctest bubble go on.
func elapse(d time.Duration) { <-time.After(d) }
