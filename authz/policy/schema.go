package policy

import (
	"slices"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

func entityType(name string) types.EntityType { return types.EntityType(name) }

func actionUID(name string) types.EntityUID {
	return types.EntityUID{Type: actionType, ID: types.String(name)}
}

func roleUID(name string) types.EntityUID {
	return types.EntityUID{Type: roleType, ID: types.String(name)}
}

// undeclaredAction stands for actions that are declared nowhere. No action can have its name.
const undeclaredAction = ""

// declarations are what a [Vocabulary] declares, merged and resolved.
type declarations struct {
	schema *resolved.Schema
	// text is the schema in Cedar's language.
	text []byte
	// groups are the actions that stand above each action, for "action in".
	groups map[types.EntityUID][]types.EntityUID
	// members are the actions in each group, at any depth, and of an action itself.
	members map[types.EntityUID][]types.EntityUID
	roles   map[string]bool
	// context is that of actions which are declared nowhere.
	context resolved.RecordType
	// every are all actions but groups.
	every []types.EntityUID
	// shapes are what variables may be, by the scope of a policy, while policies are checked.
	shapes map[string][]resolved.IsType
}

// actionsOf returns the actions that a policy's scope stands for, without groups, and whether it stands for all of them.
func (d *declarations) actionsOf(scope ast.IsActionScopeNode) (actions []types.EntityUID, every bool) {
	var named []types.EntityUID
	switch sc := scope.(type) {
	case ast.ScopeTypeEq:
		named = []types.EntityUID{sc.Entity}
	case ast.ScopeTypeIn:
		named = d.members[sc.Entity]
	case ast.ScopeTypeInSet:
		for _, e := range sc.Entities {
			named = append(named, d.members[e]...)
		}
	default:
		return d.every, true
	}
	seen := map[types.EntityUID]bool{}
	for _, uid := range named {
		if d.schema.Actions[uid].AppliesTo != nil && !seen[uid] {
			seen[uid] = true
			actions = append(actions, uid)
		}
	}
	return actions, every
}

// above returns the groups that an action is in, at any depth. Resolving has refused cycles.
func (d *declarations) above(uid types.EntityUID) []types.EntityUID {
	var all []types.EntityUID
	for parent := range d.schema.Actions[uid].Entity.Parents.All() {
		for _, up := range append(d.above(parent), parent) {
			if !slices.Contains(all, up) {
				all = append(all, up)
			}
		}
	}
	return all
}
