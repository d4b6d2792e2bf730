package authz

import (
	"errors"
	"fmt"
)

// Conditions that the service and the validation of roles report. Test with errors.Is.
var (
	// ErrPermissionSyntax: a permission or a pattern is not of the form resource.action.
	ErrPermissionSyntax = errors.New("authz: malformed permission")
	// ErrRoleName: a role name is not 1 to 64 of the characters a-z 0-9 _ and -.
	ErrRoleName = errors.New("authz: malformed role name")
	// ErrNothingRequired: a check was asked for without naming a permission or a role.
	ErrNothingRequired = errors.New("authz: nothing is required")
	// ErrUnknownRole: a role is defined nowhere.
	ErrUnknownRole = errors.New("authz: unknown role")
	// ErrRoleTwice: code defines two roles of one name.
	ErrRoleTwice = errors.New("authz: role is defined twice")
	// ErrRoleCycle: roles inherit each other, or one inherits itself.
	ErrRoleCycle = errors.New("authz: roles inherit in a circle")
	// ErrRoleInUse: another role inherits the role.
	ErrRoleInUse = errors.New("authz: role is inherited")
	// ErrRoleFixed: the role is defined in configuration or code and cannot be deleted at run time.
	ErrRoleFixed = errors.New("authz: role is not a stored one")
	// ErrStoredRules: the tenant's rules in the store are not valid, alone or with those of configuration and code.
	ErrStoredRules = errors.New("authz: stored rules are not valid")
	// ErrSuperuserDefault: every account would be a superuser.
	ErrSuperuserDefault = errors.New("authz: every account would be a superuser")
	// ErrEnded: a role would end before it began.
	ErrEnded = errors.New("authz: the end of the assignment has passed")
	// ErrNoSource: an identity provider has no name.
	ErrNoSource = errors.New("authz: no source is named")
	// ErrNoSubject: the subject has no ID.
	ErrNoSubject = errors.New("authz: subject has no ID")
)

// Longer text is cut when it is shown. A valid name is shorter.
const (
	longestName     = 2*maxSegment + 1
	longestRequired = 1024
)

func quote(s string) string { return fmt.Sprintf("%q", clip(s, longestName)) }

func clip(s string, longest int) string {
	if len(s) <= longest {
		return s
	}
	return s[:longest] + "..."
}
