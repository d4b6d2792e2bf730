package account

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// purpose is what a link is for. Its name is that of the one-time record.
type purpose struct {
	// kind begins the token: one for another purpose is malformed.
	kind, name string
	// link picks the page.
	link func(Links) string
}

// purposes of links.
var (
	forVerify = purpose{"ev", "account_verify", func(l Links) string { return l.VerifyEmail }}
	forReset  = purpose{"pr", "account_reset", func(l Links) string { return l.ResetPassword }}
	forChange = purpose{"ec", "account_change_email", func(l Links) string { return l.ChangeEmail }}
	forLogin  = purpose{"ll", "account_login_link", func(l Links) string { return l.MagicLink }}
)

// ticket is what a token stands for, as it is stored.
type ticket struct {
	Subject string `json:"subject"`
	// Version is the account's CredentialVersion when the token was made, and Email its address: after a change of either the token is void.
	Version int64  `json:"version"`
	Email   string `json:"email"`
	// NewEmail is the address that is to be the account's, and Session the one that asked, which stays.
	NewEmail string `json:"new_email,omitempty"`
	Session  string `json:"session,omitempty"`
}

// spent is a token that was consumed.
type spent struct {
	record authn.OneTime
	ticket
}

func (t spent) account() authn.Subject { return authn.Subject{Tenant: t.record.Tenant, ID: t.Subject} }

// recordID is one for each account and purpose, so that a new token takes the place of the one before. Like every credential's it names
// the tenant.
func recordID(subject authn.Subject, p purpose) (string, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", p.name, subject.Tenant, subject.ID))
	return credential.NewID(bytes.NewReader(sum[:]), string(subject.Tenant), subject.ID)
}

// issue makes a token, and tells of the act, which may be nil: of 256 random bits, of which the store gets a hash, and returns the link that carries it.
func (s *Service) issue(ctx context.Context, user authn.User, p purpose, t ticket, act *audit.Act) (link setting.Secret, expires time.Time, err error) {
	t.Subject, t.Version, t.Email = user.Subject.ID, user.CredentialVersion, user.Email
	value, errValue := json.Marshal(t)
	id, errID := recordID(user.Subject, p)
	secret, errSecret := credential.NewSecret(s.deps.Rand)
	if err := errors.Join(errValue, errID, errSecret); err != nil {
		return "", time.Time{}, fmt.Errorf("account: make a link: %w", err)
	}
	expires = s.deps.Now().Add(s.cfg.TokenMinutes.Duration())
	err = s.deps.OneTime.PutOneTime(act.In(ctx), authn.OneTime{
		Tenant: user.Subject.Tenant, Purpose: p.name, ID: id, SecretHash: credential.Hash(secret), Value: string(value), Expires: expires,
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("account: store a link: %w", err)
	}
	act.Tell(ctx)
	token := credential.Credential{Kind: p.kind, ID: id, Secret: secret}.Encode()
	return setting.Secret(p.link(s.deps.Links) + "#" + token.Reveal()), expires, nil
}

// parse takes a token apart, before anything is computed for it. What is malformed counts as a failure of the client.
func (s *Service) parse(ctx context.Context, p purpose, token setting.Secret, client authn.Client) (credential.Credential, error) {
	if err := s.deps.Throttle.Blocked(authn.FactorReset, client); err != nil {
		return credential.Credential{}, err
	}
	c, err := credential.Parse(p.kind, token)
	if err != nil {
		s.deps.Throttle.Failed(ctx, authn.FactorReset, client)
		return credential.Credential{}, ErrTokenInvalid
	}
	return c, nil
}

// spend consumes a token, in one atomic step: of calls at once with one token, one gets it.
func (s *Service) spend(ctx context.Context, p purpose, c credential.Credential, client authn.Client) (spent, error) {
	record, err := s.deps.OneTime.ConsumeOneTime(ctx, authn.Tenant(c.Tenant()), p.name, c.ID, credential.Hash(c.Secret), s.deps.Now())
	if errors.Is(err, authn.ErrNotFound) {
		s.deps.Throttle.Failed(ctx, authn.FactorReset, client)
		return spent{}, ErrTokenInvalid
	}
	if err != nil {
		return spent{}, fmt.Errorf("account: use a link: %w", err)
	}
	t := spent{record: record}
	if err := json.Unmarshal([]byte(record.Value), &t.ticket); err != nil {
		return spent{}, fmt.Errorf("account: read a link: %w", err)
	}
	return t, nil
}

// owner returns the account of a token that was consumed, if it is as it was when the token was made.
func (s *Service) owner(ctx context.Context, t spent) (authn.User, error) {
	user, err := s.active(ctx, t.account())
	if errors.Is(err, authn.ErrNotFound) || err == nil && !t.fits(user) {
		return authn.User{}, ErrTokenInvalid
	}
	return user, err
}

func (t ticket) fits(u authn.User) bool {
	return u.Active() && u.CredentialVersion == t.Version && u.Email == t.Email
}

// giveBack has a token work again that came to nothing by no fault of its own.
func (s *Service) giveBack(ctx context.Context, t spent) error {
	if err := s.deps.OneTime.PutOneTime(context.WithoutCancel(ctx), t.record); err != nil {
		return fmt.Errorf("account: give a link back: %w", err)
	}
	return nil
}

// invalid takes what a change finds of an account that is no longer as the token says for a token that is not valid.
func invalid(err error) error {
	for _, why := range []error{authn.ErrConflict, authn.ErrNotFound, authn.ErrEmailTaken} {
		if errors.Is(err, why) {
			return ErrTokenInvalid
		}
	}
	return err
}
