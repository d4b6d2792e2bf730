package bench

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/transport"
)

const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// cookieApp is a started application of this module with n accounts that are logged in by cookie.
type cookieApp struct {
	fx      *fx.App
	echo    *echo.Echo
	users   *authn.Service
	store   *memstore.Store
	ahead   atomic.Int64
	cookies []string
}

func newCookieApp(n int) (*cookieApp, error) {
	a := &cookieApp{store: memstore.New()}
	a.fx = fx.New(
		authmodule.Stub(func(c *authmodule.Config) { c.Now = a.now }),
		authmodule.UseUserStore(func() authn.UserStore { return a.store }),
		fx.Provide(echo.New, func() *slog.Logger { return slog.New(slog.DiscardHandler) }),
		fx.Populate(&a.echo, &a.users),
		fx.Invoke(echoauth.Mount, func(e *echo.Echo) { routes(e, echoauth.RequireAuth()) }),
		fx.NopLogger,
	)
	if err := a.fx.Start(context.Background()); err != nil {
		return nil, err
	}
	for i := range n {
		if err := a.login(fmt.Sprintf("usr%033d", i)); err != nil {
			return nil, err
		}
	}
	a.ahead.Store(int64(settled))
	return a, nil
}

// now is the time, once the accounts were made as if that had been a while ago.
func (a *cookieApp) now() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }

func (a *cookieApp) login(id string) error {
	ctx, subject := context.Background(), authn.Subject{ID: id}
	user := authn.User{Subject: subject, Email: id + "@example.com", CreatedAt: a.now(), CredentialVersion: 1, Version: 1}
	if err := a.store.CreateUser(ctx, user); err != nil {
		return err
	}
	proof := authn.Proof{Subject: subject, Methods: []string{authn.MethodPassword}, Time: a.now()}
	grant, err := a.users.Complete(ctx, proof, authn.Completion{Carrier: authn.CarrierCookie, Client: authn.Client{UserAgent: userAgent}})
	a.cookies = append(a.cookies, transport.CookieName+"="+grant.Cookie.Reveal())
	return err
}

func (a *cookieApp) visitors() visitors {
	return visitors{name: ours, echo: a.echo, cookies: a.cookies}
}

func (a *cookieApp) close() error { return a.fx.Stop(context.Background()) }
