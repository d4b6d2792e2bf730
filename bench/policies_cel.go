package bench

import (
	"context"
	"fmt"

	"cel.dev/cel-go/cel"
)

const celRule = `action == "articles.edit" && "editor" in principal.roles && principal.department == resource.department && resource.status != "locked"`

func celProgram(options ...cel.ProgramOption) (cel.Program, error) {
	env, err := cel.NewEnv(
		cel.Variable("action", cel.StringType),
		cel.Variable("principal", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("resource", cel.MapType(cel.StringType, cel.DynType)),
	)
	if err != nil {
		return nil, err
	}
	tree, issues := env.Compile(celRule)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	return env.Program(tree, options...)
}

func celEdits() (editDecider, error) {
	program, err := celProgram()
	return func(e *edit) (bool, error) {
		value, _, err := program.Eval(attributes(e))
		if err != nil {
			return false, err
		}
		return isTrue(value.Value())
	}, err
}

// celEditsBounded is how CEL is used for rules that nobody trusts.
func celEditsBounded() (editDecider, error) {
	program, err := celProgram(cel.CostLimit(10_000), cel.InterruptCheckFrequency(100))
	return func(e *edit) (bool, error) {
		value, _, err := program.ContextEval(context.Background(), attributes(e))
		if err != nil {
			return false, err
		}
		return isTrue(value.Value())
	}, err
}

func isTrue(value any) (bool, error) {
	is, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("bench: the rule answers a %T", value)
	}
	return is, nil
}
