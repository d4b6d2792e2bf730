package transport_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

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
	m := startMails(t, withMFA, authmodule.AddEraser(func() account.Eraser { return mine }), authmodule.AddFactor(func() mfa.Factor { return unready{stateful{"card"}} }))
	o := enrolled(t, m.app)
	user, err := m.Users.UserByEmail(t.Context(), "", o.email)
	require.NoError(t, err)
	require.NoError(t, m.AuthorizationService.Assign(t.Context(), authn.Principal{}, user.Subject, "admin"))
	m.User("admin")
	p := m.caller(t, user)
	key, reset := m.APIKey(p), m.forgot(t, user)
	other := m.Grant(p)
	counters := []authn.Factor{mfa.NameTOTP, authn.FactorPassword, mfa.NameTOTP + "_enrollment", mfa.NameEmailCode + "_enrollment", "card"}
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
