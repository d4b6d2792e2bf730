package authn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

func TestParseTenant(t *testing.T) {
	t.Parallel()
	for _, have := range []string{"", "a", "0", "acme", "acme-2", "a--b", "a-", "xn--mnchen-3ya", strings.Repeat("t", 63)} {
		tenant, err := authn.ParseTenant(have)
		require.NoError(t, err, have)
		assert.Equal(t, authn.Tenant(have), tenant)
	}
	for _, have := range []string{
		"-", "-acme", "Acme", "ACME", "a_b", "a.b", "a b", " acme", "acme ", "acme\n", "acme\x00", "a/b", "a:b", "a*", "ümlaut", "а", "acme\u200b", "{acme}", "\xff",
		strings.Repeat("t", 64), strings.Repeat("t", 1<<20),
	} {
		tenant, err := authn.ParseTenant(have)
		require.ErrorIs(t, err, authn.ErrTenantSyntax, "%.80q", have)
		assert.Empty(t, tenant)
	}
}
