package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	cedar "github.com/cedar-policy/cedar-go"
)

// Set is a compiled set of policies. It never changes, and any number of goroutines may ask it.
type Set struct {
	limits   Limits
	declared *declarations
	index    index
	policies []Info
	parsed   []*parsed
	byID     map[string]int
}

// Info describes one policy of a [Set].
type Info struct {
	// ID is its @id, or else its source, line and column.
	ID string
	// Source, Line and Column are where it stands.
	Source       string
	Line, Column int
	// Effect is Permit or Forbid.
	Effect Effect
	// Annotations are those that stand before it.
	Annotations map[string]string
	// Cedar is its text in Cedar, into which the short form was translated.
	Cedar string
	// Actions are those that it is about, in order. Nil is all.
	Actions []string
	// NeedsResource says that it depends on the resource.
	NeedsResource bool
	// Cost is the most that asking it can cost, in units of about 20 ns.
	Cost int
	// place is At, made once.
	place string
}

// At returns "source:line:column".
func (i *Info) At() string { return i.place }

// Touches reports whether a policy could apply to the action. If none could, roles alone decide.
func (s *Set) Touches(action string) bool { return s.index.touches(action) }

// NeedsResource reports whether a forbid for the action depends on the resource. A request for it that names
// none, and that everything else about the forbid fits, is denied.
func (s *Set) NeedsResource(action string) bool { return s.index.needsResource(action) }

// Policies describes the policies, in the order of the sources.
func (s *Set) Policies() []Info {
	all := slices.Clone(s.policies)
	for i := range all {
		all[i].Annotations, all[i].Actions = maps.Clone(all[i].Annotations), slices.Clone(all[i].Actions)
	}
	return all
}

// Cedar returns all policies in Cedar, each below a comment that says where it comes from. [Compile]
// with the same vocabulary takes it back.
func (s *Set) Cedar() []byte {
	var b bytes.Buffer
	for i := range s.policies {
		fmt.Fprintf(&b, "// %s\n%s\n\n", clip(s.policies[i].At()), s.policies[i].Cedar)
	}
	return b.Bytes()
}

// Schema returns what is declared, built-in names included, in Cedar's schema language.
func (s *Set) Schema() []byte { return slices.Clone(s.declared.text) }

// MarshalJSON returns all policies in Cedar's JSON format, by ID.
func (s *Set) MarshalJSON() ([]byte, error) {
	all := make(map[string]*cedar.Policy, len(s.parsed))
	for _, p := range s.parsed {
		all[p.id] = p.cedar
	}
	return json.Marshal(struct {
		Static map[string]*cedar.Policy `json:"staticPolicies"`
	}{all})
}
