package echoauth_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/setting"
)

// stream is a handler that stays until its caller no longer is one.
type stream struct {
	caller  chan authn.Principal
	over    chan error
	recheck chan chan error
}

func newStream() stream {
	return stream{caller: make(chan authn.Principal), over: make(chan error, 1), recheck: make(chan chan error)}
}

func (s stream) route(e *echo.Echo) {
	e.GET("/stream", func(c echo.Context) error {
		ctx, stop := echoauth.Watch(c, 0)
		defer stop()
		s.caller <- echoauth.Principal(c)
		for {
			select {
			case <-ctx.Done():
				s.over <- context.Cause(ctx)
				return nil
			case answer := <-s.recheck:
				answer <- echoauth.Recheck(c)
			}
		}
	}, echoauth.OptionalAuth())
}

// ask has the handler look again.
func (s stream) ask() error {
	answer := make(chan error)
	s.recheck <- answer
	return <-answer
}

// watching is an open stream.
type watching struct {
	app app
	stream
	p       authn.Principal
	headers []string
}

// pause lets the time of a bubble pass.
func pause(d time.Duration) func(*testing.T, watching) error {
	return func(*testing.T, watching) error {
		<-time.After(d)
		return nil
	}
}

// watchCase opens a stream with the headers, and ends what they present.
type watchCase struct {
	name    string
	headers func(app app, p authn.Principal) []string
	end     func(t *testing.T, w watching) error
	within  time.Duration
	cause   error
}

func watchCases() []watchCase {
	token := func(app app, p authn.Principal) []string { return bearer(app.Token(p)) }
	cookie := func(app app, p authn.Principal) []string { return sent(app.Cookie(p)) }
	apiKey := func(app app, p authn.Principal) []string { return []string{"Authorization", "ApiKey " + app.APIKey(p)} }
	logout := func(t *testing.T, w watching) error { return w.app.Users.Logout(t.Context(), w.p) }
	disable := func(t *testing.T, w watching) error {
		return w.app.Users.Disable(t.Context(), authn.Principal{}, w.p.Subject)
	}
	tenant := func(t *testing.T, w watching) error {
		return w.app.Users.RevokeTenant(t.Context(), authn.Principal{}, "")
	}
	const soon, polled = 2 * time.Second, authn.DefaultWatch + time.Second
	return []watchCase{
		{"token, logout", token, logout, soon, authn.ErrSessionEnded},
		{"token, disabled", token, disable, soon, authn.ErrSessionEnded},
		{"token, tenant", token, tenant, soon, authn.ErrSessionEnded},
		{"token, revoked", token, func(t *testing.T, w watching) error {
			return w.app.TokenManager.Revoke(t.Context(), setting.Secret(strings.TrimPrefix(w.headers[1], "Bearer ")))
		}, soon, authn.ErrTokenRevoked},
		{"token, expired", token, pause(15 * time.Minute), soon, authn.ErrTokenExpired},
		{"cookie, logout", cookie, logout, polled, authn.ErrSessionEnded},
		{"cookie, disabled", cookie, disable, soon, authn.ErrSessionEnded},
		{"cookie, tenant", cookie, tenant, soon, authn.ErrSessionEnded},
		{"cookie, idle: an open stream is no use", cookie, pause(time.Hour), polled, authn.ErrSessionEnded},
		{"API key, revoked", apiKey, func(t *testing.T, w watching) error {
			return w.app.APIKeys.Revoke(t.Context(), authn.Principal{}, w.p.Subject, w.p.KeyID)
		}, soon, authn.ErrAPIKeyInvalid},
		{"API key, disabled", apiKey, disable, soon, authn.ErrAPIKeyInvalid},
	}
}

// A stream ends soon after its caller logged out, was revoked or disabled, or after the credential expired; until then it stays open.
func TestWatchEndsTheStream(t *testing.T) {
	t.Parallel()
	for _, c := range watchCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStream()
				app := startConfigured(t, func(cfg *authmodule.Config) { cfg.Now, cfg.JWT.AccessTokenExpireMinutes = time.Now, 15 }, mounted(), routes(s.route))
				p, _ := app.Principal("admin"), app.Principal("admin") // the last administrator is not disabled
				headers := c.headers(app, p)
				go app.echo.ServeHTTP(httptest.NewRecorder(), request("GET", "/stream", "", headers...))
				w := watching{app: app, stream: s, p: <-s.caller, headers: headers}
				require.True(t, w.p.Authenticated())
				time.Sleep(5 * time.Minute)
				require.NoError(t, s.ask())
				require.Empty(t, s.over, "it is open as long as the caller is one")

				require.NoError(t, c.end(t, w))
				began := time.Now()
				cause := <-s.over
				require.ErrorIs(t, cause, c.cause)
				assert.LessOrEqual(t, time.Since(began), c.within)
			})
		})
	}
}

// Recheck answers at once what Watch finds in time.
func TestRecheckRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStream()
		app := startConfigured(t, func(cfg *authmodule.Config) { cfg.Now = time.Now }, mounted(), routes(s.route))
		cookie := app.Cookie(app.Principal())
		ctx, leave := context.WithCancel(t.Context())
		go app.echo.ServeHTTP(httptest.NewRecorder(), request("GET", "/stream", "", sent(cookie)...).WithContext(ctx))
		p := <-s.caller
		require.NoError(t, app.Users.Logout(t.Context(), p))
		require.Error(t, s.ask())
		leave()
		require.ErrorIs(t, <-s.over, context.Canceled)
	})
}

// An anonymous caller's stream ends with its request alone, and Recheck refuses.
func TestWatchOfNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStream()
		app := startConfigured(t, func(cfg *authmodule.Config) { cfg.Now = time.Now }, mounted(), routes(s.route))
		ctx, leave := context.WithCancel(t.Context())
		go app.echo.ServeHTTP(httptest.NewRecorder(), request("GET", "/stream", "").WithContext(ctx))
		require.False(t, (<-s.caller).Authenticated())
		require.Error(t, s.ask())
		time.Sleep(time.Hour)
		require.Empty(t, s.over)
		leave()
		require.ErrorIs(t, <-s.over, context.Canceled)
	})
}
