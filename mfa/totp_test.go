package mfa_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// TOTP-02, V6.5.1: a code works once; the code that confirms counts as used.
func TestCodeWorksOnce(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	e, err := f.EnrollTOTP(t.Context(), ada(), "ada@example.com", "")
	require.NoError(t, err)
	p := phone{secret: e.Secret}
	first := p.at(t, t0())
	_, err = f.ConfirmTOTP(t.Context(), ada(), e.ID, first, mfa.By{})
	require.NoError(t, err)
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, first), authn.ErrFactorInvalid, "it confirmed")
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, p.at(t, t0().Add(-mfa.Period))), authn.ErrFactorInvalid, "and nothing before it counts")
	next := p.at(t, t0().Add(mfa.Period))
	require.NoError(t, f.redeem(ada(), mfa.NameTOTP, next), "the one after it, for a clock that is ahead")
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, next), authn.ErrFactorInvalid)
	f.pass(mfa.Period)
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, next), authn.ErrFactorInvalid)
	f.pass(mfa.Period)
	require.NoError(t, f.redeem(ada(), mfa.NameTOTP, p.at(t, f.clock())))
	assert.Len(t, f.told(audit.MFAFailed), 4)
}

// TOTP-02: of a thousand at once with one code, one wins.
func TestThousandWayRaceOnOneCode(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	p := f.enroll(ada())
	code := p.at(t, f.clock())
	requireOneOf(t, 1000, func() error { return f.redeem(ada(), mfa.NameTOTP, code) })
}

func requireOneOf(t *testing.T, n int, call func() error) {
	t.Helper()
	var won atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range n {
		wg.Go(func() {
			<-start
			if err := call(); err == nil {
				won.Add(1)
			} else {
				assert.ErrorIs(t, err, authn.ErrFactorInvalid)
			}
		})
	}
	close(start)
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
}

// TOTP-03, V6.5.5: one step on each side, and none with strict_time.
func TestSkew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		strict bool
		good   map[int]bool
	}{
		{false, map[int]bool{-2: false, -1: true, 0: true, 1: true, 2: false}},
		{true, map[int]bool{-2: false, -1: false, 0: true, 1: false, 2: false}},
	} {
		for steps, good := range c.good {
			t.Run(fmt.Sprint(c.strict, steps), func(t *testing.T) {
				t.Parallel()
				f := fresh(t, mfa.Config{StrictTime: c.strict})
				p := f.enroll(ada())
				f.pass(10 * mfa.Period)
				err := f.redeem(ada(), mfa.NameTOTP, p.at(t, f.clock().Add(time.Duration(steps)*mfa.Period)))
				if good {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, authn.ErrFactorInvalid)
				}
			})
		}
	}
}

// TOTP-06: only the very digits count.
func TestOnlyTheVeryDigits(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	p := f.enroll(ada())
	code := p.at(t, f.clock()).Reveal()
	wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
	for _, odd := range []string{" " + code, code + " ", code + "\n", "\t" + code, "+" + code, "-" + code, "0" + code, code[:3] + " " + code[3:], wide, code[:5], code + "0", "", "\x00" + code} {
		require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, setting.Secret(odd)), authn.ErrFactorInvalid, "%q", odd)
	}
	require.NoError(t, f.redeem(ada(), mfa.NameTOTP, setting.Secret(code)))
}

// TOTP-08: what is not confirmed lets nobody in, makes no login ask for it, ends after its time, and gives way to the next.
func TestEnrollmentIsNoFactor(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	e, err := f.EnrollTOTP(t.Context(), ada(), "ada@example.com", "phone")
	require.NoError(t, err)
	p := phone{secret: e.Secret}
	demand, err := f.Due(t.Context(), query(ada()))
	require.NoError(t, err)
	assert.False(t, demand.Due())
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, p.at(t, t0())), authn.ErrFactorInvalid)
	_, err = f.ConfirmTOTP(t.Context(), ada(), e.ID, "000000", mfa.By{})
	require.ErrorIs(t, err, authn.ErrFactorInvalid)

	f.pass(10 * time.Minute)
	_, err = f.ConfirmTOTP(t.Context(), ada(), e.ID, p.at(t, f.clock()), mfa.By{})
	require.ErrorIs(t, err, mfa.ErrEnrollmentInvalid, "its time is over")

	older, err := f.EnrollTOTP(t.Context(), ada(), "ada@example.com", "")
	require.NoError(t, err)
	newer, err := f.EnrollTOTP(t.Context(), ada(), "ada@example.com", "")
	require.NoError(t, err)
	_, err = f.ConfirmTOTP(t.Context(), ada(), older.ID, phone{secret: older.Secret}.at(t, f.clock()), mfa.By{})
	require.ErrorIs(t, err, mfa.ErrEnrollmentInvalid, "there is a newer one")
	_, err = f.ConfirmTOTP(t.Context(), authn.Subject{ID: "eve"}, newer.ID, phone{secret: newer.Secret}.at(t, f.clock()), mfa.By{})
	require.ErrorIs(t, err, mfa.ErrEnrollmentInvalid, "it is somebody else's")
	codes, err := f.ConfirmTOTP(t.Context(), ada(), newer.ID, phone{secret: newer.Secret}.at(t, f.clock()), mfa.By{Keep: "mine"})
	require.NoError(t, err)
	assert.Len(t, codes, mfa.RecoveryCodes)
	assert.Equal(t, []string{"ada mine"}, f.sessions.kept, "other sessions end")
	_, err = f.ConfirmTOTP(t.Context(), ada(), newer.ID, phone{secret: newer.Secret}.at(t, f.clock().Add(mfa.Period)), mfa.By{})
	require.ErrorIs(t, err, mfa.ErrEnrollmentInvalid, "it is confirmed already")
	demand, err = f.Due(t.Context(), query(ada()))
	require.NoError(t, err)
	assert.Equal(t, authn.FactorDemand{Factors: []string{mfa.NameTOTP, mfa.NameRecoveryCode}}, demand)
}

// Whatever an account or an issuer is called, the app is told the secret, and what it is called.
func TestURIsAreEscaped(t *testing.T) {
	t.Parallel()
	const issuer = "Smith & Sons?x#y/z%20+=&secret=AAAA"
	f := fresh(t, mfa.Config{Issuer: issuer})
	for _, account := range []string{
		"ada@example.com", "a/b@x.y", "a?secret=AAAA@x", "a#b@x", "a%41@x", "a&secret=B@x", "a:b@x", "a b+c@x", "../../x@y", "ä@x.y", "@", "%", "?", "a=b",
	} {
		e, err := f.EnrollTOTP(t.Context(), ada(), account, "")
		require.NoError(t, err, account)
		uri, err := url.Parse(e.URI.Reveal())
		require.NoError(t, err, account)
		assert.Equal(t, "/"+issuer+":"+account, uri.Path)
		assert.Equal(t, url.Values{"secret": {e.Secret.Reveal()}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}, uri.Query(), account)
		assert.NotContains(t, uri.RawQuery, "+", "which not every app takes for a space")
	}
}

// TOTP-05, V6.5.3: at least 160 bits from the source of randomness, another each time, and an error when it fails.
func TestSecrets(t *testing.T) {
	t.Parallel()
	for algorithm, size := range map[mfa.Algorithm]int{mfa.SHA1: 20, mfa.SHA256: 32, mfa.SHA512: 64} {
		f := fresh(t, mfa.Config{Algorithm: algorithm})
		seen := map[setting.Secret]bool{}
		for range 3 {
			e, err := f.EnrollTOTP(t.Context(), ada(), "a", "")
			require.NoError(t, err)
			require.Len(t, rawSecret(t, e.Secret), size)
			require.False(t, seen[e.Secret])
			seen[e.Secret] = true
			assert.Contains(t, e.URI.Reveal(), "algorithm="+string(algorithm))
			assert.Contains(t, e.URI.Reveal(), "secret="+e.Secret.Reveal())
			assert.True(t, strings.HasPrefix(e.QR.Reveal(), "\x89PNG\r\n"))
		}
	}
	f := fresh(t, mfa.Config{}, func(d *mfa.Deps) { d.Rand = strings.NewReader("short") })
	_, err := f.EnrollTOTP(t.Context(), ada(), "a", "")
	require.Error(t, err)
	list, err := f.store.Factors(t.Context(), ada())
	require.NoError(t, err)
	assert.Empty(t, list)
}

func TestAppsAreBounded(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{MaxApps: 2})
	one, two := f.enroll(ada()), f.enroll(ada())
	_, err := f.EnrollTOTP(t.Context(), ada(), "a", "")
	require.ErrorIs(t, err, mfa.ErrTooMany)
	require.NoError(t, f.redeem(ada(), mfa.NameTOTP, one.at(t, f.clock())))
	require.NoError(t, f.redeem(ada(), mfa.NameTOTP, two.at(t, f.clock())), "each app has its own steps")
	_, err = f.EnrollTOTP(t.Context(), authn.Subject{ID: "bob"}, "a", strings.Repeat("x", 65))
	var field *authn.FieldError
	require.ErrorAs(t, err, &field)
}

// V6.5.6: a factor that is removed is refused from then on; with the last one nothing is due any more.
func TestRemove(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	one, two := f.enroll(ada()), f.enroll(ada())
	require.ErrorIs(t, f.Remove(t.Context(), authn.Subject{ID: "eve"}, one.id, mfa.By{}), authn.ErrNotFound)
	require.NoError(t, f.Remove(t.Context(), ada(), one.id, mfa.By{Keep: "mine"}))
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, one.at(t, f.clock())), authn.ErrFactorInvalid)
	require.ErrorIs(t, f.Remove(t.Context(), ada(), one.id, mfa.By{}), authn.ErrNotFound)
	overview, err := f.Overview(t.Context(), ada())
	require.NoError(t, err)
	require.Len(t, overview.Factors, 1)
	assert.Equal(t, two.id, overview.Factors[0].ID)
	assert.Equal(t, mfa.RecoveryCodes, overview.RecoveryCodes)
	assert.Equal(t, "ada mine", f.sessions.kept[len(f.sessions.kept)-1])

	require.NoError(t, f.Remove(t.Context(), ada(), two.id, mfa.By{}))
	overview, err = f.Overview(t.Context(), ada())
	require.NoError(t, err)
	assert.Equal(t, mfa.Overview{}, overview)
	demand, err := f.Due(t.Context(), query(ada()))
	require.NoError(t, err)
	assert.False(t, demand.Due())
	require.ErrorIs(t, f.redeem(ada(), mfa.NameRecoveryCode, one.codes[0]), authn.ErrFactorInvalid)
	assert.Len(t, f.told(audit.MFARemoved), 2)
}

// TOTP-04, THR-05: the limiter is asked before every check, for the account, and what it refuses is not checked.
func TestLimiter(t *testing.T) {
	t.Parallel()
	for _, factor := range []string{mfa.NameTOTP, mfa.NameRecoveryCode} {
		f := fresh(t, mfa.Config{})
		p := f.enroll(ada())
		f.limiter.most = 5
		good := map[string]setting.Secret{mfa.NameTOTP: p.at(t, f.clock()), mfa.NameRecoveryCode: p.codes[0]}[factor]
		for range 5 {
			require.ErrorIs(t, f.redeem(ada(), factor, "000000"), authn.ErrFactorInvalid)
		}
		require.ErrorIs(t, f.redeem(ada(), factor, good), errLocked, "the right one too")
		require.NoError(t, f.limiter.Reopen(t.Context(), ada(), factor))
		require.NoError(t, f.redeem(ada(), factor, good), "it was not used up")
	}
	right := fresh(t, mfa.Config{})
	p := right.enroll(ada())
	right.limiter.most = 5
	for range 20 {
		require.NoError(t, right.redeem(ada(), mfa.NameTOTP, p.at(t, right.clock())), "right ones do not count")
		right.pass(mfa.Period)
	}
	f := fresh(t, mfa.Config{})
	f.limiter.most = 5
	e, err := f.EnrollTOTP(t.Context(), ada(), "a", "")
	require.NoError(t, err)
	for range 5 {
		_, err = f.ConfirmTOTP(t.Context(), ada(), e.ID, "000000", mfa.By{})
		require.ErrorIs(t, err, authn.ErrFactorInvalid)
	}
	_, err = f.ConfirmTOTP(t.Context(), ada(), e.ID, phone{secret: e.Secret}.at(t, t0()), mfa.By{})
	require.ErrorIs(t, err, errLocked)
}

// NIST-06: what had too many wrong answers is open again once it is bound anew: new recovery codes, and an enrollment after a reset.
func TestBoundAnewIsOpenAgain(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{EmailCode: true})
	p := f.enroll(ada())
	require.NoError(t, f.EnrollEmail(t.Context(), query(ada()).User, authn.Client{}))
	e, err := f.EnrollTOTP(t.Context(), ada(), "a", "")
	require.NoError(t, err)
	f.limiter.most = 5
	for range 5 {
		require.ErrorIs(t, f.redeem(ada(), mfa.NameRecoveryCode, "000000"), authn.ErrFactorInvalid)
		_, err = f.ConfirmTOTP(t.Context(), ada(), e.ID, "000000", mfa.By{})
		require.ErrorIs(t, err, authn.ErrFactorInvalid)
		_, err = f.ConfirmEmail(t.Context(), ada(), "0", mfa.By{})
		require.ErrorIs(t, err, authn.ErrFactorInvalid)
	}
	require.ErrorIs(t, f.redeem(ada(), mfa.NameRecoveryCode, p.codes[0]), errLocked)
	codes, err := f.NewRecoveryCodes(t.Context(), ada(), mfa.By{})
	require.NoError(t, err)
	require.NoError(t, f.redeem(ada(), mfa.NameRecoveryCode, codes[0]))

	_, err = f.ConfirmTOTP(t.Context(), ada(), e.ID, "000000", mfa.By{})
	require.ErrorIs(t, err, errLocked)
	require.NoError(t, f.Reset(t.Context(), ada(), mfa.By{}))
	f.enroll(ada())
	require.NoError(t, f.EnrollEmail(t.Context(), query(ada()).User, authn.Client{}))
	_, err = f.ConfirmEmail(t.Context(), ada(), f.sender.last(), mfa.By{})
	require.NoError(t, err)
}

// panicking is a store whose reads panic.
type panicking struct{ mfa.FactorStore }

func (panicking) Factors(context.Context, authn.Subject) ([]mfa.Record, error) { panic("no store") }

// An attempt that ends in a panic was no success: it stays counted.
func TestPanicIsNoSuccess(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{EmailCode: true}, func(d *mfa.Deps) { d.Store = panicking{d.Store} })
	require.Panics(t, func() { _, _ = f.ConfirmTOTP(t.Context(), ada(), "id", "000000", mfa.By{}) })
	require.Panics(t, func() { _, _ = f.ConfirmEmail(t.Context(), ada(), "000000", mfa.By{}) })
	assert.Equal(t, map[string]int{fmt.Sprint(ada(), "totp_enrollment"): 1, fmt.Sprint(ada(), "email_code_enrollment"): 1}, f.limiter.wrong)
}

// Fails closed: without an answer of the limiter or of the store nobody is let in, and nothing is counted as wrong.
func TestTroubleLetsNobodyIn(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	p := f.enroll(ada())
	f.limiter.fails = errors.New("no counters")
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, p.at(t, f.clock())), f.limiter.fails)
	f.limiter.fails = nil

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.Due(ctx, query(ada()))
	require.ErrorIs(t, err, context.Canceled)
	_, err = f.Redeem(ctx, query(ada()), answer(mfa.NameTOTP, p.at(t, f.clock())))
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, f.limiter.wrong[fmt.Sprint(ada(), mfa.NameTOTP)])
}
