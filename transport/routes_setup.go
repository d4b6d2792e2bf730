package transport

import (
	"context"
	"net/http"

	"github.com/authmodule/authmodule/setting"
)

func (g *Gate) setup(ctx context.Context, r *http.Request) (Reply, error) {
	in, err := g.read(r)
	if err != nil {
		return Reply{}, err
	}
	token, password := in.secret("token"), in.secret("password")
	if err := in.err(); err != nil {
		return Reply{}, err
	}
	user, err := g.deps.Setup.Redeem(ctx, token, password, g.Client(r))
	if err != nil {
		return Reply{}, err
	}
	roles, _, err := g.deps.Authz.RolesOf(ctx, user.Subject)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Status: http.StatusCreated, Body: accountView{ID: user.Subject.ID, Email: user.Email, Roles: roles}}, nil
}

// SetupLink is where a set-up token is redeemed by hand. The token stands in
// the fragment, which no server sees and no log of requests holds; opening the link does not use it up.
func (g *Gate) SetupLink(token setting.Secret) string {
	return g.cfg.PublicURL + g.cfg.Prefix + "/setup#" + token.Reveal()
}
