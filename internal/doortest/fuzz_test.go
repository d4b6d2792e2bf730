package doortest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzHeaders: whatever a caller sends to a route, all doors give the same answer, and nobody gets in.
func FuzzHeaders(f *testing.F) {
	h := open(f, plan{routes: guarded()})
	p := h.Principal("reader")
	token, cookie := h.Token(p), h.Cookie(p)
	f.Add("Bearer "+token[:len(token)-20], "", "", "", `{}`)
	f.Add("bearer x", cookie.Name+"=x", "same-origin", "https://example.com", "")
	f.Add("ApiKey x", cookie.Name+"=x; "+cookie.Name+"=y", "cross-site", "null", `{"email":"a@b.c"}`)
	f.Add("", `"`, "none", "", "\x00")
	f.Fuzz(func(t *testing.T, authorization, cookies, site, origin, body string) {
		for _, q := range []query{post("/auth-only", ""), post("/optional", ""), post("/auth/login", body), post("/auth/logout", body), get("/read")} {
			for name, value := range map[string]string{"Authorization": authorization, "Cookie": cookies, "Sec-Fetch-Site": site, "Origin": origin} {
				if value != "" {
					q.headers = append(q.headers, name, value)
				}
			}
			w := h.same(t, q)
			if q.path != "/optional" {
				assert.GreaterOrEqual(t, w.Code, http.StatusBadRequest, q)
			}
			assert.Contains(t, []string{"", "no-store"}, w.Header().Get("Cache-Control"))
		}
	})
}
