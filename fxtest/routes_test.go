package fxtest_test

import (
	"fmt"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
)

// failures is a test that notes what it fails with.
type failures struct {
	*testing.T
	text string
}

func (f *failures) Fatalf(format string, args ...any) { f.text = fmt.Sprintf(format, args...) }

func TestCheckRoutes(t *testing.T) {
	t.Parallel()
	newApp(t).CheckRoutes()

	f := &failures{T: t}
	app := fxtest.New(f, fx.Provide(echo.New), fx.Invoke(echoauth.Mount, articleRoutes, func(e *echo.Echo) { e.GET("/open", echo.NotFoundHandler) }))
	app.CheckRoutes()
	assert.Equal(t, `fxtest: the routes are not in order:
routes: DELETE /articles/:id wants the permission "articles.delete", which no role holds and no policy permits: correct the name, or give it to a role in auth.rbac.roles or by authmodule.AddRoles
routes: GET /open has no guard: add echoauth.RequireAuth() or another guard, or echoauth.Public(), to the route or its group`, f.text)
	assert.Contains(t, app.Routes().String(), "UNDECLARED")
}

// A test of an application's own routes: none is open by mistake, and no guard is mistyped.
func ExampleApp_CheckRoutes() {
	t := new(testing.T) // that of the test function
	app := fxtest.New(t,
		authmodule.AddRoles(authz.Role{Name: "editor", Permissions: []string{"articles.delete"}}),
		fx.Provide(echo.New), fx.Invoke(echoauth.Mount, articleRoutes),
	)
	app.CheckRoutes()
	for _, r := range app.Routes().Routes {
		if !r.Own {
			fmt.Println(r.Method, r.Path, r.Requires)
		}
	}
	// Output: DELETE /articles/:id [permissions articles.delete]
}
