package transport

import (
	"context"
	"errors"
	"net/http"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// impersonationEndpoints are off until configured. Where roles are switched off, nobody may.
func (g *Gate) impersonationEndpoints() []Endpoint {
	if !g.cfg.Impersonation || !g.deps.Authz.Enabled() {
		return nil
	}
	return []Endpoint{{
		Method: http.MethodPost, Path: "/users/{id}/impersonate", Need: NeedSession, Owner: true,
		Handle: g.permitted(authz.PermissionImpersonate, g.sensitive(g.impersonate)),
	}}
}

// impersonate opens a session of another account. Its access token is not refreshed; logging out with it ends it.
func (g *Gate) impersonate(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	request := authn.Impersonation{
		Reason: in.text("reason"), Client: g.Client(r), Bind: in.binding(),
		Carrier: authn.Carrier(in.choice("mode", string(authn.CarrierToken), string(authn.CarrierCookie))),
	}
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	if request.Carrier == authn.CarrierCookie && g.dropsCookies(r) {
		return Reply{}, insecureTransport()
	}
	grant, err := g.deps.Users.Impersonate(ctx, authn.PrincipalFrom(ctx), named(ctx, r), request)
	if err != nil {
		return Reply{}, g.impersonationProblem(err)
	}
	reply := g.accessReply(grant)
	if grant.Cookie != "" {
		reply.Body = &cookieLogin{SessionID: grant.Session.ID}
	}
	return reply, nil
}

// impersonationProblem does not say what the account may do that the caller may not, but in development.
func (g *Gate) impersonationProblem(err error) error {
	p := problem(http.StatusForbidden, "not_impersonable", "you must not act as this account")
	switch {
	case errors.Is(err, authz.ErrNotImpersonable):
		if g.deps.ExplainDenials {
			p.Detail = plain(err)
		}
		return p
	case errors.Is(err, authn.ErrImpersonationOff), errors.Is(err, authn.ErrImpersonationRefused), errors.Is(err, authz.ErrDisabled):
		return p
	case errors.Is(err, authn.ErrNotFound):
		return userNotFound()
	}
	return err
}
