// Package echov5auth is the HTTP door for Echo v5: what package echoauth is for Echo v4, by the same names. A program links
// Echo v5 only if it imports this package.
//
//	fx.New(authmodule.Configure(cfg), echov5auth.Module(), fx.Provide(echo.New), fx.Invoke(echov5auth.Mount, routes))
//
//	e.GET("/me", me, echov5auth.RequireAuth())
//	admin := e.Group("/admin", echov5auth.RequireRoles("admin"))
//
//	func me(c *echo.Context) error {
//		return c.String(http.StatusOK, echov5auth.Principal(c).Email)
//	}
//
// No route may be left out: [Auth.CheckRoutes] finds those that are neither guarded nor public on purpose, also at start.
//
// Without fx, [New] takes a transport.Gate. The caller travels in the request's context, so handlers of net/http
// that Echo wraps find it too, by httpauth.Principal. Everything it decides is package transport's.
package echov5auth
