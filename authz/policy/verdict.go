package policy

import (
	"errors"
	"fmt"
	"slices"

	cedar "github.com/cedar-policy/cedar-go"
)

var (
	errNoPrincipal = errors.New("policy: the request has no principal")
	errNoType      = errors.New("policy: the resource has no type")
	errNoID        = errors.New("policy: the resource has no ID")
	errBuiltInType = errors.New("policy: resource type None is built in, for requests without a resource; leave the resource out")
)

// And joins the verdicts of two sets about one request, such as that of all tenants and that of one: what either of
// them cannot decide or forbids is that, else what either permits is permitted.
func (v Verdict) And(other Verdict) Verdict {
	switch {
	case v.Effect == other.Effect:
		return Verdict{Effect: v.Effect, Reasons: slices.Concat(v.Reasons, other.Reasons), Err: errors.Join(v.Err, other.Err)}
	case v.outranks(other):
		return v
	}
	return other
}

// outranks reports whether v decides over an other effect.
func (v Verdict) outranks(other Verdict) bool {
	rank := [...]int{Error: 3, Forbid: 2, Permit: 1, None: 0}
	return rank[v.Effect] > rank[other.Effect]
}

// verdict puts together what Cedar found and what needed no asking.
func (e *evaluation) verdict(d cedar.Diagnostic) Verdict {
	for _, reason := range d.Reasons {
		e.decided(e.rule(string(reason.PolicyID)))
	}
	switch {
	case e.err != nil:
		return Verdict{Err: e.err}
	case len(d.Errors) > 0:
		return e.failed(d.Errors)
	case e.undecided != nil && len(e.forbids) == 0:
		r := e.undecided
		return Verdict{Reasons: reasons(r), Err: fmt.Errorf("policy: %s depends on the resource, and the request names none", r.info.ID)}
	case len(e.forbids) > 0:
		return Verdict{Effect: Forbid, Reasons: reasons(e.forbids...)}
	case len(e.permits) > 0:
		return Verdict{Effect: Permit, Reasons: reasons(e.permits...)}
	}
	return Verdict{Effect: None}
}

// failed is the verdict when policies could not be asked.
func (e *evaluation) failed(errs []cedar.DiagnosticError) Verdict {
	v := Verdict{}
	var all []error
	for _, failure := range errs {
		r := e.rule(string(failure.PolicyID))
		v.Reasons = append(v.Reasons, reasons(r)...)
		all = append(all, fmt.Errorf("policy: %s at %s: %s", r.info.ID, r.info.place, withoutValues(failure.Message)))
	}
	v.Err = errors.Join(all...)
	return v
}

// rule finds one of those that were asked.
func (e *evaluation) rule(id string) *rule {
	for _, p := range e.parts {
		if p == nil {
			continue
		}
		if i, ok := p.byID[id]; ok {
			return p.rules[i]
		}
	}
	return nil
}

func reasons(rules ...*rule) []Reason {
	all := make([]Reason, len(rules))
	for i, r := range rules {
		all[i] = Reason{Policy: r.info.ID, At: r.info.place}
	}
	return all
}
