package mfa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/seal"
	"github.com/authmodule/authmodule/setting"
)

// Service enrolls second factors, checks them, and says who needs one. It is safe for concurrent use.
type Service struct {
	cfg   Config
	deps  Deps
	since time.Time
	// box seals the secrets of apps; codeKey keys the hashes of codes that are short.
	box     *seal.Box
	codeKey func() []byte
	factors []Factor
}

// Deps are what a [Service] works with. Fields without a remark are required.
type Deps struct {
	Store FactorStore
	// Secret seals what is stored; Previous open what they sealed in their day.
	Secret   setting.Secret
	Previous []setting.Secret
	// Limiter counts wrong answers.
	Limiter Limiter
	// Sender sends codes by e-mail. Nil is for none.
	Sender Sender
	// Factors are others, such as passkeys.
	Factors []Factor
	// Lineage knows what roles inherit. Nil is for roles that inherit nothing.
	Lineage authn.RoleLineage
	// Credentials raises the version of an account whose factors change, and ends its other sessions. Nil does neither.
	Credentials CredentialChanger
	// Events may be nil.
	Events *audit.Bus
	// Log defaults to slog.Default().
	Log *slog.Logger
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

const (
	appPurpose  = "totp secrets"
	codePurpose = "mfa codes"
)

// New returns a Service. It does no I/O.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Store == nil || deps.Limiter == nil || deps.Secret == "" {
		return nil, errors.New("mfa: a service needs a store, a limiter and a secret (auth.secret_key)")
	}
	box, err := newBox(deps.Secret, deps.Previous)
	if err != nil {
		return nil, err
	}
	codeKey, err := authn.DeriveSecret([]byte(deps.Secret.Reveal()), codePurpose)
	if err != nil {
		return nil, err
	}
	deps.Secret, deps.Previous = "", nil // here they could only be printed
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Rand == nil {
		deps.Rand = rand.Reader
	}
	s := &Service{cfg: cfg.WithDefaults(), deps: deps, box: box, codeKey: func() []byte { return codeKey }}
	s.since, _ = s.cfg.since() // Validate has parsed it
	return s, s.arrange()
}

// arrange puts the factors in the order in which they are offered.
func (s *Service) arrange() error {
	s.factors = append([]Factor{}, s.deps.Factors...)
	s.factors = append(s.factors, appFactor{s})
	if s.cfg.EmailCode {
		if s.deps.Sender == nil {
			return errors.New("mfa: codes by e-mail need a sender: give the module one, or switch auth.mfa.email_code off")
		}
		s.factors = append(s.factors, emailFactor{s})
	}
	s.factors = append(s.factors, recoveryFactor{s})
	named := map[string]bool{string(authn.FactorPassword): true} // the first factor
	for _, f := range s.factors {
		if f == nil || f.Name() == "" || named[f.Name()] {
			return errors.New("mfa: each factor needs a name of its own, which is not password")
		}
		named[f.Name()] = true
	}
	return nil
}

func newBox(secret setting.Secret, previous []setting.Secret) (*seal.Box, error) {
	var keys [][]byte
	for _, one := range append([]setting.Secret{secret}, previous...) {
		if one == "" {
			return nil, errors.New("mfa: a secret that seals is empty")
		}
		key, err := authn.DeriveSecret([]byte(one.Reveal()), appPurpose)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return seal.New(appPurpose, keys[0], keys[1:]...)
}

// records are the subject's that count now.
func (s *Service) records(ctx context.Context, subject authn.Subject) ([]Record, error) {
	all, err := s.deps.Store.Factors(ctx, subject)
	if err != nil {
		return nil, wrapped("read the factors of an account", err)
	}
	now := s.deps.Now()
	live := all[:0]
	for _, r := range all {
		if r.Kind == kindTrusted {
			r.Expires = s.trustEnds(r)
		}
		if r.live(now) {
			live = append(live, r)
		}
	}
	return live, nil
}

// changeTries is how often a record is read anew when another change came first.
const changeTries = 16

// change changes one record by compare-and-swap. The function gets what is stored; its error ends the attempt and nothing is stored.
func (s *Service) change(ctx context.Context, subject authn.Subject, fits func(Record) bool, change func(*Record) error) error {
	for range changeTries {
		list, err := s.records(ctx, subject)
		if err != nil {
			return err
		}
		r, found := first(list, fits)
		if !found {
			return authn.ErrNotFound
		}
		if err := change(&r); err != nil {
			return err
		}
		if err = s.deps.Store.UpdateFactor(ctx, r); !errors.Is(err, authn.ErrConflict) {
			return wrapped("change a factor", err)
		}
	}
	return wrapped("change a factor", authn.ErrConflict)
}

// Prune drops what has expired, and returns how much.
func (s *Service) Prune(ctx context.Context) (int, error) {
	return s.deps.Store.PruneFactors(ctx, s.deps.Now())
}

func (s *Service) emit(ctx context.Context, t audit.Type, subject authn.Subject, client authn.Client, reason string, detail map[string]string) {
	s.deps.Events.Emit(ctx, event(t, subject, client, reason, detail))
}

func event(t audit.Type, subject authn.Subject, client authn.Client, reason string, detail map[string]string) audit.Event {
	return audit.Event{
		Type: t, Tenant: string(subject.Tenant), Subject: subject.ID, IP: client.IPText(), UserAgent: client.UserAgent, Reason: reason, Detail: detail,
	}
}

func first(list []Record, fits func(Record) bool) (Record, bool) {
	for _, r := range list {
		if fits(r) {
			return r, true
		}
	}
	return Record{}, false
}

func count(list []Record, kind string) (n int) {
	for _, r := range list {
		if r.Kind == kind {
			n++
		}
	}
	return n
}

func ofKind(kind string) func(Record) bool { return func(r Record) bool { return r.Kind == kind } }

func named(kind, id string) func(Record) bool {
	return func(r Record) bool { return r.Kind == kind && r.ID == id }
}

// wrapped says what was tried when err came, and is nil for a nil err. What the store answers by stays itself.
func wrapped(what string, err error) error {
	if err == nil || errors.Is(err, authn.ErrNotFound) {
		return err
	}
	return fmt.Errorf("mfa: %s: %w", what, err)
}
