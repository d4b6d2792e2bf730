package echoauth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

// RenewSession gives the caller's session another cookie and sets it on the answer. Call it where the caller proved
// more than the login did or may do more from now on, such as after a second factor or a change of roles: who
// knows the old cookie is left behind with nothing. The session stays the same one, listed under its ID.
//
// Call it once in a request, before the answer is begun; the cookie is set whatever the answer then is. It does nothing for callers
// without a session cookie, whose tokens and keys a browser does not send by itself. Anonymous callers get 401.
//
// Of concurrent requests with one cookie one renews it. For the others the error is
// [authn.ErrSessionRenewed] and is answered with 409 session_renewed when the handler returns it. Requests that are
// under way with the old cookie are anonymous, and do not clear the new one.
func RenewSession(c echo.Context) error {
	caller := callerOf(c)
	if caller == nil {
		return fail(c, transport.Unmounted())
	}
	gate, ctx := caller.Gate(), contextOf(c)
	cookie, err := gate.RenewSession(ctx, caller, c.Request())
	if err != nil {
		return refused(c, gate.Problem(ctx, err), err)
	}
	if cookie != nil {
		setCookies(c, []*http.Cookie{cookie})
		c.Response().Before(func() { keepFromCaches(c) })
	}
	return nil
}

// refused is fail for code of the application's, which may ask for the cause.
func refused(c echo.Context, p *transport.Problem, cause error) error {
	_ = fail(c, p)
	return echo.NewHTTPError(p.Status, p.Detail).SetInternal(errors.Join(p, cause))
}

// keepFromCaches overrides what a handler said about caching on an answer that sets
// the session cookie: a cache that keeps it would hand one browser's cookie, or its clearing, to others.
func keepFromCaches(c echo.Context) {
	header := c.Response().Header()
	for _, line := range header[echo.HeaderSetCookie] {
		if name, _, _ := strings.Cut(line, "="); name == transport.CookieName || name == transport.InsecureCookieName {
			header.Set(echo.HeaderCacheControl, "no-store")
			return
		}
	}
}
