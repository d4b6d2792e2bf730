package transport

import (
	"context"
	"errors"
	"net/http"
)

// RenewSession gives the caller's session another cookie, and returns it to be set; the old one is dead then. It returns
// nil for a caller whom no session cookie authenticated: tokens and API keys have nothing to renew. Of concurrent
// requests with one cookie exactly one renews it, and the others get [authn.ErrSessionRenewed]. An anonymous
// caller gets a [Problem].
func (g *Gate) RenewSession(ctx context.Context, caller *Caller, r *http.Request) (*http.Cookie, error) {
	if p := caller.RequireAuth(); p != nil {
		return nil, p
	}
	value, _, single := g.cookie.read(r)
	if !caller.byCookie || !single {
		return nil, nil
	}
	grant, err := g.deps.Users.RenewCookie(ctx, value, g.Client(r))
	if err != nil {
		return nil, err
	}
	return g.cookie.set(grant.Cookie, grant.Session.Ends), nil
}

// Renew is [Gate.RenewSession] for adapters: it sets the cookie on the answer to r, whose header is given, in place of one that
// was set before. Its error has the [Problem] to refuse with in it, and the cause. A nil caller is one whom nothing authenticated.
func Renew(ctx context.Context, caller *Caller, header http.Header, r *http.Request) error {
	if caller == nil {
		return Unmounted()
	}
	cookie, err := caller.gate.RenewSession(ctx, caller, r)
	if err != nil {
		return errors.Join(caller.gate.Problem(ctx, err), err)
	}
	if cookie != nil {
		setCookies(header, []*http.Cookie{cookie})
		KeepFromCaches(header)
	}
	return nil
}
