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
	// Forget takes away the second factors and API keys of an account that is taken over. Nil is for where there are none.
	Forget func(ctx context.Context, s Subject) error
	Events *audit.Bus
	Now    func() time.Time
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
	act := a.Events.Act(audit.Event{Type: audit.AdminSetupIssued})
	err = a.OneTime.PutOneTime(act.In(ctx), OneTime{
		Purpose: setupPurpose, ID: setupRecord, SecretHash: credential.Hash(secret), Value: a.Email, Expires: a.Now().Add(SetupLifetime),
	})
	if err != nil {
		return "", fmt.Errorf("authn: store a set-up token: %w", err)
	}
	act.Tell(ctx)
	return credential.Credential{Kind: setupKind, ID: id, Secret: secret}.Encode(), nil
}

// Redeem creates the administrator's account with the password, and gives it
// the administrator's role. An account that has the address already is taken
// over: it gets the password, loses its second factors and API keys, is enabled and counts as verified, and its sessions end. An unacceptable
// password or a full hashing queue does not use the token up, and neither does a store that
// fails afterwards; a token is worthless once there is an administrator. It returns [ErrSetupInvalid], or a [ThrottledError] for a client that
// has sent too many tokens or links that are not valid.
func (a *AdminSetup) Redeem(ctx context.Context, token, password setting.Secret, client Client) (User, error) {
	if err := a.Users.deps.Throttle.Blocked(FactorReset, client); err != nil {
		return User{}, err
	}
	user, err := a.redeem(ctx, token, password, client)
	if errors.Is(err, ErrSetupInvalid) {
		a.Users.deps.Throttle.Failed(ctx, FactorReset, client)
	}
	return user, err
}

func (a *AdminSetup) redeem(ctx context.Context, token, password setting.Secret, client Client) (User, error) {
	c, err := credential.Parse(setupKind, token)
	if err != nil {
		return User{}, ErrSetupInvalid
	}
	if exists, err := a.Admins.AnyAdmin(ctx, ""); err != nil || exists {
		return User{}, orError(err, ErrSetupInvalid)
	}
	if err := a.Users.deps.Policy.Check(ctx, NewPassword{Password: password, Email: a.Email}); err != nil {
		return User{}, err
	}
	hash, err := a.Users.deps.Hasher.HashForStranger(ctx, password)
	if err != nil {
		return User{}, err
	}
	record, err := a.OneTime.ConsumeOneTime(ctx, "", setupPurpose, setupRecord, credential.Hash(c.Secret), a.Now())
	if errors.Is(err, ErrNotFound) {
		return User{}, ErrSetupInvalid
	}
	if err != nil {
		return User{}, fmt.Errorf("authn: use a set-up token: %w", err)
	}
	return a.makeAdmin(ctx, record, hash, client)
}

func (a *AdminSetup) makeAdmin(ctx context.Context, record OneTime, hash string, client Client) (User, error) {
	user, err := a.account(ctx, record.Value, hash, client)
	act := a.Events.Act(audit.Event{Type: audit.AdminSetupCompleted, Subject: user.Subject.ID, IP: client.IPText(), UserAgent: client.UserAgent})
	if err == nil {
		err = a.Admins.MakeAdmin(act.Offer(ctx), user.Subject)
	}
	if err != nil {
		// The token goes back, so that its holder may try again.
		return User{}, errors.Join(fmt.Errorf("authn: make an administrator: %w", err), a.OneTime.PutOneTime(context.WithoutCancel(ctx), record))
	}
	act.Tell(ctx)
	return user, nil
}

func (a *AdminSetup) account(ctx context.Context, email, hash string, client Client) (User, error) {
	email, err := CanonicalEmail(email)
	if err != nil {
		return User{}, err
	}
	user, err := a.Users.create(ctx, Prepared{request: RegisterRequest{Client: client}, email: email, hash: hash}, a.Now())
	if !errors.Is(err, ErrEmailTaken) {
		return user, err
	}
	if user, err = a.Users.UserByEmail(ctx, "", email); err != nil {
		return User{}, err
	}
	return user, a.takeOver(ctx, user.Subject, hash)
}

// takeOver gives an account another password and nothing else to prove itself with, enables it, and ends its sessions. Wrong
// guesses at the password of before do not keep its new owner out.
func (a *AdminSetup) takeOver(ctx context.Context, subject Subject, hash string) error {
	_, err := a.Users.Credentials().SetPassword(ctx, subject, hash, CredentialChange{Why: EndRevoked, Edit: func(u *User) error {
		u.DisabledAt, u.VerifiedAt = time.Time{}, a.Now().UTC()
		return nil
	}})
	if err == nil && a.Forget != nil {
		err = a.Forget(ctx, subject)
	}
	if err != nil {
		return err
	}
	return a.Users.deps.Throttle.Reopen(ctx, Principal{}, subject, FactorPassword)
}
