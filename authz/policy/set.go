package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
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

// Compile reads and checks policies. The error joins a [Fault] for each thing that is wrong, as far as it can be seen
// at once. No source is the empty set, which decides nothing.
func Compile(v Vocabulary, limits Limits, sources ...Source) (*Set, error) {
	limits = limits.withDefaults()
	var bad faults
	d := declare(v, limits, &bad)
	if d == nil {
		return nil, bad.err()
	}
	c := compiler{limits: limits, d: d, bad: &bad, check: newChecker(d, &bad), costs: newPrices(d, limits), texts: map[string]*parsed{}, set: &Set{
		limits: limits, declared: d, index: index{actions: map[string]byType{}, every: byType{}}, byID: map[string]int{},
	}}
	for _, src := range sources {
		c.source(src)
	}
	c.finish()
	if err := bad.err(); err != nil {
		return nil, err
	}
	return c.set, nil
}

type compiler struct {
	limits Limits
	d      *declarations
	bad    *faults
	check  *checker
	costs  prices
	set    *Set
	// texts are the policies by what they say.
	texts map[string]*parsed
	full  bool
}

func (c *compiler) source(src Source) {
	if len(src.Text) > c.limits.SourceBytes {
		c.bad.add(&Fault{Source: src.Name, Problem: fmt.Sprintf("the text is longer than %d bytes; split it", c.limits.SourceBytes)})
		return
	}
	var statements []*statement
	switch src.Format {
	case Cedar:
		statements = split(src, c.limits, c.bad)
	case YAML:
		statements = c.short(src)
	default:
		c.bad.add(&Fault{Source: src.Name, Problem: "unknown format"})
	}
	for _, s := range statements {
		if len(c.set.parsed) >= c.limits.Policies || len(c.bad.all) > mostFaults {
			if !c.full && len(c.bad.all) <= mostFaults {
				c.bad.add(s.at(0, "there are more than %d policies", c.limits.Policies))
			}
			c.full = true
			return
		}
		c.statement(s)
	}
}

func (c *compiler) statement(s *statement) {
	defer func() { // the validator is experimental: a text on which it panics is not to end the program
		if failure := recover(); failure != nil {
			c.bad.add(s.at(0, "the policy cannot be checked: %v", failure))
		}
	}()
	p := parse(s, c.bad)
	if p == nil || !c.unique(p) || !c.d.checkNames(p, c.bad) || !c.check.check(p) {
		return
	}
	info := c.d.info(p, c.costs.policy(p.ast))
	if info.Cost > c.limits.PolicyCost {
		c.bad.add(p.at(p.head(), "asking this policy could cost %d units, more than %d; shorten its conditions", info.Cost, c.limits.PolicyCost))
		return
	}
	c.set.policies, c.set.parsed = append(c.set.policies, info), append(c.set.parsed, p)
}

// unique refuses a policy whose ID or text was there before.
func (c *compiler) unique(p *parsed) bool {
	if i, taken := c.set.byID[p.id]; taken {
		c.bad.add(p.at(p.head(), "the @id is taken by the policy at %s; give each its own", c.set.parsed[i].place()))
		return false
	}
	bare := *p.ast
	bare.Annotations = nil
	said := sayings(&bare)
	if twin := c.texts[said]; twin != nil {
		c.bad.add(p.at(p.head(), "the policy at %s says the same; remove one", twin.place()))
		return false
	}
	c.texts[said], c.set.byID[p.id] = p, len(c.set.parsed)
	return true
}

func (s *statement) place() string {
	t := s.tokens[s.head()]
	return fmt.Sprintf("%s:%d:%d", s.source, t.line, t.column)
}

func (d *declarations) info(p *parsed, cost int) Info {
	at := p.tokens[p.head()]
	info := Info{
		ID: p.id, Source: p.source, Line: at.line, Column: at.column, Effect: Forbid, Cost: cost, place: p.place(),
		Cedar: p.text, Annotations: map[string]string{}, NeedsResource: needsResource(p.ast),
	}
	if p.ast.Effect == ast.EffectPermit {
		info.Effect = Permit
	}
	for _, a := range p.ast.Annotations {
		info.Annotations[string(a.Key)] = string(a.Value)
	}
	if actions, every := d.actionsOf(p.ast.Action); !every {
		for _, uid := range actions {
			info.Actions = append(info.Actions, string(uid.ID))
		}
		slices.Sort(info.Actions)
	}
	return info
}

func needsResource(p *ast.Policy) bool {
	if _, anything := p.Resource.(ast.ScopeTypeAll); !anything {
		return true
	}
	return slices.ContainsFunc(p.Conditions, func(c ast.ConditionType) bool { return dependsOnResource(c.Body) })
}

func (c *compiler) finish() {
	c.d.shapes = nil
	if len(c.bad.all) > 0 {
		return
	}
	for i, p := range c.set.parsed {
		c.set.byID[p.id] = i
		c.set.index.add(c.d, p, &c.set.policies[i], c.costs)
	}
	c.set.index.finish()
	for _, fault := range c.set.index.tooDear(c.limits.DecisionCost) {
		c.bad.add(fault)
	}
}

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
