package bench

import (
	"net/http"

	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
)

// newBare returns an Echo with the routes and no middleware.
func newBare() *echo.Echo {
	e := echo.New()
	routes(e)
	return e
}

// newStack returns an Echo whose routes are guarded by echo-jwt, with the
// claims in a struct, and by casbin for the token's subject.
func newStack(algorithm string, public any, decide enforcer) *echo.Echo {
	e := echo.New()
	routes(e, echojwt.WithConfig(echojwt.Config{
		SigningKey: public, SigningMethod: algorithm,
		NewClaimsFunc: func(echo.Context) jwt.Claims { return &claims{} },
	}), enforce(decide))
	return e
}

func enforce(decide enforcer) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			token, isToken := c.Get("user").(*jwt.Token)
			if !isToken {
				return echo.ErrUnauthorized
			}
			subject, err := token.Claims.GetSubject()
			if err != nil {
				return err
			}
			if allowed, err := decide.Enforce(subject, "docs", "read"); err != nil {
				return err
			} else if !allowed {
				return echo.NewHTTPError(http.StatusForbidden)
			}
			return next(c)
		}
	}
}
