package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
)

// roles are the roles of this application. A role of the same name in a
// configuration file takes the place of one here; the others stay. Who sees and edits which article is in policies/articles.yaml.
func roles() []authz.Role {
	return []authz.Role{
		{Name: "viewer", Description: "reads articles", Permissions: []string{"articles.read"}},
		{Name: "editor", Description: "writes articles", Inherits: []string{"viewer"}, Permissions: []string{"articles.write"}},
		{Name: "admin", Description: "edits and deletes every article, and manages accounts", Inherits: []string{"editor"}, Permissions: []string{
			"articles.view", "articles.edit", "articles.delete", "audit.read", "users.*",
		}},
	}
}

// newEcho returns the application's own Echo; the module comes in by echoauth.Mount.
func newEcho(log *slog.Logger) *echo.Echo {
	e := echo.New()
	e.Logger.SetOutput(os.Stderr)
	// The address that a request really came from. Behind a proxy, say which ones are trusted.
	e.IPExtractor = echo.ExtractIPDirect()
	e.Use(recovered(log), headers)
	return e
}

// recovered answers 500 to a request whose handler panicked, and logs it. A
// handler that means to break off its connection still may.
func recovered(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			defer func() {
				what := recover()
				if cause, _ := what.(error); errors.Is(cause, http.ErrAbortHandler) {
					panic(what)
				}
				if what != nil {
					log.ErrorContext(c.Request().Context(), "request refused: a panic was recovered", "panic", fmt.Sprint(what), "stack", string(debug.Stack()))
					err = problem(http.StatusInternalServerError, "internal_error", "the request could not be handled; the log says why")
				}
			}()
			return next(c)
		}
	}
}

// headers are on every answer; handlers may set others.
func headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(echo.HeaderXContentTypeOptions, "nosniff")
		h.Set(echo.HeaderCacheControl, "no-store")
		h.Set(echo.HeaderReferrerPolicy, "same-origin")
		return next(c)
	}
}

// routes are the application's routes, each with its guard.
func routes(e *echo.Echo, s settings, auth *echoauth.Auth, p *page, a *articles, live *changes, users *authn.Service, az *authmodule.AuthorizationService, log *slog.Logger) {
	e.GET("/", p.show, echoauth.Public())

	article := &articleRoutes{articles: a, changes: live, az: az, log: log}
	e.GET("/articles", article.list, echoauth.RequirePermissions("articles.read"))
	e.GET("/articles/live", article.live, echoauth.RequireAnyPermission("articles.read", "articles.write"))
	e.POST("/articles", article.add, echoauth.RequirePermissions("articles.write"))
	e.PATCH("/articles/:id", article.edit, echoauth.RequirePolicy("articles.edit", article.resource))
	e.DELETE("/articles/:id", article.remove, echoauth.RequireOwner(article.owner, "articles.delete"), echoauth.RequireRecentAuth(s.recent))
	e.GET("/articles/may", article.may, echoauth.OptionalAuth())

	admin := e.Group("/admin", echoauth.RequireRoles("admin"))
	accounts := &adminRoutes{users: users, articles: a, az: az, log: log}
	admin.GET("/users", accounts.list)
	admin.PUT("/users/:id/roles/:role", accounts.assign)
	admin.DELETE("/users/:id/roles/:role", accounts.unassign)
	admin.GET("/users/:id/explain", accounts.explain)
	// What every route requires, as the start has checked it.
	admin.GET("/routes", func(c echo.Context) error { return c.JSON(http.StatusOK, auth.Routes()) })
}
