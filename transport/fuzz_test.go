package transport_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// FuzzReadBody: whatever a login request holds, the answer is never a 5xx, and a 200 needs the right password.
func FuzzReadBody(f *testing.F) {
	app := start(f)
	user := app.User()
	for _, body := range []string{
		credentials(f, user.Email, password), `{"email":"\ud800","password":1}`, `{"mode":"cookie"}`, `[]`, `{`, "",
		`{"email":{"a":[1,2,{}]},"password":"\u0000"}`, "{\"email\":\"\xff\"}", `{"email":1e400,"password":-}`,
	} {
		f.Add(body, "application/json")
	}
	f.Add("{}", "text/plain")
	f.Fuzz(func(t *testing.T, body, contentType string) {
		r := httptest.NewRequest("POST", "/auth/login", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		w := app.Do(r)
		if w.Code == http.StatusOK {
			var have map[string]any
			require.NoError(t, json.Unmarshal([]byte(body), &have))
			require.Equal(t, password, have["password"])
			email, err := authn.CanonicalEmail(have["email"].(string))
			require.NoError(t, err)
			require.Equal(t, user.Email, email)
			return
		}
		require.Less(t, w.Code, 500, w.Body.String())
		problem(t, w)
	})
}

// FuzzAuthorization: no header but a real token's authenticates, and none makes a 5xx.
func FuzzAuthorization(f *testing.F) {
	app := start(f)
	token := app.Token(app.Principal())
	for _, seed := range []string{"Bearer " + token, "bearer " + token, "Bearer  x", "Bearer a.b.c", "Basic dTpw", "Bearer", "", "Bearer\t" + token, "Bearer " + token + "."} {
		f.Add(seed, "__Host-session=cs_a_b")
	}
	f.Fuzz(func(t *testing.T, header, cookie string) {
		r := httptest.NewRequest("GET", "/auth/me", nil)
		r.Header["Authorization"] = []string{header}
		r.Header["Cookie"] = []string{cookie}
		w := app.Do(r)
		if w.Code == http.StatusOK {
			require.True(t, strings.EqualFold(header[:7], "Bearer ") && header[7:] == token)
			return
		}
		require.Equal(t, http.StatusUnauthorized, w.Code)
		problem(t, w)
	})
}
