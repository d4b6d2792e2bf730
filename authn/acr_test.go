package authn_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/authn"
)

// V6.8.4: a login that names no class is good for none, also where none is asked for; of this module's classes a stronger one is good for a weaker one,
// and another issuer's is good for itself alone.
func TestV684AbsentClassIsGoodForNone(t *testing.T) {
	t.Parallel()
	const gold = "urn:example:gold"
	good := map[string][]string{
		"": {}, authn.ACR0: {authn.ACR0}, authn.ACR1: {authn.ACR0, authn.ACR1}, authn.ACR2: {authn.ACR0, authn.ACR1, authn.ACR2}, gold: {gold},
	}
	for acr, classes := range good {
		for _, wanted := range []string{"", authn.ACR0, authn.ACR1, authn.ACR2, gold, "AAL1", "aal"} {
			assert.Equal(t, slices.Contains(classes, wanted), authn.Meets(acr, wanted), "%q for %q", acr, wanted)
		}
	}
}
