package authztest

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// noStore holds nothing and keeps nothing. Nobody asks it for assignments: principals come with their roles.
type noStore struct{}

var (
	_ authz.RuleStore       = noStore{}
	_ authz.AssignmentStore = noStore{}
	_ authz.AttributeSource = tableAttributes{}
)

func (noStore) Rules(context.Context, authn.Tenant) (authz.Rules, error) { return authz.Rules{}, nil }

func (noStore) ChangeRules(context.Context, authn.Tenant, int64, authz.RuleChange) error {
	return errors.ErrUnsupported
}

func (noStore) Assignments(context.Context, authn.Subject) ([]authz.Assignment, error) {
	return []authz.Assignment{}, nil
}

func (noStore) Assign(context.Context, authn.Subject, authz.Assignment) (bool, error) {
	return false, errors.ErrUnsupported
}

func (noStore) Unassign(context.Context, authn.Subject, string) (bool, error) {
	return false, errors.ErrUnsupported
}

func (noStore) ReplaceAssignments(context.Context, authn.Subject, string, []authz.Assignment) (bool, error) {
	return false, errors.ErrUnsupported
}

func (noStore) Holders(context.Context, authn.Tenant, string, time.Time, string, int) ([]string, error) {
	return nil, nil
}

func (noStore) PruneAssignments(context.Context, time.Time) (int, error) { return 0, nil }

// attributesKey is the key of the attributes that the table gives the caller.
type attributesKey struct{}

// tableAttributes hands out what stands in the table.
type tableAttributes struct{}

// PrincipalAttributes implements [authz.AttributeSource].
func (tableAttributes) PrincipalAttributes(ctx context.Context, _ authn.Principal) (authz.Attributes, error) {
	attributes, _ := ctx.Value(attributesKey{}).(authz.Attributes)
	return attributes, nil
}
