package authmodule_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
)

// startProvider starts the OpenID Provider of the package oidc-provider and
// returns its issuer. It ends with the test.
func startProvider(t *testing.T) (issuer string) {
	t.Helper()
	node, script := peer.RequireModule(t, "oidc-provider", "oidc-provider.mjs")
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	process := exec.CommandContext(ctx, node, script)
	in, err := process.StdinPipe()
	require.NoError(t, err)
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	complaint := &syncBuffer{}
	process.Stderr = complaint
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		defer stop() // kills it by its own ID, should it not have ended
		assert.NoError(t, in.Close())
		assert.NoError(t, process.Wait(), complaint.String())
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, complaint.String())
	return strings.TrimSpace(line)
}

// providerToken asks the provider for a token of the client's own (RFC 6749, section 4.4; RFC 8707).
func providerToken(t *testing.T, issuer, resource, scope string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}, "resource": {"https://api.example.com/" + resource}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("app", url.QueryEscape("a secret for tests only"))
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NotEmpty(t, answer.AccessToken)
	return answer.AccessToken
}

// An application that only guards accepts what a real provider issues for it, signed by each of the default algorithms.
func TestResourceServerOfOIDCProvider(t *testing.T) {
	t.Parallel()
	issuer := startProvider(t)
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Now, c.Registration = time.Now, authn.RegistrationClosed
		c.Issuers = map[string]authn.IssuerConfig{"op": {Issuer: issuer, JWKSURL: issuer + "/jwks", Audience: "https://api.example.com"}}
	}, fx.Provide(echo.New), fx.Invoke(echoauth.Mount, resources))
	for _, algorithm := range authn.DefaultIssuerAlgorithms() {
		token := providerToken(t, issuer, algorithm, "articles.write")
		answer := get(app, "/scope", token)
		assert.Equal(t, http.StatusOK, answer.Code, algorithm)
		assert.Equal(t, "op/app", answer.Body.String(), "the client itself")
		assert.Equal(t, http.StatusForbidden, get(app, "/permission", token).Code, "nobody gave the client a role")
		assert.Equal(t, http.StatusForbidden, get(app, "/scope", providerToken(t, issuer, algorithm, "articles.read")).Code)
		assert.Equal(t, http.StatusUnauthorized, get(app, "/scope", token[:len(token)-8]+"AAAAAAAA").Code)
	}
	assert.Equal(t, http.StatusUnauthorized, get(app, "/scope", providerToken(t, issuer, "opaque", "articles.write")).Code, "an opaque token")

	other := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Now = time.Now
		c.Issuers = map[string]authn.IssuerConfig{"op": {Issuer: issuer, JWKSURL: issuer + "/jwks", Audience: "https://other.example.com"}}
	}, fx.Provide(echo.New), fx.Invoke(echoauth.Mount, resources))
	refused := get(other, "/scope", providerToken(t, issuer, "ES256", "articles.write"))
	assert.Equal(t, http.StatusUnauthorized, refused.Code)
	assert.Equal(t, "token_audience", codeOf(t, refused), "for another application")
}

// syncBuffer keeps what a process writes while it runs.
type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
