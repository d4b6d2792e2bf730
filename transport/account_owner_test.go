package transport_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
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
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
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

// erased keeps for whom it was called.
type erased struct {
	mu       sync.Mutex
	subjects []authn.Subject
	// ended are the errors of the contexts.
	ended []error
	fail  error
}

func (e *erased) Erase(ctx context.Context, s authn.Subject) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subjects, e.ended = append(e.subjects, s), append(e.ended, ctx.Err())
	return e.fail
}

// A deleted account is gone: no login, no session, no key, no role, no factor; its address is free, and its ID is nobody else's.
func TestDeleteMe(t *testing.T) {
	t.Parallel()
	mine := &erased{}
	m := startMails(t, withMFA, authmodule.AddEraser(func() account.Eraser { return mine }))
	o := enrolled(t, m.app)
	user, err := m.Users.UserByEmail(t.Context(), "", o.email)
	require.NoError(t, err)
	require.NoError(t, m.AuthorizationService.Assign(t.Context(), authn.Principal{}, user.Subject, "admin"))
	m.User("admin")
	p := m.caller(t, user)
	key, reset := m.APIKey(p), m.forgot(t, user)
	other := m.Grant(p)
	counters := []authn.Factor{mfa.NameTOTP, authn.FactorPassword, mfa.NameTOTP + "_enrollment", mfa.NameEmailCode + "_enrollment"}
	for _, factor := range counters {
		attempt, err := m.Throttle.Attempt(t.Context(), authn.Target{Factor: factor, Subject: user.Subject})
		require.NoError(t, err)
		attempt.Fail(t.Context())
	}

	w := m.Do(request("DELETE", "/auth/me", "", bearer(m.Token(p))...))
	require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, password))
	_, err = m.Users.AuthenticateToken(t.Context(), other.AccessToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	assert.Equal(t, http.StatusUnauthorized, m.Do(request("GET", "/auth/me", "", "Authorization", "ApiKey "+key)).Code)
	assert.Equal(t, "token_invalid", problem(t, m.reset(t, reset, newPassword)).Code)
	_, err = m.Users.User(t.Context(), user.Subject)
	require.ErrorIs(t, err, authn.ErrNotFound)
	require.ErrorIs(t, m.Users.Enable(t.Context(), authn.Principal{}, user.Subject), authn.ErrNotFound, "nothing revives it")
	require.ErrorIs(t, m.Users.Disable(t.Context(), authn.Principal{}, user.Subject), authn.ErrNotFound)
	roles, err := m.AuthorizationService.Assignments(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Empty(t, roles)
	has, err := m.MFA.Enrolled(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.False(t, has)
	devices, err := m.SessionManager.Devices(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Empty(t, devices)
	keys, err := m.APIKeys.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Empty(t, keys)
	for _, factor := range counters {
		counter, err := m.Throttle.Counter(t.Context(), user.Subject, factor)
		require.NoError(t, err)
		assert.Zero(t, counter, factor)
	}
	credentials := m.Users.Credentials()
	_, err = credentials.Passwords.PasswordHash(t.Context(), user.Subject)
	require.ErrorIs(t, err, authn.ErrNotFound)
	buried, err := credentials.Users.UserByID(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.NotContains(t, buried.Email, user.Email)
	assert.True(t, buried.VerifiedAt.IsZero())
	assert.False(t, buried.Active())
	assert.Equal(t, []authn.Subject{user.Subject}, mine.subjects)
	assert.Equal(t, user.Email, m.box.wait(t, account.NoticeAccountDeleted, 1).To)
	require.Len(t, m.Events(audit.UserDeleted), 1)
	assert.Empty(t, m.Events(audit.UserDeleted)[0].Actor)

	next, err := m.Users.CreateUser(t.Context(), authn.RegisterRequest{Email: user.Email, Password: newPassword})
	require.NoError(t, err)
	assert.NotEqual(t, user.Subject, next.Subject)
	require.NoError(t, m.account.Delete(t.Context(), authn.Principal{}, user.Subject, authn.Client{}), "deleting again finishes what was cut off")
	assert.Equal(t, http.StatusOK, m.logIn(t, next.Email, newPassword), "and hurts nobody else")
	assert.Len(t, m.Events(audit.UserDeleted), 1)
}

// counted notes the counters of accounts, by their ID.
type counted struct {
	authn.CounterStore
	mu   sync.Mutex
	keys map[string][]authn.CounterKey
}

func (c *counted) PutCounter(ctx context.Context, k authn.CounterKey, n authn.Counter, version int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.keys[k.ID], k) {
		c.keys[k.ID] = append(c.keys[k.ID], k)
	}
	return c.CounterStore.PutCounter(ctx, k, n, version)
}

// NIST-06: failures in a row are kept for as long as there is the account, and no longer, for whatever factor of the module.
func TestNIST06CountersGoWithTheAccount(t *testing.T) {
	t.Parallel()
	store := &counted{CounterStore: memstore.New(), keys: map[string][]authn.CounterKey{}}
	m := startMails(t, func(c *authmodule.Config) { withMFA(c); c.MFA.EmailCode = true }, authmodule.UseCounterStore(func() authn.CounterStore { return store }))
	o := enrolled(t, m.app)
	user, err := m.Users.UserByEmail(t.Context(), "", o.email)
	require.NoError(t, err)
	enrollment, err := m.MFA.EnrollTOTP(t.Context(), user.Subject, user.Email, "")
	require.NoError(t, err)
	_, err = m.MFA.ConfirmTOTP(t.Context(), user.Subject, enrollment.ID, "000000x", mfa.By{})
	require.ErrorIs(t, err, authn.ErrFactorInvalid)
	require.NoError(t, m.MFA.EnrollEmail(t.Context(), user, authn.Client{}))
	_, err = m.MFA.ConfirmEmail(t.Context(), user.Subject, "000000x", mfa.By{})
	require.ErrorIs(t, err, authn.ErrFactorInvalid)
	_, err = m.MFA.ConfirmEmail(t.Context(), user.Subject, m.box.wait(t, account.NoticeFactorCode, 1).Code, mfa.By{})
	require.NoError(t, err)
	for _, factor := range []string{mfa.NameTOTP, mfa.NameEmailCode, mfa.NameRecoveryCode} {
		require.Equal(t, "code_invalid", problem(t, o.answer(t, o.login(t, nil)["challenge"], factor, "000000x")).Code)
	}
	require.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, "a wrong password of mine"))
	challenge, code := m.code(t, user.Email)
	m.finishCode(t, challenge, miss(code))

	keys := store.keys[user.Subject.ID]
	require.Len(t, keys, 7)
	require.NoError(t, m.account.Delete(t.Context(), authn.Principal{}, user.Subject, authn.Client{}))
	for _, key := range keys {
		left, err := store.Counter(t.Context(), key)
		require.NoError(t, err)
		assert.Zero(t, left, key.Kind)
	}
}

// What an eraser of the application's own fails at does not keep the account alive, and is finished later.
func TestDeleteThatIsCutOff(t *testing.T) {
	t.Parallel()
	mine := &erased{fail: errors.New("away")}
	m := startMails(t, asIs, authmodule.AddEraser(func() account.Eraser { return mine }))
	user := m.User("admin")
	m.User("admin")
	require.ErrorContains(t, m.account.Delete(t.Context(), authn.Principal{}, user.Subject, authn.Client{}), "away")
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, password))
	roles, err := m.AuthorizationService.Assignments(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Empty(t, roles, "one that fails stops no other")
	mine.fail = nil
	require.NoError(t, m.account.Delete(t.Context(), authn.Principal{}, user.Subject, authn.Client{}))
	assert.Len(t, mine.subjects, 2)
	w := m.Do(request("DELETE", "/auth/users/"+user.Subject.ID, "", bearer(m.Token(m.caller(t, m.User("admin"))))...))
	require.Equal(t, http.StatusNoContent, w.Code, "over HTTP as well: %s", w.Body)
	assert.Len(t, mine.subjects, 3)
	require.ErrorIs(t, m.account.Delete(t.Context(), authn.Principal{}, authn.Subject{ID: "nobody"}, authn.Client{}), authn.ErrNotFound)
}

// What an eraser of the application's own panics with is an error, and stops no other.
func TestDeleteWithAnEraserThatPanics(t *testing.T) {
	t.Parallel()
	mine := &erased{}
	m := startMails(t, asIs, authmodule.AddEraser(func() account.Eraser { return panics{} }), authmodule.AddEraser(func() account.Eraser { return mine }))
	user := m.User()
	err := m.account.Delete(t.Context(), authn.Principal{}, user.Subject, authn.Client{})
	require.ErrorContains(t, err, "delete it again")
	assert.NotContains(t, err.Error(), "canary")
	assert.NotContains(t, m.log.String(), "canary")
	assert.Equal(t, []authn.Subject{user.Subject}, mine.subjects)
}

type panics struct{}

func (panics) Erase(context.Context, authn.Subject) error { panic("canary") }

// An owner who hangs up once the account is deleted cannot ask again: the rest is dropped all the same.
func TestDeleteByWhoHangsUp(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	left := audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		if e.Type == audit.UserDeleted {
			leave()
		}
	})
	mine := &erased{}
	m := startMails(t, asIs, newFaulty().option(), authmodule.AddListener(func() audit.Listener { return left }), authmodule.AddEraser(func() account.Eraser { return mine }))
	user := m.User()
	m.Do(request("DELETE", "/auth/me", "", bearer(m.Token(m.caller(t, user)))...).WithContext(ctx))
	require.Error(t, ctx.Err())
	_, err := m.Users.Credentials().Passwords.PasswordHash(t.Context(), user.Subject)
	require.ErrorIs(t, err, authn.ErrNotFound)
	assert.Equal(t, []authn.Subject{user.Subject}, mine.subjects)
	assert.Equal(t, []error{nil}, mine.ended, "of what it may do nothing is cut off")
}

// unending is a store that cannot end sessions at the first try.
type unending struct {
	session.Store
	asked atomic.Int32
}

func (u *unending) EndSessions(ctx context.Context, s authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	if u.asked.Add(1) == 1 {
		return nil, errDown
	}
	return u.Store.EndSessions(ctx, s, which, now, why)
}

// A deletion whose sessions could not be ended at once is finished and told of: its owner has no session to ask again with.
func TestDeleteThatCannotEndSessionsAtOnce(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs, authmodule.UseSessionStore(func() session.Store { return &unending{Store: memstore.New()} }))
	user := m.User()
	w := m.Do(request("DELETE", "/auth/me", "", bearer(m.Token(m.caller(t, user)))...))
	assert.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	assert.Len(t, m.Events(audit.UserDeleted), 1)
	assert.Equal(t, user.Email, m.box.wait(t, account.NoticeAccountDeleted, 1).To)
	_, err := m.Users.Credentials().Passwords.PasswordHash(t.Context(), user.Subject)
	require.ErrorIs(t, err, authn.ErrNotFound)
}

// The last administrator stays.
func TestLastAdministratorStays(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	admin := m.User("admin")
	token := m.Token(m.caller(t, admin))
	assert.Equal(t, "last_admin", problem(t, m.Do(request("DELETE", "/auth/me", "", bearer(token)...))).Code)
	assert.Equal(t, http.StatusOK, m.logIn(t, admin.Email, password))
	other := m.User("admin")
	require.NoError(t, m.Users.Disable(t.Context(), authn.Principal{}, other.Subject))
	assert.Equal(t, "last_admin", problem(t, m.Do(request("DELETE", "/auth/me", "", bearer(token)...))).Code, "who is disabled makes no other administrator")
	require.NoError(t, m.Users.Enable(t.Context(), authn.Principal{}, other.Subject))
	assert.Equal(t, http.StatusNoContent, m.Do(request("DELETE", "/auth/me", "", bearer(token)...)).Code)
}

func TestOwnersMayBeKeptFromDeleting(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { require.NoError(t, c.Account.SelfDelete.UnmarshalText([]byte("false"))) })
	p := m.caller(t, m.User())
	w := m.Do(request("DELETE", "/auth/me", "", bearer(m.Token(p))...))
	assert.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, w.Code)
	require.ErrorIs(t, m.account.DeleteOwn(t.Context(), p, authn.Client{}), account.ErrNotOffered)
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
