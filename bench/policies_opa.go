package bench

import (
	"context"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

const regoPolicy = `package edits

default allow := false

allow if {
	input.action == "articles.edit"
	"editor" in input.principal.roles
	input.principal.department == input.resource.department
	input.resource.status != "locked"
}
`

func preparedRego() (rego.PreparedEvalQuery, error) {
	return rego.New(rego.Query("data.edits.allow"), rego.Module("edits.rego", regoPolicy)).PrepareForEval(context.Background())
}

// opaEdits hands over maps, as programs do that have their input from elsewhere.
func opaEdits() (editDecider, error) {
	query, err := preparedRego()
	if err != nil {
		return nil, err
	}
	return func(e *edit) (bool, error) {
		results, err := query.Eval(context.Background(), rego.EvalInput(attributes(e)))
		return results.Allowed(), err
	}, nil
}

// opaEditsParsed has the input in OPA's own form, made before anything is measured.
func opaEditsParsed() (editDecider, error) {
	query, err := preparedRego()
	if err != nil {
		return nil, err
	}
	inputs := map[edit]ast.Value{}
	input := func(e *edit) (ast.Value, error) {
		key := edit{who: e.who, what: e.what}
		if v, known := inputs[key]; known {
			return v, nil
		}
		v, err := ast.InterfaceToValue(attributes(e))
		inputs[key] = v
		return v, err
	}
	return func(e *edit) (bool, error) {
		v, err := input(e)
		if err != nil {
			return false, err
		}
		results, err := query.Eval(context.Background(), rego.EvalParsedInput(v))
		return results.Allowed(), err
	}, nil
}

// attributes are a question as maps.
func attributes(e *edit) map[string]any {
	roles := make([]any, len(e.who.Roles))
	for i, role := range e.who.Roles {
		roles[i] = role
	}
	return map[string]any{
		"action":    editAction,
		"principal": map[string]any{"id": e.who.ID, "department": e.who.Department, "title": e.who.Title, "level": e.who.Level, "roles": roles},
		"resource": map[string]any{
			"id": e.what.ID, "department": e.what.Department, "status": e.what.Status, "owner": e.what.Owner, "words": e.what.Words,
		},
	}
}
