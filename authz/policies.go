package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz/policy"
)

// The formats of a [PolicyText].
const (
	FormatCedar = "cedar"
	FormatYAML  = "yaml"
)

var (
	// ErrPolicies: policies are not valid. The error has a [policy.Fault] for each thing that is wrong; see [policy.Faults].
	ErrPolicies = errors.New("authz: policies are not valid")
	// ErrPolicyName: a policy text's name is not 1 to 64 of the characters a-z 0-9 _ and -.
	ErrPolicyName = errors.New("authz: malformed name of a policy text")
	// ErrPolicyFormat: a policy text's format is neither cedar nor yaml.
	ErrPolicyFormat = errors.New("authz: unknown format of a policy text")
	// ErrUnknownPolicy: the tenant stores no policy text of that name.
	ErrUnknownPolicy = errors.New("authz: unknown policy text")
)

// storedName is where a stored policy comes from, as faults and reasons show it.
func storedName(name string) string { return "store: " + name }

func storedSources(stored []PolicyText) ([]policy.Source, error) {
	sources := make([]policy.Source, 0, len(stored))
	var errs []error
	for _, p := range stored {
		src := policy.Source{Name: storedName(p.Name), Text: []byte(p.Text)}
		switch {
		case !validRoleName(p.Name):
			errs = append(errs, fmt.Errorf("%w: %s %s", ErrPolicyName, quote(p.Name), roleNameForm))
		case p.Format == FormatYAML:
			src.Format = policy.YAML
		case p.Format != FormatCedar:
			errs = append(errs, fmt.Errorf("%w: %s is %s; use cedar or yaml", ErrPolicyFormat, quote(p.Name), quote(p.Format)))
		}
		sources = append(sources, src)
	}
	return sources, errors.Join(errs...)
}

// Policies returns the policy texts that the tenant stores, by ascending name. It reads the store.
func (s *Service) Policies(ctx context.Context, t authn.Tenant) ([]PolicyText, error) {
	stored, err := s.snapshots.stored(ctx, t)
	return stored.Policies, err
}

// PolicySet returns the policies in force for the tenant, compiled, those of configuration and code included; nil when there are none.
func (s *Service) PolicySet(ctx context.Context, t authn.Tenant) (*policy.Set, error) {
	rules, err := s.snapshots.of(ctx, t)
	if err != nil {
		return nil, err
	}
	return rules.policies, nil
}

// DefinePolicy creates or replaces a policy text of the tenant. It is added to the policies of configuration and
// code, and takes the place of none of them. What is wrong with it, or with all of them together, is [ErrPolicies], and nothing is
// stored. Decisions that begin after it returned use it, on other nodes within a second.
//
// It does not ask whether actor may do this: who can define policies can permit anything.
func (s *Service) DefinePolicy(ctx context.Context, actor authn.Principal, t authn.Tenant, p PolicyText) error {
	return s.definePolicy(ctx, actor, t, p, nil)
}

func (s *Service) definePolicy(ctx context.Context, actor authn.Principal, t authn.Tenant, p PolicyText, allowed func(before, after *ruleset) error) error {
	act := s.policyAct(audit.PolicyDefined, actor, t, p.Name)
	changed, err := s.change(ctx, t, func(stored Rules) (plan, error) {
		if slices.Contains(stored.Policies, p) {
			return plan{next: stored, idle: true, allowed: allowed}, nil
		}
		next := stored
		next.Policies = append(withoutPolicy(stored.Policies, p.Name), p)
		slices.SortFunc(next.Policies, byName)
		return plan{next: next, change: RuleChange{PutPolicies: []PolicyText{p}}, allowed: allowed, act: act}, nil
	})
	if changed {
		act.Tell(ctx)
	}
	return err
}

// DeletePolicy removes a policy text of the tenant, or returns [ErrUnknownPolicy].
func (s *Service) DeletePolicy(ctx context.Context, actor authn.Principal, t authn.Tenant, name string) error {
	return s.deletePolicy(ctx, actor, t, name, nil)
}

func (s *Service) deletePolicy(ctx context.Context, actor authn.Principal, t authn.Tenant, name string, allowed func(before, after *ruleset) error) error {
	act := s.policyAct(audit.PolicyDeleted, actor, t, name)
	changed, err := s.change(ctx, t, func(stored Rules) (plan, error) {
		next := stored
		next.Policies = withoutPolicy(stored.Policies, name)
		if len(next.Policies) == len(stored.Policies) {
			return plan{}, fmt.Errorf("%w: %s", ErrUnknownPolicy, quote(name))
		}
		return plan{next: next, change: RuleChange{DeletePolicies: []string{name}}, allowed: allowed, act: act}, nil
	})
	if changed {
		act.Tell(ctx)
	}
	return err
}

func (s *Service) policyAct(what audit.Type, actor authn.Principal, t authn.Tenant, name string) *audit.Act {
	return s.act(audit.Event{Type: what, Tenant: string(t), Actor: authn.ActorID(actor), Detail: map[string]string{"policy": name}})
}

func byName(a, b PolicyText) int { return strings.Compare(a.Name, b.Name) }

func withoutPolicy(policies []PolicyText, name string) []PolicyText {
	return slices.DeleteFunc(slices.Clone(policies), func(p PolicyText) bool { return p.Name == name })
}
