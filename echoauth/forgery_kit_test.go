package echoauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/transport"
)

// browser is a user's browser with a session cookie that works, of an application under attack.
type browser struct {
	app
	user   authn.User
	cookie *http.Cookie
}

// homeAddress is where the user's browser is, in the network that the session is bound to if it is bound.
const homeAddress = "192.0.2.1:1234"

// override changes a request's method as its header says, after routing: as a middleware does that belongs elsewhere.
func override(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if method := c.QueryParam("_method"); method != "" {
			c.Request().Method = method
		}
		return next(c)
	}
}

func openBrowser(t *testing.T, bind string, change ...func(*authmodule.Config)) browser {
	t.Helper()
	app := startConfigured(t, func(c *authmodule.Config) {
		c.HTTP.RevocationEndpoint, c.HTTP.IntrospectionEndpoint, c.HTTP.KeyEndpoints = true, true, true
		c.AdminEmail = "root@example.com"
		c.SecretKey, c.JWT.Algorithm, c.JWT.Managed.Enabled = "k9mVb3Qp7Zr1Xc5Nt8Wd2Lf6Hg4Js0Ya", "ES256", true
		for _, each := range change {
			each(c)
		}
	}, routes(func(e *echo.Echo) { e.Use(override) }), mounted(), routes(writable), routes(guardedRoutes))
	b := browser{app: app, user: app.User()}
	body := `{"email":"` + b.user.Email + `","password":"` + fxtest.Password + `","mode":"cookie"` + bind + `}`
	w := app.Do(request("POST", "/auth/login", body))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	b.cookie = w.Result().Cookies()[0]
	return b
}

// signedIn reports whether the browser's own requests still work.
func (b browser) signedIn() bool {
	return b.Do(request("GET", "/in", "", sent(b.cookie)...)).Body.String() == b.user.Subject.ID
}

// held requires of the answer to an attack that it is the class's one answer, byte for byte, sets no cookie
// but an empty one, and that nothing has happened behind it.
func (b browser) held(t *testing.T, w *httptest.ResponseRecorder, expected transport.Problem, before int) {
	t.Helper()
	have := problem(t, w)
	assert.Equal(t, expected, have)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	for _, c := range w.Result().Cookies() {
		assert.Empty(t, c.Value)
	}
	assert.Len(t, b.Events(acts()...), before, "nothing happened")
	assert.True(t, b.signedIn(), "the user is still signed in")
}

// acts are the events of whatever changes something.
func acts() []audit.Type {
	var out []audit.Type
	for _, typ := range audit.Types() {
		if typ != audit.BindingFailed && typ != audit.LoginFailed && typ != audit.AccessDenied {
			out = append(out, typ)
		}
	}
	return out
}
