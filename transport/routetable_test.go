package transport_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

func want(kind transport.GuardKind, names ...string) transport.Guarding {
	return transport.Guarding{Kind: kind, Names: names}
}

// someRoutes has one of each sort, in no order.
func someRoutes() []transport.Route {
	row := func(method, path string, wants ...transport.Guarding) transport.Route {
		return transport.Route{Method: method, Path: path, Requires: wants}
	}
	return []transport.Route{
		row("POST", "/articles", want(transport.KindRoles, "editor"), want(transport.KindPermissions, "articles.write", "articles.read")),
		row("GET", "/articles", want(transport.KindOptional)),
		row("DELETE", "/articles/:id", want(transport.KindAuth), want(transport.KindScopes, "articles.delete")),
		row("GET", "/files/*", want(transport.KindPublic)),
		row("GET", "/net/{id}/{rest...}", want(transport.KindAnyPermission, "a.b", "c.d")),
		row("GET", "/{$}", want(transport.KindPublic), want(transport.KindOptional)),
		row("GET", `/v1/a\:b`, want(transport.KindOptional), want(transport.KindAuth)),
		row("PROPFIND", "/dav", want(transport.KindAuth)),
		row("GET", "/open"),
		{Method: "GET", Path: "/unseen", Unseen: "was added too early", Requires: []transport.Guarding{want(transport.KindAuth)}},
		{Method: "GET", Path: "/late", Unmounted: true, Requires: []transport.Guarding{want(transport.KindAuth)}},
		{Method: "POST", Path: "/auth/logout", Own: true, Requires: []transport.Guarding{transport.NeedLogin.Describe()}},
		{Host: "admin.example.com", Method: "GET", Path: "/open", Requires: []transport.Guarding{want(transport.KindPolicy, "open")}},
	}
}

func TestRouteTableText(t *testing.T) {
	t.Parallel()
	rows := someRoutes()
	table := start(t).gate.RouteTable("echoauth", rows)
	assert.Equal(t, someRoutes(), rows, "the caller's list stays as it is")
	assert.Equal(t, `GET       /articles               optional
POST      /articles               roles editor; permissions articles.write, articles.read
DELETE    /articles/:id           auth; scopes articles.delete
POST      /auth/logout            login
PROPFIND  /dav                    auth
GET       /files/*                public
GET       /late                   auth (NOT MOUNTED)
GET       /net/{id}/{rest...}     any_permission a.b, c.d
GET       /open                   UNDECLARED
GET       /unseen                 UNDECLARED: was added too early
GET       /v1/a\:b                optional; auth
GET       /{$}                    public; optional
GET       admin.example.com/open  policy open
`, table.String())
}

func TestRouteTableJSON(t *testing.T) {
	t.Parallel()
	gate := start(t).gate
	text, err := json.Marshal(gate.RouteTable("echoauth", someRoutes()[:1]))
	require.NoError(t, err)
	assert.JSONEq(t, `[{"method":"POST","path":"/articles","requires":[
		{"kind":"roles","names":["editor"]},{"kind":"permissions","names":["articles.write","articles.read"]}]}]`, string(text))
	text, err = json.Marshal(gate.RouteTable("echoauth", nil))
	require.NoError(t, err)
	assert.Equal(t, `[]`, string(text))
}

func TestRouteTableOpenAPI(t *testing.T) {
	t.Parallel()
	table := start(t).gate.RouteTable("echoauth", someRoutes())
	text, err := table.OpenAPI("")
	require.NoError(t, err)
	const (
		all = `{"bearer":[]},{"api_key":[]},{"cookie":[]}`
		in  = `"x-requires":[{"kind":"auth"}]`
	)
	assert.JSONEq(t, `{"paths":{
		"/articles":{
			"get":{"security":[{},`+all+`],"x-requires":[{"kind":"optional"}]},
			"post":{"security":[{"bearer":["articles.write","articles.read"]},{"api_key":["articles.write","articles.read"]},{"cookie":["articles.write","articles.read"]}],
				"x-requires":[{"kind":"roles","names":["editor"]},{"kind":"permissions","names":["articles.write","articles.read"]}]}},
		"/articles/{id}":{"delete":{"security":[{"bearer":["articles.delete"]},{"api_key":["articles.delete"]},{"cookie":["articles.delete"]}],
			"x-requires":[{"kind":"auth"},{"kind":"scopes","names":["articles.delete"]}]}},
		"/auth/logout":{"post":{"security":[{"bearer":[]},{"cookie":[]}],"x-requires":[{"kind":"login"}]}},
		"/files/{path}":{"get":{"security":[],"x-requires":[{"kind":"public"}]}},
		"/late":{"get":{"security":[`+all+`],`+in+`}},
		"/net/{id}/{rest}":{"get":{"security":[`+all+`],"x-requires":[{"kind":"any_permission","names":["a.b","c.d"]}]}},
		"/open":{"get":{"x-undeclared":true}},
		"/unseen":{"get":{"x-undeclared":true}},
		"/v1/a:b":{"get":{"security":[`+all+`],"x-requires":[{"kind":"optional"},{"kind":"auth"}]}},
		"/":{"get":{"security":[{},`+all+`],"x-requires":[{"kind":"public"},{"kind":"optional"}]}}
	},"components":{"securitySchemes":{
		"bearer":{"type":"http","scheme":"bearer"},"api_key":{"type":"http","scheme":"ApiKey"},"cookie":{"type":"apiKey","in":"cookie","name":"__Host-session"}}}}`, string(text))
	text, err = table.OpenAPI("admin.example.com")
	require.NoError(t, err)
	assert.Contains(t, string(text), `"paths":{"/open":{"get":{"security":[{"bearer":[]}`)
	assert.NotContains(t, string(text), "articles")
}

// What the configuration has not is no way to authenticate.
func TestOpenAPIWithoutKeysAndWithInsecureCookies(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.APIKeys.Enabled, c.HTTP.InsecureCookies = setting.Off, true })
	text, err := app.gate.RouteTable("echoauth", nil).OpenAPI("")
	require.NoError(t, err)
	assert.NotContains(t, string(text), "api_key")
	assert.Contains(t, string(text), `"name":"session"`)
}

// A guard that is no guard lets nobody through, and a nil caller only where everybody is.
func TestZeroGuardRefuses(t *testing.T) {
	t.Parallel()
	app := start(t)
	r := request("GET", "/", "", bearer(app.Token(app.Principal()))...)
	caller := app.gate.Authenticate(r)
	require.Nil(t, caller.RequireAuth())
	var zero transport.Guard
	assert.False(t, zero.Passes(&caller))
	assert.Equal(t, 500, zero.Refuse(t.Context(), &caller).Status)
	for _, guard := range []*transport.Guard{
		&zero, transport.GuardAuth(), transport.GuardOptional(), transport.GuardRoles("a"), transport.GuardPermissions("a.b"),
		transport.GuardAnyPermission("a.b"), transport.GuardScopes("a.b"),
	} {
		assert.False(t, guard.Passes(nil), guard.Describe())
		assert.Equal(t, "not_mounted", guard.Refuse(t.Context(), nil).Code, guard.Describe())
	}
	assert.True(t, transport.GuardPublic().Passes(nil))
	assert.Nil(t, transport.GuardPublic().Refuse(t.Context(), nil))
}

// What Passes lets through, Refuse lets through; and a description is the guard's own.
func TestGuardsAgree(t *testing.T) {
	t.Parallel()
	app := start(t)
	good := app.gate.Authenticate(request("GET", "/", "", bearer(app.Token(app.Principal()))...))
	bad := app.gate.Authenticate(request("GET", "/", "", bearer("x")...))
	nobody := app.gate.Authenticate(request("GET", "/", ""))
	names := []string{"a.b"}
	guards := []*transport.Guard{
		transport.GuardAuth(), transport.GuardOptional(), transport.GuardPublic(), transport.GuardRoles("viewer"),
		transport.GuardPermissions(names...), transport.GuardAnyPermission(names...), transport.GuardScopes(names...),
	}
	names[0] = "changed"
	for _, guard := range guards {
		for _, caller := range []*transport.Caller{&good, &bad, &nobody} {
			if guard.Passes(caller) {
				assert.Nil(t, guard.Refuse(t.Context(), caller), guard.Describe())
			}
		}
		if described := guard.Describe(); len(described.Names) > 0 {
			described.Names[0] = "changed"
		}
		assert.NotContains(t, guard.Describe().Names, "changed")
	}
	assert.Equal(t, "permissions a.b", guards[4].Describe().String())
	assert.True(t, guards[1].Passes(&nobody))
	assert.False(t, guards[1].Passes(&bad))
}
