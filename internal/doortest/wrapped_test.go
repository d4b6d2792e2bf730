package doortest_test

import (
	"io"
	"net/http"
	"testing"

	echo4 "github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/httpauth"
	"github.com/authmodule/authmodule/internal/webtest"
)

// Handlers of net/http within Echo v4 find the caller, are guarded by it, and have the route of Echo.
func TestHandlersWithinEcho(t *testing.T) {
	t.Parallel()
	h := open(t, plan{})
	a, err := echoauth.New(h.gate)
	require.NoError(t, err)
	e := echo4.New()
	require.NoError(t, echoauth.Mount(e, a))
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known, _ := r.Context().Value(authz.EnvironmentKey{}).(authz.Environment)
		_, _ = io.WriteString(w, httpauth.Principal(r).Subject.ID+" "+known.Route)
	})
	e.GET("/x/:id", echo4.WrapHandler(httpauth.RequireAuth()(inner)))
	door, p := opened{"wrapped", e}, h.Principal()
	assert.Equal(t, p.Subject.ID+" /x/:id", door.ask(get("/x/7", webtest.Bearer(h.Token(p))...)).Body.String())
	assert.Equal(t, "unauthenticated", codeOf(t, door.ask(get("/x/7"))))
}
