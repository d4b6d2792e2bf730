package transport_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// DeleteDevices may go wrong, as may the calls below it.
func (f *faulty) DeleteDevices(ctx context.Context, s authn.Subject, except string) error {
	return f.orCall(ctx, "DeleteDevices", func() error { return f.every.DeleteDevices(ctx, s, except) })
}

// DeleteCounter implements [authn.CounterStore].
func (f *faulty) DeleteCounter(ctx context.Context, k authn.CounterKey) error {
	return f.orCall(ctx, "DeleteCounter", func() error { return f.every.DeleteCounter(ctx, k) })
}

// Holders implements [authz.AssignmentStore].
func (f *faulty) Holders(ctx context.Context, t authn.Tenant, role string, at time.Time, after string, limit int) ([]string, error) {
	return guarded(ctx, f, "Holders", func() ([]string, error) { return f.every.Holders(ctx, t, role, at, after, limit) })
}

// accountFlow is a request of an owner, and what must hold when one of its store calls went wrong.
type accountFlow struct {
	request func(t *testing.T, m mails, u authn.User) *http.Request
	// calls are known to be made; survives are those without which the request succeeds all the same.
	calls, survives []string
	// finish asks for the same again.
	finish func(t *testing.T, m mails, u authn.User)
	// after is what holds then.
	after func(t *testing.T, m mails, u authn.User)
}

func accountFlows() map[string]accountFlow {
	replaced := func(t *testing.T, m mails, u authn.User) {
		assert.Equal(t, http.StatusUnauthorized, m.logIn(t, u.Email, password), "the password before")
		assert.Equal(t, http.StatusOK, m.logIn(t, u.Email, newPassword), "the new one")
	}
	return map[string]accountFlow{
		"reset": {
			request: func(t *testing.T, m mails, u authn.User) *http.Request {
				return request("POST", "/auth/password/reset", object(t, map[string]any{"token": m.forgot(t, u), "password": newPassword}))
			},
			calls: []string{"ConsumeOneTime", "UserByID", "UpdateUser", "SetPasswordHash", "EndSessions"}, survives: []string{"DeleteCounter", "Sessions"},
			finish: func(t *testing.T, m mails, u authn.User) {
				require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, u), newPassword).Code)
			},
			after: replaced,
		},
		"change of password": {
			request: func(t *testing.T, m mails, u authn.User) *http.Request {
				return request("POST", "/auth/password", object(t, map[string]any{"current_password": password, "password": newPassword}), bearer(m.Token(m.caller(t, u)))...)
			},
			calls: []string{"UserByID", "UserByEmail", "PasswordHash", "UpdateUser", "ReplacePasswordHash", "DeleteDevices"}, survives: []string{"PutCounter", "Session", "DeleteDevices", "SeeDevice"},
			finish: func(t *testing.T, m mails, u authn.User) {
				for _, current := range []string{password, newPassword} {
					if m.logIn(t, u.Email, current) == http.StatusOK {
						require.Equal(t, http.StatusNoContent, m.changePassword(t, current, newPassword, bearer(m.Token(m.caller(t, u)))...))
						return
					}
				}
				require.Fail(t, "no password is good")
			},
			after: replaced,
		},
		"deletion": {
			request: func(t *testing.T, m mails, u authn.User) *http.Request {
				return request("DELETE", "/auth/me", "", bearer(m.Token(m.caller(t, u)))...)
			},
			calls:    []string{"UserByID", "Holders", "UpdateUser", "DeletePasswordHash", "EndSessions", "Assignments", "DeleteDevices"},
			survives: []string{"Sessions", "Revoke", "EndSessions"}, // sessions are ended twice
			finish: func(t *testing.T, m mails, u authn.User) {
				require.NoError(t, m.account.Delete(t.Context(), authn.Principal{}, u.Subject, authn.Client{}))
			},
			after: func(t *testing.T, m mails, u authn.User) {
				assert.Equal(t, http.StatusUnauthorized, m.logIn(t, u.Email, password))
				_, err := m.Users.Credentials().Passwords.PasswordHash(t.Context(), u.Subject)
				require.ErrorIs(t, err, authn.ErrNotFound)
				devices, err := m.SessionManager.Devices(t.Context(), u.Subject)
				require.NoError(t, err)
				assert.Empty(t, devices)
			},
		},
	}
}

// REL-11, REL-12: whichever store call of a reset, a change or a deletion goes wrong, the caller is told so; nothing that is half done lets
// anybody in, and asking again does what was asked.
func TestAccountFlowsSurviveEveryStoreFailure(t *testing.T) {
	t.Parallel()
	for name, f := range accountFlows() {
		for _, h := range []harm{harmError, harmPanic, harmLost, harmCancel} {
			t.Run(name+" "+string(h), func(t *testing.T) {
				t.Parallel()
				var calls []string
				for n := 1; ; n++ {
					require.Less(t, n, 60)
					failed := f.failAt(t, n, h)
					if failed == "" {
						break
					}
					calls = append(calls, failed)
				}
				assert.Subset(t, calls, f.calls)
			})
		}
	}
}

func (f accountFlow) failAt(t *testing.T, n int, h harm) string {
	t.Helper()
	store := &faulty{every: memstore.New()}
	m := startMails(t, func(c *authmodule.Config) {
		unthrottled(c)
		c.Account.SecurityNotices = setting.Off // they are counted, and sent all the same where that fails
	}, store.option())
	user := m.User()
	other := m.Grant(authn.Principal{Subject: user.Subject})
	r := f.request(t, m, user)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	store.leave = leave
	store.arm(n, h)
	w := m.Do(r.WithContext(ctx))
	failed := store.disarm()
	if failed == "" {
		require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	} else if w.Code != http.StatusNoContent {
		assert.Equal(t, "unavailable", problem(t, w).Code, failed)
	} else if h != harmLost && h != harmCancel {
		assert.Contains(t, f.survives, failed, "succeeds without")
	}
	ended := func(where string) {
		_, err := m.Users.AuthenticateToken(t.Context(), other.AccessToken, authn.Client{})
		require.ErrorIs(t, err, authn.ErrSessionEnded, "another session lives on %s %s", where, failed)
	}
	if w.Code == http.StatusNoContent {
		ended("where it succeeds without")
	}
	assert.Empty(t, w.Header().Values("Set-Cookie"))
	assert.NotContains(t, m.log.String(), "store panics")
	assert.False(t, m.logIn(t, user.Email, password) == http.StatusOK && m.logIn(t, user.Email, newPassword) == http.StatusOK, "two passwords are good after %s", failed)
	f.finish(t, m, user)
	f.after(t, m, user)
	ended("after")
	return failed
}
