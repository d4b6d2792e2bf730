package authmodule_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

var errOutage = errors.New("the store cannot answer")

// outage is a store of which one method fails until it is told otherwise. It
// notes until when tokens are revoked, and can forget an account.
type outage struct {
	*memstore.Store
	mu      sync.Mutex
	failing string
	untils  map[string]time.Time
	gone    map[authn.Subject]bool
}

// newOutage starts an application on such a store.
func newOutage(t *testing.T, change func(*authmodule.Config)) (*outage, *fxtest.App) {
	t.Helper()
	o := &outage{Store: memstore.New(), untils: map[string]time.Time{}, gone: map[authn.Subject]bool{}}
	use := func() *outage { return o }
	return o, fxtest.NewConfigured(t, change, fx.Options(
		authmodule.UseUserStore(use), authmodule.UseRevocationStore(use), authmodule.UseSessionStore(use), authmodule.UseAssignmentStore(use),
	))
}

// fail makes the method of that name fail, and no other; the empty name ends it.
func (o *outage) fail(method string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing = method
}

func (o *outage) call(method string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failing == method {
		return errOutage
	}
	return nil
}

func (o *outage) until(id string) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.untils[id]
}

func (o *outage) forget(s authn.Subject) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone[s] = true
}

func (o *outage) forgot(s authn.Subject) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.gone[s]
}

// UserByID implements [authn.UserStore].
func (o *outage) UserByID(ctx context.Context, s authn.Subject) (authn.User, error) {
	if err := o.call("UserByID"); err != nil {
		return authn.User{}, err
	}
	if o.forgot(s) {
		return authn.User{}, authn.ErrNotFound
	}
	return o.Store.UserByID(ctx, s)
}

// Assignments implements [authz.AssignmentStore].
func (o *outage) Assignments(ctx context.Context, s authn.Subject) ([]authz.Assignment, error) {
	if err := o.call("Assignments"); err != nil {
		return nil, err
	}
	return o.Store.Assignments(ctx, s)
}

// Rules implements [authz.RuleStore].
func (o *outage) Rules(ctx context.Context, t authn.Tenant) (authz.Rules, error) {
	if err := o.call("Rules"); err != nil {
		return authz.Rules{}, err
	}
	return o.Store.Rules(ctx, t)
}

// Revoke implements [authn.RevocationStore].
func (o *outage) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	if err := o.call("Revoke"); err != nil {
		return 0, err
	}
	o.mu.Lock()
	for _, e := range entries {
		o.untils[e.ID] = e.Until
	}
	o.mu.Unlock()
	return o.Store.Revoke(ctx, entries...)
}

// Revocations implements [authn.RevocationStore].
func (o *outage) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	if err := o.call("Revocations"); err != nil {
		return nil, 0, err
	}
	return o.Store.Revocations(ctx, after, limit)
}

// Session implements [session.Store].
func (o *outage) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	if err := o.call("Session"); err != nil {
		return session.Record{}, err
	}
	return o.Store.Session(ctx, t, id)
}

// RotateSession implements [session.Store].
func (o *outage) RotateSession(ctx context.Context, r session.Rotation) error {
	if err := o.call("RotateSession"); err != nil {
		return err
	}
	return o.Store.RotateSession(ctx, r)
}

// EndSessions implements [session.Store].
func (o *outage) EndSessions(ctx context.Context, s authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	if err := o.call("EndSessions"); err != nil {
		return nil, err
	}
	return o.Store.EndSessions(ctx, s, which, now, why)
}
