package authz

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

// Role is a named set of permissions.
type Role struct {
	Name        string
	Description string
	// Permissions are patterns of the form resource.action; either part may be *.
	Permissions []string
	// Inherits names the roles whose permissions this one has as well.
	Inherits []string
}

// RoleStore keeps the roles that are defined at run time. A role in the store takes the place of
// one of the same name in configuration or code.
//
// An error that is none of the named sentinels means that the store could not
// answer; callers refuse the request then. Implementations are safe for
// concurrent use.
type RoleStore interface {
	// Roles returns the tenant's stored roles by ascending name.
	Roles(ctx context.Context, t authn.Tenant) ([]Role, error)
	// PutRole stores or replaces a role.
	PutRole(ctx context.Context, t authn.Tenant, r Role) error
	// DeleteRole removes a role, or returns [authn.ErrNotFound].
	DeleteRole(ctx context.Context, t authn.Tenant, name string) error
}

// AssignmentStore keeps which account has which roles.
type AssignmentStore interface {
	// Assignments returns the names of the roles assigned to s, ascending; none is an empty list.
	Assignments(ctx context.Context, s authn.Subject) ([]string, error)
	// Assign gives s the role and reports whether that is new.
	Assign(ctx context.Context, s authn.Subject, role string) (bool, error)
	// Unassign takes the role from s and reports whether s had it.
	Unassign(ctx context.Context, s authn.Subject, role string) (bool, error)
	// Holders returns the IDs of accounts that are assigned the role, ascending, those after the ID after, at most limit of them.
	Holders(ctx context.Context, t authn.Tenant, role, after string, limit int) ([]string, error)
}
