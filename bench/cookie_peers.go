package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gorilla/sessions"
	"github.com/labstack/echo/v4"
)

// idleTimeout is the time that this module's sessions may stay unused by default.
const idleTimeout = time.Hour

const (
	cookieName = "session"
	userValue  = "user"
)

// scsVisitors have n sessions of scs in its memory store.
func scsVisitors(name string, n int, idle time.Duration) (visitors, error) {
	manager := scs.New()
	manager.Store, manager.IdleTimeout = memstore.NewWithCleanupInterval(0), idle
	manager.Cookie.Name = cookieName
	v := visitors{name: name, echo: echo.New()}
	for i := range n {
		ctx, err := manager.Load(context.Background(), "")
		if err != nil {
			return visitors{}, err
		}
		for key, value := range sessionValues(i) {
			manager.Put(ctx, key, value)
		}
		token, _, err := manager.Commit(ctx)
		if err != nil {
			return visitors{}, err
		}
		v.cookies = append(v.cookies, cookieName+"="+token)
	}
	v.echo.Use(echo.WrapMiddleware(manager.LoadAndSave))
	routes(v.echo, guardBy(func(r *http.Request) string { return manager.GetString(r.Context(), userValue) }))
	return v, nil
}

// gorillaVisitors have n sessions of gorilla/sessions, which are in the cookies themselves, signed.
func gorillaVisitors(n int) (visitors, error) {
	store := sessions.NewCookieStore([]byte(secret))
	v := visitors{name: gorillaSigned, echo: echo.New()}
	for i := range n {
		request, answer := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil), httptest.NewRecorder()
		opened, err := store.New(request, cookieName)
		if err != nil {
			return visitors{}, err
		}
		for key, value := range sessionValues(i) {
			opened.Values[key] = value
		}
		if err := store.Save(request, answer, opened); err != nil {
			return visitors{}, err
		}
		v.cookies = append(v.cookies, cookieName+"="+answer.Result().Cookies()[0].Value)
	}
	routes(v.echo, guardBy(func(r *http.Request) string {
		opened, err := store.Get(r, cookieName)
		if err != nil {
			return "" // a cookie that proves nothing
		}
		user, _ := opened.Values[userValue].(string)
		return user
	}))
	return v, nil
}

// sessionValues are three: whose session it is, since when, and how they logged in.
func sessionValues(i int) map[string]any {
	return map[string]any{userValue: fmt.Sprintf("usr%033d", i), "since": time.Now().Unix(), "method": "pwd"}
}

// guardBy answers 401 to requests whose session names nobody.
func guardBy(user func(*http.Request) string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if user(c.Request()) == "" {
				return echo.ErrUnauthorized
			}
			return next(c)
		}
	}
}
