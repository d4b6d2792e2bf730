package webtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/webtest"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	small := strings.ToLower("Cookie")
	r := webtest.Request("POST", "/x", "{}", "Content-Type", "text/plain", small, "a=b")
	assert.Equal(t, []string{"text/plain"}, r.Header["Content-Type"])
	assert.Equal(t, []string{"a=b"}, r.Header[small], "as it is spelt")
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	assert.Equal(t, "{}", string(body))
	r = webtest.Request("POST", "/x", "{}", append(webtest.Bearer("t"), webtest.Sent(&http.Cookie{Name: "n", Value: "v"})...)...)
	assert.Equal(t, http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer t"}, "Cookie": {"n=v"}}, r.Header)
	assert.Empty(t, webtest.Request("GET", "/x", "").Header)
}

func TestProblem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, typ, challenge, body string
		code                       int
		fails                      bool
	}{
		{"proper", "application/problem+json", "", `{"status":403,"code":"c"}`, 403, false},
		{"proper 401", "application/problem+json", "Bearer", `{"status":401,"code":"c"}`, 401, false},
		{"another type", "application/json", "", `{"status":403,"code":"c"}`, 403, true},
		{"no JSON", "application/problem+json", "", `{`, 403, true},
		{"another status", "application/problem+json", "", `{"status":404,"code":"c"}`, 403, true},
		{"no code", "application/problem+json", "", `{"status":403}`, 403, true},
		{"401 without a challenge", "application/problem+json", "", `{"status":401,"code":"c"}`, 401, true},
		{"403 with a challenge", "application/problem+json", "Bearer", `{"status":403,"code":"c"}`, 403, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			w.Header().Set("Content-Type", tc.typ)
			if tc.challenge != "" {
				w.Header().Set("WWW-Authenticate", tc.challenge)
			}
			w.WriteHeader(tc.code)
			_, _ = io.WriteString(w, tc.body)
			p, err := webtest.Problem(w)
			assert.Equal(t, tc.fails, err != nil, "%v", err)
			if !tc.fails {
				assert.Equal(t, "c", p.Code)
			}
			assert.Contains(t, webtest.Dump(w), tc.body)
		})
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	var logs webtest.Logs
	_, err := fmt.Fprint(&logs, "a", "b")
	require.NoError(t, err)
	assert.Equal(t, "ab", logs.String())
}
