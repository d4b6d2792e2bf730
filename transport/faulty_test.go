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

// harm is what becomes of one call of the store.
type harm string

const (
	// harmError: it fails before anything is done.
	harmError harm = "error"
	// harmPanic: it panics before anything is done.
	harmPanic harm = "panic"
	// harmTimeout: it does not answer until its context ends.
	harmTimeout harm = "timeout"
	// harmCancel: the client leaves while it runs, and nothing is done.
	harmCancel harm = "cancel"
	// harmLost: it takes effect, and the answer is lost.
	harmLost harm = "lost"
)

// every is what a driver implements.
type every interface {
	authn.UserStore
	authn.PasswordStore
	authn.RevocationStore
	authn.OneTimeStore
	authn.CounterStore
	authn.APIKeyStore
	authn.KeyStore
	session.Store
	session.DeviceStore
	authz.RuleStore
	authz.AssignmentStore
}

// faulty is a store of which one call goes wrong.
type faulty struct {
	every
	mu     sync.Mutex
	left   int
	harm   harm
	failed string
	// leave is what harmCancel calls.
	leave func()
	// slow is how long each call takes before anything is done; deaf calls do not look at their context.
	slow time.Duration
	deaf bool
	// dies: nothing works any more after the call that goes wrong, as when the program is killed there.
	dies, dead bool
}

func newFaulty() *faulty { return &faulty{every: memstore.New()} }

// arm has the n-th call from now on go wrong.
func (f *faulty) arm(n int, h harm) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.harm, f.failed = n, h, ""
}

// disarm ends that and returns the call that went wrong, if any.
func (f *faulty) disarm() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = 0
	return f.failed
}

// due returns what is to become of this call; nothing is the empty harm.
func (f *faulty) due(name string) harm {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return harmError
	}
	if f.left == 0 {
		return ""
	}
	if f.left--; f.left > 0 {
		return ""
	}
	f.failed, f.dead = name, f.dies
	return f.harm
}

// slowDown has every call take so long.
func (f *faulty) slowDown(slow time.Duration, deaf bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow, f.deaf = slow, deaf
}

func (f *faulty) lag(ctx context.Context) error {
	f.mu.Lock()
	slow, deaf := f.slow, f.deaf
	f.mu.Unlock()
	if slow == 0 {
		return nil
	}
	if deaf {
		ctx = context.WithoutCancel(ctx)
	}
	select {
	case <-time.After(slow):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// option puts the store behind every port.
func (f *faulty) option() fx.Option {
	return fx.Options(
		authmodule.UseUserStore(func() authn.UserStore { return f }),
		authmodule.UsePasswordStore(func() authn.PasswordStore { return f }),
		authmodule.UseRevocationStore(func() authn.RevocationStore { return f }),
		authmodule.UseOneTimeStore(func() authn.OneTimeStore { return f }),
		authmodule.UseCounterStore(func() authn.CounterStore { return f }),
		authmodule.UseAPIKeyStore(func() authn.APIKeyStore { return f }),
		authmodule.UseSessionStore(func() session.Store { return f }),
		authmodule.UseDeviceStore(func() session.DeviceStore { return f }),
		authmodule.UseRuleStore(func() authz.RuleStore { return f }),
		authmodule.UseAssignmentStore(func() authz.AssignmentStore { return f }),
	)
}

// guarded calls do unless this is the call that goes wrong.
func guarded[T any](ctx context.Context, f *faulty, name string, do func() (T, error)) (T, error) {
	var none T
	if err := f.lag(ctx); err != nil {
		return none, err
	}
	switch f.due(name) {
	case harmError:
		return none, errDown
	case harmPanic:
		panic("store panics: secret-canary")
	case harmTimeout:
		<-ctx.Done()
		return none, ctx.Err()
	case harmCancel:
		f.leave()
		return none, context.Canceled
	case harmLost:
		_, err := do()
		return none, errors.Join(errDown, err)
	}
	return do()
}

func (f *faulty) orCall(ctx context.Context, name string, do func() error) error {
	_, err := guarded(ctx, f, name, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

func (f *faulty) CreateUser(ctx context.Context, u authn.User) error {
	return f.orCall(ctx, "CreateUser", func() error { return f.every.CreateUser(ctx, u) })
}

func (f *faulty) UserByID(ctx context.Context, s authn.Subject) (authn.User, error) {
	return guarded(ctx, f, "UserByID", func() (authn.User, error) { return f.every.UserByID(ctx, s) })
}

func (f *faulty) UserByEmail(ctx context.Context, t authn.Tenant, email string) (authn.User, error) {
	return guarded(ctx, f, "UserByEmail", func() (authn.User, error) { return f.every.UserByEmail(ctx, t, email) })
}

func (f *faulty) UpdateUser(ctx context.Context, u authn.User) error {
	return f.orCall(ctx, "UpdateUser", func() error { return f.every.UpdateUser(ctx, u) })
}

func (f *faulty) PasswordHash(ctx context.Context, s authn.Subject) (string, error) {
	return guarded(ctx, f, "PasswordHash", func() (string, error) { return f.every.PasswordHash(ctx, s) })
}

func (f *faulty) SetPasswordHash(ctx context.Context, s authn.Subject, hash string) error {
	return f.orCall(ctx, "SetPasswordHash", func() error { return f.every.SetPasswordHash(ctx, s, hash) })
}

func (f *faulty) DeletePasswordHash(ctx context.Context, s authn.Subject) error {
	return f.orCall(ctx, "DeletePasswordHash", func() error { return f.every.DeletePasswordHash(ctx, s) })
}

// Revocations may be slow. It is not counted: it happens in the background too.
func (f *faulty) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	if err := f.lag(ctx); err != nil {
		return nil, 0, err
	}
	return f.every.Revocations(ctx, after, limit)
}

func (f *faulty) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	return guarded(ctx, f, "Revoke", func() (int64, error) { return f.every.Revoke(ctx, entries...) })
}

func (f *faulty) ConsumeOneTime(ctx context.Context, t authn.Tenant, purpose, id string, hash []byte, now time.Time) (authn.OneTime, error) {
	return guarded(ctx, f, "ConsumeOneTime", func() (authn.OneTime, error) { return f.every.ConsumeOneTime(ctx, t, purpose, id, hash, now) })
}

func (f *faulty) Counter(ctx context.Context, k authn.CounterKey) (authn.Counter, error) {
	return guarded(ctx, f, "Counter", func() (authn.Counter, error) { return f.every.Counter(ctx, k) })
}

func (f *faulty) PutCounter(ctx context.Context, k authn.CounterKey, c authn.Counter, version int64) error {
	return f.orCall(ctx, "PutCounter", func() error { return f.every.PutCounter(ctx, k, c, version) })
}
