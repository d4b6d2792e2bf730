package transport_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

const knownFromABreach = "a password that was in a breach"

// door is where somebody chooses the password of the account that has the address.
type door struct {
	email  string
	choose func(t testing.TB, password string) *httptest.ResponseRecorder
}

// passwordDoors are all the routes that take a new password.
func passwordDoors() map[string]func(t testing.TB, m mails) door {
	return map[string]func(t testing.TB, m mails) door{
		"/register": func(_ testing.TB, m mails) door {
			return door{"augusta.ada.lovelace@example.com", func(t testing.TB, password string) *httptest.ResponseRecorder {
				return m.post(t, "/register", map[string]any{"email": "augusta.ada.lovelace@example.com", "password": password})
			}}
		},
		"/password": func(t testing.TB, m mails) door {
			user := m.User()
			header := bearer(m.Token(m.caller(t, user)))
			return door{user.Email, func(t testing.TB, next string) *httptest.ResponseRecorder {
				return m.post(t, "/password", map[string]any{"current_password": password, "password": next}, header...)
			}}
		},
		"/password/reset": func(t testing.TB, m mails) door {
			user := m.User()
			token := m.forgot(t, user)
			return door{user.Email, func(t testing.TB, password string) *httptest.ResponseRecorder { return m.reset(t, token, password) }}
		},
		"/setup": func(t testing.TB, m mails) door {
			token, err := m.AdminSetup().Issue(t.Context())
			require.NoError(t, err)
			return door{adminEmail, func(t testing.TB, password string) *httptest.ResponseRecorder {
				return m.post(t, "/setup", map[string]any{"token": token.Reveal(), "password": password})
			}}
		},
	}
}

// startDoors is an application with every door, and with every condition on new passwords.
func startDoors(t testing.TB) mails {
	t.Helper()
	breaches := checkFunc(func(_ context.Context, n authn.NewPassword) error {
		if n.Password == knownFromABreach {
			return &authn.FieldError{Field: "password", Code: "breached", Problem: "is known from a breach"}
		}
		return nil
	})
	return startMails(t, func(c *authmodule.Config) {
		c.AdminEmail, c.Account.VerifyEmail = adminEmail, account.VerifyOffered
		c.JWT.Issuer, c.JWT.Audience, c.Password.Words = "the login of globex", "the members of globex", []string{"Globex Corporation"}
		unthrottled(c)
	}, authmodule.AddPasswordCheck(func() authn.PasswordCheck { return breaches }))
}

// V6.2.1, V6.2.4, V6.2.9, V6.2.11, V6.2.12: whoever chooses a password, at whatever door, is held to the whole policy, told why, and may try again.
func TestV624EveryDoorAsksThePolicy(t *testing.T) {
	t.Parallel()
	for path, open := range passwordDoors() {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			m := startDoors(t)
			d := open(t, m)
			for bad, code := range map[string]string{
				"fourteen lette": "too_short", strings.Repeat("x", authn.LongestPassword+1): "too_long", "1qaz2wsx3edc4rfv": "common", "1QAZ2WSX3EDC4RFV": "common",
				"Globex Corporation": "context_word", "The Login of Globex": "context_word", "The Members of Globex": "context_word",
				strings.ToUpper(d.email): "context_word", knownFromABreach: "breached",
			} {
				p := problem(t, d.choose(t, bad))
				require.Equal(t, "invalid_request", p.Code, "%.30s", bad)
				require.Len(t, p.Errors, 1, "%.30s", bad)
				assert.Equal(t, "password", p.Errors[0].Field, "%.30s", bad)
				assert.Equal(t, code, p.Errors[0].Code, "%.30s", bad)
				assert.Equal(t, http.StatusUnauthorized, m.logIn(t, d.email, bad), "%.30s", bad)
			}
			require.Less(t, d.choose(t, newPassword).Code, 300)
			assert.Equal(t, http.StatusOK, m.logIn(t, d.email, newPassword))
		})
	}
}

// V6.2.5, V6.2.8, V6.2.9: no door asks for kinds of characters, and none cuts, trims or folds what it gets; neither does the login.
func TestV628EveryDoorTakesPasswordsExactly(t *testing.T) {
	t.Parallel()
	long := "  " + strings.Repeat("Grüße ", 30) + "\t "
	for name, tc := range map[string]struct {
		password string
		others   []string
	}{
		"long, with spaces around": {long, []string{strings.TrimSpace(long), long[1:], strings.ToLower(long), long[:72], long[:128], long + " "}},
		"the longest":              {strings.Repeat("😀", authn.LongestPassword/4), []string{strings.Repeat("😀", 64), strings.Repeat("😀", authn.LongestPassword/4-1)}},
		"spaces alone":             {strings.Repeat(" ", 15), []string{"", " ", strings.Repeat(" ", 16)}},
		"a NUL inside":             {"before\x00and after", []string{"before", "before\x00", "beforeand after", "before\x00and after\x00"}},
	} {
		for path, open := range passwordDoors() {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				m := startDoors(t)
				d := open(t, m)
				w := d.choose(t, tc.password)
				require.Less(t, w.Code, 300, w.Body)
				for _, other := range tc.others {
					assert.NotEqual(t, http.StatusOK, m.logIn(t, d.email, other), "%.30q", other)
				}
				assert.Equal(t, http.StatusOK, m.logIn(t, d.email, tc.password))
			})
		}
	}
}

// V6.2.11: the name of the account's own tenant is refused as well, whether it is chosen at first, by a change or by a link.
func TestV6211TenantsNameIsNoPassword(t *testing.T) {
	t.Parallel()
	m := startDoors(t)
	const tenant, address = "a-tenant-with-a-long-name", "ada@example.com"
	refused := func(err error) {
		t.Helper()
		var field *authn.FieldError
		require.ErrorAs(t, err, &field)
		assert.Equal(t, "context_word", field.Code)
	}
	_, err := m.Users.CreateUser(t.Context(), authn.RegisterRequest{Tenant: tenant, Email: address, Password: tenant})
	refused(err)
	user, err := m.Users.CreateUser(t.Context(), authn.RegisterRequest{Tenant: tenant, Email: address, Password: password})
	require.NoError(t, err)
	refused(m.account.ChangePassword(t.Context(), account.PasswordChange{Caller: m.caller(t, user), Current: password, New: tenant}))
	require.NoError(t, m.account.Forgot(t.Context(), account.Request{Tenant: tenant, Email: address}))
	reset := setting.Secret(token(t, m.box.wait(t, account.NoticeResetPassword, 1)))
	refused(m.account.Reset(t.Context(), reset, tenant, authn.Client{}))
	refused(m.account.Reset(t.Context(), reset, setting.Secret(strings.ToUpper(tenant)), authn.Client{}))
	_, err = m.Users.CreateUser(t.Context(), authn.RegisterRequest{Tenant: "acme", Email: address, Password: tenant})
	require.NoError(t, err, "another tenant's name is no word of this one")
}
