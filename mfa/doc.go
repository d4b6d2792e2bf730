// Package mfa has the second factors of accounts: authenticator apps (TOTP, RFC 6238), recovery codes, codes by
// e-mail, and devices that are trusted for a while. Passkeys and others plug in as a [Factor].
//
//	factors, err := mfa.New(mfa.Config{Issuer: "Example"}, deps)
//	enrollment, err := factors.EnrollTOTP(ctx, subject, "ada@example.com", "phone") // show enrollment.QR
//	codes, err := factors.ConfirmTOTP(ctx, subject, enrollment.ID, code, client)     // now a login asks for it
//
// [Service] implements [authn.SecondFactor]: the login asks it before it opens a session, and a password alone opens none.
// A store gets secrets sealed and codes hashed. Every code works once, on however many nodes.
package mfa
