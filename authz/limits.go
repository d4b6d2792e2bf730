package authz

import (
	"errors"
	"fmt"
)

// How much a tenant may define at run time. What configuration and code define is not bounded.
const (
	// MaxStoredRoles is how many roles one tenant stores at most.
	MaxStoredRoles = 2000
	// MaxStoredPermissions is how many permissions all of them hold at most, and how many parents they have.
	MaxStoredPermissions = 50_000
	// MaxInherited is how many roles and permissions the roles that a tenant adds or changes have together, where what is inherited
	// counts for each heir. It bounds the memory of deep inheritance, to about 50 MB.
	MaxInherited = 2_000_000
	// MaxDescription is the longest description of a role, in bytes.
	MaxDescription = 1024
)

// ErrTooManyRules: a tenant would store more than one may.
var ErrTooManyRules = errors.New("authz: too many stored rules")

func tooMany(stored Rules) error {
	permissions, parents := 0, 0
	for _, r := range stored.Roles {
		permissions += len(r.Permissions)
		parents += len(r.Inherits)
	}
	switch {
	case len(stored.Roles) > MaxStoredRoles:
		return fmt.Errorf("%w: %d roles, at most %d", ErrTooManyRules, len(stored.Roles), MaxStoredRoles)
	case max(permissions, parents) > MaxStoredPermissions:
		return fmt.Errorf("%w: their roles hold %d permissions and have %d parents, at most %d", ErrTooManyRules, permissions, parents, MaxStoredPermissions)
	}
	return nil
}

// tooDeep is the error for roles of a tenant that have more than [MaxInherited].
func tooDeep() error {
	return fmt.Errorf("%w: roles and permissions, with inherited ones counted for each heir, are more than %d; inherit less deeply", ErrTooManyRules, MaxInherited)
}
