package transport_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/transport"
)

func environmentOf(t testing.TB, ctx context.Context) authz.Environment {
	t.Helper()
	e, ok := ctx.Value(authz.EnvironmentKey{}).(authz.Environment)
	require.True(t, ok)
	return e
}

// POL-03: the route is what the router says, lazily, and never the path.
func TestEnvironmentOfRequests(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Principal()
	r := request("PUT", "/raw/%2e%2e/path", "", bearer(app.Token(p))...)
	caller := app.gate.Authenticate(r)

	at := caller.Carry(r, "/named/{id}")
	assert.Equal(t, p.Subject, authn.PrincipalFrom(at.Context()).Subject)
	assert.Same(t, app.gate, transport.CallerFrom(at.Context()).Gate())
	e := environmentOf(t, at.Context())
	assert.Equal(t, []string{"/named/{id}", "PUT", "192.0.2.1"}, []string{e.Route, e.Method, e.IP.String()})
	assert.Equal(t, "/named/{id}", environmentOf(t, transport.Asking(at.WithContext(at.Context()))).Route)
	assert.Equal(t, "/other", environmentOf(t, transport.AskingAt(at, "/other")).Route)
	assert.Equal(t, at.Context(), transport.AskingAt(at, "/named/{id}"), "what is known is not made again")

	before := caller.CarryBefore(r, transport.MatchedPattern)
	assert.Empty(t, environmentOf(t, before.Context()).Route)
	before.Pattern = "PUT /late/{id}"
	assert.Equal(t, "/late/{id}", environmentOf(t, before.Context()).Route)
	inner := before.WithContext(before.Context())
	inner.Pattern = "admin.example.com/inner"
	assert.Equal(t, "/late/{id}", environmentOf(t, inner.Context()).Route)
	assert.Equal(t, "admin.example.com/inner", environmentOf(t, transport.Asking(inner)).Route)
	assert.Equal(t, p.Subject, authn.PrincipalFrom(transport.Asking(inner)).Subject)
	assert.Equal(t, before.Context(), transport.Asking(before))

	bare := request("GET", "/", "")
	assert.Nil(t, transport.CallerFrom(bare.Context()))
	assert.Equal(t, bare.Context(), transport.Asking(bare))
	assert.Equal(t, bare.Context(), transport.AskingAt(bare, "/x"))
}

func TestSplitPattern(t *testing.T) {
	t.Parallel()
	for pattern, expected := range map[string][2]string{
		"": {}, "/": {"", "/"}, "GET /": {"GET", "/"}, "GET  \t/x": {"GET", "/x"}, "POST host/x": {"POST", "host/x"}, "host/": {"", "host/"}, "/a b": {"", "/a b"}, " ": {},
	} {
		method, route := transport.SplitPattern(pattern)
		assert.Equal(t, expected, [2]string{method, route}, "%q", pattern)
	}
}

// The context of a request is one allocation beside the request's own copy.
func TestCarryingCostsOneAllocation(t *testing.T) { //nolint:paralleltest // it counts allocations
	app := start(t)
	r := request("GET", "/", "", bearer(app.Token(app.Principal()))...)
	caller := app.gate.Authenticate(r)
	var kept *http.Request
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { kept = caller.Carry(r, "/x") }), 2.0)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { kept = caller.CarryBefore(r, transport.MatchedPattern) }), 2.0)
	assert.Zero(t, testing.AllocsPerRun(100, func() { transport.CallerFrom(kept.Context()) }))
}
