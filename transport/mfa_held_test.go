package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/session"
)

// A login by password that the session limit holds up does not go on once the account has a second factor.
func TestHeldLoginEndsWithAnEnrollment(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) {
		withMFA(c)
		c.Session.MaxPerUser, c.Session.OnLimit = 1, session.Ask
	})
	user := app.User()
	o := owner{app: app, email: user.Email}
	token := o.login(t, nil)["access_token"].(string)
	held := o.login(t, nil) // the thief's, who knows the password
	require.Equal(t, true, held["session_limit"])

	e := members(t, app.Do(request("POST", "/auth/mfa/totp", `{}`, bearer(token)...)))
	o.secret = e["secret"].(string)
	answerOf(t, app.Do(request("POST", "/auth/mfa/totp/confirm", object(t, map[string]any{"id": e["id"], "code": o.code(t)}), bearer(token)...)))

	mine := held["sessions"].([]any)[0].(map[string]any)["id"]
	w := app.Do(request("POST", "/auth/login/continue", object(t, map[string]any{"continuation": held["continuation"], "end": []any{mine}})))
	assert.Equal(t, http.StatusUnauthorized, w.Code, w.Body)
	assert.Equal(t, http.StatusOK, app.Do(request("GET", "/auth/me", "", bearer(token)...)).Code, "and ends nothing of the owner's")
}
