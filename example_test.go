package authmodule_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/labstack/echo/v4"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// One option puts the services into the graph, one Invoke guards the routes.
func Example() {
	routes := func(e *echo.Echo) {
		e.GET("/me", func(c echo.Context) error {
			return c.String(http.StatusOK, echoauth.Principal(c).Email)
		}, echoauth.RequireAuth())
	}
	var e *echo.Echo
	app := fx.New(
		authmodule.Stub(), // Configure(cfg) in the application itself
		fx.Provide(echo.New),
		fx.Invoke(echoauth.Mount, routes),
		fx.Populate(&e), fx.NopLogger,
	)
	if app.Err() != nil {
		fmt.Println(app.Err())
		return
	}
	answer := httptest.NewRecorder()
	e.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/me", nil))
	fmt.Println(answer.Code, answer.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer realm="authmodule"
}

// The same settings can stand in application.yaml; see Load.
func ExampleConfigure() {
	app := fx.New(fx.NopLogger, authmodule.Configure(authmodule.Config{
		Profile: authmodule.ProfileProduction,
		JWT: authn.TokenConfig{
			SecretKey:                setting.Secret("0mC3V0g9c2l3YS1h0oWJxWqk5cJ2b1yH"), // from the environment, in earnest
			AccessTokenExpireMinutes: 15,
		},
		Store:        authmodule.StoreConfig{Driver: authmodule.DriverMemory},
		Registration: authn.RegistrationClosed,
	}))
	fmt.Println(app.Err())
	// Output: <nil>
}

// Each capability is a plain call too, without HTTP.
func ExampleStub() {
	var users *authn.Service
	var roles *authmodule.AuthorizationService
	app := fx.New(fx.NopLogger, authmodule.Stub(),
		authmodule.AddRoles(
			authz.Role{Name: "viewer", Permissions: []string{"articles.read"}},
			authz.Role{Name: "editor", Inherits: []string{"viewer"}, Permissions: []string{"articles.write"}},
		),
		fx.Populate(&users, &roles),
	)
	if app.Err() != nil {
		fmt.Println(app.Err())
		return
	}
	ctx := context.Background()
	user, _ := users.Register(ctx, authn.RegisterRequest{Email: "Ada@Example.com", Password: "correct horse battery staple"})
	_ = roles.Assign(ctx, authn.Principal{}, user.Subject, "editor")
	grant, _ := users.Login(ctx, authn.LoginRequest{Email: "ada@example.com", Password: "correct horse battery staple"})
	principal, _ := users.AuthenticateToken(ctx, grant.AccessToken, authn.Client{})

	decision, _ := roles.Authorize(ctx, principal, "articles.read", authz.Resource{})
	fmt.Println(principal.Email, decision.Allowed, decision.Path)
	decision, _ = roles.Authorize(ctx, principal, "articles.delete", authz.Resource{})
	fmt.Println(decision.Allowed, decision.Reason)
	fmt.Println(grant.RefreshToken) // secrets do not print themselves
	// Output:
	// ada@example.com true [editor viewer]
	// false missing_permission
	// [redacted]
}

// A store of the application's own takes the place of the driver's, from any module.
func ExampleUseUserStore() {
	accounts := fx.Module("accounts", authmodule.UseUserStore(func() *memstore.Store { return memstore.New() }))
	twice := fx.New(fx.NopLogger, authmodule.Stub(), accounts, accounts)
	fmt.Println(twice.Err() != nil)
	// Output: true
}

// A notifier brings links and codes to the owners of accounts. With one, addresses are verified before the first login.
func ExampleUseNotifier() {
	var accounts *authmodule.AccountService
	sent := make(chan account.Notice, 1)
	app := fx.New(fx.NopLogger, authmodule.Stub(), fx.Populate(&accounts),
		authmodule.UseNotifier(func() account.Notifier { return outgoing(sent) }),
	)
	ctx := context.Background()
	if err := app.Start(ctx); err != nil { // notices are sent while the application runs
		fmt.Println(err)
		return
	}
	defer func() { _ = app.Stop(ctx) }()
	_ = accounts.Register(ctx, authn.RegisterRequest{Email: "ada@example.com", Password: "correct horse battery staple"})
	notice := <-sent
	_, token, _ := strings.Cut(notice.Link.Reveal(), "#")
	fmt.Println(notice.Kind, notice.To)
	fmt.Println(accounts.VerifyEmail(ctx, setting.Secret(token), authn.Client{}))
	// Output:
	// verify_email ada@example.com
	// <nil>
}

type outgoing chan<- account.Notice

// Notify implements [account.Notifier].
func (o outgoing) Notify(_ context.Context, n account.Notice) error {
	o <- n
	return nil
}

// Listeners are told what happened.
func ExampleAddListener() {
	var users *authn.Service
	_ = fx.New(fx.NopLogger, authmodule.Stub(), fx.Populate(&users), authmodule.AddListener(func() audit.Listener {
		return audit.ListenerFunc(func(_ context.Context, e audit.Event) { fmt.Println(e.Type, e.Reason) })
	}))
	_, _ = users.Login(context.Background(), authn.LoginRequest{Email: "nobody@example.com", Password: "whatever it may be"})
	// Output: login.failed invalid_credentials
}
