package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// Register creates an account, which may log in at once, unless addresses must be verified first. It returns
// [ErrRegistrationClosed], a [FieldError] for an unacceptable address or
// password, or [ErrEmailTaken]; of concurrent calls for one address exactly one succeeds. A client that tries too many
// addresses that are taken is refused for a while with a [ThrottledError].
func (s *Service) Register(ctx context.Context, r RegisterRequest) (User, error) {
	if err := s.MayRegister(r.Client); err != nil {
		return User{}, err
	}
	prepared, err := s.Prepare(ctx, r)
	if err != nil {
		return User{}, err
	}
	user, err := s.CreatePrepared(ctx, prepared)
	if errors.Is(err, ErrEmailTaken) { // who tries addresses learns which have accounts
		s.deps.Throttle.Failed(ctx, FactorRegistration, r.Client)
	}
	return user, err
}

// MayRegister returns [ErrRegistrationClosed], or a [ThrottledError].
func (s *Service) MayRegister(client Client) error {
	if s.deps.Registration != RegistrationOpen {
		return ErrRegistrationClosed
	}
	return s.deps.Throttle.Blocked(FactorRegistration, client)
}

// CreateUser is Register for administrators and set-up code: it works with registration closed too, and vouches for the address.
func (s *Service) CreateUser(ctx context.Context, r RegisterRequest) (User, error) {
	prepared, err := s.prepare(ctx, r, s.deps.Hasher.Hash)
	if err != nil {
		return User{}, err
	}
	return s.create(ctx, prepared, s.deps.Now())
}

// Prepared is an account that was found acceptable and is not stored yet.
type Prepared struct {
	request     RegisterRequest
	email, hash string
}

// Format shows the address and no hash, for every verb.
func (p Prepared) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "account of %s", p.email) }

// Email is the account's canonical address, Tenant its tenant.
func (p Prepared) Email() string { return p.email }

// Tenant is the account's tenant.
func (p Prepared) Tenant() Tenant { return p.request.Tenant }

// Prepare looks at the address and the password of an account that is to be created, and hashes the password. It asks no store, and so
// takes as long for an address that is taken as for one that is not. It hashes as [Hasher.HashForStranger] does.
func (s *Service) Prepare(ctx context.Context, r RegisterRequest) (Prepared, error) {
	return s.prepare(ctx, r, s.deps.Hasher.HashForStranger)
}

func (s *Service) prepare(ctx context.Context, r RegisterRequest, hashed func(context.Context, setting.Secret) (string, error)) (Prepared, error) {
	if _, err := ParseTenant(string(r.Tenant)); err != nil {
		return Prepared{}, err
	}
	email, errEmail := CanonicalEmail(r.Email)
	if err := errors.Join(errEmail, s.deps.Policy.Check(ctx, NewPassword{Password: r.Password, Tenant: r.Tenant, Email: email})); err != nil {
		return Prepared{}, err
	}
	hash, err := hashed(ctx, r.Password)
	if err != nil {
		return Prepared{}, err
	}
	r.Password = ""
	return Prepared{request: r, email: email, hash: hash}, nil
}

// CreatePrepared creates the account, whose address counts as not verified, or returns [ErrEmailTaken].
func (s *Service) CreatePrepared(ctx context.Context, p Prepared) (User, error) {
	return s.create(ctx, p, time.Time{})
}

func (s *Service) create(ctx context.Context, p Prepared, verified time.Time) (User, error) {
	id, err := uuid.NewRandomFromReader(s.deps.Rand)
	if err != nil {
		return User{}, fmt.Errorf("authn: make an account ID: %w", err)
	}
	r := p.request
	user := User{
		Subject: Subject{Tenant: r.Tenant, ID: id.String()}, Email: p.email, CreatedAt: s.deps.Now().UTC(), VerifiedAt: verified.UTC(), CredentialVersion: 1, Version: 1,
	}
	act := s.deps.Events.Act(audit.Event{
		Type: audit.UserRegistered, Tenant: string(r.Tenant), Subject: user.Subject.ID,
		IP: r.Client.IPText(), UserAgent: r.Client.UserAgent,
	})
	if err := s.store(ctx, user, p.hash, act); err != nil {
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
