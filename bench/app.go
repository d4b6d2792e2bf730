package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/store/memstore"
)

// app is a started application of this module: Configure's graph with the
// memory store, and n accounts that are logged in.
type app struct {
	fx    *fx.App
	echo  *echo.Echo
	users *authn.Service
	roles *authz.Service
	keys  *authn.APIKeys
	store *memstore.Store
	// public verifies the tokens.
	public any
	// subjects, and a token of each.
	subjects, tokens []string
	ahead            atomic.Int64
	// stranger is the token of an account that may do nothing.
	stranger string
}

// settled is how long after a change of its roles an account is remembered again.
const settled = 11 * time.Second

// newApp starts an application whose accounts may all read docs.
func newApp(algorithm string, n int, changes ...func(*authmodule.Config)) (*app, error) {
	a := &app{store: memstore.New()}
	var tokens *authmodule.TokenManager
	rules := newPolicy(manyRules)
	a.fx = fx.New(
		authmodule.Stub(append(changes, func(c *authmodule.Config) {
			signWith(c, algorithm)
			c.RBAC = rules.config()
			c.Now = a.now
		})...),
		authmodule.UseUserStore(func() authn.UserStore { return a.store }),
		fx.Provide(echo.New, func() *slog.Logger { return slog.New(slog.DiscardHandler) }),
		fx.Populate(&a.echo, &a.users, &a.roles, &a.keys, &tokens),
		fx.Invoke(echoauth.Mount, func(e *echo.Echo) { routes(e, echoauth.RequirePermissions("docs.read")) }),
		fx.NopLogger,
	)
	if err := a.fx.Start(context.Background()); err != nil {
		return nil, err
	}
	var err error
	if a.public, err = verifyingKey(algorithm, tokens); err != nil {
		return nil, err
	}
	if err := a.fill(n, rules); err != nil {
		return nil, err
	}
	a.ahead.Store(int64(settled))
	return a, nil
}

// now is the time, once the accounts were made as if that had been a while ago.
func (a *app) now() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }

func (a *app) fill(n int, rules policy) error {
	for i := range n {
		token, err := a.account(fmt.Sprintf("usr%033d", i), rules.top(i))
		if err != nil {
			return err
		}
		a.tokens = append(a.tokens, token)
	}
	var err error
	a.stranger, err = a.account("stranger", "")
	return err
}

// account stores an account and logs it in.
func (a *app) account(id, role string) (token string, err error) {
	ctx, subject := context.Background(), authn.Subject{ID: id}
	user := authn.User{Subject: subject, Email: id + "@example.com", CreatedAt: a.now(), CredentialVersion: 1, Version: 1}
	if err := a.store.CreateUser(ctx, user); err != nil {
		return "", err
	}
	if role != "" {
		a.subjects = append(a.subjects, id)
		if err := a.roles.Assign(ctx, authn.Principal{}, subject, role); err != nil {
			return "", err
		}
	}
	proof := authn.Proof{Subject: subject, Methods: []string{authn.MethodPassword}, Time: a.now()}
	grant, err := a.users.Complete(ctx, proof, authn.Completion{Client: authn.Client{UserAgent: "bench"}})
	return grant.AccessToken.Reveal(), err
}

func (a *app) close() error { return a.fx.Stop(context.Background()) }

// routes adds 40 routes, of which one is measured.
func routes(e *echo.Echo, guards ...echo.MiddlewareFunc) {
	body := []byte(`{"id":"42","title":"doc"}`)
	answer := func(c echo.Context) error { return c.JSONBlob(http.StatusOK, body) }
	e.GET("/api/v1/docs/:id", answer, guards...)
	for i := range 13 {
		path := fmt.Sprintf("/api/v1/things%d", i)
		e.GET(path, answer, guards...)
		e.POST(path, answer, guards...)
		e.GET(path+"/:id", answer, guards...)
	}
}
