package transport_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// A stream that a token opened is over when the key that signed the token is killed.
func TestRecheckOfAKilledKey(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) {
		c.SecretKey, c.JWT.Algorithm, c.JWT.Managed.Enabled = "k9mVb3Qp7Zr1Xc5Nt8Wd2Lf6Hg4Js0Ya", "ES256", true
	})
	p := app.Principal()
	watcher := authn.Watcher{Users: app.Users}
	require.NoError(t, watcher.Recheck(t.Context(), p))
	keys, err := app.SigningKeys.Keys(t.Context())
	require.NoError(t, err)
	for _, key := range keys {
		if key.State == authn.KeySigning {
			require.NoError(t, app.SigningKeys.Kill(t.Context(), authn.Principal{}, key.ID))
		}
	}
	require.ErrorIs(t, watcher.Recheck(t.Context(), p), authn.ErrTokenKey)
}

// A stream that an API key opened is over when its secret is: after the overlap of a rotation.
func TestRecheckOfARotatedAPIKey(t *testing.T) {
	t.Parallel()
	for _, overlap := range []time.Duration{0, time.Hour} {
		app := start(t)
		owner := app.Principal()
		caller, err := app.APIKeys.Authenticate(t.Context(), setting.Secret(app.APIKey(owner)), authn.Client{})
		require.NoError(t, err)
		watcher := authn.Watcher{Users: app.Users, Keys: app.APIKeys}
		require.NoError(t, watcher.Recheck(t.Context(), caller))
		_, text, err := app.APIKeys.Rotate(t.Context(), owner, caller.KeyID, overlap)
		require.NoError(t, err)
		if overlap > 0 {
			app.Advance(overlap - time.Second)
			require.NoError(t, watcher.Recheck(t.Context(), caller))
			app.Advance(time.Second)
		}
		require.ErrorIs(t, watcher.Recheck(t.Context(), caller), authn.ErrAPIKeyInvalid)
		next, err := app.APIKeys.Authenticate(t.Context(), text, authn.Client{})
		require.NoError(t, err)
		require.NoError(t, watcher.Recheck(t.Context(), next))
	}
}

// foreign is an authenticator of the application's own.
type foreign struct{ expires time.Time }

func (foreign) Name() string { return "foreign" }

func (f foreign) Authenticate(*http.Request) (authn.Principal, error) {
	return authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: "u1"}, Expires: f.expires}, nil
}

// Of a caller whom the application's own authenticator brought, the expiry is looked at, and nothing else is known.
func TestRecheckOfAnotherAuthenticator(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after time.Duration
		code  string
	}{{time.Hour, ""}, {-time.Second, "session_ended"}} {
		app := start(t, authmodule.AddAuthenticator(func() transport.Authenticator { return foreign{time.Now().Add(c.after)} }))
		caller := app.gate.Authenticate(request("GET", "/auth/me", ""))
		require.Nil(t, caller.RequireAuth())
		if p := caller.Recheck(t.Context()); c.code == "" {
			assert.Nil(t, p)
		} else {
			assert.Equal(t, c.code, p.Code)
		}
	}
}
