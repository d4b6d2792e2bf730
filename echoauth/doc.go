// Package echoauth is the HTTP door for Echo v4: it authenticates every
// request, guards routes and mounts the module's own.
//
//	fx.Invoke(echoauth.Mount)
//
//	e.GET("/me", me, echoauth.RequireAuth())
//	admin := e.Group("/admin", echoauth.RequireRoles("admin"))
//	admin.DELETE("/articles/:id", del, echoauth.RequirePermissions("articles.delete"))
//
//	func me(c echo.Context) error {
//		return c.String(http.StatusOK, echoauth.Principal(c).Email)
//	}
//
//	e.GET("/", page, echoauth.Public())
//
// No route may be left out: [Auth.CheckRoutes] finds those that are neither guarded nor public on purpose, and [Auth.Routes]
// lists what each requires.
//
// [RenewSession] gives the caller's session another cookie, where an application lets it do more than before.
//
// Everything it decides is package transport's; this package only speaks Echo.
package echoauth
