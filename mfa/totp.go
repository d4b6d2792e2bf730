package mfa

import (
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// Algorithm is the hash of a time-based code (RFC 6238 section 1.2).
type Algorithm string

// The algorithms. There is no other: what an app cannot show is no use, and what is broken is none either.
const (
	SHA1   Algorithm = "SHA1"
	SHA256 Algorithm = "SHA256"
	SHA512 Algorithm = "SHA512"
)

func (a Algorithm) known() bool { return a == SHA1 || a == SHA256 || a == SHA512 }

func (a Algorithm) otp() otp.Algorithm {
	switch a {
	case SHA256:
		return otp.AlgorithmSHA256
	case SHA512:
		return otp.AlgorithmSHA512
	default:
		return otp.AlgorithmSHA1
	}
}

// secretBytes is how long a new secret is: 160 bits for SHA1 (RFC 4226 section 4), else as long as the hash.
func (a Algorithm) secretBytes() int {
	switch a {
	case SHA256:
		return 32
	case SHA512:
		return 64
	default:
		return leastSecret
	}
}

const (
	// leastSecret is the shortest secret that any code is checked against: 160 bits.
	leastSecret = 20
	// Period is how long one code is shown.
	Period = 30 * time.Second
)

// app is the secret of an authenticator app with what its codes are made by.
type app struct {
	Secret    []byte    `json:"secret"`
	Algorithm Algorithm `json:"algorithm"`
	Digits    int       `json:"digits"`
}

// check refuses a secret that nobody may be let in by: the library makes codes of any, the empty one too.
func (a app) check() error {
	if len(a.Secret) < leastSecret || !a.Algorithm.known() || (a.Digits != DefaultDigits && a.Digits != longDigits) {
		return ErrSecret
	}
	return nil
}

// text is the secret as apps take it.
func (a app) text() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(a.Secret)
}

// code is what the app shows in the step.
func (a app) code(step int64) (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	code, err := totp.GenerateCodeCustom(a.text(), time.Unix(step*int64(Period/time.Second), 0), totp.ValidateOpts{
		Period: uint(Period / time.Second), Digits: otp.Digits(a.Digits), Algorithm: a.Algorithm.otp(),
	})
	if err != nil { // it may hold the secret
		return "", fmt.Errorf("%w: no code can be made of it", ErrSecret)
	}
	return code, nil
}

// match returns the step after last whose code was given, of the present one and skew steps on each side. It
// compares all of them, in constant time each. Only the very digits count: no spaces, no signs, no digits of other scripts.
func (a app) match(given string, now time.Time, skew, last int64) (step int64, found bool, err error) {
	present := stepAt(now)
	for s := present - skew; s <= present+skew; s++ {
		code, err := a.code(s)
		if err != nil {
			return 0, false, err
		}
		same := subtle.ConstantTimeCompare([]byte(code), []byte(given)) == 1
		if same && s > last {
			step, found = s, true
		}
	}
	return step, found, nil
}

func stepAt(now time.Time) int64 { return now.Unix() / int64(Period/time.Second) }
