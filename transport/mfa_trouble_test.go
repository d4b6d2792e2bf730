package transport_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/store/memstore"
)

// brokenFactors is a store of factors that fails or panics in some calls.
type brokenFactors struct {
	mfa.FactorStore
	reads, writes, panics atomic.Bool
}

var errFactors = errors.New("no factors")

func (b *brokenFactors) Factors(ctx context.Context, s authn.Subject) ([]mfa.Record, error) {
	switch {
	case b.panics.Load():
		panic(errFactors)
	case b.reads.Load():
		return nil, errFactors
	}
	return b.FactorStore.Factors(ctx, s)
}

func (b *brokenFactors) UpdateFactor(ctx context.Context, r mfa.Record) error {
	if b.writes.Load() {
		return errFactors
	}
	return b.FactorStore.UpdateFactor(ctx, r)
}

// TOTP-10: a store of factors that does not answer lets nobody in by the password alone, and a code that could not be used up opens nothing. What
// waited for it goes on when it answers again, and no wrong code was counted.
func TestFactorStoreInTrouble(t *testing.T) {
	t.Parallel()
	store := &brokenFactors{FactorStore: memstore.New()}
	app := startConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled = true }, authmodule.UseFactorStore(func() mfa.FactorStore { return store }))
	o := enrolled(t, app)
	user, err := app.Users.UserByEmail(t.Context(), "", o.email)
	require.NoError(t, err)
	before, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	challenge := o.login(t, nil)["challenge"]
	for _, broken := range []*atomic.Bool{&store.reads, &store.writes, &store.panics} {
		broken.Store(true)
		if broken != &store.writes {
			w := app.Do(request("POST", "/auth/login", credentials(t, o.email, password)))
			require.Equal(t, "unavailable", problem(t, w).Code)
			assert.Empty(t, w.Result().Cookies())
		}
		for range 7 {
			w := o.answer(t, challenge, mfa.NameTOTP, o.code(t))
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.Equal(t, "unavailable", problem(t, w).Code)
		}
		broken.Store(false)
	}
	after, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.NotContains(t, app.log.String(), o.secret)
	answerOf(t, o.answer(t, challenge, mfa.NameTOTP, o.code(t)))
}
