package authz

import (
	"errors"

	"github.com/authmodule/authmodule/internal/verdict"
)

// ruleset is everything that decides for one tenant. It does not change once built.
type ruleset struct {
	roles *snapshot
	// version is that of the tenant's stored rules.
	version int64
	// verdicts are what was decided by it.
	verdicts *verdict.Rules
}

// compile returns the rules of a tenant that stores these, or everything that is wrong with them.
func (s *Service) compile(stored Rules) (*ruleset, error) {
	set, err := define(stored.Roles, 0)
	if err := errors.Join(err, tooMany(stored)); err != nil {
		return nil, err
	}
	rules := &ruleset{roles: s.base.roles, version: stored.Version, verdicts: &verdict.Rules{}}
	if len(set) > 0 {
		if rules.roles, err = s.base.roles.over(set, s.superuser); err != nil {
			return nil, err
		}
	}
	return rules, nil
}
