package authn

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/setting"
)

// AuthenticateToken says who an access token is from: the token verifies and
// is not revoked, its session lives and is the token's own, its account is
// active, and the client proves what the token is bound to. Roles are those of
// this moment. The error is a token class (ErrToken…) or [ErrSessionEnded]; any other means that a store could not
// answer, and nobody is authenticated.
func (s *Service) AuthenticateToken(ctx context.Context, token setting.Secret, client Client) (Principal, error) {
	p, _, err := s.tokenHolder(ctx, token)
	if err != nil {
		return Principal{}, err
	}
	if err := s.bound(ctx, p, client, CredentialAccessToken); err != nil {
		return Principal{}, err
	}
	return p, nil
}

// tokenHolder says who an access token is of, whoever presents it.
func (s *Service) tokenHolder(ctx context.Context, token setting.Secret) (Principal, Claims, error) {
	claims, err := s.deps.Tokens.Verify(ctx, token)
	if err != nil {
		return Principal{}, Claims{}, err
	}
	session, err := s.deps.Live.Live(ctx, claims.Subject.Tenant, claims.SessionID)
	if err != nil {
		return Principal{}, Claims{}, err
	}
	if session.Subject != claims.Subject || session.Carrier != CarrierToken || session.Confirmation != claims.Confirmation {
		return Principal{}, Claims{}, ErrSessionEnded
	}
	p, err := s.principal(ctx, session)
	if err != nil {
		return Principal{}, Claims{}, err
	}
	p.TokenID, p.Expires = claims.ID, claims.Expires
	return p, claims, nil
}

// AuthenticateCookie says who a session cookie is from, and counts as a use of
// the session. The errors are [ErrSessionEnded], [ErrTokenBinding] and those of stores.
func (s *Service) AuthenticateCookie(ctx context.Context, cookie setting.Secret, client Client) (Principal, error) {
	session, err := s.deps.Live.Resume(ctx, cookie, client)
	if err != nil {
		return Principal{}, err
	}
	p, err := s.principal(ctx, session)
	if err != nil {
		return Principal{}, err
	}
	if err := s.bound(ctx, p, client, CredentialCookie); err != nil {
		return Principal{}, err
	}
	return p, nil
}

func (s *Service) principal(ctx context.Context, session Session) (Principal, error) {
	user, roles, err := s.account(ctx, session.Subject)
	if errors.Is(err, errGone) {
		return Principal{}, ErrSessionEnded
	}
	if err != nil {
		return Principal{}, err
	}
	return Principal{
		Kind: KindUser, Subject: session.Subject, Email: user.Email, SessionID: session.ID,
		Methods: session.Methods, Roles: roles, AuthTime: session.AuthTime, Expires: session.Ends,
		Confirmation: session.Confirmation,
	}, nil
}

// errGone is how account reports that there is no such account, or no active one.
var errGone = errors.New("authn: the account is gone or disabled")

// account returns an active account and its roles of this moment.
func (s *Service) account(ctx context.Context, subject Subject) (User, []string, error) {
	return accountOf(ctx, s.deps.Users, s.deps.Roles, subject)
}

// accountOf returns an active account and its roles of this moment, or errGone.
func accountOf(ctx context.Context, users UserStore, source RoleSource, subject Subject) (User, []string, error) {
	user, err := users.UserByID(ctx, subject)
	switch {
	case errors.Is(err, ErrNotFound):
		return User{}, nil, errGone
	case err != nil:
		return User{}, nil, wrapped("find an account", err)
	case user.Subject != subject:
		return User{}, nil, errors.New("authn: the user store returned another account than the one asked for")
	case !user.Active():
		return User{}, nil, errGone
	}
	roles, err := source.RolesOf(ctx, subject)
	return user, roles, wrapped("find an account's roles", err)
}
