package authmodule_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
)

func TestValidateThrottle(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		have     func(*authmodule.Config)
		expected string
	}{
		{"defaults", func(*authmodule.Config) {}, ""},
		{"all set", func(c *authmodule.Config) {
			c.LoginRateLimit, c.Throttle.AddressRateLimit, c.Throttle.PairRateLimit = "3/hour", "10/second", "1/day"
			c.Throttle.LockSeconds, c.Throttle.LongestLockSeconds, c.Throttle.MaxConsecutiveFailures = 7200, 86_400, 10
			c.Throttle.IPv4Prefix, c.Throttle.IPv6Prefix = 32, 56
		}, ""},
		{"a first lock longer than the usual longest", func(c *authmodule.Config) { c.Throttle.LockSeconds = 7200 }, ""},
		{"rate", func(c *authmodule.Config) { c.LoginRateLimit = "often" }, "auth.login_rate_limit is not a rate: set LEX_AUTH__LOGIN_RATE_LIMIT to a number from 1 to 1000000 and a unit, such as 5/minute"},
		{"pair", func(c *authmodule.Config) { c.Throttle.PairRateLimit = "0/hour" }, "auth.throttle.pair_rate_limit is not a rate"},
		{"address", func(c *authmodule.Config) { c.Throttle.AddressRateLimit = "5" }, "auth.throttle.address_rate_limit is not a rate"},
		{"more failures in a row than NIST permits", func(c *authmodule.Config) { c.Throttle.MaxConsecutiveFailures = 101 }, "set LEX_AUTH__THROTTLE__MAX_CONSECUTIVE_FAILURES to a whole number from 0 to 100"},
		{"locks", func(c *authmodule.Config) { c.Throttle.LockSeconds, c.Throttle.LongestLockSeconds = 60, 30 }, "auth.throttle.longest_lock_seconds is shorter than auth.throttle.lock_seconds"},
		{"network", func(c *authmodule.Config) { c.Throttle.IPv4Prefix = 33 }, "set LEX_AUTH__THROTTLE__IPV4_PREFIX to a whole number from 8 to 32"},
		{"everybody is one network", func(c *authmodule.Config) { c.Throttle.IPv6Prefix = 1 }, "set LEX_AUTH__THROTTLE__IPV6_PREFIX to a whole number from 16 to 128"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := authmodule.Config{Profile: authmodule.ProfileDevelopment}
			tc.have(&cfg)
			err := cfg.Validate()
			if tc.expected == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, tc.expected)
		})
	}
}
