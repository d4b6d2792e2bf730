package policy

import (
	"fmt"
	"slices"

	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// Compiler knows a [Vocabulary], and compiles any number of sets against it, such as one for each tenant.
// It never changes, and any number of goroutines may use it.
type Compiler struct {
	limits   Limits
	declared *declarations
	prices   prices
}

// NewCompiler checks what is declared. Its error joins a [Fault] for each thing that is wrong.
func NewCompiler(v Vocabulary, limits Limits) (*Compiler, error) {
	limits = limits.withDefaults()
	var bad faults
	d := declare(v, limits, &bad)
	if err := bad.err(); err != nil {
		return nil, err
	}
	return &Compiler{limits: limits, declared: d, prices: newPrices(d, limits)}, nil
}

// Compile reads and checks policies. The error joins a [Fault] for each thing that is wrong, as far as it can be seen
// at once. No source is the empty set, which decides nothing.
func (c *Compiler) Compile(sources ...Source) (*Set, error) {
	var bad faults
	own := *c.declared
	own.shapes = map[string][]resolved.IsType{}
	one := compilation{limits: c.limits, d: &own, bad: &bad, check: newChecker(&own, &bad), costs: c.prices, texts: map[string]*parsed{}, set: &Set{
		limits: c.limits, declared: c.declared, index: index{actions: map[string]byType{}, every: byType{}}, byID: map[string]int{},
	}}
	for _, src := range sources {
		one.source(src)
	}
	one.finish()
	if err := bad.err(); err != nil {
		return nil, err
	}
	return one.set, nil
}

// Compile is [NewCompiler] and [Compiler.Compile] for one set.
func Compile(v Vocabulary, limits Limits, sources ...Source) (*Set, error) {
	c, err := NewCompiler(v, limits)
	if err != nil {
		return nil, err
	}
	return c.Compile(sources...)
}

// compilation is one call of [Compiler.Compile].
type compilation struct {
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

func (c *compilation) source(src Source) {
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

func (c *compilation) statement(s *statement) {
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
func (c *compilation) unique(p *parsed) bool {
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

func (c *compilation) finish() {
	if len(c.bad.all) > 0 {
		return
	}
	for i, p := range c.set.parsed {
		c.set.byID[p.id] = i
		p.settle()
		c.set.index.add(c.d, p, &c.set.policies[i], c.costs)
	}
	c.set.index.finish()
	for _, fault := range c.set.index.tooDear(c.limits.DecisionCost) {
		c.bad.add(fault)
	}
}
