package transport_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

// interrupting runs a function once, before a session is stored.
type interrupting struct {
	*memstore.Store
	before func()
}

func (s *interrupting) CreateSession(ctx context.Context, r session.Record, l session.Limit) ([]session.Record, error) {
	if do := s.before; do != nil {
		s.before = nil
		do()
	}
	return s.Store.CreateSession(ctx, r, l)
}

// Somebody registered the administrator's address beforehand. A login that had
// checked the old password before the set-up, and opens its session after it, keeps none.
func TestLoginDoesNotOutliveATakeover(t *testing.T) {
	t.Parallel()
	const squatter = "the password of a squatter"
	store := &interrupting{Store: memstore.New()}
	app := startConfigured(t, withAdmin, adminRole(), authmodule.UseSessionStore(func() session.Store { return store }))
	answer(t, app.Do(request("POST", "/auth/register", credentials(t, adminEmail, squatter))), http.StatusCreated)
	store.before = func() {
		status, _ := redeem(t, app, app.log.setupToken(t), password)
		require.Equal(t, http.StatusCreated, status)
	}
	w := app.Do(request("POST", "/auth/login", credentials(t, adminEmail, squatter)))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, "invalid_credentials", problem(t, w).Code)
	user, err := app.Users.UserByEmail(t.Context(), "", adminEmail)
	require.NoError(t, err)
	live, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Empty(t, live)
	failed := app.Events(audit.LoginFailed)
	require.Len(t, failed, 1, "the refusal is in the audit log")
	assert.Equal(t, "account_changed", failed[0].Reason)
	assert.Equal(t, user.Subject.ID, failed[0].Subject)
}

// A disabled account that is taken over by the set-up is enabled: its new owner can log in.
func TestSetupEnablesTheAccount(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withAdmin, adminRole())
	user, err := app.Users.Register(t.Context(), authn.RegisterRequest{Email: adminEmail, Password: "the password of a squatter"})
	require.NoError(t, err)
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, user.Subject))
	status, _ := redeem(t, app, app.log.setupToken(t), password)
	require.Equal(t, http.StatusCreated, status)
	answer(t, app.Do(request("POST", "/auth/login", credentials(t, adminEmail, password))), http.StatusOK)
}

// An administrator who was made otherwise makes the link worthless.
func TestSetupLinkIsWorthlessOnceThereIsAnAdministrator(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withAdmin, adminRole())
	app.User("admin")
	_, code := redeem(t, app, app.log.setupToken(t), password)
	assert.Equal(t, "setup_invalid", code)
}

// asked counts the passwords that it is asked about.
type asked struct{ n atomic.Int64 }

func (a *asked) CheckPassword(context.Context, authn.NewPassword) error { a.n.Add(1); return nil }

// Who has no set-up token, or comes when there is an administrator, has no password looked up: lists of breached ones may be a server's.
func TestSetupLooksUpNoPasswordForStrangers(t *testing.T) {
	t.Parallel()
	check := &asked{}
	app := startConfigured(t, withAdmin, adminRole(), authmodule.AddPasswordCheck(func() authn.PasswordCheck { return check }))
	_, code := redeem(t, app, "junk", password)
	require.Equal(t, "setup_invalid", code)
	app.User("admin")
	before := check.n.Load()
	_, code = redeem(t, app, app.log.setupToken(t), password)
	require.Equal(t, "setup_invalid", code)
	assert.Equal(t, before, check.n.Load())
	assert.EqualValues(t, 1, before, "the account of the test alone")
}

// stubborn fails to assign roles for a while.
type stubborn struct {
	*memstore.Store
	failing bool
}

func (s *stubborn) Assign(ctx context.Context, sub authn.Subject, a authz.Assignment) (bool, error) {
	if s.failing {
		return false, errors.New("the disk is full")
	}
	return s.Store.Assign(ctx, sub, a)
}

// V6.5.1: what could not be finished does not use the token up.
func TestSetupTokenSurvivesAStoreThatFails(t *testing.T) {
	t.Parallel()
	store := &stubborn{Store: memstore.New(), failing: true}
	app := startConfigured(t, withAdmin, adminRole(), authmodule.UseAssignmentStore(func() authz.AssignmentStore { return store }))
	token := app.log.setupToken(t)
	status, code := redeem(t, app, token, password)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Equal(t, "unavailable", code)
	assert.Empty(t, app.Events(audit.AdminSetupCompleted))
	store.failing = false
	status, _ = redeem(t, app, token, password)
	assert.Equal(t, http.StatusCreated, status)
}
