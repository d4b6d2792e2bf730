package bench

import (
	"errors"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

const (
	fewRulesSide  = ours + ", 10 rules"
	manyRulesSide = ours + ", 10,000 rules"
	mostRulesSide = ours + ", 100,000 rules"
	casbinReorder = "casbin v3, reordered matcher"
	casbinCanon   = "casbin v3, canonical matcher"
	casbin2Canon  = "casbin v2, canonical matcher"
	casbinCached  = "casbin v3, cached"
)

// decisionCase is goal P7 for a permission that is inherited over four roles.
func decisionCase() pair.Case { return rulesCase("decision", "docs", "read", true) }

// denialCase is goal P7 for a permission that nobody has, for which casbin reads all rules.
func denialCase() pair.Case { return rulesCase("denial", "docs", "shred", false) }

func rulesCase(name, resource, action string, wanted bool) pair.Case {
	return pair.Case{
		Name: name + " among rules",
		What: "One permission of 1,000 users is decided, without HTTP and remembering nobody: 1,000 roles, 10,000 rules, inherited four times. The cache of casbin knows all answers.",
		Open: func() (*pair.Bench, error) {
			users := userNames(1000)
			sides, errOurs := rulesSides(users, resource+"."+action, wanted)
			theirs, errTheirs := casbinSides(users, resource, action, wanted)
			return &pair.Bench{Sides: append(sides, theirs...), Claims: rulesClaims()}, errors.Join(errOurs, errTheirs)
		},
	}
}

// rulesSides are this module's, with more and more rules.
func rulesSides(users []string, permission string, wanted bool) ([]pair.Side, error) {
	var sides []pair.Side
	for _, size := range []struct {
		name  string
		rules int
	}{{fewRulesSide, 10}, {manyRulesSide, manyRules}, {mostRulesSide, mostRules}} {
		rules := newPolicy(size.rules)
		service, err := newAuthz(rules.config())
		if err != nil {
			return nil, err
		}
		sides = append(sides, ourDecision(size.name, service, callersOf(rules, users), permission, wanted))
	}
	return sides, nil
}

func casbinSides(users []string, resource, action string, wanted bool) ([]pair.Side, error) {
	lines := newPolicy(manyRules).lines(users)
	cached, errCached := newCached(lines, users, resource, action, wanted)
	reorder, errReorder := newCasbin(reordered, lines)
	canon, errCanon := newCasbin(canonical, lines)
	canon2, errCanon2 := newCasbin2(canonical, lines)
	if err := errors.Join(errCached, errReorder, errCanon, errCanon2); err != nil {
		return nil, err
	}
	return []pair.Side{
		casbinDecision(casbinCached, cached, users, resource, action, wanted),
		casbinDecision(casbinReorder, reorder, users, resource, action, wanted),
		casbinDecision(casbinCanon, canon, users, resource, action, wanted),
		casbinDecision(casbin2Canon, canon2, users, resource, action, wanted),
	}, nil
}

func rulesClaims() []pair.Claim {
	ratio := func(over, under string) func(pair.Round) float64 { return pair.Ratio(pair.CPU(), over, under) }
	return []pair.Claim{
		{Goal: "P7", Text: manyRulesSide + " ÷ with 10", Figure: ratio(manyRulesSide, fewRulesSide), Bound: pair.AtMost(1.5)},
		{Goal: "P7", Text: mostRulesSide + " ÷ with 10", Figure: ratio(mostRulesSide, fewRulesSide), Bound: pair.AtMost(1.5)},
		{Goal: "P7", Text: casbinReorder + " ÷ " + ours, Figure: ratio(casbinReorder, manyRulesSide), Bound: pair.AtLeast(1000)},
		{Goal: "P7", Text: casbinCanon + " ÷ " + ours, Figure: ratio(casbinCanon, manyRulesSide), Bound: pair.AtLeast(1000)},
		{Text: casbinCached + " ÷ " + ours, Figure: ratio(casbinCached, manyRulesSide)},
	}
}
