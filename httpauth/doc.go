// Package httpauth is the HTTP door for net/http: it authenticates every request, guards handlers and mounts the module's
// own routes, on http.ServeMux, chi, or whatever else takes an http.Handler.
//
//	mux := http.NewServeMux()
//	mux.Handle("GET /me", httpauth.RequireAuth()(http.HandlerFunc(me)))
//	mux.Handle("DELETE /articles/{id}", httpauth.RequirePermissions("articles.delete")(http.HandlerFunc(del)))
//	err := httpauth.Mount(mux, auth)
//	server := http.Server{Handler: auth.Authenticate(mux)}
//
//	func me(w http.ResponseWriter, r *http.Request) {
//		fmt.Fprintln(w, httpauth.Principal(r).Email)
//	}
//
// A router that takes middlewares, such as chi, takes these as they are:
//
//	router.Use(auth.Authenticate)
//	router.With(httpauth.RequireAuth()).Get("/me", me)
//	auth.Register(router.Method)
//
// No route may be left out: [Auth.CheckRoutes] finds those that are neither guarded nor public on purpose, on a [Mux] and on chi.
//
// Everything it decides is package transport's; this package only speaks net/http.
package httpauth
