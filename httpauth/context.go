package httpauth

import (
	"context"
	"net/http"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/transport"
)

// Principal returns the authenticated caller of the request, or the anonymous one. [authn.PrincipalFrom] finds it in the
// request's context, for code that does not know HTTP.
func Principal(r *http.Request) authn.Principal {
	caller := transport.CallerFrom(r.Context())
	if caller == nil {
		return authn.Principal{}
	}
	return caller.Principal()
}

// RenewSession gives the caller's session another cookie and sets it on the answer. Call it where the caller proved
// more than the login did or may do more from now on, such as after a second factor or a change of roles: who
// knows the old cookie is left behind with nothing. The session stays the same one, listed under its ID.
//
// Call it once in a request, before the answer is begun. It does nothing for callers without a session cookie, whose tokens
// and keys a browser does not send by itself. Its error is for [Error]: anonymous callers get 401, and of concurrent
// requests with one cookie all but one get 409, with [authn.ErrSessionRenewed] in the error. Requests that are
// under way with the old cookie are anonymous, and do not clear the new one.
func RenewSession(w http.ResponseWriter, r *http.Request) error {
	return transport.Renew(r.Context(), transport.CallerFrom(r.Context()), w.Header(), r)
}

// Recheck answers whether the caller of a request that takes long, such as a WebSocket, still is one: nil, or the refusal,
// which [Error] answers. It asks the stores, and counts as no use of the session.
func Recheck(r *http.Request) error { return transport.Recheck(r.Context()) }

// Watch returns a context that ends when the request does, and when its caller no longer is one: logged out, revoked,
// disabled, expired. The handler of a WebSocket, a stream or a long poll works under it and closes the connection when it
// ends; [context.Cause] says why.
//
//	ctx, stop := httpauth.Watch(r, 0)
//	defer stop()
//
// What every node is told of is noticed within about a second; the end of a cookie's session each time the duration has
// passed, 10 seconds if it is zero. Where nothing authenticates, it has ended already. See [authn.Watcher].
func Watch(r *http.Request, every time.Duration) (context.Context, context.CancelFunc) {
	return transport.Watch(r.Context(), every)
}

// Error answers with what went wrong, as application/problem+json (RFC 9457): an error of this package, or any
// other of the module's, such as those of authz and authn. What callers may not know is logged instead, and they get 503.
// Where nothing authenticates, that is the answer.
func Error(w http.ResponseWriter, r *http.Request, err error) {
	problem := transport.Unmounted()
	if caller := transport.CallerFrom(r.Context()); caller != nil {
		problem = caller.Gate().Problem(r.Context(), err)
	}
	problem.Write(w, r)
}
