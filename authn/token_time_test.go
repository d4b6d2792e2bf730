package authn_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

func at(d time.Duration) string { return fmt.Sprint(tokenEpoch.Add(d).Unix()) }

// JWT-11: expiry has no leeway.
func TestTokenExpiryBoundary(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		have     time.Duration // from the time of issue
		expected error
	}{
		{"JWT-11 at once", 0, nil},
		{"JWT-11 one second before", 30*time.Minute - time.Second, nil},
		{"JWT-11 one nanosecond before", 30*time.Minute - time.Nanosecond, nil},
		{"JWT-11 now is exp", 30 * time.Minute, authn.ErrTokenExpired},
		{"JWT-11 one nanosecond after", 30*time.Minute + time.Nanosecond, authn.ErrTokenExpired},
		{"JWT-11 a year after", 365 * 24 * time.Hour, authn.ErrTokenExpired},
		{"JWT-13 30 s before the issue", -30 * time.Second, nil},
		{"JWT-13 a nanosecond more", -30*time.Second - time.Nanosecond, authn.ErrTokenNotYetValid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
				token := kit.issue(t)
				kit.clock.Set(tokenEpoch.Add(tc.have))
				_, err := kit.manager.Verify(t.Context(), token)
				require.ErrorIs(t, err, tc.expected)
			})
		})
	}
}

// JWT-12 and JWT-13, in tokens that are validly signed.
func TestTokenTimesInRange(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name     string
		hours    setting.Hours
		have     map[string]string
		expected error
	}{
		{"JWT-13 iat 30 s ahead", 0, map[string]string{"iat": at(30 * time.Second)}, nil},
		{"JWT-13 iat 31 s ahead", 0, map[string]string{"iat": at(31 * time.Second)}, authn.ErrTokenNotYetValid},
		{"JWT-11 nbf 30 s ahead", 0, map[string]string{"nbf": at(30 * time.Second)}, nil},
		{"JWT-11 nbf 31 s ahead", 0, map[string]string{"nbf": at(31 * time.Second)}, authn.ErrTokenNotYetValid},
		{"JWT-11 nbf in the year 9999", 0, map[string]string{"nbf": "253402300799"}, authn.ErrTokenNotYetValid},
		{"auth_time 30 s ahead", 0, map[string]string{"auth_time": at(30 * time.Second)}, nil},
		{"auth_time 31 s ahead", 0, map[string]string{"auth_time": at(31 * time.Second)}, authn.ErrTokenNotYetValid},
		{"JWT-12 exactly a day", 0, map[string]string{"exp": at(day)}, nil},
		{"JWT-12 a second more", 0, map[string]string{"exp": at(day + time.Second)}, authn.ErrTokenMalformed},
		{"JWT-12 a year", 0, map[string]string{"exp": at(365 * day)}, authn.ErrTokenMalformed},
		{"JWT-12 the year 9999", 0, map[string]string{"exp": "253402300799"}, authn.ErrTokenMalformed},
		{"JWT-12 long before and after", 0, map[string]string{"iat": "1", "exp": "253402300799"}, authn.ErrTokenMalformed},
		{"JWT-12 short time left of a long life", 0, map[string]string{"iat": at(-25 * time.Hour)}, authn.ErrTokenMalformed},
		{"JWT-12 one hour configured, a day accepted", 1, map[string]string{"exp": at(day)}, nil},
		{"JWT-12 two days configured", 48, map[string]string{"exp": at(2 * day)}, nil},
		{"JWT-12 two days configured, a second more", 48, map[string]string{"exp": at(2*day + time.Second)}, authn.ErrTokenMalformed},
		{"JWT-12 no life", 0, map[string]string{"exp": at(0)}, authn.ErrTokenMalformed},
		{"JWT-12 negative life", 0, map[string]string{"iat": at(20 * time.Second), "exp": at(10 * time.Second)}, authn.ErrTokenMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			kit := newTokenKit(t, "ES256", func(cfg *authn.TokenConfig, _ *authn.TokenDeps) { cfg.ExpirationHours = tc.hours })
			claims, err := kit.manager.Verify(t.Context(), kit.sign(t, kit.header(nil), kit.payload(tc.have)))
			require.ErrorIs(t, err, tc.expected)
			assert.Equal(t, tc.expected != nil, claims.ID == "")
		})
	}
}
