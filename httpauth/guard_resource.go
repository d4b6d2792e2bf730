package httpauth

import (
	"net/http"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/transport"
)

// RequirePolicy lets callers through who may do the action, such as articles.edit, to the resource that the request is about, as
// [authz.Service.Authorize] decides. resource says which one that is, from the parameters of the route; it is called for
// authenticated callers only. An error of it is answered by [Error]: return [NotFound] for what is not there, because one that the module
// does not know, such as a database's, is logged and answered with 503. It answers 401 to anonymous callers and 403 to others.
//
//	edits := httpauth.RequirePolicy("articles.edit", func(r *http.Request) (authz.Resource, error) {
//		a, err := articles.Find(r.Context(), r.PathValue("id"))
//		if errors.Is(err, sql.ErrNoRows) {
//			return authz.Resource{}, httpauth.NotFound()
//		}
//		return authz.Resource{Type: "Article", ID: a.ID, Attributes: authz.Attributes{"owner": a.Owner}}, err
//	})
//	mux.Handle("PUT /articles/{id}", edits(http.HandlerFunc(edit)))
func RequirePolicy(action string, resource func(*http.Request) (authz.Resource, error)) func(http.Handler) http.Handler {
	if resource == nil { // nobody passes; CheckRoutes finds it
		return guardingBy(&transport.Guard{}, nil)
	}
	g := transport.GuardPolicy(action)
	return guardingBy(g, func(r *http.Request, caller *transport.Caller) *transport.Problem {
		on, err := resource(r)
		if err != nil {
			return caller.Gate().Problem(r.Context(), err)
		}
		return g.RefuseOn(transport.Asking(r), caller, on)
	})
}

// RequireOwner lets the owner of what the request is about through, and callers who have every one of the permissions. owner says
// whose it is; it is called for authenticated callers only, and an error of it is answered as in [RequirePolicy]. An owner
// whose credential has scopes, such as an API key, needs scopes that cover the permissions, and is refused when there are none. It answers 401 to
// anonymous callers and 403 to others.
func RequireOwner(owner func(*http.Request) (authn.Subject, error), orAllOf ...string) func(http.Handler) http.Handler {
	if owner == nil { // nobody passes; CheckRoutes finds it
		return guardingBy(&transport.Guard{}, nil)
	}
	g := transport.GuardOwner(orAllOf...)
	return guardingBy(g, func(r *http.Request, caller *transport.Caller) *transport.Problem {
		of, err := owner(r)
		if err != nil {
			return caller.Gate().Problem(r.Context(), err)
		}
		return g.RefuseOthers(transport.Asking(r), caller, of)
	})
}

// NotFound is the error for what is not there, or must not be known of: [Error] answers 404 not_found.
func NotFound() error { return transport.NotFound() }
