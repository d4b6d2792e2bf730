package fxtest

import (
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// TOTP returns the code that an authenticator app shows at the application's time. The uri is that of an enrollment: "uri" of
// POST /auth/mfa/totp and POST /auth/login/mfa/begin, or [github.com/authmodule/authmodule/mfa.Enrollment].URI. A code works once:
// [App.Advance] by [github.com/authmodule/authmodule/mfa.Period] before the next.
func (a *App) TOTP(uri string) string {
	a.t.Helper()
	key, err := otp.NewKeyFromURL(uri)
	if err != nil || key.Secret() == "" {
		a.t.Fatalf("fxtest: make a code: the argument is not the uri of an enrollment, such as otpauth://totp/…")
		return ""
	}
	code, err := totp.GenerateCodeCustom(key.Secret(), a.Now(), totp.ValidateOpts{
		Period: uint(key.Period()), Digits: key.Digits(), Algorithm: key.Algorithm(),
	})
	if err != nil {
		a.t.Fatalf("fxtest: make a code: %v", err)
	}
	return code
}
