package authn_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// What a login and its second factor are made of shows no secret, also where fmt calls no method of a field: behind a pointer in another struct.
func TestLoginsPrintNoSecret(t *testing.T) {
	t.Parallel()
	const hidden setting.Secret = "much too secret to be shown"
	device := authn.DeviceClaim{Token: hidden}
	for _, v := range []any{
		struct{ P *authn.LoginRequest }{&authn.LoginRequest{Password: hidden, Trust: hidden, Replaces: hidden, Device: device}},
		struct{ P *authn.ContinueRequest }{&authn.ContinueRequest{Continuation: hidden, Replaces: hidden}},
		struct{ P *authn.ChallengeAnswer }{&authn.ChallengeAnswer{Challenge: hidden, Code: hidden, Replaces: hidden}},
		struct{ P *authn.Completion }{&authn.Completion{Trust: hidden, Replaces: hidden}},
		struct{ P *authn.DeviceClaim }{&device},
		struct{ P *authn.FactorQuery }{&authn.FactorQuery{Trust: hidden}},
		struct{ P *authn.FactorBegun }{&authn.FactorBegun{Public: hidden}},
		struct{ P *authn.FactorAnswer }{&authn.FactorAnswer{Code: hidden, Device: device}},
		struct{ P *authn.FactorResult }{&authn.FactorResult{Trust: hidden, RecoveryCodes: []setting.Secret{hidden}}},
		struct{ P *authn.StepUpRequest }{&authn.StepUpRequest{Secret: hidden, Challenge: hidden, Cookie: hidden, Device: device}},
		struct{ P *authn.StepUpBegun }{&authn.StepUpBegun{Challenge: hidden, FactorBegun: authn.FactorBegun{Public: hidden}}},
		struct{ P *authn.MFARequiredError }{&authn.MFARequiredError{Challenge: hidden}},
		struct{ P *authn.SessionLimitError }{&authn.SessionLimitError{Continuation: hidden, Factor: authn.FactorResult{Trust: hidden}}},
		struct{ P *authn.Opening }{&authn.Opening{Device: device}},
		struct{ P *authn.Target }{&authn.Target{Device: device}},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			assert.NotContains(t, fmt.Sprintf(verb, v), hidden.Reveal(), "%s of %T", verb, v)
		}
	}
}
