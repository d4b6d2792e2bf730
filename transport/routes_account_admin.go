package transport

import (
	"context"
	"errors"
	"net/http"

	"github.com/authmodule/authmodule/authn"
)

// The permissions that the endpoints about other people's accounts ask for. They reach the caller's own tenant, and no other.
const (
	// PermissionResetPassword lets a caller have the owner of an account choose another password.
	PermissionResetPassword = "users.reset_password"
	// PermissionDeleteUsers lets a caller delete accounts.
	PermissionDeleteUsers = "users.delete"
)

// accountAdminEndpoints are off until configured.
func (g *Gate) accountAdminEndpoints() []Endpoint {
	if g.deps.Account == nil || !g.cfg.UserEndpoints {
		return nil
	}
	list := []Endpoint{{Method: http.MethodDelete, Path: "/users/{id}", Need: NeedSession, Handle: g.permitted(PermissionDeleteUsers, g.lately(g.deleteUser))}}
	if !g.deps.Account.Sends() {
		return list
	}
	return append(list, Endpoint{
		Method: http.MethodPost, Path: "/users/{id}/password-reset", Need: NeedSession, Handle: g.permitted(PermissionResetPassword, g.lately(g.requireReset)),
	})
}

func (g *Gate) requireReset(ctx context.Context, r *http.Request) (Reply, error) {
	err := g.deps.Account.RequireReset(ctx, authn.PrincipalFrom(ctx), named(ctx, r), g.Client(r))
	if err != nil {
		return Reply{}, userProblem(err)
	}
	return Reply{Status: http.StatusAccepted, Body: struct{}{}}, nil
}

func (g *Gate) deleteUser(ctx context.Context, r *http.Request) (Reply, error) {
	return Reply{}, userProblem(g.deps.Account.Delete(ctx, authn.PrincipalFrom(ctx), named(ctx, r), g.Client(r)))
}

func userProblem(err error) error {
	if errors.Is(err, authn.ErrNotFound) {
		return problem(http.StatusNotFound, "user_not_found", "there is no account with this id")
	}
	return accountProblem(err)
}
