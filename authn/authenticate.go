package authn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// AuthenticateToken says who an access token is from: the token verifies and
// is not revoked, its session lives and is the token's own, its account is
// active, and the client proves what the token is bound to. Roles are those of
// this moment. The error is a token class (ErrToken…) or [ErrSessionEnded]; any other means that a store could not
// answer, and nobody is authenticated.
func (s *Service) AuthenticateToken(ctx context.Context, token setting.Secret, client Client) (Principal, error) {
	p, err := s.TokenPrincipal(ctx, token, func() Client { return client })
	if err != nil {
		return Principal{}, err
	}
	return *p, nil
}

// TokenPrincipal is [Service.AuthenticateToken] for code that is called at
// every request: the client is only made when something depends on it, and the
// principal is shared with other requests and must not be modified.
//
// What was found is remembered until the token expires, and for a minute at
// most. The revocation log is looked at each time; what it says about the token, its key, session, account
// or tenant is acted on at once.
func (s *Service) TokenPrincipal(ctx context.Context, token setting.Secret, client func() Client) (*Principal, error) {
	now := s.deps.Now()
	if e := s.memory.find(token.Reveal(), now); e != nil {
		if err := s.view().fresh(ctx, now); err != nil {
			return nil, err
		}
		if s.view().holds(e) && s.deps.Tokens.keys.has(e) {
			if err := s.proved(ctx, &e.principal, client, CredentialAccessToken); err != nil {
				return nil, err
			}
			return &e.principal, nil
		}
		s.memory.forget(e)
	}
	e, v, err := s.resolve(ctx, token, now)
	if err != nil {
		return nil, err
	}
	if err := s.bound(ctx, &e.principal, client, CredentialAccessToken); err != nil {
		return nil, err
	}
	s.deps.Throttle.proved(FactorRefresh, e.principal.SessionID)
	if e.principal.Actor == "" { // who acts as somebody else is looked at each time
		s.remember(s.memory, e, v, token, now)
	}
	return &e.principal, nil
}

// proved is what bound asks of a remembered principal. What the rules for everybody and for its tenant demand was seen to
// before; what those for roles demand can change with the roles' definitions.
func (s *Service) proved(ctx context.Context, p *Principal, client func() Client, credential string) error {
	if p.Confirmation.IsZero() && len(s.binding.roles) == 0 {
		return nil
	}
	return s.bound(ctx, p, client, credential)
}

func (s *Service) view() *Revocations { return s.deps.Tokens.revocations }

// resolve is TokenPrincipal by the stores alone. Its entry is not remembered yet.
func (s *Service) resolve(ctx context.Context, token setting.Secret, now time.Time) (*remembered, verified, error) {
	v, err := s.deps.Tokens.verify(ctx, token, now)
	if err != nil {
		return nil, verified{}, err
	}
	if s.deps.Tokens.sessionRevoked(v) {
		return nil, verified{}, ErrSessionEnded
	}
	session, err := s.deps.Live.Live(ctx, v.claims.Subject.Tenant, v.claims.SessionID)
	if err != nil {
		return nil, verified{}, err
	}
	if session.Subject != v.claims.Subject || session.Carrier != CarrierToken || session.Confirmation != v.claims.Confirmation ||
		session.Actor != v.claims.Actor {
		return nil, verified{}, ErrSessionEnded
	}
	e := &remembered{}
	if e.principal, err = s.principal(ctx, session); err != nil {
		return nil, verified{}, err
	}
	e.principal.narrow(v.claims)
	e.principal.TokenID, e.principal.Expires, e.principal.kid = v.claims.ID, v.claims.Expires, v.key.ID()
	return e, v, nil
}

// remember does so unless the account is just being changed.
func (s *Service) remember(in *memory, e *remembered, v verified, text setting.Secret, now time.Time) {
	marker, p := s.view().mark, &e.principal
	e.dead, e.key = v.dead, v.key
	e.changed = marks{
		marker.of(ChangedAccount, p.Subject.Tenant, p.Subject.ID), marker.of(ChangedAccount, p.Subject.Tenant, ""),
		marker.of(ChangedSession, p.Subject.Tenant, p.SessionID),
	}
	if s.view().settled(e.changed, now) {
		in.keep(e, text.Reveal(), v.seen, now)
	}
}

// Sweep lets go of remembered principals that have passed their time. Their number is bounded without it.
func (s *Service) Sweep() {
	now := s.deps.Now()
	s.memory.sweep(now)
	s.cookies.sweep(now)
}

// AuthenticateCookie says who a session cookie is from, and counts as a use of
// the session. The errors are [ErrSessionEnded], [ErrTokenBinding] and those of stores.
func (s *Service) AuthenticateCookie(ctx context.Context, cookie setting.Secret, client Client) (Principal, error) {
	p, err := s.CookiePrincipal(ctx, cookie, client)
	if err != nil {
		return Principal{}, err
	}
	return *p, nil
}

// CookiePrincipal is [Service.AuthenticateCookie] for code that is called at
// every request: the principal is shared with other requests and must not be modified. The session is read each time; the account and its
// roles are remembered as in [Service.TokenPrincipal].
func (s *Service) CookiePrincipal(ctx context.Context, cookie setting.Secret, client Client) (*Principal, error) {
	seen, now := s.view().glance(), s.deps.Now() // before anything is read
	session, err := s.deps.Live.Resume(ctx, cookie, client)
	if err != nil {
		return nil, err
	}
	given := func() Client { return client }
	if e := s.cookies.find(cookie.Reveal(), now); e != nil {
		if err := s.view().fresh(ctx, now); err != nil {
			return nil, err
		}
		if s.view().holds(e) && e.principal.of(session) {
			if err := s.proved(ctx, &e.principal, given, CredentialCookie); err != nil {
				return nil, err
			}
			return &e.principal, nil
		}
		s.cookies.forget(e)
	}
	e := &remembered{}
	if e.principal, err = s.principal(ctx, session); err != nil {
		return nil, err
	}
	if err := s.bound(ctx, &e.principal, given, CredentialCookie); err != nil {
		return nil, err
	}
	if e.principal.Actor == "" {
		s.remember(s.cookies, e, verified{seen: seen}, cookie, now)
	}
	return &e.principal, nil
}

// of reports whether the principal is that of the session as it is now.
func (p *Principal) of(session Session) bool {
	return p.Subject == session.Subject && p.SessionID == session.ID && p.AuthTime.Equal(session.AuthTime) && p.Expires.Equal(session.Ends) &&
		p.MFATime.Equal(session.MFATime) && p.Actor == session.Actor && p.Confirmation == session.Confirmation && slices.Equal(p.Methods, session.Methods)
}

func (s *Service) principal(ctx context.Context, session Session) (Principal, error) {
	user, has, err := s.account(ctx, session.Subject)
	if errors.Is(err, errGone) {
		return Principal{}, ErrSessionEnded
	}
	if err != nil {
		return Principal{}, err
	}
	if err := s.actorStands(ctx, session); err != nil {
		return Principal{}, err
	}
	return Principal{
		Kind: KindUser, Subject: session.Subject, Email: user.Email, SessionID: session.ID,
		Methods: session.Methods, Roles: has.roles, AuthTime: session.AuthTime, Expires: session.Ends,
		MFATime: session.MFATime, ACR: session.ACR(), Actor: session.Actor, Confirmation: session.Confirmation, rolesUntil: has.until,
	}, nil
}

// narrow has the principal be what the token says, of what its session is: what was proved since is another token's.
func (p *Principal) narrow(c Claims) {
	p.AuthTime, p.MFATime = earlier(p.AuthTime, c.AuthTime), earlier(p.MFATime, c.MFATime)
	if !slices.Equal(p.Methods, c.Methods) {
		session := p.Methods
		p.Methods = slices.DeleteFunc(slices.Clone(c.Methods), func(m string) bool { return !slices.Contains(session, m) })
	}
	if p.Actor != "" {
		return
	}
	if p.ACR = ACROf(p.Methods); c.ACR != "" && c.ACR != p.ACR && Meets(p.ACR, c.ACR) {
		p.ACR = c.ACR
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// errGone is how account reports that there is no such account, or no active one.
var errGone = errors.New("authn: the account is gone or disabled")

// assigned are an account's roles, and until when it has just these; zero is until they are changed.
type assigned struct {
	roles []string
	until time.Time
}

// account returns an active account and its roles of this moment.
func (s *Service) account(ctx context.Context, subject Subject) (User, assigned, error) {
	return accountOf(ctx, s.deps.Users, s.deps.Roles, subject)
}

// accountOf returns an active account and its roles of this moment, or errGone.
func accountOf(ctx context.Context, users UserStore, source RoleSource, subject Subject) (User, assigned, error) {
	user, err := users.UserByID(ctx, subject)
	switch {
	case errors.Is(err, ErrNotFound):
		return User{}, assigned{}, errGone
	case err != nil:
		return User{}, assigned{}, wrapped("find an account", err)
	case user.Subject != subject:
		return User{}, assigned{}, errors.New("authn: the user store returned another account than the one asked for")
	case !user.Active():
		return User{}, assigned{}, errGone
	}
	roles, until, err := source.RolesOf(ctx, subject)
	return user, assigned{roles: roles, until: until}, wrapped("find an account's roles", err)
}
