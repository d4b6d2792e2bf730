package account

import (
	"fmt"

	"github.com/authmodule/authmodule/setting"
)

// fmt calls no method of a field when a verb does not suit the pointer that
// leads to it, and then shows secrets as they are. The types below that hold
// secrets therefore format themselves, the same for every verb.

// Format shows the change with its passwords redacted.
func (r PasswordChange) Format(f fmt.State, _ rune) {
	type plain PasswordChange
	_, _ = fmt.Fprintf(f, "%+v", plain(r))
}

// Format shows the notice with its link and its code redacted.
func (n Notice) Format(f fmt.State, _ rune) {
	type plain Notice
	_, _ = fmt.Fprintf(f, "%+v", plain(n))
}

// Format shows the challenge with its secret redacted.
func (c CodeChallenge) Format(f fmt.State, _ rune) {
	type plain CodeChallenge
	_, _ = fmt.Fprintf(f, "%+v", plain(c))
}

// Format shows the configuration with its password redacted.
func (c SMTPConfig) Format(f fmt.State, _ rune) {
	type plain SMTPConfig
	_, _ = fmt.Fprintf(f, "%+v", plain(c))
}

// Format shows the dependencies without the secret.
func (d Deps) Format(f fmt.State, _ rune) {
	type plain Deps
	if d.CodeSecret != nil {
		d.CodeSecret = []byte(setting.Redacted)
	}
	_, _ = fmt.Fprintf(f, "%+v", plain(d))
}
