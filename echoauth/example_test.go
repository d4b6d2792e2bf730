package echoauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
)

// Whose login is too old is told so (RFC 9470), proves the password once more, and goes on.
func ExampleRequireRecentAuth() {
	now := time.Now()
	var e *echo.Echo
	var users *authn.Service
	routes := func(e *echo.Echo) {
		e.POST("/transfer", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }, echoauth.RequireRecentAuth(5*time.Minute))
	}
	app := fx.New(fx.NopLogger, authmodule.Stub(func(c *authmodule.Config) { c.Now = func() time.Time { return now } }),
		fx.Provide(echo.New), fx.Invoke(echoauth.Mount, routes), fx.Populate(&e, &users))
	if app.Err() != nil {
		fmt.Println(app.Err())
		return
	}
	send := func(path, token, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w
	}
	_, _ = users.Register(context.Background(), authn.RegisterRequest{Email: "ada@example.com", Password: "correct horse battery staple"})
	login, _ := users.Login(context.Background(), authn.LoginRequest{Email: "ada@example.com", Password: "correct horse battery staple"})
	token := login.AccessToken.Reveal()
	fmt.Println(send("/transfer", token, "").Code)

	now = now.Add(6 * time.Minute)
	refused := send("/transfer", token, "")
	fmt.Println(refused.Code, refused.Header().Get("WWW-Authenticate"))
	proved := send("/auth/step-up", token, `{"factor":"password","password":"correct horse battery staple"}`)
	_, token, _ = strings.Cut(proved.Body.String(), `"access_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	fmt.Println(proved.Code, send("/transfer", token, "").Code)
	// Output:
	// 204
	// 401 Bearer realm="authmodule", error="insufficient_user_authentication", error_description="this needs a login that is more recent", max_age="300"
	// 200 204
}
