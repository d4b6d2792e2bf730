package echoauth_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/transport"
)

// tabled is an application with its table of routes.
type tabled struct {
	app
	auth *echoauth.Auth
}

// startTabled boots an application with the options alone, whatever its routes are.
func startTabled(t testing.TB, options ...fx.Option) tabled {
	t.Helper()
	var a tabled
	a.app = startConfigured(t, func(c *authmodule.Config) { c.HTTP.CheckRoutes = transport.RouteCheckOff }, append(options, fx.Populate(&a.auth))...)
	return a
}

// rows are the requirements of the application's own routes by method, host and path.
func (a tabled) rows() map[string]string {
	rows := map[string]string{}
	for _, r := range a.auth.Routes().Routes {
		if r.Own {
			continue
		}
		texts := make([]string, len(r.Requires))
		for i, want := range r.Requires {
			texts[i] = want.String()
		}
		text := strings.Join(texts, "; ")
		if r.Unseen != "" {
			text = "UNSEEN " + text
		}
		if r.Unmounted {
			text = "UNMOUNTED " + text
		}
		rows[r.Method+" "+r.Host+r.Path] = text
	}
	return rows
}

// faults are the lines of CheckRoutes.
func (a tabled) faults(t testing.TB) []string {
	t.Helper()
	err := a.auth.CheckRoutes(t.Context())
	if err == nil {
		return nil
	}
	var wrong *transport.RouteError
	require.ErrorAs(t, err, &wrong)
	assert.Len(t, strings.Split(err.Error(), "\n"), len(wrong.Faults))
	return strings.Split(err.Error(), "\n")
}

// untouched is a handler, and a layer, that must never run while a table is made.
func untouched(t testing.TB) (echo.HandlerFunc, echo.MiddlewareFunc) {
	t.Helper()
	handler := func(c echo.Context) error {
		t.Error("a handler was run")
		return c.NoContent(http.StatusOK)
	}
	layer := func(echo.HandlerFunc) echo.HandlerFunc {
		t.Error("a middleware of others was run")
		return func(echo.Context) error { return errors.New("run") }
	}
	return handler, layer
}

const unguarded = " has no guard: add echoauth.RequireAuth() or another guard, or echoauth.Public(), to the route or its group"
