package mfa_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

const master = setting.Secret("a master secret of the tests, 32+")

// t0 is in the middle of a step.
func t0() time.Time { return time.Date(2026, 3, 1, 12, 0, 15, 0, time.UTC) }

// fixture is a service with what is beside it.
type fixture struct {
	*mfa.Service
	t        testing.TB
	store    *memstore.Store
	limiter  *limiter
	sender   *sender
	sessions *closer
	log      *bytes.Buffer

	mu     sync.Mutex
	now    time.Time
	events []audit.Event
}

// fresh returns a service with the configuration, whose limiter limits nothing.
func fresh(t testing.TB, cfg mfa.Config, change ...func(*mfa.Deps)) *fixture {
	t.Helper()
	f := &fixture{t: t, store: memstore.New(), limiter: &limiter{most: 1 << 30, wrong: map[string]int{}}, sender: &sender{}, sessions: &closer{}, log: &bytes.Buffer{}, now: t0()}
	bus := audit.NewBus(nil, f.clock)
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.events = append(f.events, e)
	}))
	deps := mfa.Deps{
		Store: f.store, Secret: master, Limiter: f.limiter, Sender: f.sender, Credentials: f.sessions, Events: bus,
		Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: f.clock,
	}
	for _, do := range change {
		do(&deps)
	}
	s, err := mfa.New(cfg, deps)
	require.NoError(t, err)
	f.Service = s
	return f
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func (f *fixture) told(t audit.Type) (list []audit.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Type == t {
			list = append(list, e)
		}
	}
	return list
}

// phone is an app that was enrolled.
type phone struct {
	secret setting.Secret
	id     string
	codes  []setting.Secret
}

// at is what the app shows at a time, by the library and six digits.
func (p phone) at(t testing.TB, at time.Time) setting.Secret {
	t.Helper()
	code, err := totp.GenerateCodeCustom(p.secret.Reveal(), at, totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix})
	require.NoError(t, err)
	return setting.Secret(code)
}

// enroll enrolls an app and passes to the next step, so that its next code is good.
func (f *fixture) enroll(s authn.Subject) phone {
	f.t.Helper()
	e, err := f.EnrollTOTP(f.t.Context(), s, "ada@example.com", "phone")
	require.NoError(f.t, err)
	p := phone{secret: e.Secret, id: e.ID}
	p.codes, err = f.ConfirmTOTP(f.t.Context(), s, e.ID, p.at(f.t, f.clock()), mfa.By{Keep: "kept"})
	require.NoError(f.t, err)
	f.pass(mfa.Period)
	return p
}

func ada() authn.Subject { return authn.Subject{ID: "ada"} }

func query(s authn.Subject) authn.FactorQuery {
	return authn.FactorQuery{
		Proof: authn.Proof{Subject: s, Methods: []string{"pwd"}, Time: t0(), CredentialVersion: 1},
		User:  authn.User{Subject: s, Email: "ada@example.com", CreatedAt: t0().AddDate(0, 0, -1), CredentialVersion: 1},
	}
}

func answer(factor string, code setting.Secret) authn.FactorAnswer {
	return authn.FactorAnswer{Factor: factor, Code: code}
}

// redeem answers with a code and returns the error alone.
func (f *fixture) redeem(s authn.Subject, factor string, code setting.Secret) error {
	_, err := f.Redeem(f.t.Context(), query(s), answer(factor, code))
	return err
}

// limiter is exact and for one process: a wrong answer counts before it is checked.
type limiter struct {
	mu       sync.Mutex
	most     int
	wrong    map[string]int
	reopened []string
	fails    error
}

var errLocked = fmt.Errorf("too many wrong answers")

func (l *limiter) Attempt(_ context.Context, a mfa.Attempt) (func(bool, error), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := fmt.Sprint(a.Subject, a.Factor)
	if l.fails != nil {
		return nil, l.fails
	}
	if l.wrong[key] >= l.most {
		return nil, errLocked
	}
	l.wrong[key]++
	return func(ok bool, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case ok:
			l.wrong[key] = 0
		case err != nil:
			l.wrong[key]--
		}
	}, nil
}

func (l *limiter) Reopen(_ context.Context, s authn.Subject, factor string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reopened = append(l.reopened, factor)
	delete(l.wrong, fmt.Sprint(s, factor))
	return nil
}

// sender keeps the codes it was given.
type sender struct {
	mu    sync.Mutex
	codes []setting.Secret
	to    []string
	fails error
}

func (s *sender) SendCode(_ context.Context, to authn.User, code setting.Secret) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes, s.to = append(s.codes, code), append(s.to, to.Email)
	return s.fails
}

func (s *sender) last() setting.Secret { return s.codes[len(s.codes)-1] }

// closer changes credentials: it notes whose sessions were ended, and which one was kept.
type closer struct {
	mu      sync.Mutex
	kept    []string
	version int64
}

func (c *closer) Change(ctx context.Context, s authn.Subject, change authn.CredentialChange) (authn.User, error) {
	if err := change.Write(ctx); err != nil {
		return authn.User{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, s.ID+" "+change.Keep)
	c.version++
	return authn.User{Subject: s, CredentialVersion: c.version}, nil
}

// rawSecret is the secret of an app in bytes.
func rawSecret(t testing.TB, secret setting.Secret) []byte {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret.Reveal())
	require.NoError(t, err)
	return raw
}

func fromJSON(t testing.TB, text setting.Secret) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(text.Reveal()), &m))
	return m
}
