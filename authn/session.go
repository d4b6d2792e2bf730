package authn

import (
	"context"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Carrier says how a session reaches the application.
type Carrier string

// The carriers of a session.
const (
	// CarrierToken is an access token and a refresh token.
	CarrierToken Carrier = "token"
	// CarrierCookie is a browser cookie.
	CarrierCookie Carrier = "cookie"
)

// orToken returns the carrier, by default that of tokens.
func (c Carrier) orToken() (Carrier, error) {
	switch c {
	case "":
		return CarrierToken, nil
	case CarrierToken, CarrierCookie:
		return c, nil
	}
	return "", fmt.Errorf("authn: a session has no carrier %q", string(c))
}

// Session is what this package needs to know of a login's session. The
// session package owns the record behind it.
type Session struct {
	// ID is public and stable; it never authenticates.
	ID      string
	Subject Subject
	Carrier Carrier
	Methods []string
	// AuthTime is when its user last proved who they are, by whatever factor; of a login with a second factor it is when the
	// first was given, until a step-up. Refreshing and renewing are no proofs.
	AuthTime time.Time
	// MFATime is when a second factor was last proved, zero if none ever was.
	MFATime time.Time
	// Actor is the ID of the account, of the same tenant, that acts as Subject; empty for the owner's own session. ActorSession
	// is the ID of the session in which it began to; this one ends with it.
	Actor, ActorSession string
	// Ends is the absolute end; nothing extends it.
	Ends time.Time
	// Epoch is the position of the revocation log when the session was opened; see [Revocations.Position].
	Epoch int64
	// Confirmation is what the session and its tokens are bound to. It stays through every rotation.
	Confirmation Confirmation
}

// EndReason says why a session was ended before its time.
type EndReason string

// The reasons to end a session.
const (
	EndLogout   EndReason = "logout"
	EndRevoked  EndReason = "revoked"
	EndEvicted  EndReason = "evicted"
	EndReused   EndReason = "refresh_reused"
	EndDisabled EndReason = "account_disabled"
	// EndBinding: its refresh token came from a client that it is not bound to.
	EndBinding EndReason = "binding_failed"
	// EndReplaced: its owner chose it to make room for a new login.
	EndReplaced EndReason = "replaced"
	// EndSuperseded: its browser logged in anew.
	EndSuperseded EndReason = "superseded"
)

// Opening asks for the session of one login.
type Opening struct {
	Proof   Proof
	Carrier Carrier
	Client  Client
	// Epoch is the position of the revocation log that was read before the account.
	Epoch int64
	// Confirmation is what the session is bound to.
	Confirmation Confirmation
	// Roles are those of the account, for limits that depend on them.
	Roles []string
	// Remember asks for the longer lifetime, if there is one.
	Remember bool
	Device   DeviceClaim
	// Actor and ActorSession are as in [Session]. Such a session counts to no limit, lives as long as Lifetime and is no use of a device.
	Actor, ActorSession string
	// Lifetime bounds the session besides what is configured; zero does not.
	Lifetime time.Duration
}

// Sessions opens and ends sessions. The session manager implements it.
type Sessions interface {
	// Open starts the session of one login and returns the secret that carries
	// it: a cookie value or a refresh token. It returns [ErrSessionLimit] when
	// the limit refuses one more, as [ErrSessionChoice] where the user may make room.
	Open(ctx context.Context, o Opening) (Session, setting.Secret, error)
	// Rotate exchanges a refresh token for the next one. It calls issue after
	// the token was checked and before it is consumed: when issue fails,
	// nothing is consumed. Of concurrent calls at most one succeeds. A token
	// used before ends its session and returns [ErrRefreshReused]; any other
	// unusable token returns [ErrRefreshInvalid]. A token that proves itself and comes from a client that its
	// session is not bound to ends the session and returns [ErrTokenBinding]. With a grace window, calls
	// within it succeed and return one and the same next token.
	Rotate(ctx context.Context, refresh setting.Secret, client Client, issue func(Session) error) (Session, setting.Secret, error)
	// Renew gives the session of a cookie another secret and returns it; the secret before is dead then. Of concurrent
	// calls with one cookie exactly one succeeds, and the others return [ErrSessionRenewed]. Other errors are those of [LiveSessions].Resume.
	Renew(ctx context.Context, cookie setting.Secret, client Client) (Session, setting.Secret, error)
	// Prove adds to a session of the subject what its user proved once more: the methods, the time as [Session.AuthTime], and
	// for a second factor as [Session.MFATime] too; neither moves backwards. A session that a cookie carries gets another secret in the same
	// step, which is returned, as Renew does; for one with tokens the cookie is not looked at. It returns [ErrSessionEnded]
	// when the subject has no such live session or its cookie is not this one.
	Prove(ctx context.Context, subject Subject, id string, cookie setting.Secret, client Client, methods []string, at time.Time, second bool) (Session, setting.Secret, error)
	// Close ends one session of the subject; [ErrNotFound] when it has no such live session.
	Close(ctx context.Context, s Subject, id string, why EndReason) error
	// CloseAll ends every session of the subject but the one named, and returns how many.
	CloseAll(ctx context.Context, s Subject, except string, why EndReason) (int, error)
}

// LiveSessions answers whether a session lives. The session manager implements it.
type LiveSessions interface {
	// Live returns the session, or [ErrSessionEnded]. It does not count as a use.
	Live(ctx context.Context, t Tenant, id string) (Session, error)
	// Resume returns the session that a cookie value carries and counts as a
	// use of it, or returns [ErrSessionEnded], which is [ErrCookieSuperseded] where its browser may have a newer one, or [ErrTokenBinding] when the client is not the one it is bound to.
	Resume(ctx context.Context, cookie setting.Secret, client Client) (Session, error)
	// Peek, which asks for no proof of the session's binding, returns the session whose current refresh token this is, or
	// [ErrRefreshInvalid]. It uses nothing up and ends nothing.
	Peek(ctx context.Context, refresh setting.Secret) (Session, error)
}

// CheckSession returns nil if the subject's own session with the ID lives, and [ErrSessionEnded] if it has none. It is no use of the session.
func (s *Service) CheckSession(ctx context.Context, subject Subject, id string) error {
	session, err := s.deps.Live.Live(ctx, subject.Tenant, id)
	if err == nil && (session.Subject != subject || session.Actor != "") {
		err = ErrSessionEnded
	}
	return err
}

// RoleSource answers which roles an account has. The authorization service implements it.
type RoleSource interface {
	// RolesOf returns the roles assigned to the subject, or the default role
	// alone when none is, and until when that holds; zero is until it is changed. Inherited roles are not listed.
	RolesOf(ctx context.Context, s Subject) (roles []string, until time.Time, err error)
}
