package authn

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/setting"
)

// RegisterRequest asks for a new account.
type RegisterRequest struct {
	Tenant   Tenant
	Email    string
	Password setting.Secret
	Client   Client
}

// Register creates an account, which may log in at once. It returns
// [ErrRegistrationClosed], a [FieldError] for an unacceptable address or
// password, or [ErrEmailTaken]; of concurrent calls for one address exactly one succeeds. A client that tries too many
// addresses that are taken is refused for a while with a [ThrottledError].
func (s *Service) Register(ctx context.Context, r RegisterRequest) (User, error) {
	if s.deps.Registration != RegistrationOpen {
		return User{}, ErrRegistrationClosed
	}
	if err := s.deps.Throttle.Blocked(FactorRegistration, r.Client); err != nil {
		return User{}, err
	}
	user, err := s.CreateUser(ctx, r)
	if errors.Is(err, ErrEmailTaken) { // who tries addresses learns which have accounts
		s.deps.Throttle.Failed(ctx, FactorRegistration, r.Client)
	}
	return user, err
}

// CreateUser is Register for administrators and set-up code: it works with registration closed too.
func (s *Service) CreateUser(ctx context.Context, r RegisterRequest) (User, error) {
	if _, err := ParseTenant(string(r.Tenant)); err != nil {
		return User{}, err
	}
	email, errEmail := CanonicalEmail(r.Email)
	if err := errors.Join(errEmail, s.deps.Policy.Check(ctx, NewPassword{Password: r.Password, Tenant: r.Tenant, Email: email})); err != nil {
		return User{}, err
	}
	hash, err := s.deps.Hasher.Hash(ctx, r.Password)
	if err != nil {
		return User{}, err
	}
	return s.create(ctx, r, email, hash)
}

func (s *Service) create(ctx context.Context, r RegisterRequest, email, hash string) (User, error) {
	id, err := uuid.NewRandomFromReader(s.deps.Rand)
	if err != nil {
		return User{}, fmt.Errorf("authn: make an account ID: %w", err)
	}
	user := User{Subject: Subject{Tenant: r.Tenant, ID: id.String()}, Email: email, CreatedAt: s.deps.Now().UTC(), CredentialVersion: 1, Version: 1}
	act := s.deps.Events.Act(audit.Event{
		Type: audit.UserRegistered, Tenant: string(r.Tenant), Subject: user.Subject.ID,
		IP: r.Client.IPText(), UserAgent: r.Client.UserAgent,
	})
	if err := s.store(ctx, user, hash, act); err != nil {
		return User{}, err
	}
	act.Tell(ctx)
	return user, nil
}

// store writes the hash first, under an ID that no account has yet, so that an
// account is never seen without its password. A hash is removed only when it is certain
// that no account has it: after another error the account may have been stored.
func (s *Service) store(ctx context.Context, user User, hash string, act *audit.Act) error {
	if err := s.deps.Passwords.SetPasswordHash(ctx, user.Subject, hash); err != nil {
		return fmt.Errorf("authn: store a password hash: %w", err)
	}
	err := s.deps.Users.CreateUser(act.In(ctx), user)
	if !errors.Is(err, ErrEmailTaken) {
		return wrapped("create an account", err)
	}
	if err := s.deps.Passwords.DeletePasswordHash(context.WithoutCancel(ctx), user.Subject); err != nil {
		s.deps.Log.WarnContext(ctx, "the password hash of an account that was not created stays behind", "subject", user.Subject.ID)
	}
	return ErrEmailTaken
}
