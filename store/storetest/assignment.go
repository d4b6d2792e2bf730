package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// AssignmentStore tests a driver of [authz.AssignmentStore]. The function open
// returns an empty store each time it is called.
func AssignmentStore(t *testing.T, open func(t *testing.T) authz.AssignmentStore) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[authz.AssignmentStore]{
			{"assign and unassign", assignmentLife},
			{"absent", assignmentAbsent},
			{"a role from several sources", assignmentSources},
			{"ends to the microsecond", assignmentEnds},
			{"the first moment of 1970 is an end", assignmentEpoch},
			{"replace what a source says", assignmentReplace},
			{"replace reports whether it changed anything", assignmentReplaceUnchanged},
			{"holders in pages", assignmentHolders},
			{"holders at a time", assignmentHoldersAt},
			{"prune what has ended", assignmentPrune},
			{"tenants are apart (V8.4.1)", assignmentTenants},
			{"odd and long values", assignmentOddValues},
			{"aliasing", assignmentAliasing},
			{"cancelled context", assignmentCancelled},
		},
		raceCases("one role is new once", assignmentRaceAssign),
		raceCases("one role is taken once", assignmentRaceUnassign),
		raceCases("assigning different roles loses none", assignmentRaceMany),
		raceCases("one of many lists is left, and whole", assignmentRaceReplace),
		raceCases("one list is new once", assignmentRaceSame),
		raceCases("a reader sees no half of a list", assignmentRaceRead),
		raceCases("lists of several sources and roles by hand lose none", assignmentRaceSources),
		raceCases("what is assigned again is not pruned", assignmentRacePrune),
	))
}

// byHand is an assignment that never ends.
func byHand(role string) authz.Assignment { return authz.Assignment{Role: role} }

func byHands(roles ...string) (list []authz.Assignment) {
	for _, role := range roles {
		list = append(list, byHand(role))
	}
	return list
}

// listOf is a list of roles from a source.
func listOf(source string, until time.Time, roles ...string) (list []authz.Assignment) {
	for _, role := range roles {
		list = append(list, authz.Assignment{Role: role, Source: source, Until: until})
	}
	return list
}

func assign(t *testing.T, ctx context.Context, s authz.AssignmentStore, expected bool, sub authn.Subject, a authz.Assignment) {
	t.Helper()
	isNew, err := s.Assign(ctx, sub, a)
	require.NoError(t, err)
	require.Equal(t, expected, isNew)
}

func unassign(t *testing.T, ctx context.Context, s authz.AssignmentStore, expected bool, sub authn.Subject, role string) {
	t.Helper()
	had, err := s.Unassign(ctx, sub, role)
	require.NoError(t, err)
	require.Equal(t, expected, had)
}

func replace(t *testing.T, ctx context.Context, s authz.AssignmentStore, expected bool, sub authn.Subject, source string, list ...authz.Assignment) {
	t.Helper()
	changed, err := s.ReplaceAssignments(ctx, sub, source, list)
	require.NoError(t, err)
	require.Equal(t, expected, changed)
}

// plainAssignments makes equal instants equal values.
func plainAssignments(list []authz.Assignment) []authz.Assignment {
	out := []authz.Assignment{}
	for _, a := range list {
		inUTC(&a.Until)
		out = append(out, a)
	}
	return out
}

// requireAssigned requires what the subject has, in this order.
func requireAssigned(t *testing.T, ctx context.Context, s authz.AssignmentStore, sub authn.Subject, expected ...authz.Assignment) {
	t.Helper()
	got, err := s.Assignments(ctx, sub)
	require.NoError(t, err)
	require.Equal(t, plainAssignments(expected), plainAssignments(got))
}

func requireHolders(t *testing.T, ctx context.Context, s authz.AssignmentStore, tenant authn.Tenant, role string, expected ...string) {
	t.Helper()
	requireHoldersAt(t, ctx, s, tenant, role, base(), expected...)
}

func requireHoldersAt(t *testing.T, ctx context.Context, s authz.AssignmentStore, tenant authn.Tenant, role string, at time.Time, expected ...string) {
	t.Helper()
	got, err := s.Holders(ctx, tenant, role, at, "", 1_000_000)
	require.NoError(t, err)
	require.Equal(t, full(expected), full(got))
}

func assignmentLife(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada, bob := subject("", "ada"), subject("", "bob")
	assign(t, ctx, s, true, ada, byHand("editor"))
	assign(t, ctx, s, false, ada, byHand("editor"))
	assign(t, ctx, s, true, ada, byHand("admin"))
	assign(t, ctx, s, true, ada, byHand("Zoo"))
	assign(t, ctx, s, true, bob, byHand("editor"))
	requireAssigned(t, ctx, s, ada, byHands("Zoo", "admin", "editor")...)
	requireHolders(t, ctx, s, "", "editor", "ada", "bob")
	unassign(t, ctx, s, true, ada, "editor")
	unassign(t, ctx, s, false, ada, "editor")
	requireAssigned(t, ctx, s, ada, byHands("Zoo", "admin")...)
	requireAssigned(t, ctx, s, bob, byHand("editor"))
	requireHolders(t, ctx, s, "", "editor", "bob")
	assign(t, ctx, s, true, ada, byHand("editor"))
	requireHolders(t, ctx, s, "", "editor", "ada", "bob")
}

func assignmentAbsent(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	ada := subject("", "ada")
	requireAssigned(t, ctx, s, ada)
	requireHolders(t, ctx, s, "", "editor")
	unassign(t, ctx, s, false, ada, "editor")
	replace(t, ctx, s, false, ada, "corp")
	n, err := s.PruneAssignments(ctx, base())
	require.NoError(t, err)
	assert.Zero(t, n)
}

func assignmentTenants(t *testing.T, ctx context.Context, s authz.AssignmentStore) {
	a, b := subject("a", "ada"), subject("b", "ada")
	assign(t, ctx, s, true, a, byHand("editor"))
	replace(t, ctx, s, true, a, "corp", listOf("corp", time.Time{}, "viewer")...)
	requireAssigned(t, ctx, s, b)
	requireHolders(t, ctx, s, "b", "editor")
	requireHolders(t, ctx, s, "", "editor")
	unassign(t, ctx, s, false, b, "editor")
	replace(t, ctx, s, false, b, "corp")
	assign(t, ctx, s, true, b, byHand("editor"))
	assign(t, ctx, s, true, b, byHand("admin"))
	unassign(t, ctx, s, true, b, "editor")
	replace(t, ctx, s, true, b, "corp", listOf("corp", time.Time{}, "boss")...)
	replace(t, ctx, s, true, b, "corp")
	requireAssigned(t, ctx, s, a, byHand("editor"), authz.Assignment{Role: "viewer", Source: "corp"})
	requireHolders(t, ctx, s, "a", "editor", "ada")
	requireHolders(t, ctx, s, "b", "viewer")
}
