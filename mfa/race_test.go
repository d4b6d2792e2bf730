package mfa_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
)

// meddling does something once, before a record of a kind is stored.
type meddling struct {
	mfa.FactorStore
	kind   string
	before func()
}

func (m *meddling) CreateFactor(ctx context.Context, r mfa.Record, limit int) error {
	if do := m.before; r.Kind == m.kind && do != nil {
		m.before = nil
		do()
	}
	return m.FactorStore.CreateFactor(ctx, r, limit)
}

func (m *meddling) UpdateFactor(ctx context.Context, r mfa.Record) error {
	if do := m.before; r.Kind == m.kind && do != nil {
		m.before = nil
		do()
	}
	return m.FactorStore.UpdateFactor(ctx, r)
}

// TOTP-02, TOTP-08, TOTP-09: who has found a code good and then comes second with it is refused: what is stored decides, not what was read.
func TestTOTP02WhoStoresSecondIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind    string
		use     func(f *fixture, p phone) func() error
		refused error
	}{
		"step of an app": {"totp", func(f *fixture, p phone) func() error {
			code := p.at(t, f.clock())
			return func() error { return f.redeem(ada(), mfa.NameTOTP, code) }
		}, authn.ErrFactorInvalid},
		"recovery code": {"recovery", func(f *fixture, p phone) func() error {
			return func() error { return f.redeem(ada(), mfa.NameRecoveryCode, p.codes[3]) }
		}, authn.ErrFactorInvalid},
		"confirmation": {"totp", func(f *fixture, _ phone) func() error {
			e, err := f.EnrollTOTP(t.Context(), ada(), "ada@example.com", "")
			require.NoError(t, err)
			code := phone{secret: e.Secret}.at(t, f.clock())
			return func() error {
				_, err := f.ConfirmTOTP(context.Background(), ada(), e.ID, code, mfa.By{})
				return err
			}
		}, mfa.ErrEnrollmentInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &meddling{kind: c.kind}
			f := fresh(t, mfa.Config{}, func(d *mfa.Deps) { store.FactorStore, d.Store = d.Store, store })
			use := c.use(f, f.enroll(ada()))
			store.before = func() { require.NoError(t, use()) }
			require.ErrorIs(t, use(), c.refused)
			require.Nil(t, store.before, "nobody came between")
		})
	}
}

// Recovery codes that are being made while all factors are taken away do not stand in for those that come after.
func TestRecoveryCodesDoNotOutliveAReset(t *testing.T) {
	t.Parallel()
	store := &meddling{kind: "recovery"}
	f := fresh(t, mfa.Config{EmailCode: true}, func(d *mfa.Deps) { store.FactorStore, d.Store = d.Store, store })
	f.enroll(ada())
	store.before = func() { require.NoError(t, f.Reset(context.Background(), ada(), mfa.By{})) }
	stolen, err := f.NewRecoveryCodes(t.Context(), ada(), mfa.By{})
	require.NoError(t, err)
	mine := f.enroll(ada())
	require.Len(t, mine.codes, mfa.RecoveryCodes)
	require.ErrorIs(t, f.redeem(ada(), mfa.NameRecoveryCode, stolen[0]), authn.ErrFactorInvalid)
	require.NoError(t, f.redeem(ada(), mfa.NameRecoveryCode, mine.codes[0]))

	assert.Empty(t, f.enroll(ada()).codes, "a second app leaves them as they are")
	require.NoError(t, f.EnrollEmail(t.Context(), query(ada()).User, authn.Client{}))
	codes, err := f.ConfirmEmail(t.Context(), ada(), f.sender.last(), mfa.By{})
	require.NoError(t, err)
	assert.Empty(t, codes, "and so does a factor of another kind")
	require.NoError(t, f.redeem(ada(), mfa.NameRecoveryCode, mine.codes[1]))
}

// Nor does an app take the codes of an account away whose factor is another package's.
func TestRecoveryCodesOfAnotherFactorStay(t *testing.T) {
	t.Parallel()
	f := fresh(t, mfa.Config{}, func(d *mfa.Deps) { d.Factors = []mfa.Factor{passkey{ready: true}} })
	codes, err := f.NewRecoveryCodes(t.Context(), ada(), mfa.By{})
	require.NoError(t, err)
	assert.Empty(t, f.enroll(ada()).codes)
	require.NoError(t, f.redeem(ada(), mfa.NameRecoveryCode, codes[0]))
}

// Trust that is being given while the account's factors are taken away does not outlive them.
func TestTrustDoesNotOutliveAReset(t *testing.T) {
	t.Parallel()
	store := &meddling{kind: "trusted_device"}
	f := fresh(t, mfa.Config{TrustDays: 30}, func(d *mfa.Deps) { store.FactorStore, d.Store = d.Store, store })
	p := f.enroll(ada())
	store.before = func() { require.NoError(t, f.Reset(context.Background(), ada(), mfa.By{})) }
	a := answer(mfa.NameTOTP, p.at(t, f.clock()))
	a.Trust = true
	result, _ := f.Redeem(t.Context(), query(ada()), a)
	f.pass(mfa.Period)
	f.enroll(ada())
	q := query(ada()) // with the CredentialVersion that the account has by then
	q.Trust = result.Trust
	demand, err := f.Due(t.Context(), q)
	require.NoError(t, err)
	assert.True(t, demand.Due(), "the thief's device, trusted by the phone that was reset")
}
