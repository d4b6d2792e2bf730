package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

const (
	kindCookie  = "cs"
	kindRefresh = "rt"
)

// Manager opens, finds, lists and ends sessions. It is safe for concurrent use.
type Manager struct {
	cfg  Config
	deps Deps
	// key stands behind a function, which fmt cannot look into.
	key func() []byte
	// uses are those that the store does not know yet; they are stored while running. Notices are the new devices of which nobody was told.
	running atomic.Bool
	uses    *uses
	notices chan NewDevice
}

// Deps are what a [Manager] works with. Store is required.
type Deps struct {
	Store Store
	// Devices may be nil: then no device is known, and none is new.
	Devices DeviceStore
	// Notifier is told of new devices by [Manager.Run]; nil tells nobody.
	Notifier DeviceNotifier
	// Locator says where an address is; nil says nothing.
	Locator Locator
	// RefreshKey derives refresh tokens from their parents; at least 32 bytes,
	// the same on all nodes. Without one, a random key serves until the process ends.
	RefreshKey []byte
	// RefreshIdle is how long a session with refresh tokens may stay unused. Defaults to 7 days.
	RefreshIdle time.Duration
	// Revocations tells all nodes of sessions that end. Nil is for a manager beside which no tokens are accepted.
	Revocations *authn.Revocations
	// TokenLifetime is the longest that an access token lives. Defaults to 24 hours.
	TokenLifetime time.Duration
	// KeepEnded is for how long records outlive their sessions: longer than the clocks of nodes differ, so that none
	// drops what another takes for live. Defaults to 10 minutes.
	KeepEnded time.Duration
	// Events may be nil.
	Events *audit.Bus
	// Log defaults to slog.Default().
	Log *slog.Logger
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

var (
	_ authn.Sessions     = (*Manager)(nil)
	_ authn.LiveSessions = (*Manager)(nil)
)

// New returns a Manager. It does no I/O.
func New(cfg Config, deps Deps) (*Manager, error) {
	if deps.Store == nil {
		return nil, errors.New("session: a manager needs a store")
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Rand == nil {
		deps.Rand = rand.Reader
	}
	if deps.RefreshIdle == 0 {
		deps.RefreshIdle = setting.Days(authn.DefaultRefreshDays).Duration()
	}
	if deps.KeepEnded == 0 {
		deps.KeepEnded = DefaultKeepEnded
	}
	if deps.TokenLifetime == 0 {
		deps.TokenLifetime = longestToken
	}
	if deps.RefreshKey == nil {
		key, err := credential.NewSecret(deps.Rand)
		if err != nil {
			return nil, fmt.Errorf("session: make a key: %w", err)
		}
		deps.RefreshKey = key
	}
	if len(deps.RefreshKey) < credential.SecretSize {
		return nil, fmt.Errorf("session: the refresh key has %d bytes, it needs %d", len(deps.RefreshKey), credential.SecretSize)
	}
	key := deps.RefreshKey
	deps.RefreshKey = nil
	return &Manager{
		cfg: cfg.WithDefaults(), deps: deps, key: func() []byte { return key }, uses: newUses(), notices: make(chan NewDevice, mostNotices),
	}, nil
}

// idle is how long a session of this carrier may stay unused.
func (m *Manager) idle(c authn.Carrier, remember bool) time.Duration {
	idle := m.cfg.idle(remember)
	if c != authn.CarrierToken {
		return idle
	}
	limit, _ := m.cfg.Preset.Limits()
	if remember && m.deps.RefreshIdle < idle {
		return idle
	}
	return within(m.deps.RefreshIdle, limit)
}

// Open implements [authn.Sessions]. The session starts with a new ID and a new secret.
func (m *Manager) Open(ctx context.Context, o authn.Opening) (authn.Session, setting.Secret, error) {
	subject := o.Proof.Subject
	id, errID := credential.NewID(m.deps.Rand, string(subject.Tenant), subject.ID)
	secret, errSecret := credential.NewSecret(m.deps.Rand)
	if err := errors.Join(errID, errSecret); err != nil {
		return authn.Session{}, "", fmt.Errorf("session: open: %w", err)
	}
	record := m.record(id, secret, o)
	limit := m.cfg.limit(subject.Tenant, o.Roles)
	act := m.endedAct(ctx)
	audit.Offered(ctx).Settle(record.session())
	evicted, err := m.create(ctx, record, limit, act)
	if errors.Is(err, ErrLimit) {
		return authn.Session{}, "", m.limitReached()
	}
	if err != nil {
		return authn.Session{}, "", errors.Join(fmt.Errorf("session: open: %w", err), m.withdraw(ctx, record, limit))
	}
	act.TellOf(ctx, evicted)
	err = m.announce(ctx, evicted)
	if err == nil && record.Actor == "" {
		err = m.seen(ctx, record, o.Device.Name)
	}
	if err != nil {
		return authn.Session{}, "", errors.Join(err, m.abandon(ctx, record))
	}
	return record.session(), m.encode(record, secret), nil
}

// create stores the record under the limit. Sessions that ended with all of a
// tenant are live to the store until somebody looks: they must not keep a user out.
func (m *Manager) create(ctx context.Context, r Record, limit Limit, act *audit.Act) ([]Record, error) {
	acting := act.In(audit.Offered(ctx).In(ctx))
	evicted, err := m.deps.Store.CreateSession(acting, r, limit)
	if !errors.Is(err, ErrLimit) {
		return evicted, err
	}
	if n, errEnd := m.endDead(ctx, r.Subject); n == 0 || errEnd != nil {
		return nil, errors.Join(errEnd, err)
	}
	return m.deps.Store.CreateSession(acting, r, limit)
}

// endDead ends the subject's records that the revocation log has ended already.
func (m *Manager) endDead(ctx context.Context, s authn.Subject) (int, error) {
	now := m.deps.Now().UTC()
	records, err := m.deps.Store.Sessions(ctx, s, now)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, r := range records {
		ended, err := m.deps.Revocations.EndedSince(ctx, s, r.Epoch)
		if err == nil && ended {
			n++
			_, err = m.deps.Store.EndSessions(ctx, s, Selection{Only: r.ID}, now, authn.EndRevoked)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (m *Manager) record(id string, secret []byte, o authn.Opening) Record {
	now := m.deps.Now().UTC().Truncate(time.Microsecond)
	remember := o.Remember && m.cfg.RememberDays > 0 && o.Actor == ""
	ends := now.Add(within(m.cfg.absolute(remember), o.Lifetime))
	use := useOf(o.Client, now, m.idle(o.Carrier, remember))
	r := Record{
		Subject: o.Proof.Subject, ID: id, Carrier: o.Carrier, SecretHash: credential.Hash(secret), Generation: 1,
		Methods: o.Proof.Methods, AuthTime: o.Proof.Time.UTC().Truncate(time.Microsecond),
		MFATime: o.Proof.MFATime.UTC().Truncate(time.Microsecond), Actor: o.Actor, ActorSession: o.ActorSession,
		CreatedAt: now, LastUsedAt: now, IdleAt: use.IdleAt, EndsAt: ends, Epoch: o.Epoch,
		IP: use.IP, UserAgent: use.UserAgent, Device: use.Device, Confirmation: o.Confirmation,
		Remember: remember,
	}
	if r.Actor == "" {
		r.DeviceID = deviceID(r.Subject, o.Device, o.Client)
	}
	return r
}

func (m *Manager) encode(r Record, secret []byte) setting.Secret {
	if r.Carrier == authn.CarrierCookie {
		return credential.Credential{Kind: kindCookie, ID: r.ID, Secret: secret}.Encode()
	}
	refresh := refreshSecret{generation: r.Generation, secret: secret}
	return credential.Credential{Kind: kindRefresh, ID: r.ID, Secret: refresh.bytes()}.Encode()
}

func (r *Record) session() authn.Session {
	return authn.Session{
		ID: r.ID, Subject: r.Subject, Carrier: r.Carrier, Methods: r.Methods, AuthTime: r.AuthTime, Ends: r.EndsAt, Epoch: r.Epoch, Confirmation: r.Confirmation,
		MFATime: r.MFATime, Actor: r.Actor, ActorSession: r.ActorSession,
	}
}

// find returns a live record, or [authn.ErrSessionEnded].
func (m *Manager) find(ctx context.Context, t authn.Tenant, id string) (Record, error) {
	record, err := m.load(ctx, t, id)
	if err != nil {
		return Record{}, err
	}
	if err := m.alive(ctx, &record, m.deps.Now()); err != nil {
		return Record{}, err
	}
	return record, nil
}

// load returns the record as it is stored, live or not, or [authn.ErrSessionEnded].
func (m *Manager) load(ctx context.Context, t authn.Tenant, id string) (Record, error) {
	record, err := m.deps.Store.Session(ctx, t, id)
	if errors.Is(err, authn.ErrNotFound) {
		return Record{}, authn.ErrSessionEnded
	}
	if err != nil {
		return Record{}, fmt.Errorf("session: find: %w", err)
	}
	if record.ID != id || record.Subject.Tenant != t {
		return Record{}, errors.New("session: the store returned another session than the one asked for")
	}
	return record, nil
}

// alive adds to a stored record the uses that are not stored yet, and returns [authn.ErrSessionEnded] unless it lives at now.
func (m *Manager) alive(ctx context.Context, r *Record, now time.Time) error {
	if !r.Live(now) || m.outlived(r, now) { // as it is stored: what this node has saved up must not outlive what all others see
		return authn.ErrSessionEnded
	}
	m.addUses(r)
	if ended, err := m.deps.Revocations.EndedSince(ctx, r.Subject, r.Epoch); ended || err != nil {
		return orEnded(err)
	}
	return nil
}

// outlived reports a session that is over by the times that are configured now, which may be shorter than those that it began with.
func (m *Manager) outlived(r *Record, now time.Time) bool {
	return now.Sub(r.CreatedAt) >= m.cfg.absolute(r.Remember) || now.Sub(r.LastUsedAt) >= m.idle(r.Carrier, r.Remember)
}

func orEnded(err error) error {
	if err != nil {
		return fmt.Errorf("session: find: %w", err)
	}
	return authn.ErrSessionEnded
}
