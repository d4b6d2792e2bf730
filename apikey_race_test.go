package authmodule_test

import (
	"context"
	"encoding/base32"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// APIKey implements [authn.APIKeyStore].
func (s *keyStore) APIKey(ctx context.Context, t authn.Tenant, id string) (authn.APIKeyRecord, error) {
	if err := s.noteRead(); err != nil {
		return authn.APIKeyRecord{}, err
	}
	return s.Store.APIKey(ctx, t, id)
}

// TouchAPIKey implements [authn.APIKeyStore].
func (s *keyStore) TouchAPIKey(ctx context.Context, t authn.Tenant, id string, at time.Time, every time.Duration) error {
	if err := s.noteTouch(); err != nil {
		return err
	}
	return s.Store.TouchAPIKey(ctx, t, id, at, every)
}

// reassemble puts a key's secret behind another ID, with the checksum that belongs there.
func reassemble(t *testing.T, id string, text setting.Secret) setting.Secret {
	t.Helper()
	parts := strings.Split(text.Reveal(), "_")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(parts[2]))
	require.NoError(t, err)
	return credential.WithChecksum(credential.Credential{Kind: parts[0], ID: id, Secret: secret[:credential.SecretSize]}).Encode()
}

// KEY-03: of any number of calls at once no more than the quota succeed.
func TestKEY03QuotaRace(t *testing.T) {
	t.Parallel()
	const quota = 7
	onEveryDriver(t, func(c *authmodule.Config) { c.APIKeys.MaxPerUser = quota }, func(t *testing.T, app *fxtest.App, callers int) {
		p := app.Principal()
		errs := race(callers, func(int) error {
			_, _, err := app.APIKeys.Create(t.Context(), p, authn.APIKeyRequest{Name: "ci"})
			return err
		})
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
				continue
			}
			require.ErrorIs(t, err, authn.ErrAPIKeyLimit)
		}
		assert.Equal(t, quota, made)
		list, err := app.APIKeys.List(t.Context(), p.Subject)
		require.NoError(t, err)
		assert.Len(t, list, quota)
	})
}

// Of rotations that start from one secret exactly one wins, and the winners follow each other:
// however the calls meet, one text works at the end.
func TestKeyRotationRace(t *testing.T) {
	t.Parallel()
	onEveryDriver(t, unchanged, func(t *testing.T, app *fxtest.App, callers int) {
		p := app.Principal()
		key, first, err := app.APIKeys.Create(t.Context(), p, authn.APIKeyRequest{Name: "ci"})
		require.NoError(t, err)
		type result struct {
			text setting.Secret
			err  error
		}
		results := race(callers, func(int) result {
			_, text, err := app.APIKeys.Rotate(t.Context(), p, key.ID, 0)
			return result{text, err}
		})
		live, won := 0, 0
		for _, r := range results {
			if r.err != nil {
				require.ErrorIs(t, r.err, authn.ErrConflict)
				require.Empty(t, r.text)
				continue
			}
			won++
			if _, err := app.APIKeys.Authenticate(t.Context(), r.text, authn.Client{}); err == nil {
				live++
			}
		}
		assert.Positive(t, won)
		assert.Equal(t, 1, live)
		_, err = app.APIKeys.Authenticate(t.Context(), first, authn.Client{})
		require.ErrorIs(t, err, authn.ErrAPIKeyInvalid)
	})
}

// KEY-03: whatever uses and rotations meet it, a revoked key is dead when the call returns.
func TestKEY03RevocationRace(t *testing.T) {
	t.Parallel()
	onEveryDriver(t, unchanged, func(t *testing.T, app *fxtest.App, callers int) {
		p := app.Principal()
		key, text, err := app.APIKeys.Create(t.Context(), p, authn.APIKeyRequest{Name: "ci"})
		require.NoError(t, err)
		texts := race(callers, func(i int) setting.Secret {
			if i == callers/2 {
				require.NoError(t, app.APIKeys.Revoke(t.Context(), p, p.Subject, key.ID))
				_, err := app.APIKeys.Authenticate(t.Context(), text, authn.Client{})
				assert.ErrorIs(t, err, authn.ErrAPIKeyInvalid)
				return text
			}
			if i%2 == 0 {
				_, err := app.APIKeys.Authenticate(t.Context(), text, authn.Client{})
				assert.True(t, err == nil || errors.Is(err, authn.ErrAPIKeyInvalid), "%v", err)
				return text
			}
			_, next, err := app.APIKeys.Rotate(t.Context(), p, key.ID, time.Hour)
			assert.True(t, err == nil || errors.Is(err, authn.ErrConflict) || errors.Is(err, authn.ErrNotFound), "%v", err)
			return next
		})
		for _, text := range texts {
			_, err := app.APIKeys.Authenticate(t.Context(), text, authn.Client{})
			require.ErrorIs(t, err, authn.ErrAPIKeyInvalid)
		}
	})
}
