package transport_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
)

const squatter = "the password of a squatter"

// Who registered the administrator's address beforehand, and enrolled an app, keeps neither the administrator out nor a foot in.
func TestSetupTakesTheFactorsOver(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { withAdmin(c); withMFA(c) }, adminRole())
	answer(t, app.Do(request("POST", "/auth/register", credentials(t, adminEmail, squatter))), http.StatusCreated)
	token := answer(t, app.Do(request("POST", "/auth/login", credentials(t, adminEmail, squatter))), http.StatusOK)["access_token"].(string)
	e := members(t, app.Do(request("POST", "/auth/mfa/totp", `{}`, bearer(token)...)))
	o := owner{app: app, secret: e["secret"].(string)}
	answerOf(t, app.Do(request("POST", "/auth/mfa/totp/confirm", object(t, map[string]any{"id": e["id"], "code": o.code(t)}), bearer(token)...)))

	status, _ := redeem(t, app, app.log.setupToken(t), password)
	require.Equal(t, http.StatusCreated, status)
	assert.NotEmpty(t, answer(t, app.Do(request("POST", "/auth/login", credentials(t, adminEmail, password))), http.StatusOK)["access_token"])
}

// A password that was disabled by wrong guesses is open again once the set-up has given the account another.
func TestSetupOpensThePassword(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { withAdmin(c); c.Throttle.MaxConsecutiveFailures = 10 }, adminRole())
	answer(t, app.Do(request("POST", "/auth/register", credentials(t, adminEmail, squatter))), http.StatusCreated)
	for range 10 {
		app.Do(request("POST", "/auth/login", credentials(t, adminEmail, "not the password, but long")))
		app.Advance(2 * time.Hour)
	}
	status, _ := redeem(t, app, app.log.setupToken(t), password)
	require.Equal(t, http.StatusCreated, status)
	answer(t, app.Do(request("POST", "/auth/login", credentials(t, adminEmail, password))), http.StatusOK)
}

// Nor does an API key of before become the administrator's.
func TestSetupEndsAPIKeys(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withAdmin, adminRole())
	answer(t, app.Do(request("POST", "/auth/register", credentials(t, adminEmail, squatter))), http.StatusCreated)
	token := answer(t, app.Do(request("POST", "/auth/login", credentials(t, adminEmail, squatter))), http.StatusOK)["access_token"].(string)
	key := answer(t, app.Do(request("POST", "/auth/api-keys", `{"name":"x"}`, bearer(token)...)), http.StatusCreated)["key"].(string)
	status, _ := redeem(t, app, app.log.setupToken(t), password)
	require.Equal(t, http.StatusCreated, status)
	assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", "/auth/me", "", "Authorization", "ApiKey "+key)).Code)
}
