package mfa

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// The names of the module's own factors, in requests and events.
const (
	NameTOTP         = "totp"
	NameRecoveryCode = "recovery_code"
	NameEmailCode    = "email_code"
)

// Factor is a kind of second factor. Passkeys implement it beside their own enrollment.
type Factor interface {
	// Name is how requests call it. It is short, lower-case and does not change.
	Name() string
	// Ready reports whether the account can answer with it. Recovery codes
	// alone make no login ask for them: see [Backup].
	Ready(ctx context.Context, q authn.FactorQuery) (bool, error)
	// Verify checks an answer and uses it up in one atomic step, or returns [authn.ErrFactorInvalid]. It returns the
	// authentication method references that were proved (RFC 8176). The limiter was asked before. An [authn.ErrNotFound] is a
	// wrong answer too; any other error is none, and is not counted.
	Verify(ctx context.Context, q authn.FactorQuery, code setting.Secret, state string) (methods []string, err error)
}

// Backup is a [Factor] that stands in for others and makes no login ask for it by itself.
type Backup interface{ Backup() bool }

// Beginner is a [Factor] that must be begun before it is answered.
type Beginner interface {
	// Begin sends a code or makes options; see [authn.FactorBegun].
	Begin(ctx context.Context, q authn.FactorQuery) (authn.FactorBegun, error)
}

// Enroller is a [Factor] that can be enrolled in the middle of a login by who has none and must have one.
type Enroller interface {
	// BeginEnroll makes the enrollment.
	BeginEnroll(ctx context.Context, q authn.FactorQuery) (authn.FactorBegun, error)
	// FinishEnroll confirms it with its first code, which is used up.
	FinishEnroll(ctx context.Context, q authn.FactorQuery, code setting.Secret, state string) (authn.FactorResult, error)
}

// Sender brings codes to the owner of a mailbox.
type Sender interface {
	// SendCode sends the code, which is good for [CodeLifetime], to the account's address. It must not log it.
	SendCode(ctx context.Context, to authn.User, code setting.Secret) error
}

// Attempt is one answer that is about to be checked.
type Attempt struct {
	Subject authn.Subject
	// Factor is the name of the factor.
	Factor string
	Client authn.Client
	Device authn.DeviceClaim
}

// Format shows the attempt with its device's token redacted, for every verb.
func (a Attempt) Format(f fmt.State, _ rune) {
	type plain Attempt
	_, _ = fmt.Fprintf(f, "%+v", plain(a))
}

// Limiter bounds wrong answers: for each account, not for each client, session or challenge. No more than 100 in a row
// may be possible, however long they take (NIST SP 800-63B-4 section 3.2.2).
type Limiter interface {
	// Attempt counts the answer as wrong before it is checked, so that no number of answers at once is more than the limit, or
	// refuses it. The function is told what became of it: a right one is taken back, and an error is no wrong answer.
	Attempt(ctx context.Context, a Attempt) (done func(ok bool, err error), err error)
	// Reopen forgets the wrong answers to a factor that was enrolled anew.
	Reopen(ctx context.Context, s authn.Subject, factor string) error
}

// backup reports a factor that only stands in for others.
func backup(f Factor) bool {
	b, is := f.(Backup)
	return is && b.Backup()
}

func (s *Service) factor(name string) (Factor, bool) {
	for _, f := range s.factors {
		if f.Name() == name {
			return f, true
		}
	}
	return nil, false
}
