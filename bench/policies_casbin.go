package bench

import (
	"github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"
)

// abacModel has the rule in its matcher, on the fields of what it is given.
const abacModel = `[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && r.sub.Department == r.obj.Department && r.obj.Status != "locked" && g(r.sub.ID, p.sub)
`

func casbinEdits() (editDecider, error) {
	m, err := model.NewModelFromString(abacModel)
	if err != nil {
		return nil, err
	}
	lines := [][]string{{"p", editorRole, editAction}}
	for id, who := range authors() {
		for _, role := range who.Roles {
			lines = append(lines, []string{"g", id, role})
		}
	}
	e, err := casbin.NewEnforcer(m, loader{lines: lines})
	if err != nil {
		return nil, err
	}
	return func(question *edit) (bool, error) { return e.Enforce(*question.who, *question.what, editAction) }, nil
}
