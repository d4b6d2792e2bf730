package fxtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/mfa"
)

// TB is what this package needs of *testing.T and *testing.B.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// App is a started application. Its fields are the services of its graph.
type App struct {
	TokenManager         *authmodule.TokenManager
	AuthorizationService *authmodule.AuthorizationService
	SessionManager       *authmodule.SessionManager
	Users                *authn.Service
	// APIKeys is nil when the configuration switches them off.
	APIKeys *authn.APIKeys
	// SigningKeys is nil unless the configuration has the module manage them.
	SigningKeys *authn.KeyManager
	// MFA is nil unless the configuration enables it.
	MFA      *mfa.Service
	Accounts *authmodule.AccountService
	// Throttle is nil if it is disabled.
	Throttle *authn.Throttle
	// Journal is nil unless the configuration switches it on.
	Journal *audit.Journal

	t      TB
	echo   *echo.Echo
	auth   *echoauth.Auth
	setup  *authn.AdminSetup
	clock  *clock
	events *recorder
	made   int
}

// New starts an application with [authmodule.Stub] and the options, and stops it
// when the test ends. A graph that does not start fails the test.
func New(t TB, options ...fx.Option) *App {
	t.Helper()
	return NewConfigured(t, func(*authmodule.Config) {}, options...)
}

// NewConfigured is New with a change to the configuration, such as a shorter
// session or a limit. Config.Now is the test's clock already.
func NewConfigured(t TB, change func(*authmodule.Config), options ...fx.Option) *App {
	t.Helper()
	a := &App{t: t, clock: newClock(time.Now()), events: &recorder{}}
	app := fx.New(
		authmodule.Stub(func(c *authmodule.Config) { c.Now = a.clock.Now }, change),
		authmodule.AddListener(func() audit.Listener { return a.events }),
		fx.Options(options...),
		fx.Populate(&a.TokenManager, &a.AuthorizationService, &a.SessionManager, &a.Users, &a.APIKeys, &a.SigningKeys, &a.MFA, &a.Accounts, &a.Throttle, &a.Journal),
		fx.Invoke(a.adopt),
		fx.NopLogger,
	)
	if err := app.Start(context.Background()); err != nil {
		t.Fatalf("fxtest: the application does not start: %v", err)
	}
	t.Cleanup(func() {
		if err := app.Stop(context.Background()); err != nil {
			t.Fatalf("fxtest: the application does not stop: %v", err)
		}
	})
	return a
}

type adopted struct {
	fx.In
	Auth  *echoauth.Auth
	Setup *authn.AdminSetup
	Echo  *echo.Echo `optional:"true"`
}

func (a *App) adopt(in adopted) { a.echo, a.auth, a.setup = in.Echo, in.Auth, in.Setup }

// AdminSetup returns what makes the first administrator; nil unless Config.AdminEmail is set.
func (a *App) AdminSetup() *authn.AdminSetup { return a.setup }

// Do sends a request to the application's *echo.Echo, without a network, and returns the answer.
func (a *App) Do(r *http.Request) *httptest.ResponseRecorder {
	a.t.Helper()
	if a.echo == nil {
		a.t.Fatalf("fxtest: Do needs an *echo.Echo in the graph: add fx.Provide(echo.New)")
	}
	w := httptest.NewRecorder()
	a.echo.ServeHTTP(w, r)
	return w
}
