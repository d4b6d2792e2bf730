package authz_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/peer"
)

// REL-31: the service agrees with the reference, whatever the roles, wildcards, refusals, tenants and policies, and however they change.
func TestREL31OracleAgrees(t *testing.T) {
	t.Parallel()
	agree(t, 20261126, ordinaryDecisions)
}

// REL-31, in full.
func TestSoakREL31OracleAgrees(t *testing.T) {
	peer.Soak(t)
	t.Parallel()
	refused := agree(t, 31, 1_000_000)
	for _, refusal := range []error{
		authz.ErrUnknownRole, authz.ErrRoleCycle, authz.ErrRoleInUse, authz.ErrRoleFixed, authz.ErrPolicies, authz.ErrSuperuserDefault, authz.ErrUnknownPolicy, authz.ErrEnded,
	} {
		require.Positive(t, refused[refusal], refusal)
	}
}

// tally counts what was compared.
type tally struct{ asked, allowed, passed, changes, byPolicy, byRefusal, failedClosed int }

// agree returns the changes that were refused, by reason.
func agree(t *testing.T, seed uint64, decisions int) map[error]int {
	t.Helper()
	c := chance{rand.New(rand.NewPCG(seed, 7))}
	guards := c.guards(1000)
	var n tally
	refused := map[error]int{}
	for n.asked < decisions {
		w := newWorld(t, c, refused)
		for range 12 {
			w.change(t)
		}
		for end := n.asked + 5_000; n.asked < min(end, decisions); {
			w.change(t)
			n.changes++
			for range 16 {
				w.askAbout(t, w.callers[w.IntN(len(w.callers))], guards, &n)
			}
		}
	}
	t.Logf("seed %d: %+v, refused %v", seed, n, refused)
	share := n.asked / 100
	require.Greater(t, min(n.allowed, n.asked-n.allowed, n.passed, n.byRefusal, n.byPolicy), share, "the questions are not one-sided")
	return refused
}

// guard is a requirement with what it was made of. Guards are made once, as a program does.
type guard struct {
	authz.Requirement
	kind  string
	names []string
}

func (c chance) guards(n int) []guard {
	all := make([]guard, n)
	for i := range all {
		g := guard{kind: c.of("all", "any", "roles", "scopes")}
		for range 1 + c.IntN(3) {
			switch name := c.asked(); {
			case g.kind != "roles":
				g.names = append(g.names, name)
			case c.one(60):
				g.names = append(g.names, c.of("", "R1", "a.b"))
			default:
				g.names = append(g.names, c.of(c.name(), c.name(), "viewer", "root"))
			}
		}
		requirements := map[string]func(...string) authz.Requirement{
			"all": authz.RequirePermissions, "any": authz.RequireAnyPermission, "roles": authz.RequireRoles, "scopes": authz.RequireScopes,
		}
		g.Requirement = requirements[g.kind](g.names...)
		all[i] = g
	}
	return all
}

func (w *world) expected(p authn.Principal, g guard, on authz.Resource) answer {
	switch g.kind {
	case "all":
		return w.every(g.names, func(action string) answer { return w.authorize(p, action, on) })
	case "any":
		return w.anyPermission(p, g.names, on)
	case "roles":
		return w.authorizeRoles(p, g.names)
	}
	return w.every(g.names, func(action string) answer { return w.authorizeScope(p, action) })
}

// touched reports whether policies have a say in what the guard asks for.
func (w *world) touched(p authn.Principal, g guard) bool {
	return (g.kind == "all" || g.kind == "any") && slices.ContainsFunc(g.names, func(action string) bool {
		return len(w.inForce(p.Subject.Tenant, action)) > 0
	})
}

// askAbout compares what both say of one caller, in all ways to ask.
func (w *world) askAbout(t *testing.T, p authn.Principal, guards []guard, n *tally) {
	t.Helper()
	for range 3 {
		g := guards[w.IntN(len(guards))]
		a := w.expected(p, g, none)
		early := w.service.Passes(&p, g.Requirement)
		d, err := w.service.Decide(t.Context(), &p, g.Requirement)
		w.compare(t, p, fmt.Sprint(g.kind, g.names), a, d, err, n)
		require.True(t, !early || a.allowed, "%v passes %v %v", p, g.kind, g.names)
		if passes := w.service.Passes(&p, g.Requirement); passes {
			require.True(t, a.allowed, "%v passes %v %v", p, g.kind, g.names)
			n.passed++
		} else {
			require.True(t, !a.allowed || w.touched(p, g), "%v does not pass %v %v", p, g.kind, g.names)
		}
		w.askOn(t, p, g, n)
	}
	action := w.asked()
	w.askOne(t, p, action, w.resource(action), n)
	if w.one(6) {
		w.askMany(t, p, n)
		w.askList(t, p, action, n)
		w.checkListed(t, p, n)
	}
}

func (w *world) askOn(t *testing.T, p authn.Principal, g guard, n *tally) {
	t.Helper()
	on := w.resource(g.names[0])
	d, err := w.service.DecideOn(t.Context(), &p, g.Requirement, on)
	w.compare(t, p, fmt.Sprint(g.kind, g.names, on), w.expected(p, g, on), d, err, n)
}

func (w *world) askOne(t *testing.T, p authn.Principal, action string, on authz.Resource, n *tally) {
	t.Helper()
	d, err := w.service.Authorize(t.Context(), p, action, on)
	w.compare(t, p, action, w.authorize(p, action, on), d, err, n)
	w.truthful(t, p, action, on, d)
	if w.one(4) {
		require.Equal(t, err == nil && d.Allowed, w.service.Can(t.Context(), p, action, on))
		w.explained(t, p, action, on, d, err)
	}
}

// compare holds a decision to the answer of the reference.
func (w *world) compare(t *testing.T, p authn.Principal, what string, a answer, d authz.Decision, err error, n *tally) {
	t.Helper()
	n.asked++
	if d.Allowed {
		n.allowed++
	}
	switch d.Reason {
	case authz.ReasonPermitted, authz.ReasonForbidden, authz.ReasonPolicyError:
		n.byPolicy++
	case authz.ReasonDenied:
		n.byRefusal++
	}
	if a.allowed && !d.Allowed && slices.Contains(a.closed, d.Reason) {
		n.failedClosed++
	}
	if !d.Allowed && slices.Contains(a.closed, d.Reason) {
		a = denied(d.Reason)
	}
	say := func() string { return fmt.Sprintf("%+v\nasks for %s, rules %+v", p, what, *w.reference) }
	if a.allowed != d.Allowed || !slices.Contains(a.reasons, d.Reason) || (d.ID == "") != d.Allowed {
		t.Fatalf("expected %+v, got %+v: %s", a, d, say())
	}
	malformed := errors.Is(err, authz.ErrPermissionSyntax) || errors.Is(err, authz.ErrRoleName)
	if malformed != (d.Reason == authz.ReasonError) || errors.Is(err, authz.ErrEvaluation) && d.Allowed ||
		d.Reason != authz.ReasonError && d.Reason != authz.ReasonPolicyError && err != nil {
		t.Fatalf("error %v with %+v: %s", err, d, say())
	}
	if d.Path != nil {
		w.checkPath(t, p, d.Role, d.Path)
	}
}

// askMany holds a batch to its parts.
func (w *world) askMany(t *testing.T, p authn.Principal, n *tally) {
	t.Helper()
	requests := make([]authz.Request, w.IntN(5))
	for i := range requests {
		requests[i].Action = w.asked()
		requests[i].Resource = w.resource(requests[i].Action)
	}
	all, err := w.service.AuthorizeAll(t.Context(), p, requests...)
	require.Len(t, all, len(requests))
	failed := false
	for i, r := range requests {
		one, oneErr := w.service.Authorize(t.Context(), p, r.Action, r.Resource)
		n.asked++
		if failed {
			require.False(t, all[i].Allowed)
			continue
		}
		all[i].ID, one.ID = "", ""
		require.Equal(t, one, all[i])
		if failed = oneErr != nil; failed {
			require.EqualError(t, err, oneErr.Error())
		}
	}
	require.Equal(t, failed, err != nil)
}

// askList holds a filtered list to single decisions.
func (w *world) askList(t *testing.T, p authn.Principal, action string, n *tally) {
	t.Helper()
	list := make([]authz.Resource, w.IntN(6))
	var expected []int
	places, failed := make([]int, len(list)), !aPermission.MatchString(action)
	for i := range list {
		list[i], places[i] = w.resource(action), i
		d, err := w.service.Authorize(t.Context(), p, action, list[i])
		n.asked++
		if failed = failed || err != nil; d.Allowed {
			expected = append(expected, i)
		}
	}
	kept, err := authz.Filter(t.Context(), w.service, p, action, places, func(i int) authz.Resource { return list[i] })
	require.Equal(t, failed, err != nil)
	if failed {
		require.Empty(t, kept)
		return
	}
	require.True(t, slices.Equal(expected, kept), "%v and %v", expected, kept)
}

// checkListed holds the list of permissions to what is decided where no policy has a say.
func (w *world) checkListed(t *testing.T, p authn.Principal, n *tally) {
	t.Helper()
	listed, err := w.service.Permissions(t.Context(), p)
	require.NoError(t, err)
	require.True(t, slices.IsSorted(listed) && len(slices.Compact(slices.Clone(listed))) == len(listed), listed)
	for range 4 {
		action := w.action()
		if len(w.inForce(p.Subject.Tenant, action)) > 0 {
			continue
		}
		gives, takes := false, false
		for _, text := range listed {
			pattern, refusal := strings.CutPrefix(text, "!")
			require.Regexp(t, aPattern, pattern)
			gives, takes = gives || !refusal && fits(pattern, action), takes || refusal && fits(pattern, action)
		}
		require.Equal(t, w.authorize(p, action, none).allowed, gives && !takes, "%v holds %v and asks for %s", p, listed, action)
		n.asked++
	}
}
