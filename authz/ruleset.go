package authz

import (
	"errors"
	"slices"
	"sync"

	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/internal/verdict"
)

// ruleset is everything that decides for one tenant. It does not change once built.
type ruleset struct {
	roles    *snapshot
	policies *policy.Set
	// version is that of the tenant's stored rules.
	version int64
	// verdicts are what was decided by it.
	verdicts *verdict.Rules
	// inherited has all that a role inherits, once somebody asked: string to []string.
	inherited sync.Map
}

// compileBase returns the rules of configuration and code.
func (s *Service) compileBase(cfg Config, set roleSet) error {
	s.base = &ruleset{roles: newBase(set, cfg.SuperuserRole), verdicts: &verdict.Rules{}}
	s.sources = slices.Concat(s.deps.Policies, cfg.Policies.sources())
	s.vocabulary = cfg.Policies.vocabulary(s.deps.Schemas)
	var err error
	s.base.policies, err = s.compilePolicies(set, nil)
	return err
}

// compile returns the rules of a tenant that stores these, or everything that is wrong with them.
func (s *Service) compile(stored Rules) (*ruleset, error) {
	set, err := define(stored.Roles, 0)
	if err := errors.Join(err, tooMany(stored)); err != nil {
		return nil, err
	}
	rules := &ruleset{roles: s.base.roles, policies: s.base.policies, version: stored.Version, verdicts: &verdict.Rules{}}
	if len(set) > 0 {
		if rules.roles, err = s.base.roles.over(set, s.defaultRole, s.superuser); err != nil {
			return nil, err
		}
	}
	// Policies may name the tenant's own roles and permissions.
	if len(stored.Policies) > 0 {
		rules.policies, err = s.compilePolicies(rules.roles.definitions(), stored.Policies)
	}
	return rules, err
}

// compilePolicies compiles those of configuration and code with the stored ones, for these roles.
func (s *Service) compilePolicies(set roleSet, stored []PolicyText) (*policy.Set, error) {
	sources, err := storedSources(stored)
	if err != nil {
		return nil, err
	}
	sources = slices.Concat(s.sources, sources)
	if len(sources) == 0 && len(s.vocabulary.Schema) == 0 && len(s.vocabulary.Resources) == 0 {
		return nil, nil //nolint:nilnil // no policies
	}
	v := s.vocabulary
	v.Roles, v.Permissions = set.names(), append(set.permissions(), v.Permissions...)
	compiled, err := policy.Compile(v, policy.Limits{}, sources...)
	if err != nil {
		return nil, &policyError{err}
	}
	return compiled, nil
}

// touches reports whether a policy has a say about the action.
func (r *ruleset) touches(action string) bool { return r.policies != nil && r.policies.Touches(action) }

// policyError is [ErrPolicies] with everything that is wrong, as it stands.
type policyError struct{ error }

func (e *policyError) Is(target error) bool { return target == ErrPolicies }
func (e *policyError) Unwrap() error        { return e.error }
