package transport_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
)

const adminEmail = "root@example.com"

// startWithSetup boots an application that has every route.
func startWithSetup(t *testing.T) app {
	t.Helper()
	return startConfigured(t, withAdmin, adminRole())
}

// bodyRoutes are the routes that read a body, with what a good one holds.
func bodyRoutes() map[string]map[string]any {
	return map[string]map[string]any{
		"/auth/register": {"email": "new@example.com", "password": password},
		"/auth/login":    {"email": "user1@example.com", "password": password, "mode": "token"},
		"/auth/refresh":  {"refresh_token": "rt_x_y"},
		"/auth/setup":    {"token": "as_x_y", "password": password},
	}
}

// CFG-02: malformed input is a 4xx, and never a panic.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	app := startWithSetup(t)
	token := app.Token(app.Principal())
	paths := []string{"/auth/register", "/auth/login", "/auth/refresh", "/auth/setup", "/auth/logout"}
	testCases := []struct {
		name, body, contentType string
		status                  int
		code                    string
	}{
		{"no JSON", `email=a`, "application/json", 400, "invalid_json"},
		{"cut off", `{"email":"a`, "application/json", 400, "invalid_json"},
		{"duplicate members", `{"email":"a@example.com","email":"b@example.com"}`, "application/json", 400, "invalid_json"},
		{"duplicate members by escape", `{"email":"a","em\u0061il":"b"}`, "application/json", 400, "invalid_json"},
		{"duplicate members inside", `{"x":{"a":1,"a":2}}`, "application/json", 400, "invalid_json"},
		{"trailing data", `{} {}`, "application/json", 400, "invalid_json"},
		{"trailing NUL", "{}\x00", "application/json", 400, "invalid_json"},
		{"nested deeply", `{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "application/json", 400, "invalid_json"},
		{"nested beyond the stack", `{"x":` + strings.Repeat(`{"x":`, 9000), "application/json", 400, "invalid_json"},
		{"too many members", manyMembers(300), "application/json", 400, "invalid_json"},
		{"null", `null`, "application/json", 400, "invalid_json"},
		{"array", `[{"email":"a"}]`, "application/json", 400, "invalid_json"},
		{"string", `"{}"`, "application/json", 400, "invalid_json"},
		{"number", `1`, "application/json", 400, "invalid_json"},
		{"space alone", ` `, "application/json", 400, "invalid_json"},
		{"not UTF-8", "{\"email\":\"\xff\"}", "application/json", 400, "invalid_json"},
		{"byte order mark", "\xef\xbb\xbf{}", "application/json", 400, "invalid_json"},
		{"lone surrogate", `{"email":"\ud800"}`, "application/json", 400, "invalid_json"},
		{"control character", "{\"email\":\"a\nb\"}", "application/json", 400, "invalid_json"},
		{"comment", `{/**/}`, "application/json", 400, "invalid_json"},
		{"too large", `{"x":"` + strings.Repeat("x", 64<<10) + `"}`, "application/json", 413, "body_too_large"},
		{"form", `email=a&password=b`, "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		{"JSON as text", `{}`, "text/plain", 415, "unsupported_media_type"},
		{"JSON without a type", `{}`, "", 415, "unsupported_media_type"},
		{"malformed type", `{}`, "application/json; charset", 415, "unsupported_media_type"},
		{"like JSON", `{}`, "application/json-patch+json", 415, "unsupported_media_type"},
		{"multipart", `{}`, "multipart/form-data; boundary=x", 415, "unsupported_media_type"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			for _, path := range paths {
				for _, length := range []string{"known", "chunked"} {
					r := request("POST", path, tc.body, append(bearer(token), "Content-Type", tc.contentType)...)
					if length == "chunked" {
						r.ContentLength = -1
					}
					w := app.Do(r)
					assert.Equal(t, tc.status, w.Code, path+" "+length)
					assert.Equal(t, tc.code, problem(t, w).Code, path+" "+length)
				}
			}
		})
	}
}

func manyMembers(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = `"x` + strconv.Itoa(i) + `":1`
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestWrongTypesNameTheField(t *testing.T) {
	t.Parallel()
	app := startWithSetup(t)
	app.User()
	for path, good := range bodyRoutes() {
		for field := range good {
			t.Run(path+" "+field, func(t *testing.T) {
				for _, value := range []any{nil, true, 1, 1.5, []any{}, []any{"a"}, map[string]any{}, map[string]any{"a": "b"}} {
					body := bodyRoutes()[path]
					body[field] = value
					w := app.Do(request("POST", path, object(t, body)))
					p := problem(t, w)
					assert.Equal(t, http.StatusBadRequest, w.Code)
					assert.Equal(t, "invalid_request", p.Code)
					assert.Equal(t, field, p.Field)
					assert.Equal(t, field+" must be a string", p.Detail)
				}
			})
		}
	}
}

func TestMissingMembersAreNamed(t *testing.T) {
	t.Parallel()
	app := startWithSetup(t)
	app.User()
	for path, good := range bodyRoutes() {
		for field := range good {
			if field == "mode" {
				continue
			}
			t.Run(path+" "+field, func(t *testing.T) {
				body := bodyRoutes()[path]
				body[strings.ToUpper(field)] = body[field]
				delete(body, field)
				w := app.Do(request("POST", path, object(t, body)))
				assert.Equal(t, http.StatusBadRequest, w.Code)
				assert.Equal(t, field+" is required", problem(t, w).Detail)
			})
		}
		t.Run(path+" all", func(t *testing.T) {
			for _, body := range []string{"", "{}"} {
				w := app.Do(request("POST", path, body))
				assert.Equal(t, http.StatusBadRequest, w.Code)
				assert.Equal(t, "invalid_request", problem(t, w).Code)
			}
		})
	}
}

func TestModeIsOneOfTwo(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	for _, mode := range []string{"", "Cookie", "session", "cookie "} {
		w := app.Do(request("POST", "/auth/login", object(t, map[string]any{"email": user.Email, "password": password, "mode": mode})))
		assert.Equal(t, http.StatusBadRequest, w.Code, mode)
		assert.Equal(t, "mode must be one of: token, cookie", problem(t, w).Detail)
	}
	live, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Empty(t, live)
}

func TestUnknownMembersAreIgnored(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	body := object(t, map[string]any{
		"email": user.Email, "password": password, "Email": 1, "admin": true, "roles": []string{"admin"}, "extra": map[string]any{"a": []int{1}},
	})
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
		answer(t, app.Do(request("POST", "/auth/login", body, "Content-Type", contentType)), http.StatusOK)
	}
	body = object(t, map[string]any{"email": "new@example.com", "password": password, "roles": []string{"admin"}, "id": "1", "tenant": "x"})
	have := answer(t, app.Do(request("POST", "/auth/register", body)), http.StatusCreated)
	assert.Equal(t, []any{"viewer"}, have["roles"])
	assert.NotEqual(t, "1", have["id"])
}

// A length that the header announces is refused before anything is read.
func TestAnnouncedLengthIsNotRead(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.HTTP.MaxBodyKiB = 1 })
	r := httptest.NewRequest("POST", "/auth/login", unreadable{t})
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = 1025
	w := app.Do(r)
	assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
	assert.Equal(t, "body_too_large", problem(t, w).Code)
}

type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	app := start(t)
	r := httptest.NewRequest("POST", "/auth/login", io.MultiReader(strings.NewReader(`{"email":`), broken{}))
	r.Header.Set("Content-Type", "application/json")
	w := app.Do(r)
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Equal(t, "invalid_request", problem(t, w).Code)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A request that was made without a server has no body at all.
func TestRequestWithoutBody(t *testing.T) {
	t.Parallel()
	app := start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/login", nil)
	require.NoError(t, err)
	w := app.Do(r)
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Equal(t, "invalid_request", problem(t, w).Code)
}

func TestEchoAnswersWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	app := start(t)
	testCases := []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/auth/login", 405, `{"message":"Method Not Allowed"}`},
		{"PUT", "/auth/login", 405, `{"message":"Method Not Allowed"}`},
		{"POST", "/auth/me", 405, `{"message":"Method Not Allowed"}`},
		{"GET", "/auth/nothing", 404, `{"message":"Not Found"}`},
		{"GET", "/auth/login/", 404, `{"message":"Not Found"}`},
		{"GET", "/auth/setup", 404, `{"message":"Not Found"}`},
		{"GET", "/nothing", 404, `{"message":"Not Found"}`},
	}
	for _, tc := range testCases {
		for _, headers := range [][]string{nil, bearer("bad")} {
			w := app.Do(request(tc.method, tc.path, "", headers...))
			assert.Equal(t, tc.status, w.Code, tc.method+" "+tc.path)
			assert.JSONEq(t, tc.body, w.Body.String())
		}
	}
}
