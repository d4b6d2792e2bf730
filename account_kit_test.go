package authmodule_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/setting"
)

// mailbox is a notifier that keeps what it is given.
type mailbox struct {
	mu   sync.Mutex
	sent []account.Notice
}

func (m *mailbox) Notify(_ context.Context, n account.Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, n)
	return nil
}

func (m *mailbox) all(kind account.NoticeKind) (list []account.Notice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.sent {
		if n.Kind == kind {
			list = append(list, n)
		}
	}
	return list
}

// wait returns the n-th notice of the kind, counted from 1.
func (m *mailbox) wait(t testing.TB, kind account.NoticeKind, n int) account.Notice {
	t.Helper()
	require.Eventually(t, func() bool { return len(m.all(kind)) >= n }, 20*time.Second, time.Millisecond, "no notice %s", kind)
	return m.all(kind)[n-1]
}

// token returns what the link of the n-th notice carries.
func (m *mailbox) token(t testing.TB, kind account.NoticeKind, n int) setting.Secret {
	t.Helper()
	_, token, found := strings.Cut(m.wait(t, kind, n).Link.Reveal(), "#")
	require.True(t, found, "a link without a token")
	return setting.Secret(token)
}

// forgot asks for a link to a new password, and returns its token.
func (m *mailbox) forgot(t testing.TB, app *fxtest.App, user authn.User) setting.Secret {
	t.Helper()
	n := len(m.all(account.NoticeResetPassword))
	require.NoError(t, app.Accounts.Forgot(t.Context(), account.Request{Email: user.Email}))
	return m.token(t, account.NoticeResetPassword, n+1)
}

// accountActs are the acts of the flows of accounts, by the event that each is told by.
func accountActs(box *mailbox) map[audit.Type]func(*testing.T, *fxtest.App) {
	client := authn.Client{}
	changing := func(t *testing.T, app *fxtest.App) setting.Secret {
		require.NoError(t, app.Accounts.ChangeEmail(t.Context(), app.Principal(), "new@example.com", client))
		return box.token(t, account.NoticeChangeEmail, 1)
	}
	return map[audit.Type]func(*testing.T, *fxtest.App){
		audit.UserVerified: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Accounts.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password}))
			require.NoError(t, app.Accounts.VerifyEmail(t.Context(), box.token(t, account.NoticeVerifyEmail, 1), client))
		},
		audit.UserDeleted: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Accounts.Delete(t.Context(), authn.Principal{}, app.User().Subject, client))
		},
		audit.PasswordChanged: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Accounts.ChangePassword(t.Context(), account.PasswordChange{Caller: app.Principal(), Current: fxtest.Password, New: password}))
		},
		audit.PasswordResetRequested: func(t *testing.T, app *fxtest.App) { box.forgot(t, app, app.User()) },
		audit.PasswordResetCompleted: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Accounts.Reset(t.Context(), box.forgot(t, app, app.User()), password, client))
		},
		audit.EmailChangeRequested: func(t *testing.T, app *fxtest.App) { changing(t, app) },
		audit.EmailChanged: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Accounts.ConfirmEmailChange(t.Context(), changing(t, app), client))
		},
		audit.LoginLinkMailed: func(t *testing.T, app *fxtest.App) {
			require.NoError(t, app.Accounts.BeginLink(t.Context(), account.Request{Email: app.User().Email}))
			box.wait(t, account.NoticeMagicLink, 1)
		},
	}
}
