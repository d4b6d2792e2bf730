package mfa_test

import (
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// TOTP-09, V6.5.4: ten codes of 120 bits in groups, all different, each for one use, in any spelling that people type.
func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	codes := f.enroll(ada()).codes
	require.Len(t, codes, mfa.RecoveryCodes)
	seen := map[setting.Secret]bool{}
	for _, code := range codes {
		require.Regexp(t, regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){5}$`), code.Reveal())
		require.False(t, seen[code])
		seen[code] = true
	}
	typed := setting.Secret(" " + strings.ToUpper(strings.ReplaceAll(codes[0].Reveal(), "-", " ")) + " ")
	require.NoError(t, f.redeem(ada(), mfa.NameRecoveryCode, typed))
	require.ErrorIs(t, f.redeem(ada(), mfa.NameRecoveryCode, codes[0]), authn.ErrFactorInvalid)
	require.ErrorIs(t, f.redeem(authn.Subject{ID: "eve"}, mfa.NameRecoveryCode, codes[1]), authn.ErrFactorInvalid)
	for i, code := range codes[1:] {
		require.NoError(t, f.redeem(ada(), mfa.NameRecoveryCode, code))
		used := f.told(audit.RecoveryCodeUsed)
		assert.Equal(t, []string{"8", "7", "6", "5", "4", "3", "2", "1", "0"}[i], used[len(used)-1].Detail["left"])
	}
	demand, err := f.Due(t.Context(), query(ada()))
	require.NoError(t, err)
	assert.Equal(t, []string{mfa.NameTOTP}, demand.Factors, "there are none left to offer")
}

// TOTP-09: new codes kill those before.
func TestRegeneratingKillsTheOldSet(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	old := f.enroll(ada()).codes
	next, err := f.NewRecoveryCodes(t.Context(), ada(), mfa.By{})
	require.NoError(t, err)
	for _, code := range old {
		require.ErrorIs(t, f.redeem(ada(), mfa.NameRecoveryCode, code), authn.ErrFactorInvalid)
	}
	require.NoError(t, f.redeem(ada(), mfa.NameRecoveryCode, next[9]))
	assert.Len(t, f.told(audit.RecoveryCodesReplaced), 2)
	_, err = f.NewRecoveryCodes(t.Context(), authn.Subject{ID: "bob"}, mfa.By{})
	require.ErrorIs(t, err, mfa.ErrNoFactor)
}

// TOTP-09, V6.5.1: of a thousand at once with one code, one wins; and with all ten, each wins once.
func TestThousandWayRaceOnRecoveryCodes(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	codes := f.enroll(ada()).codes
	requireOneOf(t, 1000, func() error { return f.redeem(ada(), mfa.NameRecoveryCode, codes[0]) })
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			if f.redeem(ada(), mfa.NameRecoveryCode, codes[1+i%9]) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 9, won.Load())
}

// V6.4.4: that a code was used is shown until new ones are made or a factor is enrolled.
func TestRecoveryUseIsFlagged(t *testing.T) {
	t.Parallel()
	for name, makeUp := range map[string]func(*fixture){
		"new codes": func(f *fixture) {
			_, err := f.NewRecoveryCodes(t.Context(), ada(), mfa.By{})
			require.NoError(t, err)
		},
		"another app": func(f *fixture) { f.enroll(ada()) },
		"e-mail": func(f *fixture) {
			require.NoError(t, f.EnrollEmail(t.Context(), query(ada()).User, authn.Client{}))
			_, err := f.ConfirmEmail(t.Context(), ada(), f.sender.last(), mfa.By{})
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fresh(t, mfa.Config{EmailCode: true})
			codes := f.enroll(ada()).codes
			used := func() bool {
				o, err := f.Overview(t.Context(), ada())
				require.NoError(t, err)
				return o.RecoveryUsed
			}
			assert.False(t, used())
			require.ErrorIs(t, f.redeem(ada(), mfa.NameRecoveryCode, "x"), authn.ErrFactorInvalid)
			assert.False(t, used())
			result, err := f.Redeem(t.Context(), query(ada()), answer(mfa.NameRecoveryCode, codes[0]))
			require.NoError(t, err)
			assert.Equal(t, authn.ACR1, authn.ACROf(append([]string{"pwd"}, result.Methods...)), "it is no second authenticator")
			assert.True(t, used())
			makeUp(f)
			assert.False(t, used())
		})
	}
}

func FuzzRecoveryCode(fz *testing.F) {
	f := fresh(fz, mfa.Config{})
	codes := f.enroll(ada()).codes
	plain := map[string]bool{}
	for _, code := range codes {
		plain[strings.ReplaceAll(code.Reveal(), "-", "")] = true
		fz.Add(code.Reveal() + "x")
	}
	fz.Add("")
	fz.Add(strings.Repeat("-", 100))
	// What lets somebody in is one of the codes, up to case and separators.
	fz.Fuzz(func(t *testing.T, text string) {
		_, err := f.Redeem(t.Context(), query(ada()), answer(mfa.NameRecoveryCode, setting.Secret(text)))
		if err == nil {
			letters := strings.ToLower(strings.NewReplacer("-", "", " ", "", "\r", "", "\n", "").Replace(text))
			require.True(t, plain[letters], "%q", text)
		}
	})
}
