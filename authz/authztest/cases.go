package authztest

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/authmodule/authmodule/authz"
)

// reasons are those that a case may expect, by the answer that they belong to.
func reasons(allow bool) []string {
	if allow {
		return []string{authz.ReasonGranted, authz.ReasonSuperuser, authz.ReasonPermitted}
	}
	return []string{authz.ReasonDenied, authz.ReasonForbidden, authz.ReasonPolicyError, authz.ReasonMissingPermission}
}

// oneCase reads a case, which is as many questions as it has actions.
func (r *reader) oneCase(n *yaml.Node) {
	q := question{line: n.Line, column: n.Column, environment: r.table.environment}
	var actions []*yaml.Node
	var who, expect, reason *yaml.Node
	r.fields(n, "a case", map[string]func(*yaml.Node){
		"name":        func(n *yaml.Node) { q.name = r.text(n, "name") },
		"principal":   func(n *yaml.Node) { who, q.principal = n, r.principalNamed(n) },
		"action":      func(n *yaml.Node) { actions = scalars(n) },
		"resource":    func(n *yaml.Node) { q.resource = r.resourceNamed(n) },
		"environment": func(n *yaml.Node) { q.environment = r.environment(n) },
		"expect":      func(n *yaml.Node) { expect = n },
		"reason":      func(n *yaml.Node) { reason = n },
		"policy":      func(n *yaml.Node) { q.policy = r.text(n, "policy") },
		"role":        func(n *yaml.Node) { q.role = r.text(n, "role") },
	})
	if n.Kind != yaml.MappingNode || !r.complete(n, who, expect, len(actions)) || q.principal == nil {
		return
	}
	q.allow = r.answer(expect)
	q.reason = r.reason(reason, q.allow)
	for _, action := range actions {
		r.add(q, action, len(actions) > 1)
	}
}

func (r *reader) complete(n, who, expect *yaml.Node, actions int) bool {
	switch {
	case who == nil:
		r.wrong(n, "the case has no principal")
	case actions == 0:
		r.wrong(n, "the case has no action")
	case expect == nil:
		r.wrong(n, "the case does not say what it expects: add expect: allow or expect: deny")
	default:
		return true
	}
	return false
}

func scalars(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// matrix reads principals as rows and actions as columns.
func (r *reader) matrix(n *yaml.Node) {
	q := question{environment: r.table.environment}
	var actions []*yaml.Node
	var rows *yaml.Node
	r.fields(n, "a matrix", map[string]func(*yaml.Node){
		"name":        func(n *yaml.Node) { q.name = r.text(n, "name") },
		"resource":    func(n *yaml.Node) { q.resource = r.resourceNamed(n) },
		"environment": func(n *yaml.Node) { q.environment = r.environment(n) },
		"actions":     func(n *yaml.Node) { actions = r.list(n, "actions") },
		"rows":        func(n *yaml.Node) { rows = n },
	})
	if n.Kind != yaml.MappingNode {
		return
	}
	if rows == nil || len(actions) == 0 {
		r.wrong(n, "a matrix has actions, and rows with one answer for each of them")
		return
	}
	r.each(rows, "rows", func(name, cells *yaml.Node) { r.row(q, name, cells, actions) })
}

func (r *reader) row(q question, name, cells *yaml.Node, actions []*yaml.Node) {
	q.principal = r.principalNamed(name)
	answers := r.list(cells, "a row")
	if q.principal == nil || answers == nil {
		return
	}
	if len(answers) != len(actions) {
		r.wrong(cells, "the row has %d answers for %d actions", len(answers), len(actions))
		return
	}
	title := q.name
	for i, cell := range answers {
		if cell.ShortTag() == "!!null" { // not asked
			continue
		}
		q.line, q.column, q.allow, q.name = cell.Line, cell.Column, r.answer(cell), ""
		if title != "" {
			q.name = title + " " + q.principal.name
		}
		r.add(q, actions[i], title != "")
	}
}

// add asks about one action. Its name says which, when it is one of several.
func (r *reader) add(q question, action *yaml.Node, several bool) {
	q.action = r.text(action, "an action")
	if _, err := authz.ParsePermission(q.action); err != nil && q.action != "" {
		r.wrong(action, "%v", err)
		return
	}
	switch {
	case q.name == "":
		q.name = q.subject()
	case several:
		q.name += " " + q.action
	}
	if len(r.table.questions) == mostQuestions {
		r.wrong(action, "a table has at most %d questions; make several of it", mostQuestions)
	}
	if len(r.table.questions) < mostQuestions {
		r.table.questions = append(r.table.questions, &q)
	}
}

func (r *reader) principalNamed(n *yaml.Node) *principal {
	p := r.table.principals[n.Value]
	if p == nil {
		r.wrong(n, "unknown principal %s%s", show(n.Value), r.hint(n.Value, maps.Keys(r.table.principals)))
		return nil
	}
	p.used = true
	return p
}

func (r *reader) resourceNamed(n *yaml.Node) *resource {
	x := r.table.resources[n.Value]
	if x == nil {
		r.wrong(n, "unknown resource %s%s", show(n.Value), r.hint(n.Value, maps.Keys(r.table.resources)))
		return nil
	}
	x.used = true
	return x
}

func (r *reader) answer(n *yaml.Node) bool {
	if n.Value != "allow" && n.Value != "deny" {
		r.wrong(n, "the answer is allow or deny, not %s", show(n.Value))
	}
	return n.Value == "allow"
}

func (r *reader) reason(n *yaml.Node, allow bool) string {
	if n == nil {
		return ""
	}
	if known := reasons(allow); !slices.Contains(known, n.Value) {
		r.wrong(n, "the reason of this answer is one of %v, not %s%s", known, show(n.Value), r.hint(n.Value, slices.Values(known)))
	}
	return n.Value
}
