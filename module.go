// Package authmodule is the authentication and authorization layer of an
// fx and Echo application: one import guards it.
//
// # Five minutes
//
// Configure puts the token manager, the authorization service, the session
// manager and the login service into the graph, and Mount puts them in front
// of every route:
//
//	fx.New(
//		authmodule.Configure(authmodule.Config{}),
//		fx.Provide(echo.New),
//		fx.Invoke(echoauth.Mount, routes, serve),
//	).Run()
//
// Configure with an empty Config works: development, a store in memory, and a
// signing key that lasts as long as the process. A warning says so. Staging
// and production refuse to start that way, and say what to set.
//
// # Guards
//
// A guard is one argument of a route or a group:
//
//	func routes(e *echo.Echo, az *authmodule.AuthorizationService) {
//		e.GET("/me", me, echoauth.RequireAuth())
//		admin := e.Group("/admin", echoauth.RequireRoles("admin"))
//		admin.DELETE("/articles/:id", del, echoauth.RequirePermissions("articles.delete"))
//	}
//
// Every route has one, or echoauth.Public(). The start finds those that were forgotten: development warns, and staging and
// production do not start.
//
// Roles and their permissions come from configuration (auth.rbac.roles), from
// code (AddRoles) and from the store ([AuthorizationService] DefineRole). Who has which
// role is stored; an account without any has the default role, viewer.
//
// # Routes that come with it
//
// Below /auth: POST /register, /login, /refresh and /logout, GET /me, GET and
// DELETE /sessions, DELETE /sessions/:id, and GET and POST /api-keys with what belongs to them; and GET /.well-known/jwks.json.
// Login answers with an access token and a refresh token, or, asked for
// "mode":"cookie", with a session cookie.
//
// # Configuration
//
// Load reads application.yaml, its profile's overlay and the environment, and
// docs/configuration.md lists every key. The same Config can be written in code.
//
// # Replacing parts
//
// Every store is a port that the application may fill: UseUserStore and its
// like take a constructor, from any fx module. A second one for a port, a
// missing dependency, nil or a wrong type is an error at start that names its line.
//
// # Tests
//
// Stub is the same graph with memory stores, cheap hashing and throw-away
// keys. Package fxtest boots it, mints principals and tokens, moves the clock and records events.
package authmodule

import (
	"fmt"
	"os"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/bundle"
	"github.com/authmodule/authmodule/health"
	"github.com/authmodule/authmodule/session"
)

// The services that Configure puts into the graph, by the names of the guide.
type (
	// TokenManager signs and verifies access tokens.
	TokenManager = authn.TokenManager
	// AuthorizationService decides what a caller may do.
	AuthorizationService = authz.Service
	// SessionManager lists and ends sessions.
	SessionManager = session.Manager
	// AccountService is what owners do with their accounts, and administrators with those of others.
	AccountService = account.Service
	// Health says whether the stores answer; [Health.Check] is for readiness probes.
	Health = health.Service
	// Principal is the caller of a request.
	Principal = authn.Principal
)

// Configure returns the module for fx.New, or for any fx.Module. A refused
// configuration is an error of the application, and stands on stderr too,
// whatever logger fx has.
func Configure(cfg Config) fx.Option {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		refuse(err)
		return fx.Error(err)
	}
	settings := cfg.settings()
	settings.Warnings = cfg.Warnings()
	return bundle.Module(settings)
}

// Stub returns the same graph for tests: stores in memory, cheap password
// hashing, keys that are thrown away, registration open. Changes are applied
// to that configuration, in order. It refuses to run where LEX_ENV is staging
// or production. Package fxtest has more on top of it.
func Stub(changes ...func(*Config)) fx.Option {
	if env := Profile("").orEnvironment(); env.Strict() {
		err := fmt.Errorf("authmodule: Stub is for tests and LEX_ENV is %q; use Configure there", string(env))
		refuse(err)
		return fx.Error(err)
	}
	cfg := Config{Profile: ProfileDevelopment, Registration: authn.RegistrationOpen, Store: StoreConfig{Driver: DriverMemory}}
	cfg.Password = authn.PasswordConfig{MemoryKiB: 64, Iterations: 1, Parallelism: 1, Queue: 4096}
	for _, change := range changes {
		change(&cfg)
	}
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		refuse(err)
		return fx.Error(err)
	}
	return bundle.Module(cfg.settings())
}

func (c Config) settings() bundle.Settings {
	s := bundle.Settings{
		SecretKey: c.SecretKey, PreviousSecretKeys: c.PreviousSecretKeys, Tokens: c.JWT, Revocation: c.Revocation, Passwords: c.Password, Throttle: c.Throttle, Sessions: c.Session, APIKeys: c.APIKeys, MFA: c.MFA, Account: c.Account, SMTP: c.SMTP, Issuers: c.Issuers, Roles: c.RBAC, HTTP: c.HTTP,
		Store: bundle.StoreSettings{
			Driver: c.Store.Driver, DSN: c.Store.DSN, MaxConnections: int(c.Store.MaxConnections), Migrate: c.Store.Migrate, MaxRecords: int(c.Store.MaxRecords),
			Timeout: time.Duration(c.Store.TimeoutSeconds) * time.Second, Sessions: c.Store.Sessions, Redis: c.Store.Redis.settings(),
		},
		Journal:      bundle.JournalSettings{Enabled: c.Audit.Journal, Keep: c.Audit.KeepDays.Duration(), Verify: c.Audit.VerifyHours.Duration()},
		Binding:      c.Binding,
		Registration: c.Registration, AdminEmail: c.AdminEmail, ImpersonationLifetime: time.Duration(c.ImpersonationMinutes) * time.Minute,
		Ephemeral: !c.Profile.Strict(), Explain: c.explains(),
		Now: c.Now, Rand: c.Rand, Refused: refuse,
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return s
}

// explains reports whether a 403 says what was missing.
func (c Config) explains() bool {
	switch c.RBAC.ExplainDenials {
	case authz.ExplainAlways:
		return true
	case authz.ExplainNever:
		return false
	default:
		return !c.Profile.Strict()
	}
}

// refuse writes to stderr why the application does not start, one line for each reason.
func refuse(err error) {
	reasons := strings.Split(err.Error(), "\n")
	if len(reasons) == 1 {
		fmt.Fprintln(os.Stderr, "authmodule: refused to start:", strings.TrimPrefix(reasons[0], "authmodule: "))
		return
	}
	fmt.Fprintln(os.Stderr, "authmodule: refused to start:")
	for _, reason := range reasons {
		fmt.Fprintln(os.Stderr, "  -", reason)
	}
}
