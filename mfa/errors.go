package mfa

import (
	"errors"
	"time"
)

// Why an enrollment or a change is refused. Test with errors.Is; a wrong code is an [authn.ErrFactorInvalid].
var (
	// ErrEnrollmentInvalid: the enrollment is unknown, confirmed already, replaced by a newer one or expired.
	ErrEnrollmentInvalid = errors.New("mfa: the enrollment is not valid")
	// ErrTooMany: the account has as many factors of the kind as it may have; remove one first.
	ErrTooMany = errors.New("mfa: too many factors of this kind")
	// ErrNoFactor: recovery codes and trusted devices are for accounts that have a factor.
	ErrNoFactor = errors.New("mfa: the account has no factor yet")
	// ErrUnavailable: the factor is not offered here, such as codes by e-mail without a sender.
	ErrUnavailable = errors.New("mfa: the factor is not available")
	// ErrTooManyCodes: as many codes were sent to the account as may be in an hour; see [TooManyCodesError].
	ErrTooManyCodes = errors.New("mfa: too many codes were sent; try again later")
	// ErrSecret: a stored secret is damaged, empty, too short or sealed with a key that is not configured. No code is checked against it.
	ErrSecret = errors.New("mfa: a stored secret cannot be used")
)

// TooManyCodesError is an [ErrTooManyCodes] that says when there may be another.
type TooManyCodesError struct {
	// RetryAfter is positive, and an hour at most.
	RetryAfter time.Duration
}

// Error is that of [ErrTooManyCodes].
func (e *TooManyCodesError) Error() string { return ErrTooManyCodes.Error() }

// Unwrap returns [ErrTooManyCodes].
func (e *TooManyCodesError) Unwrap() error { return ErrTooManyCodes }
