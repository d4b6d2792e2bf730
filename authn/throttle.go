package authn

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"strconv"
	"time"

	"github.com/authmodule/authmodule/audit"
)

// Factor names what a guess is aimed at, in counters and events.
type Factor string

// The factors. An application's own take any other short name.
const (
	FactorPassword     Factor = "password"
	FactorTOTP         Factor = "totp"
	FactorRecoveryCode Factor = "recovery_code"
	FactorEmailCode    Factor = "email_code"
	FactorReset        Factor = "reset"
	FactorLoginCode    Factor = "login_code"
	// FactorTOTPEnrollment and FactorEmailCodeEnrollment are for the first codes of what is being enrolled.
	FactorTOTPEnrollment      Factor = "totp_enrollment"
	FactorEmailCodeEnrollment Factor = "email_code_enrollment"
	FactorRefresh             Factor = "refresh"
	FactorAPIKey              Factor = "api_key"
	// FactorChallenge is for the secrets by which a login or a step-up goes on that was begun.
	FactorChallenge Factor = "challenge"
	// FactorRegistration is for registrations of addresses that are taken.
	FactorRegistration Factor = "registration"
	// FactorMail is for what is asked for by address, without a login, and brings mail: every call counts, whether or not the address has an account.
	FactorMail Factor = "mail"
)

// Throttle counts failed attempts, and refuses more than there may be before
// anything is computed for them. It counts an attempt as a failure before it
// is made and takes that back when it succeeds, so that no number of
// attempts at once, on however many nodes, is more than the limit. Nil, and one that is disabled, limit nothing. It is safe for concurrent use.
//
//	attempt, err := throttle.Attempt(ctx, authn.Target{Factor: authn.FactorTOTP, Subject: user.Subject, Client: client})
//	if err != nil {
//		return err
//	}
//	ok, err := check(code)
//	attempt.Done(ctx, ok, err)
type Throttle struct {
	deps   ThrottleDeps
	limits limits
	turns  [turns]chan struct{}
	seed   maphash.Seed
	blocks blocks
	proven proven
}

// ThrottleDeps are what a [Throttle] works with. Counters is required.
type ThrottleDeps struct {
	Counters CounterStore
	// Devices may be nil: then no device is known.
	Devices KnownDevices
	// Events may be nil.
	Events *audit.Bus
	// Log defaults to slog.Default().
	Log *slog.Logger
	// Now defaults to time.Now.
	Now func() time.Time
}

// KnownDevices tells the devices that an account has signed in on before. The session manager implements it.
type KnownDevices interface {
	// KnownDevice returns the ID of the device, or none if the account has not signed in on it. What anybody
	// can say of a device, such as its User-Agent, makes none known: only a secret that it was given does.
	KnownDevice(ctx context.Context, s Subject, claim DeviceClaim) (id string, err error)
}

// Target is what an attempt is aimed at.
type Target struct {
	Factor Factor
	// Subject is the account. Without an ID it is not known, and Name is counted instead.
	Subject Subject
	// Name is what was given for an account that there is not, in its canonical spelling.
	Name   string
	Client Client
	Device DeviceClaim
}

// NewThrottle returns a Throttle, or nil if it is disabled. It does no I/O.
func NewThrottle(cfg ThrottleConfig, deps ThrottleDeps) (*Throttle, error) {
	limits, err := cfg.limits()
	if err != nil || cfg.InsecureDisabled {
		return nil, err
	}
	if deps.Counters == nil {
		return nil, errors.New("authn: a throttle needs a store of counters")
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	t := &Throttle{deps: deps, limits: limits, seed: maphash.MakeSeed(), blocks: blocks{until: map[string]time.Time{}}}
	for i := range t.turns {
		t.turns[i] = make(chan struct{}, 1)
	}
	return t, nil
}

// Counter returns what is counted of an account's factor.
func (t *Throttle) Counter(ctx context.Context, s Subject, f Factor) (Counter, error) {
	if t == nil {
		return Counter{}, nil
	}
	c, err := t.deps.Counters.Counter(ctx, accountKey(s, f))
	return c, wrapped("read a counter", err)
}

// Reopen forgets the failures of an account's factor, and so opens one that is locked or disabled. Locks of a single network or of a known
// device stay until they end. It is for one that was bound anew, such as a new password, and for administrators.
func (t *Throttle) Reopen(ctx context.Context, actor Principal, s Subject, f Factor) error {
	if t == nil {
		return nil
	}
	act := t.deps.Events.Act(audit.Event{
		Type: audit.AuthenticatorReopened, Tenant: string(s.Tenant), Subject: s.ID, Actor: ActorID(actor), Reason: string(f),
	})
	if err := t.deps.Counters.DeleteCounter(act.In(ctx), accountKey(s, f)); err != nil {
		return wrapped("delete a counter", err)
	}
	act.Tell(ctx)
	return nil
}

// Erase forgets what is counted of an account by the module's own factors and by others that are named, without an event. What single
// networks and devices failed at it stays, under hashes, until it expires.
func (t *Throttle) Erase(ctx context.Context, s Subject, others ...Factor) error {
	if t == nil {
		return nil
	}
	for _, f := range append([]Factor{
		FactorPassword, FactorTOTP, FactorRecoveryCode, FactorEmailCode, FactorLoginCode, FactorTOTPEnrollment, FactorEmailCodeEnrollment,
	}, others...) {
		if err := t.deps.Counters.DeleteCounter(ctx, accountKey(s, f)); err != nil {
			return wrapped("delete a counter", err)
		}
	}
	return nil
}

// unknownSubject stands for the account that there is not, where one is looked up.
const unknownSubject = "unknown"

// device returns the ID of a known device. For a name without an account it takes the same steps.
func (t *Throttle) device(ctx context.Context, x Target) (string, error) {
	if t.deps.Devices == nil || x.Device.Token == "" || x.Device.Fresh {
		return "", nil
	}
	subject := x.Subject
	if subject.ID == "" {
		subject.ID = unknownSubject
	}
	id, err := t.deps.Devices.KnownDevice(ctx, subject, x.Device)
	if err != nil || x.Subject.ID == "" {
		return "", wrapped("look for a device", err)
	}
	return id, nil
}

// throttled is emitted when a limit is reached, once.
func (t *Throttle) throttled(ctx context.Context, x Target, by CounterKind, c Counter, now time.Time) {
	t.deps.Events.Emit(ctx, audit.Event{
		Type: audit.LoginThrottled, Tenant: string(x.Subject.Tenant), Subject: x.Subject.ID,
		IP: x.Client.IPText(), UserAgent: x.Client.UserAgent, Reason: string(by),
		Detail: map[string]string{"factor": string(x.Factor), "seconds": strconv.Itoa(wholeSeconds(c.LockedUntil.Sub(now)))},
	})
}
