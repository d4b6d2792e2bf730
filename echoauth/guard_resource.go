package echoauth

import (
	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/transport"
)

// RequirePolicy lets callers through who may do the action, such as articles.edit, to the resource that the request is about, as
// [authz.Service.Authorize] decides. resource says which one that is, from the parameters of the route; it is called for
// authenticated callers only, and an error of it is the answer, such as echo.ErrNotFound. It answers 401 to anonymous callers and 403 to others.
//
//	e.PUT("/articles/:id", edit, echoauth.RequirePolicy("articles.edit", func(c echo.Context) (authz.Resource, error) {
//		a, err := articles.Find(c.Request().Context(), c.Param("id"))
//		return authz.Resource{Type: "Article", ID: a.ID, Attributes: authz.Attributes{"owner": a.Owner}}, err
//	}))
func RequirePolicy(action string, resource func(echo.Context) (authz.Resource, error)) echo.MiddlewareFunc {
	if resource == nil { // nobody passes; CheckRoutes finds it
		return guardedBy(&transport.Guard{}, nil)
	}
	g := transport.GuardPolicy(action)
	return guardedBy(g, func(c echo.Context, caller *transport.Caller) error {
		r, err := resource(c)
		if err != nil {
			return err
		}
		return refusal(c, g.RefuseOn(asking(c, caller), caller, r))
	})
}

// RequireOwner lets the owner of what the request is about through, and callers who have every one of the permissions. owner says
// whose it is; it is called for authenticated callers only, and an error of it is the answer. An owner
// whose credential has scopes, such as an API key, needs scopes that cover the permissions, and is refused when there are none. It answers 401 to
// anonymous callers and 403 to others.
func RequireOwner(owner func(echo.Context) (authn.Subject, error), orAllOf ...string) echo.MiddlewareFunc {
	if owner == nil { // nobody passes; CheckRoutes finds it
		return guardedBy(&transport.Guard{}, nil)
	}
	g := transport.GuardOwner(orAllOf...)
	return guardedBy(g, func(c echo.Context, caller *transport.Caller) error {
		of, err := owner(c)
		if err != nil {
			return err
		}
		return refusal(c, g.RefuseOthers(asking(c, caller), caller, of))
	})
}

func refusal(c echo.Context, p *transport.Problem) error {
	if p == nil {
		return nil
	}
	return fail(c, p)
}
