package policy

import (
	"context"
	"fmt"
	"iter"
	"slices"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

// Effect is what policies say about a request. Forbid and Error deny; None leaves it to roles.
type Effect uint8

// The effects. The zero value is Error, so that a [Verdict] which nobody filled in denies.
const (
	// Error: it could not be decided.
	Error Effect = iota
	// None: no policy applies.
	None
	// Permit: a policy permits it, and none forbids it.
	Permit
	// Forbid: a policy forbids it.
	Forbid
)

// String returns the effect's name.
func (e Effect) String() string {
	return [...]string{"error", "none", "permit", "forbid"}[min(e, Forbid)]
}

// Reason is a policy that decided.
type Reason struct {
	// Policy is its ID, At its place as source:line:column.
	Policy, At string
}

// Verdict is the answer of a [Set]. The zero value denies.
type Verdict struct {
	Effect Effect
	// Reasons are the policies that decided: all that forbid, or all that permit, or those that failed.
	Reasons []Reason
	// Err says what failed; it is nil unless Effect is Error.
	Err error
}

// Evaluate asks the policies that can apply. Whatever fails, an attribute that is missing or of another type, a cost
// above the limits, a done ctx, is [Error]: a policy that cannot be asked might have forbidden it.
func (s *Set) Evaluate(ctx context.Context, r *Request) Verdict {
	parts := s.index.parts(r.Action, r.Resource.Type)
	if err := s.refuse(r, parts[0] != nil); err != nil {
		return Verdict{Err: err}
	}
	if parts[0] == nil && parts[1] == nil {
		return Verdict{Effect: None}
	}
	return s.evaluation(ctx, r, parts).run()
}

// refuse returns why a request is not one to ask policies about. declared says that a rule is about its action and its type of resource.
func (s *Set) refuse(r *Request, declared bool) error {
	switch {
	case r.Principal.ID == "":
		return errNoPrincipal
	case !declared && !actionName(r.Action):
		return fmt.Errorf("policy: action %s is not two to 16 segments of A-Z a-z 0-9 _ - with dots between them", clip(r.Action))
	case r.Resource.Type == "" && (r.Resource.ID != "" || r.Resource.Attributes != nil || r.Resource.Parents != nil):
		return errNoType
	case r.Resource.Type != "" && r.Resource.ID == "":
		return errNoID
	case r.Resource.Type == noneType:
		return errBuiltInType
	case max(len(r.Principal.ID), len(r.Resource.ID)) > s.limits.StringBytes:
		return fmt.Errorf("policy: an ID is longer than %d bytes", s.limits.StringBytes)
	case len(r.Principal.Roles) > s.limits.Roles:
		return fmt.Errorf("policy: the principal has more than %d roles", s.limits.Roles)
	}
	if declared {
		return nil
	}
	return s.undeclared(r)
}

// undeclared returns an error when a resource's type is not one of the action's, and policies are about the action.
func (s *Set) undeclared(r *Request) error {
	if r.Resource.Type == "" || !s.index.touches(r.Action) {
		return nil
	}
	a, known := s.declared.schema.Actions[actionUID(r.Action)]
	if !known {
		if _, declared := s.declared.schema.Entities[types.EntityType(r.Resource.Type)]; declared {
			return nil
		}
		return fmt.Errorf("policy: resource type %s is declared nowhere", clip(r.Resource.Type))
	}
	if a.AppliesTo == nil || !slices.Contains(a.AppliesTo.Resources, types.EntityType(r.Resource.Type)) {
		return fmt.Errorf("policy: resource type %s is not declared for action %s", clip(r.Resource.Type), r.Action)
	}
	return nil
}

// evaluation is one request being answered. It is the entities and the policies that Cedar sees.
type evaluation struct {
	ctx     context.Context
	set     *Set
	request *Request
	parts   [2]*part
	// uses are what the rules look at.
	uses   *uses
	values converter
	// err is the first thing that failed outside of Cedar.
	err                 error
	cost                int
	principal, resource entity
	forbids, permits    []*rule
	undecided           *rule
	// roleSet is made for many roles, up for the ancestors of ancestors.
	roleSet map[string]bool
	up      map[types.EntityUID]types.Entity
	// everyRole is for explanations, which look at scopes too.
	everyRole bool
	// scratch is for one record after the other.
	scratch types.RecordMap
}

type entity struct {
	uid  types.EntityUID
	read bool
	is   types.Entity
}

// evaluation prepares one. One of the parts at least is there.
func (s *Set) evaluation(ctx context.Context, r *Request, parts [2]*part) *evaluation {
	e := &evaluation{ctx: ctx, set: s, request: r, parts: parts, values: converter{limits: s.limits}}
	if p := parts[0]; p != nil { // it knows of the other
		e.uses = &p.uses
	} else {
		e.uses = &parts[1].uses
	}
	e.principal.uid = types.EntityUID{Type: userType, ID: types.String(e.request.Principal.ID)}
	e.resource.uid = types.EntityUID{Type: types.EntityType(e.request.Resource.Type), ID: types.String(e.request.Resource.ID)}
	if e.request.Resource.Type == "" {
		e.resource.uid = types.EntityUID{Type: noneType}
	}
	return e
}

func (e *evaluation) run() Verdict {
	context, err := e.context()
	if err != nil {
		return Verdict{Err: err}
	}
	_, diagnostic := cedar.Authorize(e, e, cedar.Request{
		Principal: e.principal.uid, Action: actionUID(e.request.Action), Resource: e.resource.uid, Context: context,
	})
	return e.verdict(diagnostic)
}

// All implements [cedar.PolicyIterator].
func (e *evaluation) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] { return e.ask }

// ask yields the policies that are left to ask. It stops when something has failed.
func (e *evaluation) ask(yield func(cedar.PolicyID, *cedar.Policy) bool) {
	for _, p := range e.parts {
		if p == nil {
			continue
		}
		for _, r := range p.rules {
			if e.cost++; r.roles != nil && !slices.ContainsFunc(r.roles, e.hasRole) {
				continue
			}
			if e.cost += r.cost; e.stop() {
				return
			}
			if r.rest == nil {
				e.decided(r)
			} else if !yield(cedar.PolicyID(r.info.ID), r.rest) {
				return
			}
		}
	}
}

// stop reports whether nothing more is to be asked.
func (e *evaluation) stop() bool {
	if e.err == nil && e.cost > e.set.limits.DecisionCost {
		e.err = fmt.Errorf("policy: the policies that apply cost more than %d units", e.set.limits.DecisionCost)
	}
	if e.err == nil && e.ctx.Err() != nil {
		e.err = fmt.Errorf("policy: %w", e.ctx.Err())
	}
	return e.err != nil
}

func (e *evaluation) decided(r *rule) {
	switch {
	case r.undecided:
		e.undecided = r
	case r.info.Effect == Forbid:
		e.forbids = append(e.forbids, r)
	default:
		e.permits = append(e.permits, r)
	}
}

// fewRoles are looked through one by one; of more, a map is made.
const fewRoles = 16

func (e *evaluation) hasRole(name string) bool {
	roles := e.request.Principal.Roles
	if len(roles) <= fewRoles {
		return slices.Contains(roles, name)
	}
	if e.roleSet == nil {
		e.roleSet = make(map[string]bool, len(roles))
		for _, r := range roles {
			e.roleSet[r] = true
		}
	}
	return e.roleSet[name]
}
