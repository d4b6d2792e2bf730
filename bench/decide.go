package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/bench/internal/pair"
	"github.com/authmodule/authmodule/store/memstore"
)

var errRefused = errors.New("bench: a permission was refused")

// newAuthz returns a service that tells of its denials, as that of every application does; nobody writes them down.
func newAuthz(cfg authz.Config) (*authz.Service, error) {
	store, log := memstore.New(), slog.New(slog.DiscardHandler)
	events := audit.NewBus(log, time.Now)
	events.Subscribe(audit.ListenerFunc(func(context.Context, audit.Event) {}))
	return authz.New(cfg, authz.Deps{Rules: store, Assignments: store, Events: events, Log: log})
}

func caller(id, role string) authn.Principal {
	return authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: id}, Roles: []string{role}}
}

// ourDecision is a side that decides about one permission for callers in turn, as a guard
// does that [echoauth.RequirePermissions] made. wanted false is for denials.
func ourDecision(name string, service *authz.Service, callers []authn.Principal, permission string, wanted bool) pair.Side {
	guard, unknown := guardFor(service, permission), guardFor(service, "nothing.known")
	decide := func(p *authn.Principal) error { return expect(wanted)(guard(p)) }
	check := func() error {
		return errors.Join(decide(&callers[0]), expect(false)(unknown(&callers[0])))
	}
	return pair.Side{Name: name, Do: each(pointers(callers), decide), Check: check}
}

// guardFor reads the requirement once, and asks for reasons only when what is in memory does not grant it.
func guardFor(service *authz.Service, permission string) func(*authn.Principal) (bool, error) {
	ctx, required := context.Background(), authz.RequirePermissions(permission)
	return func(p *authn.Principal) (bool, error) {
		if service.Passes(p, required) {
			return true, nil
		}
		return allowed(service.Decide(ctx, p, required))
	}
}

// explainedDecision is a side that asks for the reasons of what is allowed.
func explainedDecision(name string, service *authz.Service, callers []authn.Principal, permission string) pair.Side {
	ctx, required := context.Background(), authz.RequirePermissions(permission)
	decide := func(p *authn.Principal) error { return expect(true)(allowed(service.Decide(ctx, p, required))) }
	return pair.Side{Name: name, Do: each(pointers(callers), decide), Check: func() error { return decide(&callers[0]) }}
}

func pointers(callers []authn.Principal) []*authn.Principal {
	all := make([]*authn.Principal, len(callers))
	for i := range callers {
		all[i] = &callers[i]
	}
	return all
}

func allowed(d authz.Decision, err error) (bool, error) { return d.Allowed, err }

func casbinDecision(name string, e enforcer, users []string, resource, action string, wanted bool) pair.Side {
	decide := func(user string) error { return expect(wanted)(e.Enforce(user, resource, action)) }
	check := func() error {
		return errors.Join(decide(users[0]), expect(false)(e.Enforce(users[0], "nothing", "known")))
	}
	return pair.Side{Name: name, Do: each(users, decide), Check: check}
}

func expect(wanted bool) func(bool, error) error {
	return func(got bool, err error) error {
		if err == nil && got != wanted {
			return fmt.Errorf("%w: allowed is %t", errRefused, got)
		}
		return err
	}
}

func callersOf(p policy, users []string) []authn.Principal {
	callers := make([]authn.Principal, len(users))
	for i, user := range users {
		callers[i] = caller(user, p.top(i))
	}
	return callers
}

const (
	fewRulesSide  = ours + ", 10 rules"
	manyRulesSide = ours + ", 10,000 rules"
	casbinReorder = "casbin v3, reordered matcher"
	casbinCanon   = "casbin v3, canonical matcher"
	casbin2Canon  = "casbin v2, canonical matcher"
)

// decisionCase is goal P7 for a permission that is inherited over four roles.
func decisionCase() pair.Case { return rulesCase("decision", "docs", "read", true) }

// denialCase is goal P7 for a permission that nobody has, for which casbin reads all rules.
func denialCase() pair.Case { return rulesCase("denial", "docs", "shred", false) }

func rulesCase(name, resource, action string, wanted bool) pair.Case {
	return pair.Case{
		Name: name + " among rules",
		What: "One permission of 1,000 users is decided, without HTTP: 1,000 roles, 10,000 rules, inherited four times.",
		Open: func() (*pair.Bench, error) {
			few, many, users := newPolicy(10), newPolicy(manyRules), userNames(1000)
			small, errSmall := newAuthz(few.config())
			large, errLarge := newAuthz(many.config())
			lines := many.lines(users)
			reorder, errReorder := newCasbin(reordered, lines)
			canon, errCanon := newCasbin(canonical, lines)
			canon2, errCanon2 := newCasbin2(canonical, lines)
			if err := errors.Join(errSmall, errLarge, errReorder, errCanon, errCanon2); err != nil {
				return nil, err
			}
			permission, cpu := resource+"."+action, pair.CPU()
			return &pair.Bench{
				Sides: []pair.Side{
					ourDecision(fewRulesSide, small, callersOf(few, users), permission, wanted),
					ourDecision(manyRulesSide, large, callersOf(many, users), permission, wanted),
					casbinDecision(casbinReorder, reorder, users, resource, action, wanted),
					casbinDecision(casbinCanon, canon, users, resource, action, wanted),
					casbinDecision(casbin2Canon, canon2, users, resource, action, wanted),
				},
				Claims: []pair.Claim{
					{Goal: "P7", Text: manyRulesSide + " ÷ with 10", Figure: pair.Ratio(cpu, manyRulesSide, fewRulesSide), Bound: pair.AtMost(1.5)},
					{Goal: "P7", Text: casbinReorder + " ÷ " + ours, Figure: pair.Ratio(cpu, casbinReorder, manyRulesSide), Bound: pair.AtLeast(1000)},
					{Goal: "P7", Text: casbinCanon + " ÷ " + ours, Figure: pair.Ratio(cpu, casbinCanon, manyRulesSide), Bound: pair.AtLeast(1000)},
				},
			}, nil
		},
	}
}

// permissionCase is goal P10.
func permissionCase() pair.Case {
	const atomicLoad, exact, wildcard, remembered = "an atomic load", ours + ", exact", ours + ", wildcard", "casbin v3, cached"
	const explained = ours + ", exact, with its reasons"
	return pair.Case{
		Name: "permission check",
		What: "One permission of one role is decided, without HTTP: held by name, held by a pattern, and by casbin from its cache.",
		Open: func() (*pair.Bench, error) {
			rules := newPolicy(manyRules)
			service, errService := newAuthz(rules.config())
			e, errCasbin := newCached(rules.lines([]string{"alice"}), []string{"alice"}, "docs", "read")
			if err := errors.Join(errService, errCasbin); err != nil {
				return nil, err
			}
			cpu := pair.CPU()
			return &pair.Bench{
				Sides: []pair.Side{
					{Name: atomicLoad, Do: atomicLoads()},
					ourDecision(exact, service, []authn.Principal{caller("alice", "role0")}, "docs.read", true),
					ourDecision(wildcard, service, []authn.Principal{caller("carl", "clerk")}, "invoices.list", true),
					explainedDecision(explained, service, []authn.Principal{caller("alice", "role0")}, "docs.read"),
					casbinDecision(remembered, e, []string{"alice"}, "docs", "read", true),
				},
				Claims: []pair.Claim{
					{Goal: "P10", Text: exact + " ÷ " + atomicLoad, Figure: pair.Ratio(cpu, exact, atomicLoad), Bound: pair.AtMost(3)},
					{Goal: "P10", Text: wildcard + " ÷ " + remembered, Figure: pair.Ratio(cpu, wildcard, remembered), Bound: pair.AtMost(0.25)},
					{Goal: "P10", Text: "allocations of " + wildcard, Figure: pair.Value(pair.Allocs(), wildcard), Bound: pair.AtMost(0)},
				},
			}, nil
		},
	}
}

// atomicLoads loads a pointer in each operation.
func atomicLoads() func(int) error {
	var at atomic.Pointer[error]
	return func(n int) error {
		for range n {
			if err := at.Load(); err != nil {
				return *err
			}
		}
		return nil
	}
}
