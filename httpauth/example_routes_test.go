package httpauth_test

import (
	"context"
	"fmt"
	"net/http"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/httpauth"
)

// A mux that can say which routes it has, and which of them was forgotten.
func ExampleAuth_CheckRoutes() {
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := httpauth.NewMux()
	mux.Handle("GET /{$}", httpauth.Public()(handler))
	mux.Handle("GET /me", httpauth.RequireAuth()(handler))
	mux.Handle("GET /metrics", handler)

	var auth *httpauth.Auth
	if app := fx.New(authmodule.Stub(), fx.Populate(&auth), fx.NopLogger); app.Err() != nil {
		fmt.Println(app.Err())
		return
	}
	table, _ := auth.Routes(mux.Walk)
	fmt.Print(table)
	fmt.Println(auth.CheckRoutes(context.Background(), mux.Walk))
	// Output:
	// GET  /me       auth
	// GET  /metrics  UNDECLARED
	// GET  /{$}      public
	// routes: GET /metrics has no guard: add httpauth.RequireAuth() or another guard, or httpauth.Public(), to the route or its group
}
