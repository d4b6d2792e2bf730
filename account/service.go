package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// Service is what owners do with their accounts, and administrators with those of others. It does not ask whether an
// administrator may: the routes do. It is safe for concurrent use.
type Service struct {
	cfg  Config
	deps Deps
	out  *Outbox
	// codeKey keys the hashes of codes that are short.
	codeKey func() []byte
}

// Deps are what a [Service] works with. Fields without a remark are required.
type Deps struct {
	Users   *authn.Service
	OneTime authn.OneTimeStore
	Hasher  *authn.Hasher
	Policy  *authn.PasswordPolicy
	// Outbox sends what flows send.
	Outbox *Outbox
	// Counters bounds what is sent to one address; nil bounds nothing.
	Counters authn.CounterStore
	// Throttle limits who asks too often; nil limits nothing.
	Throttle *authn.Throttle
	// OtherFactors are those of the application's own: their failures of an account that is deleted are forgotten too.
	OtherFactors []authn.Factor
	// SecondFactors may be nil: then no account always needs one.
	SecondFactors SecondFactors
	// Admins guards the last administrator; nil guards none.
	Admins Admins
	// Erasers drop what else is kept of an account that is deleted, in this order.
	Erasers []Eraser
	// Devices forgets those on which an account was used before its owner chose another password. Nil is for where none are known.
	Devices Devices
	// APIKeys drops the keys of an account whose address is proved by who need not have made it, or as [Config.ResetRevokesKeys] says. Nil is for
	// where there are none.
	APIKeys Eraser
	// Links are where links lead; see [Links].
	Links Links
	// CodeSecret keys the hashes of login codes. It is the same on all nodes.
	CodeSecret []byte
	// Events may be nil.
	Events *audit.Bus
	Log    *slog.Logger
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

// SecondFactors tells whose passwords may be shorter. The mfa service implements it.
type SecondFactors interface {
	// AlwaysMFA reports whether no login of the account gets by without a second factor.
	AlwaysMFA(ctx context.Context, s authn.Subject) (bool, error)
}

// Admins tells the last administrator from others.
type Admins interface {
	// LastAdmin reports whether the account is an administrator and the tenant has no other.
	LastAdmin(ctx context.Context, s authn.Subject) (bool, error)
}

// Devices are those on which accounts have signed in. The session manager implements it.
type Devices interface {
	// ForgetOtherDevices forgets the account's devices but the one of the session that is named; without such a session, none.
	ForgetOtherDevices(ctx context.Context, s authn.Subject, keep string) error
}

// Eraser drops what it keeps of an account that is deleted. Calling it again, for an account of which nothing is left, is no error.
type Eraser interface {
	Erase(ctx context.Context, s authn.Subject) error
}

const shortestCodeSecret = 32

// New returns a Service. It does no I/O. VerifyEmail, if it is not set, is required where there is a notifier, else off.
func New(cfg Config, deps Deps) (*Service, error) {
	if deps.Users == nil || deps.OneTime == nil || deps.Hasher == nil || deps.Policy == nil || deps.Outbox == nil || deps.Log == nil {
		return nil, errors.New("account: a service needs every field of Deps that has no default")
	}
	if len(deps.CodeSecret) < shortestCodeSecret {
		return nil, errors.New("account: the secret that keys login codes has fewer than 32 bytes")
	}
	cfg = cfg.Resolved(deps.Outbox.Sends())
	if !deps.Outbox.Sends() && (cfg.VerifyEmail != VerifyOff || cfg.MagicLink || cfg.LoginCode) {
		return nil, ErrNoNotifier
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Rand == nil {
		deps.Rand = rand.Reader
	}
	secret := deps.CodeSecret
	deps.CodeSecret = nil // here it could only be printed
	return &Service{cfg: cfg, deps: deps, out: deps.Outbox, codeKey: func() []byte { return secret }}, nil
}

// NeedsPublicURL reports whether links lead to pages of the module, whose host the application must name.
func (c Config) NeedsPublicURL() bool {
	own := c.Links
	return own.VerifyEmail == "" || own.ResetPassword == "" || own.ChangeEmail == "" || (own.MagicLink == "" && c.MagicLink)
}

// Resolved returns a copy with every default, also that of VerifyEmail, given whether there is a notifier.
func (c Config) Resolved(notifier bool) Config {
	c = c.WithDefaults()
	fallback := VerifyOff
	if notifier {
		fallback = VerifyRequired
	}
	c.VerifyEmail = cmp.Or(c.VerifyEmail, fallback)
	return c
}

// Config returns the configuration with its defaults.
func (s *Service) Config() Config { return s.cfg }

// Sends reports whether there is a notifier; without one flows that send something are [ErrNoNotifier].
func (s *Service) Sends() bool { return s.out.Sends() }

// Discreet reports whether registration tells nobody which addresses have an account.
func (s *Service) Discreet() bool { return s.cfg.VerifyEmail == VerifyRequired }

// act is one of the account; the actor is named where it is somebody else.
func (s *Service) act(what audit.Type, subject authn.Subject, actor authn.Principal, client authn.Client, reason string) *audit.Act {
	e := audit.Event{
		Type: what, Tenant: string(subject.Tenant), Subject: subject.ID, SessionID: actor.SessionID, IP: client.IPText(), UserAgent: client.UserAgent, Reason: reason,
	}
	if id := authn.ActorID(actor); id != "" && (actor.Actor != "" || actor.Subject != subject) {
		e.Actor, e.SessionID = id, ""
	}
	return s.deps.Events.Act(e)
}

// mayChange lets logins change their own account: no API keys, and nobody who acts as somebody else.
func mayChange(p authn.Principal) error {
	if p.Kind != authn.KindUser || !p.Authenticated() || p.Limited() || p.SessionID == "" || p.Actor != "" {
		return authn.ErrLoginRequired
	}
	return nil
}

// active returns the account if it may be used, or [authn.ErrNotFound].
func (s *Service) active(ctx context.Context, subject authn.Subject) (authn.User, error) {
	user, err := s.deps.Users.User(ctx, subject)
	if err == nil && !user.Active() {
		err = authn.ErrNotFound
	}
	return user, err
}
