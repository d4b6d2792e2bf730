package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
)

// V6.4.4: who has lost the phone gets in by a recovery code, which is flagged, and replaces it; that session is of a weaker class.
func TestLostFactorIsReplaced(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withMFA)
	o := enrolled(t, app)
	token := answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameRecoveryCode, o.codes[0].(string)))["access_token"].(string)
	p, err := app.Users.AuthenticateToken(t.Context(), secretOf(token), authn.Client{})
	require.NoError(t, err)
	assert.Equal(t, []string{"pwd", "recovery", "mfa"}, p.Methods)
	assert.Equal(t, authn.ACR1, authn.ACROf(p.Methods))
	used := app.Events(audit.RecoveryCodeUsed)
	require.Len(t, used, 1)
	assert.Equal(t, "9", used[0].Detail["left"])
	assert.Equal(t, true, answerOf(t, app.Do(request("GET", "/auth/mfa", "", bearer(token)...)))["recovery_used"])

	lost := o.id
	e := members(t, app.Do(request("POST", "/auth/mfa/totp", `{"name":"new phone"}`, bearer(token)...)))
	o.secret = e["secret"].(string)
	answerOf(t, app.Do(request("POST", "/auth/mfa/totp/confirm", object(t, map[string]any{"id": e["id"], "code": o.code(t)}), bearer(token)...)))
	require.Equal(t, http.StatusNoContent, app.Do(request("DELETE", "/auth/mfa/factors/"+lost, "", bearer(token)...)).Code)
	own := answerOf(t, app.Do(request("GET", "/auth/mfa", "", bearer(token)...)))
	assert.Equal(t, false, own["recovery_used"])
	assert.Len(t, own["factors"], 1)
}

// V6.4.4: where it is configured, a recovery code opens nothing by itself: the login goes on when a factor was enrolled.
func TestEnrollAfterRecovery(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) {
		withMFA(c)
		c.MFA.AfterRecovery, c.MFA.MaxApps = mfa.AfterRecoveryEnroll, 2
	})
	o := enrolled(t, app)
	byCode := func(code int) map[string]any {
		return answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameRecoveryCode, o.codes[code].(string)))
	}
	held := byCode(0)
	require.Equal(t, true, held["enroll"])
	require.Equal(t, []any{mfa.NameTOTP}, held["factors"])
	require.NotContains(t, held, "access_token")
	require.Equal(t, "code_invalid", problem(t, o.answer(t, held["challenge"], mfa.NameRecoveryCode, o.codes[1].(string))).Code, "another code is no way round it")
	e := answerOf(t, app.Do(request("POST", "/auth/login/mfa/begin", object(t, map[string]any{"challenge": held["challenge"], "factor": mfa.NameTOTP}))))
	o.secret = e["secret"].(string)
	token := answerOf(t, o.answer(t, held["challenge"], mfa.NameTOTP, o.code(t)))["access_token"].(string)
	own := answerOf(t, app.Do(request("GET", "/auth/mfa", "", bearer(token)...)))
	assert.Equal(t, false, own["recovery_used"])
	assert.Len(t, own["factors"], 2)
	require.Contains(t, byCode(1), "access_token", "there is no room for another one")
}
