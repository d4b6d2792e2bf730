package transport_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// V6.3.7, V6.3.5, item 40: in an assembled application owners are told of changes to their account, and of logins on new devices, with what an owner needs to judge them.
func TestV637OwnersAreToldOfChanges(t *testing.T) {
	t.Parallel()
	m := startMails(t, withMFA)
	o := enrolled(t, m.app)
	user, err := m.Users.UserByEmail(t.Context(), "", o.email)
	require.NoError(t, err)
	added := m.box.wait(t, account.NoticeFactorAdded, 1)
	assert.Equal(t, mfa.NameTOTP, added.Facts["factor"])
	assert.Equal(t, o.email, added.To)
	assert.Equal(t, user.Subject, added.Subject)
	assert.False(t, added.Time.IsZero())

	codes, err := m.MFA.NewRecoveryCodes(t.Context(), user.Subject, mfa.By{Client: authn.Client{UserAgent: "Safari"}})
	require.NoError(t, err)
	anew := m.box.wait(t, account.NoticeFactorAdded, 2)
	assert.Equal(t, mfa.NameRecoveryCode, anew.Facts["factor"], "those that came with the app are no news")
	assert.Equal(t, "Safari", anew.UserAgent)

	in := o.login(t, map[string]any{"device_name": "another"})
	answerOf(t, o.answer(t, in["challenge"], mfa.NameRecoveryCode, codes[0].Reveal(), "device_name", "another"))
	assert.Equal(t, "9", m.box.wait(t, account.NoticeRecoveryCodeUsed, 1).Facts["left"])
	assert.Equal(t, o.email, m.box.wait(t, account.NoticeNewDevice, 1).To)

	require.NoError(t, m.account.ChangePassword(t.Context(), account.PasswordChange{
		Caller: m.caller(t, user), Current: password, New: newPassword, Client: authn.Client{UserAgent: "Firefox"},
	}))
	assert.Equal(t, "Firefox", m.box.wait(t, account.NoticePasswordChanged, 1).UserAgent)
	require.NoError(t, m.MFA.Reset(t.Context(), user.Subject, mfa.By{}))
	assert.Equal(t, "reset", m.box.wait(t, account.NoticeFactorRemoved, 1).Facts["factor"])
}

// Notices can be switched off; links are sent all the same.
func TestNoticesCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Account.SecurityNotices = setting.Off })
	user := m.User()
	require.NoError(t, m.account.ChangePassword(t.Context(), account.PasswordChange{Caller: m.caller(t, user), Current: password, New: newPassword}))
	require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, user), password).Code)
	assert.Empty(t, m.box.all(account.NoticePasswordChanged))
}

// Of each kind of news an owner is sent so many in an hour: who changes an account back and forth floods neither a mailbox nor the queue.
func TestNewsAreCounted(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Account.MailsPerHour = 2 })
	user := m.User()
	change := func(current, next setting.Secret) {
		require.NoError(t, m.account.ChangePassword(t.Context(), account.PasswordChange{Caller: m.caller(t, user), Current: current, New: next}))
	}
	const tooMany = "was not told once more"
	change(password, newPassword)
	change(newPassword, password)
	assert.NotContains(t, m.log.String(), tooMany)
	change(password, newPassword)
	change(newPassword, password)
	assert.Equal(t, 2, strings.Count(m.log.String(), tooMany))
	m.box.wait(t, account.NoticePasswordChanged, 2)
	require.NoError(t, m.account.ChangeEmail(t.Context(), m.caller(t, user), "next@example.com", authn.Client{}))
	m.box.wait(t, account.NoticeEmailChanging, 1) // another kind
	m.Advance(time.Hour)
	change(password, newPassword)
	m.box.wait(t, account.NoticePasswordChanged, 3)
	assert.Len(t, m.box.all(account.NoticePasswordChanged), 3)
}

// innumerate is a store that cannot count news.
type innumerate struct{ authn.CounterStore }

func (i innumerate) PutCounter(ctx context.Context, k authn.CounterKey, c authn.Counter, version int64) error {
	if k.Kind == "mail_news" {
		return errDown
	}
	return i.CounterStore.PutCounter(ctx, k, c, version)
}

// News that cannot be counted are sent, and what they are about stands.
func TestNewsThatCannotBeCountedAreSent(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs, authmodule.UseCounterStore(func() authn.CounterStore { return innumerate{memstore.New()} }))
	user := m.User()
	require.NoError(t, m.account.ChangePassword(t.Context(), account.PasswordChange{Caller: m.caller(t, user), Current: password, New: newPassword}))
	m.box.wait(t, account.NoticePasswordChanged, 1)
	assert.Contains(t, m.log.String(), "could not be counted")
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, newPassword))
}

// The same holds for what owners are told of by events.
func TestNewsOfEventsAreCounted(t *testing.T) {
	t.Parallel()
	var bus *audit.Bus
	m := startMails(t, func(c *authmodule.Config) { c.Account.MailsPerHour = 2 }, fx.Populate(&bus))
	user, other := m.User(), m.User()
	for range 5 {
		bus.Emit(t.Context(), audit.Event{Type: audit.MFAEnrolled, Subject: user.Subject.ID, Reason: "totp"})
	}
	bus.Emit(t.Context(), audit.Event{Type: audit.MFAEnrolled, Subject: other.Subject.ID, Reason: "totp"})
	assert.Equal(t, 3, strings.Count(m.log.String(), "was not told once more"))
	m.box.wait(t, account.NoticeFactorAdded, 3)
}

// Who has new recovery codes made again and again does not have an app added unheard.
func TestNewsOfFactorsAreCountedByFactor(t *testing.T) {
	t.Parallel()
	var bus *audit.Bus
	m := startMails(t, func(c *authmodule.Config) { c.Account.MailsPerHour = 2 }, fx.Populate(&bus))
	user := m.User()
	for range 3 {
		bus.Emit(t.Context(), audit.Event{Type: audit.RecoveryCodesReplaced, Subject: user.Subject.ID, Reason: "another"})
	}
	bus.Emit(t.Context(), audit.Event{Type: audit.MFAEnrolled, Subject: user.Subject.ID, Reason: "totp"})
	assert.Equal(t, 1, strings.Count(m.log.String(), "was not told once more"))
	m.box.wait(t, account.NoticeFactorAdded, 3)
}

// Who registers a stranger's address again and again, where the account may be used at once, sends the stranger no more than others may ask for.
func TestOfferedVerificationIsCounted(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Account.VerifyEmail, c.Account.MailsPerHour = account.VerifyOffered, 2 })
	for range 4 {
		status, _ := m.register(t, "ada@example.com", password)
		require.Equal(t, http.StatusCreated, status)
		user, err := m.Users.UserByEmail(t.Context(), "", "ada@example.com")
		require.NoError(t, err)
		require.NoError(t, m.account.Delete(t.Context(), authn.Principal{}, user.Subject, authn.Client{}))
	}
	assert.Equal(t, 2, strings.Count(m.log.String(), "the link that verifies an address was not sent"))
	assert.Equal(t, 2, strings.Count(m.log.String(), "was not told once more"))
}

// ownDevices is a notifier of the application's own.
type ownDevices struct{ told chan session.NewDevice }

func (o ownDevices) NotifyNewDevice(_ context.Context, n session.NewDevice) error {
	o.told <- n
	return nil
}

// An application that has a notifier of its own for new devices keeps it, and nobody is told twice.
func TestOwnDeviceNotifierStays(t *testing.T) {
	t.Parallel()
	own := ownDevices{make(chan session.NewDevice, 10)}
	m := startMails(t, asIs, authmodule.UseDeviceNotifier(func() session.DeviceNotifier { return own }))
	user := m.User()
	for _, name := range []string{"first", "second"} {
		require.Equal(t, http.StatusOK, m.post(t, "/login", map[string]any{"email": user.Email, "password": password, "device_name": name}).Code)
	}
	assert.Equal(t, user.Subject, (<-own.told).Subject)
	m.forgot(t, user) // a notice that comes later has been sent
	assert.Empty(t, m.box.all(account.NoticeNewDevice))
}

// Codes by e-mail are a second factor through the notifier, where the application has no sender of its own.
func TestFactorCodesGoThroughTheNotifier(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) {
		withMFA(c)
		c.MFA.EmailCode = true
	})
	user := m.User()
	require.NoError(t, m.MFA.EnrollEmail(t.Context(), user, authn.Client{}))
	n := m.box.wait(t, account.NoticeFactorCode, 1)
	assert.Equal(t, user.Email, n.To)
	assert.Equal(t, m.Now().Add(mfa.CodeLifetime), n.Expires)
	_, err := m.MFA.ConfirmEmail(t.Context(), user.Subject, n.Code, mfa.By{})
	require.NoError(t, err)
}

// A notifier that fails changes nothing of what has happened, is told to nobody who asks, and gets no secret logged.
func TestFailingNotifier(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	m.box.fail = func(n account.Notice) error {
		if n.Kind == account.NoticeFactorAdded {
			panic(n.To)
		}
		return errors.Join(account.ErrUndeliverable, errors.New("no mailbox for "+n.Link.Reveal()))
	}
	user := m.User()
	assert.Equal(t, http.StatusAccepted, m.post(t, "/password/forgot", map[string]any{"email": user.Email}).Code)
	require.NoError(t, m.account.ChangePassword(t.Context(), account.PasswordChange{Caller: m.caller(t, user), Current: password, New: newPassword}))
	require.Eventually(t, func() bool { return strings.Count(m.log.String(), "a notice could not be sent") == 2 }, 10*time.Second, time.Millisecond)
	assert.NotContains(t, m.log.String(), "no mailbox for")
	assert.NotContains(t, m.log.String(), "#pr_")
}
