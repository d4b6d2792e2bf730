package authmodule_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

// canaryMail is a canary with a mailbox, every flow of accounts, and a journal.
type canaryMail struct {
	*canaryApp
	box     *mailbox
	read    map[account.NoticeKind]int
	journal *memstore.Store
}

func newCanaryMail(t *testing.T, change func(*authmodule.Config)) canaryMail {
	t.Helper()
	c := canaryMail{box: &mailbox{}, read: map[account.NoticeKind]int{}, journal: memstore.New()}
	c.canaryApp = newCanary(t, func(cfg *authmodule.Config) {
		cfg.Account.MagicLink, cfg.Account.LoginCode, cfg.Account.MailsPerHour = true, true, 100
		cfg.HTTP.UserEndpoints, cfg.HTTP.Impersonation, cfg.HTTP.AuditEndpoint, cfg.Audit.Journal = true, true, true, true
		cfg.Session.OnLimit = session.EvictOldest
		change(cfg)
	}, authmodule.UseNotifier(func() account.Notifier { return c.box }), authmodule.UseJournalStore(func() audit.JournalStore { return c.journal }))
	return c
}

// verified makes an address be verified before it is used.
func verified(cfg *authmodule.Config) { cfg.Account.VerifyEmail = account.VerifyRequired }

// canaryMailFlows are what a canary with a mailbox is taken through.
func canaryMailFlows() map[string]func(c canaryMail) {
	return map[string]func(c canaryMail){
		"register and verify": canaryVerify,
		"forgotten password":  canaryForgotten,
		"change of password":  canaryPassword,
		"change of address":   canaryAddress,
		"login link":          canaryLink,
		"login code":          canaryCode,
		"deletion":            canaryDeletion,
		"step-up":             canaryStepUp,
		"impersonation":       canaryImpersonation,
	}
}

// V16.2.5: the same of all that is sent to owners, and of what administrators do. The journal and its route tell no secret either.
func TestCanaryOfAccounts(t *testing.T) {
	t.Parallel()
	for name, flow := range canaryMailFlows() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCanaryMail(t, verified)
			flow(c)
			c.audited(c.admin("auditor@example.com"))
			c.verdict()
		})
	}
	t.Run("every route", func(t *testing.T) {
		t.Parallel()
		c := newCanaryMail(t, func(cfg *authmodule.Config) { cfg.Account.VerifyEmail = account.VerifyOffered })
		canaryEveryRoute(c.canaryApp)
		c.audited(c.bearer("root@example.com"))
		c.verdict()
	})
}

// audited notes what the journal keeps, as it is stored and as an administrator reads it.
func (c canaryMail) audited(header []string) {
	c.t.Helper()
	require.NoError(c.t, c.Journal.Flush(c.t.Context()))
	entries, err := c.journal.Entries(c.t.Context(), audit.Query{Limit: 10_000})
	require.NoError(c.t, err)
	require.NotEmpty(c.t, entries)
	for _, entry := range entries {
		c.note("journal", string(entry.Payload))
		c.show("an entry", entry)
	}
	page := c.got("GET", "/auth/audit?limit=200", nil, header...)
	require.NotEmpty(c.t, page["entries"])
	for _, query := range []string{"?subject=" + entries[0].ID, "?type=login.succeeded", "?after=7"} {
		c.got("GET", "/auth/audit"+query, nil, header...)
	}
	c.refused("GET", "/auth/audit?after="+strings.ReplaceAll(canaryWord, " ", "-"), nil, header...)
}

// admin makes an administrator and returns the header of a token.
func (c canaryMail) admin(email string) []string {
	c.t.Helper()
	user := c.join(email)
	require.NoError(c.t, c.AuthorizationService.Assign(c.t.Context(), authn.Principal{}, user.Subject, "admin"))
	return c.bearer(email)
}

// join registers somebody and verifies the address.
func (c canaryMail) join(email string) authn.User {
	c.t.Helper()
	c.keep("password", canaryWord)
	c.got("POST", "/auth/register", body{"email": email, "password": canaryWord})
	c.got("POST", "/auth/email/verify", body{"token": c.token(account.NoticeVerifyEmail)})
	user, err := c.Users.UserByEmail(c.t.Context(), "", email)
	require.NoError(c.t, err)
	c.keepHash(user)
	return user
}

func (c canaryMail) keepHash(user authn.User) {
	c.t.Helper()
	hash, err := c.hashes.PasswordHash(c.t.Context(), user.Subject)
	require.NoError(c.t, err)
	c.keep("hash", hash[strings.LastIndex(hash, "$")+1:])
}

// next is the next notice of the kind. All that it tells its reader alone is kept.
func (c canaryMail) next(kind account.NoticeKind) account.Notice {
	c.t.Helper()
	c.read[kind]++
	n := c.box.wait(c.t, kind, c.read[kind])
	if _, token, found := strings.Cut(n.Link.Reveal(), "#"); found {
		c.keep("token of "+string(kind), token)
	}
	if n.Code != "" {
		c.keep("code of "+string(kind), n.Code.Reveal())
	}
	c.show("a notice", n, &n)
	return n
}

// token is what the link of the next notice carries.
func (c canaryMail) token(kind account.NoticeKind) string {
	c.t.Helper()
	_, token, found := strings.Cut(c.next(kind).Link.Reveal(), "#")
	require.True(c.t, found)
	return token
}

// spent uses a token up. Before and afterwards it is refused in every wrong way that there is.
func (c canaryMail) spent(path, token string, more body) map[string]any {
	c.t.Helper()
	with := func(token string) body {
		in := body{"token": token}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	c.got("GET", path, nil)
	c.refused("POST", path, with(token+"x"))
	c.refused("POST", path, with("cAnArY"))
	c.refused("POST", path+"?token="+token, nil)
	c.refuse(webtest.Request("POST", path, `{"token":["`+token+`"]}`))
	out := c.got("POST", path, with(token))
	c.refused("POST", path, with(token))
	return out
}

func canaryVerify(c canaryMail) {
	c.keep("password", canaryWord)
	for range 2 { // the second has an address that waits for its verification, and ends the link of the first
		c.got("POST", "/auth/register", body{"email": "bea@example.com", "password": canaryWord})
	}
	c.token(account.NoticeVerifyEmail)
	c.token(account.NoticeAccountExists)
	c.got("POST", "/auth/register", body{"email": "ada@example.com", "password": canaryWord})
	first := c.token(account.NoticeVerifyEmail)
	c.refused("POST", "/auth/login", body{"email": "ada@example.com", "password": canaryWord})
	c.got("POST", "/auth/email/verify/resend", body{"email": "ada@example.com"})
	c.got("POST", "/auth/email/verify/resend", body{"email": "nobody@example.com"})
	c.refused("POST", "/auth/email/verify", body{"token": first + "x"})
	c.spent("/auth/email/verify", c.token(account.NoticeVerifyEmail), nil)
	c.keepHash(authn.User{Subject: c.subject("ada@example.com")})
	c.login("ada@example.com", nil)
	c.got("POST", "/auth/register", body{"email": "ada@example.com", "password": canaryWord})
	c.next(account.NoticeAccountExists)
}

// canaryNew is the password that comes after canaryWord.
const canaryNew = "cAnArY-newer-27c5d1e8f09ab346 of nobody"

func canaryForgotten(c canaryMail) {
	user := c.join("ada@example.com")
	c.keep("password", canaryNew)
	header := c.bearer("ada@example.com")
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		c.got("POST", "/auth/password/forgot", body{"email": email})
	}
	old := c.token(account.NoticeResetPassword)
	c.got("POST", "/auth/password/forgot", body{"email": "ada@example.com"})
	token := c.token(account.NoticeResetPassword)
	c.refused("POST", "/auth/password/reset", body{"token": token, "password": "cAnArY-81"})
	c.refused("POST", "/auth/email/verify", body{"token": token})
	c.spent("/auth/password/reset", token, body{"password": canaryNew})
	c.refused("POST", "/auth/password/reset", body{"token": old, "password": canaryNew})
	c.keepHash(user)
	c.next(account.NoticePasswordChanged)
	c.refused("GET", "/auth/me", nil, header...)
	c.refused("POST", "/auth/login", body{"email": "ada@example.com", "password": canaryWord})
	c.failed("a reset", c.Accounts.Reset(c.t.Context(), "cAnArYcAnArY", canaryNew, authn.Client{}))
}

func canaryPassword(c canaryMail) {
	user := c.join("ada@example.com")
	c.keep("password", canaryNew)
	header := c.bearer("ada@example.com")
	for _, in := range []body{
		{"current_password": canaryNew, "password": canaryNew}, {"current_password": canaryWord, "password": canaryWord + strings.Repeat("x", 5000)},
		{"current_password": canaryWord, "password": "cAnArY-81"}, {"current_password": canaryWord}, {"password": canaryNew}, {"current_password": []any{canaryWord}, "password": canaryNew},
	} {
		c.refused("POST", "/auth/password", in, header...)
	}
	c.got("POST", "/auth/password", body{"current_password": canaryWord, "password": canaryNew}, header...)
	c.next(account.NoticePasswordChanged)
	c.keepHash(user)
	change := account.PasswordChange{Caller: c.Principal(), Current: canaryWord, New: canaryNew}
	c.failed("a change of password", c.Accounts.ChangePassword(c.t.Context(), change))
	c.show("a change of password", change, &change)
}

func canaryAddress(c canaryMail) {
	c.join("ada@example.com")
	c.join("bob@example.com")
	header := c.bearer("ada@example.com")
	c.refused("POST", "/auth/email", body{"email": "no address"}, header...)
	c.got("POST", "/auth/email", body{"email": "bob@example.com"}, header...)
	c.got("POST", "/auth/email", body{"email": "next@example.com"}, header...)
	c.next(account.NoticeEmailChanging)
	c.spent("/auth/email/confirm", c.token(account.NoticeChangeEmail), nil)
	c.next(account.NoticeEmailChanged)
	c.login("next@example.com", nil)
}

func canaryLink(c canaryMail) {
	c.join("ada@example.com")
	for _, mode := range []string{"token", "cookie"} {
		c.got("POST", "/auth/login/link", body{"email": "ada@example.com"})
		c.got("POST", "/auth/login/link", body{"email": "nobody@example.com"})
		c.spent("/auth/login/link/finish", c.token(account.NoticeMagicLink), body{"mode": mode, "device_name": "laptop"})
	}
}

func canaryCode(c canaryMail) {
	c.join("ada@example.com")
	challenge := c.got("POST", "/auth/login/code", body{"email": "nobody@example.com"})["challenge"]
	c.refused("POST", "/auth/login/code/finish", body{"challenge": challenge, "code": "12345678"})
	challenge = c.got("POST", "/auth/login/code", body{"email": "ada@example.com"})["challenge"]
	code := c.next(account.NoticeLoginCode).Code.Reveal()
	for _, in := range []body{{"challenge": challenge, "code": "x" + code}, {"challenge": code, "code": code}, {"code": code}, {"challenge": challenge, "code": []any{code}}} {
		c.refused("POST", "/auth/login/code/finish", in)
	}
	c.got("POST", "/auth/login/code/finish", body{"challenge": challenge, "code": code})
	c.refused("POST", "/auth/login/code/finish", body{"challenge": challenge, "code": code})
}

func canaryDeletion(c canaryMail) {
	user := c.join("ada@example.com")
	secret, _, _ := c.app(c.bearer("ada@example.com"))
	held := c.login("ada@example.com", nil)
	header := webtest.Bearer(c.got("POST", "/auth/login/mfa", body{"challenge": held["challenge"], "factor": mfa.NameTOTP, "code": c.code(secret)})["access_token"].(string))
	c.got("POST", "/auth/password/forgot", body{"email": user.Email})
	token := c.token(account.NoticeResetPassword)
	c.got("DELETE", "/auth/me", body{"password": canaryWord}, header...)
	c.next(account.NoticeAccountDeleted)
	c.refused("GET", "/auth/me", nil, header...)
	c.refused("POST", "/auth/password/reset", body{"token": token, "password": canaryWord})
	c.refused("POST", "/auth/login", body{"email": user.Email, "password": canaryWord})
	root := c.admin("root@example.com")
	other := c.join("bob@example.com")
	c.got("POST", "/auth/users/"+other.Subject.ID+"/disable", body{"password": canaryWord}, root...)
	c.got("GET", "/auth/users/"+other.Subject.ID, nil, root...)
	require.Equal(c.t, http.StatusConflict, c.do("DELETE", "/auth/me", nil, root...).Code, "the last administrator stays")
}

func canaryStepUp(c canaryMail) {
	user := c.join("ada@example.com")
	secret, _, codes := c.app(c.bearer("ada@example.com"))
	in := c.got("POST", "/auth/login/mfa", body{"challenge": c.login("ada@example.com", nil)["challenge"], "factor": mfa.NameTOTP, "code": c.code(secret)})
	header := webtest.Bearer(in["access_token"].(string))
	c.got("POST", "/auth/mfa/email", nil, header...)
	c.got("POST", "/auth/mfa/email/confirm", body{"code": c.mail.to(user).Reveal()}, header...)
	c.Advance(mfa.Period)
	c.got("GET", "/auth/step-up", nil, header...)
	for _, proof := range []struct {
		factor, member string
		secret         func() string
	}{
		{"password", "password", func() string { return canaryWord }},
		{mfa.NameTOTP, "code", func() string { return c.code(secret) }},
		{mfa.NameRecoveryCode, "code", func() string { return codes[2].(string) }},
		{mfa.NameEmailCode, "code", func() string {
			code := c.mail.to(user).Reveal()
			c.keep("mailed code", code)
			return code
		}},
	} {
		in := body{"factor": proof.factor}
		if proof.factor != "password" {
			in["challenge"] = c.got("POST", "/auth/step-up/begin", in, header...)["challenge"]
		}
		secret := proof.secret()
		in[proof.member] = "x" + secret
		c.refused("POST", "/auth/step-up", in, header...)
		in[proof.member] = []any{secret}
		c.refused("POST", "/auth/step-up", in, header...)
		in[proof.member] = secret
		again := header
		header = webtest.Bearer(c.got("POST", "/auth/step-up", in, header...)["access_token"].(string))
		if proof.factor != "password" {
			c.refused("POST", "/auth/step-up", in, again...)
		}
		request := authn.StepUpRequest{Factor: proof.factor, Secret: "cAnArY"}
		_, err := c.Users.StepUp(c.t.Context(), request)
		c.failed("a step-up", err)
	}
	c.refused("POST", "/auth/step-up/begin", body{"factor": canaryWord}, header...)
	c.show("a step-up", authn.StepUpRequest{Secret: canaryWord, Cookie: canaryWord, Challenge: canaryWord})
}

func canaryImpersonation(c canaryMail) {
	root, user := c.admin("root@example.com"), c.join("ada@example.com")
	path := "/auth/users/" + user.Subject.ID + "/impersonate"
	c.refused("POST", path, body{"password": canaryWord}, root...)
	c.refused("POST", path, body{"reason": "ticket 7"}, c.bearer("ada@example.com")...)
	as := webtest.Bearer(c.got("POST", path, body{"reason": "ticket 7", "token": canaryWord}, root...)["access_token"].(string))
	c.got("GET", "/auth/me", nil, as...)
	c.refused("POST", "/auth/password", body{"current_password": canaryWord, "password": canaryWord}, as...)
	c.got("POST", "/auth/logout", nil, as...)
	c.refused("GET", "/auth/me", nil, as...)
	w := c.do("POST", path, body{"reason": "ticket 8", "mode": "cookie"}, root...)
	require.Less(c.t, w.Code, http.StatusBadRequest, w.Body)
	for _, cookie := range w.Result().Cookies() {
		if cookie.Value == "" {
			continue
		}
		c.keep("cookie", cookie.Value)
		c.send(webtest.Request("GET", "/auth/me", "", "Cookie", cookie.Name+"="+cookie.Value))
	}
}
