package transport_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

var errDown = errors.New("store is down: secret-canary")

// faulty is a store of which one call fails, with an error or a panic, before anything is done.
type faulty struct {
	*memstore.Store
	mu     sync.Mutex
	left   int
	panics bool
	failed string
}

func newFaulty() *faulty { return &faulty{Store: memstore.New()} }

// arm has the n-th call from now on fail.
func (f *faulty) arm(n int, panics bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.panics, f.failed = n, panics, ""
}

// disarm ends that and returns the call that failed, if any.
func (f *faulty) disarm() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = 0
	return f.failed
}

func (f *faulty) call(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 {
		return nil
	}
	if f.left--; f.left > 0 {
		return nil
	}
	f.failed = name
	if f.panics {
		panic("store panics: secret-canary")
	}
	return errDown
}

// option puts the store behind every port.
func (f *faulty) option() fx.Option {
	return fx.Options(
		authmodule.UseUserStore(func() authn.UserStore { return f }),
		authmodule.UsePasswordStore(func() authn.PasswordStore { return f }),
		authmodule.UseRevocationStore(func() authn.RevocationStore { return f }),
		authmodule.UseOneTimeStore(func() authn.OneTimeStore { return f }),
		authmodule.UseSessionStore(func() session.Store { return f }),
		authmodule.UseRoleStore(func() authz.RoleStore { return f }),
		authmodule.UseAssignmentStore(func() authz.AssignmentStore { return f }),
	)
}

// guarded calls do unless this is the call that fails.
func guarded[T any](f *faulty, name string, do func() (T, error)) (T, error) {
	if err := f.call(name); err != nil {
		var none T
		return none, err
	}
	return do()
}

func (f *faulty) CreateUser(ctx context.Context, u authn.User) error {
	return f.orCall("CreateUser", func() error { return f.Store.CreateUser(ctx, u) })
}

func (f *faulty) orCall(name string, do func() error) error {
	if err := f.call(name); err != nil {
		return err
	}
	return do()
}

func (f *faulty) UserByID(ctx context.Context, s authn.Subject) (authn.User, error) {
	return guarded(f, "UserByID", func() (authn.User, error) { return f.Store.UserByID(ctx, s) })
}

func (f *faulty) UserByEmail(ctx context.Context, t authn.Tenant, email string) (authn.User, error) {
	return guarded(f, "UserByEmail", func() (authn.User, error) { return f.Store.UserByEmail(ctx, t, email) })
}

func (f *faulty) UpdateUser(ctx context.Context, u authn.User) error {
	return f.orCall("UpdateUser", func() error { return f.Store.UpdateUser(ctx, u) })
}

func (f *faulty) PasswordHash(ctx context.Context, s authn.Subject) (string, error) {
	return guarded(f, "PasswordHash", func() (string, error) { return f.Store.PasswordHash(ctx, s) })
}

func (f *faulty) SetPasswordHash(ctx context.Context, s authn.Subject, hash string) error {
	return f.orCall("SetPasswordHash", func() error { return f.Store.SetPasswordHash(ctx, s, hash) })
}

func (f *faulty) DeletePasswordHash(ctx context.Context, s authn.Subject) error {
	return f.orCall("DeletePasswordHash", func() error { return f.Store.DeletePasswordHash(ctx, s) })
}

// Revoke may fail. Reading the log is not counted: it happens in the background too.
func (f *faulty) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	return guarded(f, "Revoke", func() (int64, error) { return f.Store.Revoke(ctx, entries...) })
}

func (f *faulty) ConsumeOneTime(ctx context.Context, t authn.Tenant, purpose, id string, hash []byte, now time.Time) (authn.OneTime, error) {
	return guarded(f, "ConsumeOneTime", func() (authn.OneTime, error) { return f.Store.ConsumeOneTime(ctx, t, purpose, id, hash, now) })
}

func (f *faulty) CreateSession(ctx context.Context, r session.Record, limit session.Limit) ([]session.Record, error) {
	return guarded(f, "CreateSession", func() ([]session.Record, error) { return f.Store.CreateSession(ctx, r, limit) })
}

func (f *faulty) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	return guarded(f, "Session", func() (session.Record, error) { return f.Store.Session(ctx, t, id) })
}

func (f *faulty) RotateSession(ctx context.Context, r session.Rotation) error {
	return f.orCall("RotateSession", func() error { return f.Store.RotateSession(ctx, r) })
}

func (f *faulty) TouchSessions(ctx context.Context, touches ...session.Touch) error {
	return f.orCall("TouchSessions", func() error { return f.Store.TouchSessions(ctx, touches...) })
}

func (f *faulty) EndSessions(ctx context.Context, s authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	return guarded(f, "EndSessions", func() ([]session.Record, error) { return f.Store.EndSessions(ctx, s, which, now, why) })
}

func (f *faulty) Sessions(ctx context.Context, s authn.Subject, now time.Time) ([]session.Record, error) {
	return guarded(f, "Sessions", func() ([]session.Record, error) { return f.Store.Sessions(ctx, s, now) })
}

func (f *faulty) Roles(ctx context.Context, t authn.Tenant) ([]authz.Role, error) {
	return guarded(f, "Roles", func() ([]authz.Role, error) { return f.Store.Roles(ctx, t) })
}

func (f *faulty) Assignments(ctx context.Context, s authn.Subject) ([]string, error) {
	return guarded(f, "Assignments", func() ([]string, error) { return f.Store.Assignments(ctx, s) })
}

func (f *faulty) Assign(ctx context.Context, s authn.Subject, role string) (bool, error) {
	return guarded(f, "Assign", func() (bool, error) { return f.Store.Assign(ctx, s, role) })
}
