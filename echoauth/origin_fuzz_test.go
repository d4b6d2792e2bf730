package echoauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzOrigins: a write with the session cookie passes for the site's own pages, as browsers name them, and for what no browser sends; there
// is one answer to all others. What is read passes always.
func FuzzOrigins(f *testing.F) {
	app := start(f, routes(writable))
	cookie := sent(app.Cookie(app.Principal()))
	for _, headers := range otherPlaces() {
		seed := map[string]string{}
		for i := 0; i < len(headers); i += 2 {
			seed[headers[i]] = headers[i+1]
		}
		f.Add(seed["Origin"], seed["Sec-Fetch-Site"], "example.com")
	}
	f.Add("https://example.com:8443", "", "example.com:8443")
	f.Add("https://[::1]:1", "same-origin", "[::1]:1")
	f.Add("http://localhost:1", "", "localhost:1")
	f.Fuzz(func(t *testing.T, origin, site, host string) {
		ask := func(method string) (int, string) {
			headers := cookie
			if origin != "" {
				headers = append(headers, "Origin", origin)
			}
			if site != "" {
				headers = append(headers, "Sec-Fetch-Site", site)
			}
			r := request(method, "/write", "", headers...)
			r.Host = host
			w := httptest.NewRecorder()
			app.echo.ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		status, _ := ask("GET")
		require.Equal(t, http.StatusOK, status)
		status, text := ask("POST")
		byWord := site == "same-origin" || site == "none"
		byName := site == "" && (origin == "" || origin == "https://"+host || origin == "http://"+host)
		if status == http.StatusOK {
			require.True(t, byWord || byName)
			return
		}
		require.False(t, byWord || site == "" && origin == "")
		require.Equal(t, http.StatusForbidden, status)
		require.Contains(t, text, `"cross_origin"`)
	})
}
