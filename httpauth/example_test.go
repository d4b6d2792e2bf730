package httpauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/go-chi/chi/v5"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/httpauth"
)

// With the standard library's mux.
func Example() {
	me := func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello", httpauth.Principal(r).Email) }
	routes := func(mux *http.ServeMux) {
		mux.Handle("GET /me", httpauth.RequireAuth()(http.HandlerFunc(me)))
	}
	var handler http.Handler
	app := fx.New(
		authmodule.Stub(), // Configure(cfg) in the application itself
		fx.Provide(http.NewServeMux),
		fx.Invoke(httpauth.Mount, routes),
		fx.Invoke(func(auth *httpauth.Auth, mux *http.ServeMux) { handler = auth.Authenticate(mux) }), // for http.Server
		fx.NopLogger,
	)
	if app.Err() != nil {
		fmt.Println(app.Err())
		return
	}
	for _, path := range []string{"/me", "/auth/me", "/.well-known/jwks.json"} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(path, answer.Code, answer.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// /me 401 Bearer realm="authmodule"
	// /auth/me 401 Bearer realm="authmodule"
	// /.well-known/jwks.json 200
}

// With chi: its Use takes the middleware, its Method the module's routes.
func ExampleAuth_Register() {
	router := chi.NewRouter()
	routes := func(auth *httpauth.Auth) {
		router.Use(auth.Authenticate)
		auth.Register(router.Method)
		router.With(httpauth.RequirePermissions("articles.delete")).Delete("/articles/{id}", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		})
	}
	if app := fx.New(authmodule.Stub(), fx.Invoke(routes), fx.NopLogger); app.Err() != nil {
		fmt.Println(app.Err())
		return
	}
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, httptest.NewRequest(http.MethodDelete, "/articles/1", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output: 401 {"type":"about:blank","title":"Unauthorized","status":401,"code":"unauthenticated","detail":"this needs a login: send an access token or a session cookie"}
}
