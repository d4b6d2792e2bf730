package bench

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/bench/internal/pair"
)

// loadCase is goal P11.
func loadCase() pair.Case {
	const theirs, theirs2 = "casbin v3", "casbin v2"
	return pair.Case{
		Name: "policy load",
		What: "1,000 roles with 10,000 rules become a service that has made one decision. Casbin also loads the roles of 1,000 users, which authmodule leaves in the store. The rules are in memory; nobody parses text.",
		Open: func() (*pair.Bench, error) {
			rules := newPolicy(manyRules)
			cfg, users := rules.config(), userNames(1000)
			lines, alice := rules.lines(users), caller(users[0], rules.top(0))
			load := func() error {
				service, err := newAuthz(cfg)
				if err != nil {
					return err
				}
				return errors.Join(expect(true)(allowed(service.Authorize(context.Background(), alice, "docs.read", authz.Resource{}))))
			}
			loadCasbin := func() error {
				e, err := newCasbin(reordered, lines)
				if err != nil {
					return err
				}
				return expect(true)(e.Enforce(users[0], "docs", "read"))
			}
			loadCasbin2 := func() error {
				e, err := newCasbin2(reordered, lines)
				if err != nil {
					return err
				}
				return expect(true)(e.Enforce(users[0], "docs", "read"))
			}
			return &pair.Bench{
				Sides: []pair.Side{
					{Name: ours, Do: times(load), Check: load},
					{Name: theirs, Do: times(loadCasbin), Check: loadCasbin},
					{Name: theirs2, Do: times(loadCasbin2), Check: loadCasbin2},
				},
				Claims: []pair.Claim{
					{Goal: "P11", Text: theirs + " ÷ " + ours, Figure: pair.Ratio(pair.CPU(), theirs, ours), Bound: pair.AtLeast(3)},
				},
			}, nil
		},
	}
}

// times returns a pair.Side's Do that calls do again and again.
func times(do func() error) func(int) error {
	return func(n int) error {
		for range n {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	}
}
