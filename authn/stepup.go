package authn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/setting"
)

// StepUpRequest proves once more who the caller is, in the session that they have.
type StepUpRequest struct {
	// Caller is who the request is from, as it was authenticated.
	Caller Principal
	// Factor is "password", or one of [Service.StepUpFactors]; Secret is what the user gave for it.
	Factor string
	Secret setting.Secret
	// Challenge is that of [Service.BeginStepUp], for a factor that needs one.
	Challenge setting.Secret
	// Cookie is the session cookie that came with the request, if the session has one.
	Cookie setting.Secret
	Client Client
	Device DeviceClaim
}

// stepper is a caller who may step up, with the account as it was when they began to.
type stepper struct {
	caller Principal
	query  FactorQuery
}

// stepper looks at the account as it is now.
func (s *Service) stepper(ctx context.Context, caller Principal, client Client) (stepper, error) {
	if !ownLogin(caller) {
		return stepper{}, ErrStepUpRefused
	}
	user, has, err := s.account(ctx, caller.Subject)
	if errors.Is(err, errGone) {
		return stepper{}, ErrSessionEnded
	}
	// That the login was one of several factors must not make the question of a further one idle.
	methods := slices.DeleteFunc(slices.Clone(caller.Methods), func(m string) bool { return m == MethodMFA })
	proof := Proof{Subject: caller.Subject, Methods: methods, Time: caller.AuthTime, CredentialVersion: user.CredentialVersion}
	return stepper{caller, FactorQuery{Proof: proof, User: user, Roles: has.roles, Client: client}}, err
}

// StepUpFactors returns the names of what the caller can step up by: "password", and the account's second factors. It returns
// [ErrStepUpRefused] for callers without a login of their own.
func (s *Service) StepUpFactors(ctx context.Context, caller Principal) ([]string, error) {
	p, err := s.stepper(ctx, caller, Client{})
	if err != nil {
		return nil, err
	}
	factors := []string{}
	has, err := s.hasPassword(ctx, caller.Subject)
	if err != nil {
		return nil, err
	}
	if has {
		factors = append(factors, string(FactorPassword))
	}
	if s.deps.SecondFactor == nil {
		return factors, nil
	}
	due, err := s.deps.SecondFactor.Due(ctx, p.query)
	if err != nil {
		return nil, wrapped("ask for a second factor", err)
	}
	if !due.Enroll {
		factors = append(factors, due.Factors...)
	}
	return factors, nil
}

// hasPassword reports whether there may be one: what another authority knows is not told.
func (s *Service) hasPassword(ctx context.Context, subject Subject) (bool, error) {
	_, err := s.deps.Passwords.PasswordHash(ctx, subject)
	if !errors.Is(err, ErrNotFound) {
		return err == nil, wrapped("read a password hash", err)
	}
	return slices.ContainsFunc(s.deps.Authorities, func(a PasswordAuthority) bool {
		_, own := a.(*Passwords)
		return !own
	}), nil
}

// StepUp proves once more who the caller is, and makes their session as fresh: a password its AuthTime, a second factor its MFATime
// as well, whose methods are added. For a session with tokens the grant has an access token that says so, and no refresh token; those of
// before say what they said. For one with a cookie it has a new cookie, and the old one is dead, also when the call fails after the proof.
//
// A wrong password is [ErrInvalidCredentials], counted and refused as at a login; a wrong code [ErrFactorInvalid]. Others are
// [ErrChallengeInvalid], [ErrStepUpRefused], [ErrSessionEnded], [ErrSessionRenewed] and a [ThrottledError]. An account whose credentials
// change meanwhile is refused.
func (s *Service) StepUp(ctx context.Context, r StepUpRequest) (Grant, error) {
	p, err := s.stepper(ctx, r.Caller, r.Client)
	if err != nil {
		return Grant{}, err
	}
	if r.Factor == string(FactorPassword) {
		attempt, err := s.password(ctx, p, r)
		if err != nil {
			return Grant{}, err
		}
		grant, err := s.stepped(ctx, p, r, []string{MethodPassword}, false)
		attempt.Done(ctx, !errors.Is(err, ErrInvalidCredentials), nil)
		return grant, err
	}
	methods, err := s.factor(ctx, p, r)
	if err != nil {
		return Grant{}, err
	}
	return s.stepped(ctx, p, r, methods, true)
}

// password checks the account's password as a login does. The attempt goes on until the step-up is complete.
func (s *Service) password(ctx context.Context, p stepper, r StepUpRequest) (*Attempt, error) {
	user := p.query.User
	login := LoginRequest{Tenant: user.Subject.Tenant, Email: user.Email, Password: r.Secret, Client: r.Client, Device: r.Device}
	proof, attempt, err := s.guessing(ctx, login, func(_ Subject, why string) { s.notStepped(ctx, r, why) })
	if err != nil {
		return nil, err
	}
	if proof.Subject != user.Subject { // an authority that knows another account by the address
		s.notStepped(ctx, r, "another_account")
		attempt.Fail(ctx)
		return nil, ErrInvalidCredentials
	}
	return attempt, nil
}

// stepped makes the session fresh, unless the account changed since before the proof: it looks before, so that nothing is
// stored for one that did, and after, so that one that is being changed keeps no session which was made fresh by what it had.
func (s *Service) stepped(ctx context.Context, p stepper, r StepUpRequest, methods []string, second bool) (Grant, error) {
	if err := s.unchanged(ctx, p, r); err != nil {
		return Grant{}, err
	}
	caller := p.caller
	act := s.deps.Events.Act(s.stepUpEvent(audit.StepUpSucceeded, r))
	session, cookie, err := s.deps.Sessions.Prove(act.Offer(ctx), caller.Subject, caller.SessionID, r.Cookie, r.Client, methods, s.deps.Now(), second)
	if err != nil {
		return Grant{}, err
	}
	if err := s.unchanged(ctx, p, r); err != nil {
		if errors.Is(err, ErrInvalidCredentials) {
			s.abandon(ctx, session)
		}
		return Grant{}, err
	}
	grant := Grant{Session: session, Cookie: cookie}
	if session.Carrier == CarrierToken {
		if grant, err = s.tokens(session, p.query.Roles); err != nil {
			return Grant{}, err
		}
	}
	act.Tell(ctx)
	return grant, nil
}

func (s *Service) unchanged(ctx context.Context, p stepper, r StepUpRequest) error {
	err := s.stillGood(ctx, p.query.Proof)
	if errors.Is(err, ErrInvalidCredentials) {
		s.notStepped(ctx, r, "account_changed")
	}
	return err
}

func (s *Service) notStepped(ctx context.Context, r StepUpRequest, why string) {
	e := s.stepUpEvent(audit.StepUpFailed, r)
	e.Detail = map[string]string{"why": why}
	s.deps.Events.Emit(ctx, e)
}

func (s *Service) stepUpEvent(what audit.Type, r StepUpRequest) audit.Event {
	return audit.Event{
		Type: what, Tenant: string(r.Caller.Subject.Tenant), Subject: r.Caller.Subject.ID, SessionID: r.Caller.SessionID,
		IP: r.Client.IPText(), UserAgent: r.Client.UserAgent, Reason: r.Factor,
	}
}

// StepUpBegun is a factor of a step-up that was begun.
type StepUpBegun struct {
	FactorBegun
	// Challenge goes with the answer, once it is right, and may be answered [ChallengeTries] times until Expires.
	Challenge setting.Secret
	Expires   time.Time
}
