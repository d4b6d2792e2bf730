package transport_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// code asks for a login code, and returns its challenge and the code that was sent.
func (m mails) code(t testing.TB, email string) (challenge, code string) {
	t.Helper()
	n := len(m.box.all(account.NoticeLoginCode))
	challenge = m.challenge(t, email)
	return challenge, m.box.wait(t, account.NoticeLoginCode, n+1).Code.Reveal()
}

func (m mails) challenge(t testing.TB, email string) string {
	t.Helper()
	return answer(t, m.post(t, "/login/code", map[string]any{"email": email}), http.StatusOK)["challenge"].(string)
}

func (m mails) finishCode(t testing.TB, challenge, code string) (status int, body map[string]any) {
	t.Helper()
	w := m.post(t, "/login/code/finish", map[string]any{"challenge": challenge, "code": code})
	return w.Code, members(t, w)
}

func miss(code string) string {
	if code[0] == '0' {
		return "1" + code[1:]
	}
	return "0" + code[1:]
}

// A link logs in once, with a token or a cookie, and proves no more than that somebody reads the mail.
func TestLoginByLink(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"token", "cookie"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			m := startMails(t, asIs)
			user := m.User()
			require.Equal(t, http.StatusAccepted, m.post(t, "/login/link", map[string]any{"email": user.Email}).Code)
			link := token(t, m.box.wait(t, account.NoticeMagicLink, 1))
			w := m.post(t, "/login/link/finish", map[string]any{"token": link, "mode": mode, "device_name": "desk"})
			in := answer(t, w, http.StatusOK)
			header := sentOrBearer(t, mode, in, w.Result().Cookies())
			assert.Equal(t, user.Subject.ID, answer(t, m.Do(request("GET", "/auth/me", "", header...)), http.StatusOK)["id"])
			sessions, err := m.SessionManager.List(t.Context(), user.Subject)
			require.NoError(t, err)
			require.Len(t, sessions, 1)
			assert.Equal(t, []string{authn.MethodEmail}, sessions[0].Methods)
			assert.Equal(t, authn.ACR0, authn.ACROf(sessions[0].Methods))
			assert.Equal(t, "token_invalid", problem(t, m.post(t, "/login/link/finish", map[string]any{"token": link, "mode": mode})).Code)
			assert.Equal(t, "magic_link", m.Events(audit.LoginLinkMailed)[0].Reason)
			assert.NotContains(t, m.log.String(), link)
		})
	}
}

func sentOrBearer(t testing.TB, mode string, in map[string]any, cookies []*http.Cookie) []string {
	t.Helper()
	if mode == "token" {
		return bearer(in["access_token"].(string))
	}
	for _, c := range cookies {
		if c.Name == "__Host-session" {
			return sent(c)
		}
	}
	require.Fail(t, "no cookie")
	return nil
}

// V6.6.2, V6.6.3, V6.5.5: a code is good for the client that asked, once, for ten minutes, and for five tries.
func TestV662LoginCodeIsBound(t *testing.T) {
	t.Parallel()
	m := startMails(t, unthrottledCodes)
	user, rival := m.User(), m.User()
	challenge, code := m.code(t, user.Email)
	assert.Regexp(t, `^[0-9]{8}$`, code)
	status, in := m.finishCode(t, challenge, code)
	require.Equal(t, http.StatusOK, status, in)
	assert.NotEmpty(t, in["access_token"])
	status, in = m.finishCode(t, challenge, code)
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Equal(t, "code_invalid", in["code"])

	mine, code := m.code(t, user.Email)
	theirs := m.challenge(t, user.Email)
	other, _ := m.code(t, rival.Email)
	for _, elsewhere := range []string{theirs, other, "lc" + mine[2:len(mine)-4] + "aaaa", "", "x"} {
		status, _ = m.finishCode(t, elsewhere, code)
		assert.Equal(t, http.StatusUnauthorized, status, "another challenge")
	}
	for range 4 {
		status, _ = m.finishCode(t, mine, miss(code))
		assert.Equal(t, http.StatusUnauthorized, status)
	}
	status, _ = m.finishCode(t, mine, code)
	assert.Equal(t, http.StatusOK, status, "the last try")

	mine, code = m.code(t, user.Email)
	for range 5 {
		m.finishCode(t, mine, miss(code))
	}
	status, _ = m.finishCode(t, mine, code)
	assert.Equal(t, http.StatusUnauthorized, status, "dead after five wrong codes")

	for after, expected := range map[time.Duration]int{10*time.Minute - time.Second: http.StatusOK, 10 * time.Minute: http.StatusUnauthorized} {
		mine, code = m.code(t, user.Email)
		m.Advance(after)
		status, _ = m.finishCode(t, mine, code)
		assert.Equal(t, expected, status, after)
	}
}

func unthrottledCodes(c *authmodule.Config) {
	c.LoginRateLimit, c.Throttle.PairRateLimit = "1000/minute", "1000/minute"
}

// V6.6.3: what is guessed in many challenges counts for the account.
func TestV663WrongCodesCountForTheAccount(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	for _, address := range []string{user.Email, "unknown@example.com"} {
		var statuses []int
		for n := range 3 {
			challenge := m.challenge(t, address)
			if address == user.Email {
				m.box.wait(t, account.NoticeLoginCode, n+1)
			}
			for range 3 {
				status, _ := m.finishCode(t, challenge, "00000000")
				statuses = append(statuses, status)
			}
		}
		assert.Equal(t, []int{401, 401, 401, 401, 401, 429, 429, 429, 429}, statuses, address)
	}
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password), "a password is another factor")
	challenge, code := m.code(t, user.Email)
	status, _ := m.finishCode(t, challenge, code)
	assert.Equal(t, http.StatusTooManyRequests, status)
	m.Advance(time.Minute)
	status, _ = m.finishCode(t, challenge, code)
	assert.Equal(t, http.StatusOK, status, "what was not looked at is no try")
}

// NIST-06: after too many wrong codes in a row, however slowly, the right one fails as a wrong one does, until the factor is opened; what is
// answered is the same for an address without an account.
func TestNIST06WrongCodesDisableTheLoginByCode(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { unthrottledCodes(c); c.Throttle.MaxConsecutiveFailures = 10 })
	user := m.User()
	answers := map[string]string{}
	guess := func(address, challenge, code string) {
		w := m.post(t, "/login/code/finish", map[string]any{"challenge": challenge, "code": code})
		require.Equal(t, http.StatusUnauthorized, w.Code, w.Body.String())
		answers[address] += dump(t, w)
		m.Advance(2 * minute)
	}
	for range 9 {
		for _, address := range []string{user.Email, "unknown@example.com"} {
			sent := len(m.box.all(account.NoticeLoginCode))
			challenge := m.challenge(t, address)
			if address == user.Email { // from then on the challenge is the account's
				m.box.wait(t, account.NoticeLoginCode, sent+1)
			}
			guess(address, challenge, "0000000x")
		}
	}
	for range 3 {
		challenge, code := m.code(t, user.Email)
		guess(user.Email, challenge, code)
		guess("unknown@example.com", m.challenge(t, "unknown@example.com"), "0000000x")
		m.Advance(1000 * time.Hour)
	}
	assert.Equal(t, answers["unknown@example.com"], answers[user.Email])
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password), "a password is another factor")
	require.Len(t, m.Events(audit.AuthenticatorDisabled), 1)
	require.NoError(t, m.Throttle.Reopen(t.Context(), authn.Principal{}, user.Subject, authn.FactorLoginCode))
	challenge, code := m.code(t, user.Email)
	status, _ := m.finishCode(t, challenge, code)
	assert.Equal(t, http.StatusOK, status)
}

// What changes or closes an account ends its links and codes.
func TestMailedLoginsEndWithTheAccount(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(t *testing.T, m mails, u authn.User){
		"disabled": func(t *testing.T, m mails, u authn.User) {
			require.NoError(t, m.Users.Disable(t.Context(), authn.Principal{}, u.Subject))
		},
		"deleted": func(t *testing.T, m mails, u authn.User) {
			require.NoError(t, m.account.Delete(t.Context(), authn.Principal{}, u.Subject, authn.Client{}))
		},
		"password changed": func(t *testing.T, m mails, u authn.User) {
			require.NoError(t, m.account.ChangePassword(t.Context(), account.PasswordChange{Caller: m.caller(t, u), Current: password, New: newPassword}))
		},
		"password reset": func(t *testing.T, m mails, u authn.User) {
			require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, u), newPassword).Code)
		},
		"address changed": func(t *testing.T, m mails, u authn.User) { m.changeEmail(t, u, "next@example.com") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := startMails(t, asIs)
			user := m.User()
			require.Equal(t, http.StatusAccepted, m.post(t, "/login/link", map[string]any{"email": user.Email}).Code)
			link := token(t, m.box.wait(t, account.NoticeMagicLink, 1))
			challenge, code := m.code(t, user.Email)
			act(t, m, user)
			assert.Equal(t, "token_invalid", problem(t, m.post(t, "/login/link/finish", map[string]any{"token": link})).Code)
			status, in := m.finishCode(t, challenge, code)
			assert.Equal(t, http.StatusUnauthorized, status)
			assert.Equal(t, "code_invalid", in["code"])
		})
	}
}

// A second factor is asked for after a link and a code as after a password.
func TestMailedLoginsNeedTheSecondFactor(t *testing.T) {
	t.Parallel()
	m := startMails(t, withMFA)
	o := enrolled(t, m.app)
	challenge, code := m.code(t, o.email)
	status, in := m.finishCode(t, challenge, code)
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, true, in["mfa_required"])
	assert.NotContains(t, in, "access_token")
	require.Equal(t, http.StatusAccepted, m.post(t, "/login/link", map[string]any{"email": o.email}).Code)
	in = answer(t, m.post(t, "/login/link/finish", map[string]any{"token": token(t, m.box.wait(t, account.NoticeMagicLink, 1))}), http.StatusOK)
	assert.Equal(t, true, in["mfa_required"])
	assert.NotEmpty(t, members(t, o.answer(t, in["challenge"], "totp", o.code(t)))["access_token"])
}

// Whoever made an account with somebody's address does not keep a password to it: the first login by mail drops it, and verifies the address.
func TestFirstMailedLoginDropsAStrangersPassword(t *testing.T) {
	t.Parallel()
	for _, verification := range []account.Verification{account.VerifyRequired, account.VerifyOffered} {
		m := startMails(t, func(c *authmodule.Config) { c.Account.VerifyEmail = verification })
		m.register(t, "ada@example.com", password)
		m.box.wait(t, account.NoticeVerifyEmail, 1)
		m.logIn(t, "ada@example.com", password)
		challenge, code := m.code(t, "ada@example.com")
		status, in := m.finishCode(t, challenge, code)
		require.Equal(t, http.StatusOK, status, in)
		assert.Equal(t, http.StatusUnauthorized, m.logIn(t, "ada@example.com", password), verification)
		user, err := m.Users.UserByEmail(t.Context(), "", "ada@example.com")
		require.NoError(t, err)
		assert.False(t, user.VerifiedAt.IsZero())
		sessions, err := m.SessionManager.List(t.Context(), user.Subject)
		require.NoError(t, err)
		assert.Len(t, sessions, 1, "and the sessions that it opened")
		assert.Equal(t, http.StatusOK, m.Do(request("GET", "/auth/me", "", bearer(in["access_token"].(string))...)).Code)
	}
}

func TestMailedLoginsAreOffByDefault(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Account.MagicLink, c.Account.LoginCode = false, false })
	for _, path := range []string{"/login/link", "/login/link/finish", "/login/code", "/login/code/finish"} {
		assert.Equal(t, http.StatusNotFound, m.post(t, path, map[string]any{"email": "ada@example.com"}).Code, path)
	}
	_, err := m.account.FinishLink(t.Context(), "x", authn.Completion{})
	require.ErrorIs(t, err, account.ErrNotOffered)
	_, err = m.account.FinishCode(t.Context(), "x", "x", authn.Completion{})
	require.ErrorIs(t, err, account.ErrNotOffered)
	_, err = m.account.BeginCode(t.Context(), account.Request{Email: "ada@example.com"})
	require.ErrorIs(t, err, account.ErrNotOffered)
}

// No verb prints a link, a code or a challenge.
func TestNoticesPrintNoSecrets(t *testing.T) {
	t.Parallel()
	n := account.Notice{Link: "https://app.example.com/#secret", Code: "12345678"}
	c := account.CodeChallenge{Secret: setting.Secret("lc_secret")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		text := fmt.Sprintf(verb, n) + fmt.Sprintf(verb, &n) + fmt.Sprintf(verb, c)
		assert.NotContains(t, text, "secret")
		assert.NotContains(t, text, "12345678")
	}
}

// V6.3.6: who has the mailbox and nothing else does not prove a second factor by it: the code by e-mail is none beside the link.
func TestV636OneMailboxIsOneFactor(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { withMFA(c); c.MFA.EmailCode = true })
	user := m.User()
	header := bearer(m.Token(m.caller(t, user)))
	require.Less(t, m.post(t, "/mfa/email", map[string]any{}, header...).Code, 300)
	code := m.box.wait(t, account.NoticeFactorCode, 1).Code.Reveal()
	w := m.post(t, "/mfa/email/confirm", map[string]any{"code": code}, header...)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	recovery := members(t, w)["recovery_codes"].([]any)

	byPassword := answerOf(t, m.Do(request("POST", "/auth/login", credentials(t, user.Email, password))))
	assert.Equal(t, []any{"email_code", "recovery_code"}, byPassword["factors"])
	byLink := func() map[string]any {
		n := len(m.box.all(account.NoticeMagicLink))
		require.Equal(t, http.StatusAccepted, m.post(t, "/login/link", map[string]any{"email": user.Email}).Code)
		return answerOf(t, m.post(t, "/login/link/finish", map[string]any{"token": token(t, m.box.wait(t, account.NoticeMagicLink, n+1))}))
	}
	login := byLink()
	assert.Equal(t, []any{"recovery_code"}, login["factors"])
	assert.Equal(t, "code_invalid", problem(t, m.post(t, "/login/mfa/begin", map[string]any{"challenge": login["challenge"], "factor": "email_code"})).Code)
	for _, code := range recovery {
		login = byLink()
		m.Advance(time.Minute)
		require.Equal(t, http.StatusOK, m.post(t, "/login/mfa", map[string]any{"challenge": login["challenge"], "factor": "recovery_code", "code": code}).Code)
	}
	login = byLink()
	require.Equal(t, true, login["mfa_required"], "without recovery codes it waits for what it cannot give")
	assert.Equal(t, "code_invalid", problem(t, m.post(t, "/login/mfa/begin", map[string]any{"challenge": login["challenge"], "factor": "email_code"})).Code)
}
