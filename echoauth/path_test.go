package echoauth_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/echoauth"
)

// pathForms are ways to write a path below /admin that somebody may take for another, or another for it.
func pathForms() []string {
	return []string{
		"/admin/users", "/admin/users/", "//admin/users", "/admin//users", "/admin///users//", "/./admin/users", "/admin/./users", "/admin/users/.",
		"/public/../admin/users", "/public/%2e%2e/admin/users", "/public/..%2fadmin/users", "/public/%2e%2e%2fadmin%2fusers", "/public/..;/admin/users", "/public//../admin/users",
		"/admin%2fusers", "/admin%2Fusers", "/%2fadmin/users", "/%2Fadmin%2Fusers", "/admin%252fusers", "/admin%5cusers", "/admin\\users", "\\admin\\users",
		"/%61dmin/users", "/admin/%75sers", "/%61%64%6d%69%6e/%75%73%65%72%73", "/%2561dmin/users",
		"/ADMIN/users", "/Admin/Users", "/admin/USERS", "/%41DMIN/users", "/adm\u0131n/users", "/%EF%BD%81dmin/users",
		"/admin/users;x=1", "/admin;x=1/users", "/admin/users%00", "/admin/users%20", "/admin/users%09", "/admin/users%3f", "/admin/users?x=/public", "/admin/users%23", "/admin/users.json",
		"/old/admin/users", "/old/%61dmin/users", "/old//admin/users", "/old/old/admin/users",
		"http://app.example.com/admin/users", "http://app.example.com//admin/users", "https://other.example.com/admin/users",
		"/files/secret.txt", "/files//secret.txt", "/files/../files/secret.txt", "/files/%73ecret.txt", "/files%2fsecret.txt", "/assets/../files/secret.txt", "/assets/%2e%2e/files/secret.txt", "/assets/..%2ffiles/secret.txt", "/assets/..%5cfiles/secret.txt",
		"/items/1", "/items/1/", "/items/%2e%2e", "/items/1%2f2", "/items/", "/items//", "/items/..%2fpublic", "/items/public",
		"/assets/inner/secret.txt", "/assets//inner/secret.txt", "/assets/x/../inner/secret.txt", "/assets/./inner/secret.txt", "/assets/inner%2fsecret.txt", "/assets/%69nner/secret.txt",
		"/assets%2finner%2fsecret.txt", "/assets/inner%5csecret.txt", "/assets/%2e/inner/secret.txt", "/assets/%2finner/secret.txt", "/assets/inner/../inner/secret.txt", "/assets/inner%252fsecret.txt",
		"*", "/", "",
	}
}

func pathMethods() []string {
	return []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "REPORT", "PURGE", "get", "Get", "GET\u00a0"}
}

// pathRequest reads a request as a server would; nil is one that no server accepts.
func pathRequest(method, target string, headers []string) *http.Request {
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: app.example.com"}, headers...)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
	if err != nil {
		return nil
	}
	return r
}

// guardedPaths adds guarded routes of every kind beside public ones. What a guarded handler answers begins with secret.
func guardedPaths(e *echo.Echo) {
	secret := func(c echo.Context) error { return c.String(http.StatusOK, "secret "+c.Path()) }
	public := func(c echo.Context) error { return c.String(http.StatusOK, "public") }
	admin := e.Group("/admin", echoauth.RequireRoles("admin"))
	admin.Any("/users", secret)
	admin.Any("/*", secret)
	e.Any("/items/:id", secret, echoauth.RequireRoles("admin"))
	e.Any("/public/*", public, echoauth.Public())
	e.Any("/:page", public, echoauth.Public())
	e.Group("/files", echoauth.RequireRoles("admin")).StaticFS("/", fstest.MapFS{"secret.txt": {Data: []byte("secret file")}})
	assets := fstest.MapFS{"x.css": {Data: []byte("public")}, "inner/secret.txt": {Data: []byte("secret file")}}
	e.Group("/assets", echoauth.Public()).StaticFS("/", assets)
	e.Group("/assets/inner", echoauth.RequireRoles("admin")).StaticFS("/", echo.MustSubFS(assets, "inner"))
	e.POST("/only-post", secret, echoauth.RequireRoles("admin"))
	e.GET("/only-post", public, echoauth.Public())
}

// changing is a middleware that changes the request.
func changing(change func(*http.Request)) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			change(c.Request())
			return next(c)
		}
	}
}

func setPath(r *http.Request, path string) { r.URL.Path, r.URL.RawPath = path, "" }

func withoutOld(r *http.Request) { setPath(r, strings.TrimPrefix(r.URL.Path, "/old")) }

func overridden(r *http.Request) {
	if method := r.Header.Get("X-Http-Method-Override"); method != "" {
		r.Method = method
	}
}

// V8.3.1, POL-03: no way to write a path, and no method, reaches a guarded handler without its guard, because guards belong to the
// route that was matched.
func TestNoPathFormPassesItsGuard(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(*echo.Echo){
		"plain": func(*echo.Echo) {},
		"trailing slash removed": func(e *echo.Echo) {
			e.Pre(changing(func(r *http.Request) { setPath(r, strings.TrimRight(r.URL.Path, "/")) }))
		},
		"trailing slash added": func(e *echo.Echo) {
			e.Pre(changing(func(r *http.Request) { setPath(r, strings.TrimRight(r.URL.Path, "/")+"/") }))
		},
		"rewritten":          func(e *echo.Echo) { e.Pre(changing(withoutOld)) },
		"method overridden":  func(e *echo.Echo) { e.Pre(changing(overridden)) },
		"path cleaned":       func(e *echo.Echo) { e.Pre(changing(func(r *http.Request) { setPath(r, path.Clean("/"+r.URL.Path)) })) },
		"path in lower case": func(e *echo.Echo) { e.Pre(changing(func(r *http.Request) { setPath(r, strings.ToLower(r.URL.Path)) })) },
		"late rewrite":       func(e *echo.Echo) { e.Use(changing(withoutOld), changing(overridden)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := startTabled(t, mounted(), routes(add), routes(guardedPaths))
			require.Empty(t, app.faults(t))
			admin, editor := "Authorization: Bearer "+app.Token(app.Principal("admin")), "Authorization: Bearer "+app.Token(app.Principal("editor"))
			override := []string{"X-HTTP-Method-Override: GET", "X-Original-URL: /public/x", "X-Rewrite-URL: /public/x", "X-Forwarded-Prefix: /public"}
			reached := 0
			for _, target := range append(pathForms(), "/only-post") {
				for _, method := range pathMethods() {
					for _, headers := range [][]string{nil, override, {editor}, {"Authorization: Bearer x"}} {
						text := answerOf(app, method, target, headers)
						assert.NotContains(t, text, "secret", "%s %s %q", method, target, headers)
					}
					if strings.Contains(answerOf(app, method, target, []string{admin}), "secret") {
						reached++
					}
				}
			}
			assert.Greater(t, reached, 100, "who may is let through")
		})
	}
}

func answerOf(app tabled, method, target string, headers []string) string {
	r := pathRequest(method, target, headers)
	if r == nil {
		return ""
	}
	w := httptest.NewRecorder()
	app.echo.ServeHTTP(w, r)
	return fmt.Sprint(w.Code, w.Body)
}

// POL-05: a host that is written otherwise is another router's at most, whose routes have guards of their own.
func TestNoHostFormPassesItsGuard(t *testing.T) {
	t.Parallel()
	secret := func(c echo.Context) error { return c.String(http.StatusOK, "secret") }
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) {
		admin := e.Host("admin.example.com", echoauth.RequireRoles("admin"))
		admin.GET("/users", secret)
		admin.Group("/inner").GET("/x", secret)
		e.Group("/users", echoauth.RequireRoles("admin")).GET("", secret)
		e.GET("/*", func(c echo.Context) error { return c.String(http.StatusOK, "public") }, echoauth.Public())
	}))
	assert.Empty(t, app.faults(t))
	for _, host := range []string{"admin.example.com", "ADMIN.example.com", "admin.example.com.", "admin.example.com:443", "admin.example.com:", "www.example.com", "", "admin.example.com@x", "x, admin.example.com"} {
		for _, path := range []string{"/users", "/inner/x"} {
			r := request("GET", path, "")
			r.Host = host
			w := httptest.NewRecorder()
			app.echo.ServeHTTP(w, r)
			assert.NotContains(t, w.Body.String(), "secret", host+path)
		}
	}
	r := request("GET", "/users", "", bearer(app.Token(app.Principal("admin")))...)
	r.Host = "admin.example.com"
	w := httptest.NewRecorder()
	app.echo.ServeHTTP(w, r)
	assert.Equal(t, "secret", w.Body.String())
}
