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

// accountAdminEndpoints are off until configured, and where roles are switched off.
func (g *Gate) accountAdminEndpoints() []Endpoint {
	if g.deps.Account == nil || !g.cfg.UserEndpoints || !g.deps.Authz.Enabled() {
		return nil
	}
	remove := g.administeringAny("/users/{id}", PermissionDeleteUsers, g.deleteUser)
	remove.Method = http.MethodDelete
	if !g.deps.Account.Sends() {
		return []Endpoint{remove}
	}
	return []Endpoint{remove, g.administering("/users/{id}/password-reset", PermissionResetPassword, g.requireReset)}
}

func (g *Gate) requireReset(ctx context.Context, r *http.Request, u authn.User) (Reply, error) {
	return accepted(g.deps.Account.RequireReset(ctx, authn.PrincipalFrom(ctx), u.Subject, g.Client(r)))
}

// deleteUser drops what was left of an account that is deleted already, too.
func (g *Gate) deleteUser(ctx context.Context, r *http.Request) (Reply, error) {
	subject := named(ctx, r)
	if err := g.mayAdminister(ctx, subject); err != nil {
		return Reply{}, err
	}
	err := g.deps.Account.Delete(ctx, authn.PrincipalFrom(ctx), subject, g.Client(r))
	if errors.Is(err, authn.ErrNotFound) {
		return Reply{}, userNotFound()
	}
	return Reply{}, accountProblem(err)
}
