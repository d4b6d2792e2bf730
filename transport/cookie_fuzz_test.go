package transport_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/transport"
)

// FuzzCookieHeaders: whatever cookies are sent, a session is found only where its one cookie stands, and no answer is a 5xx or
// tells how the cookies were wrong. What net/http reads as two cookies of the name is never one (CK-04).
func FuzzCookieHeaders(f *testing.F) {
	app := start(f)
	user := app.User()
	grant, err := app.Users.Login(f.Context(), authn.LoginRequest{Email: user.Email, Password: password, Carrier: authn.CarrierCookie})
	require.NoError(f, err)
	const name = transport.CookieName
	good := name + "=" + grant.Cookie.Reveal()
	for _, seed := range [][2]string{
		{good, ""}, {good, good}, {good + "; a=b", "c=d"}, {good + "; " + name, ""}, {name + "=\x01; " + good, ""}, {"\u2000" + good, ""},
		{strings.Replace(good, "=", " =", 1), ""}, {strings.Replace(good, "=", `="`, 1) + `"`, good}, {good + ",a", ""}, {";;; " + good, "; ;=;"},
		{"$Version=1; " + good, "$Path=/"}, {good + ";", " " + name + "=x"}, {"a=\"; " + good + "; \"", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		r := httptest.NewRequest("GET", "/auth/me", nil)
		r.Header["Cookie"] = []string{first, second}
		w := app.Do(r)
		if w.Code != http.StatusOK {
			require.Equal(t, "unauthenticated", problem(t, w).Code)
			return
		}
		pairs := strings.Split(first+";"+second, ";")
		require.True(t, slices.ContainsFunc(pairs, func(pair string) bool { return strings.Trim(pair, " \t") == good }), "%q %q", first, second)
		require.LessOrEqual(t, len(r.CookiesNamed(name)), 1, "%q %q", first, second)
	})
}
