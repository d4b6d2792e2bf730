package authn

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/authmodule/authmodule/audit"
)

const (
	// DefaultImpersonation is how long a session in somebody else's name lasts.
	DefaultImpersonation = 30 * time.Minute
	// LongestImpersonation is how long it may last.
	LongestImpersonation = time.Hour
	// LongestImpersonationReason is how many characters [Impersonation].Reason may have.
	LongestImpersonationReason = 200
)

// Impersonator says who may act as whom. The authorization service implements it.
type Impersonator interface {
	// MayImpersonate returns nil if the actor may have a session in the name of the target, which is in the same tenant and is not the
	// actor. It is asked at the start and at each request. Any error refuses; [ErrImpersonationRefused] ends what was started, and others
	// say that it could not be decided.
	MayImpersonate(ctx context.Context, actor Principal, target Subject) error
}

// Impersonation asks for a session in somebody else's name.
type Impersonation struct {
	// Reason says what for, in [LongestImpersonationReason] printable characters at most. It is required, and stands in the audit log.
	Reason string
	// Carrier defaults to CarrierToken.
	Carrier Carrier
	Client  Client
	// Bind asks for a binding besides what the configuration demands.
	Bind Binding
}

// Impersonate opens a session in which the actor acts as the target. It has no refresh token, proves neither a recent login nor
// a second factor of the target, and ends as each of its sessions does; when the time in [Deps].ImpersonationLifetime is over; and
// when the actor's own session or account does, which is looked at at each request. Of the target's sessions it ends none, and
// counts to no limit. It returns [ErrImpersonationOff], [ErrImpersonationRefused], what the policy returned, or a [FieldError].
func (s *Service) Impersonate(ctx context.Context, actor Principal, target Subject, r Impersonation) (Grant, error) {
	if s.deps.MayImpersonate == nil {
		return Grant{}, ErrImpersonationOff
	}
	reason, err := impersonationReason(r.Reason)
	if err := errors.Join(err, r.Bind.check(r.Client)); err != nil {
		return Grant{}, err
	}
	carrier, err := r.Carrier.orToken()
	if err != nil {
		return Grant{}, err
	}
	if !ownLogin(actor) || actor.Subject == target || actor.Subject.Tenant != target.Tenant {
		return Grant{}, ErrImpersonationRefused
	}
	if err := s.deps.MayImpersonate.MayImpersonate(ctx, actor, target); err != nil {
		return Grant{}, err
	}
	o, err := s.impersonation(ctx, actor, target, r)
	if err != nil {
		return Grant{}, err
	}
	o.Carrier = carrier
	act := s.deps.Events.ActOf(func(outcome any) []audit.Event {
		session, _ := outcome.(Session)
		return []audit.Event{{
			Type: audit.ImpersonationStarted, Tenant: string(target.Tenant), Subject: target.ID, Actor: actor.Subject.ID, SessionID: session.ID,
			IP: r.Client.IPText(), UserAgent: r.Client.UserAgent, Detail: map[string]string{"reason": reason},
		}}
	})
	grant, err := s.open(act.Offer(ctx), o)
	if errors.Is(err, ErrInvalidCredentials) || errors.Is(err, ErrSessionEnded) { // target or actor changed meanwhile
		err = ErrImpersonationRefused
	}
	if err != nil {
		return Grant{}, err
	}
	grant.RefreshToken = ""
	act.TellOf(ctx, grant.Session)
	return grant, nil
}

// impersonation is the session that is to be opened.
func (s *Service) impersonation(ctx context.Context, actor Principal, target Subject, r Impersonation) (Opening, error) {
	epoch, err := s.view().Position(ctx)
	if err == nil {
		err = s.actorStands(ctx, Session{Subject: target, Actor: actor.Subject.ID, ActorSession: actor.SessionID})
	}
	if errors.Is(err, ErrSessionEnded) {
		return Opening{}, ErrImpersonationRefused
	}
	if err != nil {
		return Opening{}, err
	}
	user, has, err := s.account(ctx, target)
	if errors.Is(err, errGone) {
		return Opening{}, ErrImpersonationRefused
	}
	if err != nil {
		return Opening{}, err
	}
	confirmation, err := s.confirm(ctx, target, has.roles, Completion{Client: r.Client, Bind: r.Bind})
	return Opening{
		Proof:  Proof{Subject: target, Time: s.deps.Now(), CredentialVersion: user.CredentialVersion},
		Client: r.Client, Epoch: epoch, Confirmation: confirmation, Roles: has.roles,
		Actor: actor.Subject.ID, ActorSession: actor.SessionID, Lifetime: s.deps.ImpersonationLifetime,
	}, err
}

// actorStands returns [ErrSessionEnded] for a session in somebody else's name whose actor has no account or no session any more, or must
// not act as its subject any more: the actor lost a role, or the subject was given one.
func (s *Service) actorStands(ctx context.Context, session Session) error {
	if session.Actor == "" {
		return nil
	}
	actor := Subject{Tenant: session.Subject.Tenant, ID: session.Actor}
	own, err := s.deps.Live.Live(ctx, actor.Tenant, session.ActorSession)
	if err != nil {
		return err
	}
	if own.Subject != actor || own.Actor != "" {
		return ErrSessionEnded
	}
	if s.deps.MayImpersonate == nil { // it was switched off
		return ErrSessionEnded
	}
	p, err := s.principal(ctx, own)
	if err == nil {
		err = s.deps.MayImpersonate.MayImpersonate(ctx, p, session.Subject)
	}
	if errors.Is(err, ErrImpersonationRefused) {
		err = ErrSessionEnded
	}
	return err
}

// ownLogin reports a user's own login: no API key, no other issuer's token, and nobody who acts as somebody else.
func ownLogin(p Principal) bool {
	return p.Kind == KindUser && p.Authenticated() && !p.Limited() && p.SessionID != "" && p.Actor == ""
}

func impersonationReason(text string) (string, error) {
	text = strings.TrimSpace(text)
	refuse := func(code, problem string) (string, error) {
		return "", &FieldError{Field: "reason", Code: code, Problem: problem}
	}
	switch {
	case text == "":
		return refuse("required", "must say what for")
	case utf8.RuneCountInString(text) > LongestImpersonationReason:
		return refuse("too_long", "must have at most 200 characters")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return refuse("invalid", "must be printable text in one line")
	}
	return text, nil
}
