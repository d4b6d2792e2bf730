package policy

import (
	"context"
	"errors"
	"maps"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/eval"

	"github.com/authmodule/authmodule/setting"
)

// Explanation is a [Verdict] with how each policy for the action came to its part in it. It shows no secret: see [SecretName].
type Explanation struct {
	Verdict Verdict
	// Policies are those that are about the action and the resource's type.
	Policies []PolicyTrace
}

// PolicyTrace is what one policy had to say.
type PolicyTrace struct {
	// Policy is its ID, At its place.
	Policy, At string
	// Effect is Permit or Forbid.
	Effect Effect
	// Annotations are the policy's own.
	Annotations map[string]string
	// Applies says that its scope and all of its conditions hold.
	Applies bool
	// Why says why it does not apply, or what failed.
	Why string
	// Conditions are its conditions up to the first that decided, in order. There are none when its scope does not fit.
	Conditions []ConditionTrace
}

// ConditionTrace is what one condition saw.
type ConditionTrace struct {
	// Text is the condition as it is written, with its word: when { ... }.
	Text string
	// Holds says that it is fulfilled: a when that is true, an unless that is false.
	Holds bool
	// Err is what failed in it, or empty.
	Err string
	// Saw are the attributes that stand in it, in Cedar's notation. Those that it did not get to are among them.
	Saw []Sight
}

// Sight is an attribute with its value: "resource.owner" and `User::"7"`.
type Sight struct{ Attribute, Value string }

// Missing is the value of a [Sight] that there was none of.
const Missing = "(missing)"

// Explain is [Set.Evaluate] that tells how. It is slower by far, for people who look at one decision.
func (s *Set) Explain(ctx context.Context, r *Request) Explanation {
	x := Explanation{Verdict: s.Evaluate(ctx, r)}
	parts := s.index.parts(r.Action, r.Resource.Type)
	if s.refuse(r, parts[0] != nil) != nil || parts[0] == nil && parts[1] == nil {
		return x
	}
	e := s.evaluation(ctx, r, parts)
	e.everyRole = true
	context, err := e.context()
	if err != nil {
		return x
	}
	env := eval.Env{Entities: e, Principal: e.principal.uid, Action: actionUID(r.Action), Resource: e.resource.uid, Context: context}
	for _, p := range e.parts {
		if p == nil {
			continue
		}
		for _, rule := range p.rules {
			if ctx.Err() != nil {
				return x
			}
			x.Policies = append(x.Policies, s.trace(env, rule))
		}
	}
	return x
}

// trace asks one policy, condition by condition.
func (s *Set) trace(env eval.Env, r *rule) PolicyTrace {
	p := s.parsed[s.byID[r.info.ID]]
	t := PolicyTrace{Policy: r.info.ID, At: r.info.place, Effect: r.info.Effect, Annotations: maps.Clone(r.info.Annotations)}
	scope := *p.ast
	scope.Conditions = nil
	if r.undecided {
		scope.Resource = ast.ScopeTypeAll{}
	}
	if fits, err := truth(env, eval.PolicyToNode(&scope).AsIsNode()); err != nil || !fits {
		t.Why = "its scope does not fit"
		return t
	}
	for i, c := range p.ast.Conditions {
		if r.undecided && dependsOnResource(c.Body) {
			continue
		}
		seen := trace(env, p.written[i], c)
		t.Conditions = append(t.Conditions, seen)
		if seen.Err != "" || !seen.Holds {
			t.Why = seen.Err
			if t.Why == "" {
				t.Why = "does not hold: " + seen.Text
			}
			return t
		}
	}
	if t.Applies = !r.undecided; r.undecided {
		t.Why = "it depends on the resource, and the request names none"
	}
	return t
}

func truth(env eval.Env, n ast.IsNode) (bool, error) {
	v, err := eval.Eval(n, env)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Boolean)
	if !ok {
		return false, errors.New("the condition is neither true nor false")
	}
	return bool(b), nil
}

func trace(env eval.Env, text string, c ast.ConditionType) ConditionTrace {
	t := ConditionTrace{Text: text}
	value, err := truth(env, c.Body)
	if err != nil {
		t.Err = withoutValues(err.Error())
	}
	t.Holds = err == nil && value == bool(c.Condition)
	seen := map[string]bool{}
	ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
		var at ast.IsNode
		switch n := n.(type) {
		case ast.NodeTypeAccess:
			at = n
		case ast.NodeTypeHas:
			at = ast.NodeTypeAccess(n)
		default:
			return true
		}
		if !isPath(at) {
			return true
		}
		if name := expression(at); !seen[name] {
			seen[name] = true
			t.Saw = append(t.Saw, Sight{Attribute: name, Value: sight(env, at, name)})
		}
		return false
	})
	return t
}

// sight evaluates an attribute for people.
func sight(env eval.Env, n ast.IsNode, name string) string {
	v, err := eval.Eval(n, env)
	switch {
	case err != nil:
		return Missing
	case SecretName(name) || secretValue(env, n):
		return setting.Redacted
	}
	return clip(string(redact(v).MarshalCedar()))
}

// redact takes secrets out of records and sets.
func redact(v types.Value) types.Value {
	switch v := v.(type) {
	case types.Record:
		m := types.RecordMap{}
		for name, value := range v.All() {
			if SecretName(string(name)) {
				value = types.String(setting.Redacted)
			}
			m[name] = redact(value)
		}
		return types.NewRecord(m)
	case types.Set:
		var all []types.Value
		for value := range v.All() {
			all = append(all, redact(value))
		}
		return types.NewSet(all...)
	}
	return v
}

// secretValue reports whether an attribute of the request holds a [setting.Secret] anywhere.
func secretValue(env eval.Env, n ast.IsNode) bool {
	e, ok := env.Entities.(*evaluation)
	if !ok {
		return true
	}
	root, first := n, types.String("")
	for {
		a, ok := root.(ast.NodeTypeAccess)
		if !ok {
			break
		}
		root, first = a.Arg, a.Value
	}
	r := e.request
	for _, attributes := range []Attributes{r.Principal.Attributes, r.Resource.Attributes, r.Context.Attributes} {
		if holdsSecret(attributes[string(first)], 0) {
			return true
		}
	}
	return false
}
