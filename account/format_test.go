package account_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/setting"
)

// What carries a password, a link or a code shows none, also where fmt calls no method of a field: behind a pointer in another struct.
func TestAccountsPrintNoSecret(t *testing.T) {
	t.Parallel()
	const hidden setting.Secret = "much too secret to be shown"
	raw := []byte(hidden.Reveal())
	for _, v := range []any{
		struct{ P *account.PasswordChange }{&account.PasswordChange{Current: hidden, New: hidden}},
		struct{ P *account.Notice }{&account.Notice{Link: hidden, Code: hidden}},
		struct{ P *account.CodeChallenge }{&account.CodeChallenge{Secret: hidden}},
		struct{ P *account.SMTPConfig }{&account.SMTPConfig{Password: hidden}},
		struct{ P *account.Deps }{&account.Deps{CodeSecret: raw}},
		account.Deps{CodeSecret: raw},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, v)
			assert.NotContains(t, text, hidden.Reveal(), "%s of %T", verb, v)
			assert.NotContains(t, text, fmt.Sprintf("%x", raw), "%s of %T", verb, v)
			assert.NotContains(t, text, fmt.Sprint(raw), "%s of %T", verb, v)
		}
	}
}
