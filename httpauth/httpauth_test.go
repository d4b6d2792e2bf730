package httpauth_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/httpauth"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

// app is a started application with the module mounted on a mux.
type app struct {
	*fxtest.App
	mux  *http.ServeMux
	auth *httpauth.Auth
}

func start(t testing.TB, options ...fx.Option) app {
	t.Helper()
	var a app
	a.App = fxtest.New(t, append(options, fx.Provide(http.NewServeMux), fx.Invoke(httpauth.Mount), fx.Populate(&a.mux, &a.auth))...)
	return a
}

func (a app) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.auth.Authenticate(a.mux).ServeHTTP(w, r)
	return w
}

// answer is what came over the network, up to the end of the first line.
type answer struct {
	status int
	header http.Header
	line   string
}

// serve starts a server on the network, and returns what gets a path of it with the headers.
func (a app) serve(t testing.TB) func(path string, headers ...string) answer {
	t.Helper()
	server := httptest.NewServer(a.auth.Authenticate(a.mux))
	t.Cleanup(server.Close)
	return func(path string, headers ...string) answer {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL+path, nil)
		require.NoError(t, err)
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		response, err := server.Client().Do(r)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		line, _ := bufio.NewReader(response.Body).ReadString('\n') // what there is
		return answer{response.StatusCode, response.Header, line}
	}
}

func who(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, httpauth.Principal(r).Subject.ID, authn.PrincipalFrom(r.Context()).Subject.ID, r.PathValue("id"))
}

func request(method, path, body string, headers ...string) *http.Request {
	return webtest.Request(method, path, body, headers...)
}

func TestPrincipalAndPathValues(t *testing.T) {
	t.Parallel()
	app := start(t)
	app.mux.Handle("GET /with/{id}", httpauth.RequireAuth()(http.HandlerFunc(who)))
	p := app.Principal()
	w := app.do(request("GET", "/with/a%2Fb", "", webtest.Bearer(app.Token(p))...))
	assert.Equal(t, p.Subject.ID+p.Subject.ID+"a/b", w.Body.String())
	assert.False(t, httpauth.Principal(request("GET", "/", "")).Authenticated())
}

func TestMountNeedsBothAndRoom(t *testing.T) {
	t.Parallel()
	_, err := httpauth.New(nil)
	assert.Error(t, err)
	app := start(t)
	assert.Error(t, httpauth.Mount(nil, app.auth))
	assert.Error(t, httpauth.Mount(http.NewServeMux(), nil))
	assert.ErrorContains(t, httpauth.Mount(app.mux, app.auth), "auth.http.prefix", "mounted already")
	taken := http.NewServeMux()
	taken.HandleFunc("POST /auth/login", who)
	assert.ErrorContains(t, httpauth.Mount(taken, app.auth), "/auth/login")
}

// The module's handler authenticates where nothing did, and once where something did.
func TestHandler(t *testing.T) {
	t.Parallel()
	asked := 0
	app := start(t, authmodule.AddAuthenticator(func() transport.Authenticator { return counter{&asked} }))
	own := app.auth.Handler()
	token := webtest.Bearer(app.Token(app.Principal()))
	for name, h := range map[string]http.Handler{"alone": own, "within": app.auth.Authenticate(own)} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("GET", "/auth/me", "", token...))
		assert.Equal(t, http.StatusOK, w.Code, name)
		asked = 0
		w = httptest.NewRecorder()
		h.ServeHTTP(w, request("GET", "/auth/me", ""))
		assert.Equal(t, http.StatusUnauthorized, w.Code, name)
		assert.Equal(t, 1, asked, name)
		w = httptest.NewRecorder()
		h.ServeHTTP(w, request("GET", "/elsewhere", "", token...))
		assert.Equal(t, http.StatusNotFound, w.Code, name)
	}
}

// Another gate's caller counts for nothing.
func TestAnotherGate(t *testing.T) {
	t.Parallel()
	outer, inner := start(t), start(t)
	outer.mux.Handle("GET /in", inner.auth.Authenticate(httpauth.RequireAuth()(http.HandlerFunc(who))))
	p := inner.Principal()
	assert.Equal(t, http.StatusUnauthorized, outer.do(request("GET", "/in", "", webtest.Bearer(outer.Token(outer.Principal()))...)).Code)
	w := outer.do(request("GET", "/in", "", webtest.Bearer(inner.Token(p))...))
	assert.Equal(t, p.Subject.ID+p.Subject.ID, w.Body.String())
}

// counter counts how often it is asked.
type counter struct{ asked *int }

func (counter) Name() string { return "counter" }

func (c counter) Authenticate(*http.Request) (authn.Principal, error) {
	*c.asked++
	return authn.Principal{}, transport.ErrNoCredential
}

// Streams flush, connections are hijacked and deadlines set, with every credential.
func TestWritersKeepTheirAbilities(t *testing.T) {
	t.Parallel()
	app := start(t)
	guard := httpauth.OptionalAuth()
	app.mux.Handle("GET /flush", guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public")
		fmt.Fprint(w, "first\n")
		w.(http.Flusher).Flush()
		assert.NoError(t, http.NewResponseController(w).Flush())
		assert.NoError(t, http.NewResponseController(w).SetWriteDeadline(time.Time{}))
		<-r.Context().Done() // the test has read the first line by then
	})))
	app.mux.Handle("GET /hijack", guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			_, _ = io.WriteString(conn, "HTTP/1.1 299 Mine\r\nContent-Length: 0\r\n\r\n")
			_ = conn.Close()
		}
	})))
	ask := app.serve(t)
	for name, tc := range map[string]struct {
		headers []string
		cache   string
	}{
		"token":        {webtest.Bearer(app.Token(app.Principal())), "public"},
		"cookie":       {webtest.Sent(app.Cookie(app.Principal())), "public"},
		"stale cookie": {[]string{"Cookie", transport.CookieName + "=x"}, "no-store"},
	} {
		flushed := ask("/flush", tc.headers...)
		assert.Equal(t, "first\n", flushed.line, name)
		assert.Equal(t, tc.cache, flushed.header.Get("Cache-Control"), name)
		assert.Equal(t, 299, ask("/hijack", tc.headers...).status, name)
	}
}

// CK-05: however an answer that clears the cookie begins, no cache keeps it.
func TestAnswersThatBeginInOtherWays(t *testing.T) {
	t.Parallel()
	app := start(t)
	public := func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "public") }
	for path, handle := range map[string]func(w http.ResponseWriter){
		"/silent": public,
		"/status": func(w http.ResponseWriter) { public(w); w.WriteHeader(http.StatusAccepted) },
		"/flush":  func(w http.ResponseWriter) { public(w); w.(http.Flusher).Flush() },
		"/controlled": func(w http.ResponseWriter) {
			public(w)
			assert.NoError(t, http.NewResponseController(w).Flush())
		},
		"/file": func(w http.ResponseWriter) {
			public(w)
			n, err := io.Copy(w, io.LimitReader(strings.NewReader("a file"), 4)) // which leaves it to ReadFrom
			assert.NoError(t, err)
			assert.EqualValues(t, 4, n)
		},
		"/hints": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusEarlyHints)
			public(w)
			fmt.Fprint(w, "after hints")
		},
	} {
		app.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { handle(w) })
	}
	ask := app.serve(t)
	for _, path := range []string{"/silent", "/status", "/flush", "/controlled", "/file", "/hints"} {
		assert.Equal(t, "no-store", ask(path, "Cookie", transport.CookieName+"=x").header.Get("Cache-Control"), path)
		assert.Equal(t, "public", ask(path).header.Get("Cache-Control"), path)
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	app := start(t)
	testCases := []struct {
		err    error
		status int
		code   string
	}{
		{authn.ErrSessionRenewed, 409, "session_renewed"},
		{fmt.Errorf("mine: %w", authn.ErrLoginRequired), 403, "session_required"},
		{&transport.Problem{Status: 418, Code: "teapot"}, 418, "teapot"},
		{&transport.Problem{Status: 200, Code: "fine"}, 500, "internal_error"},
		{errors.New("secret-canary"), 503, "unavailable"},
		{nil, 503, "unavailable"},
	}
	for _, tc := range testCases {
		h := app.auth.Authenticate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			httpauth.Error(w, r, tc.err)
		}))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("GET", "/", ""))
		p, err := webtest.Problem(w)
		require.NoError(t, err)
		assert.Equal(t, []any{tc.status, tc.code}, []any{w.Code, p.Code})
		assert.NotContains(t, w.Body.String(), "canary")
		assert.Empty(t, w.Header().Get("Content-Length"))
	}
}

// Where nothing authenticates, nothing is done and nobody is let in.
func TestWhereNothingAuthenticates(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"renew":   httpauth.RenewSession(httptest.NewRecorder(), request("POST", "/", "")),
		"recheck": httpauth.Recheck(request("POST", "/", "")),
	} {
		var p *transport.Problem
		require.ErrorAs(t, err, &p, name)
		assert.Equal(t, "not_mounted", p.Code, name)
	}
	ctx, stop := httpauth.Watch(request("GET", "/", ""), 0)
	defer stop()
	assert.Error(t, ctx.Err())
	w := httptest.NewRecorder()
	httpauth.Error(w, request("GET", "/", ""), authn.ErrLoginRequired)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
}

// A watched request ends with its session.
func TestWatch(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Principal()
	app.mux.HandleFunc("GET /watch", func(w http.ResponseWriter, r *http.Request) {
		ctx, stop := httpauth.Watch(r, time.Hour)
		defer stop()
		require.NoError(t, ctx.Err())
		require.NoError(t, app.Users.Disable(r.Context(), p, p.Subject))
		<-ctx.Done()
		httpauth.Error(w, r, httpauth.Recheck(r))
	})
	w := app.do(request("GET", "/watch", "", webtest.Bearer(app.Token(p))...))
	problem, err := webtest.Problem(w)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, problem.Status)
}
