package authz

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// Role is a named set of permissions.
type Role struct {
	Name        string
	Description string
	// Permissions are patterns such as articles.read, articles.* and articles.**. One that begins with ! takes away.
	Permissions []string
	// Inherits names the roles whose permissions this one has as well.
	Inherits []string
}

// PolicyText is a text of policies that was defined at run time.
type PolicyText struct {
	// Name is unique in the tenant.
	Name string
	// Format is cedar or yaml.
	Format string
	// Text is what [github.com/authmodule/authmodule/authz/policy] reads.
	Text string
}

// Rules are what a tenant defines at run time.
type Rules struct {
	// Version counts the tenant's changes; it is 0 before the first and never goes back.
	Version int64
	// Roles are by ascending name, and so are Policies.
	Roles    []Role
	Policies []PolicyText
}

// RuleChange is one change of a tenant's [Rules]. Deletions come first; deleting what is not there is no error.
type RuleChange struct {
	DeleteRoles    []string
	DeletePolicies []string
	PutRoles       []Role
	PutPolicies    []PolicyText
}

// RuleStore keeps the rules that are defined at run time. A role in the store takes the place of
// one of the same name in configuration or code.
//
// An error that is none of the named sentinels means that the store could not
// answer; callers refuse the request then. Implementations are safe for
// concurrent use.
type RuleStore interface {
	// Rules returns the tenant's rules as they were at one moment.
	Rules(ctx context.Context, t authn.Tenant) (Rules, error)
	// ChangeRules makes the whole change in one step and adds one to the tenant's version, if that is
	// the given one; else it changes nothing and returns [authn.ErrConflict].
	ChangeRules(ctx context.Context, t authn.Tenant, version int64, c RuleChange) error
}

// Assignment says that an account has a role.
type Assignment struct {
	Role string
	// Source is who says so: empty for what was assigned by hand, else the name of an identity provider. An
	// account may have a role from several sources.
	Source string
	// Until is when it ends, to the microsecond; zero is never.
	Until time.Time
}

// AssignmentStore keeps which account has which roles. What has ended is kept
// until it is pruned, and returned like the rest: callers look at Until.
type AssignmentStore interface {
	// Assignments returns the assignments of s by ascending role, those of one role by ascending source; none is an empty list.
	Assignments(ctx context.Context, s authn.Subject) ([]Assignment, error)
	// Assign stores the assignment, in place of one of the same role and source, and reports whether that changed anything.
	Assign(ctx context.Context, s authn.Subject, a Assignment) (bool, error)
	// Unassign takes the role from s, from whatever source it is, and reports whether s had it.
	Unassign(ctx context.Context, s authn.Subject, role string) (bool, error)
	// ReplaceAssignments makes the list, whose Source is source, all that s has from that source, in one step. It reports whether that changed
	// anything. An empty list removes them all.
	ReplaceAssignments(ctx context.Context, s authn.Subject, source string, list []Assignment) (bool, error)
	// Holders returns the IDs of accounts that have an assignment of the role which has not ended at that time, ascending and
	// each once, those after the ID after, at most limit of them.
	Holders(ctx context.Context, t authn.Tenant, role string, at time.Time, after string, limit int) ([]string, error)
	// PruneAssignments forgets the assignments that ended before the given time and returns how many.
	PruneAssignments(ctx context.Context, before time.Time) (int, error)
}
