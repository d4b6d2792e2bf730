package authn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// ErrSetupInvalid: the set-up token is malformed, used, replaced by a newer one or expired.
var ErrSetupInvalid = errors.New("authn: set-up token is not valid")

const (
	setupKind    = "as"
	setupPurpose = "admin_setup"
	setupRecord  = "first"
	// SetupLifetime is how long a set-up token may be used.
	SetupLifetime = 24 * time.Hour
)

// AdminRoles answers and makes administrators. The authorization service stands behind it.
type AdminRoles interface {
	// AnyAdmin reports whether the tenant has an administrator.
	AnyAdmin(ctx context.Context, t Tenant) (bool, error)
	// MakeAdmin gives the account the administrator's role.
	MakeAdmin(ctx context.Context, s Subject) error
}

// AdminSetup makes the first administrator, by a token that works once and is
// issued only while there is none.
type AdminSetup struct {
	Email   string
	Users   *Service
	OneTime OneTimeStore
	Admins  AdminRoles
	Events  *audit.Bus
	Now     func() time.Time
	// Rand defaults to crypto/rand.
	Rand io.Reader
}

// Issue returns a new set-up token, which takes the place of an earlier one,
// or the empty secret when an administrator exists.
func (a *AdminSetup) Issue(ctx context.Context) (setting.Secret, error) {
	exists, err := a.Admins.AnyAdmin(ctx, "")
	if err != nil || exists {
		return "", err
	}
	random := a.Rand
	if random == nil {
		random = rand.Reader
	}
	id, errID := credential.NewID(random, "", setupRecord)
	secret, errSecret := credential.NewSecret(random)
	if err := errors.Join(errID, errSecret); err != nil {
		return "", fmt.Errorf("authn: make a set-up token: %w", err)
	}
	err = a.OneTime.PutOneTime(ctx, OneTime{
		Purpose: setupPurpose, ID: setupRecord, SecretHash: credential.Hash(secret), Value: a.Email, Expires: a.Now().Add(SetupLifetime),
	})
	if err != nil {
		return "", fmt.Errorf("authn: store a set-up token: %w", err)
	}
	a.Events.Emit(ctx, audit.Event{Type: audit.AdminSetupIssued})
	return credential.Credential{Kind: setupKind, ID: id, Secret: secret}.Encode(), nil
}

// Redeem creates the administrator's account with the password, and gives it
// the administrator's role. An account that has the address already is taken
// over: it gets the password, and its sessions end. An unacceptable password
// does not use the token up; a token is worthless once there is an administrator.
func (a *AdminSetup) Redeem(ctx context.Context, token, password setting.Secret, client Client) (User, error) {
	if err := CheckNewPassword(password); err != nil {
		return User{}, err
	}
	c, err := credential.Parse(setupKind, token)
	if err != nil {
		return User{}, ErrSetupInvalid
	}
	if exists, err := a.Admins.AnyAdmin(ctx, ""); err != nil || exists {
		return User{}, orError(err, ErrSetupInvalid)
	}
	record, err := a.OneTime.ConsumeOneTime(ctx, "", setupPurpose, setupRecord, credential.Hash(c.Secret), a.Now())
	if errors.Is(err, ErrNotFound) {
		return User{}, ErrSetupInvalid
	}
	if err != nil {
		return User{}, fmt.Errorf("authn: use a set-up token: %w", err)
	}
	user, err := a.account(ctx, record.Value, password, client)
	if err != nil {
		return User{}, err
	}
	if err := a.Admins.MakeAdmin(ctx, user.Subject); err != nil {
		return User{}, fmt.Errorf("authn: make an administrator: %w", err)
	}
	a.Events.Emit(ctx, audit.Event{Type: audit.AdminSetupCompleted, Subject: user.Subject.ID, IP: ipText(client), UserAgent: client.UserAgent})
	return user, nil
}

func (a *AdminSetup) account(ctx context.Context, email string, password setting.Secret, client Client) (User, error) {
	user, err := a.Users.CreateUser(ctx, RegisterRequest{Email: email, Password: password, Client: client})
	if !errors.Is(err, ErrEmailTaken) {
		return user, err
	}
	if user, err = a.Users.UserByEmail(ctx, "", email); err != nil {
		return User{}, err
	}
	return user, a.Users.resetPassword(ctx, user.Subject, password)
}

// resetPassword stores the new hash and then ends the account's sessions, so
// that those opened with the old password end.
func (s *Service) resetPassword(ctx context.Context, subject Subject, password setting.Secret) error {
	hash, err := s.deps.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	if err := s.deps.Passwords.SetPasswordHash(ctx, subject, hash); err != nil {
		return fmt.Errorf("authn: store a password hash: %w", err)
	}
	_, err = s.deps.Sessions.CloseAll(ctx, subject, "", EndRevoked)
	return err
}
