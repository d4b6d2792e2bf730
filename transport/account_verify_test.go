package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/memstore"
)

func (m mails) register(t testing.TB, email, password string) (status int, answer string) {
	t.Helper()
	w := m.post(t, "/register", map[string]any{"email": email, "password": password})
	return w.Code, dump(t, w)
}

// kinds are addresses of accounts of every kind, and one without.
func (m mails) kinds(t testing.TB) map[string]string {
	t.Helper()
	disabled, deleted, silent := m.User(), m.User(), m.User()
	require.NoError(t, m.Users.Disable(t.Context(), authn.Principal{}, disabled.Subject))
	require.NoError(t, m.account.Delete(t.Context(), authn.Principal{}, deleted.Subject, authn.Client{}))
	require.NoError(t, m.Users.Credentials().Passwords.DeletePasswordHash(t.Context(), silent.Subject))
	status, _ := m.register(t, "unverified@example.com", password)
	require.Equal(t, http.StatusAccepted, status)
	m.box.wait(t, account.NoticeVerifyEmail, 1)
	return map[string]string{
		"known": m.User().Email, "unknown": "unknown@example.com", "disabled": disabled.Email, "deleted": deleted.Email, "unverified": "unverified@example.com", "without a password": silent.Email,
	}
}

// V6.3.8: what a caller without a session is told is the same to the byte, headers included, whatever account an address has.
func TestV638NobodyLearnsWhichAddressesHaveAccounts(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	kinds := m.kinds(t)
	for path, more := range map[string]string{"/password/forgot": "", "/email/verify/resend": "", "/login/link": "", "/register": password} {
		answers := map[string]string{}
		for kind, address := range kinds {
			members := map[string]any{"email": address}
			if more != "" {
				members["password"] = more
			}
			w := m.post(t, path, members)
			require.Equal(t, http.StatusAccepted, w.Code, w.Body.String())
			answers[kind] = dump(t, w)
		}
		for kind, text := range answers {
			assert.Equal(t, answers["unknown"], text, "%s %s", path, kind)
		}
	}
	// A challenge is random; but for it the answers are the same.
	var seen []string
	for _, address := range kinds {
		w := m.post(t, "/login/code", map[string]any{"email": address})
		challenge := answer(t, w, http.StatusOK)["challenge"].(string)
		seen = append(seen, strings.Replace(dump(t, w), challenge, strings.Repeat("x", len(challenge)), 1))
		for range 4 {
			wrong := m.post(t, "/login/code/finish", map[string]any{"challenge": challenge, "code": "00000000"})
			seen[len(seen)-1] += dump(t, wrong)
		}
	}
	for _, text := range seen {
		assert.Equal(t, seen[0], text)
	}
}

// V6.3.8: those who ask too often are told so, whether or not the address has an account, and the owner gets no more mail than that.
func TestV638MailsAreCountedAlike(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Account.MailsPerHour = 3 })
	user := m.User()
	var answers []string
	for _, address := range []string{user.Email, "unknown@example.com"} {
		text := ""
		for range 3 {
			w := m.post(t, "/password/forgot", map[string]any{"email": address})
			require.Equal(t, http.StatusAccepted, w.Code)
		}
		for range 3 {
			w := m.post(t, "/login/link", map[string]any{"email": address})
			require.Equal(t, http.StatusAccepted, w.Code, "counted apart from links to a new password")
		}
		for _, path := range []string{"/password/forgot", "/login/link", "/email/verify/resend", "/login/code"} {
			w := m.post(t, path, map[string]any{"email": address})
			assert.Equal(t, "throttled", problem(t, w).Code)
			text += dump(t, w)
		}
		answers = append(answers, text)
	}
	assert.Equal(t, answers[0], answers[1])
	m.box.wait(t, account.NoticeResetPassword, 3)
	m.Advance(time.Hour)
	assert.Equal(t, http.StatusAccepted, m.post(t, "/password/forgot", map[string]any{"email": user.Email}).Code)
	m.box.wait(t, account.NoticeResetPassword, 4)
}

// THR-04: nobody uses up an owner's way back by asking for what sends the owner nothing, and who uses up the links themselves has them sent to the owner.
func TestTHR04NobodyUsesUpTheWayBack(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Account.MailsPerHour = 5 })
	user := m.User()
	for range 5 {
		require.Equal(t, http.StatusAccepted, m.post(t, "/email/verify/resend", map[string]any{"email": user.Email}).Code)
	}
	require.Equal(t, http.StatusTooManyRequests, m.post(t, "/login/code", map[string]any{"email": user.Email}).Code)
	var reset string
	for range 5 {
		reset = m.forgot(t, user)
	}
	require.Equal(t, http.StatusTooManyRequests, m.post(t, "/password/forgot", map[string]any{"email": user.Email}).Code)
	assert.Equal(t, http.StatusNoContent, m.reset(t, reset, newPassword).Code)
}

// A client that asks for mail to many addresses is stopped, for existing ones and others alike.
func TestClientsThatAskForManyAddressesAreStopped(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Throttle.AddressRateLimit = "10/minute" })
	for i := range 10 {
		require.Equal(t, http.StatusAccepted, m.post(t, "/password/forgot", map[string]any{"email": fmt.Sprintf("n%d@example.com", i)}).Code)
	}
	assert.Equal(t, http.StatusTooManyRequests, m.post(t, "/password/forgot", map[string]any{"email": "n10@example.com"}).Code)
	status, _ := m.register(t, "n11@example.com", "short")
	assert.Equal(t, http.StatusTooManyRequests, status, "before the password is looked at, and hashed")
	m.Advance(time.Minute)
	assert.Equal(t, http.StatusAccepted, m.post(t, "/password/forgot", map[string]any{"email": "n10@example.com"}).Code)
}

// Where addresses must be verified, nobody logs in before, and the event alone says why.
func TestVerificationIsRequired(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	const address = "ada@example.com"
	status, first := m.register(t, address, password)
	require.Equal(t, http.StatusAccepted, status)
	n := m.box.wait(t, account.NoticeVerifyEmail, 1)
	assert.Equal(t, address, n.To)
	w := m.Do(request("POST", "/auth/login", credentials(t, address, password)))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, "invalid_credentials", problem(t, w).Code)
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, address, "a wrong password of mine"))
	reasons := m.Events(audit.LoginFailed)
	assert.Equal(t, "email_unverified", reasons[0].Reason)

	require.Equal(t, http.StatusAccepted, m.post(t, "/email/verify/resend", map[string]any{"email": address}).Code)
	second := m.box.wait(t, account.NoticeVerifyEmail, 2)
	assert.Equal(t, "token_invalid", problem(t, m.post(t, "/email/verify", map[string]any{"token": token(t, n)})).Code, "replaced")
	w = m.post(t, "/email/verify", map[string]any{"token": token(t, second)})
	require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	assert.Empty(t, w.Header().Values("Set-Cookie"))
	assert.Equal(t, "token_invalid", problem(t, m.post(t, "/email/verify", map[string]any{"token": token(t, second)})).Code)
	assert.Equal(t, http.StatusOK, m.logIn(t, address, password))
	require.Len(t, m.Events(audit.UserVerified), 1)

	// Registering again changes nothing, and the owner is told.
	status, again := m.register(t, address, "somebody else's password")
	require.Equal(t, http.StatusAccepted, status)
	assert.Equal(t, first, again)
	exists := m.box.wait(t, account.NoticeAccountExists, 1)
	assert.Equal(t, address, exists.To)
	assert.Equal(t, http.StatusOK, m.logIn(t, address, password))
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, address, "somebody else's password"))
	require.Equal(t, http.StatusNoContent, m.reset(t, token(t, exists), newPassword).Code)
	require.Equal(t, http.StatusAccepted, m.post(t, "/email/verify/resend", map[string]any{"email": address}).Code, "nothing to verify")
	assert.Len(t, m.Events(audit.UserRegistered), 1)
}

// V6.3.8: who registers an address and then logs in with the password is answered, and counted, the same whether or not there was an account.
func TestV638RegisteringAndLoggingInTellsNothing(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	var answers []string
	for n, address := range []string{m.User().Email, "unknown@example.com"} {
		m.register(t, address, squatter)
		require.Eventually(t, func() bool {
			return len(m.box.all(account.NoticeVerifyEmail))+len(m.box.all(account.NoticeAccountExists)) > n
		}, 10*time.Second, time.Millisecond)
		text := ""
		for range 7 { // until it is throttled
			text += dump(t, m.Do(request("POST", "/auth/login", credentials(t, address, squatter))))
		}
		answers = append(answers, text)
	}
	assert.Equal(t, answers[0], answers[1])
	assert.Contains(t, answers[1], "throttled")
}

// Who registers with somebody else's address first, or once more after them, has no password of the account that its owner verifies.
func TestV638SquattersHaveNoPassword(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]string{"before the owner": {squatter, password}, "after the owner": {password, squatter}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := startMails(t, asIs)
			m.register(t, "ada@example.com", order[0])
			first := m.box.wait(t, account.NoticeVerifyEmail, 1)
			m.register(t, "ada@example.com", order[1])
			exists := m.box.wait(t, account.NoticeAccountExists, 1)
			assert.Equal(t, "token_invalid", problem(t, m.post(t, "/email/verify", map[string]any{"token": token(t, first)})).Code)
			require.Equal(t, http.StatusAccepted, m.post(t, "/email/verify/resend", map[string]any{"email": "ada@example.com"}).Code)
			resent := m.box.wait(t, account.NoticeVerifyEmail, 2)
			require.Equal(t, http.StatusNoContent, m.post(t, "/email/verify", map[string]any{"token": token(t, resent)}).Code)
			assert.Equal(t, http.StatusUnauthorized, m.logIn(t, "ada@example.com", squatter))
			require.Equal(t, http.StatusNoContent, m.reset(t, token(t, exists), newPassword).Code)
			assert.Equal(t, http.StatusOK, m.logIn(t, "ada@example.com", newPassword))
			assert.Equal(t, http.StatusUnauthorized, m.logIn(t, "ada@example.com", squatter))
		})
	}
}

// forgetful is a store that cannot keep the first link.
type forgetful struct {
	authn.OneTimeStore
	asked atomic.Int32
}

func (f *forgetful) PutOneTime(ctx context.Context, o authn.OneTime) error {
	if f.asked.Add(1) == 1 {
		return errDown
	}
	return f.OneTimeStore.PutOneTime(ctx, o)
}

// A registration whose link could not be stored at once is the same registration at the next try: its password stays.
func TestRegistrationThatIsTriedAgain(t *testing.T) {
	t.Parallel()
	store := &forgetful{OneTimeStore: memstore.New()}
	m := startMails(t, asIs, authmodule.UseOneTimeStore(func() authn.OneTimeStore { return store }))
	m.register(t, "ada@example.com", password)
	require.Eventually(t, func() bool {
		return len(m.box.all(account.NoticeVerifyEmail))+len(m.box.all(account.NoticeAccountExists)) > 0
	}, 30*time.Second, time.Millisecond)
	require.Empty(t, m.box.all(account.NoticeAccountExists))
	verify := token(t, m.box.wait(t, account.NoticeVerifyEmail, 1))
	require.Equal(t, http.StatusNoContent, m.post(t, "/email/verify", map[string]any{"token": verify}).Code)
	assert.Equal(t, http.StatusOK, m.logIn(t, "ada@example.com", password))
	assert.Len(t, m.Events(audit.UserRegistered), 1)
}

// Whoever sets a password by a link that was sent to the address has verified it.
func TestResetVerifies(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	status, _ := m.register(t, "ada@example.com", password)
	require.Equal(t, http.StatusAccepted, status)
	verify := m.box.wait(t, account.NoticeVerifyEmail, 1)
	require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, authn.User{Email: "ada@example.com"}), newPassword).Code)
	assert.Equal(t, http.StatusOK, m.logIn(t, "ada@example.com", newPassword))
	assert.Equal(t, "token_invalid", problem(t, m.post(t, "/email/verify", map[string]any{"token": token(t, verify)})).Code, "links of before are void")
}

func TestRegistrationThatIsRefused(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	status, text := m.register(t, "ada@example.com", "short")
	assert.Equal(t, http.StatusBadRequest, status, text)
	closed := startMails(t, func(c *authmodule.Config) { c.Registration = authn.RegistrationClosed })
	status, _ = closed.register(t, "ada@example.com", password)
	assert.Equal(t, http.StatusForbidden, status)
}

// Where verification is offered, the account may be used at once; without a notifier, registration is as ever.
func TestVerificationIsOffered(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Account.VerifyEmail = account.VerifyOffered })
	status, _ := m.register(t, "ada@example.com", password)
	require.Equal(t, http.StatusCreated, status)
	assert.Equal(t, http.StatusOK, m.logIn(t, "ada@example.com", password))
	w := m.post(t, "/email/verify", map[string]any{"token": token(t, m.box.wait(t, account.NoticeVerifyEmail, 1))})
	require.Equal(t, http.StatusNoContent, w.Code)
	user, err := m.Users.UserByEmail(t.Context(), "", "ada@example.com")
	require.NoError(t, err)
	assert.False(t, user.VerifiedAt.IsZero())
	status, _ = m.register(t, "ada@example.com", password)
	assert.Equal(t, http.StatusConflict, status)

	a := start(t)
	assert.Equal(t, http.StatusCreated, a.Do(request("POST", "/auth/register", credentials(t, "ada@example.com", password))).Code)
	assert.Equal(t, http.StatusConflict, a.Do(request("POST", "/auth/register", credentials(t, "ada@example.com", password))).Code)
	for _, path := range []string{"/auth/password/forgot", "/auth/email/verify", "/auth/login/link", "/auth/login/code", "/auth/email"} {
		assert.Equal(t, http.StatusNotFound, a.Do(request("POST", path, `{"email":"ada@example.com"}`)).Code, path)
	}
}

// Item 37: addresses that differ in the case of their letters are one, of registrations at once one makes an account, and a login is kept.
func TestItem37OneAddressIsOneAccount(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	var at sync.WaitGroup
	for i := range 20 {
		at.Go(func() {
			address := "ada@example.com"
			if i%2 == 0 {
				address = "Ada@Example.COM"
			}
			status, _ := m.register(t, address, fmt.Sprintf("a password of caller %d", i))
			assert.Equal(t, http.StatusAccepted, status)
		})
	}
	at.Wait()
	m.box.wait(t, account.NoticeAccountExists, 19)
	assert.Len(t, m.Events(audit.UserRegistered), 1)
	users, err := m.Users.Users(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Len(t, users, 1)
	assert.True(t, users[0].LastLoginAt.IsZero())
	for _, n := range m.box.all(account.NoticeVerifyEmail) {
		assert.Equal(t, "token_invalid", problem(t, m.post(t, "/email/verify", map[string]any{"token": token(t, n)})).Code, "nobody knows whose password that is")
	}
	set := 0
	for _, n := range m.box.all(account.NoticeAccountExists) { // each but the last to be made was replaced
		if m.reset(t, token(t, n), newPassword).Code == http.StatusNoContent {
			set++
		}
	}
	assert.Equal(t, 1, set)
	for i := range 20 {
		assert.Equal(t, http.StatusUnauthorized, m.logIn(t, "ADA@example.com", fmt.Sprintf("a password of caller %d", i)))
		m.Advance(time.Hour)
	}
	assert.Equal(t, http.StatusOK, m.logIn(t, "ADA@example.com", newPassword))
	users, err = m.Users.Users(t.Context(), "", "", 10)
	require.NoError(t, err)
	assert.False(t, users[0].LastLoginAt.IsZero())
}

// V8.4.1: flows stay in their tenant, though the address is the same.
func TestFlowsStayInTheirTenant(t *testing.T) {
	t.Parallel()
	m := startMails(t, unthrottledCodes)
	accounts := map[authn.Tenant]authn.User{}
	for _, tenant := range []authn.Tenant{"", "acme", "globex"} {
		user, err := m.Users.CreateUser(t.Context(), authn.RegisterRequest{Tenant: tenant, Email: "ada@example.com", Password: password})
		require.NoError(t, err)
		accounts[tenant] = user
	}
	require.NoError(t, m.account.Forgot(t.Context(), account.Request{Tenant: "acme", Email: "ada@example.com"}))
	n := m.box.wait(t, account.NoticeResetPassword, 1)
	assert.Equal(t, accounts["acme"].Subject, n.Subject)
	reset := token(t, n)
	assert.True(t, strings.HasPrefix(reset, "pr_acme."), reset)
	for _, moved := range []string{strings.Replace(reset, "acme.", "", 1), strings.Replace(reset, "acme.", "globex.", 1)} {
		assert.Equal(t, "token_invalid", problem(t, m.reset(t, moved, newPassword)).Code)
	}
	challenge, err := m.account.BeginCode(t.Context(), account.Request{Tenant: "acme", Email: "ada@example.com"})
	require.NoError(t, err)
	code := m.box.wait(t, account.NoticeLoginCode, 1).Code.Reveal()
	for _, tenant := range []string{"", "globex."} {
		status, _ := m.finishCode(t, strings.Replace(challenge.Secret.Reveal(), "acme.", tenant, 1), code)
		assert.Equal(t, http.StatusUnauthorized, status, "V6.6.2: another tenant")
	}
	require.Equal(t, http.StatusNoContent, m.reset(t, reset, newPassword).Code)
	for tenant, user := range accounts {
		_, err := m.Users.Login(t.Context(), authn.LoginRequest{Tenant: tenant, Email: user.Email, Password: newPassword})
		assert.Equal(t, tenant == "acme", err == nil, "%q %v", tenant, err)
	}
	require.ErrorContains(t, m.account.Forgot(t.Context(), account.Request{Tenant: "No Tenant", Email: "ada@example.com"}), "tenant")
}

// V6.4.1: what an account is given to begin with is random, works once and for an hour, and is no password.
func TestV641InitialSecretsAreShortLived(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	seen := map[string]bool{}
	for n := range 20 {
		require.NoError(t, m.account.RequireReset(t.Context(), authn.Principal{Subject: m.User().Subject}, user.Subject, authn.Client{}))
		notice := m.box.wait(t, account.NoticeResetPassword, n+1)
		assert.LessOrEqual(t, notice.Expires.Sub(m.Now()), time.Hour)
		assert.Empty(t, notice.Code)
		seen[token(t, notice)] = true
	}
	assert.Len(t, seen, 20)
	last := token(t, m.box.wait(t, account.NoticeResetPassword, 20))
	require.Equal(t, http.StatusNoContent, m.reset(t, last, newPassword).Code)
	assert.Equal(t, "token_invalid", problem(t, m.reset(t, last, newPassword)).Code)
}

// V6.2.10: no password ends by its age.
func TestV6210PasswordsDoNotAge(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	m.Advance(10 * 365 * 24 * time.Hour)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password))
}

// When too much waits to be sent, everybody is told so alike.
func TestV638OverloadIsTheSameForAll(t *testing.T) {
	t.Parallel()
	var out *account.Outbox
	m := startMails(t, asIs, fx.Populate(&out))
	release := make(chan struct{})
	defer close(release)
	m.box.fail = func(account.Notice) error {
		<-release
		return nil
	}
	user := m.User()
	looks, addresses := 0, 0
	require.Eventually(t, func() bool { // until the workers have taken what they can
		for out.Send(account.Notice{Kind: account.NoticeNewDevice, To: fmt.Sprintf("n%d@example.com", addresses)}) == nil {
			addresses++
		}
		looks++
		return looks > 20
	}, 10*time.Second, 5*time.Millisecond)
	var answers []string
	for _, address := range []string{user.Email, "unknown@example.com"} {
		text := ""
		for _, path := range []string{"/password/forgot", "/email/verify/resend", "/login/link", "/login/code"} {
			w := m.post(t, path, map[string]any{"email": address})
			assert.Equal(t, "overloaded", problem(t, w).Code)
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			text += dump(t, w)
		}
		w := m.post(t, "/register", map[string]any{"email": address, "password": password})
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
		answers = append(answers, text+dump(t, w))
	}
	assert.Equal(t, answers[0], answers[1])
}

// The first administrator counts as verified.
func TestFirstAdministratorIsVerified(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.AdminEmail = "root@example.com" })
	setup, err := m.AdminSetup().Issue(t.Context())
	require.NoError(t, err)
	_, err = m.AdminSetup().Redeem(t.Context(), setup, password, authn.Client{})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, m.logIn(t, "root@example.com", password))
}
