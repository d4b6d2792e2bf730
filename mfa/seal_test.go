package mfa_test

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/seal"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// sealedBox is how a service with that secret seals.
func sealedBox(t testing.TB, secret setting.Secret) *seal.Box {
	t.Helper()
	key, err := authn.DeriveSecret([]byte(secret.Reveal()), "totp secrets")
	require.NoError(t, err)
	box, err := seal.New("totp secrets", key)
	require.NoError(t, err)
	return box
}

// plant replaces the data of ada's app by what seals that text.
func (f *fixture) plant(t testing.TB, id string, data func(r mfa.Record) []byte) {
	t.Helper()
	list, err := f.store.Factors(t.Context(), ada())
	require.NoError(t, err)
	for _, r := range list {
		if r.ID == id {
			r.Data = data(r)
			require.NoError(t, f.store.UpdateFactor(t.Context(), r))
		}
	}
}

// TOTP-05: an empty, short or damaged secret lets nobody in, whatever the code; the library would make codes of it.
func TestUnusableSecretIsAHardError(t *testing.T) {
	t.Parallel()
	text := func(raw []byte, algorithm string, digits int) string {
		return fmt.Sprintf(`{"secret":%q,"algorithm":%q,"digits":%d}`, base64.StdEncoding.EncodeToString(raw), algorithm, digits)
	}
	good := make([]byte, 20)
	for name, plain := range map[string]string{
		"empty": text(nil, "SHA1", 6), "short": text(good[:19], "SHA1", 6), "MD5 (TOTP-07)": text(good, "MD5", 6), "steam (TOTP-07)": text(good, "steam", 6),
		"no digits": text(good, "SHA1", 0), "one digit": text(good, "SHA1", 1), "no JSON": "x", "nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fresh(t, mfa.Config{})
			p := f.enroll(ada())
			f.plant(t, p.id, func(r mfa.Record) []byte {
				data, err := sealedBox(t, master).Seal(zeros{}, []byte(plain), "", "ada", r.ID)
				require.NoError(t, err)
				return data
			})
			empty := phone{secret: ""}.at(t, f.clock())
			for _, code := range []setting.Secret{empty, p.at(t, f.clock()), "", "000000"} {
				require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, code), mfa.ErrSecret)
			}
			require.NoError(t, f.redeem(ada(), mfa.NameRecoveryCode, p.codes[0]), "recovery codes need no key")
		})
	}
	f := fresh(t, mfa.Config{})
	p := f.enroll(ada())
	f.plant(t, p.id, func(mfa.Record) []byte { return []byte("damaged") })
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, p.at(t, f.clock())), mfa.ErrSecret)
	q := f.enroll(ada())
	require.NoError(t, f.redeem(ada(), mfa.NameTOTP, q.at(t, f.clock())), "one damaged app does not hold up the other")
}

// NIST-06: a wrong code is counted where one of the account's apps can be checked, whatever became of another.
func TestDamagedAppHidesNoGuesses(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	p, q := f.enroll(ada()), f.enroll(ada())
	f.plant(t, p.id, func(mfa.Record) []byte { return []byte("damaged") })
	f.limiter.most = 5
	for range 5 {
		require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, "000000"), authn.ErrFactorInvalid)
	}
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, q.at(t, f.clock())), errLocked)
	assert.Len(t, f.told(audit.MFAFailed), 5)
	assert.Contains(t, f.log.String(), p.id, "the log tells of the damaged one")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A sealed secret opens in its own record alone.
func TestSecretCannotBeMoved(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{})
	one, two := f.enroll(ada()), f.enroll(ada())
	var data []byte
	f.plant(t, one.id, func(r mfa.Record) []byte { data = r.Data; return r.Data })
	f.plant(t, two.id, func(mfa.Record) []byte { return data })
	require.NoError(t, f.Remove(t.Context(), ada(), one.id, mfa.By{}))
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, one.at(t, f.clock())), mfa.ErrSecret)
}

// TOTP-05: auth.secret_key can be rotated; a use seals anew, and then the old key is not needed any more.
func TestRotation(t *testing.T) {
	t.Parallel()
	const next = setting.Secret("the next master secret of the tests")
	f := fresh(t, mfa.Config{})
	p := f.enroll(ada())
	with := func(secret setting.Secret, previous ...setting.Secret) *fixture {
		g := fresh(t, mfa.Config{}, func(d *mfa.Deps) { d.Secret, d.Previous, d.Store = secret, previous, f.store })
		g.pass(f.clock().Sub(t0()))
		return g
	}
	require.ErrorIs(t, with(next).redeem(ada(), mfa.NameTOTP, p.at(t, f.clock())), mfa.ErrSecret)
	require.NoError(t, with(next, master).redeem(ada(), mfa.NameTOTP, p.at(t, f.clock())))
	f.pass(mfa.Period)
	require.NoError(t, with(next).redeem(ada(), mfa.NameTOTP, p.at(t, f.clock())))
	f.pass(mfa.Period)
	require.ErrorIs(t, f.redeem(ada(), mfa.NameTOTP, p.at(t, f.clock())), mfa.ErrSecret)
}

// A canary: nothing that a store, a log, an event or an error holds has a secret or a code in it.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{EmailCode: true, TrustDays: 30})
	p := f.enroll(ada())
	require.NoError(t, f.EnrollEmail(t.Context(), query(ada()).User, authn.Client{}))
	_, err := f.ConfirmEmail(t.Context(), ada(), f.sender.last(), mfa.By{})
	require.NoError(t, err)
	begun, err := f.Begin(t.Context(), query(ada()), mfa.NameEmailCode, false)
	require.NoError(t, err)
	code := p.at(t, f.clock())
	a := answer(mfa.NameTOTP, code)
	a.Trust = true
	result, err := f.Redeem(t.Context(), query(ada()), a)
	require.NoError(t, err)
	again := f.redeem(ada(), mfa.NameTOTP, code)
	require.Error(t, again)
	f.plant(t, p.id, func(r mfa.Record) []byte { return r.Data[1:] })
	broken := f.redeem(ada(), mfa.NameTOTP, p.at(t, f.clock()))
	require.Error(t, broken)
	list, err := f.store.Factors(context.Background(), ada())
	require.NoError(t, err)

	raw := rawSecret(t, p.secret)
	everything := fmt.Sprintf("%v %+v %#v %q %v %v %v %v %+v", list, list, list, f.events, f.log, again, broken, begun.State, result)
	for _, r := range list {
		everything += string(r.Data) + base64.StdEncoding.EncodeToString(r.Data)
	}
	canaries := []string{
		p.secret.Reveal(), strings.ToLower(p.secret.Reveal()), string(raw), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), fmt.Sprint(raw),
		code.Reveal(), f.sender.last().Reveal(), result.Trust.Reveal(), master.Reveal(), base32.HexEncoding.EncodeToString(raw),
	}
	for _, c := range p.codes {
		canaries = append(canaries, c.Reveal(), strings.ReplaceAll(c.Reveal(), "-", ""))
	}
	for _, canary := range canaries {
		require.NotEmpty(t, canary)
		assert.NotContains(t, everything, canary)
	}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", f.Service, f.Service, f.Service), master.Reveal())
}

// An answer that is about to be counted shows no device's secret, also behind a pointer in another struct, where fmt calls no method of a field.
func TestAttemptPrintsNoSecret(t *testing.T) {
	t.Parallel()
	a := mfa.Attempt{Subject: ada(), Factor: mfa.NameTOTP, Device: authn.DeviceClaim{Token: master}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		assert.NotContains(t, fmt.Sprintf(verb, struct{ P *mfa.Attempt }{&a}), master.Reveal(), verb)
	}
}

func TestEnrollmentPrintsNoSecret(t *testing.T) {
	t.Parallel()
	e, err := fresh(t, mfa.Config{}).EnrollTOTP(t.Context(), ada(), "ada@example.com", "")
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		assert.NotContains(t, fmt.Sprintf(verb, struct{ P *mfa.Enrollment }{&e}), e.Secret.Reveal(), verb)
	}
}
