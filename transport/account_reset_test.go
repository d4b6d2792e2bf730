package transport_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// RST-01, item 34: a forgotten password is set anew by a link that works once and ends all sessions.
func TestRST01ResetPassword(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	before := m.Grant(authn.Principal{Subject: user.Subject})
	reset := m.forgot(t, user)
	n := m.box.wait(t, account.NoticeResetPassword, 1)
	assert.Equal(t, user.Email, n.To)
	assert.Equal(t, user.Subject, n.Subject)
	assert.Equal(t, "https://app.example.com/auth/password/reset#"+reset, n.Link.Reveal())
	assert.Equal(t, m.Now().Add(time.Hour), n.Expires)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password), "asking changes nothing")

	w := m.reset(t, reset, newPassword)
	require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
	assert.Empty(t, w.Header().Values("Set-Cookie"), "a reset logs nobody in (V6.4.3)")
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, password))
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, newPassword))
	_, err := m.Users.AuthenticateToken(t.Context(), before.AccessToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	_, err = m.Users.Refresh(t.Context(), before.RefreshToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrRefreshInvalid)
	assert.Equal(t, "token_invalid", problem(t, m.reset(t, reset, newPassword)).Code)
	require.Len(t, m.Events(audit.PasswordResetCompleted), 1)
	assert.Equal(t, user.Subject.ID, m.Events(audit.PasswordResetCompleted)[0].Subject)
	assert.Len(t, m.Events(audit.PasswordResetRequested), 1)
	assert.Equal(t, user.Email, m.box.wait(t, account.NoticePasswordChanged, 1).To)
	assert.NotContains(t, m.log.String(), reset)
}

// RST-01: a token is for one account, purpose and version of its credentials, for an hour at most, and a newer one takes its place.
func TestRST01TokenIsBound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		act  func(t *testing.T, m mails, user authn.User, reset string) (presented string)
		good bool
	}{
		"nothing": {func(_ *testing.T, _ mails, _ authn.User, reset string) string { return reset }, true},
		"just before its end": {func(_ *testing.T, m mails, _ authn.User, reset string) string {
			m.Advance(time.Hour - time.Second)
			return reset
		}, true},
		"at its end": {func(_ *testing.T, m mails, _ authn.User, reset string) string {
			m.Advance(time.Hour)
			return reset
		}, false},
		"replaced by a newer one": {func(t *testing.T, m mails, user authn.User, reset string) string {
			m.forgot(t, user)
			return reset
		}, false},
		"the newer one": {func(t *testing.T, m mails, user authn.User, _ string) string { return m.forgot(t, user) }, true},
		"somebody else asked": {func(t *testing.T, m mails, _ authn.User, reset string) string {
			m.forgot(t, m.User())
			return reset
		}, true},
		"password changed": {func(t *testing.T, m mails, user authn.User, reset string) string {
			p := m.caller(t, user)
			require.NoError(t, m.account.ChangePassword(t.Context(), account.PasswordChange{Caller: p, Current: password, New: "yet another password 1"}))
			return reset
		}, false},
		"address changed": {func(t *testing.T, m mails, user authn.User, reset string) string {
			m.changeEmail(t, user, "elsewhere@example.com")
			return reset
		}, false},
		"used for an address": {func(t *testing.T, m mails, user authn.User, reset string) string {
			assert.Equal(t, "token_invalid", problem(t, m.post(t, "/email/verify", map[string]any{"token": reset})).Code)
			assert.Equal(t, "token_invalid", problem(t, m.post(t, "/login/link/finish", map[string]any{"token": reset})).Code)
			assert.Equal(t, "token_invalid", problem(t, m.post(t, "/login/link/finish", map[string]any{"token": "ll" + reset[2:]})).Code)
			assert.Equal(t, "token_invalid", problem(t, m.post(t, "/email/confirm", map[string]any{"token": "ec" + reset[2:]})).Code)
			return reset
		}, true},
		"a link that logs in": {func(t *testing.T, m mails, user authn.User, _ string) string {
			require.Equal(t, http.StatusAccepted, m.post(t, "/login/link", map[string]any{"email": user.Email}).Code)
			return "pr" + token(t, m.box.wait(t, account.NoticeMagicLink, 1))[2:]
		}, false},
		"guessed": {func(t *testing.T, m mails, _ authn.User, reset string) string {
			wrong := reset[:len(reset)-4] + "aaaa"
			assert.Equal(t, "token_invalid", problem(t, m.reset(t, wrong, newPassword)).Code)
			return reset
		}, true},
		"disabled": {func(t *testing.T, m mails, user authn.User, reset string) string {
			require.NoError(t, m.Users.Disable(t.Context(), authn.Principal{}, user.Subject))
			return reset
		}, false},
		"deleted": {func(t *testing.T, m mails, user authn.User, reset string) string {
			require.NoError(t, m.account.Delete(t.Context(), authn.Principal{}, user.Subject, authn.Client{}))
			return reset
		}, false},
		"logged in meanwhile": {func(t *testing.T, m mails, user authn.User, reset string) string {
			assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password))
			return reset
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := startMails(t, asIs)
			user := m.User()
			presented := tc.act(t, m, user, m.forgot(t, user))
			w := m.reset(t, presented, newPassword)
			if tc.good {
				require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
				return
			}
			assert.Equal(t, "token_invalid", problem(t, w).Code)
			assert.NotEqual(t, http.StatusOK, m.logIn(t, user.Email, newPassword))
		})
	}
}

// RST-01: whoever reads the store finds no token there.
func TestRST01TokenIsStoredHashed(t *testing.T) {
	t.Parallel()
	store := &keptOneTime{OneTimeStore: memstore.New()}
	m := startMails(t, asIs, authmodule.UseOneTimeStore(func() authn.OneTimeStore { return store }))
	secret := m.forgot(t, m.User())
	require.Len(t, store.put, 1)
	record := store.put[0]
	assert.Len(t, record.SecretHash, 32)
	assert.NotContains(t, record.Value, secret[len(secret)-30:])
	assert.NotContains(t, record.ID, secret[len(secret)-30:])
	_, encoded, _ := strings.Cut(secret[3:], "_")
	assert.Len(t, encoded, 52, "256 bits in base32")
}

// keptOneTime keeps what was put.
type keptOneTime struct {
	authn.OneTimeStore
	mu  sync.Mutex
	put []authn.OneTime
}

func (s *keptOneTime) PutOneTime(ctx context.Context, r authn.OneTime) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put = append(s.put, r)
	return s.OneTimeStore.PutOneTime(ctx, r)
}

// An unacceptable password does not use the token up: neither one that nobody may have nor one that this account may not.
func TestUnacceptablePasswordKeepsTheToken(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	reset := m.forgot(t, user)
	for _, bad := range []string{"short", "nine chars", user.Email, strings.Repeat("x", 5000)} {
		w := m.reset(t, reset, bad)
		require.Equal(t, http.StatusBadRequest, w.Code, "%.20s %s", bad, w.Body.String())
		assert.Equal(t, "invalid_request", problem(t, w).Code, bad)
	}
	require.Equal(t, http.StatusNoContent, m.reset(t, reset, newPassword).Code)
}

// V6.4.3: a reset takes no second factor away and asks for it as before.
func TestV643ResetKeepsSecondFactors(t *testing.T) {
	t.Parallel()
	m := startMails(t, withMFA)
	user, err := m.Users.UserByEmail(t.Context(), "", enrolled(t, m.app).email)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, user), newPassword).Code)
	w := m.Do(request("POST", "/auth/login", credentials(t, user.Email, newPassword)))
	assert.Equal(t, true, answer(t, w, http.StatusOK)["mfa_required"])
	has, err := m.MFA.Enrolled(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.True(t, has)
	// NIST-01: who may take the factor away again needs a password that is good alone.
	require.Equal(t, http.StatusBadRequest, m.reset(t, m.forgot(t, user), "nine chars").Code)
}

// NIST-01: an account that always needs a second factor may have a shorter password.
func TestNIST01ResetToAShorterPassword(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) {
		withMFA(c)
		c.MFA.Require, c.MFA.TrustDays = mfa.RequireEverybody, 0
	})
	user := m.User()
	require.Equal(t, http.StatusBadRequest, m.reset(t, m.forgot(t, user), "nine chars").Code, "it has none yet")
	enrollment, err := m.MFA.EnrollTOTP(t.Context(), user.Subject, user.Email, "app")
	require.NoError(t, err)
	_, err = m.MFA.ConfirmTOTP(t.Context(), user.Subject, enrollment.ID, setting.Secret(m.TOTP(enrollment.URI.Reveal())), mfa.By{})
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, user), "nine chars").Code)
}

// NIST-06: a password that had too many failures in a row is of use again once it was bound anew.
func TestResetReopensTheAuthenticator(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Throttle.MaxConsecutiveFailures = 4 })
	user := m.User()
	for range 4 {
		assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, "a wrong password of mine"))
	}
	assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, password), "disabled")
	m.Advance(10 * minute)
	require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, user), newPassword).Code)
	m.Advance(time.Hour)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, newPassword))
}

// RST-02: links lead where the configuration says, whatever a request claims.
func TestRST02LinksComeFromConfiguration(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]string{"the module's pages": "", "pages of the application": "https://www.example.org/new"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := startMails(t, func(c *authmodule.Config) {
				c.HTTP.TrustedProxies = []string{"192.0.2.0/24"}
				c.Account.Links = account.Links{VerifyEmail: own, ResetPassword: own, ChangeEmail: own, MagicLink: own}
			})
			expected := "https://app.example.com/auth/"
			if own != "" {
				expected = own + "#"
			}
			user := m.User()
			hostile := []string{
				"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http", "X-Forwarded-Prefix", "/evil", "Forwarded", "host=evil.example;proto=http",
				"X-Original-URL", "https://evil.example/", "X-Host", "evil.example", "Referer", "https://evil.example/", "X-Forwarded-Server", "evil.example",
			}
			for path, body := range map[string]map[string]any{
				"/password/forgot": {"email": user.Email}, "/login/link": {"email": user.Email},
				"/register": {"email": "new@example.com", "password": password},
			} {
				r := request("POST", "/auth"+path, object(t, body), hostile...)
				r.Host = "evil.example"
				require.Equal(t, http.StatusAccepted, m.Do(r).Code, path)
			}
			r := request("POST", "/auth/email", object(t, map[string]any{"email": "next@example.com"}), append(hostile, bearer(m.Token(m.caller(t, user)))...)...)
			r.Host = "evil.example"
			require.Equal(t, http.StatusAccepted, m.Do(r).Code)
			for _, kind := range []account.NoticeKind{account.NoticeResetPassword, account.NoticeMagicLink, account.NoticeVerifyEmail, account.NoticeChangeEmail} {
				link := m.box.wait(t, kind, 1).Link.Reveal()
				assert.True(t, strings.HasPrefix(link, expected), link)
				assert.NotContains(t, link, "evil")
			}
		})
	}
}

// RST-03: an address is one mailbox; what looks like one and names another reaches nobody.
func TestRST03HostileAddresses(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	for _, address := range []string{
		user.Email + ",evil@example.com", "evil@example.com," + user.Email, user.Email + ";evil@example.com", user.Email + "\r\nBcc: evil@example.com", user.Email + "\n",
		"<" + user.Email + ">", "Ada <" + user.Email + ">", user.Email + " ", " " + user.Email, "evil@example.com " + user.Email, `"` + user.Email + `"@evil.example`, "ada@evil.example＠example.com",
		user.Email + "\x00", "", "@", strings.Repeat("a", 250) + "@example.com", "ada@[127.0.0.1]", "ada@example.com\u202e", "a@b@c",
	} {
		for _, path := range []string{"/password/forgot", "/email/verify/resend", "/login/link", "/login/code"} {
			w := m.post(t, path, map[string]any{"email": address})
			require.Equal(t, http.StatusBadRequest, w.Code, "%s %q %s", path, address, w.Body.String())
		}
		assert.Equal(t, http.StatusBadRequest, m.post(t, "/register", map[string]any{"email": address, "password": password}).Code, "%q", address)
	}
	for _, path := range []string{"/password/forgot", "/login/code"} {
		w := m.post(t, path, map[string]any{"email": []string{user.Email, "evil@example.com"}})
		assert.Equal(t, http.StatusBadRequest, w.Code, "a list is no address")
	}
	// Spellings of one address are that address, and the mail goes to the one that is stored.
	require.Equal(t, http.StatusAccepted, m.post(t, "/password/forgot", map[string]any{"email": strings.ReplaceAll(strings.ToUpper(user.Email), "@", "＠")}).Code)
	assert.Equal(t, user.Email, m.box.wait(t, account.NoticeResetPassword, 1).To)
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	assert.Len(t, m.box.sent, 1)
}

// RST-04: opening a link uses nothing up, and its page lets in nothing of others.
func TestRST04OpeningALinkUsesNothingUp(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	reset := m.forgot(t, user)
	for _, path := range []string{"/password/reset", "/email/verify", "/email/confirm", "/login/link/finish"} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, query := range []string{"", "?token=" + reset} {
				w := m.Do(request(method, "/auth"+path+query, ""))
				if method == "HEAD" && w.Code == http.StatusMethodNotAllowed {
					continue
				}
				require.Equal(t, http.StatusOK, w.Code, path)
				assert.Equal(t, "text/html; charset=UTF-8", w.Header().Get("Content-Type"))
				policy := w.Header().Get("Content-Security-Policy")
				assert.Contains(t, policy, "default-src 'none'")
				assert.Contains(t, policy, "frame-ancestors 'none'")
				assert.NotContains(t, policy, "unsafe")
				assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
				assert.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
				assert.NotContains(t, w.Body.String(), reset)
				assert.NotRegexp(t, `\{(title|text|button|done|form|more)\}`, w.Body.String())
			}
		}
	}
	require.Equal(t, http.StatusNoContent, m.reset(t, reset, newPassword).Code)
}

// A reset that does not get to the hash does not use the token up.
func TestResetThatIsNotHashedKeepsTheToken(t *testing.T) {
	t.Parallel()
	m := startMails(t, asIs)
	user := m.User()
	reset := setting.Secret(m.forgot(t, user))
	gone, leave := context.WithCancel(t.Context())
	leave()
	require.ErrorIs(t, m.account.Reset(gone, reset, newPassword, authn.Client{}), context.Canceled)
	assert.Equal(t, http.StatusOK, m.logIn(t, user.Email, password))
	require.NoError(t, m.account.Reset(t.Context(), reset, newPassword, authn.Client{}))
}

// What is guessed at links is stopped before anything is hashed for it.
func TestGuessedLinksAreStopped(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Throttle.AddressRateLimit = "10/minute" })
	good := m.forgot(t, m.User())
	wrong := good[:len(good)-4] + "aaaa"
	for range 10 {
		assert.Equal(t, http.StatusBadRequest, m.reset(t, wrong, newPassword).Code)
	}
	for _, path := range []string{"/password/reset", "/email/verify", "/email/confirm", "/login/link/finish", "/login/code/finish"} {
		w := m.post(t, path, map[string]any{"token": good, "challenge": "lc", "code": "0", "password": newPassword})
		assert.Equal(t, http.StatusTooManyRequests, w.Code, path)
	}
	m.Advance(time.Minute)
	assert.Equal(t, http.StatusNoContent, m.reset(t, good, newPassword).Code)
}

// Who made an account with somebody else's address keeps no foot in once the owner of the address comes: neither password nor session
// nor API key. Second factors stay (V6.4.3): a mailbox does not stand in for them.
func TestV643SquattersKeepNoKey(t *testing.T) {
	t.Parallel()
	for name, arrive := range map[string]func(t *testing.T, m mails, user authn.User) int{
		"by a reset": func(t *testing.T, m mails, user authn.User) int {
			return m.reset(t, m.forgot(t, user), newPassword).Code
		},
		"by a link": func(t *testing.T, m mails, user authn.User) int {
			require.Equal(t, http.StatusAccepted, m.post(t, "/login/link", map[string]any{"email": user.Email}).Code)
			return m.post(t, "/login/link/finish", map[string]any{"token": token(t, m.box.wait(t, account.NoticeMagicLink, 1))}).Code
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := startMails(t, func(c *authmodule.Config) { c.Account.VerifyEmail = account.VerifyOffered })
			status, _ := m.register(t, "ada@example.com", squatter)
			require.Equal(t, http.StatusCreated, status)
			user, err := m.Users.UserByEmail(t.Context(), "", "ada@example.com")
			require.NoError(t, err)
			session := bearer(m.Token(m.caller(t, user)))
			key := m.APIKey(m.caller(t, user))
			require.Equal(t, http.StatusOK, m.Do(request("GET", "/auth/me", "", "Authorization", "ApiKey "+key)).Code)

			require.Less(t, arrive(t, m, user), 300)
			require.Len(t, m.Events(audit.APIKeyRevoked), 1)
			assert.Equal(t, user.Subject.ID, m.Events(audit.APIKeyRevoked)[0].Subject)
			assert.Equal(t, http.StatusUnauthorized, m.Do(request("GET", "/auth/me", "", session...)).Code)
			assert.Equal(t, http.StatusUnauthorized, m.Do(request("GET", "/auth/me", "", "Authorization", "ApiKey "+key)).Code)
			assert.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, squatter))

			own := m.APIKey(m.caller(t, user))
			require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, user), "yet another password of hers").Code)
			assert.Equal(t, http.StatusOK, m.Do(request("GET", "/auth/me", "", "Authorization", "ApiKey "+own)).Code, "the owner's own keys stay")
		})
	}
}

// keptKeys is a store that cannot drop API keys.
type keptKeys struct{ authn.APIKeyStore }

func (keptKeys) DeleteAPIKey(context.Context, authn.Subject, string) error { return errDown }

// An administrator who wants a new password of somebody hears that keys are left, and the owner gets the link all the same: the password is gone.
func TestRequireResetSendsTheLinkWhateverBecomesOfKeys(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.Account.ResetRevokesKeys = true },
		authmodule.UseAPIKeyStore(func() authn.APIKeyStore { return keptKeys{memstore.New()} }))
	user := m.User()
	m.APIKey(m.caller(t, user))
	require.Error(t, m.account.RequireReset(t.Context(), m.caller(t, m.User("admin")), user.Subject, authn.Client{}))
	require.Equal(t, http.StatusUnauthorized, m.logIn(t, user.Email, password))
	link := token(t, m.box.wait(t, account.NoticeResetPassword, 1))
	assert.NotEmpty(t, link)
}

// Where it is configured, API keys end with the password that a link replaces, and with the one that an administrator takes away.
func TestResetRevokesKeysByChoice(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		revokes bool
		status  int
	}{"by default": {false, http.StatusOK}, "by choice": {true, http.StatusUnauthorized}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := startMails(t, func(c *authmodule.Config) { c.Account.ResetRevokesKeys = tc.revokes })
			user := m.User()
			uses := func(key string) int {
				return m.Do(request("GET", "/auth/me", "", "Authorization", "ApiKey "+key)).Code
			}
			key := m.APIKey(m.caller(t, user))
			require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, user), newPassword).Code)
			assert.Equal(t, tc.status, uses(key))

			key = m.APIKey(m.caller(t, user))
			require.Equal(t, http.StatusOK, uses(key))
			require.NoError(t, m.account.RequireReset(t.Context(), m.caller(t, m.User("admin")), user.Subject, authn.Client{}))
			assert.Equal(t, tc.status, uses(key))
			assert.Equal(t, tc.revokes, len(m.Events(audit.APIKeyRevoked)) == 2)
		})
	}
}
