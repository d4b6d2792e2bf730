package authztest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// suite is one table that is put to the rules.
type suite struct {
	service *authz.Service
	// ownAttributes says that the table has the attributes of callers.
	ownAttributes bool
	table         *table
	covered       *coverage

	tenants map[authn.Tenant]*tenantRules
	answers []answer
	faults  []error
}

// answer is what the rules say to a question.
type answer struct {
	question    *question
	explanation authz.Explanation
	// err is why they could not say anything.
	err error
}

// ask asks everything, and finds what is wrong with the questions under these rules. The error is that of a store.
func (s *suite) ask(ctx context.Context) error {
	s.tenants = map[authn.Tenant]*tenantRules{}
	for _, q := range s.table.questions {
		if err := s.know(ctx, q.principal.is.Subject.Tenant); err != nil {
			return err
		}
	}
	s.names()
	first := map[string]*question{}
	for _, q := range s.table.questions {
		a := answer{question: q}
		a.explanation, a.err = s.explain(ctx, q)
		if key := q.key(); first[key] != nil {
			s.fault(q, "the case asks what line %d has asked; remove one", first[key].line)
		} else {
			first[key] = q
		}
		if err := s.canFail(ctx, &a); err != nil {
			return err
		}
		s.answers = append(s.answers, a)
		s.covered.note(&a)
	}
	return nil
}

func (s *suite) explain(ctx context.Context, q *question) (authz.Explanation, error) {
	c := q.environment
	c.MFAAge = q.principal.mfaAge
	ctx = context.WithValue(authz.WithEnvironment(ctx, authz.Environment{Context: c}), attributesKey{}, q.principal.attributes)
	return s.service.Explain(ctx, q.principal.is, q.action, q.about())
}

// key is equal for questions that can only have the same answer.
func (q *question) key() string {
	return fmt.Sprintf("%p %p %s %v", q.principal, q.resource, q.action, q.environment)
}

func (s *suite) fault(q *question, format string, args ...any) {
	s.faultAt(q.line, q.column, q.subject()+": "+fmt.Sprintf(format, args...))
}

func (s *suite) faultAt(line, column int, problem string) {
	s.faults = append(s.faults, &policy.Fault{Source: s.table.name, Line: line, Column: column, Problem: problem})
}

// canFail refuses a denial that no change of the rules in force could turn into anything else by mistake.
func (s *suite) canFail(ctx context.Context, a *answer) error {
	q, d := a.question, &a.explanation.Decision
	if q.allow || d.Allowed {
		return nil
	}
	switch d.Reason {
	case authz.ReasonScope:
		s.fault(q, "the case cannot fail: the principal's scopes do not cover the action, whatever the rules say; remove it (~ in a matrix)")
		return nil
	case authz.ReasonTenant:
		s.fault(q, "the case cannot fail: the resource is another tenant's, whatever the rules say; remove it (~ in a matrix)")
		return nil
	}
	outlook, err := s.service.Outlook(ctx, q.principal.is.Subject.Tenant, q.action)
	if err == nil && !outlook.Grantable {
		known := s.tenants[q.principal.is.Subject.Tenant]
		s.fault(q, "the case cannot fail: no role grants the action and no policy permits it%s", known.nearestAction(q.action))
	}
	return err
}

// problem says how the answer is another one than expected, or "".
func (a *answer) problem() string {
	q, d := a.question, &a.explanation.Decision
	word := map[bool]string{true: "allow", false: "deny"}
	switch {
	case q.allow != d.Allowed:
		return fmt.Sprintf("expected %s, and the rules say %s (%s)", word[q.allow], word[d.Allowed], d.Reason)
	case q.reason != "" && q.reason != d.Reason:
		return fmt.Sprintf("expected the reason %s, and it is %s", q.reason, d.Reason)
	case q.reason == "" && (d.Reason == authz.ReasonPolicyError || d.Reason == authz.ReasonError):
		return "denied only because something could not be asked; give the table what the policies read, or expect reason: policy_error"
	case q.role != "" && q.role != d.Role:
		return fmt.Sprintf("expected the role %s to decide, and it was %s", q.role, orNone(d.Role))
	case q.policy != "" && !slices.Contains(a.decidedBy(), q.policy):
		return fmt.Sprintf("expected the policy %s to decide, and it was %s", q.policy, orNone(strings.Join(a.decidedBy(), ", ")))
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// decidedBy are the IDs of the policies that decided, if policies did.
func (a *answer) decidedBy() []string {
	if len(a.explanation.Decision.Policies) == 0 || a.explanation.Policies == nil {
		return nil
	}
	var all []string
	for _, r := range a.explanation.Policies.Verdict.Reasons {
		all = append(all, r.Policy)
	}
	return all
}
