package echov5auth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v5"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/echov5auth"
)

// One option more than for Echo v4: the package brings its own module.
func Example() {
	routes := func(e *echo.Echo) {
		e.GET("/me", func(c *echo.Context) error {
			return c.String(http.StatusOK, echov5auth.Principal(c).Email)
		}, echov5auth.RequireAuth())
	}
	var e *echo.Echo
	app := fx.New(
		authmodule.Stub(), // Configure(cfg) in the application itself
		echov5auth.Module(),
		fx.Provide(echo.New),
		fx.Invoke(echov5auth.Mount, routes),
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
