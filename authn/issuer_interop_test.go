package authn_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// Keys that jose made and serves over HTTP verify what jose signs, for every algorithm that takes a key pair.
func TestInteropJoseIsTheIssuer(t *testing.T) {
	t.Parallel()
	jose := startJose(t)
	served := jose.ask(t, "serve", joseRequest{"algorithms": asymmetric()})
	require.Empty(t, served.Error)
	clock := &tokenClock{now: tokenEpoch}
	issuers := joseIssuers(t, served.URL, asymmetric(), clock.Now)
	mint := func(algorithm, typ string, edits map[string]any) setting.Secret {
		now := clock.Now().Unix()
		payload := map[string]any{"iss": served.URL, "aud": []string{"account", "api"}, "sub": "user-1", "iat": now, "exp": now + 600, "scope": "articles.read"}
		for name, value := range edits {
			payload[name] = value
		}
		answer := jose.ask(t, "mint", joseRequest{"alg": algorithm, "typ": typ, "payload": payload})
		require.Empty(t, answer.Error)
		return setting.Secret(answer.Token)
	}
	verify := func(token setting.Secret) (authn.Principal, error) {
		issuer := issuers.Of(token)
		require.NotNil(t, issuer)
		return issuer.Authenticate(t.Context(), token, authn.Client{})
	}
	for _, algorithm := range asymmetric() {
		p, err := verify(mint(algorithm, "at+jwt", nil))
		require.NoError(t, err, algorithm)
		assert.Equal(t, authn.Subject{ID: "jose:user-1"}, p.Subject)
		assert.Equal(t, []string{"articles.read"}, p.Scopes)
		_, err = verify(mint(algorithm, "JWT", nil))
		require.ErrorIs(t, err, authn.ErrTokenType, algorithm)
		_, err = verify(mint(algorithm, "at+jwt", map[string]any{"aud": "account"}))
		require.ErrorIs(t, err, authn.ErrTokenAudience, algorithm)
	}
	old := mint("ES256", "at+jwt", nil)
	require.Empty(t, jose.ask(t, "serve", joseRequest{"algorithms": asymmetric()}).Error)
	clock.Set(tokenEpoch.Add(30 * time.Second))
	_, err := verify(mint("ES256", "at+jwt", nil))
	require.NoError(t, err, "JWT-41: all keys were replaced at the issuer")
	_, err = verify(old)
	require.ErrorIs(t, err, authn.ErrTokenKey)
}

// The set of an issuer that writes no alg, such as jose's own export, serves where one algorithm fits each key.
func TestInteropJoseKeysWithoutAlg(t *testing.T) {
	t.Parallel()
	jose := startJose(t)
	algorithms := []string{"PS256", "ES256", "ES384", "ES512", "EdDSA"}
	served := jose.ask(t, "serve", joseRequest{"algorithms": algorithms, "bare": true})
	require.Empty(t, served.Error)
	issuers := joseIssuers(t, served.URL, algorithms, time.Now)
	for _, algorithm := range algorithms {
		now := time.Now().Unix()
		answer := jose.ask(t, "mint", joseRequest{"alg": algorithm, "typ": "at+jwt", "payload": map[string]any{"iss": served.URL, "aud": "api", "sub": "user-1", "iat": now, "exp": now + 600}})
		require.Empty(t, answer.Error)
		_, err := issuers.Of(setting.Secret(answer.Token)).Authenticate(t.Context(), setting.Secret(answer.Token), authn.Client{})
		require.NoError(t, err, algorithm)
	}
}

func joseIssuers(t *testing.T, url string, algorithms []string, now func() time.Time) *authn.Issuers {
	t.Helper()
	issuers, err := authn.NewIssuers(map[string]authn.IssuerConfig{
		"jose": {Issuer: url, JWKSURL: url + "/jwks", Audience: "api", Algorithms: algorithms},
	}, authn.IssuerDeps{Roles: fixedRoles{}, Log: slog.New(slog.DiscardHandler), Now: now})
	require.NoError(t, err)
	t.Cleanup(issuers.Close)
	return issuers
}
