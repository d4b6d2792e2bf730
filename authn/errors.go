package authn

import (
	"errors"
	"fmt"
	"time"
)

// Conditions that stores, sessions and services report. Test with errors.Is.
var (
	// ErrNotFound: no such record.
	ErrNotFound = errors.New("authn: not found")
	// ErrConflict: the record changed since it was read.
	ErrConflict = errors.New("authn: record changed meanwhile")
	// ErrEmailTaken: the tenant has an account with that address.
	ErrEmailTaken = errors.New("authn: e-mail address is taken")
	// ErrLastAdmin: the account is the last administrator's, and cannot be disabled.
	ErrLastAdmin = errors.New("authn: the last administrator cannot be disabled")
	// ErrNotMine: this authority does not know the account; the next one is asked.
	ErrNotMine = errors.New("authn: not an account of this authority")
)

// Reasons why a login, a refresh or a request is refused.
var (
	// ErrInvalidCredentials: unknown account, wrong password or disabled account; which one is not told.
	ErrInvalidCredentials = errors.New("authn: invalid credentials")
	// ErrEmailUnverified: the account proved itself, but nobody has verified its address yet. Answer strangers as with [ErrInvalidCredentials]: whoever
	// has just registered an address would learn by it whether there was an account before.
	ErrEmailUnverified = errors.New("authn: e-mail address is not verified")
	// ErrRegistrationClosed: accounts cannot be registered.
	ErrRegistrationClosed = errors.New("authn: registration is closed")
	// ErrSessionLimit: the account has as many sessions as it may have.
	ErrSessionLimit = errors.New("authn: session limit reached")
	// ErrSessionChoice is an [ErrSessionLimit] where the user may choose which sessions to end.
	ErrSessionChoice = fmt.Errorf("%w, and some may be ended", ErrSessionLimit)
	// ErrContinuationInvalid: the login that is to go on is unknown, was continued already or waited too long.
	ErrContinuationInvalid = errors.New("authn: the login cannot be continued")
	// ErrSessionEnded: the session is unknown, expired or was ended.
	ErrSessionEnded = errors.New("authn: session ended")
	// ErrCookieSuperseded is an [ErrSessionEnded]: the session was ended, or its cookie renewed, less than a minute ago, so that the
	// browser may have a newer cookie by now.
	ErrCookieSuperseded = fmt.Errorf("authn: session cookie was superseded: %w", ErrSessionEnded)
	// ErrSessionRenewed: another request renewed the cookie first; the one that it set is good.
	ErrSessionRenewed = errors.New("authn: session was renewed by another request")
	// ErrRefreshInvalid: the refresh token is malformed, unknown or expired.
	ErrRefreshInvalid = errors.New("authn: refresh token is not valid")
	// ErrRefreshReused: the refresh token was used before; its session was ended.
	ErrRefreshReused = errors.New("authn: refresh token was used before")
	// ErrCertificateRequired: the account may log in with a client certificate only, and there was none.
	ErrCertificateRequired = errors.New("authn: login needs a client certificate")
	// ErrAddressRequired: the account's sessions are bound to the client's address, and it is not known.
	ErrAddressRequired = errors.New("authn: login needs the client's address")
	// ErrBreachUnavailable: whether a new password is known from breaches cannot be looked up; try again shortly.
	ErrBreachUnavailable = errors.New("authn: breached passwords cannot be looked up")
	// ErrOverloaded: too many passwords are being hashed; try again shortly.
	ErrOverloaded = errors.New("authn: password hashing is overloaded")
	// ErrThrottled: too many attempts have failed; which limit it was is not told. It is a [ThrottledError].
	ErrThrottled = errors.New("authn: too many failed attempts")
	// ErrStepUpRefused: the caller has no login of their own that could be stepped up.
	ErrStepUpRefused = errors.New("authn: only a login of one's own can be stepped up")
	// ErrImpersonationOff: nobody may act as somebody else.
	ErrImpersonationOff = errors.New("authn: impersonation is off")
	// ErrImpersonationRefused: the caller may not act as this account, or there is none.
	ErrImpersonationRefused = errors.New("authn: the caller may not act as this account")
	// ErrAuthenticatorDisabled: the factor had so many failures in a row that it is of no use until it is bound anew.
	ErrAuthenticatorDisabled = errors.New("authn: authenticator is disabled")
)

// ThrottledError is an [ErrThrottled] that says when to come again.
type ThrottledError struct {
	RetryAfter time.Duration
	// busy: attempts under way make the difference.
	busy bool
}

// Error says how long to wait.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("%v: try again in %d s", ErrThrottled, e.Seconds())
}

// Seconds is RetryAfter in whole seconds, rounded up.
func (e *ThrottledError) Seconds() int { return wholeSeconds(e.RetryAfter) }

func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// Is has errors.Is find [ErrThrottled].
func (e *ThrottledError) Is(target error) bool { return target == ErrThrottled }

// Classes of refused access tokens. Each is found by errors.Is in what
// [TokenManager.Verify] returns.
var (
	ErrTokenMalformed   = errors.New("authn: token is malformed")
	ErrTokenAlgorithm   = errors.New("authn: token algorithm is not accepted")
	ErrTokenKey         = errors.New("authn: token key is unknown")
	ErrTokenSignature   = errors.New("authn: token signature does not verify")
	ErrTokenType        = errors.New("authn: token is of another type")
	ErrTokenIssuer      = errors.New("authn: token is from another issuer")
	ErrTokenAudience    = errors.New("authn: token is for another audience")
	ErrTokenExpired     = errors.New("authn: token has expired")
	ErrTokenNotYetValid = errors.New("authn: token is not valid yet")
	ErrTokenRevoked     = errors.New("authn: token was revoked")
	// ErrTokenBinding: the credential is bound and came without the proof, or must be bound and is not.
	ErrTokenBinding = errors.New("authn: token is bound to another client")
)

// FieldError says which field of a request is wrong, and how. Its text is
// meant for the caller.
type FieldError struct {
	// Field is the name as the caller wrote it, such as "password".
	Field string
	// Code is a short stable word, such as "too_short".
	Code string
	// Problem says what is wrong and what would be right, without the value.
	Problem string
}

// Error returns "field: problem".
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }
