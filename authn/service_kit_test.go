package authn_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

const kitPassword = setting.Secret("a password of the kit")

// serviceKit is a service over stores in memory, with all that is around it.
type serviceKit struct {
	*authn.Service
	deps     authn.Deps
	store    *memstore.Store
	sessions *session.Manager
	tokens   tokenKit
	clock    *tokenClock
	factors  *factorCodes
	rule     *mayAct

	mu     sync.Mutex
	events []audit.Event
}

func newServiceKit(t testing.TB, change ...func(*serviceKit, *session.Config)) *serviceKit {
	t.Helper()
	k := &serviceKit{store: memstore.New(), factors: &factorCodes{used: map[string]bool{}}, rule: &mayAct{}}
	var view *authn.Revocations
	k.tokens = newTokenKit(t, "HS256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) {
		view = viewOf(t, k.store, deps.Now)
		deps.Revocations = view
	})
	k.clock = k.tokens.clock
	bus := audit.NewBus(nil, k.clock.Now)
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.events = append(k.events, e)
	}))
	hasher, err := authn.NewHasher(authn.PasswordConfig{MemoryKiB: 8, Iterations: 1, Workers: 4})
	require.NoError(t, err)
	k.deps = authn.Deps{
		Users: k.store, Passwords: k.store, Hasher: hasher, Tokens: k.tokens.manager, Roles: noRoles{}, OneTime: k.store, SecondFactor: k.factors,
		MayImpersonate: k.rule, Registration: authn.RegistrationOpen, Events: bus, Log: slog.New(slog.DiscardHandler), Now: k.clock.Now,
	}
	k.deps.Authorities = []authn.PasswordAuthority{&authn.Passwords{Users: k.store, Hashes: k.store, Hasher: hasher, Log: k.deps.Log, Now: k.clock.Now}}
	cfg := session.Config{}
	for _, do := range change {
		do(k, &cfg)
	}
	k.sessions, err = session.New(cfg, session.Deps{Store: k.store, Devices: k.store, Revocations: view, Events: bus, Now: k.clock.Now, Log: k.deps.Log})
	require.NoError(t, err)
	k.deps.Live = k.sessions
	if k.deps.Sessions == nil {
		k.deps.Sessions = k.sessions
	}
	k.Service, err = authn.NewService(k.deps)
	require.NoError(t, err)
	return k
}

// throttled has the kit count failures.
func throttled(t testing.TB) func(*serviceKit, *session.Config) {
	return func(k *serviceKit, _ *session.Config) {
		throttle, err := authn.NewThrottle(authn.ThrottleConfig{}, authn.ThrottleDeps{Counters: k.store, Events: k.deps.Events, Now: k.clock.Now})
		require.NoError(t, err)
		k.deps.Throttle = throttle
	}
}

func (k *serviceKit) pass(d time.Duration) { k.clock.Set(k.clock.Now().Add(d)) }

func (k *serviceKit) told(what audit.Type) (list []audit.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.events {
		if e.Type == what {
			list = append(list, e)
		}
	}
	return list
}

func (k *serviceKit) register(t testing.TB, tenant authn.Tenant, name string) authn.User {
	t.Helper()
	user, err := k.Register(t.Context(), authn.RegisterRequest{Tenant: tenant, Email: name + "@example.com", Password: kitPassword})
	require.NoError(t, err)
	return user
}

// login logs in by a password that needs no second factor.
func (k *serviceKit) login(t testing.TB, user authn.User, carrier authn.Carrier) authn.Grant {
	t.Helper()
	grant, err := k.Login(t.Context(), authn.LoginRequest{Tenant: user.Subject.Tenant, Email: user.Email, Password: kitPassword, Carrier: carrier})
	require.NoError(t, err)
	return grant
}

// caller is who the grant's credential is from.
func (k *serviceKit) caller(t testing.TB, grant authn.Grant) authn.Principal {
	t.Helper()
	p, err := k.authenticate(t, grant)
	require.NoError(t, err)
	return p
}

func (k *serviceKit) authenticate(t testing.TB, grant authn.Grant) (authn.Principal, error) {
	if grant.Cookie != "" {
		return k.AuthenticateCookie(t.Context(), grant.Cookie, authn.Client{})
	}
	return k.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
}

// enter registers and logs in.
func (k *serviceKit) enter(t testing.TB, name string, carrier authn.Carrier) (authn.Grant, authn.Principal) {
	t.Helper()
	grant := k.login(t, k.register(t, "", name), carrier)
	return grant, k.caller(t, grant)
}

func (k *serviceKit) stepUp(t testing.TB, p authn.Principal, grant authn.Grant, factor string, secret setting.Secret) (authn.Grant, error) {
	return k.StepUp(t.Context(), authn.StepUpRequest{Caller: p, Factor: factor, Secret: secret, Cookie: grant.Cookie})
}

type noRoles struct{}

func (noRoles) RolesOf(context.Context, authn.Subject) ([]string, time.Time, error) {
	return []string{}, time.Time{}, nil
}

// mayAct is a rule that allows all but what it is told to refuse.
type mayAct struct{ refusal error }

func (m *mayAct) MayImpersonate(context.Context, authn.Principal, authn.Subject) error {
	return m.refusal
}

// factorCodes are second factors: of "app" each code that begins with "good" is right once, of "mail" the one that was sent. None is
// due unless demanded.
type factorCodes struct {
	mu       sync.Mutex
	used     map[string]bool
	demanded bool
	sent     int
	// during is called while an answer is being checked.
	during func()
}

func (c *factorCodes) Due(_ context.Context, q authn.FactorQuery) (authn.FactorDemand, error) {
	if slices.Contains(q.Proof.Methods, authn.MethodMFA) || !c.demanded {
		return authn.FactorDemand{}, nil
	}
	return authn.FactorDemand{Factors: []string{"app", "mail", "codes"}}, nil
}

func (c *factorCodes) Begin(_ context.Context, _ authn.FactorQuery, factor string, _ bool) (authn.FactorBegun, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch factor {
	case "mail":
		c.sent++
		return authn.FactorBegun{State: fmt.Sprint("sent ", c.sent)}, nil
	case "app":
		return authn.FactorBegun{}, nil
	}
	return authn.FactorBegun{}, authn.ErrFactorInvalid
}

func (c *factorCodes) Redeem(_ context.Context, _ authn.FactorQuery, a authn.FactorAnswer) (authn.FactorResult, error) {
	if c.during != nil {
		c.during()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	code := a.Code.Reveal()
	switch {
	case a.Factor == "mail" && a.State != "" && code == a.State:
		return authn.FactorResult{Methods: []string{authn.MethodEmail, authn.MethodMFA}}, nil
	case len(code) < 4 || code[:4] != "good" || c.used[a.Factor+code]:
	case a.Factor == "app":
		c.used[a.Factor+code] = true
		return authn.FactorResult{Methods: []string{authn.MethodOTP}}, nil
	case a.Factor == "codes":
		c.used[a.Factor+code] = true
		return authn.FactorResult{Methods: []string{authn.MethodRecovery, authn.MethodMFA}}, nil
	}
	return authn.FactorResult{}, authn.ErrFactorInvalid
}
