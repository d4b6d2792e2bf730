package transport_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/memstore"
)

func (m mails) changePassword(t testing.TB, current, next string, headers ...string) int {
	t.Helper()
	return m.post(t, "/password", map[string]any{"current_password": current, "password": next}, headers...).Code
}

// V6.2.2, V6.2.3, item 35: an owner changes the password, by the current one and no other way. The session that asked stays, with another cookie.
func TestV622ChangePassword(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	reset := m.forgot(t, user)
	other := m.Grant(authn.Principal{Subject: user.Subject})
	own := cookieOf(t, m.post(t, "/login", map[string]any{"email": user.Email, "password": password, "mode": "cookie"}))

	assert.Equal(t, http.StatusUnauthorized, m.changePassword(t, password, newPassword), "without a login")
	assert.Equal(t, http.StatusBadRequest, m.post(t, "/password", map[string]any{"password": newPassword}, sent(own)...).Code, "without the current password")
	assert.Equal(t, "invalid_credentials", problem(t, m.post(t, "/password", map[string]any{"current_password": "a wrong password of mine", "password": newPassword}, sent(own)...)).Code)
	assert.Equal(t, http.StatusBadRequest, m.changePassword(t, password, "too short", sent(own)...))
	assert.Equal(t, http.StatusForbidden, m.changePassword(t, password, newPassword, "Authorization", "ApiKey "+m.APIKey(m.caller(t, user))), "by an API key")
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password), "nothing has changed")

	w := m.post(t, "/password", map[string]any{"current_password": password, "password": newPassword}, sent(own)...)
	require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	renewed := cookieOf(t, w)
	assert.NotEqual(t, own.Value, renewed.Value)
	assert.Equal(t, http.StatusOK, m.Do(request("GET", "/auth/me", "", sent(renewed)...)).Code, "the session stays")
	assert.Equal(t, http.StatusUnauthorized, m.Do(request("GET", "/auth/me", "", sent(own)...)).Code, "under its new cookie alone")
	_, err := m.Users.AuthenticateToken(t.Context(), other.AccessToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, password))
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, newPassword))
	assert.Equal(t, "token_invalid", problem(t, m.reset(t, reset, password)).Code)
	assert.Len(t, m.Events(audit.PasswordChanged), 1)
	assert.NotEmpty(t, m.Events(audit.PasswordChanged)[0].SessionID)
}

// V6.2.3: a stolen session guesses the password no faster than a login does.
func TestV623WrongCurrentPasswordsCount(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	token := m.Token(m.caller(t, user))
	for range 5 {
		assert.Equal(t, http.StatusUnauthorized, m.changePassword(t, "a wrong password of mine", newPassword, bearer(token)...))
	}
	assert.Equal(t, http.StatusTooManyRequests, m.changePassword(t, password, newPassword, bearer(token)...))
	assert.Equal(t, http.StatusTooManyRequests, m.logIn(t, user.Email, password), "a login counts the same")
	assert.Len(t, m.Events(audit.LoginFailed), 5)
	m.Advance(time.Minute)
	assert.Equal(t, http.StatusNoContent, m.changePassword(t, password, newPassword, bearer(token)...))
}

// Item 35: an account with an imported hash of another scheme changes its password like any other, and one without a password by a link.
func TestPasswordOfEveryAccountCanBeChanged(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	imported, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	credentials := m.Users.Credentials()
	require.NoError(t, credentials.Passwords.SetPasswordHash(t.Context(), user.Subject, string(imported)))
	token := m.Token(m.caller(t, user))
	assert.Equal(t, http.StatusUnauthorized, m.changePassword(t, "a wrong password of mine", newPassword, bearer(token)...))
	assert.Equal(t, http.StatusNoContent, m.changePassword(t, password, newPassword, bearer(token)...))
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, newPassword))
	require.NoError(t, credentials.Passwords.DeletePasswordHash(t.Context(), user.Subject))
	assert.Equal(t, http.StatusUnauthorized, m.changePassword(t, password, newPassword, bearer(token)...), "there is none")
	require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, user), newPassword).Code)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, newPassword))
}

// Another address counts once the link that was sent to it is opened; the old one is told, twice.
func TestChangeEmail(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user, rival := m.User(), m.User()
	const next = "next@example.com"
	other := m.Grant(authn.Principal{Subject: user.Subject})
	own := m.Grant(authn.Principal{Subject: user.Subject})
	header := bearer(own.AccessToken.Reveal())

	taken := m.post(t, "/email", map[string]any{"email": rival.Email}, header...)
	free := m.post(t, "/email", map[string]any{"email": "NEXT@example.com"}, header...)
	require.Equal(t, http.StatusAccepted, free.Code, free.Body.String())
	assert.Equal(t, dump(t, taken), dump(t, free), "who has an address is not told")
	link := m.box.wait(t, account.NoticeChangeEmail, 1)
	assert.Equal(t, next, link.To)
	told := m.box.wait(t, account.NoticeEmailChanging, 2)
	assert.Equal(t, user.Email, told.To)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password), "nothing has changed yet")
	reset := m.forgot(t, user)

	w := m.post(t, "/email/confirm", map[string]any{"token": token(t, link)})
	require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	changed, err := m.Users.User(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Equal(t, next, changed.Email)
	assert.WithinDuration(t, m.Now(), changed.VerifiedAt, time.Millisecond)
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, password))
	assert.Equal(t, http.StatusOK, m.logIn(t, next, password))
	_, err = m.Users.AuthenticateToken(t.Context(), own.AccessToken, authn.Client{})
	require.NoError(t, err, "the session that asked stays")
	_, err = m.Users.AuthenticateToken(t.Context(), other.AccessToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	assert.Equal(t, "token_invalid", problem(t, m.reset(t, reset, newPassword)).Code)
	last := m.box.wait(t, account.NoticeEmailChanged, 1)
	assert.Equal(t, user.Email, last.To, "the address before is told")
	assert.Equal(t, next, last.Facts["new_email"])
	assert.Len(t, m.box.all(account.NoticeChangeEmail), 1, "nothing was sent to an address that is taken")
	require.Len(t, m.Events(audit.EmailChanged), 1)
}

// RST-01: links that verify an address, or make another the account's, are as bound as those to a new password: to the purpose, for an hour, for one use,
// to the version of the account's credentials, also where the session that asked lives on; and a newer one takes their place.
func TestRST01LinksToAnAddressAreBound(t *testing.T) {
	t.Parallel()
	for link, l := range map[string]struct {
		path string
		ask  func(t *testing.T, m mails, p authn.Principal) string
	}{
		"verify": {"/email/verify", func(t *testing.T, m mails, p authn.Principal) string {
			n := len(m.box.all(account.NoticeVerifyEmail))
			require.Equal(t, http.StatusAccepted, m.post(t, "/email/verify/resend", map[string]any{"email": p.Email}).Code)
			return token(t, m.box.wait(t, account.NoticeVerifyEmail, n+1))
		}},
		"change": {"/email/confirm", func(t *testing.T, m mails, p authn.Principal) string {
			n := len(m.box.all(account.NoticeChangeEmail))
			require.NoError(t, m.account.ChangeEmail(t.Context(), p, "next@example.com", authn.Client{}))
			return token(t, m.box.wait(t, account.NoticeChangeEmail, n+1))
		}},
	} {
		for name, tc := range map[string]struct {
			act  func(t *testing.T, m mails, p authn.Principal, link string)
			good bool
		}{
			"nothing":             {func(*testing.T, mails, authn.Principal, string) {}, true},
			"just before its end": {func(_ *testing.T, m mails, _ authn.Principal, _ string) { m.Advance(time.Hour - time.Second) }, true},
			"at its end":          {func(_ *testing.T, m mails, _ authn.Principal, _ string) { m.Advance(time.Hour) }, false},
			"a newer one":         {func(t *testing.T, m mails, p authn.Principal, _ string) { l.ask(t, m, p) }, false},
			"used": {func(t *testing.T, m mails, _ authn.Principal, link string) {
				require.Equal(t, http.StatusNoContent, m.post(t, l.path, map[string]any{"token": link}).Code)
			}, false},
			"used for a password": {func(t *testing.T, m mails, _ authn.Principal, link string) {
				assert.Equal(t, "token_invalid", problem(t, m.reset(t, link, newPassword)).Code)
				assert.Equal(t, "token_invalid", problem(t, m.reset(t, "pr"+link[2:], newPassword)).Code)
			}, true},
			"password changed by the same session": {func(t *testing.T, m mails, p authn.Principal, _ string) {
				require.NoError(t, m.account.ChangePassword(t.Context(), account.PasswordChange{Caller: p, Current: password, New: newPassword}))
			}, false},
			"password reset": {func(t *testing.T, m mails, p authn.Principal, _ string) {
				require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, authn.User{Email: p.Email}), newPassword).Code)
			}, false},
			"disabled": {func(t *testing.T, m mails, p authn.Principal, _ string) {
				require.NoError(t, m.Users.Disable(t.Context(), authn.Principal{}, p.Subject))
			}, false},
		} {
			t.Run(link+" "+name, func(t *testing.T) {
				t.Parallel()
				m := startMails(t, func(c *authmodule.Config) { c.Account.VerifyEmail = account.VerifyOffered })
				status, _ := m.register(t, "ada@example.com", password)
				require.Equal(t, http.StatusCreated, status)
				m.box.wait(t, account.NoticeVerifyEmail, 1)
				user, err := m.Users.UserByEmail(t.Context(), "", "ada@example.com")
				require.NoError(t, err)
				p := m.caller(t, user)
				asked := l.ask(t, m, p)
				tc.act(t, m, p, asked)
				w := m.post(t, l.path, map[string]any{"token": asked})
				if tc.good {
					require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
				} else {
					assert.Equal(t, "token_invalid", problem(t, w).Code)
				}
			})
		}
	}
}

// An owner who is told that a stolen session asked for another address stops it by ending that session.
func TestEndedSessionsChangeNoAddress(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	require.NoError(t, m.account.ChangeEmail(t.Context(), m.caller(t, user), "thief@example.com", authn.Client{}))
	link := token(t, m.box.wait(t, account.NoticeChangeEmail, 1))
	own := m.Grant(authn.Principal{Subject: user.Subject})
	w := m.Do(request("DELETE", "/auth/sessions", "", bearer(own.AccessToken.Reveal())...))
	require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	assert.Equal(t, "token_invalid", problem(t, m.post(t, "/email/confirm", map[string]any{"token": link})).Code)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password))
	assert.Empty(t, m.Events(audit.EmailChanged))
}

// Somebody registers the address before the link to it is opened: the link is not valid then, and nothing changes.
func TestChangeToAnAddressThatIsTakenMeanwhile(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	require.NoError(t, m.account.ChangeEmail(t.Context(), m.caller(t, user), "next@example.com", authn.Client{}))
	link := token(t, m.box.wait(t, account.NoticeChangeEmail, 1))
	_, err := m.Users.CreateUser(t.Context(), authn.RegisterRequest{Email: "next@example.com", Password: password})
	require.NoError(t, err)
	assert.Equal(t, "token_invalid", problem(t, m.post(t, "/email/confirm", map[string]any{"token": link})).Code)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password))
	assert.Empty(t, m.Events(audit.EmailChanged))
}

// V7.5.1: a session that is old changes no address and deletes nothing.
func TestOldLoginsChangeNoAddress(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.HTTP.StepUpMinutes = 5 }) // less than a token's life
	token := m.Token(m.caller(t, m.User()))
	m.Advance(4 * minute)
	assert.Equal(t, http.StatusAccepted, m.post(t, "/email", map[string]any{"email": "next@example.com"}, bearer(token)...).Code)
	m.Advance(61 * time.Second)
	for _, r := range []*http.Request{
		request("POST", "/auth/email", `{"email":"other@example.com"}`, bearer(token)...), request("DELETE", "/auth/me", "", bearer(token)...),
	} {
		insufficient(t, m.Do(r))
	}
}

// V6.2.10, V6.4.6: an administrator has an owner choose another password, and sees and chooses none.
func TestV646AdministratorRequiresAReset(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	admin, user := m.User("admin"), m.User()
	elsewhere, err := m.Users.CreateUser(t.Context(), authn.RegisterRequest{Tenant: "acme", Email: "ada@example.com", Password: password})
	require.NoError(t, err)
	grant := m.Grant(authn.Principal{Subject: user.Subject})
	before := m.forgot(t, user)
	path := "/auth/users/" + user.Subject.ID + "/password-reset"
	assert.Equal(t, http.StatusForbidden, m.Do(request("POST", path, "", bearer(grant.AccessToken.Reveal())...)).Code)
	header := bearer(m.Token(m.caller(t, admin)))
	for _, id := range []string{"nobody", elsewhere.Subject.ID} {
		assert.Equal(t, "user_not_found", problem(t, m.Do(request("POST", "/auth/users/"+id+"/password-reset", "", header...))).Code)
		assert.Equal(t, "user_not_found", problem(t, m.Do(request("DELETE", "/auth/users/"+id, "", header...))).Code)
	}
	w := m.Do(request("POST", path, `{"password":"chosen by an administrator"}`, header...))
	require.Equal(t, http.StatusAccepted, w.Code, w.Body.String())
	assert.JSONEq(t, "{}", w.Body.String())
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, password), "dead at once")
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, "chosen by an administrator"))
	_, err = m.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	assert.Equal(t, "token_invalid", problem(t, m.reset(t, before, newPassword)).Code)
	n := m.box.wait(t, account.NoticeResetPassword, 2)
	assert.Equal(t, user.Email, n.To)
	assert.Equal(t, "administrator", n.Facts["by"])
	require.Equal(t, http.StatusNoContent, m.reset(t, token(t, n), newPassword).Code)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, newPassword))
	required := m.Events(audit.PasswordResetRequested)[1]
	assert.Equal(t, admin.Subject.ID, required.Actor)
	assert.Equal(t, user.Subject.ID, required.Subject)

	w = m.Do(request("DELETE", "/auth/users/"+user.Subject.ID, "", header...))
	require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	assert.Equal(t, admin.Subject.ID, m.Events(audit.UserDeleted)[0].Actor)
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, newPassword))
}

// vanishing is a store in which an account is found once, and is deleted then.
type vanishing struct {
	authn.UserStore
	id    atomic.Value
	found atomic.Int32
}

func (v *vanishing) UserByID(ctx context.Context, s authn.Subject) (authn.User, error) {
	user, err := v.UserStore.UserByID(ctx, s)
	if s.ID == v.id.Load() && v.found.Add(1) > 1 {
		user.DeletedAt, user.DisabledAt = user.CreatedAt, user.CreatedAt
	}
	return user, err
}

// An account that is deleted while an administrator acts on it is answered as one that there is not.
func TestAccountsThatAreDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	store := &vanishing{UserStore: memstore.New()}
	m := startMails(t, withMFA, authmodule.UseUserStore(func() authn.UserStore { return store }))
	header := bearer(m.Token(m.caller(t, m.User("admin"))))
	for _, route := range []string{"POST password-reset", "POST disable", "DELETE mfa"} {
		user := m.User()
		store.found.Store(0)
		store.id.Store(user.Subject.ID)
		method, path, _ := strings.Cut(route, " ")
		w := m.Do(request(method, "/auth/users/"+user.Subject.ID+"/"+path, "", header...))
		assert.Equal(t, http.StatusNotFound, w.Code, "%s %s", route, w.Body)
		assert.Equal(t, "user_not_found", problem(t, w).Code, route)
	}
}

// Former passwords are not chosen again, by whatever flow, and go with the account.
func TestFlowsHeedFormerPasswords(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Password.History = 3 })
	user := m.User()
	header := bearer(m.Token(m.caller(t, user)))
	assert.Equal(t, http.StatusBadRequest, m.changePassword(t, password, password, header...), "the present one")
	require.Equal(t, http.StatusNoContent, m.changePassword(t, password, newPassword, header...))
	assert.Equal(t, http.StatusBadRequest, m.changePassword(t, newPassword, password, header...))
	reset := m.forgot(t, user)
	for _, former := range []string{password, newPassword} {
		assert.Equal(t, http.StatusBadRequest, m.reset(t, reset, former).Code, former)
	}
	require.NoError(t, m.account.RequireReset(t.Context(), authn.Principal{}, user.Subject, authn.Client{}))
	required := m.box.wait(t, account.NoticeResetPassword, 2)
	for _, former := range []string{password, newPassword} {
		assert.Equal(t, http.StatusBadRequest, m.reset(t, token(t, required), former).Code, "what an administrator has ended")
	}
	require.Equal(t, http.StatusNoContent, m.reset(t, token(t, required), "a third password of mine").Code)
	require.NoError(t, m.account.Delete(t.Context(), authn.Principal{}, user.Subject, authn.Client{}))
	require.NoError(t, m.Users.CheckReuse(t.Context(), user.Subject, password), "nothing of it is kept")
}
