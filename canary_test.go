package authmodule_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// canaryApp is an application whose every secret is known, and all that it said.
type canaryApp struct {
	*fxtest.App
	t      *testing.T
	mail   *sentCodes
	hashes *memstore.Store
	cfg    authmodule.Config
	auth   *echoauth.Auth
	log    *webtest.Logs
	// said is what was shown beside the log and the events: answers, errors and what fmt made of values, by what it was.
	said map[string]*bytes.Buffer
	// secrets are all that there are, and looked for by needles.
	secrets map[string]bool
	needles needles
}

// needle is a spelling of a secret, and what the secret is.
type needle struct {
	what, form string
	// word is true for a code, which may be part of a longer number by chance.
	word bool
}

// shortest is how long a needle is at least; by so many of its bytes it is looked up.
const shortest = 8

// needles are looked for all at once: there are hundreds, in megabytes of text.
type needles map[[shortest]byte][]needle

func (n needles) add(one needle) {
	key := [shortest]byte([]byte(one.form))
	n[key] = append(n[key], one)
}

// find calls found with each needle in the text, and with where it is.
func (n needles) find(text string, found func(one needle, at int)) {
	for at := 0; at+shortest <= len(text); at++ {
		for _, one := range n[[shortest]byte([]byte(text[at:at+shortest]))] {
			if strings.HasPrefix(text[at:], one.form) && (!one.word || isWord(text, at, at+len(one.form))) {
				found(one, at)
			}
		}
	}
}

func isWord(text string, from, to int) bool {
	part := func(at int) bool {
		return at >= 0 && at < len(text) && (text[at] == '_' || '0' <= text[at] && text[at] <= '9' || 'a' <= text[at]|0x20 && text[at]|0x20 <= 'z')
	}
	return !part(from-1) && !part(to)
}

// The secrets of the configuration.
const (
	canaryPepper = "pepper-cAnArY-0f3a91c27be54d68-long-enough"
	canaryMaster = "master-cAnArY-81d2fe6604ba4c39-long-enough"
	canaryOld    = "former-cAnArY-5c0e77aa19f34b02-long-enough"
	canaryJWT    = "signer-cAnArY-b94410de7c2f4a65-long-enough"
)

func newCanary(t *testing.T, change func(*authmodule.Config), options ...fx.Option) *canaryApp {
	t.Helper()
	c := &canaryApp{
		t: t, mail: &sentCodes{codes: map[string]setting.Secret{}}, hashes: memstore.New(), log: &webtest.Logs{},
		said: map[string]*bytes.Buffer{}, secrets: map[string]bool{}, needles: needles{},
	}
	c.keep("configuration", canaryPepper, canaryMaster, canaryOld, canaryJWT)
	c.App = fxtest.NewConfigured(t, func(cfg *authmodule.Config) {
		cfg.SecretKey, cfg.PreviousSecretKeys, cfg.JWT.SecretKey = canaryMaster, []setting.Secret{canaryOld}, canaryJWT
		cfg.Password.Pepper, cfg.Password.PreviousPeppers = canaryPepper, []setting.Secret{canaryOld + "-pepper"}
		cfg.AdminEmail, cfg.HTTP.PublicURL = "root@example.com", "https://app.example.com"
		cfg.MFA.Enabled, cfg.MFA.EmailCode, cfg.MFA.TrustDays, cfg.MFA.Digits = true, true, 30, 8
		cfg.Session.MaxPerUser, cfg.Session.OnLimit, cfg.Session.RememberDays = 3, session.Ask, 30
		cfg.HTTP.RevocationEndpoint, cfg.HTTP.IntrospectionEndpoint, cfg.HTTP.Health = true, true, true
		cfg.HTTP.SessionEndpoints, cfg.HTTP.RBACEndpoints, cfg.RBAC.ExplainDenials = true, true, authz.ExplainAlways
		cfg.LoginRateLimit, cfg.Throttle.PairRateLimit, cfg.Throttle.AddressRateLimit = "1000/second", "1000/second", "1000/second"
		change(cfg)
		c.cfg = *cfg
	}, fx.Provide(echo.New, c.logger), fx.Invoke(echoauth.Mount), fx.Populate(&c.auth),
		authmodule.UsePasswordStore(func() authn.PasswordStore { return c.hashes }),
		authmodule.UseCodeSender(func() mfa.Sender { return c.mail }),
		authmodule.AddRoles(authz.Role{Name: "admin", Permissions: []string{"*.*"}}), fx.Options(options...))
	return c
}

// logger shows all there is to log, as text and as JSON.
func (c *canaryApp) logger() *slog.Logger {
	all := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(c.log, all), slog.NewJSONHandler(c.log, all)))
}

// The parts of a token that nobody may know are the last: a signature, or a secret behind an ID.
var (
	signed = regexp.MustCompile(`^[\w-]+\.[\w-]+\.([\w-]+)$`)
	opaque = regexp.MustCompile(`^[a-z]{2}_[^_]+_([^_]+)$`)
	digits = regexp.MustCompile(`^[0-9]+$`)
)

// keep adds secrets, which must show nowhere from now on.
func (c *canaryApp) keep(what string, secrets ...string) {
	for _, secret := range secrets {
		for _, token := range []*regexp.Regexp{signed, opaque} {
			if part := token.FindStringSubmatch(secret); part != nil {
				secret = part[1]
			}
		}
		if len(secret) < shortest {
			c.t.Fatalf("%s is too short to be looked for", what)
		}
		if c.secrets[secret] {
			continue
		}
		c.secrets[secret] = true
		for i, form := range forms(secret) {
			c.needles.add(needle{what, form, i == 0 && digits.MatchString(secret)})
		}
	}
}

// note adds to what was said.
func (c *canaryApp) note(what, text string) {
	if c.said[what] == nil {
		c.said[what] = &bytes.Buffer{}
	}
	fmt.Fprintln(c.said[what], text)
}

// show notes what every verb of fmt, JSON and slog make of a value.
func (c *canaryApp) show(what string, values ...any) {
	for _, v := range values {
		c.print(what, v, "%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d")
		if text, err := json.Marshal(v); err == nil {
			c.note("JSON of "+what, string(text))
		}
		c.logger().Info(what, "value", v)
	}
}

// print notes what some verbs make of a value.
func (c *canaryApp) print(what string, v any, verbs ...string) {
	for _, verb := range verbs {
		c.note("fmt of "+what, fmt.Sprintf(verb, v))
	}
}

// failed notes an error and requires that there is one.
func (c *canaryApp) failed(what string, err error) {
	c.t.Helper()
	require.Error(c.t, err, what)
	c.note("error of "+what, err.Error())
	c.show("the error of "+what, err)
}

// do sends a request. The answer may hold what is new, but nothing that was a secret before.
func (c *canaryApp) do(method, path string, body map[string]any, headers ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	text := ""
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(c.t, err)
		text = string(raw)
	}
	return c.send(webtest.Request(method, path, text, headers...))
}

func (c *canaryApp) send(r *http.Request) *httptest.ResponseRecorder {
	c.t.Helper()
	w := c.Do(r)
	what := r.Method + " " + r.URL.Path
	c.none(what, webtest.Dump(w))
	if w.Code >= http.StatusBadRequest {
		c.note("problem of "+what, webtest.Dump(w))
	}
	return w
}

// got sends a request that succeeds, and returns the answer's members.
func (c *canaryApp) got(method, path string, body map[string]any, headers ...string) map[string]any {
	c.t.Helper()
	w := c.do(method, path, body, headers...)
	require.Less(c.t, w.Code, http.StatusBadRequest, "%s %s: %s", method, path, w.Body)
	for _, cookie := range w.Result().Cookies() {
		if cookie.Value != "" {
			c.keep("cookie", cookie.Value)
		}
	}
	out := map[string]any{}
	if w.Body.Len() > 0 && w.Body.Bytes()[0] == '{' {
		require.NoError(c.t, json.Unmarshal(w.Body.Bytes(), &out))
	}
	for _, name := range []string{"access_token", "refresh_token", "challenge", "continuation", "trusted_device", "key", "secret"} {
		if text, _ := out[name].(string); text != "" {
			c.keep(name, text)
		}
	}
	codes, _ := out["recovery_codes"].([]any)
	for _, code := range codes {
		c.keep("recovery code", code.(string), strings.ReplaceAll(code.(string), "-", ""))
	}
	return out
}

// refused sends a request that is refused.
func (c *canaryApp) refused(method, path string, body map[string]any, headers ...string) {
	c.t.Helper()
	w := c.do(method, path, body, headers...)
	require.GreaterOrEqual(c.t, w.Code, http.StatusBadRequest, "%s %s: %s", method, path, w.Body)
}

// forms are the spellings in which a secret gives itself away, its own first.
func forms(secret string) []string {
	all := []string{
		secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
	others := []string{url.QueryEscape(secret)}
	if text, err := json.Marshal(secret); err == nil {
		others = append(others, strings.Trim(string(text), `"`))
	}
	for _, other := range others {
		if other != secret {
			all = append(all, other)
		}
	}
	return all
}

// leaks are the places of a text that show a secret.
func (c *canaryApp) leaks(text string) (list []string) {
	seen := map[string]bool{}
	c.needles.find(text, func(one needle, at int) {
		if !seen[one.form] {
			seen[one.form] = true
			list = append(list, fmt.Sprintf("%s: …%s", one.what, text[max(0, at-120):min(len(text), at+80)]))
		}
	})
	return list
}

// none requires that a text has no secret in it.
func (c *canaryApp) none(where, text string) {
	c.t.Helper()
	for _, leak := range c.leaks(text) {
		c.t.Errorf("%s shows a secret: %s", where, leak)
	}
}

// verdict looks through all that was said.
func (c *canaryApp) verdict() {
	c.t.Helper()
	c.note("events", "")
	for _, e := range c.Events() {
		text, err := json.Marshal(e)
		require.NoError(c.t, err)
		c.note("events", string(text)+fmt.Sprintf("%v %+v %#v", e, e, e))
	}
	c.note("log", c.log.String())
	size := 0
	for what, text := range c.said {
		size += text.Len()
		c.none(what, text.String())
	}
	c.t.Logf("%d secrets, %d events, %d kinds of texts with %d kB", len(c.secrets), len(c.Events()), len(c.said), size/1000)
	require.NotEmpty(c.t, c.log.String())
}

// V16.2.5, V16.5.1: through every flow, in success and in failure, no secret is in a log, an event, an error, an answer that does not hand it out, or
// what fmt makes of a configuration, a service or a value. A new flow is a row of canaryFlows.
func TestCanarySecretsShowNowhere(t *testing.T) {
	t.Parallel()
	for keys, change := range map[string]func(*authmodule.Config){
		"one secret": func(*authmodule.Config) {},
		"managed keys": func(c *authmodule.Config) {
			c.JWT.SecretKey, c.JWT.Managed.Enabled, c.HTTP.KeyEndpoints = "", true, true
		},
	} {
		for name, flow := range canaryFlows() {
			t.Run(keys+"/"+name, func(t *testing.T) {
				t.Parallel()
				c := newCanary(t, change)
				flow(c)
				c.verdict()
			})
		}
	}
}

// What leaks is found, in any of its forms.
func TestCanaryFindsLeaks(t *testing.T) {
	t.Parallel()
	c := &canaryApp{t: t, secrets: map[string]bool{}, needles: needles{}}
	c.keep("password", password)
	c.keep("code", "12345678")
	for _, text := range append(forms(password), "x "+password+" y", `{"code":"12345678"}`, "code 12345678.") {
		assert.NotEmpty(t, c.leaks(text), text)
	}
	for _, text := range []string{"", "912345678", "123456789", "correct horse", "[redacted]"} {
		assert.Empty(t, c.leaks(text), text)
	}
}

func rawBase32(t *testing.T, secret string) []byte {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	require.NoError(t, err)
	return raw
}
