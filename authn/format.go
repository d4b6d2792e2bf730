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

// Format shows the request with its secrets redacted.
func (r ContinueRequest) Format(f fmt.State, _ rune) {
	type plain ContinueRequest
	_, _ = fmt.Fprintf(f, "%+v", plain(r))
}

// Format shows the answer with its secrets redacted.
func (a ChallengeAnswer) Format(f fmt.State, _ rune) {
	type plain ChallengeAnswer
	_, _ = fmt.Fprintf(f, "%+v", plain(a))
}

// Format shows the completion with its secrets redacted.
func (c Completion) Format(f fmt.State, _ rune) {
	type plain Completion
	_, _ = fmt.Fprintf(f, "%+v", plain(c))
}

// Format shows the claim with its token redacted.
func (d DeviceClaim) Format(f fmt.State, _ rune) {
	type plain DeviceClaim
	_, _ = fmt.Fprintf(f, "%+v", plain(d))
}

// Format shows the query with its secret redacted.
func (q FactorQuery) Format(f fmt.State, _ rune) {
	type plain FactorQuery
	_, _ = fmt.Fprintf(f, "%+v", plain(q))
}

// Format shows the state with what is for the client redacted.
func (b FactorBegun) Format(f fmt.State, _ rune) {
	type plain FactorBegun
	_, _ = fmt.Fprintf(f, "%+v", plain(b))
}

// Format shows the answer with its code redacted.
func (a FactorAnswer) Format(f fmt.State, _ rune) {
	type plain FactorAnswer
	_, _ = fmt.Fprintf(f, "%+v", plain(a))
}

// Format shows the result with its secrets redacted.
func (r FactorResult) Format(f fmt.State, _ rune) {
	type plain FactorResult
	_, _ = fmt.Fprintf(f, "%+v", plain(r))
}

// Format shows the request with its secrets redacted.
func (r StepUpRequest) Format(f fmt.State, _ rune) {
	type plain StepUpRequest
	_, _ = fmt.Fprintf(f, "%+v", plain(r))
}

// Format shows the opening with its device's token redacted.
func (o Opening) Format(f fmt.State, _ rune) {
	type plain Opening
	_, _ = fmt.Fprintf(f, "%+v", plain(o))
}

// Format shows the target with its device's token redacted.
func (x Target) Format(f fmt.State, _ rune) {
	type plain Target
	_, _ = fmt.Fprintf(f, "%+v", plain(x))
}

// Format names the key, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }
