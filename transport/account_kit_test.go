package transport_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

const newPassword = "another password for tests"

// mailbox is a notifier that keeps what it is given.
type mailbox struct {
	mu   sync.Mutex
	sent []account.Notice
	// fail is what the notifier does instead, if it is set.
	fail func(n account.Notice) error
}

func (m *mailbox) Notify(_ context.Context, n account.Notice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail(n); err != nil {
			return err
		}
	}
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
	require.Eventually(t, func() bool { return len(m.all(kind)) >= n }, 10*time.Second, time.Millisecond, "no notice %s", kind)
	return m.all(kind)[n-1]
}

// mails is an application with a mailbox and every flow.
type mails struct {
	app
	box     *mailbox
	account *account.Service
}

func startMails(t testing.TB, change func(*authmodule.Config), options ...fx.Option) mails {
	t.Helper()
	m := mails{box: &mailbox{}}
	m.app = startConfigured(t, func(c *authmodule.Config) {
		c.HTTP.PublicURL, c.HTTP.UserEndpoints = "https://app.example.com", true
		c.Account.MagicLink, c.Account.LoginCode = true, true
		c.Account.MailsPerHour = 100
		change(c)
	}, authmodule.UseNotifier(func() account.Notifier { return m.box }), fx.Populate(&m.account),
		authmodule.AddRoles(authz.Role{Name: "admin", Permissions: []string{"*.*"}}), fx.Options(options...))
	return m
}

func asIs(*authmodule.Config) {}

// token is what a link carries.
func token(t testing.TB, n account.Notice) string {
	t.Helper()
	_, token, found := strings.Cut(n.Link.Reveal(), "#")
	require.True(t, found, "a link without a token")
	return token
}

func (m mails) post(t testing.TB, path string, members map[string]any, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return m.Do(request("POST", "/auth"+path, object(t, members), headers...))
}

// logIn returns the status of a login with that password.
func (m mails) logIn(t testing.TB, email, password string) int {
	t.Helper()
	return m.Do(request("POST", "/auth/login", credentials(t, email, password))).Code
}

// forgot asks for a link to a new password and returns its token.
func (m mails) forgot(t testing.TB, user authn.User) string {
	t.Helper()
	before := len(m.box.all(account.NoticeResetPassword))
	require.Equal(t, 202, m.post(t, "/password/forgot", map[string]any{"email": user.Email}).Code)
	return token(t, m.box.wait(t, account.NoticeResetPassword, before+1))
}

func (m mails) reset(t testing.TB, token, password string) *httptest.ResponseRecorder {
	t.Helper()
	return m.post(t, "/password/reset", map[string]any{"token": token, "password": password})
}

// caller is the account as a request of it is seen.
func (m mails) caller(t testing.TB, user authn.User) authn.Principal {
	t.Helper()
	grant := m.Grant(authn.Principal{Subject: user.Subject})
	p, err := m.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
	require.NoError(t, err)
	return p
}

// changeEmail gives the account another address.
func (m mails) changeEmail(t testing.TB, user authn.User, address string) {
	t.Helper()
	n := len(m.box.all(account.NoticeChangeEmail))
	require.NoError(t, m.account.ChangeEmail(t.Context(), m.caller(t, user), address, authn.Client{}))
	w := m.post(t, "/email/confirm", map[string]any{"token": token(t, m.box.wait(t, account.NoticeChangeEmail, n+1))})
	require.Equal(t, 204, w.Code, w.Body.String())
}
