package authn

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
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
	FactorRefresh      Factor = "refresh"
	FactorAPIKey       Factor = "api_key"
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

// Reopen forgets the failures of an account's factor, and so opens one that is locked or disabled. It
// is for one that was bound anew, such as a new password, and for administrators.
func (t *Throttle) Reopen(ctx context.Context, actor Principal, s Subject, f Factor) error {
	if t == nil {
		return nil
	}
	if err := t.deps.Counters.DeleteCounter(ctx, accountKey(s, f)); err != nil {
		return wrapped("delete a counter", err)
	}
	t.deps.Events.Emit(ctx, audit.Event{
		Type: audit.AuthenticatorReopened, Tenant: string(s.Tenant), Subject: s.ID, Actor: actor.Subject.ID, Reason: string(f),
	})
	return nil
}

// charges are the counters of an attempt. A known device has an allowance of its own, so that nobody else can use it up.
func (t *Throttle) charges(x Target, device string) []charge {
	network := t.network(x.Client.IP)
	who, account := x.Subject.ID, x.Subject.ID != ""
	if !account {
		who = "name " + hashed(string(x.Factor), x.Name)
	}
	var list []charge
	switch {
	case device != "":
		return []charge{
			{key: CounterKey{x.Subject.Tenant, CounterDevice, hashed(string(x.Factor), who, device)}, limit: t.limits.account, windowed: true},
			{key: accountKey(x.Subject, x.Factor), limit: t.limits.account, most: t.limits.all},
		}
	case account:
		list = append(list, charge{key: accountKey(x.Subject, x.Factor), limit: t.limits.account, windowed: true, most: t.limits.strangers})
	case x.Name != "":
		list = append(list, charge{key: CounterKey{x.Subject.Tenant, CounterName, who}, limit: t.limits.account, windowed: true})
	}
	if network == "" {
		return list
	}
	if account || x.Name != "" {
		list = append(list, charge{key: CounterKey{x.Subject.Tenant, CounterPair, hashed(string(x.Factor), who, network)}, limit: t.limits.pair, windowed: true})
	}
	return append(list, t.address(x.Factor, network))
}

// address is the same for all tenants: a client that tries them all is one.
func (t *Throttle) address(f Factor, network string) charge {
	return charge{key: CounterKey{Kind: CounterAddress, ID: string(f) + " " + network}, limit: t.limits.address, windowed: true}
}

// network is what counts as one client, empty where the address is unknown: those without one share no counter.
func (t *Throttle) network(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	bits := t.limits.bits6
	if ip.Is4() {
		bits = t.limits.bits4
	}
	prefix, err := ip.Prefix(bits)
	if err != nil || !ip.IsValid() {
		return ""
	}
	return prefix.String()
}

func accountKey(s Subject, f Factor) CounterKey {
	return CounterKey{Tenant: s.Tenant, Kind: CounterKind(f), ID: s.ID}
}

// hashed makes one short text of several, so that a store has no more of what strangers type than its hash.
func hashed(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
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
