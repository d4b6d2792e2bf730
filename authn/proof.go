package authn

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Proof is what every login method ends in: who it is, by which methods, and
// when that was proved. It is handed to [Service.Complete].
type Proof struct {
	Subject Subject
	// Methods are authentication method references (RFC 8176), such as "pwd".
	Methods []string
	Time    time.Time
	// MFATime is when a second factor was proved, zero for none.
	MFATime time.Time
	// CredentialVersion is the account's, read before a stored credential was
	// checked. Zero means that the proof rests on none, as that of an identity provider.
	CredentialVersion int64
}

// PasswordAuthority checks an e-mail address and a password.
type PasswordAuthority interface {
	// Check returns the proof; [ErrNotMine] when the authority does not know
	// the address, so that the next one is asked; [ErrInvalidCredentials] when it does and the
	// password is wrong, with the account in Proof.Subject for the audit log. Any other error means that it could not answer, and ends the login.
	// "Not mine" must cost as much as a wrong password.
	Check(ctx context.Context, t Tenant, email string, password setting.Secret) (Proof, error)
}
