package authmodule_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/transport"
)

// countingOneTime counts the one-time records that the store is asked for.
type countingOneTime struct {
	authn.OneTimeStore
	asked atomic.Int64
}

func (c *countingOneTime) ConsumeOneTime(ctx context.Context, t authn.Tenant, purpose, id string, hash []byte, now time.Time) (authn.OneTime, error) {
	c.asked.Add(1)
	return c.OneTimeStore.ConsumeOneTime(ctx, t, purpose, id, hash, now)
}

// limitedApp is an application in which every route is there, and ten failures from one network are too many.
type limitedApp struct {
	*fxtest.App
	oneTime *countingOneTime
	box     *mailbox
	gate    *transport.Gate
}

func newLimited(t *testing.T) limitedApp {
	t.Helper()
	l := limitedApp{oneTime: &countingOneTime{OneTimeStore: memstore.New()}, box: &mailbox{}}
	l.App = fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Throttle.AddressRateLimit = "10/minute"
		c.MFA.Enabled, c.MFA.EmailCode, c.AdminEmail, c.HTTP.Health = true, true, "root@example.com", true
		c.Account.MagicLink, c.Account.LoginCode, c.HTTP.Impersonation = true, true, true
		c.HTTP.RevocationEndpoint, c.HTTP.IntrospectionEndpoint = true, true
	}, authmodule.UseNotifier(func() account.Notifier { return l.box }), authmodule.UseOneTimeStore(func() authn.OneTimeStore { return l.oneTime }),
		fx.Populate(&l.gate), fx.Provide(echo.New), fx.Invoke(echoauth.Mount))
	return l
}

// junk is a credential as the module makes them, which it has not made.
func junk(t *testing.T, kind string, more ...byte) credential.Credential {
	t.Helper()
	id, err := credential.NewID(rand.Reader, "", "somebody")
	require.NoError(t, err)
	secret, err := credential.NewSecret(rand.Reader)
	require.NoError(t, err)
	return credential.Credential{Kind: kind, ID: id, Secret: append(more, secret...)}
}

// attempts makes the i-th attempt, wrong each time.
type attempts func(i int) *http.Request

// limit is how a way to prove something is kept from being tried without end.
type limit struct {
	// tried returns the attempts. Nil is for what nothing counts, and why says why it need not.
	tried func(t *testing.T, l limitedApp) attempts
	why   string
	// account says that it is the account's counter which is full first: other networks are refused as well.
	account bool
}

// posts are attempts without a session.
func posts(path string, body func(t *testing.T, i int) map[string]any) func(*testing.T, limitedApp) attempts {
	return func(t *testing.T, _ limitedApp) attempts {
		return func(i int) *http.Request { return webtest.Request("POST", path, jsonOf(t, body(t, i))) }
	}
}

// posted are attempts in a session, once begin has made what they are aimed at.
func posted(path string, begin func(t *testing.T, l limitedApp, p authn.Principal) map[string]any, body func(t *testing.T, i int) map[string]any) func(*testing.T, limitedApp) attempts {
	return func(t *testing.T, l limitedApp) attempts {
		p := l.Principal()
		token, more := l.Token(p), map[string]any{}
		if begin != nil {
			more = begin(t, l, p)
		}
		return func(i int) *http.Request {
			in := body(t, i)
			for k, v := range more {
				in[k] = v
			}
			return webtest.Request("POST", path, jsonOf(t, in), webtest.Bearer(token)...)
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// secretNamed is a body with a well-formed credential that was never made.
func secretNamed(name, kind string, others ...any) func(*testing.T, int) map[string]any {
	return func(t *testing.T, _ int) map[string]any {
		in := map[string]any{name: junk(t, kind).Encode().Reveal()}
		for i := 0; i+1 < len(others); i += 2 {
			in[others[i].(string)] = others[i+1]
		}
		return in
	}
}

func somebody(_ *testing.T, i int) map[string]any {
	return map[string]any{"email": fmt.Sprintf("somebody%d@example.com", i)}
}

const anotherPassword = "another password for tests only"

// limits has a row for each route that takes a secret or is open to everybody, and for each method of authentication.
func limits() map[string]limit {
	const isPage, isSmall, isResourceServer = "a page, which looks at nothing", "nothing is proved there", "the caller is authenticated, and may pass on what its own clients sent: their junk must not shut it out"
	guess := func(*testing.T, int) map[string]any {
		return map[string]any{"email": "ada@example.com", "password": notIt}
	}
	return map[string]limit{
		"POST /auth/login":             {tried: posts("/auth/login", guess), account: true},
		"POST /auth/login/mfa":         {tried: posts("/auth/login/mfa", secretNamed("challenge", "mc", "factor", "totp", "code", "123456"))},
		"POST /auth/login/mfa/begin":   {tried: posts("/auth/login/mfa/begin", secretNamed("challenge", "mc", "factor", "totp"))},
		"POST /auth/login/continue":    {tried: posts("/auth/login/continue", secretNamed("continuation", "cl"))},
		"POST /auth/login/link":        {tried: posts("/auth/login/link", somebody)},
		"POST /auth/login/link/finish": {tried: posts("/auth/login/link/finish", secretNamed("token", "ll"))},
		"POST /auth/login/code":        {tried: posts("/auth/login/code", somebody)},
		"POST /auth/login/code/finish": {tried: posts("/auth/login/code/finish", secretNamed("challenge", "lc", "code", "12345678"))},
		"POST /auth/refresh": {tried: posts("/auth/refresh", func(t *testing.T, _ int) map[string]any {
			return map[string]any{"refresh_token": junk(t, "rt", 0, 0, 0, 1).Encode().Reveal()}
		})},
		"POST /auth/register": {tried: posts("/auth/register", func(t *testing.T, i int) map[string]any {
			in := somebody(t, i)
			in["password"] = anotherPassword
			return in
		})},
		"POST /auth/password/forgot":     {tried: posts("/auth/password/forgot", somebody)},
		"POST /auth/email/verify/resend": {tried: posts("/auth/email/verify/resend", somebody)},
		"POST /auth/password/reset":      {tried: posts("/auth/password/reset", secretNamed("token", "pr", "password", anotherPassword))},
		"POST /auth/email/verify":        {tried: posts("/auth/email/verify", secretNamed("token", "ev"))},
		"POST /auth/email/confirm":       {tried: posts("/auth/email/confirm", secretNamed("token", "ec"))},
		"POST /auth/setup":               {tried: posts("/auth/setup", secretNamed("token", "as", "password", anotherPassword))},
		"POST /auth/password": {account: true, tried: posted("/auth/password", nil, func(*testing.T, int) map[string]any {
			return map[string]any{"current_password": notIt, "password": anotherPassword}
		})},
		"POST /auth/step-up": {account: true, tried: posted("/auth/step-up", nil, func(*testing.T, int) map[string]any {
			return map[string]any{"factor": "password", "password": notIt}
		})},
		"POST /auth/step-up by a code": {tried: posted("/auth/step-up", nil, secretNamed("challenge", "sc", "factor", "totp", "code", "123456"))},
		"POST /auth/mfa/totp/confirm": {account: true, tried: posted("/auth/mfa/totp/confirm", func(t *testing.T, l limitedApp, p authn.Principal) map[string]any {
			e, err := l.MFA.EnrollTOTP(t.Context(), p.Subject, p.Email, "")
			require.NoError(t, err)
			return map[string]any{"id": e.ID}
		}, func(*testing.T, int) map[string]any { return map[string]any{"code": "not a code"} })},
		"POST /auth/mfa/email/confirm": {account: true, tried: posted("/auth/mfa/email/confirm", func(t *testing.T, l limitedApp, p authn.Principal) map[string]any {
			user, err := l.Users.User(t.Context(), p.Subject)
			require.NoError(t, err)
			require.NoError(t, l.MFA.EnrollEmail(t.Context(), user, authn.Client{}))
			return nil
		}, func(*testing.T, int) map[string]any { return map[string]any{"code": "not a code"} })},
		"api_key": {tried: func(t *testing.T, _ limitedApp) attempts {
			return func(int) *http.Request {
				return webtest.Request("GET", "/auth/me", "", "Authorization", "ApiKey "+credential.WithChecksum(junk(t, "ak")).Encode().Reveal())
			}
		}},

		"bearer":                            {why: "a signature, without which no store is asked"},
		"cookie":                            {why: "browsers send ended cookies with each request, and many are behind one address; each is one read, as a good one is"},
		"POST /auth/revoke":                 {why: isResourceServer},
		"POST /auth/introspect":             {why: isResourceServer},
		"POST /auth/users/{id}/impersonate": {why: "nothing is proved but the caller's own session"},
		"GET /auth/password/reset":          {why: isPage},
		"GET /auth/email/verify":            {why: isPage},
		"GET /auth/email/confirm":           {why: isPage},
		"GET /auth/login/link/finish":       {why: isPage},
		"GET /auth/setup":                   {why: isPage},
		"GET /auth/livez":                   {why: isSmall},
		"GET /auth/readyz":                  {why: isSmall},
		"GET /.well-known/jwks.json":        {why: isSmall},
	}
}

// needed are the routes and methods that must be in limits: those that open a session, are open to everybody or read a secret from the body, and all
// methods of authentication. Those of docs/pathways.md are held to the routes and the code in TestV613LoginPathwaysAreDocumented.
func (l limitedApp) needed(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, section := range pathways(t) {
		for _, name := range section {
			names[name] = true
		}
	}
	secret := pathsThat(t, "secret", "formToken")
	for _, path := range []string{"/login/mfa", "/login/mfa/begin", "/login/continue", "/setup", "/introspect", "/mfa/totp/confirm"} {
		assert.True(t, secret[path], "the test does not see what it looks for: %s", path)
	}
	for _, e := range l.gate.Endpoints() {
		if secret[e.Path] || e.Need == transport.NeedNothing {
			names[e.Method+" "+l.gate.Route(e)] = true
		}
	}
	return names
}

// THR-05: every factor endpoint has a limiter. A new one without a row here fails.
func TestTHR05EveryFactorEndpointHasALimiter(t *testing.T) {
	t.Parallel()
	l, rows := newLimited(t), limits()
	for name := range l.needed(t) {
		assert.Contains(t, rows, name, "nothing says what limits it")
	}
	n := 0
	for name, row := range rows {
		n++
		if row.tried == nil {
			assert.NotEmpty(t, row.why, name)
			continue
		}
		t.Run(name, func(t *testing.T) { l.stops(t, row, n) })
	}
}

// stops requires that attempts from one network are stopped, before a one-time record is looked for, and that other networks go on.
func (l limitedApp) stops(t *testing.T, row limit, network int) {
	t.Helper()
	try := row.tried(t, l)
	from := func(i, network int) *httptest.ResponseRecorder {
		r := try(i)
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.7:4711", network, network)
		return l.Do(r)
	}
	made := 0
	for ; ; made++ {
		require.LessOrEqual(t, made, 10, "nothing stops it")
		w := from(made, network)
		if w.Code == http.StatusTooManyRequests {
			assert.NotEmpty(t, w.Header().Get("Retry-After"))
			break
		}
		require.Less(t, w.Code, 500, w.Body)
	}
	assert.GreaterOrEqual(t, made, 5)
	asked := l.oneTime.asked.Load()
	require.Equal(t, http.StatusTooManyRequests, from(11, network).Code)
	assert.Equal(t, asked, l.oneTime.asked.Load(), "the store was asked for what is refused")
	if !row.account {
		assert.NotEqual(t, http.StatusTooManyRequests, from(12, network+100).Code, "another network pays for it")
	}
}

// THR-05: one client whose secrets are no good keeps nobody behind the same address from going on: neither a session nor an API key nor a login under way that
// the node has seen. A record that a wrong secret was sent for is no longer one of those.
func TestTHR05NeighboursGoOn(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Throttle.AddressRateLimit, c.MFA.Enabled = "10/hour", true
		c.Session.MaxPerUser, c.Session.OnLimit = 1, session.Ask
	}, fx.Provide(echo.New), fx.Invoke(echoauth.Mount))
	client := authn.Client{IP: netip.MustParseAddr("192.0.2.1")}
	user := app.User()
	login := func() (authn.Grant, error) {
		return app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Client: client})
	}
	grant, err := login()
	require.NoError(t, err)
	principal, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, client)
	require.NoError(t, err)
	owner := app.Principal()
	fresh, used := setting.Secret(app.APIKey(owner)), setting.Secret(app.APIKey(owner))
	_, err = app.APIKeys.Authenticate(t.Context(), used, client)
	require.NoError(t, err)
	_, err = login()
	var held *authn.SessionLimitError
	require.ErrorAs(t, err, &held)

	refresh := func(token setting.Secret) error {
		next, err := app.Users.Refresh(t.Context(), token, client)
		if err == nil {
			grant = next
		}
		return err
	}
	proceed := func(secret setting.Secret) error {
		_, err := app.Users.ContinueLogin(t.Context(), authn.ContinueRequest{Continuation: secret, End: []string{principal.SessionID}, Client: client})
		return err
	}
	authenticate := func(key setting.Secret) error {
		_, err := app.APIKeys.Authenticate(t.Context(), key, client)
		return err
	}
	for range 10 {
		require.ErrorIs(t, refresh(junk(t, "rt", 0, 0, 0, 1).Encode()), authn.ErrRefreshInvalid)
		require.ErrorIs(t, proceed(junk(t, "cl").Encode()), authn.ErrContinuationInvalid)
		require.ErrorIs(t, authenticate(credential.WithChecksum(junk(t, "ak")).Encode()), authn.ErrAPIKeyInvalid)
	}
	require.ErrorIs(t, refresh(junk(t, "rt", 0, 0, 0, 1).Encode()), authn.ErrThrottled)
	require.ErrorIs(t, proceed(junk(t, "cl").Encode()), authn.ErrThrottled)
	require.ErrorIs(t, authenticate(credential.WithChecksum(junk(t, "ak")).Encode()), authn.ErrThrottled)

	app.Advance(2 * time.Minute) // nothing is remembered by its text any more
	before := grant.RefreshToken
	for range 3 {
		require.NoError(t, refresh(grant.RefreshToken))
	}
	require.NoError(t, authenticate(used))
	require.ErrorIs(t, authenticate(fresh), authn.ErrThrottled, "what the node has not seen waits")
	require.NoError(t, proceed(held.Continuation))
	require.ErrorIs(t, refresh(before), authn.ErrRefreshInvalid, "its session was ended")
	require.ErrorIs(t, refresh(before), authn.ErrThrottled, "and goes on no longer")
	app.Advance(time.Hour)
	require.NoError(t, authenticate(fresh))
}

// THR-05: the program of an account that is disabled asks on and on with its key, which is no guess: neither it nor its neighbours are
// refused when the account is enabled again.
func TestTHR05KeysOfDisabledAccountsAreNotCounted(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Throttle.AddressRateLimit = "10/hour" })
	client, owner := authn.Client{IP: netip.MustParseAddr("192.0.2.1")}, app.Principal()
	key, neighbour := setting.Secret(app.APIKey(owner)), setting.Secret(app.APIKey(app.Principal()))
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, owner.Subject))
	for range 20 {
		_, err := app.APIKeys.Authenticate(t.Context(), key, client)
		require.ErrorIs(t, err, authn.ErrAPIKeyInvalid)
	}
	_, err := app.APIKeys.Authenticate(t.Context(), neighbour, client)
	require.NoError(t, err)
	require.NoError(t, app.Users.Enable(t.Context(), authn.Principal{}, owner.Subject))
	_, err = app.APIKeys.Authenticate(t.Context(), key, client)
	require.NoError(t, err)
}
