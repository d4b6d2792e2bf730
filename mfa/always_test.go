package mfa_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/mfa"
)

// NIST-01, V6.2.1: a shorter password will do only for an account that never gets by without a second factor. One that its owner may take away again
// leaves the short password behind.
func TestNIST01OnlyWhatIsDemandedMakesPasswordsShorter(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg      mfa.Config
		expected bool
	}{
		"by choice":                 {mfa.Config{}, false},
		"of everybody":              {mfa.Config{Require: mfa.RequireEverybody}, true},
		"of the tenant":             {mfa.Config{RequireTenants: []string{string(ada().Tenant)}}, true},
		"of another tenant":         {mfa.Config{RequireTenants: []string{"elsewhere"}}, false},
		"of a role":                 {mfa.Config{RequireRoles: []string{"admin"}}, false},
		"with a grace":              {mfa.Config{Require: mfa.RequireEverybody, GraceDays: 7}, false},
		"since a day":               {mfa.Config{Require: mfa.RequireEverybody, RequireSince: "2026-03-01"}, true},
		"from a day to come":        {mfa.Config{Require: mfa.RequireEverybody, RequireSince: "2026-03-02"}, false},
		"where devices are trusted": {mfa.Config{Require: mfa.RequireEverybody, TrustDays: 30}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fresh(t, tc.cfg)
			always, err := f.AlwaysMFA(t.Context(), ada())
			require.NoError(t, err)
			assert.False(t, always, "it has none yet")
			f.enroll(ada())
			always, err = f.AlwaysMFA(t.Context(), ada())
			require.NoError(t, err)
			assert.Equal(t, tc.expected, always)
		})
	}
}
