package echoauth_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exchange sends a request as it is written to a real server, and returns the status and the body of the answer.
func exchange(t *testing.T, server *httptest.Server, lines ...string) (int, string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, strings.Join(append(lines, "Connection: close"), "\r\n")+"\r\n\r\n")
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

// What a server makes of a request line, of Host and of Cookie headers is tried on a real one.
func TestForgeriesOnTheWire(t *testing.T) {
	t.Parallel()
	b := openBrowser(t, "")
	server := httptest.NewServer(b.echo)
	t.Cleanup(server.Close)
	good := "Cookie: " + b.cookie.Name + "=" + b.cookie.Value
	for name, tc := range map[string]struct {
		line    string
		headers []string
		status  int
		text    string
	}{
		"control": {"POST /write HTTP/1.1", []string{"Host: app.example.com", "Origin: https://app.example.com", "Content-Length: 0", good}, 200, b.user.Subject.ID},
		"control, absolute form": {
			"POST http://app.example.com/write HTTP/1.1", []string{"Host: app.example.com", "Origin: https://app.example.com", "Content-Length: 0", good}, 200, b.user.Subject.ID,
		},
		"absolute form, foreign Origin": {
			"POST http://app.example.com/write HTTP/1.1", []string{"Host: evil.net", "Origin: https://evil.net", "Content-Length: 0", good}, 403, "cross_origin",
		},
		"absolute form, user":  {"POST http://evil.net@app.example.com/write HTTP/1.1", []string{"Host: evil.net", "Origin: https://evil.net", "Content-Length: 0", good}, 403, "cross_origin"},
		"two Host headers":     {"POST /write HTTP/1.1", []string{"Host: app.example.com", "Host: evil.net", "Origin: https://evil.net", good}, 400, ""},
		"no Host header":       {"POST /write HTTP/1.1", []string{"Origin: https://evil.net", good}, 400, "missing required Host header"},
		"broken Host header":   {"POST /write HTTP/1.1", []string{"Host: evil.net/app", "Origin: https://evil.net/app", "Content-Length: 0", good}, 400, "malformed Host header"},
		"HTTP/1.0 without one": {"POST /write HTTP/1.0", []string{"Origin: https://evil.net", "Content-Length: 0", good}, 403, "cross_origin"},
		"folded Origin":        {"POST /write HTTP/1.1", []string{"Host: app.example.com", "Origin: https://evil.net", " https://app.example.com", "Content-Length: 0", good}, 403, "cross_origin"},
		"space before a colon": {"POST /write HTTP/1.1", []string{"Host: app.example.com", "Origin : https://evil.net", good}, 400, ""},
		"method overridden after routing": {
			"POST /write?_method=GET HTTP/1.1", []string{"Host: app.example.com", "Origin: https://evil.net", "Content-Length: 0", good}, 403, "cross_origin",
		},
		"the same, chunked": {
			"POST /write?_method=GET HTTP/1.1", []string{"Host: app.example.com", "Origin: https://evil.net", good, "Transfer-Encoding: chunked", "", "0"}, 403, "cross_origin",
		},
		"method in lower case":  {"post /write HTTP/1.1", []string{"Host: app.example.com", "Origin: https://evil.net", "Content-Length: 0", good}, 405, ""},
		"cookie planted before": {"GET /in HTTP/1.1", []string{"Host: app.example.com", "Cookie: __Host-session=x", good}, 401, "unauthenticated"},
		"cookie planted after":  {"GET /in HTTP/1.1", []string{"Host: app.example.com", good, "cookie: __Host-session=\x01"}, 400, ""},
		"NUL in the cookie":     {"GET /in HTTP/1.1", []string{"Host: app.example.com", good + "\x00"}, 400, ""},
	} {
		status, body := exchange(t, server, append([]string{tc.line}, tc.headers...)...)
		assert.Equal(t, tc.status, status, "%s: %s", name, body)
		assert.Contains(t, body, tc.text, name)
	}
	assert.True(t, b.signedIn())
}

// In HTTP/2 a browser may send each cookie in a field of its own, and the server joins them.
func TestForgeriesOverHTTP2(t *testing.T) {
	t.Parallel()
	b := openBrowser(t, "")
	server := httptest.NewUnstartedServer(b.echo)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	do := func(method, path string, headers ...string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
		require.NoError(t, err)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		answer, err := server.Client().Do(r)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		require.Equal(t, 2, answer.ProtoMajor)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return fmt.Sprint(answer.StatusCode, " ", string(body))
	}
	good := sent(b.cookie)
	foreign := append(good, "Origin", "https://evil.net")
	assert.Contains(t, do("GET", "/in", append(good, "Cookie", "a=b")...), b.user.Subject.ID, "control")
	assert.Contains(t, do("POST", "/write", append(good, "Origin", server.URL)...), b.user.Subject.ID, "control")
	assert.Contains(t, do("GET", "/in", append(good, "Cookie", received+"x")...), "unauthenticated")
	assert.Contains(t, do("POST", "/write", foreign...), "cross_origin")
	assert.Contains(t, do("POST", "/write?_method=GET", foreign...), "cross_origin")
	assert.Contains(t, do("POST", "/auth/logout?_method=GET", foreign...), "cross_origin")
	assert.Contains(t, do("GET", "/write", foreign...), b.user.Subject.ID, "a read is the user's")
}
