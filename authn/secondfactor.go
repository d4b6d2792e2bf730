package authn

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Why a second factor is refused. Test with errors.Is.
var (
	// ErrFactorInvalid: the code is wrong, used already or too old, or the account has no such factor; which one is not told.
	ErrFactorInvalid = errors.New("authn: the code is not valid")
	// ErrChallengeInvalid: the login that waits for a second factor is unknown, was answered already, had too many wrong answers or waited too long.
	ErrChallengeInvalid = errors.New("authn: the challenge is not valid")
)

// FactorQuery is a proved login that may need a second factor.
type FactorQuery struct {
	Proof Proof
	User  User
	// Roles are those assigned to the account.
	Roles  []string
	Client Client
	// Trust is the secret of a trusted device, if the client sent one.
	Trust setting.Secret
}

// FactorDemand is what a login must still prove. Its zero value is nothing.
type FactorDemand struct {
	// Factors are the names of those that the account may answer with. Empty is for a login that is complete.
	Factors []string
	// Enroll says that the account has no factor and must enroll one of Factors.
	Enroll bool
}

// Due reports whether anything must still be proved.
func (d FactorDemand) Due() bool { return d.Enroll || len(d.Factors) > 0 }

// FactorBegun is what a factor needs before it can be answered: the options of a passkey, the secret of an enrollment.
type FactorBegun struct {
	// Public is JSON for the client of this login alone. It may hold a secret.
	Public setting.Secret
	// State is kept with the login and given back with the answer. It holds no secret in clear.
	State string
}

// FactorAnswer answers a [FactorDemand].
type FactorAnswer struct {
	// Factor is one of the demand's, Code what the user gave for it.
	Factor string
	Code   setting.Secret
	// State is what [SecondFactor].Begin returned for this login, empty if it was not called.
	State  string
	Enroll bool
	Client Client
	Device DeviceClaim
	// Trust asks that the device need no second factor for a while.
	Trust bool
}

// FactorResult is what an answer proved.
type FactorResult struct {
	// Methods are added to the proof's (RFC 8176).
	Methods []string
	// Trust is the secret of a device that is trusted from now on until TrustEnds; empty for none.
	Trust     setting.Secret
	TrustEnds time.Time
	// RecoveryCodes are those of an account that has just enrolled its first factor. They are shown once.
	RecoveryCodes []setting.Secret
	// CredentialVersion is the account's since an enrollment that changed it from Proof.CredentialVersion, and from no other; the login
	// goes on with it. Zero is for one that changed none.
	CredentialVersion int64
}

// SecondFactor says whether a proved login must prove more, and checks what it
// answers. The mfa service implements it. An error that is none of the named ones means that it could
// not answer; the login is refused then.
type SecondFactor interface {
	// Due says what the login must still prove. It uses nothing up.
	Due(ctx context.Context, q FactorQuery) (FactorDemand, error)
	// Begin prepares one of the demand's factors: it sends a code, or makes an enrollment. For a factor that needs nothing it returns the zero value.
	Begin(ctx context.Context, q FactorQuery, factor string, enroll bool) (FactorBegun, error)
	// Redeem checks the answer and uses it up, in one atomic step: of concurrent calls with one code
	// at most one succeeds. It returns [ErrFactorInvalid] for a wrong one.
	Redeem(ctx context.Context, q FactorQuery, a FactorAnswer) (FactorResult, error)
}
