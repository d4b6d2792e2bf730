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
	list := []Endpoint{g.onAccount(http.MethodDelete, "/users/{id}", PermissionDeleteUsers, g.deleteUser)}
	if !g.deps.Account.Sends() {
		return list
	}
	return append(list, g.onAccount(http.MethodPost, "/users/{id}/password-reset", PermissionResetPassword, g.requireReset))
}

// onAccount is an endpoint that changes an account of the caller's tenant. One of another tenant is answered as one that there is not.
func (g *Gate) onAccount(method, path, permission string, act func(ctx context.Context, r *http.Request, u authn.User) (Reply, error)) Endpoint {
	change := func(ctx context.Context, r *http.Request) (Reply, error) {
		user, err := g.deps.Users.User(ctx, named(ctx, r))
		var reply Reply
		if err == nil {
			reply, err = act(ctx, r, user)
		}
		if errors.Is(err, authn.ErrNotFound) {
			err = problem(http.StatusNotFound, "user_not_found", "the tenant has no account with this id")
		}
		return reply, err
	}
	return Endpoint{Method: method, Path: path, Need: NeedSession, Handle: g.permitted(permission, g.lately(change))}
}

func (g *Gate) requireReset(ctx context.Context, r *http.Request, u authn.User) (Reply, error) {
	return accepted(g.deps.Account.RequireReset(ctx, authn.PrincipalFrom(ctx), u.Subject, g.Client(r)))
}

func (g *Gate) deleteUser(ctx context.Context, r *http.Request, u authn.User) (Reply, error) {
	return Reply{}, accountProblem(g.deps.Account.Delete(ctx, authn.PrincipalFrom(ctx), u.Subject, g.Client(r)))
}
