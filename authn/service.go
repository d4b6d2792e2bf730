package authn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/audit"
)

// Service is the one login door: it registers accounts, completes logins,
// refreshes and ends them, and says who a request is from. It is safe for
// concurrent use.
type Service struct {
	deps    Deps
	binding *bindingPolicy
	// memory has the principals of access tokens, cookies those of cookies: neither must be taken for the other.
	memory, cookies *memory
}

// Deps are what a [Service] works with. Fields without a remark are required.
type Deps struct {
	Users     UserStore
	Passwords PasswordStore
	Hasher    *Hasher
	// Policy says which passwords may be chosen. Defaults to that of the empty [PasswordConfig].
	Policy *PasswordPolicy
	// History refuses passwords that an account had before; nil refuses none.
	History *PasswordHistory
	// Authorities are asked for a password in this order; the module's own is [Passwords].
	Authorities []PasswordAuthority
	Tokens      *TokenManager
	Sessions    Sessions
	Live        LiveSessions
	Roles       RoleSource
	// OneTime keeps logins that the session limit holds up, or that wait for a second factor; nil refuses them.
	OneTime OneTimeStore
	// SecondFactor says which logins need one; nil asks for none.
	SecondFactor SecondFactor
	// MayImpersonate says who may act as whom; nil is nobody. ImpersonationLifetime is how long such a session lasts at most: 30
	// minutes by default, [LongestImpersonation] at most.
	MayImpersonate        Impersonator
	ImpersonationLifetime time.Duration
	// Admins keeps the last administrator from being disabled; nil is for where there are none.
	Admins LastAdmins
	// Throttle limits failed logins and refreshes; nil limits nothing.
	Throttle *Throttle
	// Registration defaults to RegistrationClosed.
	Registration RegistrationPolicy
	// RequireVerified lets no account log in whose address nobody has verified: [ErrEmailUnverified].
	RequireVerified bool
	// Binding says to what sessions are bound.
	Binding BindingConfig
	// Events may be nil.
	Events *audit.Bus
	Log    *slog.Logger
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

// LastAdmins knows who the administrators are.
type LastAdmins interface {
	// LastAdmin reports whether the account is an administrator and the tenant has no other that is active.
	LastAdmin(ctx context.Context, s Subject) (bool, error)
}

// NewService returns a Service. It does no I/O.
func NewService(deps Deps) (*Service, error) {
	if deps.Users == nil || deps.Passwords == nil || deps.Hasher == nil || len(deps.Authorities) == 0 ||
		deps.Tokens == nil || deps.Sessions == nil || deps.Live == nil || deps.Roles == nil || deps.Log == nil {
		return nil, errors.New("authn: a service needs every field of Deps that has no default")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Rand == nil {
		deps.Rand = rand.Reader
	}
	if deps.Policy == nil {
		policy, err := NewPasswordPolicy(PasswordConfig{})
		if err != nil {
			return nil, err
		}
		deps.Policy = policy
	}
	if deps.ImpersonationLifetime == 0 {
		deps.ImpersonationLifetime = DefaultImpersonation
	}
	if deps.ImpersonationLifetime < 0 || deps.ImpersonationLifetime > LongestImpersonation {
		return nil, fmt.Errorf("authn: sessions in somebody else's name may last for up to %s, and are to last for %s", LongestImpersonation, deps.ImpersonationLifetime)
	}
	binding, err := newBindingPolicy(deps.Binding, deps.Roles)
	if err != nil {
		return nil, err
	}
	return &Service{deps: deps, binding: binding, memory: newMemory(deps.Tokens.cfg.remembered()), cookies: newMemory(deps.Tokens.cfg.remembered())}, nil
}

// Users lists the accounts of a tenant by ascending ID, those after the ID
// after, at most limit of them.
func (s *Service) Users(ctx context.Context, t Tenant, after string, limit int) ([]User, error) {
	return s.deps.Users.Users(ctx, t, after, limit)
}

// User returns one account, or [ErrNotFound], also for one that is deleted.
func (s *Service) User(ctx context.Context, subject Subject) (User, error) {
	return there(s.deps.Users.UserByID(ctx, subject))
}

// UserByEmail returns the account with that address, in any spelling, or [ErrNotFound].
func (s *Service) UserByEmail(ctx context.Context, t Tenant, email string) (User, error) {
	canonical, err := CanonicalEmail(email)
	if err != nil {
		return User{}, err
	}
	return there(s.deps.Users.UserByEmail(ctx, t, canonical))
}

// there takes a deleted account for none.
func there(u User, err error) (User, error) {
	if err == nil && !u.DeletedAt.IsZero() {
		return User{}, ErrNotFound
	}
	return u, err
}

// Disable closes an account: it cannot log in, and its sessions and tokens are
// dead when the call returns. Disabling twice is no error. A deleted account is an [ErrNotFound]. The last administrator is an [ErrLastAdmin], as
// far as that can be seen: of two administrators who disable each other at once, none may be left.
func (s *Service) Disable(ctx context.Context, actor Principal, subject Subject) error {
	if err := s.dispensable(ctx, subject); err != nil {
		return err
	}
	act := s.deps.Events.Act(audit.Event{Type: audit.UserDisabled, Tenant: string(subject.Tenant), Subject: subject.ID, Actor: ActorID(actor)})
	changed, err := s.setDisabled(ctx, subject, s.deps.Now(), act)
	if err != nil {
		return err
	}
	if changed {
		act.Tell(ctx)
	}
	_, err = s.deps.Sessions.CloseAll(ctx, subject, "", EndDisabled)
	return wrapped("end the sessions of a disabled account", err)
}

// dispensable refuses the last administrator. Who is disabled already is none that is left.
func (s *Service) dispensable(ctx context.Context, subject Subject) error {
	if s.deps.Admins == nil {
		return nil
	}
	user, err := s.User(ctx, subject)
	if err != nil || !user.Active() {
		return err
	}
	last, err := s.deps.Admins.LastAdmin(ctx, subject)
	if last && err == nil {
		return ErrLastAdmin
	}
	return wrapped("look for other administrators", err)
}

// Enable opens a disabled account again. Its old sessions stay dead. A deleted account is an [ErrNotFound]: nothing revives it.
func (s *Service) Enable(ctx context.Context, actor Principal, subject Subject) error {
	act := s.deps.Events.Act(audit.Event{Type: audit.UserEnabled, Tenant: string(subject.Tenant), Subject: subject.ID, Actor: ActorID(actor)})
	changed, err := s.setDisabled(ctx, subject, time.Time{}, act)
	if err != nil {
		return err
	}
	if changed {
		act.Tell(ctx)
	}
	return nil
}

func (s *Service) setDisabled(ctx context.Context, subject Subject, at time.Time, act *audit.Act) (changed bool, err error) {
	err = s.view().ChangeAccount(ctx, subject, func(ctx context.Context) error {
		return s.update(act.In(ctx), subject, func(u *User) bool {
			changed = u.Active() != at.IsZero()
			u.DisabledAt = at
			return changed
		})
	})
	return changed, err
}

// Changed has every node look again at an account that the application changed
// in its own [UserStore], such as one that it disabled. Without it they do so within a minute.
func (s *Service) Changed(ctx context.Context, subject Subject) error {
	return s.view().ChangeAccount(ctx, subject, nil)
}

// RevokeTenant ends every session of a tenant, whatever their number, with all
// tokens and cookies: on this node when it returns, on the others within a second. API keys are no sessions and stay.
func (s *Service) RevokeTenant(ctx context.Context, actor Principal, t Tenant) error {
	act := s.deps.Events.Act(audit.Event{Type: audit.TenantRevoked, Tenant: string(t), Actor: ActorID(actor)})
	if err := s.view().EndSessions(act.In(ctx), Subject{Tenant: t}, nil); err != nil { // one write: nobody's records
		return err
	}
	act.Tell(ctx)
	return nil
}

const updateTries = 16

// update changes an account by compare-and-swap, reading it anew when another
// change came first. The change reports whether there is anything to store.
func (s *Service) update(ctx context.Context, subject Subject, change func(*User) bool) error {
	var err error
	for range updateTries {
		var user User
		if user, err = there(s.deps.Users.UserByID(ctx, subject)); err != nil {
			return err
		}
		if !change(&user) {
			return nil
		}
		if err = s.deps.Users.UpdateUser(ctx, user); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return err
}

// wrapped says what was tried when err came, and is nil for a nil err.
func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("authn: %s: %w", what, err)
}
