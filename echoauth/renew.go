package echoauth

import (
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
	if err := transport.Renew(contextOf(c), callerOf(c), c.Response().Header(), c.Request()); err != nil {
		return fail(c, err)
	}
	keepFromCaches(c)
	return nil
}

// keepFromCaches has the answer looked at when it begins: a handler may say more about caching until then.
func keepFromCaches(c echo.Context) {
	c.Response().Before(func() { transport.KeepFromCaches(c.Response().Header()) })
}
