package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/setting"
)

// LoginRequest asks for a session by e-mail address and password.
type LoginRequest struct {
	Tenant   Tenant
	Email    string
	Password setting.Secret
	// Carrier defaults to CarrierToken.
	Carrier Carrier
	Client  Client
}

// Grant is what a successful login hands out. AccessToken and RefreshToken are
// set for CarrierToken, Cookie for CarrierCookie.
type Grant struct {
	Session      Session
	AccessToken  setting.Secret
	RefreshToken setting.Secret
	// ExpiresIn is the access token's lifetime.
	ExpiresIn time.Duration
	Cookie    setting.Secret
}

// Login asks the password authorities in their order and completes the login.
// Unknown address, wrong password and disabled account are all
// [ErrInvalidCredentials], at the same cost.
func (s *Service) Login(ctx context.Context, r LoginRequest) (Grant, error) {
	proof, err := s.prove(ctx, r)
	if err != nil {
		if errors.Is(err, ErrInvalidCredentials) {
			s.refused(ctx, Subject{Tenant: r.Tenant}, r.Client, "invalid_credentials")
		}
		return Grant{}, err
	}
	return s.Complete(ctx, proof, r.Carrier, r.Client)
}

func (s *Service) prove(ctx context.Context, r LoginRequest) (Proof, error) {
	email, err := CanonicalEmail(r.Email)
	if err != nil {
		return Proof{}, orError(s.deps.Hasher.Decoy(ctx, r.Password), ErrInvalidCredentials)
	}
	for _, authority := range s.deps.Authorities {
		proof, err := authority.Check(ctx, r.Tenant, email, r.Password)
		if !errors.Is(err, ErrNotMine) {
			return proof, err
		}
	}
	return Proof{}, ErrInvalidCredentials
}

// Complete turns a proof into a session. It is the only place that decides
// whether an account may log in, and the only caller of [Sessions].Open.
func (s *Service) Complete(ctx context.Context, proof Proof, carrier Carrier, client Client) (Grant, error) {
	user, err := s.deps.Users.UserByID(ctx, proof.Subject)
	if errors.Is(err, ErrNotFound) || (err == nil && !user.Active()) {
		s.refused(ctx, proof.Subject, client, "account_disabled")
		return Grant{}, ErrInvalidCredentials
	}
	if err != nil {
		return Grant{}, fmt.Errorf("authn: find an account: %w", err)
	}
	if proof.CredentialVersion == 0 {
		proof.CredentialVersion = user.CredentialVersion
	}
	roles, err := s.deps.Roles.RolesOf(ctx, user.Subject)
	if err != nil {
		return Grant{}, fmt.Errorf("authn: find an account's roles: %w", err)
	}
	grant, err := s.open(ctx, proof, carrier, client, roles)
	if err != nil {
		return Grant{}, err
	}
	s.deps.Events.Emit(ctx, audit.Event{
		Type: audit.LoginSucceeded, Tenant: string(user.Subject.Tenant), Subject: user.Subject.ID,
		SessionID: grant.Session.ID, IP: ipText(client), UserAgent: client.UserAgent,
	})
	return grant, nil
}

func (s *Service) open(ctx context.Context, proof Proof, carrier Carrier, client Client, roles []string) (grant Grant, err error) {
	if carrier == "" {
		carrier = CarrierToken
	}
	session, secret, err := s.deps.Sessions.Open(ctx, proof, carrier, client)
	if errors.Is(err, ErrSessionLimit) {
		s.refused(ctx, proof.Subject, client, "session_limit")
	}
	if err != nil {
		return Grant{}, err
	}
	delivered := false
	defer func() { // after a panic too
		if !delivered {
			_ = s.deps.Sessions.Close(context.WithoutCancel(ctx), session.Subject, session.ID, EndRevoked)
		}
	}()
	if grant, err = s.grant(session, secret, roles); err != nil {
		return Grant{}, err
	}
	if err = s.recordLogin(ctx, proof); err != nil {
		return Grant{}, err
	}
	delivered = true
	return grant, nil
}

func (s *Service) grant(session Session, secret setting.Secret, roles []string) (Grant, error) {
	if session.Carrier == CarrierCookie {
		return Grant{Session: session, Cookie: secret}, nil
	}
	grant, err := s.tokens(session, roles)
	grant.RefreshToken = secret
	return grant, err
}

// recordLogin stores when the account last logged in; when another login
// stored its time meanwhile, that one stands. It runs after the session was
// opened and looks at the account again, so that an account which is disabled
// or gets new credentials in between keeps no session: either this sees the
// change, or the change sees the session and ends it.
func (s *Service) recordLogin(ctx context.Context, proof Proof) error {
	user, err := s.deps.Users.UserByID(ctx, proof.Subject)
	if err != nil {
		return fmt.Errorf("authn: find an account: %w", err)
	}
	if !user.Active() || user.CredentialVersion != proof.CredentialVersion {
		return ErrInvalidCredentials
	}
	user.LastLoginAt = proof.Time
	if err := s.deps.Users.UpdateUser(ctx, user); err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("authn: record a login: %w", err)
	}
	return nil
}

func (s *Service) tokens(session Session, roles []string) (Grant, error) {
	token, claims, err := s.deps.Tokens.Issue(session, roles)
	if err != nil {
		return Grant{}, err
	}
	return Grant{Session: session, AccessToken: token, ExpiresIn: claims.Expires.Sub(claims.IssuedAt)}, nil
}

func (s *Service) refused(ctx context.Context, subject Subject, client Client, why string) {
	s.deps.Events.Emit(ctx, audit.Event{
		Type: audit.LoginFailed, Tenant: string(subject.Tenant), Subject: subject.ID,
		IP: ipText(client), UserAgent: client.UserAgent, Reason: why,
	})
}

func ipText(c Client) string {
	if !c.IP.IsValid() {
		return ""
	}
	return c.IP.String()
}
