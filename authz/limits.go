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
	// MaxStoredTexts is how many texts of policies one tenant stores at most.
	MaxStoredTexts = 1000
	// MaxStoredTextBytes is how long all of them are together at most.
	MaxStoredTextBytes = 8 << 20
	// MaxInherited is how many roles and permissions the roles that a tenant adds or changes have together, where what is inherited
	// counts for each heir. It bounds the memory of deep inheritance, to about 50 MB.
	MaxInherited = 2_000_000
	// MaxDescription is the longest description of a role, in bytes.
	MaxDescription = 1024
)

// ErrTooManyRules: a tenant would store more than one may.
var ErrTooManyRules = errors.New("authz: too many stored rules")

func tooMany(stored Rules) error {
	permissions, parents, length := 0, 0, 0
	for _, p := range stored.Policies {
		length += len(p.Text)
	}
	for _, r := range stored.Roles {
		permissions += len(r.Permissions)
		parents += len(r.Inherits)
	}
	switch {
	case len(stored.Roles) > MaxStoredRoles:
		return fmt.Errorf("%w: %d roles, at most %d", ErrTooManyRules, len(stored.Roles), MaxStoredRoles)
	case max(permissions, parents) > MaxStoredPermissions:
		return fmt.Errorf("%w: their roles hold %d permissions and have %d parents, at most %d", ErrTooManyRules, permissions, parents, MaxStoredPermissions)
	case len(stored.Policies) > MaxStoredTexts:
		return fmt.Errorf("%w: %d texts of policies, at most %d", ErrTooManyRules, len(stored.Policies), MaxStoredTexts)
	case length > MaxStoredTextBytes:
		return fmt.Errorf("%w: texts of policies of %d bytes together, at most %d", ErrTooManyRules, length, MaxStoredTextBytes)
	}
	return nil
}

// tooDeep is the error for roles of a tenant that have more than [MaxInherited].
func tooDeep() error {
	return fmt.Errorf("%w: roles and permissions, with inherited ones counted for each heir, are more than %d; inherit less deeply", ErrTooManyRules, MaxInherited)
}
