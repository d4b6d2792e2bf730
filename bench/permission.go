package bench

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/bench/internal/pair"
)

const (
	atomicLoad      = "an atomic load"
	atomicGuard     = "a guard that is one atomic load"
	exactRemembered = ours + ", exact, remembered"
	exactGuard      = ours + ", exact"
	exactExplained  = ours + ", exact, with its reasons"
	wildcardGuard   = ours + ", wildcard"
	wildcardText    = ours + ", wildcard, Can"
)

// permissionCase is goal P10.
func permissionCase() pair.Case {
	return pair.Case{
		Name: "permission check",
		What: "One permission of one role is decided, without HTTP: held by name, held by a pattern, and by casbin from its cache. A remembered caller was let through before, as all but the first requests are; Can reads the permission each time.",
		Open: func() (*pair.Bench, error) {
			rules := newPolicy(manyRules)
			service, errService := newAuthz(rules.config())
			cached, errCasbin := newCached(rules.lines([]string{"alice"}), []string{"alice"}, "docs", "read", true)
			if err := errors.Join(errService, errCasbin); err != nil {
				return nil, err
			}
			return &pair.Bench{Sides: permissionSides(service, cached), Claims: permissionClaims()}, nil
		},
	}
}

func permissionSides(service *authz.Service, cached enforcer) []pair.Side {
	const exact, wildcard = "docs.read", "invoices.list"
	alice, carl := caller("alice", "role0"), caller("carl", "clerk")
	remembered := alice.Remembering()
	var at atomic.Pointer[error]
	return []pair.Side{
		{Name: atomicLoad, Do: atomicLoads(&at)},
		guardSide(atomicGuard, &alice, func(*authn.Principal) bool { return at.Load() == nil }),
		guardSide(exactRemembered, &remembered, passes(service, exact)),
		guardSide(exactGuard, &alice, passes(service, exact)),
		explainedDecision(exactExplained, service, []authn.Principal{alice}, exact),
		guardSide(wildcardGuard, &carl, passes(service, wildcard)),
		guardSide(wildcardText, &carl, func(p *authn.Principal) bool {
			return service.Can(context.Background(), *p, wildcard, authz.Resource{})
		}),
		casbinDecision(casbinCached, cached, []string{"alice"}, "docs", "read", true),
	}
}

func permissionClaims() []pair.Claim {
	cpu := pair.CPU()
	claims := []pair.Claim{
		{Goal: "P10", Text: exactRemembered + " ÷ " + atomicLoad, Figure: pair.Ratio(cpu, exactRemembered, atomicLoad), Bound: pair.AtMost(3)},
		{Text: exactRemembered + " ÷ " + atomicGuard, Figure: pair.Ratio(cpu, exactRemembered, atomicGuard)},
	}
	for _, side := range []string{wildcardGuard, wildcardText} {
		claims = append(claims, pair.Claim{Goal: "P10", Text: side + " ÷ " + casbinCached, Figure: pair.Ratio(cpu, side, casbinCached), Bound: pair.AtMost(0.25)})
	}
	for _, side := range []string{exactRemembered, exactGuard, wildcardGuard, wildcardText} {
		claims = append(claims, pair.Claim{Goal: "P10", Text: "allocations of " + side, Figure: pair.Value(pair.Allocs(), side), Bound: pair.AtMost(0)})
	}
	return claims
}

// passes is what a guard asks first.
func passes(service *authz.Service, permission string) func(*authn.Principal) bool {
	_ = service.Reload(context.Background(), "")
	required := authz.RequirePermissions(permission)
	return func(p *authn.Principal) bool { return service.Passes(p, required) }
}

// guardSide is a side that lets one caller through, again and again. It is checked to let nobody else through unless it is
// no guard of this module.
func guardSide(name string, p *authn.Principal, guard func(*authn.Principal) bool) pair.Side {
	do := func(n int) error {
		for range n {
			if !guard(p) {
				return errRefused
			}
		}
		return nil
	}
	return pair.Side{Name: name, Do: do, Check: func() error {
		stranger := *p
		stranger.Roles = []string{"nobody"}
		if name != atomicGuard && guard(&stranger) {
			return errLetThrough
		}
		return do(1)
	}}
}

// atomicLoads loads a pointer in each operation.
func atomicLoads(at *atomic.Pointer[error]) func(int) error {
	return func(n int) error {
		for range n {
			if err := at.Load(); err != nil {
				return *err
			}
		}
		return nil
	}
}
