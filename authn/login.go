package authn

import (
	"context"
	"errors"
	"slices"
	"strconv"
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
	// Bind asks for a binding besides what the configuration demands.
	Bind Binding
	// Remember asks for the longer lifetime, if one is configured.
	Remember bool
	// Device says which device it is; its name is checked by [CheckDeviceName].
	Device DeviceClaim
	// Replaces is as in [Completion].
	Replaces setting.Secret
	// Trust is the secret of a device that needs no second factor, if the client has one.
	Trust setting.Secret
}

// Completion says how a proved login becomes a session.
type Completion struct {
	// Carrier defaults to CarrierToken.
	Carrier Carrier
	Client  Client
	// Bind asks for a binding besides what the configuration demands.
	Bind Binding
	// Remember and Device are as in [LoginRequest].
	Remember bool
	Device   DeviceClaim
	// Trust is as in [LoginRequest].
	Trust setting.Secret
	// held is set for a login that goes on.
	held *held
	// factored says that the second factor was asked for before, and given if it was due.
	factored bool
	// failures is how many attempts failed before.
	failures int64
	// Replaces is the session cookie that the browser sent along, if any. With CarrierCookie the new cookie takes its
	// place, and its session, whoever's it is, is ended; nothing of it is adopted.
	Replaces setting.Secret
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
	// Factor is what a second factor brought along, after [Service.AnswerChallenge].
	Factor FactorResult
}

// Login asks the password authorities in their order and completes the login.
// Unknown address, wrong password and disabled account are all
// [ErrInvalidCredentials], at the same cost. A binding that is asked for and cannot be had is a [FieldError]. Where users may
// choose which sessions to end, a reached limit is a [SessionLimitError]; where a second factor is due, it is an [MFARequiredError]. After too many failures the error is a [ThrottledError], alike for
// addresses that have an account and those that have none. The right password of an account that must be verified first is [ErrEmailUnverified], and counts as a failure.
func (s *Service) Login(ctx context.Context, r LoginRequest) (Grant, error) {
	if err := errors.Join(r.Bind.check(r.Client), CheckDeviceName("device_name", r.Device.Name)); err != nil {
		return Grant{}, err
	}
	if _, err := ParseTenant(string(r.Tenant)); err != nil {
		return Grant{}, err
	}
	proof, attempt, err := s.guess(ctx, r)
	if err != nil {
		return Grant{}, err
	}
	grant, err := s.Complete(ctx, proof, Completion{Carrier: r.Carrier, Client: r.Client, Bind: r.Bind, Remember: r.Remember, Device: r.Device, Replaces: r.Replaces, Trust: r.Trust, failures: attempt.failures()})
	// An account that is not verified may be anybody's: its password counts, and is answered, as a wrong one.
	attempt.Done(ctx, !errors.Is(err, ErrInvalidCredentials) && !errors.Is(err, ErrEmailUnverified), nil)
	return grant, err
}

// guess counts a login and proves it. The attempt goes on until the login is complete.
func (s *Service) guess(ctx context.Context, r LoginRequest) (Proof, *Attempt, error) {
	return s.guessing(ctx, r, func(subject Subject, why string) { s.refused(ctx, subject, r.Client, why) })
}

// guessing is guess, and has told of what is refused.
func (s *Service) guessing(ctx context.Context, r LoginRequest, refused func(subject Subject, why string)) (Proof, *Attempt, error) {
	leave, err := s.deps.Hasher.admit()
	if err != nil {
		return Proof{}, nil, err
	}
	defer leave()
	attempt, err := s.attempt(ctx, r, refused)
	if err != nil {
		return Proof{}, nil, err
	}
	proof, err := s.prove(ctx, r)
	switch {
	case err == nil:
		return proof, attempt, nil
	case errors.Is(err, ErrInvalidCredentials):
		refused(Subject{Tenant: r.Tenant, ID: proof.Subject.ID}, "invalid_credentials")
		attempt.Fail(ctx)
	default:
		attempt.Cancel(ctx)
	}
	return Proof{}, nil, err
}

// attempt counts a login before the password is looked at. Where the account's password is disabled it
// answers as for a wrong one, after the same time.
func (s *Service) attempt(ctx context.Context, r LoginRequest, refused func(Subject, string)) (*Attempt, error) {
	if s.deps.Throttle == nil {
		return nil, nil
	}
	target := Target{Factor: FactorPassword, Subject: Subject{Tenant: r.Tenant}, Client: r.Client, Device: r.Device}
	if email, err := CanonicalEmail(r.Email); err == nil {
		user, err := s.deps.Users.UserByEmail(ctx, r.Tenant, email)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, wrapped("find an account", err)
		}
		target.Name, target.Subject.ID = email, user.Subject.ID
	}
	attempt, err := s.deps.Throttle.Attempt(ctx, target)
	if errors.Is(err, ErrAuthenticatorDisabled) {
		refused(target.Subject, "authenticator_disabled")
		return nil, s.pretend(ctx, r)
	}
	return attempt, err
}

// nobody is an address that no account should have (RFC 2606). What is found out of it is not told.
const nobody = "nobody@account.invalid"

// pretend takes the steps of a login to an account that there is not.
func (s *Service) pretend(ctx context.Context, r LoginRequest) error {
	r.Email = nobody
	if _, err := s.prove(ctx, r); err != nil {
		return err
	}
	return ErrInvalidCredentials
}

func (s *Service) prove(ctx context.Context, r LoginRequest) (Proof, error) {
	email, err := CanonicalEmail(r.Email)
	if err != nil {
		return Proof{}, orError(s.deps.Hasher.Decoy(ctx, r.Password), ErrInvalidCredentials)
	}
	for _, authority := range s.deps.Authorities {
		if proof, err := authority.Check(ctx, r.Tenant, email, r.Password); !errors.Is(err, ErrNotMine) {
			return proof, err
		}
	}
	return Proof{}, ErrInvalidCredentials
}

// Complete turns a proof into a session. It is the only place that decides
// whether an account may log in, whether it must prove a second factor, and to what its session is bound, and the only caller of [Sessions].Open.
func (s *Service) Complete(ctx context.Context, proof Proof, c Completion) (Grant, error) {
	carrier, err := c.Carrier.orToken()
	if err != nil {
		return Grant{}, err
	}
	c.Carrier = carrier
	if err := CheckDeviceName("device_name", c.Device.Name); err != nil {
		return Grant{}, err
	}
	epoch, err := s.view().Position(ctx)
	if err != nil {
		return Grant{}, err
	}
	if c.held != nil { // what ended all sessions since ends this one as well, whenever it comes
		epoch = c.held.epoch
	}
	user, has, err := s.account(ctx, proof.Subject)
	if errors.Is(err, errGone) {
		s.refused(ctx, proof.Subject, c.Client, "account_disabled")
		return Grant{}, ErrInvalidCredentials
	}
	if err != nil {
		return Grant{}, err
	}
	if s.deps.RequireVerified && user.VerifiedAt.IsZero() {
		s.refused(ctx, proof.Subject, c.Client, "email_unverified")
		return Grant{}, ErrEmailUnverified
	}
	confirmation, err := s.confirm(ctx, proof.Subject, has.roles, c)
	if err != nil {
		return Grant{}, err
	}
	if proof.MFATime.IsZero() && slices.Contains(proof.Methods, MethodMFA) { // it was all one proof
		proof.MFATime = proof.Time
	}
	if proof.CredentialVersion == 0 {
		proof.CredentialVersion = user.CredentialVersion
	}
	if err := s.demand(ctx, proof, user, has.roles, c, epoch); err != nil {
		return Grant{}, err
	}
	c.factored = true
	if err := s.recordLogin(ctx, user, proof.Time); err != nil {
		return Grant{}, err
	}
	opening := Opening{
		Proof: proof, Carrier: c.Carrier, Client: c.Client, Confirmation: confirmation, Epoch: epoch, Roles: has.roles, Remember: c.Remember, Device: c.Device,
	}
	act := s.deps.Events.ActOf(ofSession(audit.LoginSucceeded, c.Client, c.detail()))
	grant, err := s.openInPlace(act.Offer(ctx), opening, c.Replaces)
	if errors.Is(err, ErrSessionChoice) && s.deps.OneTime != nil {
		err = s.offer(ctx, proof, c, epoch)
	}
	if err != nil {
		return Grant{}, err
	}
	act.TellOf(ctx, grant.Session)
	return grant, nil
}

// detail tells of failures before a success, which may have been somebody else's guesses.
func (c Completion) detail() map[string]string {
	if c.failures == 0 {
		return nil
	}
	return map[string]string{"failures": strconv.FormatInt(c.failures, 10)}
}

// confirm returns what the session will be bound to, or why there is none.
func (s *Service) confirm(ctx context.Context, subject Subject, roles []string, c Completion) (Confirmation, error) {
	confirmation, err := s.binding.confirm(ctx, subject.Tenant, roles, c.Bind, c.Client)
	switch {
	case errors.Is(err, ErrCertificateRequired):
		s.refused(ctx, subject, c.Client, "certificate_required")
	case errors.Is(err, ErrAddressRequired):
		s.refused(ctx, subject, c.Client, "address_required")
	}
	return confirmation, err
}

func (s *Service) open(ctx context.Context, o Opening) (grant Grant, err error) {
	session, secret, err := s.deps.Sessions.Open(ctx, o)
	if errors.Is(err, ErrSessionLimit) {
		s.refused(ctx, o.Proof.Subject, o.Client, "session_limit")
	}
	if err != nil {
		return Grant{}, err
	}
	delivered := false
	defer func() { // after a panic too
		if !delivered {
			s.abandon(ctx, session)
		}
	}()
	if grant, err = s.grant(session, secret, o.Roles); err != nil {
		return Grant{}, err
	}
	if err = s.stillGood(ctx, o.Proof); errors.Is(err, ErrInvalidCredentials) {
		s.refused(ctx, o.Proof.Subject, o.Client, "account_changed")
	}
	if err == nil {
		err = s.actorStands(ctx, session)
	}
	if err != nil {
		return Grant{}, err
	}
	delivered = true
	return grant, nil
}

// abandon ends a session whose secret was not handed out.
func (s *Service) abandon(ctx context.Context, session Session) {
	err := s.deps.Sessions.Close(context.WithoutCancel(ctx), session.Subject, session.ID, EndRevoked)
	if err != nil && !errors.Is(err, ErrNotFound) {
		s.deps.Log.WarnContext(ctx, "the session of a failed login stays listed; nobody has its secret", "session_id", session.ID, "error", err)
	}
}

func (s *Service) grant(session Session, secret setting.Secret, roles []string) (Grant, error) {
	if session.Carrier == CarrierCookie {
		return Grant{Session: session, Cookie: secret}, nil
	}
	s.deps.Throttle.proved(FactorRefresh, session.ID)
	grant, err := s.tokens(session, roles)
	grant.RefreshToken = secret
	return grant, err
}

// recordLogin stores when the account last logged in; when another change was
// stored meanwhile, that one stands. It runs before the session is opened, so
// that a store which cannot write evicts nobody.
func (s *Service) recordLogin(ctx context.Context, user User, at time.Time) error {
	user.LastLoginAt = at
	if err := s.deps.Users.UpdateUser(ctx, user); err != nil && !errors.Is(err, ErrConflict) {
		return wrapped("record a login", err)
	}
	return nil
}

// stillGood looks at the account again after the session was opened, so that an
// account which was disabled or got new credentials in between keeps no session:
// either this sees the change, or the change sees the session and ends it.
func (s *Service) stillGood(ctx context.Context, proof Proof) error {
	user, err := s.deps.Users.UserByID(ctx, proof.Subject)
	switch {
	case errors.Is(err, ErrNotFound):
		return ErrInvalidCredentials
	case err != nil:
		return wrapped("find an account", err)
	case !user.Active() || user.CredentialVersion != proof.CredentialVersion:
		return ErrInvalidCredentials
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
		IP: client.IPText(), UserAgent: client.UserAgent, Reason: why,
	})
}
