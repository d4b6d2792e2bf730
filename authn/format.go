package authn

import (
	"fmt"
	"io"
)

// fmt calls no method of a field when a verb does not suit the pointer that
// leads to it, and then shows secrets as they are. The types below that hold
// secrets therefore format themselves, the same for every verb.

// Format shows the configuration with its secret redacted.
func (c TokenConfig) Format(f fmt.State, _ rune) {
	type plain TokenConfig
	_, _ = fmt.Fprintf(f, "%+v", plain(c))
}

// Format shows the configuration with its secret redacted.
func (c KeyConfig) Format(f fmt.State, _ rune) {
	type plain KeyConfig
	_, _ = fmt.Fprintf(f, "%+v", plain(c))
}

// Format shows the request with its password redacted.
func (r LoginRequest) Format(f fmt.State, _ rune) {
	type plain LoginRequest
	_, _ = fmt.Fprintf(f, "%+v", plain(r))
}

// Format shows the request with its password redacted.
func (r RegisterRequest) Format(f fmt.State, _ rune) {
	type plain RegisterRequest
	_, _ = fmt.Fprintf(f, "%+v", plain(r))
}

// Format shows the grant with its secrets redacted.
func (g Grant) Format(f fmt.State, _ rune) {
	type plain Grant
	_, _ = fmt.Fprintf(f, "%+v", plain(g))
}

// Format names the key, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }
