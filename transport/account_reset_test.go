package transport_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// RST-01, item 34: a forgotten password is set anew by a link that works once and ends all sessions.
func TestRST01ResetPassword(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	before := m.Grant(authn.Principal{Subject: user.Subject})
	reset := m.forgot(t, user)
	n := m.box.wait(t, account.NoticeResetPassword, 1)
	assert.Equal(t, user.Email, n.To)
	assert.Equal(t, user.Subject, n.Subject)
	assert.Equal(t, "https://app.example.com/auth/password/reset#"+reset, n.Link.Reveal())
	assert.Equal(t, m.Now().Add(time.Hour), n.Expires)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password), "asking changes nothing")

	w := m.reset(t, reset, newPassword)
	require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	assert.Empty(t, w.Header().Values("Set-Cookie"), "a reset logs nobody in (V6.4.3)")
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, password))
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, newPassword))
	_, err := m.Users.AuthenticateToken(t.Context(), before.AccessToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	_, err = m.Users.Refresh(t.Context(), before.RefreshToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrRefreshInvalid)
	assert.Equal(t, "token_invalid", problem(t, m.reset(t, reset, newPassword)).Code)
	require.Len(t, m.Events(audit.PasswordReset), 1)
	assert.Equal(t, user.Subject.ID, m.Events(audit.PasswordReset)[0].Subject)
	assert.Len(t, m.Events(audit.PasswordResetRequested), 1)
	assert.Equal(t, user.Email, m.box.wait(t, account.NoticePasswordChanged, 1).To)
	assert.NotContains(t, m.log.String(), reset)
}
