package transport

import (
	"context"
	"net/http"
	"unicode"
	"unicode/utf8"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// The permissions that the endpoints about roles and policies ask for. They
// reach the caller's own tenant, and no other.
const (
	// PermissionReadRoles lets a caller see roles.
	PermissionReadRoles = "roles.read"
	// PermissionWriteRoles lets a caller define and delete roles, within what it holds itself: see [authz.Delegate].
	PermissionWriteRoles = "roles.write"
	// PermissionReadAssignments lets a caller see who has which role.
	PermissionReadAssignments = "assignments.read"
	// PermissionWriteAssignments lets a caller give and take roles, within what it holds itself: see [authz.Delegate].
	PermissionWriteAssignments = "assignments.write"
	// PermissionReadPolicies lets a caller see policies, and check a text of policies.
	PermissionReadPolicies = "policies.read"
	// PermissionWritePolicies lets a caller define and delete policies. Who can do so can permit itself anything in its tenant.
	PermissionWritePolicies = "policies.write"
)

// rbacEndpoints are off until configured. Where roles are switched off, everybody would be an administrator. A credential that
// can do less than a login reads as far as its scopes go, and changes nothing.
func (g *Gate) rbacEndpoints() []Endpoint {
	if !g.cfg.RBACEndpoints || !g.deps.Authz.Enabled() {
		return nil
	}
	return append(g.roleEndpoints(), g.policyEndpoints()...)
}

func (g *Gate) roleEndpoints() []Endpoint {
	return []Endpoint{
		{Method: http.MethodGet, Path: "/roles", Handle: g.permitted(PermissionReadRoles, g.roles)},
		{Method: http.MethodGet, Path: "/roles/{name}", Handle: g.permitted(PermissionReadRoles, g.role)},
		{Method: http.MethodPut, Path: "/roles/{name}", Need: NeedLogin, Handle: g.permitted(PermissionWriteRoles, g.sensitive(g.defineRole))},
		{Method: http.MethodDelete, Path: "/roles/{name}", Need: NeedLogin, Handle: g.permitted(PermissionWriteRoles, g.sensitive(g.deleteRole))},
		{Method: http.MethodGet, Path: "/roles/{name}/holders", Handle: g.permitted(PermissionReadAssignments, g.holders)},
		{Method: http.MethodGet, Path: "/users/{id}/roles", Handle: g.permitted(PermissionReadAssignments, g.assignments)},
		{Method: http.MethodPut, Path: "/users/{id}/roles/{name}", Need: NeedLogin, Handle: g.permitted(PermissionWriteAssignments, g.sensitive(g.assign))},
		{Method: http.MethodDelete, Path: "/users/{id}/roles/{name}", Need: NeedLogin, Handle: g.permitted(PermissionWriteAssignments, g.sensitive(g.unassign))},
	}
}

func (g *Gate) policyEndpoints() []Endpoint {
	explain := g.permitted(PermissionReadPolicies, g.permitted(PermissionReadRoles, g.permitted(PermissionReadAssignments, g.explain)))
	return []Endpoint{
		{Method: http.MethodGet, Path: "/policies", Handle: g.permitted(PermissionReadPolicies, g.policies)},
		{Method: http.MethodGet, Path: "/policies/export", Handle: g.permitted(PermissionReadPolicies, g.exportPolicies)},
		{Method: http.MethodPost, Path: "/policies/check", Need: NeedLogin, Handle: g.permitted(PermissionReadPolicies, g.compiling(g.checkPolicy))},
		{Method: http.MethodGet, Path: "/policies/{name}", Handle: g.permitted(PermissionReadPolicies, g.policy)},
		{Method: http.MethodPut, Path: "/policies/{name}", Need: NeedLogin, Handle: g.permitted(PermissionWritePolicies, g.sensitive(g.compiling(g.definePolicy)))},
		{Method: http.MethodDelete, Path: "/policies/{name}", Need: NeedLogin, Handle: g.permitted(PermissionWritePolicies, g.sensitive(g.compiling(g.deletePolicy)))},
		{Method: http.MethodPost, Path: "/authorize/explain", Handle: explain},
	}
}

// compiling runs one such handler at a time: reading a long text of policies takes up to a second of work, and
// whoever may send one must not take the program from all others.
func (g *Gate) compiling(handle handler) handler {
	return func(ctx context.Context, r *http.Request) (Reply, error) {
		select {
		case g.compiles <- struct{}{}:
			defer func() { <-g.compiles }()
			return handle(ctx, r)
		case <-ctx.Done():
			return Reply{}, ctx.Err()
		}
	}
}

// delegate changes what the caller may change.
func (g *Gate) delegate(ctx context.Context) authz.Delegate {
	return g.deps.Authz.OnBehalfOf(authn.PrincipalFrom(ctx))
}

func tenantOf(ctx context.Context) authn.Tenant { return authn.PrincipalFrom(ctx).Subject.Tenant }

// longestID is more than any ID of an account has.
const longestID = 256

// soundID refuses what can be nobody's ID, and what a database would choke on.
func soundID(field, id string) error {
	if id == "" || len(id) > longestID || !utf8.ValidString(id) {
		return malformedID(field)
	}
	for _, r := range id {
		if !unicode.IsPrint(r) {
			return malformedID(field)
		}
	}
	return nil
}

func malformedID(field string) error {
	return &authn.FieldError{Field: field, Code: "malformed", Problem: "must be 1 to 256 bytes of printable text"}
}
