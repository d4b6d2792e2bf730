package authn

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// TokenKind says which of this module's tokens a text is.
type TokenKind string

// The kinds of tokens.
const (
	KindAccessToken  TokenKind = "access_token"
	KindRefreshToken TokenKind = "refresh_token"
)

// Inspection is what a token is good for at this moment. The zero value is an
// inactive token: unknown, malformed, expired, revoked, or of an ended session.
type Inspection struct {
	Active    bool
	Kind      TokenKind
	Subject   Subject
	SessionID string
	Methods   []string
	// AuthTime, MFATime, ACR and Actor are as in [Principal].
	AuthTime, MFATime time.Time
	ACR, Actor        string
	// Confirmation is what the token is bound to; whoever uses it must prove that.
	Confirmation Confirmation
	// Claims are those of an access token.
	Claims Claims
	// Expires is the end of an access token, and of a refresh token's session.
	Expires time.Time
}

// Inspect looks at a token of this module without using it (RFC 7662), and so
// without the proof of what it is bound to. An inactive token is no error; an error means that a store could not answer.
func (s *Service) Inspect(ctx context.Context, token setting.Secret) (Inspection, error) {
	e, v, err := s.resolve(ctx, token, s.deps.Now())
	if err == nil {
		principal := e.principal
		return Inspection{
			Active: true, Kind: KindAccessToken, Subject: principal.Subject, SessionID: principal.SessionID,
			Methods: principal.Methods, AuthTime: principal.AuthTime, MFATime: principal.MFATime,
			ACR: principal.ACR, Actor: principal.Actor, Confirmation: principal.Confirmation, Claims: v.claims, Expires: v.claims.Expires,
		}, nil
	}
	if !refusedToken(err) {
		return Inspection{}, err
	}
	return s.inspectRefresh(ctx, token)
}

func (s *Service) inspectRefresh(ctx context.Context, token setting.Secret) (Inspection, error) {
	session, err := s.deps.Live.Peek(ctx, token)
	if errors.Is(err, ErrRefreshInvalid) {
		return Inspection{}, nil
	}
	if err != nil {
		return Inspection{}, err
	}
	principal, err := s.principal(ctx, session)
	if errors.Is(err, ErrSessionEnded) {
		return Inspection{}, nil
	}
	if err != nil {
		return Inspection{}, err
	}
	return Inspection{
		Active: true, Kind: KindRefreshToken, Subject: session.Subject, SessionID: session.ID,
		Methods: session.Methods, AuthTime: session.AuthTime, MFATime: session.MFATime,
		ACR: principal.ACR, Actor: session.Actor, Confirmation: session.Confirmation, Expires: session.Ends,
	}, nil
}

// refusedToken reports a refusal of the token itself, not of a store.
func refusedToken(err error) bool {
	for _, class := range []error{
		ErrTokenMalformed, ErrTokenAlgorithm, ErrTokenKey, ErrTokenSignature, ErrTokenType, ErrTokenIssuer, ErrTokenAudience,
		ErrTokenExpired, ErrTokenNotYetValid, ErrTokenRevoked, ErrTokenBinding, ErrSessionEnded,
	} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

// RevokeInspected ends what was inspected (RFC 7009): an access token by
// itself, a refresh token with its session and all that came of it. An
// inactive one is no error.
func (s *Service) RevokeInspected(ctx context.Context, i Inspection) error {
	switch {
	case !i.Active:
		return nil
	case i.Kind == KindAccessToken:
		return s.deps.Tokens.revoke(ctx, i.Claims)
	}
	err := s.deps.Sessions.Close(ctx, i.Subject, i.SessionID, EndRevoked)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
