package fxtest

import (
	"context"

	"github.com/authmodule/authmodule/transport"
)

// CheckRoutes fails the test, with a list, when a route is neither guarded nor public on purpose, or a guard can be passed by nobody. The roles
// are those of the test's application. See CheckRoutes of *echoauth.Auth.
func (a *App) CheckRoutes() {
	a.t.Helper()
	if err := a.auth.CheckRoutes(context.Background()); err != nil {
		a.t.Fatalf("fxtest: the routes are not in order:\n%v", err)
	}
}

// Routes returns what every route requires, to compare with what it should; see Routes of *echoauth.Auth.
func (a *App) Routes() transport.RouteTable { return a.auth.Routes() }
